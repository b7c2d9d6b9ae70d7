#include "record/gate.h"

#include "base/memory.h"
#include "base/time128.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { GATE_QUEUE_LENGTH = 1024 };

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t arrived, room;
    atomic_bool pending;
    bool closed, woken;
    unsigned first, count; /* a ring */
    struct gate_event queue[GATE_QUEUE_LENGTH];
    struct {
        gate_sink *sink;
        void *opaque;
    } sinks[GATE_KIND_COUNT], log;
};

struct gate *gate_new(void)
{
    struct gate *gate = mem_new(sizeof *gate);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->arrived, &attributes);
    pthread_cond_init(&gate->room, &attributes);
    pthread_condattr_destroy(&attributes);
    return gate;
}

void gate_event_free(struct gate_event *event)
{
    if (event->kind != GATE_MEDIA)
        return;
    mem_free(event->u.media.specification);
    event->u.media.specification = NULL;
}

/* An event that no sink has taken. */
static void drop(struct gate_event *event)
{
    if (event->kind == GATE_MEDIA && event->u.media.disk)
        event->u.media.disk->ops->close(event->u.media.disk);
    gate_event_free(event);
}

static void drop_all_locked(struct gate *gate)
{
    for (; gate->count; gate->count--) {
        drop(&gate->queue[gate->first]);
        gate->first = (gate->first + 1) % GATE_QUEUE_LENGTH;
    }
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    drop_all_locked(gate);
    pthread_cond_destroy(&gate->room);
    pthread_cond_destroy(&gate->arrived);
    pthread_mutex_destroy(&gate->lock);
    mem_free(gate);
}

void gate_set_sink(struct gate *gate, enum gate_event_kind kind, gate_sink *sink, void *opaque)
{
    gate->sinks[kind].sink = sink;
    gate->sinks[kind].opaque = opaque;
}

void gate_set_log(struct gate *gate, gate_sink *log, void *opaque)
{
    gate->log.sink = log;
    gate->log.opaque = opaque;
}

static bool enqueue_locked(struct gate *gate, const struct gate_event *event)
{
    if (gate->count == GATE_QUEUE_LENGTH)
        return false;
    gate->queue[(gate->first + gate->count++) % GATE_QUEUE_LENGTH] = *event;
    atomic_store_explicit(&gate->pending, true, memory_order_relaxed);
    pthread_cond_signal(&gate->arrived);
    return true;
}

bool gate_submit(struct gate *gate, const struct gate_event *event)
{
    pthread_mutex_lock(&gate->lock);
    bool taken = enqueue_locked(gate, event);
    pthread_mutex_unlock(&gate->lock);
    return taken;
}

void gate_key(struct gate *gate, uint16_t code, bool down)
{
    struct gate_event event = {.kind = GATE_KEY};
    event.u.key.code = code;
    event.u.key.down = down;
    gate_submit(gate, &event);
}

void gate_mouse(struct gate *gate, int dx, int dy, int wheel, unsigned buttons)
{
    struct gate_event event = {.kind = GATE_MOUSE};
    event.u.mouse.dx = (int16_t)dx;
    event.u.mouse.dy = (int16_t)dy;
    event.u.mouse.wheel = (int8_t)wheel;
    event.u.mouse.buttons = (uint8_t)buttons;
    gate_submit(gate, &event);
}

void gate_pointer(struct gate *gate, unsigned x, unsigned y, int wheel, unsigned buttons)
{
    struct gate_event event = {.kind = GATE_POINTER};
    event.u.pointer.x = (uint16_t)x;
    event.u.pointer.y = (uint16_t)y;
    event.u.pointer.wheel = (int8_t)wheel;
    event.u.pointer.buttons = (uint8_t)buttons;
    gate_submit(gate, &event);
}

static size_t enqueue_serial(struct gate *gate, unsigned port, const uint8_t *bytes, size_t size,
                             bool wait)
{
    size_t done = 0;
    pthread_mutex_lock(&gate->lock);
    while (done < size && !gate->closed) {
        struct gate_event event = {.kind = GATE_SERIAL};
        size_t part = size - done < GATE_SERIAL_MAX ? size - done : GATE_SERIAL_MAX;
        event.u.serial.port = (uint8_t)port;
        event.u.serial.size = (uint8_t)part;
        memcpy(event.u.serial.bytes, bytes + done, part);
        if (enqueue_locked(gate, &event))
            done += part;
        else if (wait)
            pthread_cond_wait(&gate->room, &gate->lock);
        else
            break;
    }
    pthread_mutex_unlock(&gate->lock);
    return done;
}

void gate_serial_wait(struct gate *gate, unsigned port, const uint8_t *bytes, size_t size)
{
    enqueue_serial(gate, port, bytes, size, true);
}

size_t gate_serial(struct gate *gate, unsigned port, const uint8_t *bytes, size_t size)
{
    return enqueue_serial(gate, port, bytes, size, false);
}

bool gate_pending(const struct gate *gate)
{
    return atomic_load_explicit(&gate->pending, memory_order_relaxed);
}

void gate_replay(struct gate *gate, struct gate_event *event)
{
    if (!gate->sinks[event->kind].sink) {
        drop(event);
        return;
    }
    gate->sinks[event->kind].sink(gate->sinks[event->kind].opaque, event);
    gate_event_free(event);
}

void gate_deliver_now(struct gate *gate, struct gate_event *event, uint64_t icount)
{
    event->icount = icount;
    if (gate->log.sink)
        gate->log.sink(gate->log.opaque, event);
    gate_replay(gate, event);
}

void gate_discard(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    drop_all_locked(gate);
    atomic_store_explicit(&gate->pending, false, memory_order_relaxed);
    pthread_cond_broadcast(&gate->room);
    pthread_mutex_unlock(&gate->lock);
}

void gate_deliver(struct gate *gate, uint64_t icount)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->count) {
        struct gate_event event = gate->queue[gate->first];
        gate->first = (gate->first + 1) % GATE_QUEUE_LENGTH;
        gate->count--;
        /* A sink may submit, so it runs unlocked. */
        pthread_mutex_unlock(&gate->lock);
        gate_deliver_now(gate, &event, icount);
        pthread_mutex_lock(&gate->lock);
    }
    atomic_store_explicit(&gate->pending, false, memory_order_relaxed);
    pthread_cond_broadcast(&gate->room);
    pthread_mutex_unlock(&gate->lock);
}

void gate_wait(struct gate *gate, uint64_t nanoseconds)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    bool endless = nanoseconds > NS_PER_SECOND * 1000000;
    if (!endless) {
        uint64_t part = (uint64_t)end.tv_nsec + nanoseconds % NS_PER_SECOND;
        end.tv_sec += (time_t)(nanoseconds / NS_PER_SECOND + part / NS_PER_SECOND);
        end.tv_nsec = (long)(part % NS_PER_SECOND);
    }
    pthread_mutex_lock(&gate->lock);
    int status = 0;
    while (!gate->count && !gate->closed && !gate->woken && status != ETIMEDOUT) {
        if (endless)
            pthread_cond_wait(&gate->arrived, &gate->lock);
        else
            status = pthread_cond_timedwait(&gate->arrived, &gate->lock, &end);
    }
    gate->woken = false;
    pthread_mutex_unlock(&gate->lock);
}

void gate_wake(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->woken = true;
    pthread_cond_signal(&gate->arrived);
    pthread_mutex_unlock(&gate->lock);
}

void gate_close(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->closed = true;
    pthread_cond_broadcast(&gate->arrived);
    pthread_cond_broadcast(&gate->room);
    pthread_mutex_unlock(&gate->lock);
}
