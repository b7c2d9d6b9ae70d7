/* x87, MMX and SSE registers (SDM 1, chapters 8 to 10). */
#ifndef CPU_FPU_STATE_H
#define CPU_FPU_STATE_H

#include "snapshot/field.h"

#include <stdint.h>

/* An 80-bit register: significand with its explicit integer bit, and sign with 15-bit exponent. */
struct float80 {
    uint64_t significand;
    uint16_t sign_exponent;
};

struct fpu_state {
    struct float80 reg[8]; /* physical registers R0..R7; ST(i) is reg[(top + i) & 7]. MMX mm_i is
                              reg[i].significand. */
    uint16_t control;
    uint16_t status; /* TOP and the ES summary included, always up to date */
    uint8_t empty;   /* bit i set: R_i is empty. Full tags are derived from the contents. */
    uint16_t opcode; /* FOP: the low 11 bits */
    uint16_t ip_selector, data_selector;
    uint32_t ip_offset, data_offset;
};
extern const struct field fpu_fields[];

union xmm_register {
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
    float f32[4];
    double f64[2];
};

enum { MXCSR_DEFAULT = 0x1F80 };

#endif
