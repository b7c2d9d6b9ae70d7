/* The journal: what goes in comes out, positions hold, bad bytes are refused.
 * Run alone: build/tests/replay/test_journal */
#include "tests/harness/unit.h"

#include "base/memory.h"
#include "record/log_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed = 1;

static uint64_t number(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static struct gate_event any_event(enum gate_event_kind kind)
{
    struct gate_event event = {.kind = kind};
    switch (kind) {
    case GATE_KEY:
        event.u.key.code = (uint16_t)number(300);
        event.u.key.down = number(2);
        break;
    case GATE_MOUSE:
        event.u.mouse.dx = (int16_t)((int)number(65536) - 32768);
        event.u.mouse.dy = (int16_t)((int)number(256) - 128);
        event.u.mouse.wheel = (int8_t)((int)number(256) - 128);
        event.u.mouse.buttons = (uint8_t)number(8);
        break;
    case GATE_POINTER:
        event.u.pointer.x = (uint16_t)number(65536);
        event.u.pointer.y = (uint16_t)number(65536);
        event.u.pointer.wheel = -1;
        event.u.pointer.buttons = (uint8_t)number(8);
        break;
    case GATE_SERIAL:
        event.u.serial.port = (uint8_t)number(2);
        event.u.serial.size = (uint8_t)number(GATE_SERIAL_MAX + 1);
        for (unsigned i = 0; i < event.u.serial.size; i++)
            event.u.serial.bytes[i] = (uint8_t)number(256);
        break;
    case GATE_MEDIA:
        event.u.media.drive = (uint8_t)number(GATE_DRIVE_COUNT);
        if (number(2))
            event.u.media.specification = "/some/where/disk.img,snapshot";
        break;
    case GATE_RATE:
        event.u.picoseconds_per_insn = 1 + number(1000000);
        break;
    case GATE_WALL_CLOCK:
        event.u.wall_seconds = (int64_t)number(UINT32_MAX) - 1000000;
        break;
    case GATE_POKE:
        strcpy(event.u.poke.name, "xmm3");
        event.u.poke.low = number(UINT64_MAX);
        event.u.poke.high = UINT64_MAX;
        event.u.poke.digits = 32;
        break;
    case GATE_MEMORY:
        event.u.memory.address = UINT32_MAX - (uint32_t)number(1000);
        event.u.memory.size = (uint8_t)(1 + number(GATE_SERIAL_MAX));
        memset(event.u.memory.bytes, 0xA5, event.u.memory.size);
        break;
    default:
        break;
    }
    return event;
}

static void advance(struct journal_stamp *stamp)
{
    if (number(4)) {
        uint64_t insns = number(2) ? number(100) : number(1u << 30);
        stamp->icount += insns;
        stamp->time_ns += insns * 10 - (insns > 5 ? number(50) : 0);
        stamp->order = (uint32_t)number(3) + (insns ? 0 : stamp->order);
    }
    if (!number(4))
        stamp->time_ns += number(1u << 30);
    else
        stamp->order += (uint32_t)number(2);
}

enum { RECORDS = 3000 };

static struct journal_record expected[RECORDS];

static struct journal *filled(struct journal_position *position)
{
    struct journal *journal = journal_new();
    struct journal_stamp stamp = {0};
    for (unsigned i = 0; i < RECORDS; i++) {
        position[i] = journal_end(journal);
        advance(&stamp);
        enum gate_event_kind kind = i % (GATE_KIND_COUNT + 2);
        if (kind < GATE_KIND_COUNT) {
            expected[i] = (struct journal_record){stamp, JOURNAL_EVENT, 0, any_event(kind)};
            journal_append_event(journal, &stamp, &expected[i].event);
            expected[i].event.icount = stamp.icount;
        } else {
            enum journal_kind mark = i % 2 ? JOURNAL_MARK_ALL : JOURNAL_MARK_CHIPS;
            expected[i] = (struct journal_record){stamp, mark, number(UINT64_MAX), {0}};
            journal_append_mark(journal, &stamp, mark, expected[i].hash);
            expected[i].event.icount = stamp.icount;
        }
    }
    position[RECORDS] = journal_end(journal);
    return journal;
}

static void assert_same(struct journal_record *read, const struct journal_record *wanted)
{
    struct journal_record a = *read, b = *wanted;
    char *text = a.kind == JOURNAL_EVENT && a.event.kind == GATE_MEDIA
                     ? a.event.u.media.specification
                     : NULL;
    if (b.kind == JOURNAL_EVENT && b.event.kind == GATE_MEDIA) {
        assert_string_equal(text ? text : "",
                            b.event.u.media.specification ? b.event.u.media.specification : "");
        a.event.u.media.specification = b.event.u.media.specification = NULL;
    }
    assert_int_equal(journal_stamp_compare(&a.stamp, &b.stamp), 0);
    assert_int_equal(a.kind, b.kind);
    assert_true(a.hash == b.hash);
    assert_memory_equal(&a.event, &b.event, sizeof a.event);
    if (read->kind == JOURNAL_EVENT)
        gate_event_free(&read->event);
}

static void assert_reads(struct journal *journal, struct journal_position from, unsigned first,
                         unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        struct journal_record record;
        assert_int_equal(from.count, i);
        assert_true(journal_read(journal, &from, &record));
        assert_same(&record, &expected[i]);
    }
    struct journal_record none;
    if (first + count == journal_end(journal).count)
        assert_false(journal_read(journal, &from, &none));
}

static struct journal_position position[RECORDS + 1];

static void what_goes_in_comes_out(void **state)
{
    struct journal *journal = filled(position);
    assert_reads(journal, journal_begin(journal), 0, RECORDS);
    assert_reads(journal, position[777], 777, RECORDS - 777);
    journal_free(journal);
}

static void it_can_be_cut_on_both_sides(void **state)
{
    struct journal *journal = filled(position);
    journal_trim(journal, &position[500]);
    assert_int_equal(journal_begin(journal).count, 500);
    assert_reads(journal, journal_begin(journal), 500, RECORDS - 500);
    journal_truncate(journal, &position[2000]);
    assert_reads(journal, position[600], 600, 1400);
    for (unsigned i = 2000; i < RECORDS; i++) {
        if (expected[i].kind == JOURNAL_EVENT)
            journal_append_event(journal, &expected[i].stamp, &expected[i].event);
        else
            journal_append_mark(journal, &expected[i].stamp, expected[i].kind, expected[i].hash);
        if (i % 50 == 0)
            journal_trim(journal, &position[i - 100]);
    }
    assert_reads(journal, position[2900], 2900, 100);
    journal_free(journal);
}

static void bytes_make_the_same_journal(void **state)
{
    struct journal *journal = filled(position), *copy = journal_new();
    struct error err;
    size_t size;
    struct journal_position begin = journal_begin(journal);
    const uint8_t *bytes = journal_bytes(journal, &begin, &size);
    /* In pieces, as frames of a file hold them. */
    for (unsigned i = 0; i < RECORDS; i += 100) {
        size_t from = (size_t)position[i].offset, to = (size_t)position[i + 100].offset;
        assert_true(journal_append_bytes(copy, bytes + from, to - from, &err));
    }
    assert_reads(copy, journal_begin(copy), 0, RECORDS);
    journal_free(copy);
    journal_free(journal);
}

static void bad_bytes_are_refused(void **state)
{
    struct journal *journal = filled(position);
    struct error err;
    size_t size;
    struct journal_position begin = journal_begin(journal);
    const uint8_t *good = journal_bytes(journal, &begin, &size);
    unsigned refused = 0;
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t bytes[4096];
        size_t count = 1 + number(sizeof bytes - 1);
        memcpy(bytes, good, count);
        bytes[number(count)] ^= (uint8_t)(1 << number(8));
        struct journal *copy = journal_new();
        bool taken = journal_append_bytes(copy, bytes, count, &err);
        if (!taken) {
            refused++;
            assert_int_equal(journal_end(copy).offset, 0);
        } else {
            struct journal_position at = journal_begin(copy);
            struct journal_record record;
            while (journal_read(copy, &at, &record))
                if (record.kind == JOURNAL_EVENT)
                    gate_event_free(&record.event);
        }
        journal_free(copy);
    }
    assert_true(refused > 1000);
    journal_free(journal);
}

/* --- logs of machines that are taken back again and again --- */

enum { LONG = 200000, REWINDS = 20000 };

static void append_mark(struct journal *journal, struct journal_position *places, size_t *count)
{
    struct journal_stamp stamp = journal_end(journal).stamp;
    stamp.icount += 1 + number(1000);
    stamp.time_ns += number(100);
    journal_append_mark(journal, &stamp, JOURNAL_MARK_CHIPS, number(UINT64_MAX));
    places[++*count] = journal_end(journal);
}

/* Back by a few records, seldom by many, and on from there. */
static void write_rewinds(struct log_writer *writer, struct journal *journal)
{
    struct journal_position *places = mem_new((LONG + 1) * sizeof *places);
    size_t count = 0;
    places[0] = journal_end(journal);
    while (count < LONG)
        append_mark(journal, places, &count);
    log_writer_events(writer, journal);
    for (unsigned i = 0; i < REWINDS; i++) {
        count -= 3 + number(i % 1000 ? 5 : 5000);
        journal_truncate(journal, &places[count]);
        for (unsigned more = (unsigned)number(4); more; more--)
            append_mark(journal, places, &count);
        log_writer_events(writer, journal);
    }
    mem_free(places);
}

static void many_rewinds_are_read_quickly(void **state)
{
    char folder[] = "/tmp/test_journal-XXXXXX", path[64];
    struct error err;
    struct log_file log;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    struct journal *journal = journal_new();
    struct log_writer *writer = log_writer_open(path, "{}", &err);
    assert_non_null(writer);
    write_rewinds(writer, journal);
    assert_true(log_writer_close(writer, &err));
    clock_t began = clock();
    assert_true(log_file_read(path, &log, &err));
    /* 0.1 s; half a minute if all is read from the beginning each time. */
    assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
    assert_int_equal(log.rewinds, REWINDS);
    struct journal_position begin = journal_begin(journal);
    size_t size, wanted;
    const uint8_t *bytes = journal_bytes(journal, &begin, &wanted);
    const uint8_t *read = journal_bytes(log.journal, &begin, &size);
    assert_int_equal(size, wanted);
    assert_memory_equal(read, bytes, size);
    log_file_free(&log);
    journal_free(journal);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(it_can_be_cut_on_both_sides),
        cmocka_unit_test(bytes_make_the_same_journal),
        cmocka_unit_test(bad_bytes_are_refused),
        cmocka_unit_test(many_rewinds_are_read_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
