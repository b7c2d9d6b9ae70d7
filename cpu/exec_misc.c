/* NOP and BOUND. Source: Intel SDM volume 2. */
#include "cpu/exec.h"
#include "cpu/fault.h"
#include "cpu/operands.h"

EXEC(exec_nop)
{
    return EXEC_OK;
}

#define DEFINE_BOUND(bits)                                                                         \
    EXEC(exec_bound##bits)                                                                         \
    {                                                                                              \
        uint32_t offset = insn_address(cpu, insn), second = offset + (bits) / 8;                   \
        UINT(bits) lower, upper;                                                                   \
        if (!(insn->flags & INSN_ADDRESS32))                                                       \
            second &= 0xFFFF;                                                                      \
        if (mem_read##bits(cpu, insn->segment, offset, &lower) ||                                  \
            mem_read##bits(cpu, insn->segment, second, &upper))                                    \
            return EXEC_FAULT;                                                                     \
        INT(bits) index = (INT(bits))reg##bits(cpu, insn->reg);                                    \
        if (index < (INT(bits))lower || index > (INT(bits))upper)                                  \
            return fault_raise(cpu, VECTOR_BR);                                                    \
        return EXEC_OK;                                                                            \
    }

FOR_EACH_V(DEFINE_BOUND)
