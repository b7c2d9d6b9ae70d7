/* Inspection: the whole state of the machine as sections, its hash, and its dump. */
#include "base/memory.h"
#include "devices/vga.h"
#include "machine/internal.h"
#include "machine/pack.h"

#include <stdio.h>
#include <string.h>

enum { SECTION_NAME_SIZE = 32 };

/* Section name of a device: its class, and a number from the second of its kind on. */
static void name_section(const struct bus *bus, unsigned index, char *name)
{
    void *device;
    const struct device_class *class = bus_device_at(bus, index, &device);
    unsigned earlier = 0;
    for (unsigned i = 0; i < index; i++)
        earlier += strcmp(bus_device_at(bus, i, &device)->name, class->name) == 0;
    if (earlier)
        snprintf(name, SECTION_NAME_SIZE, "%.20s.%u", class->name, earlier);
    else
        snprintf(name, SECTION_NAME_SIZE, "%s", class->name);
}

static void settle_cpu(void *cpu)
{
    cpu_settle(cpu);
}

static const struct state_hooks cpu_hooks = {settle_cpu, cpu_after_load};
static const struct state_hooks mmu_hooks = {.after_load = mmu_after_load};

void board_map_state(struct machine *machine)
{
    struct state_map *map = machine->state = state_map_new();
    unsigned count = bus_device_count(machine->bus);
    machine->section_names = mem_new((size_t)count * SECTION_NAME_SIZE);
    state_add_struct(map, "cpu", cpu_fields, machine->cpu, &cpu_hooks);
    state_add_struct(map, "mmu", mmu_fields, machine->cpu->mmu, &mmu_hooks);
    state_add_struct(map, "clock", clock_fields, bus_clock(machine->bus), NULL);
    for (unsigned i = 0; i < count; i++) {
        char *name = machine->section_names + (size_t)i * SECTION_NAME_SIZE;
        void *device;
        const struct device_class *class = bus_device_at(machine->bus, i, &device);
        name_section(machine->bus, i, name);
        if (class->fields)
            state_add_struct(map, name, class->fields, device,
                             &(struct state_hooks){class->before_save, class->after_load});
    }
    state_add_opaque(map, "tlb", machine->cpu->mmu, &mmu_tlb_codec);
    state_add_opaque(map, "board", machine, &machine_board_codec);
    state_add_memory(map, "ram", physmem_ram(machine->phys), physmem_ram_size(machine->phys));
    state_add_memory(map, "video memory", vga_memory(machine->vga), VGA_MEMORY_SIZE);
}

uint64_t machine_state_hash(struct machine *machine)
{
    return state_hash(machine->state);
}

void machine_dump_state(struct machine *machine, FILE *stream)
{
    state_dump(machine->state, stream);
}

const uint8_t *machine_ram(const struct machine *machine, size_t *size)
{
    *size = physmem_ram_size(machine->phys);
    return physmem_ram(machine->phys);
}
