/* PUSH, POP, PUSHA, POPA, ENTER, LEAVE (of general registers, immediates and memory).
 *
 * Instructions that write several words prove first that all writes will succeed, so that a fault
 * finds memory unchanged. Source: Intel SDM volume 2. */
#include "cpu/exec.h"
#include "cpu/operands.h"

#define DEFINE_PUSH_POP(bits)                                                                      \
    /* PUSH ESP pushes the old value; POP ESP keeps the popped one. */                             \
    EXEC(exec_push_z##bits)                                                                        \
    {                                                                                              \
        return stack_push##bits(cpu, reg##bits(cpu, insn->reg));                                   \
    }                                                                                              \
    EXEC(exec_push_ev##bits##_r)                                                                   \
    {                                                                                              \
        return stack_push##bits(cpu, reg##bits(cpu, insn->rm));                                    \
    }                                                                                              \
    EXEC_M(exec_push_ev##bits##_m)                                                                 \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        return stack_push##bits(cpu, value);                                                       \
    }                                                                                              \
    EXEC(exec_push_i##bits)                                                                        \
    {                                                                                              \
        return stack_push##bits(cpu, (UINT(bits))insn->immediate);                                 \
    }                                                                                              \
    static inline enum exec_result pop##bits(struct cpu *cpu, unsigned reg)                        \
    {                                                                                              \
        UINT(bits) value;                                                                          \
        if (stack_peek##bits(cpu, 0, &value))                                                      \
            return EXEC_FAULT;                                                                     \
        stack_set_pointer(cpu, cpu->gpr[REG_ESP] + (bits) / 8);                                    \
        set_reg##bits(cpu, reg, value);                                                            \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_pop_z##bits)                                                                         \
    {                                                                                              \
        return pop##bits(cpu, insn->reg);                                                          \
    }                                                                                              \
    EXEC(exec_pop_ev##bits##_r)                                                                    \
    {                                                                                              \
        return pop##bits(cpu, insn->rm);                                                           \
    }                                                                                              \
    /* An address with ESP as its base uses ESP after the pop. */                                  \
    EXEC(exec_pop_ev##bits##_m)                                                                    \
    {                                                                                              \
        UINT(bits) value;                                                                          \
        uint32_t esp = cpu->gpr[REG_ESP];                                                          \
        if (stack_peek##bits(cpu, 0, &value))                                                      \
            return EXEC_FAULT;                                                                     \
        stack_set_pointer(cpu, esp + (bits) / 8);                                                  \
        if (mem_write##bits(cpu, insn->segment, insn_address(cpu, insn), value)) {                 \
            cpu->gpr[REG_ESP] = esp;                                                               \
            return EXEC_FAULT;                                                                     \
        }                                                                                          \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_PUSH_POP)

/* The address of the n-th word below the top of the stack, counted from 1. */
static uint32_t below_top(const struct cpu *cpu, uint32_t n, uint32_t size)
{
    return (cpu->gpr[REG_ESP] - n * size) & cpu->stack_mask;
}

static MUST_CHECK enum exec_result check_stack(struct cpu *cpu, uint32_t offset, uint32_t size)
{
    if (LIKELY(mem_fast(cpu, SEG_SS, offset, size, MMU_WRITE) != NULL))
        return EXEC_OK;
    return mem_check_write(cpu, SEG_SS, offset, size);
}

static MUST_CHECK enum exec_result check_push(struct cpu *cpu, uint32_t n, uint32_t size)
{
    return check_stack(cpu, below_top(cpu, n, size), size);
}

#define DEFINE_ALL(bits)                                                                           \
    EXEC(exec_pusha##bits)                                                                         \
    {                                                                                              \
        for (uint32_t i = 1; i <= 8; i++)                                                          \
            if (check_push(cpu, i, (bits) / 8))                                                    \
                return EXEC_FAULT;                                                                 \
        for (uint32_t i = 0; i < 8; i++)                                                           \
            if (mem_write##bits(cpu, SEG_SS, below_top(cpu, i + 1, (bits) / 8),                    \
                                reg##bits(cpu, i)))                                                \
                return EXEC_FAULT;                                                                 \
        stack_set_pointer(cpu, cpu->gpr[REG_ESP] - 8 * (bits) / 8);                                \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_popa##bits)                                                                          \
    {                                                                                              \
        UINT(bits) values[8];                                                                      \
        for (uint32_t i = 0; i < 8; i++)                                                           \
            if (stack_peek##bits(cpu, i * (bits) / 8, &values[7 - i]))                             \
                return EXEC_FAULT;                                                                 \
        stack_set_pointer(cpu, cpu->gpr[REG_ESP] + 8 * (bits) / 8);                                \
        for (unsigned i = 0; i < 8; i++)                                                           \
            if (i != REG_ESP)                                                                      \
                set_reg##bits(cpu, i, values[i]);                                                  \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_ALL)

/* ENTER size, level: pushes EBP, copies level - 1 frame pointers from the old frame, pushes the new
 * frame pointer, and makes room. The word at the new top must be writable too. */
#define DEFINE_ENTER(bits)                                                                         \
    static MUST_CHECK enum exec_result check_enter##bits(struct cpu *cpu, uint32_t level,          \
                                                         uint32_t room)                            \
    {                                                                                              \
        const uint32_t size = (bits) / 8;                                                          \
        UINT(bits) ignored;                                                                        \
        if (check_push(cpu, 1, size))                                                              \
            return EXEC_FAULT;                                                                     \
        for (uint32_t i = 1; i < level; i++) {                                                     \
            uint32_t from = (cpu->gpr[REG_EBP] - i * size) & cpu->stack_mask;                      \
            if (mem_read##bits(cpu, SEG_SS, from, &ignored) || check_push(cpu, i + 1, size))       \
                return EXEC_FAULT;                                                                 \
        }                                                                                          \
        if (level > 0 && check_push(cpu, level + 1, size))                                         \
            return EXEC_FAULT;                                                                     \
        uint32_t top = below_top(cpu, level + 1, size) - room;                                     \
        return check_stack(cpu, top & cpu->stack_mask, size);                                      \
    }                                                                                              \
    EXEC(exec_enter##bits)                                                                         \
    {                                                                                              \
        uint32_t level = insn->immediate2 & 31, room = insn->immediate;                            \
        uint32_t size = (bits) / 8, frame = cpu->gpr[REG_ESP] - size;                              \
        if (check_enter##bits(cpu, level, room) ||                                                 \
            mem_write##bits(cpu, SEG_SS, below_top(cpu, 1, size), reg##bits(cpu, REG_EBP)))        \
            return EXEC_FAULT;                                                                     \
        for (uint32_t i = 1; i < level; i++) {                                                     \
            UINT(bits) pointer;                                                                    \
            uint32_t from = (cpu->gpr[REG_EBP] - i * size) & cpu->stack_mask;                      \
            if (mem_read##bits(cpu, SEG_SS, from, &pointer) ||                                     \
                mem_write##bits(cpu, SEG_SS, below_top(cpu, i + 1, size), pointer))                \
                return EXEC_FAULT;                                                                 \
        }                                                                                          \
        if (level > 0 &&                                                                           \
            mem_write##bits(cpu, SEG_SS, below_top(cpu, level + 1, size), (UINT(bits))frame))      \
            return EXEC_FAULT;                                                                     \
        uint32_t pushed = (level > 0 ? level + 1 : 1) * size;                                      \
        stack_set_pointer(cpu, cpu->gpr[REG_ESP] - pushed - room);                                 \
        set_reg##bits(cpu, REG_EBP, (UINT(bits))frame);                                            \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_leave##bits)                                                                         \
    {                                                                                              \
        UINT(bits) value;                                                                          \
        uint32_t ebp = cpu->gpr[REG_EBP];                                                          \
        if (mem_read##bits(cpu, SEG_SS, ebp & cpu->stack_mask, &value))                            \
            return EXEC_FAULT;                                                                     \
        stack_set_pointer(cpu, ebp + (bits) / 8);                                                  \
        set_reg##bits(cpu, REG_EBP, value);                                                        \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_ENTER)
