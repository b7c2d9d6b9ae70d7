/* An encoding of a row of the instruction table, for tests that go through all of them. */
#ifndef TESTS_HARNESS_ENCODE_ROW_H
#define TESTS_HARNESS_ENCODE_ROW_H

#include "cpu/decode.h"

enum { ROW_CODE_SIZE = 24 };

/* Bytes that decode to the row in 32-bit code; a memory operand is [eax] where the row allows
 * that. Everything behind opcode and ModRM is zero. False: no bytes do. */
bool encode_row(const struct decoder *decoder, unsigned row, uint8_t code[ROW_CODE_SIZE]);

#endif
