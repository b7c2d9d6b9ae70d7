/* The thread on which a server waits for its sockets, and how other threads wake and end it. */
#ifndef HOST_SERVER_THREAD_H
#define HOST_SERVER_THREAD_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>

struct server_thread {
    const char *name; /* of the server, for messages; not owned */
    int wake;         /* to be polled for reading beside the sockets */
    pthread_t thread;
    bool is_running;
    atomic_bool ending;
    void (*serve_once)(void *server);
    void *server;
};

/* False: err says why. */
bool server_thread_open(struct server_thread *thread, const char *name, struct error *err);
/* Calls serve_once again and again. False: it does not, and err says so. */
bool server_thread_start(struct server_thread *thread, void (*serve_once)(void *server),
                         void *server, struct error *err);
/* From any thread: a poll that waits, or the next one, returns. */
void server_thread_wake(struct server_thread *thread);
/* After the poll: what came before has been noticed. */
void server_thread_noticed(struct server_thread *thread);
/* Waits for the end of serve_once, which is not called again. False: the thread never ran. */
bool server_thread_end(struct server_thread *thread);
void server_thread_close(struct server_thread *thread);

#endif
