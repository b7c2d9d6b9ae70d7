/* The instruction table: every row of cpu/insn_*.def, in one array. */
#include "cpu/insn.h"

#include "cpu/exec.h"
#include "cpu/insn_rows.h"
#include "cpu/model.h"

/* clang-format off */
/* Parentheses, because commas would end an argument of ROW8's ROWs. */
#define BRACES(...) {__VA_ARGS__}
#define X(f)   (f, f, f, f)
#define XV(f)  (f##16, f##16, f##32, f##32)
#define XM(f)  (f##_r, f##_m, f##_r, f##_m)
#define XVM(f) (f##16_r, f##16_m, f##32_r, f##32_m)
#define XVR(f) (f##16_r, f##16_r, f##32_r, f##32_r)
#define ROW(map, opcode, prefix, modrm, mnemonic, operands, exec, read, written, undefined,        \
            feature, class, attributes)                                                            \
    {map, opcode, prefix, modrm, mnemonic, operands, BRACES exec, read, written, undefined,        \
     feature, class, attributes},

const struct insn_row insn_rows[] = {
#include "cpu/insn_integer.def"
#include "cpu/insn_system.def"
#include "cpu/insn_x87.def"
#include "cpu/insn_simd.def"
};
/* clang-format on */

unsigned insn_row_count(void)
{
    return ARRAY_LENGTH(insn_rows);
}

bool insn_modrm_fits(const struct insn_row *row, uint8_t modrm)
{
    uint8_t value = row->modrm & 0xFF;
    bool memory = modrm < 0xC0;
    switch (row->modrm & 0xFF00) {
    case M_MEM:
        return memory;
    case M_REG:
        return !memory;
    case M_DIGIT(0):
        return (modrm >> 3 & 7) == value;
    case M_DIGIT_MEM(0):
        return memory && (modrm >> 3 & 7) == value;
    case M_DIGIT_REG(0):
        return !memory && (modrm >> 3 & 7) == value;
    case M_BYTE(0):
        return modrm == value;
    default:
        return true;
    }
}
