#include "tests/harness/encode_row.h"

#include <string.h>

bool encode_row(const struct decoder *decoder, unsigned row, uint8_t code[ROW_CODE_SIZE])
{
    static const uint8_t mandatory[] = {0, 0, 0x66, 0xF2, 0xF3};
    const struct insn_row *wanted = insn_row(row);
    unsigned size = 0;
    memset(code, 0, ROW_CODE_SIZE);
    if (mandatory[wanted->prefix])
        code[size++] = mandatory[wanted->prefix];
    if (wanted->map != MAP_1)
        code[size++] = 0x0F;
    if (wanted->map == MAP_0F38 || wanted->map == MAP_0F3A)
        code[size++] = wanted->map == MAP_0F38 ? 0x38 : 0x3A;
    code[size++] = wanted->opcode;
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        struct insn insn;
        code[size] = (uint8_t)modrm;
        if (decode_insn(decoder, code, ROW_CODE_SIZE, true, &insn) == DECODE_OK && insn.row == row)
            return true;
    }
    return false;
}
