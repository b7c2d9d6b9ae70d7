/* `anachron vectors`: conformance to processor test vectors, per opcode form.
 *
 * Two formats, recognised by content: MOO files (single instructions captured from hardware, real
 * mode) and TestFloat text files named FUNCTION.ROUNDING.pPRECISION.txt; either may be compressed
 * with gzip. Every case runs as guest code in a bare machine: processor, MMU, bus, 16 MiB of RAM,
 * no chips. */
#ifndef MACHINE_VECTORS_H
#define MACHINE_VECTORS_H

/* Runs the command; argv[0] is the word "vectors", options and files or directories (searched
 * recursively) follow. Prints the report on standard output. Returns the exit status of the
 * program: 0 all passed, 1 a case failed or a file could not be read, 2 wrong usage. */
int vectors_main(int argc, char **argv);

#endif
