/* Translated blocks for people: guest instructions, micro-operations, host code. */
#ifndef MACHINE_VIEW_H
#define MACHINE_VIEW_H

#include "jit/jit.h"
#include "machine/disassemble.h"
#include "machine/machine.h"

#include <stdio.h>

struct view_printer {
    struct machine *machine;
    struct disassembler *disassembler;
    FILE *stream;
};

/* One line: address, size, mode. */
void view_print_head(const struct view_printer *printer, const struct jit_view *view);
/* A line an instruction; the one with index marked (or none of that index) has an arrow. */
void view_print_guest(const struct view_printer *printer, const struct jit_view *view,
                      unsigned marked);
/* A line a micro-operation, with the flags that are live behind it. */
void view_print_ir(const struct view_printer *printer, const struct jit_view *view);
/* The host's instructions, behind the guest instruction that they belong to where that is known. */
void view_print_host(const struct view_printer *printer, const struct jit_view *view);

#endif
