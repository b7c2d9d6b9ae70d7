/* INT 15h AH=C2h: the pointing device, and IRQ 12 with bytes that the controller is told to deliver
 * (command D3h). */
#include "tests/bios/bios_test.h"

extern volatile u16 mouse_data[4]; /* Z, Y, X, status */
extern volatile u32 mouse_count;
void mouse_handler(void);

static struct registers r;

static u8 call(u8 function, u16 bx)
{
    r = (struct registers){.ax = (u16)(0xC200 | function), .bx = bx};
    bios_call(&r, 0x15);
    return carry(&r) ? r.ah : 0;
}

static void deliver(u8 value)
{
    while (inb(0x64) & 3)
        __asm__ volatile("sti; nop");
    outb(0x64, 0xD3);
    while (inb(0x64) & 2)
        ;
    outb(0x60, value);
    for (u32 i = 0; i < 20000 && (inb(0x64) & 1 || i < 100); i++)
        __asm__ volatile("sti; nop");
}

static void set_handler(u32 handler)
{
    r = (struct registers){.ax = 0xC207, .es = (u16)(handler >> 16), .bx = (u16)handler};
    bios_call(&r, 0x15);
}

void test_main(void)
{
    r = (struct registers){0};
    bios_call(&r, 0x11);
    CHECK("equipment has a mouse", r.ax & 4);
    CHECK("initialise", call(0x05, 0x0300) == 0);
    CHECK("bad package size", call(0x05, 0x0900) == 2);
    CHECK("reset", call(0x01, 0) == 0 && r.bx == 0x00AA);
    CHECK("type", call(0x04, 0) == 0 && r.bh == 0);
    CHECK("resolution", call(0x03, 0x0200) == 0);
    CHECK("sample rate", call(0x02, 0x0500) == 0);
    CHECK("bad sample rate", call(0x02, 0x0700) == 2);
    CHECK("scaling", call(0x06, 0x0200) == 0);
    CHECK("status", call(0x06, 0x0000) == 0 && (r.bl & 0x10) && r.cl == 2 && r.dl == 100);
    CHECK("scaling back", call(0x06, 0x0100) == 0);
    CHECK("no handler yet", call(0x00, 0x0100) == 5);
    set_handler((u32)mouse_handler);
    CHECK("handler", !carry(&r));
    CHECK("enable", call(0x00, 0x0100) == 0);
    deliver(0x09);
    deliver(0x05);
    CHECK("not before the package is whole", mouse_count == 0);
    deliver(0x07);
    CHECK("handler is called", mouse_count == 1);
    CHECK("package",
          mouse_data[3] == 0x09 && mouse_data[2] == 5 && mouse_data[1] == 7 && mouse_data[0] == 0);
    deliver(0x28);
    deliver(0x00);
    deliver(0xFE);
    CHECK("next package", mouse_count == 2 && mouse_data[3] == 0x28 && mouse_data[1] == 0xFE);
    CHECK("disable", call(0x00, 0x0000) == 0);
    CHECK("unknown function", call(0x0F, 0) == 1);
    u32 before = peek32(0x40, 0x6C);
    wait_ticks(2);
    CHECK("the clock goes on", peek32(0x40, 0x6C) != before);
}
