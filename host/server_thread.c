#include "host/server_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool server_thread_open(struct server_thread *thread, const char *name, struct error *err)
{
    *thread = (struct server_thread){name, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return thread->wake >= 0 || error_set_errno(err, "%s: the host has no event to give", name);
}

static void *serve(void *argument)
{
    struct server_thread *thread = argument;
    while (!atomic_load(&thread->ending))
        thread->serve_once(thread->server);
    return NULL;
}

bool server_thread_start(struct server_thread *thread, void (*serve_once)(void *server),
                         void *server, struct error *err)
{
    thread->serve_once = serve_once;
    thread->server = server;
    thread->is_running = pthread_create(&thread->thread, NULL, serve, thread) == 0;
    return thread->is_running || error_set(err, "%s: the host has no thread to give", thread->name);
}

void server_thread_wake(struct server_thread *thread)
{
    eventfd_write(thread->wake, 1);
}

void server_thread_noticed(struct server_thread *thread)
{
    eventfd_t times;
    eventfd_read(thread->wake, &times);
}

bool server_thread_end(struct server_thread *thread)
{
    if (!thread->is_running)
        return false;
    atomic_store(&thread->ending, true);
    server_thread_wake(thread);
    pthread_join(thread->thread, NULL);
    return true;
}

void server_thread_close(struct server_thread *thread)
{
    close(thread->wake);
}
