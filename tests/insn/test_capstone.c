/* The decoder against Capstone: every opcode of every map with every ModRM byte, each mandatory
 * prefix, 16- and 32-bit code. What we decode, Capstone must decode with the same length, and x87
 * and SIMD instructions under the same name.
 * Alone: build/tests/insn/test_capstone */
#include "cpu/decode.h"
#include "cpu/model.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

/* Encodings that processors execute and Capstone 4 does not know or misreads. */
static bool capstone_differs(const struct insn_row *row, bool code32)
{
    static const char *const names[] = {
        "ud0",    "ud1",              /* with ModRM or without */
        "nop",                        /* hint space */
        "call",                       /* 66 E8; F2 as BND */
        "lfence", "mfence", "sfence", /* any rm */
    };
    if (row->attributes & A_ALIAS)
        return true;
    if (!code32 && row->prefix != P_ANY && row->prefix != P_NONE)
        return true; /* mandatory prefixes in 16-bit code */
    if (row->map == MAP_0F && row->opcode >= 0x20 && row->opcode <= 0x27)
        return true; /* MOV CR, DR, TR: mod counts as 3; registers that do not exist raise #UD */
    if (row->map == MAP_1 && row->opcode >= 0xA0 && row->opcode <= 0xA3)
        return true; /* 66 with F2 or F3 */
    if (row->map == MAP_1 && (row->opcode == 0x8C || row->opcode == 0x8E))
        return true; /* segment registers that do not exist: #UD */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(row->mnemonic, names[i]) == 0)
            return true;
    return false;
}

/* Capstone's names for the same thing. */
static bool same_name(const char *ours, const char *theirs)
{
    static const char *const pairs[][2] = {
        {"cmpps",   "cmp"    },
        {"cmppd",   "cmp"    },
        {"cmpss",   "cmp"    },
        {"cmpsd",   "cmp"    },
        {"fucomip", "fucompi"},
        {"fcomip",  "fcompi" },
    };
    if (strcmp(ours, theirs) == 0)
        return true;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strcmp(ours, pairs[i][0]) == 0 &&
            strncmp(theirs, pairs[i][1], strlen(pairs[i][1])) == 0)
            return true;
    return false;
}

static bool is_unit_insn(const struct insn_row *row)
{
    return row->attributes & (A_FPU | A_MMX | A_SSE);
}

struct context {
    struct decoder *decoder;
    csh capstone;
    cs_insn *theirs;
    bool code32;
    unsigned cases, differences;
    uint16_t last_row; /* shown: one example a row */
};

static void compare(struct context *context, const uint8_t *bytes, size_t size)
{
    struct insn ours;
    if (decode_insn(context->decoder, bytes, (unsigned)size, context->code32, &ours) != DECODE_OK)
        return;
    const struct insn_row *row = insn_row(ours.row);
    const uint8_t *code = bytes;
    uint64_t address = 0;
    size_t left = size;
    bool known = cs_disasm_iter(context->capstone, &code, &left, &address, context->theirs);
    context->cases++;
    bool good = known && context->theirs->size == ours.length &&
                (!is_unit_insn(row) || same_name(row->mnemonic, context->theirs->mnemonic));
    if (good || capstone_differs(row, context->code32))
        return;
    context->differences++;
    if (ours.row != context->last_row)
        fprintf(stderr, "%02X %02X %02X %02X %s: %s, %u bytes; Capstone: %s, %u bytes\n", bytes[0],
                bytes[1], bytes[2], bytes[3], context->code32 ? "(32)" : "(16)", row->mnemonic,
                ours.length, known ? context->theirs->mnemonic : "unknown",
                known ? context->theirs->size : 0);
    context->last_row = ours.row;
}

static void compare_opcode(struct context *context, uint8_t prefix, unsigned map, uint8_t opcode)
{
    static const uint8_t escapes[][2] = {
        {0,    0   },
        {0x0F, 0   },
        {0x0F, 0x38},
        {0x0F, 0x3A}
    };
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        uint8_t bytes[16] = {0};
        size_t size = 0;
        if (prefix)
            bytes[size++] = prefix;
        for (unsigned i = 0; i < 2; i++)
            if (escapes[map][i])
                bytes[size++] = escapes[map][i];
        bytes[size++] = opcode;
        bytes[size++] = (uint8_t)modrm;
        bytes[size++] = 0x24; /* SIB: [esp] */
        compare(context, bytes, sizeof bytes - 1);
    }
}

int main(void)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xF2, 0xF3};
    struct context context = {0};
    context.decoder = decoder_new(cpu_model_find("core2"));
    for (unsigned bits = 0; bits < 2; bits++) {
        context.code32 = bits;
        if (cs_open(CS_ARCH_X86, bits ? CS_MODE_32 : CS_MODE_16, &context.capstone) != CS_ERR_OK)
            return 1;
        context.theirs = cs_malloc(context.capstone);
        for (unsigned p = 0; p < sizeof prefixes; p++)
            for (unsigned map = 0; map < MAP_COUNT; map++)
                for (unsigned opcode = 0; opcode < 256; opcode++)
                    compare_opcode(&context, prefixes[p], map, (uint8_t)opcode);
        cs_free(context.theirs, 1);
        cs_close(&context.capstone);
    }
    decoder_free(context.decoder);
    printf("%u encodings, %u read otherwise by Capstone\n", context.cases, context.differences);
    return context.differences || !context.cases;
}
