#include "cpu/fpu.h"

#include "cpu/float_core.h"
#include "cpu/model.h"

static const struct field float80_fields[] = {
    FIELD(struct float80, significand),
    FIELD(struct float80, sign_exponent),
    FIELD_END,
};

/* A host's x87, which translated code uses, would not keep anything else. */
static const char *fpu_misfit(const void *base)
{
    const struct fpu_state *fpu = base;
    bool pending = fpu->status & ~fpu->control & FLOAT_EXCEPTIONS;
    unsigned summary = pending ? FPU_ES | FPU_BUSY : 0;
    if ((fpu->control & ~FPU_CONTROL_WRITABLE) != FPU_CONTROL_FIXED)
        return "the control word has bits that do not exist";
    if ((fpu->status & (FPU_ES | FPU_BUSY)) != summary)
        return "the summary of exceptions is none of them";
    return NULL;
}

const struct field fpu_fields[] = {
    FIELD_STRUCTS(struct fpu_state, reg, float80_fields),
    FIELD(struct fpu_state, control),
    FIELD(struct fpu_state, status),
    FIELD(struct fpu_state, empty),
    FIELD(struct fpu_state, opcode),
    FIELD(struct fpu_state, ip_selector),
    FIELD(struct fpu_state, data_selector),
    FIELD(struct fpu_state, ip_offset),
    FIELD(struct fpu_state, data_offset),
    FIELD_CHECK(fpu_misfit),
    FIELD_END,
};

/* --- exceptions --- */

static void set_ferr(struct cpu *cpu, bool level)
{
    if (cpu->host.set_ferr)
        cpu->host.set_ferr(cpu->host.opaque, level);
}

enum exec_result fpu_pending(struct cpu *cpu)
{
    if (cpu->cr0 & CR0_NE)
        return fault_raise(cpu, VECTOR_MF);
    if (cpu->host.ignne && cpu->host.ignne(cpu->host.opaque))
        return EXEC_OK;
    /* FERR# has been high since the exception, so an interrupt that IF lets through was taken
     * before this instruction. The processor now waits for one (SDM 3A 9.2.2 calls it freezing);
     * the instruction starts again when it has come. */
    set_ferr(cpu, true);
    return fault_freeze(cpu);
}

void fpu_update_summary(struct cpu *cpu)
{
    struct fpu_state *fpu = &cpu->fpu;
    bool pending = fpu->status & ~fpu->control & FLOAT_EXCEPTIONS;
    bool was_pending = fpu->status & FPU_ES;
    fpu->status &= (uint16_t) ~(FPU_ES | FPU_BUSY);
    if (pending)
        fpu->status |= FPU_ES | FPU_BUSY;
    if (pending != was_pending && (!pending || !(cpu->cr0 & CR0_NE)))
        set_ferr(cpu, pending);
}

bool fpu_raise(struct cpu *cpu, const struct float_env *env, unsigned prevent)
{
    unsigned flags = env->flags;
    unsigned unmasked = flags & ~(unsigned)env->masked & FLOAT_EXCEPTIONS;
    bool write = !(unmasked & prevent);
    if (unmasked & FPU_BEFORE)
        flags &= FPU_BEFORE; /* found before the operation, which was not done */
    else if (!write)         /* a store that did not take place is not inexact (SDM 1, 8.5.6) */
        flags &= ~(unsigned)(FLOAT_INEXACT | FLOAT_ROUNDED_UP);
    cpu->fpu.status = (uint16_t)((cpu->fpu.status & ~FPU_C1) | flags);
    fpu_update_summary(cpu);
    return write;
}

bool fpu_stack_fault(struct cpu *cpu, bool overflow)
{
    cpu->fpu.status =
        (uint16_t)((cpu->fpu.status & ~FPU_C1) | FPU_IE | FPU_SF | (overflow ? FPU_C1 : 0));
    fpu_update_summary(cpu);
    return cpu->fpu.control & FLOAT_INVALID;
}

/* --- whole state --- */

void fpu_init(struct cpu *cpu)
{
    struct fpu_state *fpu = &cpu->fpu;
    fpu->control = FPU_CONTROL_INIT;
    fpu->status &= FPU_ES; /* so that FERR# falls if it was high */
    fpu->empty = 0xFF;
    fpu->opcode = 0;
    fpu->ip_selector = fpu->data_selector = 0;
    fpu->ip_offset = fpu->data_offset = 0;
    fpu_update_summary(cpu);
}

uint16_t fpu_tag_word(const struct fpu_state *fpu)
{
    enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        enum float_class class = float80_classify(fpu->reg[i]);
        unsigned tag = fpu->empty >> i & 1     ? TAG_EMPTY
                       : class == FLOAT_ZERO   ? TAG_ZERO
                       : class == FLOAT_NORMAL ? TAG_VALID
                                               : TAG_SPECIAL;
        tags |= tag << (2 * i);
    }
    return (uint16_t)tags;
}

void fpu_set_tag_word(struct fpu_state *fpu, uint16_t tags)
{
    fpu->empty = 0;
    for (unsigned i = 0; i < 8; i++)
        fpu->empty |= (uint8_t)(((tags >> (2 * i) & 3) == 3) << i);
}

/* --- blocks of memory --- */

enum exec_result fpu_read_block(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                void *bytes, unsigned size, unsigned piece)
{
    const uint8_t *host = mem_fast(cpu, seg, offset, size, MMU_READ);
    if (host) {
        memcpy(bytes, host, size);
        return EXEC_OK;
    }
    for (unsigned i = 0; i < size; i += piece)
        if (mem_read_slow(cpu, seg, offset + i, (uint8_t *)bytes + i, piece))
            return EXEC_FAULT;
    return EXEC_OK;
}

enum exec_result fpu_write_block(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                 const void *bytes, unsigned size, unsigned piece)
{
    uint8_t *host = mem_fast(cpu, seg, offset, size, MMU_WRITE);
    if (host) {
        memcpy(host, bytes, size);
        return EXEC_OK;
    }
    for (unsigned i = 0; i < size; i += piece)
        if (mem_check_write(cpu, seg, offset + i, piece))
            return EXEC_FAULT;
    for (unsigned i = 0; i < size; i += piece)
        if (mem_write_slow(cpu, seg, offset + i, (const uint8_t *)bytes + i, piece))
            return EXEC_FAULT;
    return EXEC_OK;
}

uint32_t cpu_mxcsr_mask(const struct cpu *cpu)
{
    return model_has(cpu->model, FEAT_SSE2) ? 0xFFFF : 0xFFBF;
}
