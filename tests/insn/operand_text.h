/* The operands of a decoded instruction as data: what the row's letters (SDM 2, appendix A.2) and
 * the decoded fields say together, for comparison with a disassembler. */
#ifndef TESTS_INSN_OPERAND_TEXT_H
#define TESTS_INSN_OPERAND_TEXT_H

#include "cpu/decode.h"

enum operand_kind { OPERAND_REGISTER, OPERAND_MEMORY, OPERAND_IMMEDIATE, OPERAND_TARGET };

struct operand {
    enum operand_kind kind;
    unsigned size;    /* of memory, in bytes; 0: what is at the address has no size */
    const char *name; /* of the register */
    const char *segment, *base, *index; /* NULL: none; segment only when it was overridden */
    unsigned scale;
    uint32_t value;      /* immediate, displacement; of a target, from the next instruction */
    uint32_t value_mask; /* bits of it that count */
};

enum { OPERANDS_MAX = 4 };

/* The explicit operands of insn; returns how many. */
unsigned operands_of(const struct insn *insn, struct operand operands[OPERANDS_MAX]);
/* "eax, dword [ebx + esi*4 + 0x10], 0x5", for messages. */
void operands_text(const struct operand *operands, unsigned count, char *text, size_t size);

#endif
