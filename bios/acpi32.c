/* ACPI 1.0 tables: RSDP, RSDT, FADT, MADT; the DSDT is compiled from dsdt.asl, the FACS is in
 * facs.S. */
#include "bios/init32.h"
#include "bios/memory_map.h"
#include "bios/processor.h"
#include "bios/tables32.h"

#define FACS_ADDRESS 0xEC000u
#define SCI_IRQ      9

#define MADT_LAPIC    0
#define MADT_IO_APIC  1
#define MADT_OVERRIDE 2
#define MADT_NMI      4

/* Polarity and trigger of an interrupt: active high; level. */
#define LEVEL_HIGH 0x0D

extern const u8 dsdt[];

struct acpi_header {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision;
    char creator[4];
    u32 creator_revision;
} __attribute__((packed));

struct fadt {
    struct acpi_header header;
    u32 facs, dsdt;
    u8 model, reserved1;
    u16 sci;
    u32 smi_command;
    u8 acpi_enable, acpi_disable, s4bios, reserved2;
    u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, timer, gpe0, gpe1;
    u8 pm1_event_length, pm1_control_length, pm2_control_length, timer_length;
    u8 gpe0_length, gpe1_length, gpe1_base, reserved3;
    u16 c2_latency, c3_latency, flush_size, flush_stride;
    u8 duty_offset, duty_width, day_alarm, month_alarm, century;
    u8 reserved4[3];
    u32 flags;
} __attribute__((packed));

static void set_header(struct acpi_header *h, const char *signature, u32 length, u8 revision)
{
    memory_copy(h->signature, signature, 4);
    h->length = length;
    h->revision = revision;
    memory_copy(h->oem, "ANACHR", 6);
    memory_copy(h->oem_table, "ANACHRON", 8);
    h->oem_revision = 1;
    memory_copy(h->creator, "ANCH", 4);
    h->creator_revision = 1;
}

static void seal(struct acpi_header *h)
{
    h->checksum = 0;
    h->checksum = (u8)-checksum(h, h->length);
}

static struct fadt *build_fadt(void)
{
    struct fadt *f = table_allocate(sizeof *f, 16);
    u16 pm = SHARED(acpi_pm_base);
    set_header(&f->header, "FACP", sizeof *f, 1);
    f->facs = FACS_ADDRESS;
    f->dsdt = (u32)dsdt;
    f->sci = SCI_IRQ;
    f->smi_command = 0xB2;
    f->acpi_enable = 0xF1;
    f->acpi_disable = 0xF0;
    f->pm1a_event = pm;
    f->pm1a_control = pm + 4u;
    f->timer = pm + 8u;
    f->pm1_event_length = 4;
    f->pm1_control_length = 2;
    f->timer_length = 4;
    f->c2_latency = 0xFFFF;
    f->c3_latency = 0xFFFF;
    f->day_alarm = 0;
    f->month_alarm = 0;
    f->century = 0x32;
    /* WBINVD works, the processor has C1, no sleep button, no RTC wake from fixed hardware. */
    f->flags = 1u << 0 | 1u << 2 | 1u << 5 | 1u << 6;
    seal(&f->header);
    return f;
}

static u8 *put(u8 *to, const u8 *bytes, u32 count)
{
    memory_copy(to, bytes, count);
    return to + count;
}

static struct acpi_header *build_madt(void)
{
    static const u8 fixed[] = {
        MADT_LAPIC, 8,    0,    0,    1, 0, 0, 0, MADT_IO_APIC,  12, IO_APIC_ID, 0,
        0x00,       0x00, 0xC0, 0xFE, 0, 0, 0, 0, MADT_OVERRIDE, 10, 0,          0,
        2,          0,    0,    0,    0, 0,
    };
    static const u8 levels[] = {5, SCI_IRQ, 10, 11};
    static const u8 nmi[] = {MADT_NMI, 6, 0xFF, 0, 0, 1};
    u32 length = sizeof(struct acpi_header) + 8 + sizeof fixed + sizeof levels * 10 + sizeof nmi;
    struct acpi_header *h = table_allocate(length, 16);
    u8 *p = (u8 *)(h + 1);
    set_header(h, "APIC", length, 1);
    *(u32 *)p = 0xFEE00000;
    *(u32 *)(p + 4) = 1;
    p = put(p + 8, fixed, sizeof fixed);
    for (u32 i = 0; i < sizeof levels; i++) {
        const u8 override[] = {MADT_OVERRIDE, 10, 0, levels[i], levels[i], 0, 0, 0, LEVEL_HIGH, 0};
        p = put(p, override, sizeof override);
    }
    put(p, nmi, sizeof nmi);
    seal(h);
    return h;
}

void acpi_build(void)
{
    if (!SHARED(acpi_pm_base))
        return;
    u8 *rsdp = table_allocate(20, 16);
    u32 tables = SHARED(processor_apic) ? 2 : 1;
    struct acpi_header *rsdt = table_allocate(sizeof *rsdt + tables * 4, 16);
    u32 *entries = (u32 *)(rsdt + 1);
    set_header(rsdt, "RSDT", sizeof *rsdt + tables * 4, 1);
    entries[0] = (u32)build_fadt();
    if (tables == 2)
        entries[1] = (u32)build_madt();
    seal(rsdt);
    memory_copy(rsdp, "RSD PTR ", 8);
    memory_copy(rsdp + 9, "ANACHR", 6);
    *(u32 *)(rsdp + 16) = (u32)rsdt;
    rsdp[8] = (u8)-checksum(rsdp, 20);
}
