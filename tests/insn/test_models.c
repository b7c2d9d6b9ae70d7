/* CPU models: exactly the forms whose feature a model lacks are undefined on it, or what was there
 * before them.
 * Alone: build/tests/insn/test_models */
#include "base/bits.h"
#include "cpu/decode.h"
#include "tests/harness/encode_row.h"

#include <stdio.h>
#include <string.h>

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

static unsigned check_model(const struct cpu_model *model, const struct decoder *full)
{
    struct decoder *decoder = decoder_new(model);
    unsigned wrong = 0, absent = 0;
    for (unsigned i = 0; i < insn_row_count(); i++) {
        const struct insn_row *row = insn_row(i);
        uint8_t code[ROW_CODE_SIZE];
        struct insn insn;
        if (!encode_row(full, i, code)) {
            fprintf(stderr, "no encoding decodes to %s %s\n", row->mnemonic, row->operands);
            wrong++;
            continue;
        }
        bool valid = decode_insn(decoder, code, ROW_CODE_SIZE, true, &insn) == DECODE_OK;
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
