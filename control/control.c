#include "control/control.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

const char *const control_event_names[] = {"paused", "resumed", "stopped", "reset",
                                           "media",  "frame",   NULL};

struct listener {
    control_event *event;
    void *opaque;
};

struct control {
    const struct command_table *table;
    struct gate *gate;
    pthread_mutex_t lock;
    atomic_bool pending;
    struct control_request *queue; /* in order; what was taken is before first */
    unsigned first, count, room;
    char *closed; /* why nothing is taken any more; NULL: it is */
    /* Under a lock of its own, so that an event may be followed by an answer. */
    pthread_mutex_t listeners_lock;
    struct listener *listeners;
    unsigned listener_count;
};

struct control *control_new(const struct command_table *table, struct gate *gate)
{
    struct control *control = mem_new(sizeof *control);
    control->table = table;
    control->gate = gate;
    pthread_mutex_init(&control->lock, NULL);
    pthread_mutex_init(&control->listeners_lock, NULL);
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    control_close(control, "the machine is gone");
    pthread_mutex_destroy(&control->listeners_lock);
    pthread_mutex_destroy(&control->lock);
    mem_free(control->queue);
    mem_free(control->listeners);
    mem_free(control->closed);
    mem_free(control);
}

const struct command_table *control_table(const struct control *control)
{
    return control->table;
}

/* --- requests --- */

static bool enqueue(struct control *control, const struct control_request *request)
{
    pthread_mutex_lock(&control->lock);
    bool is_open = !control->closed;
    if (is_open) {
        if (control->first == control->count)
            control->first = control->count = 0;
        if (control->count == control->room) {
            control->room = control->room ? control->room * 2 : 16;
            control->queue = mem_resize(control->queue, control->room * sizeof *control->queue);
        }
        control->queue[control->count++] = *request;
        atomic_store_explicit(&control->pending, true, memory_order_relaxed);
    }
    pthread_mutex_unlock(&control->lock);
    return is_open;
}

void control_post(struct control *control, struct command_call *call, control_answer *answer,
                  void *opaque)
{
    struct control_request request = {*call, answer, opaque};
    *call = (struct command_call){0};
    if (enqueue(control, &request)) {
        gate_wake(control->gate);
        return;
    }
    struct error err;
    error_set(&err, "%s", control->closed);
    control_finish(&request, NULL, &err, EXIT_STATUS_HOST_ERROR);
}

bool control_post_line(struct control *control, const char *line, control_answer *answer,
                       void *opaque, struct error *err)
{
    struct command_call call;
    if (!command_parse_line(control->table, line, strlen(line), false, &call, err))
        return false;
    if (!call.command)
        return error_set(err, "a command is missing");
    control_post(control, &call, answer, opaque);
    return true;
}

bool control_pending(const struct control *control)
{
    return atomic_load_explicit(&control->pending, memory_order_relaxed);
}

bool control_take(struct control *control, struct control_request *request)
{
    pthread_mutex_lock(&control->lock);
    bool taken = control->first < control->count;
    if (taken)
        *request = control->queue[control->first++];
    if (control->first == control->count)
        atomic_store_explicit(&control->pending, false, memory_order_relaxed);
    pthread_mutex_unlock(&control->lock);
    return taken;
}

void control_finish(struct control_request *request, json_t *result, const struct error *err,
                    int status)
{
    struct control_outcome outcome = {request->call.command, result, err, status};
    if (request->answer)
        request->answer(request->opaque, &outcome);
    command_call_free(&request->call);
}

void control_close(struct control *control, const char *reason)
{
    struct control_request request;
    struct error err;
    pthread_mutex_lock(&control->lock);
    if (!control->closed)
        control->closed = mem_string_copy(reason);
    pthread_mutex_unlock(&control->lock);
    error_set(&err, "%s", control->closed);
    while (control_take(control, &request))
        control_finish(&request, NULL, &err, EXIT_STATUS_HOST_ERROR);
}

/* --- events --- */

void control_listen(struct control *control, control_event *event, void *opaque)
{
    pthread_mutex_lock(&control->listeners_lock);
    unsigned count = control->listener_count + 1;
    control->listeners = mem_resize(control->listeners, count * sizeof *control->listeners);
    control->listeners[control->listener_count++] = (struct listener){event, opaque};
    pthread_mutex_unlock(&control->listeners_lock);
}

void control_unlisten(struct control *control, control_event *event, void *opaque)
{
    pthread_mutex_lock(&control->listeners_lock);
    for (unsigned i = 0; i < control->listener_count; i++) {
        struct listener *listener = &control->listeners[i];
        if (listener->event != event || listener->opaque != opaque)
            continue;
        *listener = control->listeners[--control->listener_count];
        break;
    }
    pthread_mutex_unlock(&control->listeners_lock);
}

void control_announce(struct control *control, const char *name, json_t *details)
{
    pthread_mutex_lock(&control->listeners_lock);
    for (unsigned i = 0; i < control->listener_count; i++)
        control->listeners[i].event(control->listeners[i].opaque, name, details);
    pthread_mutex_unlock(&control->listeners_lock);
}
