#include "machine/trace.h"

#include "base/memory.h"
#include "jit/jit.h"
#include "machine/disassemble.h"
#include "machine/inspect.h"
#include "machine/internal.h"
#include "machine/view.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { MAX_INSN_LENGTH = 15 };

enum trace_kind { TRACE_INSN, TRACE_BLOCKS, TRACE_IR, TRACE_ASM, TRACE_PERF, TRACE_KINDS };

struct trace {
    enum trace_kind kind;
    FILE *stream;
    char *path;
    struct disassembler *disassembler;
    struct machine *machine;
};

static struct trace *open_file(enum trace_kind kind, const char *path, struct error *err)
{
    struct trace *trace = mem_new(sizeof *trace);
    trace->kind = kind;
    trace->path = mem_string_copy(path);
    trace->stream = strcmp(trace->path, "-") == 0 ? stderr : fopen(trace->path, "w");
    trace->disassembler = disassembler_new();
    if (trace->stream && trace->disassembler)
        return trace;
    error_set_errno(err, "%s: cannot write the trace", trace->path);
    trace_close(trace, NULL);
    return NULL;
}

struct trace *trace_open(const char *specification, struct error *err)
{
    static const char *const names[TRACE_PERF] = {"insn", "blocks", "ir", "asm"};
    const char *colon = strchr(specification, ':');
    size_t length = colon ? (size_t)(colon - specification) : 0;
    for (unsigned kind = 0; colon && colon[1] && kind < TRACE_PERF; kind++)
        if (strlen(names[kind]) == length && strncmp(specification, names[kind], length) == 0)
            return open_file((enum trace_kind)kind, colon + 1, err);
    error_set(err, "--trace %s: give WHAT:FILE, with WHAT one of: insn, blocks, ir, asm",
              specification);
    return NULL;
}

struct trace *trace_open_perf_map(struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    return open_file(TRACE_PERF, path, err);
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

static void print_symbol(FILE *stream, const struct jit_code *code, const struct jit_view *view,
                         const char *part)
{
    if (code->size)
        fprintf(stream, "%llx %zx guest_%08x%s%s\n", (unsigned long long)(uintptr_t)code->run,
                code->size, view->linear, view->is_variant ? "_variant" : "", part);
}

static void trace_block(void *opaque, const struct jit_view *view)
{
    struct trace *trace = opaque;
    const struct view_printer printer = {trace->machine, trace->disassembler, trace->stream};
    if (trace->kind == TRACE_PERF) {
        print_symbol(trace->stream, &view->hot, view, "");
        print_symbol(trace->stream, &view->cold, view, "_cold");
        return;
    }
    view_print_head(&printer, view);
    if (trace->kind == TRACE_IR)
        view_print_guest(&printer, view, UINT_MAX);
    if (trace->kind == TRACE_IR)
        view_print_ir(&printer, view);
    if (trace->kind == TRACE_ASM)
        view_print_host(&printer, view);
}

bool trace_attach(struct trace *trace, struct machine *machine, struct error *err)
{
    trace->machine = machine;
    if (trace->kind == TRACE_INSN) {
        machine->cpu->host.trace = trace_insn;
        machine->cpu->tracing = true;
        return true;
    }
    if (!machine->jit)
        return error_set(err, "%s: there are no translated blocks without --engine jit",
                         trace->kind == TRACE_PERF ? "--perf-map" : "--trace");
    return jit_add_listener(machine->jit, trace_block, trace) ||
           error_set(err, "too many traces at once");
}
