/* An x86-64 assembler that reads like assembly. Functions are named by operation and operand form:
 * r register, m memory, i immediate; the destination comes first. size is the operand size in
 * bytes: 1, 2, 4 or 8.
 *
 * Code is written at one address and runs at another (jit/code_cache.h); everything that depends on
 * where code is is relative, so the assembler need not know.
 *
 * Source: Intel SDM volume 2, chapter 2 (instruction format). */
#ifndef JIT_X64_H
#define JIT_X64_H

#include <stdbool.h>
#include <stdint.h>

enum host_reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    HOST_AH,
    HOST_CH,
    HOST_DH,
    HOST_BH, /* byte registers, which exclude a REX prefix */
    HOST_NONE,
};

struct x64_mem {
    uint8_t base, index; /* enum host_reg; HOST_NONE: absent */
    uint8_t scale;       /* 0..3 */
    int32_t disp;
};

static inline struct x64_mem x64_at(enum host_reg base, int32_t disp)
{
    return (struct x64_mem){base, HOST_NONE, 0, disp};
}

struct x64 {
    uint8_t *at;  /* the next byte goes here */
    uint8_t *end; /* nothing is written at or behind it */
    bool full;    /* something was not written */
};

/* Two-operand arithmetic, in the order of their opcodes and of ModRM digits of 80..83. */
enum x64_alu { X64_ADD, X64_OR, X64_ADC, X64_SBB, X64_AND, X64_SUB, X64_XOR, X64_CMP };
enum x64_shift { X64_ROL, X64_ROR, X64_RCL, X64_RCR, X64_SHL, X64_SHR, X64_SAL, X64_SAR };
/* F6/F7 digits. */
enum x64_unary { X64_NOT = 2, X64_NEG, X64_MUL, X64_IMUL, X64_DIV, X64_IDIV };
enum x64_cond {
    X64_O,
    X64_NO,
    X64_B,
    X64_AE,
    X64_E,
    X64_NE,
    X64_BE,
    X64_A,
    X64_S,
    X64_NS,
    X64_P,
    X64_NP,
    X64_L,
    X64_GE,
    X64_LE,
    X64_G,
};

/* Any instruction with a ModRM byte. opcode: 0xNN, 0x0FNN, 0x0F38NN; with a mandatory prefix in
 * bits 24..31 (0x66, 0xF2, 0xF3) where it has one. */
void x64_rr(struct x64 *as, unsigned size, uint32_t opcode, enum host_reg reg, enum host_reg rm);
void x64_rm(struct x64 *as, unsigned size, uint32_t opcode, enum host_reg reg,
            const struct x64_mem *mem);

void x64_byte(struct x64 *as, uint8_t byte);
void x64_dword(struct x64 *as, uint32_t dword);
void x64_qword(struct x64 *as, uint64_t qword);

void x64_mov_rr(struct x64 *as, unsigned size, enum host_reg dst, enum host_reg src);
void x64_mov_ri(struct x64 *as, unsigned size, enum host_reg dst, uint64_t value);
void x64_mov_rm(struct x64 *as, unsigned size, enum host_reg dst, struct x64_mem src);
void x64_mov_mr(struct x64 *as, unsigned size, struct x64_mem dst, enum host_reg src);
void x64_mov_mi(struct x64 *as, unsigned size, struct x64_mem dst, uint32_t value);
/* from_size 1 or 2; size 2 or 4. */
void x64_movx_rr(struct x64 *as, unsigned size, enum host_reg dst, enum host_reg src,
                 unsigned from_size, bool is_signed);
void x64_movx_rm(struct x64 *as, unsigned size, enum host_reg dst, struct x64_mem src,
                 unsigned from_size, bool is_signed);
void x64_lea(struct x64 *as, unsigned size, enum host_reg dst, struct x64_mem src);

void x64_alu_rr(struct x64 *as, enum x64_alu op, unsigned size, enum host_reg dst,
                enum host_reg src);
void x64_alu_rm(struct x64 *as, enum x64_alu op, unsigned size, enum host_reg dst,
                struct x64_mem src);
void x64_alu_mr(struct x64 *as, enum x64_alu op, unsigned size, struct x64_mem dst,
                enum host_reg src);
void x64_alu_ri(struct x64 *as, enum x64_alu op, unsigned size, enum host_reg dst, uint32_t value);
void x64_alu_mi(struct x64 *as, enum x64_alu op, unsigned size, struct x64_mem dst, uint32_t value);
void x64_test_rr(struct x64 *as, unsigned size, enum host_reg a, enum host_reg b);
void x64_test_ri(struct x64 *as, unsigned size, enum host_reg a, uint32_t value);
void x64_test_mi(struct x64 *as, unsigned size, struct x64_mem a, uint32_t value);
void x64_inc_r(struct x64 *as, unsigned size, enum host_reg dst);
void x64_dec_r(struct x64 *as, unsigned size, enum host_reg dst);
void x64_unary_r(struct x64 *as, enum x64_unary op, unsigned size, enum host_reg dst);
void x64_shift_ri(struct x64 *as, enum x64_shift op, unsigned size, enum host_reg dst,
                  unsigned count);
void x64_shift_rcl(struct x64 *as, enum x64_shift op, unsigned size, enum host_reg dst);
void x64_setcc_r(struct x64 *as, enum x64_cond cond, enum host_reg dst);

/* --- control; offsets are patched once the target is known --- */

void x64_ret(struct x64 *as);
/* The address of the 32-bit offset, for x64_patch. */
uint8_t *x64_jmp(struct x64 *as);
uint8_t *x64_jcc(struct x64 *as, enum x64_cond cond);
/* With an offset of 8 bits; and its address. */
uint8_t *x64_jcc_short(struct x64 *as, enum x64_cond cond);
void x64_patch_short(uint8_t *patch, const uint8_t *target);
void x64_jmp_to(struct x64 *as, const uint8_t *target);
void x64_jcc_to(struct x64 *as, enum x64_cond cond, const uint8_t *target);
void x64_call_to(struct x64 *as, const uint8_t *target);
/* Makes the offset at patch lead to target. */
void x64_patch(uint8_t *patch, const uint8_t *target);
const uint8_t *x64_patched_to(const uint8_t *patch);

#endif
