/* Replays of logs that are well sealed and say anything: the input is a row of records (kinds,
 * moments, values), which are put into a journal as log_file.c puts those of a file. What a journal
 * takes, a machine plays: to its end, until it is lost, or on from there by itself. */
#include "tests/fuzz/fuzz.h"

#include "base/bits.h"
#include "base/memory.h"
#include "machine/internal.h"
#include "record/journal_code.h"
#include "tests/fuzz/little_machine.h"

#include <string.h>

enum { RECORDS_MOST = 32, TURNS_MOST = 2000 };

static void swallow(struct char_backend *chars, const uint8_t *bytes, size_t size) {}

static struct machine *new_machine(enum engine engine)
{
    static const struct char_backend_ops ops = {swallow, NULL};
    static struct char_backend nowhere = {&ops};
    return little_machine_new((struct machine_config){
        .engine = engine,
        .serial = {&nowhere, &nowhere},
    });
}

/* --- records --- */

static uint64_t any_number(struct fuzz_input *input)
{
    uint64_t value = fuzz_dword(input);
    uint8_t kind = fuzz_byte(input);
    return kind & 1 ? value : kind & 2 ? value << (kind >> 2) : value & 0xFF;
}

static void fill_poke(struct fuzz_input *input, struct gate_event *event)
{
    static const char *const names[] = {"cr0",  "cr3",     "cr4",       "eflags", "mxcsr",
                                        "efer", "dr7",     "cpl",       "fcw",    "fsw",
                                        "cs",   "ss_base", "eip",       "st0",    "xmm0",
                                        "mm7",  "icount",  "cs_access", "tr",     "gdtr_limit"};
    size_t number = fuzz_byte(input) % (ARRAY_LENGTH(names) + 1);
    if (number < ARRAY_LENGTH(names))
        strcpy(event->u.poke.name, names[number]);
    else
        for (unsigned i = 0; i < 8; i++)
            event->u.poke.name[i] = (char)fuzz_byte(input);
    event->u.poke.low = any_number(input);
    event->u.poke.high = any_number(input);
    event->u.poke.digits = fuzz_byte(input);
}

static void fill_event(struct fuzz_input *input, struct gate_event *event)
{
    uint8_t bytes[sizeof event->u];
    if (event->kind == GATE_POKE) {
        fill_poke(input, event);
        return;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i < 16 ? fuzz_byte(input) : 0;
    memcpy(&event->u, bytes, sizeof bytes);
    if (event->kind == GATE_KEY)
        event->u.key.down = bytes[2] & 1;
    if (event->kind == GATE_SERIAL)
        event->u.serial.size %= GATE_SERIAL_MAX + 1;
    if (event->kind == GATE_MEMORY)
        event->u.memory.size %= GATE_SERIAL_MAX + 1;
    if (event->kind == GATE_RATE)
        event->u.picoseconds_per_insn = any_number(input);
    if (event->kind == GATE_MEDIA) {
        event->u.media.disk = NULL;
        event->u.media.specification = bytes[1] & 1 ? mem_string_copy("nothing") : NULL;
    }
}

static void add_record(struct fuzz_input *input, struct journal_stamp *before, uint8_t **end)
{
    struct journal_record record = {.stamp = *before};
    uint8_t kind = fuzz_byte(input);
    record.kind = kind >= 0xF0 ? 1 + kind % 2u : JOURNAL_EVENT;
    record.hash = kind;
    record.stamp.icount += fuzz_byte(input) & 1 ? any_number(input) : fuzz_byte(input);
    record.stamp.time_ns += (record.stamp.icount - before->icount) * 10;
    if (fuzz_byte(input) > 0xE0)
        record.stamp.time_ns += any_number(input);
    record.stamp.order = fuzz_byte(input) % 3;
    record.event.kind = kind % GATE_KIND_COUNT;
    if (record.kind == JOURNAL_EVENT)
        fill_event(input, &record.event);
    *end += journal_encode(&record, before, *end);
    *before = record.stamp;
    if (record.kind == JOURNAL_EVENT)
        gate_event_free(&record.event);
}

static struct journal *make_journal(struct fuzz_input *input)
{
    static uint8_t bytes[RECORDS_MOST * RECORD_BYTES_MAX];
    struct journal *journal = journal_new();
    struct journal_stamp stamp = {0};
    struct error err = {""};
    for (unsigned i = 0; i < RECORDS_MOST && input->size; i++) {
        uint8_t *end = bytes;
        struct journal_stamp before = stamp;
        add_record(input, &stamp, &end);
        if (journal_append_bytes(journal, bytes, (size_t)(end - bytes), &err))
            continue;
        fuzz_check(*err.text);
        stamp = before;
    }
    return journal;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    uint8_t how = fuzz_byte(&input);
    struct machine *machine = new_machine(how & 1 ? ENGINE_INTERP : ENGINE_DEFAULT);
    struct machine_play play = {
        .to = how & 2 ? UINT64_MAX : any_number(&input),
        .at_end = how >> 2 & 1 ? PLAY_GOES_LIVE : PLAY_STOPS,
        .ignores_marks = how & 8,
    };
    machine_play(machine, make_journal(&input), &play);
    machine->config.stop_after = 200000;
    for (unsigned i = 0; i < TURNS_MOST && !machine->stop; i++)
        machine_turn(machine);
    struct machine_play_result result;
    machine_play_result(machine, &result);
    fuzz_check(!result.is_lost || *result.error.text);
    machine_free(machine);
    return 0;
}
