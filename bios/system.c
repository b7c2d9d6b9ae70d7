/* INT 11h, 12h, 15h, and interrupts that nobody expects. */
#include "bios/memory_map.h"
#include "bios/services.h"

extern const u8 config_table[];

#define UNSUPPORTED 0x86

void equipment_service(struct regs *r)
{
    r->ax = BDA->equipment;
}

void memory_service(struct regs *r)
{
    r->ax = BDA->memory_kb;
}

static void unsupported(struct regs *r)
{
    r->ah = UNSUPPORTED;
    carry_set(r);
}

static void a20_service(struct regs *r)
{
    u8 port = inb(0x92);
    carry_clear(r);
    r->ah = 0;
    switch (r->al) {
    case 0:
    case 1:
        outb(0x92, (u8)((port & 0xFC) | r->al << 1));
        break;
    case 2:
        r->al = port >> 1 & 1;
        r->cx = 0;
        break;
    case 3:
        r->bx = 3;
        break;
    default:
        unsupported(r);
    }
}

/* E820h: one entry of the map at a time; BX is the index. */
static void memory_map(struct regs *r)
{
    if (r->edx != 0x534D4150 || r->ecx < 20) {
        unsupported(r);
        return;
    }
    if (r->ebx >= memory_map_count) {
        r->ah = UNSUPPORTED;
        carry_set(r);
        return;
    }
    const struct memory_range *range = &memory_map_ranges[r->ebx];
    far_write32(r->es, r->di, (u32)range->base);
    far_write32(r->es, (u16)(r->di + 4), (u32)(range->base >> 32));
    far_write32(r->es, (u16)(r->di + 8), (u32)range->length);
    far_write32(r->es, (u16)(r->di + 12), (u32)(range->length >> 32));
    far_write32(r->es, (u16)(r->di + 16), range->type);
    r->eax = 0x534D4150;
    r->ecx = 20;
    r->ebx = r->ebx + 1 < memory_map_count ? r->ebx + 1 : 0;
    carry_clear(r);
}

/* E801h and E881h: KiB from 1 to 16 MiB, 64 KiB blocks above. */
static void memory_sizes(struct regs *r, bool wide)
{
    u32 low = extended_kb < 15 * 1024 ? extended_kb : 15 * 1024;
    u32 high = extended_kb > 15 * 1024 ? (extended_kb - 15 * 1024) >> 6 : 0;
    carry_clear(r);
    if (wide) {
        r->eax = r->ecx = low;
        r->ebx = r->edx = high;
    } else {
        r->ax = r->cx = (u16)low;
        r->bx = r->dx = (u16)high;
    }
}

static void extended_memory_function(struct regs *r)
{
    switch (r->al) {
    case 0x01:
        memory_sizes(r, false);
        break;
    case 0x20:
        memory_map(r);
        break;
    case 0x81:
        memory_sizes(r, true);
        break;
    default:
        unsupported(r);
    }
}

static void apm_off(void)
{
    if (acpi_pm_base)
        outw((u16)(acpi_pm_base + 4), (u16)(1 << 13 | ACPI_SLEEP_OFF << 10));
    for (;;)
        __asm__ volatile("hlt");
}

enum apm_error {
    APM_CONNECTED = 0x02,
    APM_NOT_CONNECTED = 0x03,
    APM_NO_16_BIT_INTERFACE = 0x06,
    APM_NO_32_BIT_INTERFACE = 0x08,
    APM_STATE = 0x0A,
    APM_NO_FUNCTION = 0x0C,
    APM_NO_EVENT = 0x80,
};

static void apm_fail(struct regs *r, enum apm_error error)
{
    r->ah = (u8)error;
    carry_set(r);
}

/* Connects, or disconnects. */
static void apm_connect(struct regs *r, bool connect)
{
    if (apm_connected == connect)
        apm_fail(r, connect ? APM_CONNECTED : APM_NOT_CONNECTED);
    apm_connected = connect;
}

static void apm_set_power(struct regs *r)
{
    if (r->bx == 1 && r->cx == 3)
        apm_off();
    if (r->cx == 1 || r->cx == 2)
        interrupt_wait();
    else if (r->cx != 0)
        apm_fail(r, APM_STATE);
}

/* APM 1.2, real-mode interface: enough to idle and to switch the machine off. */
static void apm_service(struct regs *r)
{
    carry_clear(r);
    switch (r->al) {
    case 0x00:
        r->ax = 0x0102;
        r->bx = 'P' << 8 | 'M';
        r->cx = 0x0000;
        return;
    case 0x01:
        apm_connect(r, true);
        return;
    case 0x02:
        apm_fail(r, APM_NO_16_BIT_INTERFACE);
        return;
    case 0x03:
        apm_fail(r, APM_NO_32_BIT_INTERFACE);
        return;
    case 0x04:
        apm_connect(r, false);
        return;
    case 0x05:
        interrupt_wait();
        return;
    case 0x06:
    case 0x08:
    case 0x0D:
    case 0x0F:
    case 0x10:
        return;
    case 0x07:
        apm_set_power(r);
        return;
    case 0x0A:
        r->bx = 0x01FF;
        r->cx = 0x80FF;
        r->dx = 0xFFFF;
        return;
    case 0x0B:
        apm_fail(r, APM_NO_EVENT);
        return;
    case 0x0E:
        r->ax = 0x0102;
        return;
    }
    apm_fail(r, APM_NO_FUNCTION);
}

static void configuration(struct regs *r)
{
    r->es = SEG_CODE;
    r->bx = (u16)(u32)config_table;
    r->ah = 0;
    carry_clear(r);
}

void system_service(struct regs *r)
{
    switch (r->ah) {
    case 0x24:
        a20_service(r);
        break;
    case 0x4F:
        carry_set(r);
        break;
    case 0x53:
        apm_service(r);
        break;
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x85:
    case 0x90:
    case 0x91:
        r->ah = 0;
        carry_clear(r);
        break;
    case 0x83:
        wait_event(r);
        break;
    case 0x86:
        wait_elapsed(r);
        break;
    case 0x88:
        r->ax = extended_kb > 63 * 1024 ? 63 * 1024 : (u16)extended_kb;
        carry_clear(r);
        break;
    case 0xC0:
        configuration(r);
        break;
    case 0xC1:
        r->es = BDA->ebda;
        carry_clear(r);
        break;
    case 0xC2:
        mouse_service(r);
        break;
    case 0xE8:
        extended_memory_function(r);
        break;
    default:
        unsupported(r);
    }
}

/* An interrupt without an owner: if a controller is serving one, it is masked, and 40:6B tells
 * which. */
void unexpected_interrupt(struct regs *r)
{
    (void)r;
    outb(0x20, 0x0B);
    u8 serving = inb(0x20);
    BDA->last_interrupt = serving ? serving : 0xFF;
    if (!serving)
        return;
    if (serving & 0x04) {
        outb(0xA0, 0x0B);
        u8 slave = inb(0xA0);
        if (slave) {
            outb(0xA1, inb(0xA1) | slave);
            outb(0xA0, 0x20);
        }
    } else {
        outb(0x21, inb(0x21) | serving);
    }
    outb(0x20, 0x20);
}

void unexpected_slave_interrupt(struct regs *r)
{
    unexpected_interrupt(r);
}

void nmi_interrupt(struct regs *r)
{
    (void)r;
    u8 causes = inb(0x61) & 0xC0;
    if (!causes)
        return;
    print(causes & 0x80 ? "Memory parity error\n" : "I/O channel check\n");
    outb(0x61, (u8)((inb(0x61) & 0x0F) | 0x0C));
    outb(0x61, inb(0x61) & 0x03);
}
