/* Known answers: what real processors did with single instructions, as text.
 *
 * A line is one instruction, executed once at CPL 3 in flat 32-bit segments:
 *
 *     CODE SEED [INPUT]... | [OUTCOME]...
 *
 * CODE is the instruction's bytes in hexadecimal. The state before it is answer_state_seeded(SEED)
 * with the INPUTs replaced; the state behind it is that with the OUTCOMEs replaced; so nothing that
 * is not named may change. Both are NAME=VALUE, hexadecimal:
 *
 *     eax .. edi           general registers
 *     fl                   OF, DF, SF, ZF, AF, PF, CF of EFLAGS
 *     cw sw em mx          x87 control, status, empty registers (one bit each), MXCSR
 *     p0 .. p7             physical x87 registers: sign and exponent, then significand
 *     x0 .. x7             XMM registers
 *     mOFFSET              bytes of the data page from that offset on
 *
 * and in outcomes only:
 *
 *     ip                   EIP, where it is not just behind the instruction
 *     trap                 vector of the exception that it raised
 *     cr2                  of a page fault
 *     fm                   the flags that are defined, where not all are
 *     iOFFSET=SIZE         bytes of the data page that are not compared
 *     near                 1: an approximation. x87 registers may differ by one unit in the last
 *                          place, floats in XMM registers by 1.5 * 2^-12 of their value
 *
 * Lines that begin with # are comments. machine/answers/ has the files; tests/harness/capture.c
 * makes them. */
#ifndef MACHINE_ANSWERS_H
#define MACHINE_ANSWERS_H

#include "base/error.h"
#include "cpu/fpu_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where code and data are, in linear memory and in the guest physically; each a page, with nothing
 * mapped around them. The rest of the code page is INT3. */
enum {
    ANSWER_CODE = 0x100000,
    ANSWER_DATA = 0x200000,
    ANSWER_PAGE = 0x1000,
    ANSWER_EIP = ANSWER_CODE + 0x800,
    ANSWER_CS = 0x23,
    ANSWER_DS = 0x2B, /* of DS, ES, SS; FS and GS are null */
};

struct answer_state {
    uint32_t gpr[8]; /* SDM order */
    uint32_t flags;
    uint16_t control, status;
    uint8_t empty;
    uint32_t mxcsr;
    struct float80 reg[8]; /* physical */
    union xmm_register xmm[8];
    uint8_t data[ANSWER_PAGE];
};

enum { ANSWER_NO_TRAP = -1 };

struct answer_outcome {
    struct answer_state state;
    uint32_t eip;
    int trap; /* vector or ANSWER_NO_TRAP */
    uint32_t cr2;
};

struct answer_case {
    uint8_t code[15];
    unsigned length;
    uint32_t seed;
    struct answer_state before;
    struct answer_outcome after;
    uint32_t flags_defined;
    bool is_near;
    uint8_t ignored[ANSWER_PAGE]; /* not zero: the byte is not compared */
};

/* A state full of values that are interesting for integers, floats of every size or neither,
 * depending on seed. General registers are no addresses. */
void answer_state_seeded(uint32_t seed, struct answer_state *state);
/* One line, without the newline. False: err says what is wrong with it. */
bool answer_parse(const char *line, struct answer_case *answer, struct error *err);
/* The inverse, with a newline. */
void answer_print(const struct answer_case *answer, FILE *stream);

#endif
