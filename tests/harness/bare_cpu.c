#include "tests/harness/bare_cpu.h"

#include "base/memory.h"
#include "cpu/model.h"
#include "cpu/segment.h"

static bool note_fault(void *opaque)
{
    struct bare_cpu *bare = opaque;
    if (bare->vector < 0)
        bare->vector = bare->cpu->fault.vector;
    return false;
}

static uint64_t get_icount(void *opaque)
{
    const struct bare_cpu *bare = opaque;
    return bare->cpu ? cpu_icount(bare->cpu) : 0;
}

static void ignore_deadline(void *opaque) {}

struct bare_cpu *bare_cpu_new_sized(const char *model, uint64_t ram_size)
{
    struct bare_cpu *bare = mem_new(sizeof *bare);
    bare->log = log_new(stderr, LOG_ERROR);
    bare->bus = bus_new(bare->log);
    clock_set_source(bus_clock(bare->bus),
                     &(struct clock_source){get_icount, ignore_deadline, bare});
    bare->phys = physmem_new(bare->bus, ram_size);
    bare->cpu = cpu_new(cpu_model_find(model), bare->phys, bare->bus);
    bare->ram = physmem_ram(bare->phys);
    bare->cpu->host = (struct cpu_host){.opaque = bare, .fault = note_fault};
    return bare;
}

struct bare_cpu *bare_cpu_new(const char *model)
{
    return bare_cpu_new_sized(model, BARE_RAM_SIZE);
}

void bare_cpu_free(struct bare_cpu *bare)
{
    cpu_free(bare->cpu);
    physmem_free(bare->phys);
    bus_free(bare->bus);
    log_free(bare->log);
    mem_free(bare);
}

static void reset(struct bare_cpu *bare)
{
    cpu_reset(bare->cpu, false);
    bare->vector = -1;
    bare->cpu->idtr_limit = 0; /* no exception can be delivered: the processor shuts down */
    bare->cpu->eip = 0;
}

void bare_cpu_flat(struct bare_cpu *bare, bool code32)
{
    struct cpu *cpu = bare->cpu;
    uint16_t size = SEGMENT_GRANULAR | (code32 ? SEGMENT_BIG : 0);
    struct segment segment = {
        .limit = 0xFFFFFFFF, .selector = 0x10, .access = (uint16_t)(size | 0x93 | SEGMENT_BIG)};
    reset(bare);
    cpu->cr0 |= CR0_PE;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(cpu, i, &segment);
    segment.access = size | 0x9B;
    segment.selector = 8;
    segment_set(cpu, SEG_CS, &segment);
    cpu_sync(cpu);
}

void bare_cpu_real(struct bare_cpu *bare)
{
    const struct segment segment = {.limit = 0xFFFF, .access = 0x93};
    reset(bare);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_set(bare->cpu, i, &segment);
    cpu_sync(bare->cpu);
}

void bare_cpu_write(struct bare_cpu *bare, uint32_t address, const void *bytes, size_t size)
{
    bus_write_memory(bare->bus, address, bytes, size);
}

int bare_cpu_run(struct bare_cpu *bare, uint64_t count)
{
    struct cpu *cpu = bare->cpu;
    uint64_t limit = cpu->icount + count;
    while (cpu->icount < limit && cpu->activity == CPU_RUNNING) {
        cpu_run(cpu, limit);
        if (cpu->activity == CPU_RUNNING)
            cpu_service(cpu);
    }
    return bare->vector;
}
