/* Moves between MMX, XMM and general registers and memory; MXCSR, EMMS, fences. */
#include "cpu/exec.h"
#include "cpu/simd.h"

/* --- MOVD, MOVQ --- */

static enum exec_result read_doubleword(struct cpu *cpu, const struct insn *insn, uint32_t *value)
{
    if (simd_is_memory(insn))
        return mem_read32(cpu, insn->segment, insn_address(cpu, insn), value);
    *value = cpu->gpr[insn->rm];
    return EXEC_OK;
}

static enum exec_result write_doubleword(struct cpu *cpu, const struct insn *insn, uint32_t value)
{
    if (simd_is_memory(insn))
        return mem_write32(cpu, insn->segment, insn_address(cpu, insn), value);
    cpu->gpr[insn->rm] = value;
    return EXEC_OK;
}

enum exec_result exec_movd_pd_ed(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value;
    if (fpu_begin(cpu) || read_doubleword(cpu, insn, &value))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    mmx_set(cpu, insn->reg, value);
    return EXEC_OK;
}

enum exec_result exec_movd_ed_pd(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu) || write_doubleword(cpu, insn, (uint32_t)mmx_get(cpu, insn->reg)))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    return EXEC_OK;
}

enum exec_result exec_movd_vd_ed(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value;
    if (read_doubleword(cpu, insn, &value))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = (union xmm_register){.u32 = {value}};
    return EXEC_OK;
}

enum exec_result exec_movd_ed_vd(struct cpu *cpu, const struct insn *insn)
{
    return write_doubleword(cpu, insn, cpu->xmm[insn->reg].u32[0]);
}

enum exec_result exec_movq_pq_qq(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value;
    if (mmx_read(cpu, insn, &value))
        return EXEC_FAULT;
    mmx_set(cpu, insn->reg, value);
    return EXEC_OK;
}

/* MOVNTQ too. */
enum exec_result exec_movq_qq_pq(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value = mmx_get(cpu, insn->reg);
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    if (simd_is_memory(insn) && mem_write64(cpu, insn->segment, insn_address(cpu, insn), value))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    if (!simd_is_memory(insn))
        mmx_set(cpu, insn->rm, value);
    return EXEC_OK;
}

enum exec_result exec_movq_vq_wq(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value;
    if (xmm_read64(cpu, insn, &value))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = (union xmm_register){.u64 = {value}};
    return EXEC_OK;
}

enum exec_result exec_movq_wq_vq(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value = cpu->xmm[insn->reg].u64[0];
    if (simd_is_memory(insn))
        return mem_write64(cpu, insn->segment, insn_address(cpu, insn), value);
    cpu->xmm[insn->rm] = (union xmm_register){.u64 = {value}};
    return EXEC_OK;
}

enum exec_result exec_movq2dq(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    cpu->xmm[insn->reg] = (union xmm_register){.u64 = {mmx_get(cpu, insn->rm)}};
    return EXEC_OK;
}

enum exec_result exec_movdq2q(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu);
    mmx_set(cpu, insn->reg, cpu->xmm[insn->rm].u64[0]);
    return EXEC_OK;
}

enum exec_result exec_movnti(struct cpu *cpu, const struct insn *insn)
{
    return mem_write32(cpu, insn->segment, insn_address(cpu, insn), cpu->gpr[insn->reg]);
}

/* --- 128 bits --- */

/* MOVAPS, MOVAPD, MOVDQA */
enum exec_result exec_mova_load(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register value;
    if (xmm_read(cpu, insn, &value))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = value;
    return EXEC_OK;
}

/* MOVNTPS, MOVNTPD, MOVNTDQ too */
enum exec_result exec_mova_store(struct cpu *cpu, const struct insn *insn)
{
    if (simd_is_memory(insn))
        return xmm_write_memory(cpu, insn, &cpu->xmm[insn->reg], true);
    cpu->xmm[insn->rm] = cpu->xmm[insn->reg];
    return EXEC_OK;
}

/* MOVUPS, MOVUPD, MOVDQU, LDDQU */
enum exec_result exec_movu_load(struct cpu *cpu, const struct insn *insn)
{
    union xmm_register value = cpu->xmm[insn->rm & 7];
    if (simd_is_memory(insn) && xmm_read_memory(cpu, insn, &value, false))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = value;
    return EXEC_OK;
}

enum exec_result exec_movu_store(struct cpu *cpu, const struct insn *insn)
{
    if (simd_is_memory(insn))
        return xmm_write_memory(cpu, insn, &cpu->xmm[insn->reg], false);
    cpu->xmm[insn->rm] = cpu->xmm[insn->reg];
    return EXEC_OK;
}

/* --- parts of an XMM register --- */

enum exec_result exec_movss_load(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value;
    if (xmm_read32(cpu, insn, &value))
        return EXEC_FAULT;
    if (simd_is_memory(insn))
        cpu->xmm[insn->reg] = (union xmm_register){.u32 = {value}};
    else
        cpu->xmm[insn->reg].u32[0] = value;
    return EXEC_OK;
}

enum exec_result exec_movss_store(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value = cpu->xmm[insn->reg].u32[0];
    if (simd_is_memory(insn))
        return mem_write32(cpu, insn->segment, insn_address(cpu, insn), value);
    cpu->xmm[insn->rm].u32[0] = value;
    return EXEC_OK;
}

enum exec_result exec_movsd_load(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value;
    if (xmm_read64(cpu, insn, &value))
        return EXEC_FAULT;
    if (simd_is_memory(insn))
        cpu->xmm[insn->reg] = (union xmm_register){.u64 = {value}};
    else
        cpu->xmm[insn->reg].u64[0] = value;
    return EXEC_OK;
}

enum exec_result exec_movsd_store(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value = cpu->xmm[insn->reg].u64[0];
    if (simd_is_memory(insn))
        return mem_write64(cpu, insn->segment, insn_address(cpu, insn), value);
    cpu->xmm[insn->rm].u64[0] = value;
    return EXEC_OK;
}

static enum exec_result load_half(struct cpu *cpu, const struct insn *insn, unsigned half)
{
    uint64_t value;
    if (mem_read64(cpu, insn->segment, insn_address(cpu, insn), &value))
        return EXEC_FAULT;
    cpu->xmm[insn->reg].u64[half] = value;
    return EXEC_OK;
}

static enum exec_result store_half(struct cpu *cpu, const struct insn *insn, unsigned half)
{
    return mem_write64(cpu, insn->segment, insn_address(cpu, insn), cpu->xmm[insn->reg].u64[half]);
}

/* MOVLPS, MOVLPD, MOVHPS, MOVHPD */
enum exec_result exec_movl_load(struct cpu *cpu, const struct insn *insn)
{
    return load_half(cpu, insn, 0);
}
enum exec_result exec_movl_store(struct cpu *cpu, const struct insn *insn)
{
    return store_half(cpu, insn, 0);
}
enum exec_result exec_movh_load(struct cpu *cpu, const struct insn *insn)
{
    return load_half(cpu, insn, 1);
}
enum exec_result exec_movh_store(struct cpu *cpu, const struct insn *insn)
{
    return store_half(cpu, insn, 1);
}

enum exec_result exec_movhlps(struct cpu *cpu, const struct insn *insn)
{
    cpu->xmm[insn->reg].u64[0] = cpu->xmm[insn->rm].u64[1];
    return EXEC_OK;
}
enum exec_result exec_movlhps(struct cpu *cpu, const struct insn *insn)
{
    cpu->xmm[insn->reg].u64[1] = cpu->xmm[insn->rm].u64[0];
    return EXEC_OK;
}

/* --- SSE3 duplications --- */

enum exec_result exec_movddup(struct cpu *cpu, const struct insn *insn)
{
    uint64_t value;
    if (xmm_read64(cpu, insn, &value))
        return EXEC_FAULT;
    cpu->xmm[insn->reg] = (union xmm_register){
        .u64 = {value, value}
    };
    return EXEC_OK;
}

static enum exec_result duplicate_lanes(struct cpu *cpu, const struct insn *insn, unsigned odd)
{
    union xmm_register b;
    if (xmm_read(cpu, insn, &b))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 4; i++)
        cpu->xmm[insn->reg].u32[i] = b.u32[(i & 2) + odd];
    return EXEC_OK;
}

enum exec_result exec_movsldup(struct cpu *cpu, const struct insn *insn)
{
    return duplicate_lanes(cpu, insn, 0);
}
enum exec_result exec_movshdup(struct cpu *cpu, const struct insn *insn)
{
    return duplicate_lanes(cpu, insn, 1);
}

/* --- state --- */

enum exec_result exec_emms(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_enter_mmx(cpu); /* TOP becomes 0, as with every MMX instruction (SDM 3A, table 12-1) */
    cpu->fpu.empty = 0xFF;
    return EXEC_OK;
}

enum exec_result exec_ldmxcsr(struct cpu *cpu, const struct insn *insn)
{
    uint32_t value;
    if (mem_read32(cpu, insn->segment, insn_address(cpu, insn), &value))
        return EXEC_FAULT;
    if (value & ~cpu_mxcsr_mask(cpu))
        return fault_gp(cpu, 0);
    cpu->mxcsr = value;
    return EXEC_OK;
}

enum exec_result exec_stmxcsr(struct cpu *cpu, const struct insn *insn)
{
    return mem_write32(cpu, insn->segment, insn_address(cpu, insn), cpu->mxcsr);
}

/* SFENCE, LFENCE, MFENCE: memory is in order already. */
enum exec_result exec_fence(struct cpu *cpu, const struct insn *insn)
{
    return EXEC_OK;
}

/* No caches to flush; the byte must be readable. */
enum exec_result exec_clflush(struct cpu *cpu, const struct insn *insn)
{
    uint8_t byte;
    return mem_read8(cpu, insn->segment, insn_address(cpu, insn), &byte);
}

enum exec_result sse_raise(struct cpu *cpu, const struct float_env *env)
{
    unsigned flags = env->flags & FLOAT_EXCEPTIONS;
    unsigned unmasked = flags & ~(unsigned)env->masked;
    if (unmasked & FPU_BEFORE)
        flags &= FPU_BEFORE; /* found before the operation, which was not done */
    cpu->mxcsr |= flags;
    return cpu->cr4 & CR4_OSXMMEXCPT ? fault_raise(cpu, VECTOR_XM) : fault_ud(cpu);
}
