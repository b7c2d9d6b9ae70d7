/* The x87 register stack, status and exceptions, for the exec functions (SDM 1, chapter 8). */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "cpu/access.h"
#include "cpu/fault.h"
#include "cpu/float_convert.h"
#include "cpu/insn.h"

#define FPU_INLINE static inline __attribute__((always_inline))

enum fpu_status_bits {
    FPU_IE = 1 << 0, /* the six exceptions are enum float_flag */
    FPU_SF = 1 << 6,
    FPU_ES = 1 << 7,
    FPU_C0 = 1 << 8,
    FPU_C1 = 1 << 9,
    FPU_C2 = 1 << 10,
    FPU_TOP = 7 << 11,
    FPU_TOP_SHIFT = 11,
    FPU_C3 = 1 << 14,
    FPU_BUSY = 1 << 15, /* a copy of ES */
    FPU_CONDITIONS = FPU_C0 | FPU_C1 | FPU_C2 | FPU_C3,
};

enum {
    FPU_CONTROL_INIT = 0x037F,
    FPU_CONTROL_WRITABLE = 0x1F3F, /* bit 6 reads as one, the others as zero */
    FPU_CONTROL_FIXED = 0x0040,
};

/* --- slow paths and whole-state operations (cpu/fpu.c) --- */

/* A waiting instruction found ES set: #MF, or FERR# and the wait for an interrupt. */
enum exec_result fpu_pending(struct cpu *cpu) MUST_CHECK;
/* Recomputes ES, B and FERR# from status and control. */
void fpu_update_summary(struct cpu *cpu);
/* Stack fault: sets IE, SF, C1. True: invalid is masked, so the masked response goes on. */
bool fpu_stack_fault(struct cpu *cpu, bool overflow);
/* FNINIT. */
void fpu_init(struct cpu *cpu);
/* The full tag word, and its inverse. */
uint16_t fpu_tag_word(const struct fpu_state *fpu);
void fpu_set_tag_word(struct fpu_state *fpu, uint16_t tags);
/* Moves TOP to 0 and marks all registers valid: what every MMX instruction but EMMS does. */
static inline void fpu_enter_mmx(struct cpu *cpu)
{
    cpu->fpu.status &= (uint16_t)~FPU_TOP;
    cpu->fpu.empty = 0;
}

/* --- the stack --- */

static inline unsigned fpu_index(const struct cpu *cpu, unsigned i)
{
    return ((cpu->fpu.status >> FPU_TOP_SHIFT) + i) & 7;
}
static inline struct float80 *fpu_st(struct cpu *cpu, unsigned i)
{
    return &cpu->fpu.reg[fpu_index(cpu, i)];
}
/* Both words whole: a register that was stored in part could not be forwarded to the load of the
 * next instruction. */
static inline void float80_store(struct float80 *to, struct float80 value)
{
    uint64_t words[2] = {value.significand, value.sign_exponent};
    memcpy(to, words, sizeof words);
}
static inline bool fpu_is_empty(const struct cpu *cpu, unsigned i)
{
    return cpu->fpu.empty >> fpu_index(cpu, i) & 1;
}
static inline void fpu_mark_empty(struct cpu *cpu, unsigned i)
{
    cpu->fpu.empty |= (uint8_t)(1u << fpu_index(cpu, i));
}
/* status with delta (modulo 8) added to TOP. */
static inline uint16_t fpu_status_with_top(uint32_t status, uint32_t delta)
{
    return (uint16_t)((status & ~(uint32_t)FPU_TOP) |
                      ((status + (delta << FPU_TOP_SHIFT)) & FPU_TOP));
}
static inline void fpu_move_top(struct cpu *cpu, unsigned delta)
{
    cpu->fpu.status = fpu_status_with_top(cpu->fpu.status, delta);
}
static inline void fpu_pop(struct cpu *cpu)
{
    fpu_mark_empty(cpu, 0);
    fpu_move_top(cpu, 1);
}
static inline void fpu_put(struct cpu *cpu, unsigned i, struct float80 value)
{
    unsigned index = fpu_index(cpu, i);
    float80_store(&cpu->fpu.reg[index], value);
    cpu->fpu.empty &= (uint8_t) ~(1u << index);
}
static inline void fpu_push(struct cpu *cpu, struct float80 value)
{
    fpu_move_top(cpu, 7);
    fpu_put(cpu, 0, value);
}
/* When there is room. The status word is read and written once: each read of what was just written
 * would lengthen the chain from instruction to instruction. Clears C1. */
static inline void fpu_push_quick(struct cpu *cpu, uint32_t status, struct float80 value)
{
    unsigned index = ((status >> FPU_TOP_SHIFT) - 1) & 7;
    cpu->fpu.status = fpu_status_with_top(status & ~(uint32_t)FPU_C1, 7);
    cpu->fpu.empty &= (uint8_t) ~(1u << index);
    float80_store(&cpu->fpu.reg[index], value);
}

/* --- an instruction's beginning and end --- */

/* The check that every waiting instruction makes first. */
static inline MUST_CHECK enum exec_result fpu_begin(struct cpu *cpu)
{
    return UNLIKELY(cpu->fpu.status & FPU_ES) ? fpu_pending(cpu) : EXEC_OK;
}

/* Records the instruction (and operand) pointer of a non-control instruction. Only when nothing
 * can fault any more. */
static inline void fpu_note(struct cpu *cpu, const struct insn *insn)
{
    cpu->fpu.ip_offset = cpu_insn_eip(cpu);
    cpu->fpu.ip_selector = cpu->seg[SEG_CS].selector;
    cpu->fpu.opcode = (uint16_t)(insn->opcode << 8 | insn->modrm); /* 11 bits count */
}
static inline void fpu_note_memory(struct cpu *cpu, const struct insn *insn, uint32_t offset)
{
    fpu_note(cpu, insn);
    cpu->fpu.data_offset = offset;
    cpu->fpu.data_selector = cpu->seg[insn->segment].selector;
}

/* Rounding and masks of the control word; full precision. */
FPU_INLINE struct float_env fpu_env(const struct cpu *cpu)
{
    return (struct float_env){.rounding = cpu->fpu.control >> 10 & 3,
                              .masked = cpu->fpu.control & FLOAT_EXCEPTIONS};
}
/* With precision control too. */
FPU_INLINE struct float_env fpu_arithmetic_env(const struct cpu *cpu)
{
    static const uint8_t drop[4] = {40, 0, 11, 0};
    return (struct float_env){.rounding = cpu->fpu.control >> 10 & 3,
                              .drop = drop[cpu->fpu.control >> 8 & 3],
                              .masked = cpu->fpu.control & FLOAT_EXCEPTIONS};
}

/* Puts the flags that an operation raised into the status word, and C1. prevent: exceptions that,
 * unmasked, keep the result from being written. True: write it. */
bool fpu_raise(struct cpu *cpu, const struct float_env *env, unsigned prevent);
static inline bool fpu_commit_flags(struct cpu *cpu, const struct float_env *env, unsigned prevent)
{
    if (LIKELY(!(env->flags & ~(unsigned)env->masked & FLOAT_EXCEPTIONS))) {
        cpu->fpu.status = (uint16_t)((cpu->fpu.status & ~FPU_C1) | env->flags);
        return true;
    }
    return fpu_raise(cpu, env, prevent);
}

enum {
    FPU_BEFORE = FLOAT_INVALID | FLOAT_DENORMAL | FLOAT_ZERO_DIVIDE,
    FPU_BEFORE_STORE = FLOAT_INVALID | FLOAT_OVERFLOW | FLOAT_UNDERFLOW,
};
/* For results in registers. */
static inline bool fpu_commit(struct cpu *cpu, const struct float_env *env)
{
    return fpu_commit_flags(cpu, env, FPU_BEFORE);
}
/* Whether a store to memory will take place, before anything is changed. */
static inline bool fpu_may_store(const struct float_env *env)
{
    return !(env->flags & ~(unsigned)env->masked & FPU_BEFORE_STORE);
}

/* --- memory operands --- */

static inline MUST_CHECK enum exec_result fpu_read80(struct cpu *cpu, enum segment_register seg,
                                                     uint32_t offset, struct float80 *value)
{
    uint8_t bytes[10];
    const uint8_t *host = mem_fast(cpu, seg, offset, sizeof bytes, MMU_READ);
    if (UNLIKELY(!host)) {
        if (mem_read_slow(cpu, seg, offset, bytes, sizeof bytes))
            return EXEC_FAULT;
        host = bytes;
    }
    *value = (struct float80){load_le64(host), load_le16(host + 8)};
    return EXEC_OK;
}
/* Up to 512 bytes; a fault leaves everything as it was. piece, which divides size: what must be
 * aligned where that is checked (SDM 3A table 6-7). */
enum exec_result fpu_read_block(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                void *bytes, unsigned size, unsigned piece) MUST_CHECK;
enum exec_result fpu_write_block(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                 const void *bytes, unsigned size, unsigned piece) MUST_CHECK;

#endif
