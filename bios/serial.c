/* INT 14h (8250 family) and INT 17h (parallel printer). */
#include "bios/services.h"

extern const u16 baud_table[8];

#define LINE_TIMEOUT 0x80

#define PRINTER_TIMEOUT 0x01

/* Waits for all bits of mask in the register at port; the time-out is in units of about a second.
 */
static bool wait_bits(u16 port, u8 mask, u8 wanted, u8 timeout)
{
    for (u8 i = 0; i < (timeout ? timeout : 1); i++) {
        for (u16 j = 0; j < 20000; j++) {
            if ((inb(port) & mask) == wanted)
                return true;
            delay_us(45);
            interrupt_window();
        }
    }
    return false;
}

static void serial_setup(struct regs *r, u16 base)
{
    /* The table of divisors has a fixed place in the code segment. */
    u16 divisor = far_read16(SEG_CODE, (u16)((u32)baud_table + (r->al >> 5) * 2));
    outb(base + 3, 0x80);
    outb(base, (u8)divisor);
    outb(base + 1, (u8)(divisor >> 8));
    outb(base + 3, r->al & 0x1F);
    outb(base + 1, 0);
    r->ah = inb(base + 5);
    r->al = inb(base + 6);
}

static void serial_send(struct regs *r, u16 base, u8 timeout)
{
    outb(base + 4, 0x03);
    if (!wait_bits(base + 6, 0x30, 0x30, timeout) || !wait_bits(base + 5, 0x20, 0x20, timeout)) {
        r->ah = inb(base + 5) | LINE_TIMEOUT;
        return;
    }
    outb(base, r->al);
    r->ah = inb(base + 5) & 0x7F;
}

static void serial_receive(struct regs *r, u16 base, u8 timeout)
{
    outb(base + 4, 0x01);
    if (!wait_bits(base + 6, 0x20, 0x20, timeout) || !wait_bits(base + 5, 0x01, 0x01, timeout)) {
        r->ah = inb(base + 5) | LINE_TIMEOUT;
        return;
    }
    r->ah = inb(base + 5) & 0x1E;
    r->al = inb(base);
}

/* Function 4: BH parity, BL stop bits, CH word length, CL rate code up to 19200. */
static void serial_setup_extended(struct regs *r, u16 base)
{
    static const u16 divisors[9] = {0x417, 0x300, 0x180, 0xC0, 0x60, 0x30, 0x18, 0x0C, 0x06};
    static const u8 parity[5] = {0x00, 0x08, 0x18, 0x28, 0x38};
    if (r->cl > 8 || r->bh > 4 || r->ch > 3 || r->bl > 1)
        return;
    outb(base + 3, 0x80);
    outb(base, (u8)divisors[r->cl]);
    outb(base + 1, (u8)(divisors[r->cl] >> 8));
    outb(base + 3, (u8)(parity[r->bh] | r->bl << 2 | r->ch | (r->al & 1) << 6));
    r->ah = inb(base + 5);
    r->al = inb(base + 6);
}

void serial_service(struct regs *r)
{
    u16 base = r->dx < 4 ? BDA->com[r->dx] : 0;
    if (!base) {
        r->ah = LINE_TIMEOUT;
        return;
    }
    u8 timeout = BDA->com_timeout[r->dx];
    switch (r->ah) {
    case 0:
        serial_setup(r, base);
        break;
    case 1:
        serial_send(r, base, timeout);
        break;
    case 2:
        serial_receive(r, base, timeout);
        break;
    case 3:
        r->ah = inb(base + 5);
        r->al = inb(base + 6);
        break;
    case 4:
        serial_setup_extended(r, base);
        break;
    case 5:
        if (r->al == 1)
            outb(base + 4, r->bl);
        r->bl = inb(base + 4);
        r->ah = inb(base + 5);
        r->al = inb(base + 6);
        break;
    default:
        r->ah = 0x80;
    }
}

static u8 printer_status(u16 base)
{
    return (inb(base + 1) & 0xF8) ^ 0x48;
}

void printer_service(struct regs *r)
{
    u16 base = r->dx < 3 ? BDA->lpt[r->dx] : 0;
    if (!base) {
        r->ah = 0x29;
        return;
    }
    switch (r->ah) {
    case 0:
        outb(base, r->al);
        if (!wait_bits(base + 1, 0x80, 0x80, BDA->lpt_timeout[r->dx])) {
            r->ah = printer_status(base) | PRINTER_TIMEOUT;
            return;
        }
        outb(base + 2, 0x0D);
        delay_us(1);
        outb(base + 2, 0x0C);
        r->ah = printer_status(base);
        break;
    case 1:
        outb(base + 2, 0x08);
        delay_ms(2);
        outb(base + 2, 0x0C);
        r->ah = printer_status(base);
        break;
    case 2:
        r->ah = printer_status(base);
        break;
    }
}

static bool serial_exists(u16 base)
{
    outb(base + 1, 0x02);
    if (inb(base + 1) != 0x02 || (inb(base + 2) & 0x30) != 0)
        return false;
    outb(base + 1, 0);
    return inb(base + 1) == 0;
}

static bool printer_exists(u16 base)
{
    outb(base, 0xAA);
    if (inb(base) != 0xAA)
        return false;
    outb(base, 0x55);
    if (inb(base) != 0x55)
        return false;
    outb(base + 2, 0x08);
    delay_us(100);
    outb(base + 2, 0x0C);
    return true;
}

void serial_initialise(void)
{
    static const u16 com[4] = {0x3F8, 0x2F8, 0x3E8, 0x2E8}, lpt[3] = {0x3BC, 0x378, 0x278};
    u8 serials = 0, printers = 0;
    for (u8 i = 0; i < 4; i++) {
        if (serial_exists(com[i]))
            BDA->com[serials++] = com[i];
        BDA->com_timeout[i] = 1;
    }
    for (u8 i = 0; i < 3; i++) {
        if (printer_exists(lpt[i]))
            BDA->lpt[printers++] = lpt[i];
        BDA->lpt_timeout[i] = 0x14;
    }
    BDA->equipment = (u16)((BDA->equipment & ~0xCE00) | serials << 9 | printers << 14);
}
