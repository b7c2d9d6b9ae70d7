#include "host/control_server.h"

#include "base/memory.h"
#include "host/control_client.h"
#include "host/server_thread.h"
#include "host/unix_socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    CLIENTS_MAX = 32,
    WORD_FDS = 2, /* before the clients' in a poll: wake, listener */
    FAREWELL_MS = 1000,
};

struct control_server {
    struct unix_listener listener;
    struct control *control;
    struct screen *screen;
    struct server_thread thread;
    /* Everything below is under the lock: answers come from the machine's thread. */
    pthread_mutex_t lock;
    struct control_client *client[CLIENTS_MAX];
    unsigned client_count, next_number;
    struct screen_watcher *watcher; /* while somebody has subscribed to frames */
    json_int_t frames;
};

/* Who asked, for the answer. */
struct asker {
    struct control_server *server;
    unsigned client; /* number */
    json_t *id;      /* owned; NULL: none was given */
    bool wants_text;
};

static struct control_client *find(struct control_server *server, unsigned number)
{
    for (unsigned i = 0; i < server->client_count; i++) {
        if (server->client[i]->number == number)
            return server->client[i];
    }
    return NULL;
}

/* --- answers --- */

static json_t *new_answer(json_t *id, bool ok)
{
    json_t *answer = json_object();
    if (id)
        json_object_set(answer, "id", id);
    json_object_set_new(answer, "ok", json_boolean(ok));
    return answer;
}

static void refuse(struct control_client *client, json_t *id, int status, const char *reason)
{
    json_t *answer = new_answer(id, false);
    /* Messages may quote what was no UTF-8. */
    json_t *text = json_string(reason);
    json_object_set_new(answer, "error", text ? text : json_string("the request is refused"));
    json_object_set_new(answer, "status", json_integer(status));
    client_send(client, answer);
}

static void accept_request(struct control_client *client, json_t *id, bool wants_text,
                           const struct command *command, json_t *result)
{
    json_t *answer = new_answer(id, true);
    json_object_set(answer, "result", result);
    if (wants_text) {
        char *text = command_result_text(command, result, NULL);
        json_object_set_new(answer, "text", json_string(text));
        mem_free(text);
    }
    client_send(client, answer);
}

/* On the machine's thread, as a rule. */
static void on_answer(void *opaque, const struct control_outcome *outcome)
{
    struct asker *asker = opaque;
    struct control_server *server = asker->server;
    pthread_mutex_lock(&server->lock);
    struct control_client *client = find(server, asker->client);
    if (client) {
        client->requests--;
        if (outcome->result)
            accept_request(client, asker->id, asker->wants_text, outcome->command, outcome->result);
        else
            refuse(client, asker->id, outcome->status, outcome->err->text);
    }
    pthread_mutex_unlock(&server->lock);
    server_thread_wake(&server->thread);
    json_decref(asker->id);
    mem_free(asker);
}

/* --- events --- */

static unsigned event_bit(const char *name)
{
    unsigned bit = 0;
    while (strcmp(control_event_names[bit], name) != 0)
        bit++;
    return 1u << bit;
}

static void send_event(struct control_server *server, const char *name, json_t *details)
{
    for (unsigned i = 0; i < server->client_count; i++) {
        if (!(server->client[i]->events & event_bit(name)))
            continue;
        json_t *event = json_pack("{s:s}", "event", name);
        if (details)
            json_object_set(event, "details", details);
        client_send(server->client[i], event);
    }
}

static void on_event(void *opaque, const char *name, json_t *details)
{
    struct control_server *server = opaque;
    pthread_mutex_lock(&server->lock);
    send_event(server, name, details);
    pthread_mutex_unlock(&server->lock);
    server_thread_wake(&server->thread);
}

static void on_frame(void *opaque)
{
    struct control_server *server = opaque;
    server_thread_wake(&server->thread);
}

/* Watches the screen exactly while somebody wants to hear of it. Not under the lock: news may be on
 * its way. */
static void watch_frames(struct control_server *server)
{
    bool wanted = false;
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->client_count; i++)
        wanted |= (server->client[i]->events & event_bit("frame")) != 0;
    pthread_mutex_unlock(&server->lock);
    if (wanted && !server->watcher)
        server->watcher = screen_watch(server->screen, SCREEN_PIXELS, on_frame, server);
    if (!wanted && server->watcher) {
        screen_unwatch(server->watcher);
        server->watcher = NULL;
    }
    if (!server->watcher || !screen_take_frame(server->watcher, NULL, NULL))
        return;
    json_t *details = json_pack("{s:I}", "number", ++server->frames);
    pthread_mutex_lock(&server->lock);
    send_event(server, "frame", details);
    pthread_mutex_unlock(&server->lock);
    json_decref(details);
}

static void subscribe(struct control_client *client, json_t *id, bool wants_text,
                      const struct command_call *call)
{
    const struct command_value *events = command_argument(call, "events");
    unsigned bits = events->given ? (unsigned)events->number : ~0u;
    if (call->command->variant == 0)
        client->events |= bits;
    else
        client->events &= ~bits;
    json_t *names = json_array();
    for (unsigned i = 0; control_event_names[i]; i++) {
        if (client->events >> i & 1)
            json_array_append_new(names, json_string(control_event_names[i]));
    }
    json_t *result = json_pack("{s:o}", "events", names);
    accept_request(client, id, wants_text, call->command, result);
    json_decref(result);
}

/* --- requests --- */

static void carry_out(struct control_server *server, struct control_client *client,
                      const json_t *request)
{
    struct command_call call;
    struct error err = {""};
    json_t *id = json_object_get(request, "id");
    bool wants_text = json_is_true(json_object_get(request, "text"));
    if (!command_parse_request(control_table(server->control), request, &call, &err)) {
        refuse(client, id, EXIT_STATUS_USAGE, err.text);
        return;
    }
    if (call.command->flags & COMMAND_SESSION) {
        subscribe(client, id, wants_text, &call);
        command_call_free(&call);
        return;
    }
    if (client->requests == CLIENT_REQUESTS_MAX) {
        refuse(client, id, EXIT_STATUS_HOST_ERROR, "too many requests at once");
        command_call_free(&call);
        return;
    }
    struct asker *asker = mem_new(sizeof *asker);
    /* A copy, because the answer is made on another thread, and JSON values belong to one. */
    *asker = (struct asker){server, client->number, json_deep_copy(id), wants_text};
    client->requests++;
    /* The answer may come at once, and wants the lock. */
    pthread_mutex_unlock(&server->lock);
    control_post(server->control, &call, on_answer, asker);
    pthread_mutex_lock(&server->lock);
}

static void take_line(struct control_server *server, struct control_client *client,
                      const char *line, size_t size)
{
    json_error_t reason;
    json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &reason);
    if (!request) {
        char text[256];
        snprintf(text, sizeof text, "no JSON: %.200s (column %d)", reason.text, reason.column);
        refuse(client, NULL, EXIT_STATUS_USAGE, text);
        return;
    }
    carry_out(server, client, request);
    json_decref(request);
}

static void take_input(struct control_server *server, struct control_client *client)
{
    size_t size;
    bool too_long = false;
    char *line;
    if (!client_read(client))
        client->ending = true;
    while (!client->broken && (line = client_next_line(client, &size, &too_long))) {
        if (size)
            take_line(server, client, line, size);
        mem_free(line);
    }
    if (too_long) {
        refuse(client, NULL, EXIT_STATUS_USAGE, "a request is too long");
        client->ending = true;
    }
}

/* --- connections --- */

static void accept_client(struct control_server *server)
{
    int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct control_client *client = client_new(fd, server->next_number++);
    if (server->client_count < CLIENTS_MAX) {
        server->client[server->client_count++] = client;
        return;
    }
    refuse(client, NULL, EXIT_STATUS_HOST_ERROR, "too many connections");
    client_flush(client);
    client_free(client);
}

/* One that has gone may still have sent requests whose answers nobody waits for. */
static void drop_clients(struct control_server *server)
{
    for (unsigned i = 0; i < server->client_count;) {
        struct control_client *client = server->client[i];
        if (client->out_size && !client->broken)
            client_flush(client);
        if (client->broken || (client->ending && !client->out_size && !client->requests)) {
            client_free(client);
            server->client[i] = server->client[--server->client_count];
        } else {
            i++;
        }
    }
}

/* Fills fds, WORD_FDS + CLIENTS_MAX; the clients' numbers in the same order. */
static unsigned prepare(struct control_server *server, struct pollfd *fds, unsigned *numbers)
{
    fds[0] = (struct pollfd){.fd = server->thread.wake, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = server->listener.fd, .events = POLLIN};
    for (unsigned i = 0; i < server->client_count; i++) {
        const struct control_client *client = server->client[i];
        short events = client->ending ? 0 : POLLIN;
        events |= client->out_size ? POLLOUT : 0;
        /* One that is only waited for: an error of it would wake us again and again. */
        fds[WORD_FDS + i] = (struct pollfd){.fd = events ? client->fd : -1, .events = events};
        numbers[i] = client->number;
    }
    return server->client_count;
}

static void serve_once(void *opaque)
{
    struct control_server *server = opaque;
    struct pollfd fds[WORD_FDS + CLIENTS_MAX];
    unsigned numbers[CLIENTS_MAX];
    pthread_mutex_lock(&server->lock);
    drop_clients(server);
    unsigned count = prepare(server, fds, numbers);
    pthread_mutex_unlock(&server->lock);
    watch_frames(server);
    if (poll(fds, WORD_FDS + count, -1) < 0 && errno != EINTR)
        return;
    server_thread_noticed(&server->thread);
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < count; i++) {
        struct control_client *client = find(server, numbers[i]);
        if (client && fds[WORD_FDS + i].revents & (POLLIN | POLLHUP | POLLERR))
            take_input(server, client);
    }
    if (fds[1].revents)
        accept_client(server);
    pthread_mutex_unlock(&server->lock);
}

/* What is still to be sent may need a moment. */
static void say_farewell(struct control_server *server)
{
    for (unsigned waited = 0; waited < FAREWELL_MS; waited += 10) {
        bool all_sent = true;
        for (unsigned i = 0; i < server->client_count; i++) {
            client_flush(server->client[i]);
            all_sent &= !server->client[i]->out_size || server->client[i]->broken;
        }
        if (all_sent)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

struct control_server *control_server_open(const char *path, struct error *err)
{
    struct control_server *server = mem_new(sizeof *server);
    if (!unix_listen(&server->listener, path, err)) {
        mem_free(server);
        return NULL;
    }
    if (!server_thread_open(&server->thread, "the control socket", err)) {
        unix_listener_close(&server->listener);
        mem_free(server);
        return NULL;
    }
    pthread_mutex_init(&server->lock, NULL);
    return server;
}

bool control_server_start(struct control_server *server, struct control *control,
                          struct screen *screen, struct error *err)
{
    server->control = control;
    server->screen = screen;
    control_listen(control, on_event, server);
    return server_thread_start(&server->thread, serve_once, server, err);
}

void control_server_close(struct control_server *server)
{
    if (!server)
        return;
    if (server_thread_end(&server->thread))
        say_farewell(server);
    if (server->control)
        control_unlisten(server->control, on_event, server);
    if (server->watcher)
        screen_unwatch(server->watcher);
    for (unsigned i = 0; i < server->client_count; i++)
        client_free(server->client[i]);
    server_thread_close(&server->thread);
    unix_listener_close(&server->listener);
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}
