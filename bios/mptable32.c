/* The MP configuration table (MultiProcessor specification 1.4) and the PCI interrupt routing table
 * ($PIR). */
#include "bios/init32.h"
#include "bios/processor.h"
#include "bios/tables32.h"

#define BUS_PCI 0
#define BUS_ISA 1

#define TYPE_INT    0
#define TYPE_NMI    1
#define TYPE_EXTINT 3

/* Polarity and trigger: active high, level. */
#define LEVEL_ACTIVE_HIGH 0x0D

#define PIR_SLOTS 20

struct mp_config {
    char signature[4];
    u16 length;
    u8 revision, checksum;
    char oem[8], product[12];
    u32 oem_table;
    u16 oem_size, entries;
    u32 lapic;
    u16 extended_length;
    u8 extended_checksum, reserved;
} __attribute__((packed));

static struct mp_config *config;

static u8 *add_entry(u8 length)
{
    u8 *entry = table_allocate(length, 1);
    config->entries++;
    config->length += length;
    return entry;
}

static void add_processor(void)
{
    u8 *e = add_entry(20);
    u32 eax = 1, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=d"(edx) : : "ebx", "ecx");
    e[1] = 0;
    e[2] = 0x14;
    e[3] = 0x03;
    *(u32 *)(e + 4) = eax & 0xFFF;
    *(u32 *)(e + 8) = edx;
}

static void add_bus(u8 id, const char *name)
{
    u8 *e = add_entry(8);
    e[0] = 1;
    e[1] = id;
    memory_copy(e + 2, name, 6);
}

/* kind 3: an interrupt of the I/O APIC; 4: of a local APIC. */
static void add_interrupt(u8 kind, u8 type, u16 flags, u8 bus, u8 irq, u8 apic, u8 pin)
{
    u8 *e = add_entry(8);
    e[0] = kind;
    e[1] = type;
    *(u16 *)(e + 2) = flags;
    e[4] = bus;
    e[5] = irq;
    e[6] = apic;
    e[7] = pin;
}

static void add_pci_interrupts(void)
{
    for (u8 device = 0; device < 32; device++) {
        for (u8 function = 0; function < 8; function++) {
            u8 devfn = (u8)(device << 3 | function);
            if (pci_read16(0, devfn, 0) == 0xFFFF)
                continue;
            u8 pin = pci_read8(0, devfn, 0x3D);
            if (pin)
                add_interrupt(3, TYPE_INT, LEVEL_ACTIVE_HIGH, BUS_PCI,
                              (u8)(device << 2 | (pin - 1)), IO_APIC_ID, pci_read8(0, devfn, 0x3C));
            if (!function && !(pci_read8(0, devfn, 0x0E) & 0x80))
                break;
        }
    }
}

static void set_io_apic_id(void)
{
    volatile u32 *io_apic = (volatile u32 *)0xFEC00000;
    io_apic[0] = 0;
    io_apic[4] = (u32)IO_APIC_ID << 24;
}

void mp_build(void)
{
    if (!SHARED(processor_apic))
        return;
    set_io_apic_id();
    u8 *floating = table_allocate(16, 16);
    config = table_allocate(sizeof *config, 16);
    memory_copy(config->signature, "PCMP", 4);
    memory_copy(config->oem, "ANACHRON", 8);
    memory_copy(config->product, "PC          ", 12);
    config->length = sizeof *config;
    config->revision = 4;
    config->lapic = 0xFEE00000;
    add_processor();
    add_bus(BUS_PCI, "PCI   ");
    add_bus(BUS_ISA, "ISA   ");
    u8 *io_apic = add_entry(8);
    io_apic[0] = 2;
    io_apic[1] = IO_APIC_ID;
    io_apic[2] = 0x11;
    io_apic[3] = 1;
    *(u32 *)(io_apic + 4) = 0xFEC00000;
    add_pci_interrupts();
    for (u8 irq = 0; irq < 16; irq++) {
        if (irq == 2 || irq == pirq_interrupts[0] || irq == pirq_interrupts[1])
            continue;
        add_interrupt(3, TYPE_INT, irq == 9 ? LEVEL_ACTIVE_HIGH : 0, BUS_ISA, irq, IO_APIC_ID,
                      irq ? irq : 2);
    }
    add_interrupt(4, TYPE_EXTINT, 0, BUS_ISA, 0, 0xFF, 0);
    add_interrupt(4, TYPE_NMI, 0, BUS_ISA, 0, 0xFF, 1);
    config->checksum = (u8)-checksum(config, config->length);
    memory_copy(floating, "_MP_", 4);
    *(u32 *)(floating + 4) = (u32)config;
    floating[8] = 1;
    floating[9] = 4;
    floating[10] = (u8)-checksum(floating, 16);
}

/* The header, then for each slot the link (a PIRQ register of the bridge) of each pin and the
 * interrupts that the bridge can route it to. */
void pir_build(void)
{
    u8 *pir = (u8 *)(SEG_CODE * 16u + PIR_OFFSET);
    u16 length = 32 + PIR_SLOTS * 16;
    memory_set(pir, 0, length);
    memory_copy(pir, "$PIR", 4);
    *(u16 *)(pir + 4) = 0x0100;
    *(u16 *)(pir + 6) = length;
    pir[9] = 1 << 3;
    *(u16 *)(pir + 10) = (u16)(1 << pirq_interrupts[0] | 1 << pirq_interrupts[1]);
    *(u32 *)(pir + 12) = 0x70008086;
    for (u8 slot = 0; slot < PIR_SLOTS; slot++) {
        u8 *entry = pir + 32 + slot * 16, device = (u8)(slot + 1);
        entry[1] = (u8)(device << 3);
        for (u8 pin = 0; pin < 4; pin++) {
            entry[2 + pin * 3] = (u8)(0x60 + ((device + pin + 3) & 3));
            *(u16 *)(entry + 3 + pin * 3) = 0xDEF8;
        }
        entry[14] = device > 2 ? (u8)(device - 2) : 0;
    }
    pir[31] = (u8)-checksum(pir, length);
}
