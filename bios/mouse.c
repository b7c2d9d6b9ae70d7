/* The pointing device: INT 15h AH=C2h and IRQ 12 (IBM PS/2 BIOS interface reference). */
#include "bios/services.h"

#define MOUSE_OK           0x00
#define MOUSE_BAD_FUNCTION 0x01
#define MOUSE_BAD_INPUT    0x02
#define MOUSE_INTERFACE    0x03
#define MOUSE_RESEND       0x04
#define MOUSE_NO_HANDLER   0x05

#define HANDLER_INSTALLED 0x80

void call_mouse_handler(u32 handler, const u16 data[4]);

static u8 mouse_byte(u8 value)
{
    u8 reply;
    if (!kbc_command(0xD4) || !kbc_data(value))
        return MOUSE_INTERFACE;
    for (u8 i = 0; i < 16; i++) {
        if (!kbc_read(&reply))
            return MOUSE_INTERFACE;
        if (reply == 0xFA)
            return MOUSE_OK;
        if (reply == 0xFE)
            return MOUSE_RESEND;
    }
    return MOUSE_INTERFACE;
}

/* A command, an argument if argument is not negative, and `count` bytes of answer. Interrupts that
 * would take the answer away are masked; the others go on. */
static u8 mouse_command(u8 command, int argument, u8 *answer, u8 count)
{
    u8 master = inb(0x21), slave = inb(0xA1);
    outb(0x21, master | 0x02);
    outb(0xA1, slave | 0x10);
    kbc_command(0xAD);
    u8 status = mouse_byte(command);
    if (status == MOUSE_OK && argument >= 0)
        status = mouse_byte((u8)argument);
    for (u8 i = 0; i < count && status == MOUSE_OK; i++) {
        if (!kbc_read(&answer[i]))
            status = MOUSE_INTERFACE;
    }
    kbc_command(0xAE);
    outb(0x21, master);
    outb(0xA1, slave);
    return status;
}

static void restart_package(void)
{
    set_gs(SEG_EBDA);
    EBDA->mouse_flags = 0;
}

/* The mouse port and IRQ 12 on or off, in the controller's command byte. */
static u8 set_port(bool on)
{
    u8 control;
    kbc_command(0x20);
    if (!kbc_read(&control))
        return MOUSE_INTERFACE;
    control = on ? (u8)((control | 0x02) & ~0x20) : (u8)((control & ~0x02) | 0x20);
    kbc_command(0x60);
    return kbc_data(control) ? MOUSE_OK : MOUSE_INTERFACE;
}

static u8 reset(struct regs *r)
{
    u8 answer[2];
    u8 status = mouse_command(0xFF, -1, answer, 2);
    if (status == MOUSE_OK) {
        r->bl = answer[0];
        r->bh = answer[1];
    }
    restart_package();
    return status;
}

static u8 enable(u8 on)
{
    if (on > 1)
        return MOUSE_BAD_INPUT;
    set_gs(SEG_EBDA);
    if (on && !(EBDA->mouse_flags2 & HANDLER_INSTALLED))
        return MOUSE_NO_HANDLER;
    restart_package();
    return mouse_command(on ? 0xF4 : 0xF5, -1, NULL, 0);
}

static u8 initialise(struct regs *r)
{
    if (r->bh < 1 || r->bh > 8)
        return MOUSE_BAD_INPUT;
    set_gs(SEG_EBDA);
    EBDA->mouse_flags2 = (u8)((EBDA->mouse_flags2 & ~7) | (r->bh - 1));
    u8 status = set_port(true);
    return status == MOUSE_OK ? reset(r) : status;
}

static u8 extended(struct regs *r)
{
    u8 answer[3];
    u8 status;
    switch (r->bh) {
    case 0:
        status = mouse_command(0xE9, -1, answer, 3);
        if (status == MOUSE_OK) {
            r->bl = answer[0];
            r->cl = answer[1];
            r->dl = answer[2];
        }
        return status;
    case 1:
        return mouse_command(0xE6, -1, NULL, 0);
    case 2:
        return mouse_command(0xE7, -1, NULL, 0);
    }
    return MOUSE_BAD_INPUT;
}

static u8 set_handler(const struct regs *r)
{
    u32 handler = (u32)r->es << 16 | r->bx;
    set_gs(SEG_EBDA);
    EBDA->mouse_handler = handler;
    if (handler)
        EBDA->mouse_flags2 |= HANDLER_INSTALLED;
    else
        EBDA->mouse_flags2 &= (u8)~HANDLER_INSTALLED;
    return set_port(handler != 0);
}

static u8 mouse_function(struct regs *r)
{
    static const u8 rates[7] = {10, 20, 40, 60, 80, 100, 200};
    u8 status;
    switch (r->al) {
    case 0x00:
        return enable(r->bh);
    case 0x01:
        return reset(r);
    case 0x02:
        return r->bh < 7 ? mouse_command(0xF3, rates[r->bh], NULL, 0) : MOUSE_BAD_INPUT;
    case 0x03:
        return r->bh < 4 ? mouse_command(0xE8, r->bh, NULL, 0) : MOUSE_BAD_INPUT;
    case 0x04: {
        u8 id;
        status = mouse_command(0xF2, -1, &id, 1);
        if (status == MOUSE_OK)
            r->bh = id;
        return status;
    }
    case 0x05:
        return initialise(r);
    case 0x06:
        return extended(r);
    case 0x07:
        return set_handler(r);
    }
    return MOUSE_BAD_FUNCTION;
}

void mouse_service(struct regs *r)
{
    r->ah = mouse_function(r);
    if (r->ah)
        carry_set(r);
    else
        carry_clear(r);
}

void mouse_interrupt(struct regs *r)
{
    (void)r;
    u8 status = inb(0x64);
    if ((status & 0x21) == 0x21) {
        u8 value = inb(0x60);
        set_gs(SEG_EBDA);
        u8 flags2 = EBDA->mouse_flags2, index = EBDA->mouse_flags & 7;
        if (flags2 & HANDLER_INSTALLED) {
            EBDA->mouse_data[index] = value;
            bool complete = index >= (flags2 & 7);
            EBDA->mouse_flags = complete ? 0 : (u8)(index + 1);
            if (complete) {
                u16 data[4] = {EBDA->mouse_data[0], EBDA->mouse_data[1], EBDA->mouse_data[2],
                               (flags2 & 7) > 2 ? EBDA->mouse_data[3] : 0};
                u32 handler = EBDA->mouse_handler;
                outb(0xA0, 0x20);
                outb(0x20, 0x20);
                call_mouse_handler(handler, data);
                return;
            }
        }
    }
    outb(0xA0, 0x20);
    outb(0x20, 0x20);
}

/* POST: is there one? IRQ 12 stays closed until a handler is set. */
void mouse_initialise(void)
{
    u8 answer[2];
    kbc_command(0xA8);
    if (mouse_command(0xFF, -1, answer, 2) == MOUSE_OK) {
        BDA->equipment |= 4;
        outb(0xA1, inb(0xA1) & 0xEF);
        outb(0x21, inb(0x21) & 0xFB);
    } else {
        kbc_command(0xA7);
    }
}
