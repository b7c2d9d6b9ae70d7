/* The intermediate representation: a block as a list of micro-operations, one a line.
 *
 * Operations work on the eight general registers of the guest, two temporaries and one memory
 * operand at a time: IR_ADDRESS checks an address and makes it the place that IR_MEM names, until
 * the next one. Arithmetic has x86 flag semantics; the pass in jit/liveness.c finds out which flags
 * somebody wants to know.
 *
 * An operation belongs to a guest instruction (insn). Whatever may fault (IR_ADDRESS) comes before
 * anything that its instruction changes: when an access cannot be made the fast way, the whole
 * instruction is executed by its exec function instead, from its beginning. */
#ifndef JIT_IR_H
#define JIT_IR_H

#include "cpu/block_cache.h"

#include <stdio.h>

/* Operands. With size 1, 4..7 are AH, CH, DH, BH. */
enum ir_value {
    IR_EAX,
    IR_ECX,
    IR_EDX,
    IR_EBX,
    IR_ESP,
    IR_EBP,
    IR_ESI,
    IR_EDI,
    IR_T0,        /* lives until the next IR_ADDRESS */
    IR_MEMORY,    /* at the address of the last IR_ADDRESS */
    IR_IMMEDIATE, /* imm */
    IR_NEXT,      /* EIP of the block plus imm */
    IR_LIVE,      /* the guest instruction's immediate, as it is then: it is being patched */
    IR_NONE,
};

enum ir_code {
#define IR_CODE(name, written, undefined, read) IR_##name,
#include "jit/ir_codes.def"
#undef IR_CODE
    IR_CODE_COUNT,
};

enum ir_group { GROUP_NONE, GROUP_LEADER, GROUP_MEMBER };

struct ir_op {
    uint8_t code;               /* enum ir_code */
    uint8_t size;               /* of the operands, in bytes */
    uint8_t dst, src;           /* enum ir_value */
    uint8_t cond;               /* SETCC, CMOV, JCC, EXIT, HOST_IF: as in the opcode of a Jcc */
    uint8_t insn;               /* index of the guest instruction */
    uint8_t access;             /* ADDRESS: enum mmu_access; MMU_WRITE covers a read, too */
    uint8_t segment;            /* ADDRESS */
    uint8_t base, index, scale; /* ADDRESS, LEA: enum gpr, REG_ZERO when absent */
    bool address16;             /* ADDRESS, LEA: the offset is cut to 16 bits */
    bool aligned;               /* ADDRESS: to size, or the slow path */
    bool patched;               /* ADDRESS: imm is the instruction's displacement, as it is then */
    uint8_t group;              /* ADDRESS: enum ir_group, see jit/groups.c */
    uint8_t group_access;       /* LEADER: enum mmu_access of the whole run */
    int16_t group_first;        /* LEADER: the run is [first, last), from its own address */
    int16_t group_last;
    uint16_t live; /* arithmetic flags that are wanted after it */
    uint32_t imm;  /* immediate, displacement, distance */
};

enum { IR_MAX_OPS = BLOCK_MAX_INSNS * 8 + 2 };

struct ir {
    const struct block *block;
    unsigned count;
    bool kills_flags; /* nobody can see the flags that the block begins with */
    /* By instruction: what may be patched without the code being wrong. */
    uint32_t live_immediates, live_displacements;
    struct ir_op ops[IR_MAX_OPS];
};

/* EFLAGS bits, of the six, by enum ir_code: the columns of jit/ir_codes.def. */
struct ir_flags {
    uint16_t written, undefined, read;
};
extern const struct ir_flags ir_flags_by_code[];

/* Flags that a condition (0..15) looks at. */
uint16_t ir_condition_flags(unsigned cond);

static inline uint16_t ir_flags_written(const struct ir_op *op)
{
    return ir_flags_by_code[op->code].written;
}
static inline uint16_t ir_flags_undefined(const struct ir_op *op)
{
    return ir_flags_by_code[op->code].undefined;
}
static inline uint16_t ir_flags_read(const struct ir_op *op)
{
    switch (op->code) {
    case IR_SETCC:
    case IR_CMOV:
    case IR_JCC:
    case IR_HOST_IF:
        return ir_condition_flags(op->cond);
    case IR_ADDRESS:
        if (op->group == GROUP_MEMBER && !op->aligned)
            return 0; /* its leader is all that can fault */
        break;
    default:
        break;
    }
    return ir_flags_by_code[op->code].read;
}

/* A count in CL may be 0, which leaves the flags as they were. */
static inline bool ir_may_keep_flags(const struct ir_op *op)
{
    if (op->code >= IR_ROL && op->code <= IR_SAR)
        return op->src == IR_ECX;
    return (op->code == IR_SHLD || op->code == IR_SHRD) && op->imm == 0;
}

/* Whether op adds a constant to a 32-bit register, its dst; and *by: which. */
bool ir_moves_register(const struct ir_op *op, int32_t *by);
/* General registers, a bit each, that are not what they were behind op. */
unsigned ir_registers_written(const struct ir_op *op);

/* Fills in the groups. mode: enum code_mode. */
void ir_group_addresses(struct ir *ir, uint32_t mode);
/* Fills in live and kills_flags. */
void ir_find_live_flags(struct ir *ir);
/* Makes operations on memory of what goes through T0. After ir_find_live_flags. */
void ir_fuse(struct ir *ir);

void ir_print(const struct ir *ir, FILE *stream);

#endif
