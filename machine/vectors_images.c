/* Bare-metal test images (tests/bare): kernels that check themselves. Each runs on the whole board,
 * in the state that a multiboot loader leaves.
 *
 * Which forms an image tests is found out while it runs: what executes between two calls of its
 * bare_check is what the second call checks. That says less than a known answer, so it is counted
 * only for forms that user mode has not got or that are sensitive. tests/cli/report.py proves, form
 * by form, that an image notices when the form does nothing. */
#include "base/memory.h"
#include "cpu/decode.h"
#include "cpu/segment.h"
#include "machine/inspect.h"
#include "machine/internal.h"
#include "machine/multiboot.h"
#include "machine/vectors_run.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RAM_SIZE = 16 << 20,
    ROM_SIZE = 64 << 10,
    OUTPUT_SIZE = 8 << 10,
    INFO_ADDRESS = 0x8000,
    LOW_KIB = 639,
    /* How much of an image is looked at instruction by instruction, and how long it may take; with
     * a form that does nothing it may never end. */
    WATCH_INSNS = 3000000,
    MAX_INSNS = 1000000000,
    MAX_INSNS_SKIPPING = 10000000,
    BOOT_MAGIC = 0x2BADB002,
    OPCODE_HLT = 0xF4,
};

struct image_run {
    struct char_backend console; /* first: its functions get a pointer to it */
    struct machine *machine;
    struct decoder *decoder;
    struct vector_report *report;
    uint32_t check_address; /* of bare_check; 0: not known */
    int skipped_row;        /* executes as if it were not there, or SKIP_NONE */
    unsigned source;        /* of the report */
    uint8_t *window;        /* by row: executed since the last check */
    char output[OUTPUT_SIZE];
    size_t output_size;
};

/* --- output --- */

static void keep_output(struct char_backend *chars, const uint8_t *bytes, size_t size)
{
    struct image_run *run = (struct image_run *)chars;
    for (size_t i = 0; i < size; i++) {
        if (run->output_size == OUTPUT_SIZE - 1) { /* forget the older half */
            run->output_size /= 2;
            memmove(run->output, run->output + OUTPUT_SIZE / 2, run->output_size);
        }
        run->output[run->output_size++] = (char)bytes[i];
    }
    run->output[run->output_size] = 0;
}

static const struct char_backend_ops console_ops = {.write = keep_output};

/* --- loading --- */

/* The address of a function in the image's symbol table; 0 if it has none. */
static uint32_t find_symbol(const struct vector_file *file, const struct multiboot_kernel *kernel,
                            const char *name)
{
    enum { SYMTAB = 2, SYMBOL_SIZE = 16 };
    const uint8_t *bytes = file->bytes;
    for (uint32_t i = 0; i < kernel->section_count; i++) {
        const uint8_t *section = bytes + kernel->sections_offset + i * kernel->section_size;
        uint32_t link = load_le32(section + 24);
        if (load_le32(section + 4) != SYMTAB || link >= kernel->section_count)
            continue;
        const uint8_t *strings = bytes + kernel->sections_offset + link * kernel->section_size;
        uint64_t from = load_le32(section + 16), size = load_le32(section + 20);
        uint64_t names = load_le32(strings + 16), names_size = load_le32(strings + 20);
        if (from + size > file->size || names + names_size > file->size)
            continue;
        for (uint64_t at = from; at + SYMBOL_SIZE <= from + size; at += SYMBOL_SIZE) {
            uint32_t offset = load_le32(bytes + at);
            if (offset < names_size && strcmp((const char *)bytes + names + offset, name) == 0)
                return load_le32(bytes + at + 4);
        }
    }
    return 0;
}

/* Entry state: Multiboot Specification 0.6.96, 3.2. */
static bool load(struct image_run *run, const struct vector_file *file, struct error *err)
{
    struct multiboot_kernel kernel;
    struct machine *machine = run->machine;
    struct cpu *cpu = machine->cpu;
    if (!multiboot_parse(file->bytes, file->size, file->path, &kernel, err))
        return false;
    for (unsigned i = 0; i < kernel.segment_count; i++) {
        const struct multiboot_segment *segment = &kernel.segment[i];
        if ((uint64_t)segment->address + segment->memory_size > RAM_SIZE)
            return error_set(err, "%s: does not fit into %u MiB", file->path, RAM_SIZE >> 20);
        bus_write_memory(machine->bus, segment->address, file->bytes + segment->file_offset,
                         segment->file_size);
    }
    uint8_t info[INFO_SIZE] = {0};
    store_le32(info + INFO_FLAGS, INFO_HAS_MEMORY);
    store_le32(info + INFO_MEM_LOWER, LOW_KIB);
    store_le32(info + INFO_MEM_UPPER, (RAM_SIZE >> 10) - 1024);
    bus_write_memory(machine->bus, INFO_ADDRESS, info, sizeof info);
    run->check_address = find_symbol(file, &kernel, "bare_check");
    const struct segment code = {.limit = UINT32_MAX, .selector = 8, .access = 0xC09B};
    const struct segment data = {.limit = UINT32_MAX, .selector = 0x10, .access = 0xC093};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(cpu, i, i == SEG_CS ? &code : &data);
    cpu->cr0 |= CR0_PE;
    cpu->gpr[REG_EAX] = BOOT_MAGIC;
    cpu->gpr[REG_EBX] = INFO_ADDRESS;
    cpu->eip = kernel.entry;
    cpu_sync(cpu);
    return true;
}

/* --- watching --- */

static unsigned decode_next(struct image_run *run, struct insn *insn)
{
    const struct cpu *cpu = run->machine->cpu;
    const struct segment *cs = &cpu->seg[SEG_CS];
    uint8_t bytes[INSN_MAX_LENGTH];
    unsigned size = inspect_linear(run->machine, cs->base + cpu->eip, bytes, sizeof bytes);
    if (decode_insn(run->decoder, bytes, size, cs->access & SEGMENT_BIG, insn) != DECODE_OK)
        return INSN_ROW_NONE;
    return insn->row;
}

/* bare_check(good, ...) is being called: everything since the last call belongs to it. */
static void close_window(struct image_run *run)
{
    uint8_t good = 0;
    (void)inspect_linear(run->machine, run->machine->cpu->gpr[REG_ESP] + 4, &good, 1);
    for (unsigned row = 0; row < insn_row_count(); row++)
        if (run->window[row] && insn_row(row)->class != INNOCUOUS)
            vector_report_form(run->report, run->source, row, good ? VECTOR_PASSED : VECTOR_FAILED);
    memset(run->window, 0, insn_row_count());
}

static void watch(void *opaque)
{
    struct machine *machine = opaque;
    struct image_run *run = machine->config.outside.opaque;
    struct cpu *cpu = machine->cpu;
    struct insn insn;
    if (cpu->eip == run->check_address && run->check_address && cpu->cpl == 0 &&
        cpu->seg[SEG_CS].base == 0)
        close_window(run);
    unsigned row = decode_next(run, &insn);
    while (row != INSN_ROW_NONE && (int)row == run->skipped_row) {
        cpu->eip += insn.length;
        row = decode_next(run, &insn);
    }
    if (row != INSN_ROW_NONE)
        run->window[row] = 1;
    if (cpu->icount > WATCH_INSNS)
        cpu->tracing = false;
}

/* --- the verdict --- */

/* The image's last line is "N passed, M failed". */
static bool read_result(const struct image_run *run, unsigned long *passed, unsigned long *failed)
{
    size_t end = run->output_size;
    while (end && run->output[end - 1] == '\n')
        end--;
    size_t begin = end;
    while (begin && run->output[begin - 1] != '\n')
        begin--;
    return sscanf(run->output + begin, "%lu passed, %lu failed", passed, failed) == 2;
}

static void count(struct image_run *run, int status)
{
    unsigned long passed = 0, failed = 0;
    struct vector_source *source = &run->report->sources[run->source];
    struct vector_counts *counts = &source->counts;
    if (!read_result(run, &passed, &failed) || (status != 0 && !failed))
        failed++; /* it did not come to its end */
    counts->tested += passed + failed;
    counts->passed += passed;
    counts->failed += failed;
    if (failed && run->report->show)
        fprintf(stderr, "%s: exit status %d\n%s\n", source->name, status, run->output);
}

/* One run; watched: every instruction is looked at, which only the interpreter allows. */
static bool run_image(struct image_run *run, const struct vector_file *file,
                      const struct machine_config *config, bool watched, int *status,
                      struct error *err)
{
    run->output_size = 0;
    run->machine = machine_new(config, err);
    bool ok = run->machine && load(run, file, err);
    if (ok && watched) {
        run->machine->cpu->host.trace = watch;
        run->machine->cpu->tracing = true;
    }
    if (ok)
        *status = machine_run(run->machine);
    machine_free(run->machine);
    return ok;
}

bool vectors_run_image(const struct vector_file *file, const struct cpu_model *model,
                       enum engine engine, int skipped_row, struct vector_report *report,
                       struct error *err)
{
    char name[64];
    int status = 0;
    vector_stem(file->path, name, sizeof name);
    struct image_run *run = mem_new(sizeof *run);
    *run = (struct image_run){
        .console.ops = &console_ops,
        .decoder = decoder_new(model),
        .report = report,
        .skipped_row = skipped_row,
        .source = vector_report_source(report, name),
        .window = mem_new(insn_row_count()),
    };
    uint8_t *rom = mem_new(ROM_SIZE);
    memset(rom, OPCODE_HLT, ROM_SIZE);
    struct machine_config config = {
        .model = model,
        .ram_size = RAM_SIZE,
        .firmware = {rom, ROM_SIZE, "(no firmware)"},
        .debug_console = &run->console,
        .stop_after = skipped_row >= 0 ? MAX_INSNS_SKIPPING : MAX_INSNS,
        .outside.opaque = run,
    };
    bool ok = run_image(run, file, &config, true, &status, err);
    config.engine = engine;
    if (ok && engine != ENGINE_INTERP && skipped_row == SKIP_NONE)
        ok = run_image(run, file, &config, false, &status, err);
    if (ok)
        count(run, status);
    decoder_free(run->decoder);
    mem_free(rom);
    mem_free(run->window);
    mem_free(run);
    return ok;
}
