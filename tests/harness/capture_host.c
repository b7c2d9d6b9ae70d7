#include "tests/harness/capture_host.h"

#include "tests/harness/oracle/host.h"

#include <string.h>
#include <sys/mman.h>

_Static_assert((unsigned)ANSWER_CODE == WORLD_CODE && (unsigned)ANSWER_DATA == WORLD_DATA,
               "the answers lie in the oracle's world");

static bool hide(uint32_t from, uint32_t to)
{
    return mprotect((void *)(uintptr_t)from, to - from, PROT_NONE) == 0;
}

bool capture_open(struct error *err)
{
    if (!host_open(err))
        return false;
    return (hide(ANSWER_CODE + ANSWER_PAGE, WORLD_CODE + WORLD_CODE_SIZE) &&
            hide(ANSWER_DATA + ANSWER_PAGE, WORLD_DATA + WORLD_DATA_SIZE)) ||
           error_set_errno(err, "pages cannot be protected");
}

static void load_state(const struct answer_state *from, struct world_state *to)
{
    memset(to, 0, sizeof *to);
    memcpy(to->gpr, from->gpr, sizeof to->gpr);
    to->eip = ANSWER_EIP;
    to->eflags = from->flags | FLAG_FIXED | FLAG_IF;
    to->seg[SEG_CS] = ANSWER_CS;
    to->seg[SEG_DS] = to->seg[SEG_ES] = to->seg[SEG_SS] = ANSWER_DS;
    to->fpu_control = from->control;
    to->fpu_status = from->status;
    to->fpu_empty = from->empty;
    to->mxcsr = from->mxcsr;
    memcpy(to->fpu, from->reg, sizeof to->fpu);
    memcpy(to->xmm, from->xmm, sizeof to->xmm);
}

static void store_state(const struct world_state *from, struct answer_state *to)
{
    memcpy(to->gpr, from->gpr, sizeof to->gpr);
    to->flags = from->eflags & (FLAGS_ARITHMETIC | FLAG_DF);
    to->control = from->fpu_control;
    to->status = from->fpu_status;
    to->empty = from->fpu_empty;
    to->mxcsr = from->mxcsr;
    memcpy(to->reg, from->fpu, sizeof to->reg);
    memcpy(to->xmm, from->xmm, sizeof to->xmm);
}

/* The instruction ends at the breakpoint behind it, or wherever it jumps to. */
void capture_run(struct answer_case *answer)
{
    struct world_state before;
    struct world_outcome outcome = {0};
    struct world_program program = {.linear = ANSWER_EIP, .size = answer->length};
    memcpy(program.code, answer->code, answer->length);
    load_state(&answer->before, &before);
    memcpy(host_data(), answer->before.data, ANSWER_PAGE);
    host_run(&before, &program, &outcome);
    store_state(&outcome.state, &answer->after.state);
    memcpy(answer->after.state.data, host_data(), ANSWER_PAGE);
    bool is_break = outcome.vector == VECTOR_BP;
    answer->after.eip = outcome.state.eip - is_break;
    answer->after.trap = is_break ? ANSWER_NO_TRAP : outcome.vector;
    answer->after.cr2 = outcome.vector == VECTOR_PF ? outcome.cr2 : 0;
}
