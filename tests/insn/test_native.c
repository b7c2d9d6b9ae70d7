/* Every integer instruction form against the host processor: random operands, thousands of cases a
 * form, fixed seed. Registers, eip, memory, the flags that are defined, and faults must be the
 * same. Run alone: meson test -C build native More cases: build/tests/insn/test_native COUNT
 * [MNEMONIC] */
#include "cpu/access.h"
#include "cpu/flags.h"
#include "cpu/segment.h"
#include "tests/harness/bare_cpu.h"
#include "tests/harness/insn_generator.h"
#include "tests/harness/native.h"
#include "tests/harness/unit.h"

#include <signal.h>
#include <stdlib.h>

enum { COMPARED_FLAGS = FLAGS_ARITHMETIC | FLAG_DF };

static unsigned cases_a_form = 1000;
static const char *only;

/* --- which flags are defined --- */

static bool is_shift(const struct insn_row *row)
{
    static const char *const names[] = {"rol", "ror", "rcl",  "rcr", "shl",
                                        "shr", "sar", "shld", "shrd"};
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(row->mnemonic, names[i]) == 0)
            return true;
    return false;
}

static unsigned operand_bits(const struct insn_row *row, const struct insn *insn)
{
    if (row->operands[1] == 'b')
        return 8;
    return insn->flags & INSN_OPERAND32 ? 32 : 16;
}

static unsigned shift_count(const struct insn_row *row, const struct insn_case *in)
{
    const char *last = strrchr(row->operands, ',') + 1;
    return (*last == '1' ? 1 : *last == 'I' ? in->insn.immediate : in->gpr[REG_ECX]) & 31;
}

/* SDM 2B, "Flags affected" of the shifts and rotates: undefinedness depends on the count. */
static uint32_t undefined_by_count(const struct insn_row *row, const struct insn_case *in)
{
    unsigned count = shift_count(row, in), bits = operand_bits(row, &in->insn);
    uint32_t undefined = 0;
    if (count == 0)
        return 0;
    if (count > 1)
        undefined |= FLAG_OF;
    if (row->mnemonic[0] == 's')
        undefined |= FLAG_AF;
    if (count >= bits && strncmp(row->mnemonic, "sh", 2) == 0)
        undefined |= FLAG_CF;
    return undefined;
}

/* SHLD and SHRD by more than 16 of 16 bits: the result is undefined. */
static bool is_undefined(const struct insn_row *row, const struct insn_case *in)
{
    if (strcmp(row->mnemonic, "bswap") == 0)
        return !(in->insn.flags & INSN_OPERAND32);
    return strlen(row->mnemonic) == 4 && strncmp(row->mnemonic, "sh", 2) == 0 &&
           shift_count(row, in) > operand_bits(row, &in->insn);
}

/* --- the two machines --- */

struct outcome {
    struct native_state state;
    uint8_t data[NATIVE_DATA_SIZE];
};

static void run_native(const struct insn_case *in, struct outcome *out)
{
    uint8_t *code = (uint8_t *)(uintptr_t)(in->code_base + in->eip);
    void *data = (void *)(uintptr_t)NATIVE_DATA;
    memcpy(data, in->data, NATIVE_DATA_SIZE);
    memcpy(code, in->code, in->insn.length);
    memcpy(out->state.gpr, in->gpr, sizeof in->gpr);
    out->state.code16 = in->code16;
    out->state.eip = in->eip;
    out->state.eflags = in->eflags;
    native_run(&out->state);
    memcpy(out->data, data, NATIVE_DATA_SIZE);
    memset(code, 0xCC, in->insn.length);
}

static int signal_of(int vector)
{
    switch (vector) {
    case -1:
        return SIGTRAP;
    case VECTOR_DE:
        return SIGFPE;
    case VECTOR_UD:
        return SIGILL;
    case VECTOR_SS:
        return SIGBUS;
    default:
        return SIGSEGV;
    }
}

/* The pages that exist natively, and no others, at the same addresses. */
static void map_pages(struct bare_cpu *bare)
{
    enum { DIRECTORY = 0x400000, TABLE = 0x401000, PRESENT_WRITABLE = 3 };
    store_le32(bare->ram + DIRECTORY, TABLE | PRESENT_WRITABLE);
    store_le32(bare->ram + TABLE + NATIVE_CODE / 1024, NATIVE_CODE | PRESENT_WRITABLE);
    store_le32(bare->ram + TABLE + NATIVE_DATA / 1024, NATIVE_DATA | PRESENT_WRITABLE);
    bare->cpu->cr3 = DIRECTORY;
    bare->cpu->cr0 |= CR0_PG | CR0_WP;
}

static void set_segments16(struct cpu *cpu)
{
    struct segment segment = {
        .base = NATIVE_DATA, .limit = NATIVE_DATA_SIZE - 1, .selector = 0x10, .access = 0x93};
    segment_set(cpu, SEG_DS, &segment);
    segment_set(cpu, SEG_ES, &segment);
    segment_set(cpu, SEG_SS, &segment);
    segment = (struct segment){.base = NATIVE_CODE, .limit = 0xFFF, .selector = 8, .access = 0x9B};
    segment_set(cpu, SEG_CS, &segment);
}

static void reset_emulated(struct bare_cpu *bare, bool code16)
{
    bare_cpu_flat(bare, true);
    if (code16)
        set_segments16(bare->cpu);
    map_pages(bare);
    cpu_sync(bare->cpu);
}

static void run_emulated(struct bare_cpu *bare, const struct insn_case *in, struct outcome *out)
{
    struct cpu *cpu = bare->cpu;
    if (cpu->activity != CPU_RUNNING)
        reset_emulated(bare, in->code16);
    bare->vector = -1;
    memcpy(bare->ram + NATIVE_DATA, in->data, NATIVE_DATA_SIZE);
    bare_cpu_write(bare, in->code_base + in->eip, in->code, in->insn.length);
    memcpy(cpu->gpr, in->gpr, sizeof in->gpr);
    flags_set_arithmetic(cpu, in->eflags);
    cpu->eflags = (in->eflags & FLAG_DF) | FLAG_FIXED;
    cpu->eip = in->eip;
    /* A repeated instruction retires once an iteration. */
    do {
        out->state.signal = signal_of(bare_cpu_run(bare, 1));
    } while (out->state.signal == SIGTRAP && cpu->eip == in->eip && in->insn.flags & INSN_JUMP);
    out->state.address = bare->vector == VECTOR_PF ? cpu->cr2 : 0;
    memcpy(out->state.gpr, cpu->gpr, sizeof out->state.gpr);
    out->state.eip = cpu->eip;
    out->state.eflags = cpu_get_eflags(cpu);
    memcpy(out->data, bare->ram + NATIVE_DATA, NATIVE_DATA_SIZE);
}

/* --- comparison --- */

static void print_state(const char *name, const struct native_state *state)
{
    print_error("  %-8s", name);
    for (unsigned i = 0; i < 8; i++)
        print_error(" %08x", state->gpr[i]);
    print_error(" eip %08x flags %03x signal %d at %08x\n", state->eip, state->eflags & 0xFD5,
                state->signal, state->address);
}

static void report(const struct insn_row *row, const struct insn_case *in,
                   const struct outcome *native, const struct outcome *emulated)
{
    struct native_state before = {.eip = in->eip, .eflags = in->eflags};
    memcpy(before.gpr, in->gpr, sizeof before.gpr);
    print_error("%s %s:", row->mnemonic, row->operands);
    for (unsigned i = 0; i < in->insn.length; i++)
        print_error(" %02x", in->code[i]);
    print_error("\n");
    print_state("before", &before);
    print_state("host", &native->state);
    print_state("emulated", &emulated->state);
    for (unsigned i = 0; i < NATIVE_DATA_SIZE; i++)
        if (native->data[i] != emulated->data[i])
            print_error("  memory %06x: was %02x, host %02x, emulated %02x\n", NATIVE_DATA + i,
                        in->data[i], native->data[i], emulated->data[i]);
}

/* What the host has done when a fault comes in the middle of one of these is its own business. We
 * change nothing. */
static bool faults_half_done(const struct insn_row *row)
{
    return strcmp(row->mnemonic, "pusha") == 0 || strcmp(row->mnemonic, "popa") == 0 ||
           strcmp(row->mnemonic, "enter") == 0;
}

/* Repeated, the host's microcode looks at the operands in another order. */
static bool faults_in_any_order(const struct insn_case *in)
{
    return strcmp(insn_row(in->insn.row)->mnemonic, "cmps") == 0 && in->insn.flags & INSN_JUMP;
}

static bool same_fault(const struct insn_case *in, const struct outcome *a, const struct outcome *b)
{
    return a->state.signal == b->state.signal && a->state.eip == b->state.eip &&
           (a->state.address == b->state.address || faults_in_any_order(in));
}

static bool same_state(const struct outcome *a, const struct outcome *b, uint32_t flags)
{
    return memcmp(a->state.gpr, b->state.gpr, sizeof a->state.gpr) == 0 &&
           ((a->state.eflags ^ b->state.eflags) & flags) == 0 &&
           memcmp(a->data, b->data, NATIVE_DATA_SIZE) == 0;
}

/* Nothing has changed. */
static bool is_untouched(const struct insn_case *in, const struct outcome *out)
{
    return memcmp(out->state.gpr, in->gpr, sizeof in->gpr) == 0 &&
           memcmp(out->data, in->data, NATIVE_DATA_SIZE) == 0;
}

static bool agrees(struct bare_cpu *bare, const struct insn_case *in)
{
    static struct outcome native, emulated;
    const struct insn_row *row = insn_row(in->insn.row);
    uint32_t undefined = is_shift(row) ? undefined_by_count(row, in) : row->flags_undefined;
    if (is_undefined(row, in))
        return true;
    run_native(in, &native);
    run_emulated(bare, in, &emulated);
    bool half_done = native.state.signal != SIGTRAP && faults_half_done(row);
    if (same_fault(in, &native, &emulated) &&
        (half_done ? is_untouched(in, &emulated)
                   : same_state(&native, &emulated, COMPARED_FLAGS & ~undefined)))
        return true;
    report(row, in, &native, &emulated);
    return false;
}

/* Forms that exist in user mode and need no more than general registers and memory. */
static bool is_tested(const struct insn_row *row)
{
    return row->class == INNOCUOUS && !(row->attributes & (A_FPU | A_MMX | A_SSE | A_PROT)) &&
           strcmp(row->mnemonic, "sfence") != 0 && /* AMD refuses 66 */
           (!only || strcmp(only, row->mnemonic) == 0);
}

static unsigned test_form(struct bare_cpu *bare, const struct decoder *decoder, unsigned row,
                          bool code16, enum insn_place place)
{
    static struct insn_case in;
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15) ^ row;
    unsigned failures = 0, done = 0;
    for (unsigned attempt = 0; attempt < 8 * cases_a_form && done < cases_a_form; attempt++) {
        if (!insn_generate(decoder, row, code16, place, &random, &in))
            continue;
        done++;
        failures += !agrees(bare, &in);
        if (failures == 3)
            break;
    }
    return failures;
}

static void test_all_forms(bool code16, enum insn_place place)
{
    /* Within the test, because cmocka takes over signals around it. */
    if (!native_open() || (code16 && !native_has_code16())) {
        print_message("the host is no x86-64 Linux, or allows no LDT: nothing to compare with\n");
        skip();
    }
    struct bare_cpu *bare = bare_cpu_new("pentium3");
    struct decoder *decoder = decoder_new(bare->cpu->model);
    unsigned failures = 0, forms = 0;
    reset_emulated(bare, code16);
    for (unsigned row = 0; row < insn_row_count(); row++) {
        if (!is_tested(insn_row(row)))
            continue;
        forms++;
        failures += test_form(bare, decoder, row, code16, place);
    }
    native_close();
    print_message("%u forms, %u cases each\n", forms, cases_a_form);
    decoder_free(decoder);
    bare_cpu_free(bare);
    assert_int_equal(failures, 0);
}

static void integer_instructions(void **state)
{
    test_all_forms(false, PLACE_INSIDE);
}

/* 16-bit code, data and stack segments, with operand and address size prefixes. */
static void integer_instructions16(void **state)
{
    test_all_forms(true, PLACE_INSIDE);
}

/* Operands that lie across the edge of what is mapped, or beyond: the same page fault at the same
 * address, with the same registers, flags and memory behind it. */
static void page_faults(void **state)
{
    test_all_forms(false, PLACE_EDGE);
}

/* The same with segment limits: #GP and #SS. */
static void limit_faults(void **state)
{
    test_all_forms(true, PLACE_EDGE);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_instructions),
        cmocka_unit_test(integer_instructions16),
        cmocka_unit_test(page_faults),
        cmocka_unit_test(limit_faults),
    };
    if (argc > 1)
        cases_a_form = (unsigned)atoi(argv[1]);
    if (argc > 2)
        only = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
