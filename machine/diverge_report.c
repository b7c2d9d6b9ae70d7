/* What machine/diverge.h prints when it has found the place. */
#include "machine/diverge_private.h"
#include "machine/inspect.h"
#include "machine/isa.h"
#include "machine/view.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIFFERENCES_SHOWN = 64, BYTES_SHOWN = 32 };

struct report {
    const struct diverge *diverge;
    unsigned shown;
};

struct block_printer {
    struct view_printer printer;
    int marked;
};

static void print_block(void *opaque, const struct jit_view *view)
{
    const struct block_printer *block = opaque;
    view_print_head(&block->printer, view);
    if (!view->is_variant) {
        view_print_guest(&block->printer, view, (unsigned)block->marked);
        fputs("micro-operations:\n", block->printer.stream);
        view_print_ir(&block->printer, view);
    }
    fputs("host code:\n", block->printer.stream);
    view_print_host(&block->printer, view);
}

/* The instruction where they are, when there is no block to show. */
static void print_insn(const struct view_printer *printer)
{
    const struct cpu *cpu = printer->machine->cpu;
    const struct segment *cs = &cpu->seg[SEG_CS];
    uint8_t bytes[15];
    char text[DISASSEMBLY_SIZE] = "(not mapped)";
    unsigned size = inspect_linear(printer->machine, cs->base + cpu->eip, bytes, sizeof bytes);
    unsigned length = 0;
    if (size)
        length = disassemble(printer->disassembler, bytes, size, cpu->eip, cs->access & SEGMENT_BIG,
                             text);
    fputs("the instruction: ", printer->stream);
    for (unsigned i = 0; i < length && i < size; i++)
        fprintf(printer->stream, "%02x", bytes[i]);
    fprintf(printer->stream, " %s\n", text);
}

/* The block has not been translated when it is entered: in another process, lets it be. */
static void show_next(const struct diverge *diverge, struct jit *jit, struct block_printer *printer,
                      uint64_t last)
{
    pid_t pid = diverge_split(diverge);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (pid)
        return;
    jit_add_listener(jit, print_block, printer);
    for (unsigned i = 0; i < 2; i++)
        machine_run_to(diverge->side[i], last);
    fflush(NULL);
    _exit(0);
}

void diverge_report_place(const struct diverge *diverge, const struct diverge_place *place)
{
    FILE *stream = diverge->stream;
    const struct cpu *cpu = diverge->side[0]->cpu;
    fprintf(stream,
            "%s and %s differ after %llu instructions. They were the same after %llu, at cs:eip "
            "%04X:%08X.\n",
            diverge->name[0], diverge->name[1], (unsigned long long)place->different,
            (unsigned long long)place->same, cpu->seg[SEG_CS].selector, cpu->eip);
    struct machine *side = diverge->side[diverge->side[1]->jit ? 1 : 0];
    struct block_printer printer = {
        .printer = {side, disassembler_new(), stream},
          .marked = place->insn
    };
    if (!place->has_block) {
        fputs("No translated block ends there.\n", stream);
        print_insn(&printer.printer);
    } else {
        if (place->insn == DIVERGE_NO_INSN)
            fputs("No instruction of the block is wrong alone, but the block is.\n", stream);
        if (!jit_visit_next(side->jit, print_block, &printer))
            show_next(diverge, side->jit, &printer, place->different);
    }
    disassembler_free(printer.printer.disassembler);
}

/* --- states --- */

static void print_number(FILE *stream, const uint8_t *bytes, uint32_t size)
{
    while (size-- > 0)
        fprintf(stream, "%02x", bytes[size]);
}

static void print_field(const struct report *report, const struct state_difference *difference)
{
    FILE *stream = report->diverge->stream;
    uint32_t size = difference->element_size;
    for (uint32_t i = 0; i < difference->count; i++) {
        const uint8_t *a = difference->bytes[0] + (size_t)i * size;
        const uint8_t *b = difference->bytes[1] + (size_t)i * size;
        if (memcmp(a, b, size) == 0)
            continue;
        fprintf(stream, "  %s.%s", difference->section, difference->path);
        if (difference->count > 1)
            fprintf(stream, "[%u]", i);
        fprintf(stream, ": %s ", report->diverge->name[0]);
        print_number(stream, a, size);
        fprintf(stream, ", %s ", report->diverge->name[1]);
        print_number(stream, b, size);
        fputc('\n', stream);
    }
}

static void print_memory(const struct report *report, const struct state_difference *difference)
{
    FILE *stream = report->diverge->stream;
    uint32_t count = difference->count < BYTES_SHOWN ? difference->count : BYTES_SHOWN;
    for (unsigned side = 0; side < 2; side++) {
        fprintf(stream, side ? ", %s" : "  %s", side ? "" : difference->section);
        if (!side)
            fprintf(stream, " at %#zx, %u bytes:", difference->offset, difference->count);
        fprintf(stream, " %s", report->diverge->name[side]);
        for (uint32_t i = 0; i < count; i++)
            fprintf(stream, " %02x", difference->bytes[side][i]);
    }
    fputc('\n', stream);
}

static void print_difference(void *context, const struct state_difference *difference)
{
    struct report *report = context;
    if (report->shown++ >= DIFFERENCES_SHOWN)
        return;
    if (difference->path)
        print_field(report, difference);
    else
        print_memory(report, difference);
}

/* The registers by the names that people know. */
static void print_registers(const struct diverge *diverge)
{
    json_t *registers[2] = {inspect_registers(diverge->side[0]),
                            inspect_registers(diverge->side[1])};
    const char *name;
    json_t *value;
    json_object_foreach(registers[0], name, value)
    {
        const json_t *other = json_object_get(registers[1], name);
        if (json_equal(value, other))
            continue;
        char flags[ISA_TEXT_SIZE] = "";
        if (json_is_string(value))
            fprintf(diverge->stream, "  %s: %s %s, %s %s", name, diverge->name[0],
                    json_string_value(value), diverge->name[1], json_string_value(other));
        else
            fprintf(diverge->stream, "  %s: %s %#llx, %s %#llx", name, diverge->name[0],
                    (unsigned long long)json_integer_value(value), diverge->name[1],
                    (unsigned long long)json_integer_value(other));
        if (strcmp(name, "eflags") == 0)
            isa_flags_text((uint32_t)(json_integer_value(value) ^ json_integer_value(other)),
                           flags);
        fprintf(diverge->stream, *flags ? " (%s)\n" : "%s\n", flags);
    }
    json_decref(registers[0]);
    json_decref(registers[1]);
}

void diverge_report_states(const struct diverge *diverge)
{
    struct report report = {.diverge = diverge};
    const struct machine *a = diverge->side[0], *b = diverge->side[1];
    fprintf(diverge->stream, "registers that differ after %llu instructions:\n",
            (unsigned long long)machine_icount(a));
    print_registers(diverge);
    fputs("fields and memory that differ:\n", diverge->stream);
    state_compare(a->state, b->state, print_difference, &report);
    if (report.shown > DIFFERENCES_SHOWN)
        fprintf(diverge->stream, "  and %u more\n", report.shown - DIFFERENCES_SHOWN);
    if (a->stop != b->stop)
        fprintf(diverge->stream, "  one of the machines has ended\n");
}
