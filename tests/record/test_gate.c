/* The gate: order, stamps, threads, full queues. Run alone: build/tests/record/test_gate */
#include "tests/harness/unit.h"

#include "record/gate.h"

#include <pthread.h>
#include <string.h>

struct seen {
    unsigned count;
    struct gate_event event[64];
};

static void note(void *opaque, const struct gate_event *event)
{
    struct seen *seen = opaque;
    seen->event[seen->count++] = *event;
}

static void events_come_in_order_with_their_stamp(void **state)
{
    struct seen keys = {0}, mice = {0}, log = {0};
    struct gate *gate = gate_new();
    gate_set_sink(gate, GATE_KEY, note, &keys);
    gate_set_sink(gate, GATE_MOUSE, note, &mice);
    gate_set_log(gate, note, &log);
    assert_false(gate_pending(gate));
    gate_key(gate, 0x1E, true);
    gate_mouse(gate, 3, -4, 1, 2);
    gate_key(gate, 0x1E, false);
    assert_true(gate_pending(gate));
    assert_int_equal(keys.count, 0);
    gate_deliver(gate, 1234);
    assert_false(gate_pending(gate));
    assert_int_equal(keys.count, 2);
    assert_true(keys.event[0].u.key.down);
    assert_false(keys.event[1].u.key.down);
    assert_int_equal(keys.event[1].icount, 1234);
    assert_int_equal(mice.count, 1);
    assert_int_equal(mice.event[0].u.mouse.dy, -4);
    assert_int_equal(log.count, 3);
    assert_int_equal(log.event[1].kind, GATE_MOUSE);
    gate_free(gate);
}

static void long_input_is_split_and_kept_whole(void **state)
{
    struct seen seen = {0};
    struct gate *gate = gate_new();
    gate_set_sink(gate, GATE_SERIAL, note, &seen);
    uint8_t bytes[1000], got[1000];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_int_equal(gate_serial(gate, 1, bytes, sizeof bytes), sizeof bytes);
    gate_deliver(gate, 0);
    size_t size = 0;
    for (unsigned i = 0; i < seen.count; i++) {
        assert_int_equal(seen.event[i].u.serial.port, 1);
        memcpy(got + size, seen.event[i].u.serial.bytes, seen.event[i].u.serial.size);
        size += seen.event[i].u.serial.size;
    }
    assert_int_equal(size, sizeof bytes);
    assert_memory_equal(got, bytes, sizeof bytes);
    gate_free(gate);
}

static void a_full_queue_takes_nothing(void **state)
{
    struct gate *gate = gate_new();
    struct gate_event event = {.kind = GATE_NMI_BUTTON};
    unsigned taken = 0;
    while (gate_submit(gate, &event))
        taken++;
    assert_true(taken > 100);
    uint8_t byte = 0;
    assert_int_equal(gate_serial(gate, 0, &byte, 1), 0);
    gate_deliver(gate, 0);
    assert_true(gate_submit(gate, &event));
    gate_free(gate);
}

enum { FLOOD = 200000 };

static void *flood(void *argument)
{
    uint8_t bytes[FLOOD];
    for (unsigned i = 0; i < FLOOD; i++)
        bytes[i] = (uint8_t)i;
    gate_serial_wait(argument, 0, bytes, sizeof bytes);
    return NULL;
}

struct flooded {
    unsigned count;
    bool in_order;
};

static void note_flood(void *opaque, const struct gate_event *event)
{
    struct flooded *flooded = opaque;
    for (unsigned i = 0; i < event->u.serial.size; i++)
        flooded->in_order &= event->u.serial.bytes[i] == (uint8_t)flooded->count++;
}

static void a_thread_that_floods_waits_for_room(void **state)
{
    struct flooded flooded = {0, true};
    struct gate *gate = gate_new();
    gate_set_sink(gate, GATE_SERIAL, note_flood, &flooded);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flood, gate), 0);
    while (flooded.count < FLOOD) {
        gate_wait(gate, UINT64_MAX);
        gate_deliver(gate, 0);
    }
    pthread_join(thread, NULL);
    assert_int_equal(flooded.count, FLOOD);
    assert_true(flooded.in_order);
    gate_free(gate);
}

static void closing_lets_a_waiting_thread_go(void **state)
{
    struct gate *gate = gate_new();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flood, gate), 0);
    gate_wait(gate, UINT64_MAX);
    gate_close(gate);
    pthread_join(thread, NULL);
    gate_wait(gate, UINT64_MAX); /* does not block any more */
    gate_free(gate);
}

static void close_disk(struct disk_backend *disk)
{
    disk->sector_count = 0;
}

static void a_medium_that_is_not_delivered_is_closed(void **state)
{
    static const struct disk_backend_ops ops = {.close = close_disk};
    struct disk_backend disk = {.ops = &ops, .sector_count = 1};
    struct gate_event event = {.kind = GATE_MEDIA};
    event.u.media.disk = &disk;
    struct gate *gate = gate_new();
    gate_submit(gate, &event);
    gate_free(gate);
    assert_int_equal(disk.sector_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_with_their_stamp),
        cmocka_unit_test(long_input_is_split_and_kept_whole),
        cmocka_unit_test(a_full_queue_takes_nothing),
        cmocka_unit_test(a_thread_that_floods_waits_for_room),
        cmocka_unit_test(closing_lets_a_waiting_thread_go),
        cmocka_unit_test(a_medium_that_is_not_delivered_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
