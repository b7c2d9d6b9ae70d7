/* Operands worth trying: floats of every class and size, memory operands, whole states. Integers
 * are random_value's. */
#ifndef TESTS_HARNESS_ORACLE_VALUES_H
#define TESTS_HARNESS_ORACLE_VALUES_H

#include "cpu/insn.h"
#include "tests/harness/oracle/world.h"

uint32_t value_float32(uint64_t *random);
uint64_t value_float64(uint64_t *random);
/* *exponent is the one of the value before: the next one is often near it. */
struct float80 value_float80(uint64_t *random, int32_t *exponent);

enum { VALUE_SIZE = 32 };
/* Bytes that suit the row's memory operand. */
void value_operand(const struct insn_row *row, uint64_t *random, uint8_t bytes[VALUE_SIZE]);
/* All registers but EIP and the selectors. */
void value_state(uint64_t *random, struct world_state *state);

#endif
