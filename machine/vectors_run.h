/* What the parts of the vectors engine share: the bare machine, the report, the two loaders. */
#ifndef MACHINE_VECTORS_RUN_H
#define MACHINE_VECTORS_RUN_H

#include "base/error.h"
#include "cpu/decode.h"
#include "cpu/model.h"
#include "jit/jit.h"
#include "machine/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- the bare machine (vectors_machine.c) --- */

enum { VECTOR_RAM_SIZE = 16 << 20 };

struct vector_machine {
    struct jit *jit; /* NULL: the interpreter executes */
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    struct cpu *cpu;
    struct decoder *decoder; /* of the same model */
    uint8_t *ram;
    int skipped_row; /* known answers: the row that does nothing, or SKIP_NONE, SKIP_ALL */
    int trap;        /* known answers: the vector of the first exception, or ANSWER_NO_TRAP */
};

/* cpu_name is a row of cpu/model.h. The translator translates every instruction, each alone. NULL:
 * err says why. */
struct vector_machine *vector_machine_new(const char *cpu_name, enum engine engine,
                                          struct error *err);
void vector_machine_free(struct vector_machine *machine);
/* Writes one byte of RAM, forgetting decoded code there. */
void vector_machine_poke(struct vector_machine *machine, uint32_t address, uint8_t value);
/* Zeroes the first 2 MiB (all that real mode can reach). */
void vector_machine_clear(struct vector_machine *machine);
/* Real mode: selector, base, limit FFFF, writable data (code is readable and writable too). */
void vector_machine_set_segment(struct vector_machine *machine, enum segment_register seg,
                                uint16_t selector);
/* Runs until HLT has executed. False: still running after max_insns, or shut down. */
bool vector_machine_run(struct vector_machine *machine, uint64_t max_insns);
/* The row of the instruction at bytes; INSN_ROW_NONE: it is none. */
unsigned vector_machine_row(const struct vector_machine *machine, const uint8_t *bytes,
                            unsigned size, bool code32);

/* --- the report (vectors_report.c) --- */

enum vector_verdict {
    VECTOR_PASSED,
    VECTOR_MASKED, /* passed: differs from the hardware in undefined flags only */
    VECTOR_FAILED,
    VECTOR_SKIPPED, /* not run: revoked upstream, or the processor model lacks the feature */
};

struct vector_counts {
    unsigned long tested;
    unsigned long passed; /* with the masked ones */
    unsigned long failed;
    unsigned long masked;
    unsigned long skipped;
};

/* A file, or a built-in suite. */
struct vector_source {
    char name[64];
    struct vector_counts counts;
    uint8_t *forms; /* by row: whether it tested the form */
};

/* Values of skipped_row that are no row. */
enum { SKIP_NONE = -1, SKIP_ALL = -2 };

struct vector_report {
    struct vector_counts *forms; /* by row of the instruction table; then, once, all encodings that
                                    are no instruction */
    struct vector_source *sources;
    unsigned source_count;
    const struct cpu_model *model; /* NULL: several; else forms that it lacks are no gaps */
    unsigned files_unread;
    unsigned show; /* how many failing cases to describe per file, on standard error */
};

void vector_report_init(struct vector_report *report);
void vector_report_free(struct vector_report *report);
/* The index of the source of that name, added at the end if there is none. */
unsigned vector_report_source(struct vector_report *report, const char *name);
/* Counts one case. row: of the instruction table; INSN_ROW_NONE for no instruction. */
void vector_report_count(struct vector_report *report, unsigned source, unsigned row,
                         enum vector_verdict verdict);
/* The same for the form alone: a case of a source that tests several. */
void vector_report_form(struct vector_report *report, unsigned source, unsigned row,
                        enum vector_verdict verdict);
struct vector_counts vector_report_total(const struct vector_report *report);
/* Forms of the model without a test, of user mode or of the others (isa_is_user). */
unsigned vector_report_gaps(const struct vector_report *report, bool user);
void vector_report_print(const struct vector_report *report, const char *engine, bool json,
                         FILE *stream);

/* --- the loaders --- */

struct vector_file {
    const char *path;
    uint8_t *bytes; /* decompressed, with a zero byte behind the last */
    size_t size;
};

/* All: run every case of file and count it in report. False: the file is damaged, or no machine
 * could be made; err says which. */
bool vectors_run_moo(const struct vector_file *file, struct vector_machine *machine,
                     struct vector_report *report, struct error *err);
bool vectors_run_float(const struct vector_file *file, struct vector_machine *machine,
                       struct vector_report *report, struct error *err);
bool vectors_run_answers(const struct vector_file *file, struct vector_machine *machine,
                         struct vector_report *report, struct error *err);
/* The same for a bare-metal test image on the engine; which forms it tests is always found out on
 * the interpreter. skipped_row: that row of the instruction table does nothing, to see whether the
 * image notices, or SKIP_NONE. */
bool vectors_run_image(const struct vector_file *file, const struct cpu_model *model,
                       enum engine engine, int skipped_row, struct vector_report *report,
                       struct error *err);
/* The last component of path without .gz, .txt, .moo, .answers, .elf. */
void vector_stem(const char *path, char *stem, size_t size);

#endif
