/* Known answers: each instruction is run once in a bare machine, in the state that its line
 * describes, and everything is compared that user mode can see. */
#include "cpu/model.h"
#include "cpu/names.h"
#include "cpu/segment.h"
#include "machine/answers.h"
#include "machine/vectors_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIRECTORY = 0x400000,
    TABLE = 0x401000,
    PRESENT_WRITABLE_USER = 7,
    STATUS_C1 = 1 << 9,
    MAX_ITERATIONS = 0x1000, /* of a repeated instruction */
};

/* --- the machine --- */

/* The two pages of the answers and no others, for user mode. */
static void map_pages(struct vector_machine *machine)
{
    struct cpu *cpu = machine->cpu;
    memset(machine->ram + DIRECTORY, 0, 2 * ANSWER_PAGE);
    store_le32(machine->ram + DIRECTORY, TABLE | PRESENT_WRITABLE_USER);
    store_le32(machine->ram + TABLE + ANSWER_CODE / 1024, ANSWER_CODE | PRESENT_WRITABLE_USER);
    store_le32(machine->ram + TABLE + ANSWER_DATA / 1024, ANSWER_DATA | PRESENT_WRITABLE_USER);
    cpu->cr3 = DIRECTORY;
    cpu->cr0 = (cpu->cr0 & ~(uint32_t)(CR0_EM | CR0_TS)) | CR0_PE | CR0_PG | CR0_NE | CR0_MP;
    if (model_has(cpu->model, FEAT_I486))
        cpu->cr0 |= CR0_WP;
    if (model_has(cpu->model, FEAT_FXSR))
        cpu->cr4 |= CR4_OSFXSR;
    if (model_has(cpu->model, FEAT_SSE))
        cpu->cr4 |= CR4_OSXMMEXCPT;
}

static void reset(struct vector_machine *machine)
{
    struct cpu *cpu = machine->cpu;
    cpu_reset(cpu, false);
    cpu->idtr_limit = 0; /* nothing can be delivered: the processor shuts down */
    map_pages(machine);
    const struct segment code = {.limit = UINT32_MAX, .selector = ANSWER_CS, .access = 0xC0FB};
    const struct segment data = {.limit = UINT32_MAX, .selector = ANSWER_DS, .access = 0xC0F3};
    const struct segment null = {0};
    segment_set(cpu, SEG_CS, &code);
    segment_set(cpu, SEG_DS, &data);
    segment_set(cpu, SEG_ES, &data);
    segment_set(cpu, SEG_SS, &data);
    segment_set(cpu, SEG_FS, &null);
    segment_set(cpu, SEG_GS, &null);
    cpu->cpl = 3;
    cpu_sync(cpu);
}

static void load(struct vector_machine *machine, const struct answer_case *answer)
{
    struct cpu *cpu = machine->cpu;
    const struct answer_state *state = &answer->before;
    for (unsigned i = 0; i < answer->length; i++)
        vector_machine_poke(machine, ANSWER_EIP + i, answer->code[i]);
    memcpy(machine->ram + ANSWER_DATA, state->data, ANSWER_PAGE);
    memcpy(cpu->gpr, state->gpr, sizeof state->gpr);
    cpu_set_eflags(cpu, state->flags | FLAG_FIXED);
    cpu->fpu.control = state->control;
    cpu->fpu.status = state->status;
    cpu->fpu.empty = state->empty;
    memcpy(cpu->fpu.reg, state->reg, sizeof state->reg);
    memcpy(cpu->xmm, state->xmm, sizeof state->xmm);
    cpu->mxcsr = state->mxcsr;
    cpu->eip = ANSWER_EIP;
}

static void store(const struct vector_machine *machine, struct answer_outcome *outcome)
{
    const struct cpu *cpu = machine->cpu;
    struct answer_state *state = &outcome->state;
    memcpy(state->data, machine->ram + ANSWER_DATA, ANSWER_PAGE);
    memcpy(state->gpr, cpu->gpr, sizeof state->gpr);
    state->flags = cpu_get_eflags(cpu) & (FLAGS_ARITHMETIC | FLAG_DF);
    state->control = cpu->fpu.control;
    state->status = cpu->fpu.status;
    state->empty = cpu->fpu.empty;
    memcpy(state->reg, cpu->fpu.reg, sizeof state->reg);
    memcpy(state->xmm, cpu->xmm, sizeof state->xmm);
    state->mxcsr = cpu->mxcsr;
    outcome->eip = cpu->eip;
    outcome->cr2 = outcome->trap == VECTOR_PF ? cpu->cr2 : 0;
}

static bool note_trap(void *opaque)
{
    struct vector_machine *machine = opaque;
    if (machine->trap == ANSWER_NO_TRAP)
        machine->trap = machine->cpu->fault.vector;
    return false;
}

static void run(struct vector_machine *machine, const struct answer_case *answer, bool skip,
                struct answer_outcome *outcome)
{
    struct cpu *cpu = machine->cpu;
    if (cpu->activity != CPU_RUNNING || cpu->cpl != 3)
        reset(machine);
    machine->trap = ANSWER_NO_TRAP;
    cpu->host.opaque = machine;
    cpu->host.fault = note_trap;
    load(machine, answer);
    uint64_t limit = cpu->icount + MAX_ITERATIONS;
    if (skip)
        cpu->eip += answer->length;
    do { /* a repeated instruction retires once an iteration */
        if (!skip)
            (void)vector_machine_run(machine, 1);
    } while (machine->trap == ANSWER_NO_TRAP && cpu->repeating && cpu->icount < limit);
    outcome->trap = machine->trap;
    store(machine, outcome);
    for (unsigned i = 0; i < answer->length; i++)
        vector_machine_poke(machine, ANSWER_EIP + i, 0xCC);
}

/* --- comparison --- */

struct difference {
    char text[160]; /* the first; "" if there is none */
    bool undefined; /* there are some in undefined flags */
};

static void differ(struct difference *difference, const char *name, unsigned long long got,
                   unsigned long long expected)
{
    if (!difference->text[0])
        snprintf(difference->text, sizeof difference->text, "%s is %llx, should be %llx", name, got,
                 expected);
}

static void compare_word(struct difference *difference, const char *name, uint64_t got,
                         uint64_t expected)
{
    if (got != expected)
        differ(difference, name, got, expected);
}

static bool near_float80(const struct float80 *a, const struct float80 *b)
{
    uint64_t distance = a->significand - b->significand;
    return a->sign_exponent == b->sign_exponent && (distance + 1 <= 2 || a->significand == 0);
}

/* Both are within 1.5 * 2^-12 of the exact value. */
static bool near_float32(float a, float b)
{
    return fabsf(a - b) <= fabsf(b) * (3.0f / 4096) || (fabsf(a) < 2e-38f && fabsf(b) < 2e-38f);
}

static void compare_wide(struct difference *difference, const struct answer_case *answer,
                         const struct answer_state *got)
{
    static const char *const reg_names[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};
    static const char *const xmm_names[] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"};
    const struct answer_state *expected = &answer->after.state;
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *a = &got->reg[i], *b = &expected->reg[i];
        if (answer->is_near && near_float80(a, b))
            continue;
        compare_word(difference, reg_names[i], a->significand, b->significand);
        compare_word(difference, reg_names[i], a->sign_exponent, b->sign_exponent);
    }
    for (unsigned i = 0; i < 32; i++) {
        const union xmm_register *a = &got->xmm[i / 4], *b = &expected->xmm[i / 4];
        if (!answer->is_near || !near_float32(a->f32[i % 4], b->f32[i % 4]))
            compare_word(difference, xmm_names[i / 4], a->u32[i % 4], b->u32[i % 4]);
    }
}

static void compare(struct difference *difference, const struct answer_case *answer,
                    const struct answer_outcome *got)
{
    const struct answer_outcome *expected = &answer->after;
    uint32_t status_mask = answer->is_near ? 0xFFFF & ~STATUS_C1 : 0xFFFF;
    compare_word(difference, "trap", (unsigned)got->trap, (unsigned)expected->trap);
    compare_word(difference, "eip", got->eip, expected->eip);
    compare_word(difference, "cr2", got->cr2, expected->cr2);
    for (unsigned i = 0; i < 8; i++)
        compare_word(difference, cpu_gpr_names[i], got->state.gpr[i], expected->state.gpr[i]);
    compare_word(difference, "flags", got->state.flags & answer->flags_defined,
                 expected->state.flags & answer->flags_defined);
    compare_word(difference, "control word", got->state.control, expected->state.control);
    compare_word(difference, "status word", got->state.status & status_mask,
                 expected->state.status & status_mask);
    compare_word(difference, "empty registers", got->state.empty, expected->state.empty);
    compare_word(difference, "mxcsr", got->state.mxcsr, expected->state.mxcsr);
    compare_wide(difference, answer, &got->state);
    for (unsigned i = 0; i < ANSWER_PAGE; i++) {
        char name[16];
        if (answer->ignored[i] || got->state.data[i] == expected->state.data[i])
            continue;
        snprintf(name, sizeof name, "byte %x", i);
        differ(difference, name, got->state.data[i], expected->state.data[i]);
    }
    difference->undefined = got->state.flags != expected->state.flags;
}

/* --- the file --- */

/* The answers are a processor's that has everything. On a model that lacks the form it is #UD. */
static void expect_undefined(struct answer_case *answer)
{
    answer->after.state = answer->before;
    answer->after.eip = ANSWER_EIP;
    answer->after.trap = VECTOR_UD;
    answer->after.cr2 = 0;
    answer->flags_defined = FLAGS_ARITHMETIC | FLAG_DF;
}

/* A model that lacks denormals-as-zero has no say where they are asked for. */
static bool is_for_model(const struct vector_machine *machine, const struct answer_case *answer,
                         unsigned row)
{
    uint32_t mxcsr = answer->before.mxcsr | answer->after.state.mxcsr;
    return row == INSN_ROW_NONE || (mxcsr & ~cpu_mxcsr_mask(machine->cpu)) == 0;
}

static void run_line(struct vector_machine *machine, struct answer_case *answer,
                     struct vector_report *report, unsigned source, unsigned line)
{
    static const struct difference none;
    struct difference difference = none;
    struct answer_outcome outcome;
    unsigned row = vector_machine_row(machine, answer->code, answer->length, true);
    if (!is_for_model(machine, answer, row)) {
        vector_report_count(report, source, row, VECTOR_SKIPPED);
        return;
    }
    if (row == INSN_ROW_NONE)
        expect_undefined(answer);
    run(machine, answer, (int)row == machine->skipped_row || machine->skipped_row == SKIP_ALL,
        &outcome);
    compare(&difference, answer, &outcome);
    vector_report_count(report, source, row,
                        difference.text[0]     ? VECTOR_FAILED
                        : difference.undefined ? VECTOR_MASKED
                                               : VECTOR_PASSED);
    const struct vector_source *counted = &report->sources[source];
    if (difference.text[0] && counted->counts.failed <= report->show) {
        fprintf(stderr, "%s:%u: %s ", counted->name, line,
                row == INSN_ROW_NONE ? "(none)" : insn_row(row)->mnemonic);
        for (unsigned i = 0; i < answer->length; i++)
            fprintf(stderr, "%02x", answer->code[i]);
        fprintf(stderr, ": %s\n", difference.text);
    }
}

bool vectors_run_answers(const struct vector_file *file, struct vector_machine *machine,
                         struct vector_report *report, struct error *err)
{
    char stem[64];
    vector_stem(file->path, stem, sizeof stem);
    unsigned source = vector_report_source(report, stem), number = 1;
    const char *text = (const char *)file->bytes;
    struct answer_case answer;
    memset(machine->ram + ANSWER_CODE, 0xCC, ANSWER_PAGE);
    reset(machine);
    for (; *text; number++) {
        size_t length = strcspn(text, "\n");
        char line[4 * ANSWER_PAGE];
        struct error why;
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line),
                 text);
        if (*line && *line != '#') {
            if (length >= sizeof line || !answer_parse(line, &answer, &why))
                return error_set(err, "%s:%u: damaged: %s", file->path, number,
                                 length >= sizeof line ? "line too long" : why.text);
            run_line(machine, &answer, report, source, number);
        }
        text += length + (text[length] == '\n');
    }
    return true;
}
