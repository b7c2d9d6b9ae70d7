/* The common part of the test images. */
#include "tests/bios/bios_test.h"

static u32 passed, failed;

static void put(char c)
{
    outb(0xE9, (u8)c);
}

static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

static void put_decimal(u32 value)
{
    if (value >= 10)
        put_decimal(value / 10);
    put((char)('0' + value % 10));
}

static void put_hex(u32 value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        put("0123456789ABCDEF"[value >> shift & 15]);
}

void test_check(bool good, const char *name, int line)
{
    put_text(good ? "ok " : "not ok ");
    put_text(name);
    if (!good) {
        put_text(" (line ");
        put_decimal((u32)line);
        put(')');
        failed++;
    } else {
        passed++;
    }
    put('\n');
}

void test_note(const char *text, u32 value)
{
    put_text("# ");
    put_text(text);
    put(' ');
    put_hex(value);
    put('\n');
}

void test_end(void)
{
    put_text("passed ");
    put_decimal(passed);
    put_text(" failed ");
    put_decimal(failed);
    put('\n');
    __asm__ volatile("outb %0, %1" : : "a"((u8)(failed > 100 ? 100 : failed)), "Nd"((u16)0x501));
}

#define GS __seg_gs

static void set_gs(u16 segment)
{
    __asm__ volatile("movw %w0, %%gs" : : "r"(segment) : "memory");
}

u8 peek8(u16 segment, u16 offset)
{
    set_gs(segment);
    return *(volatile GS u8 *)(u32)offset;
}

u16 peek16(u16 segment, u16 offset)
{
    set_gs(segment);
    return *(volatile GS u16 *)(u32)offset;
}

u32 peek32(u16 segment, u16 offset)
{
    set_gs(segment);
    return *(volatile GS u32 *)(u32)offset;
}

void poke8(u16 segment, u16 offset, u8 value)
{
    set_gs(segment);
    *(volatile GS u8 *)(u32)offset = value;
}

void poke16(u16 segment, u16 offset, u16 value)
{
    set_gs(segment);
    *(volatile GS u16 *)(u32)offset = value;
}

void poke32(u16 segment, u16 offset, u32 value)
{
    set_gs(segment);
    *(volatile GS u32 *)(u32)offset = value;
}

void vector_hook(u8 number, unsigned n, void (*handler)(void))
{
    __asm__ volatile("cli");
    hook_old[n] = peek32(0, (u16)(number * 4));
    hook_counts[n] = 0;
    poke32(0, (u16)(number * 4), (u32)handler);
    __asm__ volatile("sti");
}

void vector_restore(u8 number, unsigned n)
{
    __asm__ volatile("cli");
    poke32(0, (u16)(number * 4), hook_old[n]);
    __asm__ volatile("sti");
}

bool same(const void *a, const void *b, u32 count)
{
    const u8 *x = a, *y = b;
    while (count--) {
        if (*x++ != *y++)
            return false;
    }
    return true;
}

void wait_ticks(u32 n)
{
    u32 start = peek32(0x40, 0x6C);
    while (peek32(0x40, 0x6C) - start < n)
        __asm__ volatile("sti; hlt");
}
