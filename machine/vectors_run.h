/* What the parts of the vectors engine share: the bare machine, the report, the two loaders. */
#ifndef MACHINE_VECTORS_RUN_H
#define MACHINE_VECTORS_RUN_H

#include "base/error.h"
#include "cpu/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the bare machine (vectors_machine.c) --- */

enum { VECTOR_RAM_SIZE = 16 << 20 };

struct vector_machine {
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    struct cpu *cpu;
    uint8_t *ram;
};

/* cpu_name is a row of cpu/model.h. NULL: err says why. */
struct vector_machine *vector_machine_new(const char *cpu_name, struct error *err);
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

/* --- the report (vectors_report.c) --- */

/* One opcode form, or one arithmetic function in one mode. */
struct vector_row {
    char name[64];
    char mnemonic[32];
    unsigned long tested;
    unsigned long passed;
    unsigned long failed;
    unsigned long masked;  /* of passed: differ from the hardware in undefined flags only */
    unsigned long skipped; /* not run: revoked upstream, or the processor model lacks the feature */
};

struct vector_report {
    struct vector_row *rows;
    size_t count;
    unsigned files_unread;
    unsigned show; /* how many failing cases to describe per file, on standard error */
};

/* The row of that name, added at the end if there is none. Valid until the next call. */
struct vector_row *vector_report_row(struct vector_report *report, const char *name,
                                     const char *mnemonic);
void vector_report_print(const struct vector_report *report, const char *title, bool json);
void vector_report_free(struct vector_report *report);

/* --- the loaders --- */

struct vector_file {
    const char *path;
    uint8_t *bytes; /* decompressed, with a zero byte behind the last */
    size_t size;
};

/* Options that apply to every file. */
struct vector_options {
    const char *cpu; /* NULL: 386 for MOO, the one with most features for TestFloat */
};

/* Both: run every case of file and count it in report. False: the file is damaged, or no machine
 * could be made; err says which. */
bool vectors_run_moo(const struct vector_file *file, struct vector_machine *machine,
                     struct vector_report *report, struct error *err);
bool vectors_run_float(const struct vector_file *file, struct vector_machine *machine,
                       struct vector_report *report, struct error *err);
/* The last component of path without .gz, .txt, .moo. */
void vector_stem(const char *path, char *stem, size_t size);

#endif
