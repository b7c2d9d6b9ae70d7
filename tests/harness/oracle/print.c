/* A failing case, for people. */
#include "base/bits.h"
#include "cpu/names.h"
#include "tests/harness/oracle/run.h"

#include <capstone/capstone.h>
#include <inttypes.h>

static void print_insn(const struct oracle_case *in, const struct walk_step *step, bool code32,
                       FILE *stream)
{
    const uint8_t *bytes = in->program.code + (step->linear - in->program.linear);
    csh handle;
    cs_insn *insn;
    fprintf(stream, "  %06" PRIx32 ":", step->linear);
    if (step->linear - in->program.linear >= in->program.size) {
        fputs(" (not of the program)\n", stream);
        return;
    }
    for (unsigned i = 0; i < step->length && bytes + i < in->program.code + in->program.size; i++)
        fprintf(stream, " %02x", bytes[i]);
    if (cs_open(CS_ARCH_X86, code32 ? CS_MODE_32 : CS_MODE_16, &handle) == CS_ERR_OK) {
        size_t count = cs_disasm(handle, bytes, 15, step->linear, 1, &insn);
        fprintf(stream, "   %s %s", count ? insn->mnemonic : "?", count ? insn->op_str : "");
        if (count)
            cs_free(insn, count);
        cs_close(&handle);
    }
    if (step->row != INSN_ROW_NONE)
        fprintf(stream, "   (%s %s)", insn_row(step->row)->mnemonic, insn_row(step->row)->operands);
    fputc('\n', stream);
}

static void print_code(const struct oracle *oracle, const struct oracle_case *in, FILE *stream)
{
    uint16_t cs = in->before.seg[SEG_CS];
    bool code32 = !(cs & 4) || world_ldt[cs >> 3].big;
    for (unsigned i = 0; i < oracle->walk.count; i++)
        print_insn(in, &oracle->walk.steps[i], code32, stream);
}

/* One line a group of registers; unless all, only those that differ from other. */
static void print_state(const struct world_state *state, const struct world_state *other, bool all,
                        FILE *stream)
{
    for (unsigned i = 0; i < 8; i++)
        if (all || state->gpr[i] != other->gpr[i])
            fprintf(stream, " %s=%08" PRIx32, cpu_gpr_names[i], state->gpr[i]);
    if (all || state->eip != other->eip)
        fprintf(stream, " eip=%08" PRIx32, state->eip);
    if (all || state->eflags != other->eflags)
        fprintf(stream, " eflags=%06" PRIx32, state->eflags);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        if (all || state->seg[i] != other->seg[i])
            fprintf(stream, " %s=%04x", cpu_segment_names[i], state->seg[i]);
    if (all || state->fpu_control != other->fpu_control || state->fpu_status != other->fpu_status ||
        state->fpu_empty != other->fpu_empty)
        fprintf(stream, "\n    cw=%04x sw=%04x empty=%02x", state->fpu_control, state->fpu_status,
                state->fpu_empty);
    if (all || state->fpu_ip != other->fpu_ip || state->fpu_data != other->fpu_data ||
        state->fpu_opcode != other->fpu_opcode)
        fprintf(stream, " fop=%03x fip=%08" PRIx32 " fdp=%08" PRIx32, state->fpu_opcode,
                state->fpu_ip, state->fpu_data);
    if (all || state->mxcsr != other->mxcsr)
        fprintf(stream, " mxcsr=%04" PRIx32, state->mxcsr);
    for (unsigned i = 0; i < 8; i++)
        if (state->fpu[i].significand != other->fpu[i].significand ||
            state->fpu[i].sign_exponent != other->fpu[i].sign_exponent)
            fprintf(stream, "\n    r%u=%04x:%016" PRIx64, i, state->fpu[i].sign_exponent,
                    state->fpu[i].significand);
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(&state->xmm[i], &other->xmm[i], 16) != 0)
            fprintf(stream, "\n    xmm%u=%016" PRIx64 "%016" PRIx64, i, state->xmm[i].u64[1],
                    state->xmm[i].u64[0]);
    fputc('\n', stream);
}

static void print_end(const char *name, const struct world_outcome *outcome,
                      const struct world_state *before, FILE *stream)
{
    fprintf(stream, "%s:", name);
    if (outcome->vector == WORLD_TIMEOUT)
        fputs(" hangs", stream);
    else if (outcome->vector != WORLD_NO_FAULT)
        fprintf(stream, " exception %d error %" PRIx32 " cr2 %08" PRIx32, outcome->vector,
                outcome->error, outcome->cr2);
    print_state(&outcome->state, before, false, stream);
}

static void print_memory(const struct oracle *oracle, const struct oracle_case *in, FILE *stream)
{
    unsigned shown = 0;
    for (unsigned i = 0; i < WORLD_WRITABLE && shown < 32; i++)
        if (oracle->host.data[i] != oracle->guest.data[i]) {
            fprintf(stream, "  memory %06x: was %02x, host %02x, guest %02x\n", WORLD_DATA + i,
                    in->data[i], oracle->host.data[i], oracle->guest.data[i]);
            shown++;
        }
}

void oracle_print(struct oracle *oracle, const struct oracle_case *in, FILE *stream)
{
    static const struct world_state nothing = {0};
    unsigned parts = oracle_check(oracle, in);
    fputs("differ:", stream);
    compare_print_parts(parts, stream);
    fputc('\n', stream);
    print_code(oracle, in, stream);
    fputs("before:", stream);
    print_state(&in->before, &nothing, true, stream);
    print_end("host", &oracle->host, &in->before, stream);
    print_end("guest", &oracle->guest, &in->before, stream);
    print_memory(oracle, in, stream);
}
