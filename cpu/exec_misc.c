/* Integer instructions that fit nowhere else. */
#include "cpu/exec.h"

enum exec_result exec_nop(struct cpu *cpu, const struct insn *insn)
{
    return EXEC_OK;
}
