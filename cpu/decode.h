/* The decoder: bytes to struct insn, by the rows of the instruction table. */
#ifndef CPU_DECODE_H
#define CPU_DECODE_H

#include "cpu/insn.h"
#include "cpu/model.h"

enum { INSN_MAX_LENGTH = 15 };

enum decode_result {
    DECODE_OK,
    DECODE_SHORT,     /* the bytes end before the instruction does: fetch more */
    DECODE_UNDEFINED, /* #UD; length says how many bytes were looked at */
    DECODE_TOO_LONG,  /* #GP(0): more than 15 bytes */
};

struct decoder;

/* Lookup tables of the rows that model has. The caller owns it. */
struct decoder *decoder_new(const struct cpu_model *model);
void decoder_free(struct decoder *decoder);

/* Decodes the instruction at bytes, of which available may be read, in a code segment of 32-bit
 * (code32) or 16-bit default size. Fills all of insn but offset. With any result but DECODE_OK
 * insn->exec is NULL and insn->row INSN_ROW_NONE. Checks what bytes alone decide: existence, the
 * CPU model's features, LOCK, length; mode and CR0 are the engine's business. */
enum decode_result decode_insn(const struct decoder *decoder, const uint8_t *bytes,
                               unsigned available, bool code32, struct insn *insn);

#endif
