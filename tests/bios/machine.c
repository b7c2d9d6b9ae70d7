/* What programs do to the machine through the firmware: protected mode (INT 15h AH=89h), resets
 * that come back (CMOS 0Fh), stack of callers, serial and printer ports, print screen. */
#include "tests/bios/bios_test.h"

static struct registers r;

static void call(u8 number, u16 ax, u16 bx, u16 cx, u16 dx)
{
    r = (struct registers){.ax = ax, .bx = bx, .cx = cx, .dx = dx};
    bios_call(&r, number);
}

/* Bytes below the caller's stack pointer that a service touches. */
static u16 stack_used(u8 number, u16 ax, u16 bx, u16 cx, u16 dx)
{
    enum { METER = 512 };
    u8 *bottom;
    __asm__ volatile("movl %%esp, %0" : "=r"(bottom));
    /* bios_call itself and this function's frame come first: the same amount each time, measured
     * with INT 12h. */
    bottom -= METER;
    for (u16 i = 0; i < METER - 64; i++)
        ((volatile u8 *)bottom)[i] = 0xC7;
    call(number, ax, bx, cx, dx);
    u16 left = 0;
    while (left < METER && ((volatile u8 *)bottom)[left] == 0xC7)
        left++;
    return (u16)(METER - left);
}

static void test_stack(void)
{
    u16 least = stack_used(0x12, 0, 0, 0, 0);
    test_note("stack of INT 12h with the test's own", least);
    CHECK("teletype", stack_used(0x10, 0x0E00 | '.', 7, 0, 0) <= least + 16);
    CHECK("scroll", stack_used(0x10, 0x0601, 0x0700, 0x0000, 0x184F) <= least + 16);
    CHECK("mode set", stack_used(0x10, 0x0003, 0, 0, 0) <= least + 16);
    CHECK("read", stack_used(0x13, 0x0201, 0x3000, 0x0001, 0x0000) <= least + 16);
    CHECK("disk read", stack_used(0x13, 0x0201, 0x3000, 0x0001, 0x0080) <= least + 16);
    CHECK("key check", stack_used(0x16, 0x0100, 0, 0, 0) <= least + 16);
    CHECK("clock", stack_used(0x1A, 0x0200, 0, 0, 0) <= least + 16);
    CHECK("little in all", least <= 160);
}

extern u8 protected_gdt[];
u8 enter_protected(void);
u8 reset_and_return(u8 code);

static void descriptor(u8 index, u32 base, u8 access)
{
    u8 *d = protected_gdt + index * 8;
    *(u16 *)d = 0xFFFF;
    *(u32 *)(d + 2) = base;
    d[5] = access;
    d[6] = d[7] = 0;
}

static void test_protected_mode(void)
{
    descriptor(1, (u32)protected_gdt, 0x93);
    *(u16 *)(protected_gdt + 8) = 63;
    descriptor(2, 0x1000, 0x93);
    descriptor(3, 0, 0x93);
    descriptor(4, 0xB8000, 0x93);
    descriptor(5, 0, 0x93);
    descriptor(6, 0, 0x9B);
    CHECK("function 89h", enter_protected() == 0);
    CHECK("it ran there", peek16(0xB800, 0) == 0x2F50);
    u32 before = peek32(0x40, 0x6C);
    wait_ticks(2);
    CHECK("and back", peek32(0x40, 0x6C) != before);
}

static void test_resets(void)
{
    CHECK("shutdown code 0Ah", reset_and_return(0x0A) == 0x0A);
    call(0x10, 0x0F00, 0, 0, 0);
    CHECK("services after it", (r.al & 0x7F) == 3);
    CHECK("shutdown code 05h", reset_and_return(0x05) == 0x05);
    CHECK("disk after it", (call(0x13, 0x0201, 0x3000, 1, 0x80), !carry(&r)));
    u32 before = peek32(0x40, 0x6C);
    wait_ticks(2);
    CHECK("the clock goes on", peek32(0x40, 0x6C) != before);
}

static void test_ports(void)
{
    CHECK("COM1", peek16(0x40, 0) == 0x3F8);
    call(0x14, 0x00E3, 0, 0, 0);
    CHECK("serial setup", (r.ah & 0x60) == 0x60);
    outb(0x3FB, 0x83);
    u16 divisor = (u16)(inb(0x3F8) | inb(0x3F9) << 8);
    outb(0x3FB, 0x03);
    CHECK("9600 baud", divisor == 12);
    call(0x14, 0x0300, 0, 0, 0);
    CHECK("serial status", (r.ah & 0x60) == 0x60);
    call(0x14, 0x0300, 0, 0, 3);
    CHECK("no COM4", r.ah & 0x80);
    call(0x17, 0x0200, 0, 0, 2);
    CHECK("no LPT3", r.ah & 1);
    if (peek16(0x40, 8)) {
        call(0x17, 0x0100, 0, 0, 0);
        CHECK("printer ready", (r.ah & 0xA9) == 0x80);
        call(0x17, 'x', 0, 0, 0);
        CHECK("printed", (r.ah & 0x29) == 0);
        call(0x05, 0, 0, 0, 0);
        CHECK("print screen", peek8(0x50, 0) == 0);
    }
}

void test_main(void)
{
    test_stack();
    test_protected_mode();
    test_resets();
    test_ports();
}
