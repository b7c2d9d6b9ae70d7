/* See jit/x64.h. */
#include "jit/x64.h"

#include "base/bits.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static void put_slowly(struct x64 *as, uint64_t bytes, unsigned size)
{
    if (as->end - as->at < (ptrdiff_t)size) {
        as->full = true;
        return;
    }
    memcpy(as->at, &bytes, size);
    as->at += size;
}

/* The low size bytes. Where there is room, all eight are written: what is behind them is not used
 * yet, and a copy of a fixed size is a single move. */
static inline void put(struct x64 *as, uint64_t bytes, unsigned size)
{
    if (UNLIKELY(as->end - as->at < (ptrdiff_t)sizeof bytes)) {
        put_slowly(as, bytes, size);
        return;
    }
    memcpy(as->at, &bytes, sizeof bytes);
    as->at += size;
}

void x64_byte(struct x64 *as, uint8_t byte)
{
    put(as, byte, sizeof byte);
}

void x64_dword(struct x64 *as, uint32_t dword)
{
    put(as, dword, sizeof dword);
}

void x64_qword(struct x64 *as, uint64_t qword)
{
    put(as, qword, sizeof qword);
}

static bool fits_byte(uint32_t value)
{
    return (int32_t)value == (int8_t)value;
}

/* Of size bytes, at most 4. */
static void immediate(struct x64 *as, uint32_t value, unsigned size)
{
    put(as, value, size < 4 ? size : 4);
}

/* --- instruction format --- */

static unsigned number(enum host_reg reg)
{
    return reg >= HOST_AH ? reg - HOST_AH + 4 : reg;
}

/* SPL, BPL, SIL and DIL are named by a REX prefix. */
static bool byte_needs_rex(enum host_reg reg)
{
    return reg >= RSP && reg <= RDI;
}

struct rex_bits {
    unsigned w, r, x, b;
    bool force;
};

/* An instruction up to ModRM and SIB, at most eight bytes. */
struct head {
    uint64_t bytes;
    unsigned size;
};

static inline void add(struct head *head, unsigned byte)
{
    head->bytes |= (uint64_t)(byte & 0xFF) << head->size * 8;
    head->size++;
}

static inline struct head prefixes(unsigned size, uint32_t opcode, struct rex_bits rex)
{
    struct head head = {0};
    if (size == 2)
        add(&head, 0x66);
    if (opcode >> 24)
        add(&head, opcode >> 24);
    unsigned byte = 0x40 | rex.w << 3 | rex.r << 2 | rex.x << 1 | rex.b;
    if (byte != 0x40 || rex.force)
        add(&head, byte);
    if (opcode & 0xFF0000)
        add(&head, opcode >> 16);
    if (opcode & 0xFFFF00)
        add(&head, opcode >> 8);
    add(&head, opcode);
    return head;
}

static inline void put_head(struct x64 *as, struct head head)
{
    put(as, head.bytes, head.size);
}

/* With a ModRM byte that names registers. */
static inline void put_modrm(struct x64 *as, struct head head, unsigned reg, unsigned rm)
{
    add(&head, 0xC0 | (reg & 7) << 3 | (rm & 7));
    put_head(as, head);
}

void x64_rr(struct x64 *as, unsigned size, uint32_t opcode, enum host_reg reg, enum host_reg rm)
{
    unsigned r = number(reg), b = number(rm);
    bool force = size == 1 && (byte_needs_rex(reg) || byte_needs_rex(rm));
    put_modrm(as, prefixes(size, opcode, (struct rex_bits){size == 8, r >> 3, 0, b >> 3, force}), r,
              b);
}

static void put_modrm_mem(struct x64 *as, struct head head, unsigned reg, const struct x64_mem *mem)
{
    bool sib = mem->index != HOST_NONE || mem->base == HOST_NONE || (mem->base & 7) == RSP;
    unsigned mod = mem->base == HOST_NONE                     ? 0
                   : mem->disp == 0 && (mem->base & 7) != RBP ? 0
                   : fits_byte((uint32_t)mem->disp)           ? 1
                                                              : 2;
    unsigned base = mem->base == HOST_NONE ? 5 : mem->base & 7u;
    add(&head, mod << 6 | (reg & 7) << 3 | (sib ? 4 : base));
    if (sib) {
        unsigned index = mem->index == HOST_NONE ? 4 : mem->index & 7u;
        add(&head, (unsigned)mem->scale << 6 | index << 3 | base);
    }
    put_head(as, head);
    if (mod == 1)
        put(as, (uint8_t)mem->disp, 1);
    else if (mod == 2 || mem->base == HOST_NONE)
        put(as, (uint32_t)mem->disp, 4);
}

void x64_rm(struct x64 *as, unsigned size, uint32_t opcode, enum host_reg reg,
            const struct x64_mem *mem)
{
    unsigned r = number(reg);
    unsigned x = mem->index == HOST_NONE ? 0 : mem->index >> 3;
    unsigned b = mem->base == HOST_NONE ? 0 : mem->base >> 3;
    bool force = size == 1 && byte_needs_rex(reg);
    put_modrm_mem(as, prefixes(size, opcode, (struct rex_bits){size == 8, r >> 3, x, b, force}), r,
                  mem);
}

/* A register operand and a ModRM digit, which must not be taken for a register. */
static void digit_r(struct x64 *as, unsigned size, uint32_t opcode, unsigned digit,
                    enum host_reg rm)
{
    unsigned b = number(rm);
    bool force = size == 1 && byte_needs_rex(rm);
    put_modrm(as, prefixes(size, opcode, (struct rex_bits){size == 8, 0, 0, b >> 3, force}), digit,
              b);
}

/* The word-sized opcode follows the byte-sized one. */
static uint32_t sized(uint32_t opcode, unsigned size)
{
    return size == 1 ? opcode : opcode + 1;
}

/* --- moves --- */

void x64_mov_rr(struct x64 *as, unsigned size, enum host_reg dst, enum host_reg src)
{
    x64_rr(as, size, sized(0x88, size), src, dst);
}

void x64_mov_ri(struct x64 *as, unsigned size, enum host_reg dst, uint64_t value)
{
    if (size == 8 && value >> 32) {
        put_head(as, prefixes(8, 0xB8 + (dst & 7u), (struct rex_bits){.w = 1, .b = dst >> 3}));
        put(as, value, 8);
        return;
    }
    if (size == 1) {
        struct rex_bits rex = {.b = number(dst) >> 3, .force = byte_needs_rex(dst)};
        put_head(as, prefixes(1, 0xB0 + (number(dst) & 7), rex));
        put(as, (uint8_t)value, 1);
        return;
    }
    unsigned width = size == 2 ? 2 : 4;
    put_head(as, prefixes(width, 0xB8 + (dst & 7u), (struct rex_bits){.b = dst >> 3}));
    immediate(as, (uint32_t)value, width);
}

void x64_mov_rm(struct x64 *as, unsigned size, enum host_reg dst, struct x64_mem src)
{
    x64_rm(as, size, sized(0x8A, size), dst, &src);
}

void x64_mov_mr(struct x64 *as, unsigned size, struct x64_mem dst, enum host_reg src)
{
    x64_rm(as, size, sized(0x88, size), src, &dst);
}

void x64_mov_mi(struct x64 *as, unsigned size, struct x64_mem dst, uint32_t value)
{
    x64_rm(as, size, sized(0xC6, size), 0, &dst);
    immediate(as, value, size);
}

static uint32_t movx_opcode(unsigned from_size, bool is_signed)
{
    return (is_signed ? 0x0FBE : 0x0FB6) + (from_size == 2);
}

void x64_movx_rr(struct x64 *as, unsigned size, enum host_reg dst, enum host_reg src,
                 unsigned from_size, bool is_signed)
{
    unsigned r = number(dst), b = number(src);
    struct rex_bits rex = {0, r >> 3, 0, b >> 3, from_size == 1 && byte_needs_rex(src)};
    put_modrm(as, prefixes(size, movx_opcode(from_size, is_signed), rex), r, b);
}

void x64_movx_rm(struct x64 *as, unsigned size, enum host_reg dst, struct x64_mem src,
                 unsigned from_size, bool is_signed)
{
    x64_rm(as, size, movx_opcode(from_size, is_signed), dst, &src);
}

void x64_lea(struct x64 *as, unsigned size, enum host_reg dst, struct x64_mem src)
{
    x64_rm(as, size, 0x8D, dst, &src);
}

/* --- arithmetic --- */

void x64_alu_rr(struct x64 *as, enum x64_alu op, unsigned size, enum host_reg dst,
                enum host_reg src)
{
    x64_rr(as, size, sized(op << 3, size), src, dst);
}

void x64_alu_rm(struct x64 *as, enum x64_alu op, unsigned size, enum host_reg dst,
                struct x64_mem src)
{
    x64_rm(as, size, sized(op << 3 | 2, size), dst, &src);
}

void x64_alu_mr(struct x64 *as, enum x64_alu op, unsigned size, struct x64_mem dst,
                enum host_reg src)
{
    x64_rm(as, size, sized(op << 3, size), src, &dst);
}

/* Opcode and size of the immediate of the 80..83 group. */
static uint32_t group1(unsigned size, uint32_t value, unsigned *bytes)
{
    *bytes = size == 1 || fits_byte(size == 2 ? (uint32_t)(int16_t)value : value) ? 1 : size;
    if (*bytes == 8)
        *bytes = 4;
    return size == 1 ? 0x80 : *bytes == 1 ? 0x83 : 0x81;
}

void x64_alu_ri(struct x64 *as, enum x64_alu op, unsigned size, enum host_reg dst, uint32_t value)
{
    unsigned bytes;
    uint32_t opcode = group1(size, value, &bytes);
    digit_r(as, size, opcode, op, dst);
    immediate(as, value, bytes);
}

void x64_alu_mi(struct x64 *as, enum x64_alu op, unsigned size, struct x64_mem dst, uint32_t value)
{
    unsigned bytes;
    uint32_t opcode = group1(size, value, &bytes);
    x64_rm(as, size == 1 ? 4 : size, opcode, (enum host_reg)op, &dst);
    immediate(as, value, bytes);
}

void x64_test_rr(struct x64 *as, unsigned size, enum host_reg a, enum host_reg b)
{
    x64_rr(as, size, sized(0x84, size), b, a);
}

void x64_test_ri(struct x64 *as, unsigned size, enum host_reg a, uint32_t value)
{
    digit_r(as, size, sized(0xF6, size), 0, a);
    immediate(as, value, size);
}

void x64_test_mi(struct x64 *as, unsigned size, struct x64_mem a, uint32_t value)
{
    x64_rm(as, size, sized(0xF6, size), 0, &a);
    immediate(as, value, size);
}

void x64_inc_r(struct x64 *as, unsigned size, enum host_reg dst)
{
    digit_r(as, size, sized(0xFE, size), 0, dst);
}

void x64_dec_r(struct x64 *as, unsigned size, enum host_reg dst)
{
    digit_r(as, size, sized(0xFE, size), 1, dst);
}

void x64_unary_r(struct x64 *as, enum x64_unary op, unsigned size, enum host_reg dst)
{
    digit_r(as, size, sized(0xF6, size), op, dst);
}

void x64_shift_ri(struct x64 *as, enum x64_shift op, unsigned size, enum host_reg dst,
                  unsigned count)
{
    if (count == 1) {
        digit_r(as, size, sized(0xD0, size), op, dst);
        return;
    }
    digit_r(as, size, sized(0xC0, size), op, dst);
    x64_byte(as, (uint8_t)count);
}

void x64_shift_rcl(struct x64 *as, enum x64_shift op, unsigned size, enum host_reg dst)
{
    digit_r(as, size, sized(0xD2, size), op, dst);
}

void x64_setcc_r(struct x64 *as, enum x64_cond cond, enum host_reg dst)
{
    unsigned b = number(dst);
    struct rex_bits rex = {.b = b >> 3, .force = byte_needs_rex(dst)};
    put_modrm(as, prefixes(1, 0x0F90u + cond, rex), 0, b);
}

/* --- control --- */

void x64_ret(struct x64 *as)
{
    x64_byte(as, 0xC3);
}

uint8_t *x64_jmp(struct x64 *as)
{
    put(as, 0xE9, 5);
    return as->at - 4;
}

uint8_t *x64_jcc(struct x64 *as, enum x64_cond cond)
{
    put(as, 0x0F | (0x80u + cond) << 8, 6);
    return as->at - 4;
}

uint8_t *x64_jcc_short(struct x64 *as, enum x64_cond cond)
{
    put(as, 0x70u + cond, 2);
    return as->at - 1;
}

void x64_patch_short(uint8_t *patch, const uint8_t *target)
{
    ptrdiff_t offset = target - (patch + 1);
    assert(offset == (int8_t)offset);
    *patch = (uint8_t)offset;
}

void x64_patch(uint8_t *patch, const uint8_t *target)
{
    int32_t offset = (int32_t)(target - (patch + 4));
    memcpy(patch, &offset, sizeof offset);
}

const uint8_t *x64_patched_to(const uint8_t *patch)
{
    int32_t offset;
    memcpy(&offset, patch, sizeof offset);
    return patch + 4 + offset;
}

void x64_jmp_to(struct x64 *as, const uint8_t *target)
{
    uint8_t *patch = x64_jmp(as);
    if (!as->full)
        x64_patch(patch, target);
}

void x64_jcc_to(struct x64 *as, enum x64_cond cond, const uint8_t *target)
{
    uint8_t *patch = x64_jcc(as, cond);
    if (!as->full)
        x64_patch(patch, target);
}

void x64_call_to(struct x64 *as, const uint8_t *target)
{
    put(as, 0xE8, 5);
    if (!as->full)
        x64_patch(as->at - 4, target);
}
