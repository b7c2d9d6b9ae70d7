/* How often each row of the instruction table was tested, and how it went.
 *
 * The file that `oracle --json FILE` writes:
 *
 *     {
 *       "program": "oracle",
 *       "engine": "interp",            what --engine said
 *       "model": "core2",              the CPU model under test
 *       "host": "AuthenticAMD family 25 model 17 stepping 1",   the processor compared with
 *       "seed": 1,                     the first case; case i has seed + i
 *       "cases": 500000,               programs run on both sides
 *       "instances": 3123456,          instructions executed in them
 *       "failures": 0,                 programs that differ
 *       "forms": [
 *         {"opcode": "00 /r", "mnemonic": "add", "operands": "Eb,Gb",
 *          "tested": 4123, "passed": 4123, "failed": 0, "masked": 77},
 *         {"opcode": "0F 34", "mnemonic": "sysenter", "operands": "",
 *          "tested": 0, "passed": 0, "failed": 0, "masked": 0,
 *          "excluded": "why it cannot be run on the host"},
 *         ...
 *       ]
 *     }
 *
 * forms has one object for each row of the table, in its order; opcode, mnemonic and operands are
 * the first three columns of `anachron isa`. tested = passed + failed. masked counts those of
 * passed at whose program's end something differed that is undefined, or is a row of --differences.
 * A form whose tested is 0 and that has no excluded was not met. */
#ifndef TESTS_HARNESS_ORACLE_COVERAGE_H
#define TESTS_HARNESS_ORACLE_COVERAGE_H

#include "base/error.h"
#include "tests/harness/oracle/differences.h"

struct coverage_row {
    uint64_t tested, failed, masked;
};

struct coverage {
    uint64_t seed, cases, instances, failures;
    uint64_t differences[DIFF_COUNT]; /* programs that needed the row */
    struct coverage_row *rows;        /* by row of the table */
};

void coverage_init(struct coverage *coverage);
void coverage_free(struct coverage *coverage);
/* False: the file could not be written. */
bool coverage_write(const struct coverage *coverage, const char *engine, const char *path,
                    struct error *err);

#endif
