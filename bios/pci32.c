/* PCI: resources, interrupt routing, and the functions of the i440FX chipset (PCI 2.1; 82371SB,
 * 82371AB data sheets). */
#include "bios/init32.h"
#include "bios/memory_map.h"

#define VENDOR_ID      0x00
#define COMMAND        0x04
#define CLASS_REVISION 0x08
#define HEADER_TYPE    0x0E
#define BAR0           0x10
#define ROM_BAR        0x30
#define INTERRUPT_LINE 0x3C
#define INTERRUPT_PIN  0x3D

#define COMMAND_IO     0x01
#define COMMAND_MEMORY 0x02
#define COMMAND_MASTER 0x04

#define IO_FIRST     0xC000u
#define MEMORY_FIRST 0xE0000000u
#define MEMORY_END   0xFEB00000u

#define DEVFN(device, function) ((u8)((device) << 3 | (function)))

#define ISA_BRIDGE_PIRQ 0x60
#define PM_IO_BASE      0x600
#define SMBUS_IO_BASE   0x700

const u8 pirq_interrupts[4] = {10, 11, 10, 11};

static void select(u8 bus, u8 devfn, u8 offset)
{
    outl(0xCF8, 0x80000000 | (u32)bus << 16 | (u32)devfn << 8 | (offset & 0xFC));
}

u32 pci_read32(u8 bus, u8 devfn, u8 offset)
{
    select(bus, devfn, offset);
    return inl(0xCFC);
}

u16 pci_read16(u8 bus, u8 devfn, u8 offset)
{
    select(bus, devfn, offset);
    return inw((u16)(0xCFC + (offset & 2)));
}

u8 pci_read8(u8 bus, u8 devfn, u8 offset)
{
    select(bus, devfn, offset);
    return inb((u16)(0xCFC + (offset & 3)));
}

void pci_write32(u8 bus, u8 devfn, u8 offset, u32 value)
{
    select(bus, devfn, offset);
    outl(0xCFC, value);
}

void pci_write16(u8 bus, u8 devfn, u8 offset, u16 value)
{
    select(bus, devfn, offset);
    outw((u16)(0xCFC + (offset & 2)), value);
}

void pci_write8(u8 bus, u8 devfn, u8 offset, u8 value)
{
    select(bus, devfn, offset);
    outb((u16)(0xCFC + (offset & 3)), value);
}

/* Calls visit for every function of bus 0; there are no bridges on this board. */
static void for_each_function(void (*visit)(u8 devfn, void *context), void *context)
{
    for (u16 devfn = 0; devfn < 256; devfn++) {
        if (pci_read16(0, (u8)devfn, VENDOR_ID) == 0xFFFF) {
            if (!(devfn & 7))
                devfn += 7;
            continue;
        }
        visit((u8)devfn, context);
        if (!(devfn & 7) && !(pci_read8(0, (u8)devfn, HEADER_TYPE) & 0x80))
            devfn += 7;
    }
}

/* Where the next resource goes; sizes are placed largest first, so that alignment wastes nothing.
 */
struct allocator {
    u32 size;
    u32 next_io, next_memory;
};

static u32 align_up(u32 value, u32 size)
{
    return (value + size - 1) & ~(size - 1);
}

static void place_bar(u8 devfn, u8 offset, struct allocator *a)
{
    u32 old = pci_read32(0, devfn, offset);
    bool rom = offset == ROM_BAR, io = !rom && old & 1;
    pci_write32(0, devfn, offset, rom ? 0xFFFFF800 : 0xFFFFFFFF);
    u32 mask = pci_read32(0, devfn, offset);
    pci_write32(0, devfn, offset, old);
    mask &= rom ? 0xFFFFF800 : io ? 0xFFFFFFFC : 0xFFFFFFF0;
    if (io)
        mask |= 0xFFFF0000;
    if (mask == 0 || (io && (mask & 0xFFFC) == 0) || (~mask + 1) != a->size)
        return;
    u32 *next = io ? &a->next_io : &a->next_memory;
    u32 address = align_up(*next, a->size);
    if (io ? address + a->size > 0x10000
           : address >= MEMORY_END || address + a->size > MEMORY_END) {
        debug_text("PCI: no room for a resource\n");
        return;
    }
    *next = address + a->size;
    pci_write32(0, devfn, offset, address);
    if (!rom && !io && (old & 6) == 4)
        pci_write32(0, devfn, (u8)(offset + 4), 0);
}

static void place_function(u8 devfn, void *context)
{
    struct allocator *a = context;
    if (pci_read8(0, devfn, HEADER_TYPE) & 0x7F)
        return;
    for (u8 offset = BAR0; offset < BAR0 + 24; offset += 4) {
        u32 value = pci_read32(0, devfn, offset);
        place_bar(devfn, offset, a);
        if (!(value & 1) && (value & 6) == 4)
            offset += 4;
    }
    place_bar(devfn, ROM_BAR, a);
}

static void disable_function(u8 devfn, void *context)
{
    (void)context;
    if (pci_read8(0, devfn, CLASS_REVISION + 3) == 6)
        return;
    u16 command = pci_read16(0, devfn, COMMAND);
    pci_write16(0, devfn, COMMAND, command & (u16) ~(COMMAND_IO | COMMAND_MEMORY));
}

static void enable_function(u8 devfn, void *context)
{
    (void)context;
    u16 command = pci_read16(0, devfn, COMMAND);
    u8 class = pci_read8(0, devfn, CLASS_REVISION + 3);
    command |= COMMAND_IO | COMMAND_MEMORY;
    /* Mass storage is what the boot may need; drivers enable the rest. */
    if (class == 1 || class == 6)
        command |= COMMAND_MASTER;
    pci_write16(0, devfn, COMMAND, command);
    u8 pin = pci_read8(0, devfn, INTERRUPT_PIN);
    if (pin)
        pci_write8(0, devfn, INTERRUPT_LINE, pirq_interrupts[((devfn >> 3) + pin - 2) & 3]);
}

static void setup_isa_bridge(u8 devfn)
{
    u16 levels = 0;
    for (u8 i = 0; i < 4; i++) {
        pci_write8(0, devfn, (u8)(ISA_BRIDGE_PIRQ + i), pirq_interrupts[i]);
        levels |= (u16)(1 << pirq_interrupts[i]);
    }
    outb(0x4D0, (u8)levels);
    outb(0x4D1, (u8)(levels >> 8));
}

static void setup_power(u8 devfn)
{
    pci_write32(0, devfn, 0x40, PM_IO_BASE | 1);
    pci_write8(0, devfn, 0x80, 0x01);
    pci_write32(0, devfn, 0x90, SMBUS_IO_BASE | 1);
    pci_write8(0, devfn, 0xD2, 0x09);
    pci_write8(0, devfn, INTERRUPT_LINE, 9);
    SHARED(acpi_pm_base) = PM_IO_BASE;
}

static void setup_chipset(u8 devfn, void *context)
{
    (void)context;
    u32 id = pci_read32(0, devfn, VENDOR_ID);
    switch (id) {
    case 0x70008086: /* PIIX3 */
    case 0x71108086: /* PIIX4 */
        setup_isa_bridge(devfn);
        break;
    case 0x70108086: /* PIIX3 and PIIX4 IDE: both channels at their ISA addresses */
    case 0x71118086:
        pci_write16(0, devfn, 0x40, 0x8000);
        pci_write16(0, devfn, 0x42, 0x8000);
        break;
    case 0x71138086: /* PIIX4 power management */
        setup_power(devfn);
        break;
    }
}

void pci_initialise(void)
{
    if (pci_read32(0, 0, VENDOR_ID) != 0x12378086)
        debug_text("PCI: host bridge is not an i440FX\n");
    for_each_function(disable_function, NULL);
    struct allocator a = {0, IO_FIRST, MEMORY_FIRST};
    for (u32 size = 1u << 28; size >= 4; size >>= 1) {
        a.size = size;
        for_each_function(place_function, &a);
    }
    for_each_function(enable_function, NULL);
    for_each_function(setup_chipset, NULL);
}
