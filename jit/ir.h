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
    IR_NONE,
};

/*      name      written by it         left undefined (computed by every engine as the interpreter
 * does) read */
#define IR_CODES(code)                                                                             \
    code(MOV, 0, 0, 0) code(MOVZX, 0, 0, 0)     /* from imm bytes */                               \
        code(MOVSX, 0, 0, 0) code(LEA, 0, 0, 0) /* dst = base + (index << scale) + imm */          \
        code(ADD, F_ALL6, 0, 0) code(OR, F_ALL6, F_A, 0) code(ADC, F_ALL6, 0, F_C)                 \
            code(SBB, F_ALL6, 0, F_C) code(AND, F_ALL6, F_A, 0) code(SUB, F_ALL6, 0, 0)            \
                code(XOR, F_ALL6, F_A, 0) code(CMP, F_ALL6, 0, 0) code(TEST, F_ALL6, F_A, 0)       \
                    code(INC, F_ALL6 & ~F_C, 0, 0) code(DEC, F_ALL6 & ~F_C, 0, 0)                  \
                        code(NEG, F_ALL6, 0, 0) code(NOT, 0, 0, 0)                                 \
                            code(ROL, F_C | F_O, 0, 0) /* by imm, not 0; src IR_ECX: by CL */      \
        code(ROR, F_C | F_O, 0, 0) code(RCL, F_C | F_O, 0, F_C) code(RCR, F_C | F_O, 0, F_C)       \
            code(SHL, F_ALL6, F_A | F_O, 0) code(SHR, F_ALL6, F_A | F_O, 0) code(SAR, F_ALL6,      \
                                                                                 F_A | F_O, 0)     \
                code(SHLD, F_ALL6, F_A | F_O, 0) /* dst, src by imm (not 0), or by CL: imm 0 */    \
        code(SHRD, F_ALL6, F_A | F_O, 0) code(IMUL, F_ALL6, F_S | F_Z | F_A | F_P,                 \
                                              0)     /* dst = dst * src, of imm if src is that */  \
        code(MULX, F_ALL6, F_S | F_Z | F_A | F_P, 0) /* EDX:EAX = EAX * src */                     \
        code(IMULX, F_ALL6, F_S | F_Z | F_A | F_P, 0) code(BT, F_C, 0, 0) code(BTS, F_C, 0, 0)     \
            code(BTR, F_C, 0, 0) code(BTC, F_C, 0, 0)                                              \
                code(SETCC, 0, 0, 0)            /* reads what its condition does */                \
        code(CMOV, 0, 0, 0) code(XCHG, 0, 0, 0) /* registers, or a register and memory */          \
        code(BSWAP, 0, 0, 0) code(CDQ, 0, 0, 0) /* CWD, CDQ */                                     \
        code(CBW, 0, 0, 0)                      /* CBW, CWDE */                                    \
        code(UNITS, 0, 0, F_ALL6)               /* the unit imm is loaded from here on */          \
        code(HOST, 0, 0, 0)            /* the guest's x87, MMX or SSE instruction itself */        \
        code(HOST_FLAGS, F_ALL6, 0, 0) /* the same; gives the flags */                             \
        code(HOST_IF, 0, 0, 0)         /* the same; reads what its condition does */               \
        code(HOST_CONTROL, 0, 0, 0)    /* FLDCW */                                                 \
        code(KEEP, 0, 0, 0)            /* T0 outlives the next ADDRESS */                          \
        code(RECALL, 0, 0, 0)                                                                      \
            code(ADDRESS, 0, 0, F_ALL6) /* may fault, and then shows all flags */                  \
        code(EXEC, 0, 0, F_ALL6)        /* the row's exec function */                              \
        code(EXEC_END, 0, 0, F_ALL6)    /* the same, at the end of the block */                    \
        code(JCC, 0, 0, 0)  /* to imm, relative to the block's EIP, or on to the next block */     \
        code(JUMP, 0, 0, 0) /* to imm, relative to the block's EIP */                              \
        code(JUMP_TO, 0, 0, F_ALL6) /* to src */

enum ir_code {
#define IR_CODE(name, written, undefined, read) IR_##name,
    IR_CODES(IR_CODE)
#undef IR_CODE
        IR_CODE_COUNT,
};

struct ir_op {
    uint8_t code;               /* enum ir_code */
    uint8_t size;               /* of the operands, in bytes */
    uint8_t dst, src;           /* enum ir_value */
    uint8_t cond;               /* SETCC, CMOV, JCC, HOST_IF: as in the opcode of a Jcc */
    uint8_t insn;               /* index of the guest instruction */
    uint8_t access;             /* ADDRESS: enum mmu_access; MMU_WRITE covers a read, too */
    uint8_t segment;            /* ADDRESS */
    uint8_t base, index, scale; /* ADDRESS, LEA: enum gpr, REG_ZERO when absent */
    bool address16;             /* ADDRESS, LEA: the offset is cut to 16 bits */
    bool aligned;               /* ADDRESS: to size, or the slow path */
    uint16_t live;              /* arithmetic flags that are wanted after it */
    uint32_t imm;               /* immediate, displacement, distance */
};

enum { IR_MAX_OPS = BLOCK_MAX_INSNS * 8 + 2 };

struct ir {
    const struct block *block;
    unsigned count;
    bool kills_flags; /* nobody can see the flags that the block begins with */
    struct ir_op ops[IR_MAX_OPS];
};

/* EFLAGS bits, of the six. */
uint16_t ir_flags_written(const struct ir_op *op);
uint16_t ir_flags_undefined(const struct ir_op *op);
uint16_t ir_flags_read(const struct ir_op *op);
/* Flags that a condition (0..15) looks at. */
uint16_t ir_condition_flags(unsigned cond);
/* A count in CL may be 0, which leaves the flags as they were. */
bool ir_may_keep_flags(const struct ir_op *op);

/* Fills in live and kills_flags. */
void ir_find_live_flags(struct ir *ir);

void ir_print(const struct ir *ir, FILE *stream);

#endif
