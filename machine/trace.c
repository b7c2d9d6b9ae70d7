#include "machine/trace.h"

#include "base/memory.h"
#include "machine/disassemble.h"
#include "machine/inspect.h"
#include "machine/internal.h"

#include <string.h>

enum { MAX_INSN_LENGTH = 15 };

struct trace {
    FILE *stream;
    char *path;
    struct disassembler *disassembler;
    struct machine *machine;
};

struct trace *trace_open(const char *specification, struct error *err)
{
    const char *colon = strchr(specification, ':');
    if (!colon || !colon[1] || (size_t)(colon - specification) != strlen("insn") ||
        strncmp(specification, "insn", strlen("insn")) != 0) {
        error_set(err, "--trace %s: give WHAT:FILE, with WHAT one of: insn", specification);
        return NULL;
    }
    struct trace *trace = mem_new(sizeof *trace);
    trace->path = mem_string_copy(colon + 1);
    trace->stream = strcmp(trace->path, "-") == 0 ? stderr : fopen(trace->path, "w");
    trace->disassembler = disassembler_new();
    if (trace->stream && trace->disassembler)
        return trace;
    error_set_errno(err, "%s: cannot write the trace", trace->path);
    trace_close(trace, NULL);
    return NULL;
}

bool trace_close(struct trace *trace, struct error *err)
{
    bool ok = true;
    if (!trace)
        return true;
    if (trace->stream && trace->stream != stderr) {
        ok = !ferror(trace->stream);
        ok = fclose(trace->stream) == 0 && ok;
    }
    if (!ok)
        error_set(err, "%s: the trace could not be written to its end; is the disk full?",
                  trace->path);
    disassembler_free(trace->disassembler);
    mem_free(trace->path);
    mem_free(trace);
    return ok;
}

/* icount cs:eip bytes text */
static void trace_insn(void *opaque)
{
    struct machine *machine = opaque;
    struct trace *trace = machine->config.trace;
    struct cpu *cpu = machine->cpu;
    uint8_t bytes[MAX_INSN_LENGTH];
    char text[DISASSEMBLY_SIZE] = "(not mapped)";
    const struct segment *cs = &cpu->seg[SEG_CS];
    unsigned size = inspect_linear(machine, cs->base + cpu->eip, bytes, sizeof bytes);
    unsigned length = 0;
    if (size)
        length =
            disassemble(trace->disassembler, bytes, size, cpu->eip, cs->access & SEGMENT_BIG, text);
    fprintf(trace->stream, "%llu %04x:%08x ", (unsigned long long)cpu_icount(cpu), cs->selector,
            cpu->eip);
    for (unsigned i = 0; i < length && i < size; i++)
        fprintf(trace->stream, "%02x", bytes[i]);
    fprintf(trace->stream, " %s\n", text);
}

void trace_attach(struct trace *trace, struct machine *machine)
{
    trace->machine = machine;
    machine->cpu->host.trace = trace_insn;
    machine->cpu->tracing = true;
}
