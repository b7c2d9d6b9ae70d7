/* POST in real mode: interrupts, data areas, devices, option ROMs, the banner. */
#include "bios/boot_order.h"
#include "bios/floppy.h"
#include "bios/font.h"
#include "bios/memory_map.h"
#include "bios/option_roms.h"
#include "bios/processor.h"

struct memory_range memory_map_ranges[MEMORY_RANGES_MAX];
u32 memory_map_count;
u32 extended_kb;
u16 acpi_pm_base;
u32 option_rom_pam;
bool apm_connected;
u32 boot_vectors[BOOT_VECTORS_MAX];
u8 boot_vector_count;
struct option_rom option_roms[OPTION_ROMS_MAX];
u8 option_rom_count;
char processor_text[64];
u8 processor_fpu;
u8 processor_apic;

static u16 option_rom_next;

void irq_unexpected(void);
void irq_unexpected_slave(void);
void irq8_entry(void);
void irq9_entry(void);
void irq12_entry(void);
void irq13_entry(void);
void irq14_entry(void);
void dummy_iret(void);
void nmi_entry(void);
extern const u16 vector_table[];
extern u8 font_low[];
extern u8 acpi_present[];
extern u8 pnp_header[];

static void set_vectors(void)
{
    for (u16 i = 0; i < 0x78; i++)
        vector_set((u8)i, SEG_CODE, (u16)(u32)dummy_iret);
    for (u16 i = 0x60; i < 0x68; i++)
        far_write32(0, (u16)(i * 4), 0);
    for (u16 i = 0x78; i < 0x100; i++)
        far_write32(0, (u16)(i * 4), 0);
    vector_set(0x02, SEG_CODE, 0xE2C3);
    vector_set(0x05, SEG_CODE, 0xFF54);
    for (u8 i = 0; i < 0x17; i++)
        vector_set((u8)(8 + i), SEG_CODE, far_read16(SEG_CODE, (u16)((u32)vector_table + i * 2)));
    vector_set(0x1F, SEG_DATA, (u16)(u32)&font_8x8[128]);
    vector_set(0x40, SEG_CODE, 0xEC59);
    vector_set(0x43, SEG_DATA, (u16)(u32)font_8x8);
    vector_set(0x70, SEG_CODE, (u16)(u32)irq8_entry);
    vector_set(0x71, SEG_CODE, (u16)(u32)irq9_entry);
    vector_set(0x72, SEG_CODE, (u16)(u32)irq_unexpected_slave);
    vector_set(0x73, SEG_CODE, (u16)(u32)irq_unexpected_slave);
    vector_set(0x74, SEG_CODE, (u16)(u32)irq12_entry);
    vector_set(0x75, SEG_CODE, (u16)(u32)irq13_entry);
    vector_set(0x76, SEG_CODE, (u16)(u32)irq14_entry);
    vector_set(0x77, SEG_CODE, (u16)(u32)irq14_entry);
}

static void set_data_area(void)
{
    u16 soft = BDA->soft_reset;
    u16 base_kb = (u16)(cmos_read(0x15) | cmos_read(0x16) << 8);
    far_fill(SEG_BDA, 0, 0, 0x101);
    BDA->soft_reset = soft;
    if (base_kb < 256 || base_kb > 640)
        base_kb = 640;
    /* One KiB at the top is the extended data area. */
    BDA->memory_kb = (u16)(base_kb - 1);
    BDA->ebda = SEG_EBDA;
    far_fill(SEG_EBDA, 0, 0, 1024);
    far_write8(SEG_EBDA, 0, 1);
    BDA->equipment = 0x0020 | (processor_has_fpu() ? 2 : 0);
}

/* Vectors 08h and 70h, edge-triggered, all masked but the cascade, the clock and the keyboard. */
static void start_interrupts(void)
{
    outb(0x20, 0x11);
    outb(0xA0, 0x11);
    outb(0x21, 0x08);
    outb(0xA1, 0x70);
    outb(0x21, 0x04);
    outb(0xA1, 0x02);
    outb(0x21, 0x01);
    outb(0xA1, 0x01);
    outb(0x21, 0xB8);
    outb(0xA1, 0xDF);
}

/* Counter 0: 18.2 Hz; counter 1: refresh; counter 2: the speaker, silent. */
static void start_timer(void)
{
    outb(0x43, 0x34 | 0x02);
    outb(0x40, 0);
    outb(0x40, 0);
    outb(0x43, 0x54);
    outb(0x41, 0x12);
    outb(0x43, 0xB6);
    outb(0x42, 0x2E);
    outb(0x42, 0x05);
    outb(0x61, inb(0x61) & 0xFC);
}

static void start_dma(void)
{
    outb(0x0D, 0);
    outb(0xDA, 0);
    for (u8 i = 0; i < 4; i++) {
        outb(0x0B, 0x40 | i);
        outb(0xD6, (i ? 0x40 : 0xC0) | i);
    }
    outb(0xD4, 0);
    outb(0x08, 0);
    outb(0xD0, 0);
}

static u8 rom_checksum(u16 segment, u16 blocks)
{
    u8 sum = 0;
    for (u16 b = 0; b < blocks; b++) {
        set_gs((u16)(segment + b * 32));
        for (u16 i = 0; i < 512; i++)
            sum += *(volatile FAR u8 *)(u32)i;
    }
    return sum;
}

/* The expansion header chain of a Plug and Play ROM: its bootstrap entry vector. */
static void find_boot_vector(u16 segment)
{
    u16 offset = far_read16(segment, 0x1A);
    if (!offset || far_read32(segment, offset) != 0x506E5024)
        return;
    u16 vector = far_read16(segment, (u16)(offset + 0x1A));
    if (vector && boot_vector_count < BOOT_VECTORS_MAX)
        boot_vectors[boot_vector_count++] = (u32)segment << 16 | vector;
}

static u16 call_option_rom(u16 segment)
{
    u16 blocks = far_read8(segment, 2);
    if (far_read16(segment, 0) != 0xAA55 || blocks == 0 || rom_checksum(segment, blocks) != 0)
        return 0;
    struct regs r = {.es = SEG_CODE, .edi = (u16)(u32)pnp_header};
    r.ax = 0;
    for (u8 i = 0; i < option_rom_count; i++) {
        if (option_roms[i].segment == segment)
            r.ax = option_roms[i].device;
    }
    r.bx = 0xFFFF;
    r.dx = 0xFFFF;
    call_far(&r, segment, 3);
    find_boot_vector(segment);
    return blocks;
}

static void scan_option_roms(u16 first, u16 last)
{
    for (u32 segment = first; segment < last;) {
        u16 blocks = call_option_rom((u16)segment);
        segment += blocks ? (u32)((blocks + 3) & ~3) * 32 : 0x80;
    }
}

static void start_video(void)
{
    u32 before = vector_get(0x10);
    u16 blocks = call_option_rom(0xC000);
    option_rom_next = (u16)(0xC000 + ((blocks + 3) & ~3) * 32);
    if (vector_get(0x10) == before)
        video_initialise();
    struct regs r = {.ax = 0x0003};
    call_interrupt(&r, 0x10);
}

static void show_banner(void)
{
    print("Anachron BIOS " BIOS_VERSION "\n");
    print("Processor: ");
    print(processor_name());
    print("\nMemory: ");
    u32 total = (extended_kb + 1024) / 1024;
    print_decimal(BDA->memory_kb + 1u);
    print(" KB base, ");
    print_decimal(extended_kb);
    print(" KB extended (");
    print_decimal(total);
    print(" MB)\n");
}

static void show_drives(void)
{
    static const char *const sizes[6] = {"", "360 KB", "1.2 MB", "720 KB", "1.44 MB", "2.88 MB"};
    for (u8 i = 0; i < 2; i++) {
        if (floppy_type(i)) {
            print(i ? "Floppy B: " : "Floppy A: ");
            print(sizes[floppy_type(i)]);
            print("\n");
        }
    }
    for (u8 i = 0; i < hard_disk_count; i++) {
        const struct ide_drive *d = &ide_drives[hard_disks[i]];
        print("Disk ");
        print_hex(0x80u + i, 2);
        print(": ");
        print(d->model);
        print(", ");
        print_decimal((u32)(d->blocks >> 11));
        print(" MB, CHS ");
        print_decimal(d->bios_cylinders);
        print("/");
        print_decimal(d->bios_heads);
        print("/");
        print_decimal(d->bios_sectors);
        print("\n");
    }
    for (u8 i = 0; i < cd_count; i++) {
        print("CD ");
        print_hex(0xE0u + i, 2);
        print(": ");
        print(ide_drives[cd_drives[i]].model);
        print("\n");
    }
}

/* The last steps before an operating system: what ACPI methods ask about, and nothing of POST
 * pending. */
static void finish(void)
{
    acpi_present[0] = floppy_count() != 0;
    for (u8 i = 0; i < 4; i++) {
        if (BDA->com[i] == 0x3F8)
            acpi_present[1] = 1;
        if (BDA->com[i] == 0x2F8)
            acpi_present[2] = 1;
        if (i < 3 && BDA->lpt[i] == 0x378)
            acpi_present[3] = 1;
    }
    acpi_present[4] = BDA->equipment >> 2 & 1;
    far_write8(SEG_BDA, offsetof(struct bda, post_flag), 0);
    BDA->soft_reset = 0;
}

/* Shadow RAM becomes read-only, but for what the firmware writes to at run time (32-bit code cannot
 * be called any more, so this talks to the i440FX by itself). */
static void protect_shadow(void)
{
    outl(0xCF8, 0x8000005C);
    outw(0xCFE, 0x3111);
    outl(0xCF8, 0x80000058);
    outb(0xCFD, 0x10);
    outw(0xCFE, (u16)option_rom_pam);
    outl(0xCF8, 0x8000005C);
    outw(0xCFC, (u16)(option_rom_pam >> 16));
}

void post_main(void)
{
    set_vectors();
    set_data_area();
    start_dma();
    start_timer();
    start_interrupts();
    far_copy(SEG_CODE, (u16)(u32)font_low, SEG_DATA, (u16)(u32)font_8x8, 1024);
    start_video();
    interrupt_window();
    show_banner();
    time_initialise();
    keyboard_initialise();
    mouse_initialise();
    serial_initialise();
    floppy_initialise();
    ide_initialise();
    if (!boot_order_from_fw_cfg())
        boot_order_from_cmos();
    ide_publish();
    show_drives();
    /* From E0000 on it is this firmware. */
    scan_option_roms(option_rom_next, SEG_DATA);
    finish();
    protect_shadow();
    print("\n");
    struct regs r = {0};
    call_interrupt(&r, 0x19);
    for (;;)
        __asm__ volatile("hlt");
}
