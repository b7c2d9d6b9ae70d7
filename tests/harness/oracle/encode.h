/* Bytes of an instruction form, chosen at random: prefixes in any order, redundant ones too, every
 * register and addressing mode. */
#ifndef TESTS_HARNESS_ORACLE_ENCODE_H
#define TESTS_HARNESS_ORACLE_ENCODE_H

#include "cpu/insn.h"
#include "tests/harness/random.h"

#include <string.h>

struct encoding {
    uint8_t bytes[32];
    unsigned prefixes; /* how many of them */
    bool locked;
    unsigned modrm_at;        /* 0: none */
    unsigned displacement_at; /* 0: none */
    unsigned immediate_at;    /* where an immediate operand begins; what follows is random */
};

/* code32: the default size of the code segment. segments: a bit for each enum segment_register that
 * is good for an override with 16-bit addresses. */
void encode_random(const struct insn_row *row, bool code32, unsigned segments, uint64_t *random,
                   struct encoding *out);

/* Whether the row's operands contain a text, and whether its mnemonic is one. */
bool row_has(const struct insn_row *row, const char *operand);
static inline bool row_is(const struct insn_row *row, const char *mnemonic)
{
    return row->mnemonic[0] == mnemonic[0] && row->mnemonic[1] == mnemonic[1] &&
           strcmp(row->mnemonic, mnemonic) == 0;
}
bool row_begins(const struct insn_row *row, const char *beginning);
#endif
