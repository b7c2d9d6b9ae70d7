/* Loads, stores, exchanges, conditional moves, constants, stack pointer. */
#include "cpu/exec.h"
#include "cpu/flags.h"
#include "cpu/fpu.h"

/* --- loads --- */

/* Pushes what was read, or answers that the stack is full. */
FPU_INLINE enum exec_result push(struct cpu *cpu, struct float80 value)
{
    if (UNLIKELY(!fpu_is_empty(cpu, 7))) {
        if (fpu_stack_fault(cpu, true))
            fpu_push(cpu, float80_indefinite());
        return EXEC_OK;
    }
    fpu_push_quick(cpu, cpu->fpu.status, value);
    return EXEC_OK;
}

/* The same for a conversion that raised exceptions. */
static enum exec_result push_raising(struct cpu *cpu, struct float80 value, struct float_env *env)
{
    if (UNLIKELY(!fpu_is_empty(cpu, 7)))
        return push(cpu, value);
    value = float80_quiet(value, env);
    if (fpu_commit(cpu, env))
        fpu_push(cpu, value);
    return EXEC_OK;
}

/* is_quick and widen: for an operand that needs no care; convert: for any, with env. */
#define DEFINE_LOAD(name, bits, is_quick, widen, convert)                                          \
    static enum exec_result name##_slow(struct cpu *cpu, const struct insn *insn)                  \
    {                                                                                              \
        uint32_t offset = insn_address(cpu, insn);                                                 \
        uint##bits##_t raw;                                                                        \
        if (fpu_begin(cpu) || mem_read##bits(cpu, insn->segment, offset, &raw))                    \
            return EXEC_FAULT;                                                                     \
        fpu_note_memory(cpu, insn, offset);                                                        \
        struct float_env env = fpu_env(cpu);                                                       \
        struct float80 value = convert;                                                            \
        return push_raising(cpu, value, &env);                                                     \
    }                                                                                              \
    enum exec_result name(struct cpu *cpu, const struct insn *insn)                                \
    {                                                                                              \
        uint32_t offset = insn_address(cpu, insn);                                                 \
        const uint8_t *host = mem_fast(cpu, insn->segment, offset, (bits) / 8, MMU_READ);          \
        uint##bits##_t raw;                                                                        \
        uint32_t status = cpu->fpu.status;                                                         \
        if (UNLIKELY(!host) || UNLIKELY(status & FPU_ES) || UNLIKELY(!fpu_is_empty(cpu, 7)))       \
            return name##_slow(cpu, insn);                                                         \
        memcpy(&raw, host, sizeof raw);                                                            \
        if (UNLIKELY(!(is_quick)))                                                                 \
            return name##_slow(cpu, insn);                                                         \
        fpu_note_memory(cpu, insn, offset);                                                        \
        fpu_push_quick(cpu, status, widen);                                                        \
        return EXEC_OK;                                                                            \
    }

DEFINE_LOAD(exec_fld_m32, 32, float32_is_normal(raw), float80_widen32(raw),
            float80_from_float32(raw, &env))
DEFINE_LOAD(exec_fld_m64, 64, float64_is_normal(raw), float80_widen64(raw),
            float80_from_float64(raw, &env))
DEFINE_LOAD(exec_fild_m16int, 16, true, float80_from_int64((int16_t)raw),
            float80_from_int64((int16_t)raw))
DEFINE_LOAD(exec_fild_m32int, 32, true, float80_from_int64((int32_t)raw),
            float80_from_int64((int32_t)raw))
DEFINE_LOAD(exec_fild_m64int, 64, true, float80_from_int64((int64_t)raw),
            float80_from_int64((int64_t)raw))

enum exec_result exec_fld_m80(struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset = insn_address(cpu, insn);
    struct float80 value;
    if (fpu_begin(cpu) || fpu_read80(cpu, insn->segment, offset, &value))
        return EXEC_FAULT;
    fpu_note_memory(cpu, insn, offset);
    return push(cpu, value);
}

enum exec_result exec_fbld(struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset = insn_address(cpu, insn);
    uint8_t bytes[10];
    if (fpu_begin(cpu) || mem_read_slow(cpu, insn->segment, offset, bytes, sizeof bytes))
        return EXEC_FAULT;
    fpu_note_memory(cpu, insn, offset);
    return push(cpu, float80_from_bcd(bytes));
}

enum exec_result exec_fld_sti(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (UNLIKELY(fpu_is_empty(cpu, insn->rm))) {
        if (fpu_stack_fault(cpu, false))
            fpu_push(cpu, float80_indefinite());
        return EXEC_OK;
    }
    return push(cpu, *fpu_st(cpu, insn->rm));
}

/* FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ */
enum exec_result exec_fld_constant(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    return push(cpu, float80_constant(insn->rm, fpu_env(cpu).rounding));
}

/* --- stores --- */

/* Ends a store whose memory was written, or must not be. stored: what fpu_may_store said. */
FPU_INLINE void finish_store(struct cpu *cpu, const struct insn *insn, uint32_t offset,
                             const struct float_env *env, bool pop)
{
    fpu_note_memory(cpu, insn, offset);
    bool proceed = fpu_commit_flags(cpu, env, FPU_BEFORE_STORE);
    if (pop && proceed)
        fpu_pop(cpu);
}

/* An unmasked exception keeps the operand from being written, but not from being looked at: faults
 * of memory come first. */
static enum exec_result prevent_store(struct cpu *cpu, const struct insn *insn, uint32_t offset,
                                      unsigned size)
{
    return mem_check_write(cpu, insn->segment, offset, size);
}

/* ST(0) is empty: the masked response stores the bytes of an indefinite. */
static enum exec_result store_underflow(struct cpu *cpu, const struct insn *insn, uint32_t offset,
                                        const void *indefinite, unsigned size, bool pop)
{
    if (cpu->fpu.control & FLOAT_INVALID
            ? mem_write_slow(cpu, insn->segment, offset, indefinite, size)
            : prevent_store(cpu, insn, offset, size))
        return EXEC_FAULT;
    fpu_note_memory(cpu, insn, offset);
    if (fpu_stack_fault(cpu, false) && pop)
        fpu_pop(cpu);
    return EXEC_OK;
}

#define DEFINE_STORE_AS(linkage, name, bits, convert, indefinite_bits, pop)                        \
    linkage enum exec_result name(struct cpu *cpu, const struct insn *insn)                        \
    {                                                                                              \
        uint32_t offset = insn_address(cpu, insn);                                                 \
        if (fpu_begin(cpu))                                                                        \
            return EXEC_FAULT;                                                                     \
        if (UNLIKELY(fpu_is_empty(cpu, 0))) {                                                      \
            uint##bits##_t indefinite = (uint##bits##_t)(indefinite_bits);                         \
            return store_underflow(cpu, insn, offset, &indefinite, sizeof indefinite, pop);        \
        }                                                                                          \
        struct float_env env = fpu_env(cpu);                                                       \
        struct float80 st0 = *fpu_st(cpu, 0);                                                      \
        uint##bits##_t raw = (uint##bits##_t)convert;                                              \
        if (LIKELY(fpu_may_store(&env)) ? mem_write##bits(cpu, insn->segment, offset, raw)         \
                                        : prevent_store(cpu, insn, offset, sizeof raw))            \
            return EXEC_FAULT;                                                                     \
        finish_store(cpu, insn, offset, &env, pop);                                                \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_STORE(name, bits, convert, indefinite_bits, pop)                                    \
    DEFINE_STORE_AS(, name, bits, convert, indefinite_bits, pop)
#define FLOAT64_INDEFINITE (UINT64_C(0xFFF8) << 48)

DEFINE_STORE_AS(static, exec_fst_m32_slow, 32, float80_to_float32(st0, &env), 0xFFC00000, false)
DEFINE_STORE_AS(static, exec_fstp_m32_slow, 32, float80_to_float32(st0, &env), 0xFFC00000, true)
DEFINE_STORE_AS(static, exec_fst_m64_slow, 64, float80_to_float64(st0, &env), FLOAT64_INDEFINITE,
                false)
DEFINE_STORE_AS(static, exec_fstp_m64_slow, 64, float80_to_float64(st0, &env), FLOAT64_INDEFINITE,
                true)

/* Stores of normal numbers as normal numbers, to nearest, with inexactness masked; else slow. */
enum { QUICK_CONTROL = 0x0C20, QUICK_VALUE = 0x0020 }; /* RC and PM */

#define DEFINE_QUICK_STORE(name, bits, bias, last_field, drop, pop)                                \
    enum exec_result name(struct cpu *cpu, const struct insn *insn)                                \
    {                                                                                              \
        uint32_t offset = insn_address(cpu, insn);                                                 \
        uint8_t *host = mem_fast(cpu, insn->segment, offset, (bits) / 8, MMU_WRITE);               \
        struct fpu_state *fpu = &cpu->fpu;                                                         \
        uint32_t status = fpu->status;                                                             \
        unsigned top = status >> FPU_TOP_SHIFT & 7;                                                \
        struct float80 st0 = fpu->reg[top];                                                        \
        uint32_t field = (st0.sign_exponent & FLOAT80_EXPONENT) - (FLOAT80_BIAS - (bias));         \
        struct float_env env = {.rounding = FLOAT_NEAREST};                                        \
        if (UNLIKELY(!host) || UNLIKELY(status & FPU_ES) || UNLIKELY(fpu->empty >> top & 1) ||     \
            UNLIKELY((fpu->control & QUICK_CONTROL) != QUICK_VALUE) ||                             \
            UNLIKELY(field - 1 >= (last_field) || !(st0.significand >> 63)))                       \
            return name##_slow(cpu, insn);                                                         \
        uint64_t sign = st0.sign_exponent >> 15;                                                   \
        uint##bits##_t raw =                                                                       \
            (uint##bits##_t)(float80_narrow_normal(st0, field, drop, &env) | sign << ((bits)-1));  \
        memcpy(host, &raw, sizeof raw);                                                            \
        fpu_note_memory(cpu, insn, offset);                                                        \
        if (pop) {                                                                                 \
            fpu->empty |= (uint8_t)(1u << top);                                                    \
            status = fpu_status_with_top(status, 1);                                               \
        }                                                                                          \
        fpu->status = (uint16_t)((status & ~(uint32_t)FPU_C1) | env.flags);                        \
        return EXEC_OK;                                                                            \
    }

DEFINE_QUICK_STORE(exec_fst_m32, 32, 127, 0xFD, 40, false)
DEFINE_QUICK_STORE(exec_fstp_m32, 32, 127, 0xFD, 40, true)
DEFINE_QUICK_STORE(exec_fst_m64, 64, 1023, 0x7FD, 11, false)
DEFINE_QUICK_STORE(exec_fstp_m64, 64, 1023, 0x7FD, 11, true)

DEFINE_STORE(exec_fist_m16int, 16, float80_to_int(st0, 16, false, &env), 0x8000, false)
DEFINE_STORE(exec_fistp_m16int, 16, float80_to_int(st0, 16, false, &env), 0x8000, true)
DEFINE_STORE(exec_fisttp_m16int, 16, float80_to_int(st0, 16, true, &env), 0x8000, true)
DEFINE_STORE(exec_fist_m32int, 32, float80_to_int(st0, 32, false, &env), 0x80000000, false)
DEFINE_STORE(exec_fistp_m32int, 32, float80_to_int(st0, 32, false, &env), 0x80000000, true)
DEFINE_STORE(exec_fisttp_m32int, 32, float80_to_int(st0, 32, true, &env), 0x80000000, true)
DEFINE_STORE(exec_fistp_m64int, 64, float80_to_int(st0, 64, false, &env), UINT64_C(1) << 63, true)
DEFINE_STORE(exec_fisttp_m64int, 64, float80_to_int(st0, 64, true, &env), UINT64_C(1) << 63, true)

/* Stores any contents as they are: no exception but an empty register. */
enum exec_result exec_fstp_m80(struct cpu *cpu, const struct insn *insn)
{
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
    uint32_t offset = insn_address(cpu, insn);
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    if (UNLIKELY(fpu_is_empty(cpu, 0)))
        return store_underflow(cpu, insn, offset, indefinite, sizeof indefinite, true);
    struct float80 st0 = *fpu_st(cpu, 0);
    uint8_t bytes[10];
    uint8_t *host = mem_fast(cpu, insn->segment, offset, sizeof bytes, MMU_WRITE);
    uint8_t *to = LIKELY(host != NULL) ? host : bytes;
    store_le64(to, st0.significand);
    store_le16(to + 8, st0.sign_exponent);
    if (UNLIKELY(!host) && mem_write_slow(cpu, insn->segment, offset, bytes, sizeof bytes))
        return EXEC_FAULT;
    fpu_note_memory(cpu, insn, offset);
    cpu->fpu.status &= (uint16_t)~FPU_C1;
    fpu_pop(cpu);
    return EXEC_OK;
}

enum exec_result exec_fbstp(struct cpu *cpu, const struct insn *insn)
{
    static const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF};
    uint32_t offset = insn_address(cpu, insn);
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    if (fpu_is_empty(cpu, 0))
        return store_underflow(cpu, insn, offset, indefinite, sizeof indefinite, true);
    struct float_env env = fpu_env(cpu);
    uint8_t bytes[10];
    float80_to_bcd(*fpu_st(cpu, 0), bytes, &env);
    if (fpu_may_store(&env) ? mem_write_slow(cpu, insn->segment, offset, bytes, sizeof bytes)
                            : prevent_store(cpu, insn, offset, sizeof bytes))
        return EXEC_FAULT;
    finish_store(cpu, insn, offset, &env, true);
    return EXEC_OK;
}

FPU_INLINE enum exec_result store_register(struct cpu *cpu, const struct insn *insn, bool pop)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    struct float80 value = *fpu_st(cpu, 0);
    if (UNLIKELY(fpu_is_empty(cpu, 0))) {
        if (!fpu_stack_fault(cpu, false))
            return EXEC_OK;
        value = float80_indefinite();
    } else {
        cpu->fpu.status &= (uint16_t)~FPU_C1;
    }
    fpu_put(cpu, insn->rm, value);
    if (pop)
        fpu_pop(cpu);
    return EXEC_OK;
}

enum exec_result exec_fst_sti(struct cpu *cpu, const struct insn *insn)
{
    return store_register(cpu, insn, false);
}

enum exec_result exec_fstp_sti(struct cpu *cpu, const struct insn *insn)
{
    return store_register(cpu, insn, true);
}

/* D9 D8+i: an empty ST(0) is popped without a stack fault, and nothing is stored. */
enum exec_result exec_fstp1(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    if (LIKELY(!fpu_is_empty(cpu, 0)))
        return store_register(cpu, insn, true);
    fpu_note(cpu, insn);
    cpu->fpu.status &= (uint16_t)~FPU_C1;
    fpu_pop(cpu);
    return EXEC_OK;
}

/* --- inside the stack --- */

enum exec_result exec_fxch(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    bool is_empty[2] = {fpu_is_empty(cpu, 0), fpu_is_empty(cpu, insn->rm)};
    struct float80 st0 = *fpu_st(cpu, 0), sti = *fpu_st(cpu, insn->rm);
    if (UNLIKELY(is_empty[0] || is_empty[1])) {
        if (!fpu_stack_fault(cpu, false))
            return EXEC_OK;
        st0 = is_empty[0] ? float80_indefinite() : st0;
        sti = is_empty[1] ? float80_indefinite() : sti;
    } else {
        cpu->fpu.status &= (uint16_t)~FPU_C1;
    }
    fpu_put(cpu, 0, sti);
    fpu_put(cpu, insn->rm, st0);
    return EXEC_OK;
}

FPU_INLINE enum exec_result move_if(struct cpu *cpu, const struct insn *insn, bool condition)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    if (UNLIKELY(fpu_is_empty(cpu, 0) || fpu_is_empty(cpu, insn->rm))) {
        if (fpu_stack_fault(cpu, false)) /* whatever the condition */
            fpu_put(cpu, 0, float80_indefinite());
        return EXEC_OK;
    }
    if (condition)
        float80_store(fpu_st(cpu, 0), *fpu_st(cpu, insn->rm));
    return EXEC_OK;
}

#define DEFINE_MOVE_IF(name, condition)                                                            \
    enum exec_result name(struct cpu *cpu, const struct insn *insn)                                \
    {                                                                                              \
        return move_if(cpu, insn, condition);                                                      \
    }

DEFINE_MOVE_IF(exec_fcmovb, flag_cf(cpu))
DEFINE_MOVE_IF(exec_fcmove, flag_zf(cpu))
DEFINE_MOVE_IF(exec_fcmovbe, flag_cf(cpu) || flag_zf(cpu))
DEFINE_MOVE_IF(exec_fcmovu, flag_pf(cpu))
DEFINE_MOVE_IF(exec_fcmovnb, !flag_cf(cpu))
DEFINE_MOVE_IF(exec_fcmovne, !flag_zf(cpu))
DEFINE_MOVE_IF(exec_fcmovnbe, !flag_cf(cpu) && !flag_zf(cpu))
DEFINE_MOVE_IF(exec_fcmovnu, !flag_pf(cpu))

FPU_INLINE enum exec_result rotate(struct cpu *cpu, const struct insn *insn, unsigned delta)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    cpu->fpu.status &= (uint16_t)~FPU_C1;
    fpu_move_top(cpu, delta);
    return EXEC_OK;
}

enum exec_result exec_fincstp(struct cpu *cpu, const struct insn *insn)
{
    return rotate(cpu, insn, 1);
}

enum exec_result exec_fdecstp(struct cpu *cpu, const struct insn *insn)
{
    return rotate(cpu, insn, 7);
}

enum exec_result exec_ffree(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    cpu->fpu.status &= (uint16_t)~FPU_C1;
    fpu_mark_empty(cpu, insn->rm);
    return EXEC_OK;
}

enum exec_result exec_ffreep(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    cpu->fpu.status &= (uint16_t)~FPU_C1;
    fpu_mark_empty(cpu, insn->rm);
    fpu_pop(cpu);
    return EXEC_OK;
}

enum exec_result exec_fnop(struct cpu *cpu, const struct insn *insn)
{
    if (fpu_begin(cpu))
        return EXEC_FAULT;
    fpu_note(cpu, insn);
    return EXEC_OK;
}
