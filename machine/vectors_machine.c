#include "machine/vectors_run.h"

#include "base/memory.h"
#include "cpu/code.h"
#include "cpu/model.h"

enum { REACHABLE = 2 << 20 };

struct vector_machine *vector_machine_new(const char *cpu_name, enum engine engine,
                                          struct error *err)
{
    const struct cpu_model *model = cpu_model_find(cpu_name);
    if (!model) {
        error_set(err, "no CPU model '%s': `anachron cpus` lists them", cpu_name);
        return NULL;
    }
    struct vector_machine *machine = mem_new(sizeof *machine);
    machine->skipped_row = SKIP_NONE;
    machine->log = log_new(stderr, LOG_ERROR);
    machine->bus = bus_new(machine->log);
    machine->phys = physmem_new(machine->bus, VECTOR_RAM_SIZE);
    machine->cpu = cpu_new(model, machine->phys, machine->bus);
    machine->ram = physmem_ram(machine->phys);
    physmem_set_a20(machine->phys, true);
    machine->decoder = decoder_new(model);
    cpu_reset(machine->cpu, false);
    if (engine == ENGINE_JIT) {
        machine->cpu->code->limit = 1;
        machine->jit = jit_new(machine->cpu, &(struct jit_options){.warm = 1}, err);
        if (!machine->jit) {
            vector_machine_free(machine);
            return NULL;
        }
    }
    return machine;
}

void vector_machine_free(struct vector_machine *machine)
{
    if (!machine)
        return;
    jit_free(machine->jit);
    decoder_free(machine->decoder);
    cpu_free(machine->cpu);
    physmem_free(machine->phys);
    bus_free(machine->bus);
    log_free(machine->log);
    mem_free(machine);
}

void vector_machine_poke(struct vector_machine *machine, uint32_t address, uint8_t value)
{
    if (address >= VECTOR_RAM_SIZE)
        return;
    machine->ram[address] = value;
    if (physmem_page_has_code(machine->phys, address))
        physmem_note_write(machine->phys, address, 1);
}

void vector_machine_clear(struct vector_machine *machine)
{
    memset(machine->ram, 0, REACHABLE);
    for (uint32_t page = 0; page < REACHABLE; page += PAGE_SIZE)
        if (physmem_page_has_code(machine->phys, page))
            physmem_note_write(machine->phys, page, PAGE_SIZE);
}

void vector_machine_set_segment(struct vector_machine *machine, enum segment_register seg,
                                uint16_t selector)
{
    machine->cpu->seg[seg] = (struct segment){
        .base = (uint32_t)selector << 4,
        .limit = 0xFFFF,
        .selector = selector,
        .access = SEGMENT_PRESENT | SEGMENT_S | SEGMENT_WRITABLE | SEGMENT_ACCESSED,
    };
}

bool vector_machine_run(struct vector_machine *machine, uint64_t max_insns)
{
    struct cpu *cpu = machine->cpu;
    uint64_t limit = cpu->icount + max_insns;
    while (cpu->activity == CPU_RUNNING && cpu->icount < limit) {
        if (cpu->attention)
            cpu_service(cpu);
        cpu_run(cpu, limit);
    }
    return cpu->activity == CPU_HALTED;
}

unsigned vector_machine_row(const struct vector_machine *machine, const uint8_t *bytes,
                            unsigned size, bool code32)
{
    struct insn insn;
    (void)decode_insn(machine->decoder, bytes, size, code32, &insn);
    return insn.row;
}
