/* ROMs: the firmware at the top of 4 GiB (and 1 MiB lower, for gate A20) with its last 128 KiB
 * below 1 MiB, the VGA's option ROM at C0000h, the hand-off ROM at D0000h. */
#include "base/memory.h"
#include "machine/internal.h"

#include <string.h>

#define FOUR_GIB UINT64_C(0x100000000)

enum {
    ROM_ALIGN = 64 << 10,
    FIRMWARE_MIN = 4 << 10,
    FIRMWARE_MAX = 16 << 20,
    LOW_ALIAS_MAX = 128 << 10,
    LOW_ALIAS_END = 1 << 20,
    A20_BIT = 1 << 20,
    VGA_ROM_BASE = 0xC0000,
    VGA_ROM_MAX = 64 << 10,
    HANDOFF_ROM_BASE = 0xD0000,
    HANDOFF_ROM_SIZE = 4 << 10,
    ROM_PRIORITY = 10,
};

static void add_rom(struct machine *machine, uint32_t first, uint32_t size, uint8_t *bytes)
{
    bus_add_range(machine->bus, &(struct address_range){
                                    .first = first,
                                    .last = first + (size - 1),
                                    .priority = ROM_PRIORITY,
                                    .kind = RANGE_ROM,
                                    .enabled = true,
                                    .memory = bytes,
                                });
}

static bool map_firmware(struct machine *machine, struct error *err)
{
    const struct blob *file = &machine->config.firmware;
    bool is_power = (file->size & (file->size - 1)) == 0;
    if (file->size < FIRMWARE_MIN || file->size > FIRMWARE_MAX ||
        (!is_power && file->size % ROM_ALIGN))
        return error_set(
            err,
            "%s: %zu bytes is no size of a ROM; give a power of two from 4 KiB on, or a "
            "multiple of 64 KiB, up to %d MiB (its end is where the processor starts)",
            file->name, file->size, FIRMWARE_MAX >> 20);
    uint32_t size = ((uint32_t)file->size + ROM_ALIGN - 1) & ~(uint32_t)(ROM_ALIGN - 1);
    machine->firmware = mem_new(size);
    machine->firmware_size = size;
    /* An image of less than 64 KiB ends at the top, where the processor starts. */
    memset(machine->firmware, 0xFF, size);
    memcpy(machine->firmware + size - file->size, file->bytes, file->size);
    add_rom(machine, (uint32_t)(FOUR_GIB - size), size, machine->firmware);
    uint32_t low = size < LOW_ALIAS_MAX ? size : LOW_ALIAS_MAX;
    add_rom(machine, LOW_ALIAS_END - low, low, machine->firmware + size - low);
    /* Where the processor starts with gate A20 closed, as after INIT by port 92h: the 440FX's high
     * BIOS area, the top 2 MiB, is there for that, too (82441FX data sheet, system address map). */
    if (size <= A20_BIT)
        add_rom(machine, (uint32_t)(FOUR_GIB - A20_BIT - size), size, machine->firmware);
    return true;
}

static bool map_vga_rom(struct machine *machine, struct error *err)
{
    const struct blob *file = &machine->config.vga_rom;
    if (!file->bytes)
        return true;
    if (file->size < 3 || file->size > VGA_ROM_MAX)
        return error_set(err, "%s: %zu bytes is no size for a VGA BIOS (at most 64 KiB)",
                         file->name, file->size);
    if (file->bytes[0] != 0x55 || file->bytes[1] != 0xAA)
        return error_set(err, "%s: not an option ROM (it does not begin with 55h AAh)", file->name);
    uint32_t size = PAGE_SIZE;
    while (size < file->size)
        size *= 2; /* PCI wants a power of two */
    machine->vga_rom = mem_new(size);
    machine->vga_rom_size = size;
    memcpy(machine->vga_rom, file->bytes, file->size);
    add_rom(machine, VGA_ROM_BASE, size, machine->vga_rom);
    return true;
}

bool rom_map(struct machine *machine, struct error *err)
{
    if (!map_firmware(machine, err) || !map_vga_rom(machine, err))
        return false;
    if (machine->config.kernel.bytes || machine->config.multiboot.bytes) {
        machine->handoff_rom = mem_new(HANDOFF_ROM_SIZE);
        machine->handoff_rom_size = HANDOFF_ROM_SIZE;
        add_rom(machine, HANDOFF_ROM_BASE, HANDOFF_ROM_SIZE, machine->handoff_rom);
    }
    return true;
}
