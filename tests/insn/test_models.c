/* CPU models: exactly the forms whose feature a model lacks are undefined on it, or what was there
 * before them.
 * Alone: build/tests/insn/test_models */
#include "base/bits.h"
#include "cpu/decode.h"

#include <stdio.h>
#include <string.h>

enum { CODE_SIZE = 24 };

/* Forms in the place of something that processors without them execute, too. */
static bool may_be_older(const struct insn_row *row, const struct insn_row *older)
{
    static const struct {
        const char *name, *older;
    } pairs[] = {
        {"pause",       "nop"}, /* REP NOP */
        {"prefetchnta", "nop"},
        {"prefetcht0",  "nop"},
        {"prefetcht1",  "nop"},
        {"prefetcht2",  "nop"},
        {"prefetchw",   "nop"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++)
        if (strcmp(row->mnemonic, pairs[i].name) == 0 &&
            strcmp(older->mnemonic, pairs[i].older) == 0)
            return true;
    return false;
}

/* Bytes that decode to the row on the model that has everything; false: none do. */
static bool encode(const struct decoder *decoder, unsigned row, uint8_t code[CODE_SIZE])
{
    static const uint8_t mandatory[] = {0, 0, 0x66, 0xF2, 0xF3};
    const struct insn_row *wanted = insn_row(row);
    unsigned size = 0;
    memset(code, 0, CODE_SIZE);
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
        if (decode_insn(decoder, code, CODE_SIZE, true, &insn) == DECODE_OK && insn.row == row)
            return true;
    }
    return false;
}

static unsigned check_model(const struct cpu_model *model, const struct decoder *full)
{
    struct decoder *decoder = decoder_new(model);
    unsigned wrong = 0, absent = 0;
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        uint8_t code[CODE_SIZE];
        struct insn insn;
        if (!encode(full, i, code)) {
            fprintf(stderr, "no encoding decodes to %s %s\n", row->mnemonic, row->operands);
            wrong++;
            continue;
        }
        bool valid = decode_insn(decoder, code, CODE_SIZE, true, &insn) == DECODE_OK;
        bool has = model_has(model, row->feature);
        bool good = has ? valid && insn.row == i : !valid || may_be_older(row, insn_row(insn.row));
        absent += !has;
        wrong += !good;
        if (!good)
            fprintf(stderr, "%s on %s: %s\n", row->mnemonic, model->name,
                    valid ? insn_row(insn.row)->mnemonic : "undefined");
    }
    printf("%s: %u forms, %u of them absent\n", model->name, insn_row_count(), absent);
    decoder_free(decoder);
    return wrong;
}

int main(void)
{
    struct decoder *full = decoder_new(cpu_model_find("core2"));
    const struct cpu_model *model;
    unsigned wrong = 0;
    for (unsigned i = 0; (model = cpu_model_at(i)); i++)
        wrong += check_model(model, full);
    decoder_free(full);
    return wrong > 0;
}
