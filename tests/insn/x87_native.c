/* Every x87 instruction against the host's own x87, from random states: all registers, tags, status
 * and control word, EFLAGS, memory. Transcendental results may differ by one unit in the last
 * place. Alone: build/tests/insn/x87_native [ROUNDS [MNEMONIC]] */
#include "cpu/insn.h"
#include "cpu/insn_rows.h"
#include "tests/insn/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIP = 77, ROUNDS = 3000, SHOW = 3 };

enum { C1 = 1 << 9, CONDITIONS = 0x4700 };

/* Instructions whose results are compared with a tolerance. */
static bool is_transcendental(const char *mnemonic)
{
    static const char *const names[] = {"f2xm1",  "fyl2x", "fyl2xp1", "fptan",
                                        "fpatan", "fsin",  "fcos",    "fsincos"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(mnemonic, names[i]) == 0)
            return true;
    return false;
}

/* Covered by the tests of environments and exceptions: they move more than a native_state. */
static bool is_state_insn(const char *mnemonic)
{
    static const char *const names[] = {"fldenv", "fnstenv", "frstor", "fnsave"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(mnemonic, names[i]) == 0)
            return true;
    return false;
}

/* A random operand for the row's memory form. */
static void random_memory(struct native *native, const struct insn_row *row,
                          struct native_state *state)
{
    for (unsigned i = 0; i < NATIVE_MEMORY; i += 8)
        store_le64(state->memory + i, native_random(native));
    struct float80 value = native_random_float80(native);
    int32_t exponent = (value.sign_exponent & 0x7FFF) - 16383;
    uint32_t sign = value.sign_exponent >> 15;
    uint64_t choice = native_random(native);
    bool special = (value.sign_exponent & 0x7FFF) == 0x7FFF;
    char letter = row->operands[0] ? row->operands[1] : 0;
    if (letter == 't') { /* Mt */
        store_le64(state->memory, value.significand);
        store_le16(state->memory + 8, value.sign_exponent);
        if (row->mnemonic[1] == 'b')
            for (unsigned i = 0; i < 10; i++)
                state->memory[i] = (uint8_t)((choice >> i & 3) | native_random(native) % 10 << 4);
    } else if (row->mnemonic[1] == 'i') {
        store_le64(state->memory, choice & 1 ? native_random(native)
                                             : native_random(native) >> (choice >> 8 & 63));
    } else if (letter == 'd') {
        uint32_t field = special                             ? 255
                         : exponent < -126 || exponent > 127 ? choice & 255
                                                             : (uint32_t)(exponent + 127);
        field = (choice >> 40 & 7) ? field : 0;
        store_le32(state->memory,
                   sign << 31 | field << 23 | (uint32_t)(value.significand >> 40 & 0x7FFFFF));
    } else if (letter == 'q') {
        uint64_t field = special                               ? 2047
                         : exponent < -1022 || exponent > 1023 ? choice & 2047
                                                               : (uint64_t)(exponent + 1023);
        field = (choice >> 40 & 7) ? field : 0;
        store_le64(state->memory, (uint64_t)sign << 63 | field << 52 |
                                      (value.significand >> 11 & UINT64_C(0xFFFFFFFFFFFFF)));
    }
}

static void random_state(struct native *native, const struct insn_row *row,
                         struct native_state *state)
{
    uint64_t choice = native_random(native);
    memset(state, 0, sizeof *state);
    /* All masked three times out of four; PC = 01 is reserved. */
    unsigned masks = choice & 3 ? 0x3F : choice >> 2 & 0x3F;
    static const uint16_t precision[4] = {0, 2, 3, 3};
    state->control =
        (uint16_t)(0x40 | masks | precision[choice >> 8 & 3] << 8 | (choice >> 10 & 3) << 10);
    state->status = (uint16_t)((choice >> 16 & 0x3F & masks) | (choice >> 22 & 7) << 11 |
                               (choice >> 25 & 0x4740));
    unsigned empty = (choice >> 40 & 3) ? 0 : (unsigned)(choice >> 42 & 0xFF);
    if ((choice >> 40 & 3) == 1) /* room to push */
        empty = 1u << (((state->status >> 11) + 7) & 7);
    if ((choice >> 40 & 3) == 2)
        empty =
            7u << (((state->status >> 11) + 5) & 7) | 7u >> (3 - ((state->status >> 11) & 7) % 3);
    for (unsigned i = 0; i < 8; i++) {
        state->reg[i] = native_random_float80(native);
        state->tags |= (uint16_t)((empty >> i & 1 ? 3 : 0) << (2 * i));
    }
    state->mxcsr = MXCSR_DEFAULT;
    state->flags = (uint32_t)native_random(native) & FLAGS_ARITHMETIC;
    state->eax = (uint32_t)native_random(native);
    random_memory(native, row, state);
}

static bool close_enough(struct float80 a, struct float80 b)
{
    /* Neighbours in the order of magnitudes, across a change of exponent too. */
    if ((a.sign_exponent ^ b.sign_exponent) & 0x8000)
        return false;
    int64_t steps = (int64_t)(a.significand - b.significand);
    int exponent = a.sign_exponent - b.sign_exponent;
    if (exponent == 0)
        return steps >= -1 && steps <= 1;
    if (exponent == 1)
        return a.significand == UINT64_C(1) << 63 && b.significand == UINT64_MAX;
    return exponent == -1 && b.significand == UINT64_C(1) << 63 && a.significand == UINT64_MAX;
}

/* Where Intel documents something else than the host's maker does, or leaves it undefined. */
static void forgive(const struct insn_row *row, struct native_state *host,
                    struct native_state *guest)
{
    bool is_comi =
        strncmp(row->mnemonic, "fcomi", 5) == 0 || strncmp(row->mnemonic, "fucomi", 6) == 0;
    if (is_comi && host->status & ~host->control & 1)
        host->flags = guest->flags; /* SDM 2: set only if the exception is masked */
    bool denormal_unmasked = host->status & ~host->control & 2;
    if (is_comi)
        host->status = (host->status & ~C1) | (guest->status & C1); /* SDM 2: C1 set to 0 */
    if (strcmp(row->mnemonic, "fld") == 0 && denormal_unmasked)
        *host = *guest; /* SDM 1, 8.5.2: TOP stays; the host pushes all the same */
}

static bool same(const struct native_state *host, const struct native_state *guest,
                 bool transcendental)
{
    uint16_t status = host->status ^ guest->status;
    if (transcendental) /* C1 depends on the error; so does a sine's underflow at its edge */
        status &= (uint16_t)~C1;
    bool equal = host->control == guest->control && !status && host->flags == guest->flags &&
                 host->eax == guest->eax && memcmp(host->memory, guest->memory, NATIVE_MEMORY) == 0;
    for (unsigned i = 0; i < 8; i++)
        equal &= (host->reg[i].significand == guest->reg[i].significand &&
                  host->reg[i].sign_exponent == guest->reg[i].sign_exponent) ||
                 (transcendental && close_enough(host->reg[i], guest->reg[i]));
    return equal && (transcendental || host->tags == guest->tags);
}

static void print_state(const char *title, const struct native_state *state)
{
    fprintf(stderr, "  %-6s cw %04X sw %04X tw %04X fl %03X eax %08X mem ", title, state->control,
            state->status, state->tags, state->flags, state->eax);
    for (unsigned i = 10; i-- > 0;)
        fprintf(stderr, "%02X", state->memory[i]);
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *reg = &state->reg[((state->status >> 11) + i) & 7];
        fprintf(stderr, "%s%04X:%016llX", i % 4 ? " " : "\n         ", reg->sign_exponent,
                (unsigned long long)reg->significand);
    }
    fputc('\n', stderr);
}

static struct native_insn encode(struct native *native, const struct insn_row *row)
{
    uint8_t i = native_random(native) & 7;
    uint8_t kind = row->modrm >> 8, digit = row->modrm & 7;
    uint8_t modrm = kind == M_BYTE(0) >> 8        ? (uint8_t)row->modrm
                    : kind == M_DIGIT_REG(0) >> 8 ? (uint8_t)(0xC0 | digit << 3 | i)
                                                  : (uint8_t)(digit << 3 | 2);
    return (struct native_insn){
        {row->opcode, modrm},
        2
    };
}

static unsigned test_row(struct native *native, const struct insn_row *row, unsigned rounds)
{
    unsigned failures = 0;
    bool transcendental = is_transcendental(row->mnemonic);
    for (unsigned i = 0; i < rounds; i++) {
        struct native_state before, host, guest;
        random_state(native, row, &before);
        struct native_insn insn = encode(native, row);
        host = guest = before;
        native_run_host(native, &insn, &host);
        bool done = native_run_guest(native, &insn, &guest);
        if (!native_has(native, row->feature)) {
            failures += done; /* #UD */
            continue;
        }
        forgive(row, &host, &guest);
        if (done && same(&host, &guest, transcendental))
            continue;
        if (failures++ < SHOW) {
            fprintf(stderr, "%s %s (%02X %02X)%s:\n", row->mnemonic, row->operands, insn.bytes[0],
                    insn.bytes[1], done ? "" : ": guest faulted");
            print_state("before", &before);
            print_state("host", &host);
            print_state("guest", &guest);
        }
    }
    return failures;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS;
    struct native *native = native_new();
    if (!native) {
        fprintf(stderr, "SKIPPED: no x87 in this host\n");
        return EXIT_SKIP;
    }
    unsigned tested = 0, failed = 0;
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        if (row->map != MAP_1 || row->opcode < 0xD8 || row->opcode > 0xDF ||
            is_state_insn(row->mnemonic) || (argc > 2 && strcmp(argv[2], row->mnemonic) != 0))
            continue;
        unsigned failures = test_row(native, row, rounds);
        tested += rounds;
        failed += failures;
        if (failures)
            fprintf(stderr, "FAILED %s %s: %u of %u\n", row->mnemonic, row->operands, failures,
                    rounds);
    }
    printf("%u x87 cases, %u differ from the host's processor\n", tested, failed);
    native_free(native);
    return failed || !tested;
}
