/* Keys and movements from outside, through the 8042 with translation, by interrupts. The script
 * ps2_events.script types and moves when the serial port says so.
 * Run alone: meson test -C build bare-ps2_events */
#include "bare.h"

enum { DATA = 0x60, COMMAND = 0x64, MAX_BYTES = 64 };

struct bytes {
    volatile uint8_t byte[MAX_BYTES];
    volatile unsigned count;
};
static struct bytes keys, moves;

static void collect(struct bytes *bytes)
{
    uint8_t byte = in8(DATA);
    if (bytes->count < MAX_BYTES)
        bytes->byte[bytes->count++] = byte;
}

static void on_irq_1(struct trap_frame *frame)
{
    collect(&keys);
    out8(0x20, 0x20);
}

static void on_irq_12(struct trap_frame *frame)
{
    collect(&moves);
    out8(0xA0, 0x20);
    out8(0x20, 0x20);
}

/* Waits until count bytes are there, then sees that they are the expected ones. */
static void expect(struct bytes *bytes, const uint8_t *wanted, unsigned count, const char *where)
{
    for (unsigned i = 0; i < 20000000 && bytes->count < count; i++)
        in8(0x80);
    for (unsigned i = 0; i < count; i++)
        bare_check_equal(bytes->byte[i], wanted[i], where, "byte");
    CHECK_EQUAL(where, bytes->count, count);
    bytes->count = 0;
}

static void wait_for_mouse(unsigned count)
{
    for (unsigned i = 0; i < 20000000 && moves.count < count; i++)
        in8(0x80);
    moves.count = 0;
}

static void to_mouse(uint8_t byte)
{
    out8(COMMAND, 0xD4);
    out8(DATA, byte);
    wait_for_mouse(1);
}

static void set_up(void)
{
    out8(0x3FB, 0x03); /* COM1: eight bits a character */
    while (in8(COMMAND) & 1)
        in8(DATA);
    bare_init_pic();
    bare_set_handler(0x21, on_irq_1);
    bare_set_handler(0x2C, on_irq_12);
    out8(COMMAND, 0x60);
    out8(DATA, 0x47);
    out8(0x21, 0xF9);
    out8(0xA1, 0xEF);
    __asm__ volatile("sti");
    static const uint8_t knock[] = {0xF6, 0xF3, 200, 0xF3, 100, 0xF3, 80, 0xF4};
    for (unsigned i = 0; i < sizeof knock; i++)
        to_mouse(knock[i]);
    out8(DATA, 0xF4);
    for (unsigned i = 0; i < 20000000 && keys.count < 1; i++)
        in8(0x80);
    keys.count = 0;
}

static void test_keys(void)
{
    static const uint8_t letters[] = {0x1E, 0x9E, 0x2A, 0x30, 0xB0, 0xAA};
    static const uint8_t function[] = {0x3B, 0xBB};
    static const uint8_t grey[] = {0xE0, 0x48, 0xE0, 0xC8};
    static const uint8_t three[] = {0x1D, 0x38, 0xE0, 0x53, 0xE0, 0xD3, 0xB8, 0x9D};
    bare_print("letters\n");
    expect(&keys, letters, sizeof letters, "typed aB");
    bare_print("function\n");
    expect(&keys, function, sizeof function, "typed {f1}");
    bare_print("grey\n");
    expect(&keys, grey, sizeof grey, "typed {up}");
    bare_print("three\n");
    expect(&keys, three, sizeof three, "typed {ctrl-alt-del}");
}

static void test_mouse(void)
{
    static const uint8_t moved[] = {0x09, 10, 4, 0, 0x08, 0, 0, 0};
    static const uint8_t wheel[] = {0x08, 0, 0, 0xFF};
    bare_print("mouse\n");
    expect(&moves, moved, sizeof moved, "moved with the left button");
    bare_print("wheel\n");
    expect(&moves, wheel, sizeof wheel, "turned the wheel");
}

void bare_tests(void)
{
    set_up();
    test_keys();
    test_mouse();
    __asm__ volatile("cli");
    out8(0x21, 0xFF);
    out8(0xA1, 0xFF);
}
