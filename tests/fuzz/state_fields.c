/* Saved states whose checksums are right and whose fields are nonsense. The input says which fields
 * of a real state get which values, and what the guest does with its chips then. The state is
 * refused with a reason, and nothing has changed; or the machine runs from it, to the same state on
 * either engine, is drawn and looked at, saved as what could be loaded again, and reset. */
#include "tests/fuzz/fuzz.h"

#include "base/bits.h"
#include "base/memory.h"
#include "cpu/cpu.h"
#include "cpu/model.h"
#include "machine/internal.h"
#include "machine/pack.h"
#include "snapshot/state_private.h"
#include "tests/fuzz/state_rig.h"

#include <string.h>

enum {
    MUTATIONS_MOST = 3,
    LONG_EVERY = 16, /* inputs run for 100,000 instructions, the others for a tenth */
    LEGS = 10,
    LEG_INSNS = 1000,
    LEG_TURNS = 400, /* of the run loop: a guest that halts makes no progress in instructions */
    ACCESSES = 6,    /* of chips, between two legs */
    TAIL = 0xFF,     /* a mutation behind the fields */
};

#define LATE (UINT64_C(1) << 50)

/* --- mutations --- */

static uint64_t odd_value(uint8_t kind, uint64_t present)
{
    static const uint64_t values[] = {
        0,
        1,
        2,
        3,
        7,
        0x7F,
        0x80,
        0xFF,
        0x100,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x10000,
        0x7FFFFFFF,
        0x80000000,
        0xFFFFFFFF,
        UINT64_C(1) << 62,
        (UINT64_C(1) << 62) - 1,
        INT64_MAX,
        UINT64_C(1) << 63,
        UINT64_MAX,
    };
    switch (kind % 8) {
    case 0:
        return present + 1;
    case 1:
        return present - 1;
    case 2:
        return present ^ UINT64_C(1) << (kind >> 3);
    default:
        return values[kind % ARRAY_LENGTH(values)];
    }
}

static void put_odd(struct fuzz_input *input, uint8_t *bytes, uint32_t size)
{
    uint8_t word[8] = {0};
    uint8_t kind = fuzz_byte(input);
    memcpy(word, bytes, size < 8 ? size : 8);
    uint64_t value = kind < 32 ? kind : odd_value(kind, load_le64(word));
    store_le64(word, value);
    memcpy(bytes, word, size < 8 ? size : 8);
}

static void mutate(struct fuzz_input *input, const struct rig *rig, struct serial *state)
{
    unsigned count = 1 + fuzz_byte(input) % MUTATIONS_MOST;
    for (unsigned i = 0; i < count; i++) {
        uint32_t number = fuzz_word(input), which = fuzz_word(input);
        size_t tail = rig->fields[rig->field_count].offset;
        if (number >> 8 == TAIL) {
            put_odd(input, state->bytes + tail + which % (state->size - tail), 1);
            continue;
        }
        const struct rig_field *field = &rig->fields[number % rig->field_count];
        put_odd(input, state->bytes + field->offset + which % field->count * field->size,
                field->size);
    }
}

/* --- what a guest does --- */

static void access_chip(struct fuzz_input *input, struct machine *machine)
{
    static const uint16_t ports[] = {
        0x00,  0x02,  0x08,  0x0A,  0x0B,   0x20,   0x21,   0x40,   0x41,   0x42,   0x43,
        0x60,  0x61,  0x64,  0x70,  0x71,   0x72,   0x73,   0x81,   0x92,   0xA0,   0xA1,
        0xC4,  0xD6,  0xF0,  0x170, 0x171,  0x176,  0x177,  0x1CE,  0x1CF,  0x1D0,  0x1F0,
        0x1F0, 0x1F1, 0x1F2, 0x1F3, 0x1F6,  0x1F7,  0x2F8,  0x2FD,  0x376,  0x378,  0x37A,
        0x3B4, 0x3B5, 0x3C0, 0x3C1, 0x3C4,  0x3C5,  0x3C7,  0x3C8,  0x3C9,  0x3CE,  0x3CF,
        0x3D4, 0x3D5, 0x3DA, 0x3F0, 0x3F1,  0x3F2,  0x3F4,  0x3F5,  0x3F5,  0x3F6,  0x3F7,
        0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC,  0x3FD,  0x3FE,  0x4D0,  0x510,  0x511,  0x518,
        0xCF8, 0xCFC, 0xCF9, 0xB2,  0x5658, 0xC000, 0xC002, 0xC004, 0xC008, 0xAFE0,
    };
    static const uint32_t windows[] = {0xFEE00000, 0xFEC00000, 0xA0000, 0xB8000, 0xE0000000, 0};
    uint8_t what = fuzz_byte(input);
    uint32_t place = fuzz_byte(input), value = fuzz_dword(input);
    uint16_t port = ports[place % ARRAY_LENGTH(ports)];
    unsigned size = 1u << (what >> 2) % 3;
    if ((what & 3) == 3) {
        uint32_t address = windows[place % ARRAY_LENGTH(windows)] + (value >> 20 & 0xFFC);
        if (what & 0x80)
            bus_write_memory(machine->bus, address, &value, 4);
        else
            bus_read_memory(machine->bus, address, &value, 4);
    } else if (what & 1) {
        bus_port_write(machine->bus, port, value, size);
    } else {
        bus_port_read(machine->bus, port, size);
    }
}

static void run_leg(struct machine *machine, uint64_t insns)
{
    machine->config.stop_after = machine_icount(machine) + insns;
    for (unsigned i = 0; i < LEG_TURNS && !machine->stop; i++)
        machine_turn(machine);
    machine->config.stop_after = UINT64_MAX;
    machine->stop = STOP_NONE;
}

static void run(struct fuzz_input input, struct machine *machine)
{
    unsigned length = fuzz_byte(&input) % LONG_EVERY ? 1 : 10;
    for (unsigned leg = 0; leg < LEGS; leg++) {
        run_leg(machine, length * LEG_INSNS);
        for (unsigned i = 0; i < ACCESSES && input.size; i++)
            access_chip(&input, machine);
        if (leg == 0 || leg == LEGS / 2)
            rig_look(machine, fuzz_byte(&input), fuzz_dword(&input));
    }
}

/* --- the input --- */

/* Returns a hash of the state that it comes to. */
static uint64_t try_on(struct machine *machine, const struct rig_moment *moment,
                       const struct serial *state, const struct fuzz_input *input)
{
    struct error err = {""};
    rig_load(machine, moment);
    uint64_t before = state_hash_structs(machine->state);
    if (!machine_unpack(machine, state->bytes, state->size, &err)) {
        fuzz_check(*err.text && !strchr(err.text, '\n'));
        fuzz_check(state_hash_structs(machine->state) == before);
        return before;
    }
    run(*input, machine);
    uint64_t after = state_hash_structs(machine->state);
    struct serial again = {0};
    machine_pack(machine, &again);
    bool is_late = clock_now(bus_clock(machine->bus)) + LATE > CLOCK_LATEST; /* time runs out */
    fuzz_check(is_late || state_check(machine->state, again.bytes, again.size, &err));
    serial_free(&again);
    bus_request_reset(machine->bus, false, "the fuzzer");
    run_leg(machine, LEG_INSNS);
    return after;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct rig *rig;
    if (!rig)
        rig = rig_new();
    struct fuzz_input input = {bytes, size};
    struct serial state = {0};
    const struct rig_moment *moment = &rig->moments[fuzz_byte(&input) % RIG_MOMENTS];
    serial_put(&state, moment->state.bytes, moment->state.size);
    mutate(&input, rig, &state);
    uint64_t reference = try_on(rig->machines[0], moment, &state, &input);
    fuzz_check(try_on(rig->machines[1], moment, &state, &input) == reference);
    serial_free(&state);
    return 0;
}
