/* Near transfers: Jcc, JMP, CALL, RET, LOOP, LOOPE, LOOPNE, JCXZ.
 *
 * The target is cut to 16 bits with a 16-bit operand size, and must be within the CS limit, which
 * is checked before anything changes. Source: Intel SDM volume 2A, CALL, Jcc, JMP, LOOP; 2B, RET.
 */
#include "cpu/condition.h"
#include "cpu/exec.h"
#include "cpu/fault.h"
#include "cpu/operands.h"
#include "cpu/repeat.h"

#define DEFINE_TARGET(bits)                                                                        \
    static inline MUST_CHECK enum exec_result check_target##bits(struct cpu *cpu,                  \
                                                                 uint32_t *target)                 \
    {                                                                                              \
        *target = (UINT(bits)) * target;                                                           \
        return LIKELY(*target <= cpu->seg[SEG_CS].limit) ? EXEC_OK : fault_gp(cpu, 0);             \
    }                                                                                              \
    static inline enum exec_result jump##bits(struct cpu *cpu, uint32_t target)                    \
    {                                                                                              \
        if (check_target##bits(cpu, &target))                                                      \
            return EXEC_FAULT;                                                                     \
        cpu_jump(cpu, target);                                                                     \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static inline enum exec_result jump_relative##bits(struct cpu *cpu, const struct insn *insn,   \
                                                       bool taken)                                 \
    {                                                                                              \
        uint32_t next = cpu_next_eip(cpu);                                                         \
        if (taken)                                                                                 \
            return jump##bits(cpu, next + insn->immediate);                                        \
        cpu_jump(cpu, next);                                                                       \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static inline enum exec_result call##bits(struct cpu *cpu, uint32_t target)                    \
    {                                                                                              \
        if (check_target##bits(cpu, &target) ||                                                    \
            stack_push##bits(cpu, (UINT(bits))cpu_next_eip(cpu)))                                  \
            return EXEC_FAULT;                                                                     \
        cpu_jump(cpu, target);                                                                     \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_TARGET)

/* --- conditional --- */

#define DEFINE_JCC(name, condition)                                                                \
    EXEC(exec_j##name##16)                                                                         \
    {                                                                                              \
        return jump_relative16(cpu, insn, condition);                                              \
    }                                                                                              \
    EXEC(exec_j##name##32)                                                                         \
    {                                                                                              \
        return jump_relative32(cpu, insn, condition);                                              \
    }

FOR_EACH_CONDITION(DEFINE_JCC)

/* LOOPcc count in CX or ECX by the address size; the count stays if the target is out of bounds. */
#define DEFINE_LOOP(bits, name, condition)                                                         \
    EXEC(exec_##name##bits)                                                                        \
    {                                                                                              \
        uint32_t ecx = cpu->gpr[REG_ECX];                                                          \
        string_add(cpu, insn, REG_ECX, (uint32_t)-1);                                              \
        bool taken = string_register(cpu, insn, REG_ECX) != 0 && (condition);                      \
        if (jump_relative##bits(cpu, insn, taken)) {                                               \
            cpu->gpr[REG_ECX] = ecx;                                                               \
            return EXEC_FAULT;                                                                     \
        }                                                                                          \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_LOOPS(bits)                                                                         \
    DEFINE_LOOP(bits, loop, true)                                                                  \
    DEFINE_LOOP(bits, loope, flag_zf(cpu))                                                         \
    DEFINE_LOOP(bits, loopne, !flag_zf(cpu))                                                       \
    EXEC(exec_jcxz##bits)                                                                          \
    {                                                                                              \
        return jump_relative##bits(cpu, insn, string_register(cpu, insn, REG_ECX) == 0);           \
    }

FOR_EACH_V(DEFINE_LOOPS)

/* --- unconditional --- */

#define DEFINE_TRANSFERS(bits)                                                                     \
    EXEC(exec_jmp_j##bits)                                                                         \
    {                                                                                              \
        return jump_relative##bits(cpu, insn, true);                                               \
    }                                                                                              \
    EXEC(exec_jmp_ev##bits##_r)                                                                    \
    {                                                                                              \
        return jump##bits(cpu, reg##bits(cpu, insn->rm));                                          \
    }                                                                                              \
    EXEC_M(exec_jmp_ev##bits##_m)                                                                  \
    {                                                                                              \
        READ_MEMORY(bits, target);                                                                 \
        return jump##bits(cpu, target);                                                            \
    }                                                                                              \
    EXEC(exec_call_j##bits)                                                                        \
    {                                                                                              \
        return call##bits(cpu, cpu_next_eip(cpu) + insn->immediate);                               \
    }                                                                                              \
    EXEC(exec_call_ev##bits##_r)                                                                   \
    {                                                                                              \
        return call##bits(cpu, reg##bits(cpu, insn->rm));                                          \
    }                                                                                              \
    EXEC_M(exec_call_ev##bits##_m)                                                                 \
    {                                                                                              \
        READ_MEMORY(bits, target);                                                                 \
        return call##bits(cpu, target);                                                            \
    }                                                                                              \
    /* Without an immediate it is 0. */                                                            \
    EXEC(exec_ret##bits)                                                                           \
    {                                                                                              \
        UINT(bits) target;                                                                         \
        if (stack_peek##bits(cpu, 0, &target) || jump##bits(cpu, target))                          \
            return EXEC_FAULT;                                                                     \
        stack_set_pointer(cpu, cpu->gpr[REG_ESP] + (bits) / 8 + insn->immediate);                  \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_TRANSFERS)
