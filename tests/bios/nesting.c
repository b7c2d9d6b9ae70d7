/* A resident program's clock hook (INT 1Ch) that calls services from a stack of its own while the
 * main program is inside others, and one on the keyboard intercept; what the main program reads
 * must stay right. */
#include "tests/bios/bios_test.h"

extern volatile u32 nest_count, nest_inside;
void nest_clock(void);
void nest_intercept(void);

static struct registers r;
static u8 buffer[512 * 18];

static void call(u8 number, u16 ax, u16 bx, u16 cx, u16 dx)
{
    r = (struct registers){.ax = ax, .bx = bx, .cx = cx, .dx = dx};
    bios_call(&r, number);
}

static bool read_track(u8 cylinder, u8 drive, u8 seed)
{
    for (u16 i = 0; i < sizeof buffer; i++)
        buffer[i] = 0;
    call(0x13, 0x0212, (u16)(u32)buffer, (u16)(cylinder << 8 | 1), drive);
    bool good = !carry(&r) && r.al == 18;
    for (u16 i = 0; i < sizeof buffer; i++)
        good = good && buffer[i] == (u8)(seed + i * 5 + (i >> 9));
    return good;
}

static bool write_track(u8 cylinder, u8 drive, u8 seed)
{
    for (u16 i = 0; i < sizeof buffer; i++)
        buffer[i] = (u8)(seed + i * 5 + (i >> 9));
    call(0x13, 0x0312, (u16)(u32)buffer, (u16)(cylinder << 8 | 1), drive);
    return !carry(&r) && r.al == 18;
}

void test_main(void)
{
    vector_hook(0x1C, 0, nest_clock);
    bool good = true;
    for (u8 i = 0; i < 200 && nest_count < 10; i++) {
        u8 cylinder = (u8)(70 + i % 8);
        good = good && write_track(cylinder, 0x00, i) && read_track(cylinder, 0x00, i);
    }
    CHECK("diskette under a busy clock", good);
    CHECK("the clock was busy", nest_count >= 10);
    test_note("calls from the clock", nest_count);
    test_note("of them inside a service", nest_inside);
    good = true;
    for (u8 i = 0; i < 20; i++)
        good = good && write_track((u8)(2 + i), 0x80, i) && read_track((u8)(2 + i), 0x80, i);
    CHECK("disk under a busy clock", good);
    u32 before = nest_count;
    call(0x15, 0x8600, 0, 0x0007, 0xA120);
    CHECK("a wait under a busy clock", !carry(&r) && nest_count > before + 5);
    call(0x10, 0x0012, 0, 0, 0);
    before = nest_count;
    for (u16 i = 0; i < 2000 && nest_count < before + 4; i++)
        call(0x10, 0x0E0A, 7, 0, 0);
    CHECK("scrolling graphics under a busy clock", nest_count >= before + 4);
    call(0x10, 0x0003, 0, 0, 0);
    vector_restore(0x1C, 0);
    vector_hook(0x15, 1, nest_intercept);
    for (u8 i = 0; i < 10; i++) {
        while (inb(0x64) & 3)
            ;
        outb(0x64, 0xD2);
        while (inb(0x64) & 2)
            ;
        outb(0x60, 0x1E);
        wait_ticks(1);
        call(0x16, 0x0100, 0, 0, 0);
        good = !(r.flags & ZERO) && r.ax == 0x1E61;
        if (!good)
            break;
        call(0x16, 0x0000, 0, 0, 0);
    }
    CHECK("keys through a busy intercept", good);
    vector_restore(0x15, 1);
}
