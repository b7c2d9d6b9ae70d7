/* Looking at a machine without changing it. */
#ifndef MACHINE_INSPECT_H
#define MACHINE_INSPECT_H

#include "machine/machine.h"

#include <jansson.h>
#include <stdio.h>

/* Copies up to size bytes from linear memory, as far as pages are mapped; returns how many. */
unsigned inspect_linear(struct machine *machine, uint32_t linear, uint8_t *bytes, unsigned size);
/* The same from physical memory: RAM and ROM as the processor sees them; register windows are not
 * touched and read as FFh. */
void inspect_physical(struct machine *machine, uint32_t address, uint8_t *bytes, size_t size);
/* Every processor register: x87 registers as 80-bit hex, XMM as 128-bit. The caller owns it. */
json_t *inspect_registers(struct machine *machine);
/* The text screen, rows as lines without trailing blanks, in UTF-8; the caller frees. */
char *inspect_screen_lines(struct machine *machine);
void inspect_print_screen(struct machine *machine, FILE *stream);
/* Whether the text screen contains text (UTF-8; compared row by row, rows joined by newlines). */
bool inspect_screen_contains(struct machine *machine, const char *text);

#endif
