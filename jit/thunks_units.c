/* See jit/thunks_units.h. */
#include "jit/thunks_units.h"

#include "cpu/simd.h"
#include "jit/emit.h"
#include "jit/units.h"

#include <stddef.h>

enum {
    XMM_COUNT = 8,
    ALL_MASKED = FLOAT_EXCEPTIONS << MXCSR_MASKS_SHIFT,
};

static void move_sse(struct x64 *as, bool store)
{
    for (unsigned i = 0; i < XMM_COUNT; i++) {
        struct x64_mem mem = CPU_FIELD(xmm);
        mem.disp += (int32_t)(i * sizeof(union xmm_register));
        x64_rm(as, 4, store ? 0x0F11 : 0x0F10, (enum host_reg)i, &mem); /* movups */
    }
}

static void ldmxcsr(struct x64 *as, struct x64_mem mem)
{
    x64_rm(as, 4, 0x0FAE, (enum host_reg)2, &mem);
}

static void stmxcsr(struct x64 *as, struct x64_mem mem)
{
    x64_rm(as, 4, 0x0FAE, (enum host_reg)3, &mem);
}

uint8_t *thunks_emit_store_sse(struct x64 *as)
{
    uint8_t *at = as->at;
    move_sse(as, true);
    stmxcsr(as, CPU_FIELD(mxcsr));
    ldmxcsr(as, CPU_FIELD(frame.host_mxcsr));
    x64_alu_mi(as, X64_AND, 1, CPU_FIELD(frame.units), (uint8_t)~UNIT_SSE);
    x64_ret(as);
    return at;
}

uint8_t *thunks_emit_load_sse(struct x64 *as)
{
    uint8_t *at = as->at, *no[3];
    x64_test_mi(as, 4, CPU_FIELD(cr0), CR0_EM | CR0_TS);
    no[0] = x64_jcc(as, X64_NE);
    x64_test_mi(as, 4, CPU_FIELD(cr4), CR4_OSFXSR);
    no[1] = x64_jcc(as, X64_E);
    x64_mov_rm(as, 4, REG_SCRATCH, CPU_FIELD(mxcsr));
    x64_alu_ri(as, X64_AND, 4, REG_SCRATCH, ALL_MASKED);
    x64_alu_ri(as, X64_CMP, 4, REG_SCRATCH, ALL_MASKED);
    no[2] = x64_jcc(as, X64_NE);
    move_sse(as, false);
    ldmxcsr(as, CPU_FIELD(mxcsr));
    x64_alu_mi(as, X64_OR, 1, CPU_FIELD(frame.units), UNIT_SSE);
    for (unsigned i = 0; i < 3; i++)
        x64_patch(no[i], as->at);
    x64_ret(as);
    return at;
}

void thunks_emit_put_sse_away(struct x64 *as, const uint8_t *store_sse)
{
    x64_test_mi(as, 1, CPU_FIELD(frame.units), UNIT_SSE);
    uint8_t *none = x64_jcc(as, X64_E);
    x64_call_to(as, store_sse);
    x64_patch(none, as->at);
}

/* C changes these, and the guest or the block has something in them. */
static const uint8_t kept[] = {RAX, RCX, RDX, RSI, RDI, REG_T0, REG_BUDGET};
enum { KEPT_COUNT = sizeof kept, FRAME = KEPT_COUNT * 8 };
_Static_assert(FRAME % 16 == 8, "with the return address, the stack is aligned");

uint8_t *thunks_emit_load_fpu(struct x64 *as, const uint8_t *store_sse)
{
    uint8_t *at = as->at;
    thunks_emit_put_sse_away(as, store_sse);
    x64_lea(as, 8, RSP, x64_at(RSP, -FRAME));
    for (unsigned i = 0; i < KEPT_COUNT; i++)
        x64_mov_mr(as, 8, x64_at(RSP, (int32_t)(8 * i)), kept[i]);
    x64_lea(as, 8, RDI, x64_at(REG_CPU, -CPU_BIAS));
    x64_mov_ri(as, 8, RAX, (uintptr_t)units_load_fpu);
    x64_rr(as, 4, 0xFF, (enum host_reg)2, RAX); /* call */
    for (unsigned i = 0; i < KEPT_COUNT; i++)
        x64_mov_rm(as, 8, kept[i], x64_at(RSP, (int32_t)(8 * i)));
    x64_lea(as, 8, RSP, x64_at(RSP, FRAME));
    x64_ret(as);
    return at;
}
