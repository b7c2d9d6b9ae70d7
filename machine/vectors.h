/* `anachron vectors`: conformance of the processor, per form of the instruction table.
 *
 * It runs suites and files, recognised by content and name: MOO files (single instructions captured
 * from hardware, real mode), TestFloat text files named FUNCTION.ROUNDING.pPRECISION.txt, known
 * answers (machine/answers.h, NAME.answers), and bare-metal test images that check themselves
 * (multiboot ELF, tests/bare). All may be compressed with gzip. Single instructions run in a bare
 * machine: processor, MMU, bus, 16 MiB of RAM, no chips; images run on the whole board.
 *
 * A form counts as tested when its results were compared with something. One that no suite and no
 * file tested is a gap. */
#ifndef MACHINE_VECTORS_H
#define MACHINE_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

/* A built-in suite: a file that is part of the program. */
struct vector_suite {
    const char *name; /* with the suffix that tells the format */
    const uint8_t *bytes;
    uint32_t size;
};

/* Runs the command; argv[0] is the word "vectors", options and files or directories (searched
 * recursively) follow. suites ends with a NULL name. Prints the report on standard output. Returns
 * the exit status of the program: 0 all passed, 1 a case failed or a file could not be read, 2
 * wrong usage. */
int vectors_main(int argc, char **argv, const struct vector_suite *suites);

#endif
