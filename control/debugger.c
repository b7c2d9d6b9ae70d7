/* See control/debugger.h. */
#include "control/debugger.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { MESSAGES_MAX = 64 };

struct debugger {
    struct gate *gate;
    pthread_mutex_t lock, answer_lock;
    atomic_bool pending;
    bool closed;
    unsigned count;
    struct debugger_message *first, **last;
    /* Both locks are held to change it. */
    unsigned connection;
    /* Under answer_lock. */
    unsigned answered; /* the connection that the machine answers now */
    debugger_answer *answer;
    void *opaque;
};

struct debugger *debugger_new(struct gate *gate)
{
    struct debugger *debugger = mem_new(sizeof *debugger);
    debugger->gate = gate;
    debugger->last = &debugger->first;
    pthread_mutex_init(&debugger->lock, NULL);
    pthread_mutex_init(&debugger->answer_lock, NULL);
    return debugger;
}

void debugger_free(struct debugger *debugger)
{
    if (!debugger)
        return;
    for (struct debugger_message *message; (message = debugger_take(debugger));)
        mem_free(message);
    pthread_mutex_destroy(&debugger->lock);
    pthread_mutex_destroy(&debugger->answer_lock);
    mem_free(debugger);
}

static bool is_request(const struct debugger_message *message)
{
    return message->event == DEBUGGER_PACKET || message->event == DEBUGGER_INTERRUPT;
}

/* That somebody came and left stays known. */
static void forget_requests(struct debugger *debugger)
{
    for (struct debugger_message **link = &debugger->first; *link;) {
        struct debugger_message *message = *link;
        if (is_request(message)) {
            *link = message->next;
            debugger->count--;
            mem_free(message);
        } else {
            link = &message->next;
        }
    }
    debugger->last = &debugger->first;
    while (*debugger->last)
        debugger->last = &(*debugger->last)->next;
}

void debugger_set_answer(struct debugger *debugger, debugger_answer *answer, void *opaque)
{
    pthread_mutex_lock(&debugger->answer_lock);
    pthread_mutex_lock(&debugger->lock);
    debugger->answer = answer;
    debugger->opaque = opaque;
    debugger->connection++;
    forget_requests(debugger);
    pthread_mutex_unlock(&debugger->lock);
    pthread_mutex_unlock(&debugger->answer_lock);
}

bool debugger_post(struct debugger *debugger, enum debugger_event event, const char *payload,
                   size_t size)
{
    struct debugger_message *message = mem_new(sizeof *message + size + 1);
    message->event = event;
    message->size = size;
    if (size)
        memcpy(message->payload, payload, size);
    pthread_mutex_lock(&debugger->lock);
    bool taken = !debugger->closed && (!is_request(message) || debugger->count < MESSAGES_MAX);
    if (taken) {
        message->connection = debugger->connection;
        *debugger->last = message;
        debugger->last = &message->next;
        debugger->count++;
        atomic_store_explicit(&debugger->pending, true, memory_order_relaxed);
    }
    pthread_mutex_unlock(&debugger->lock);
    if (taken)
        gate_wake(debugger->gate);
    else
        mem_free(message);
    return taken;
}

bool debugger_pending(const struct debugger *debugger)
{
    return atomic_load_explicit(&debugger->pending, memory_order_relaxed);
}

struct debugger_message *debugger_take(struct debugger *debugger)
{
    pthread_mutex_lock(&debugger->lock);
    struct debugger_message *message = debugger->first;
    if (message) {
        debugger->first = message->next;
        debugger->count--;
    }
    if (!debugger->first) {
        debugger->last = &debugger->first;
        atomic_store_explicit(&debugger->pending, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&debugger->lock);
    if (message) {
        pthread_mutex_lock(&debugger->answer_lock);
        debugger->answered = message->connection;
        pthread_mutex_unlock(&debugger->answer_lock);
    }
    return message;
}

bool debugger_wants_stop(struct debugger *debugger)
{
    bool wants = false;
    pthread_mutex_lock(&debugger->lock);
    for (const struct debugger_message *one = debugger->first; one; one = one->next)
        wants |= one->event == DEBUGGER_INTERRUPT || one->event == DEBUGGER_LEFT;
    pthread_mutex_unlock(&debugger->lock);
    return wants;
}

void debugger_send(struct debugger *debugger, const char *payload, size_t size)
{
    pthread_mutex_lock(&debugger->answer_lock);
    if (debugger->answer && debugger->answered == debugger->connection)
        debugger->answer(debugger->opaque, payload, size);
    pthread_mutex_unlock(&debugger->answer_lock);
}

void debugger_close(struct debugger *debugger)
{
    pthread_mutex_lock(&debugger->lock);
    debugger->closed = true;
    pthread_mutex_unlock(&debugger->lock);
}
