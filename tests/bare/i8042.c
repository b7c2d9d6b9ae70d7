/* 8042, keyboard and mouse by their commands (IBM PS/2 technical reference).
 * Run alone: meson test -C build bare-i8042 */
#include "bare.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64, NOTHING = 0x1000, AUX = 0x100 };

static volatile unsigned interrupts_1, interrupts_12;

static void wait_for_space(void)
{
    while (in8(STATUS) & 2)
        ;
}

static void command(uint8_t value)
{
    wait_for_space();
    out8(COMMAND, value);
}

static void data(uint8_t value)
{
    wait_for_space();
    out8(DATA, value);
}

static unsigned receive_within(unsigned tries)
{
    while (tries--) {
        uint8_t status = in8(STATUS);
        if (status & 1)
            return in8(DATA) | (status & 0x20 ? AUX : 0u);
    }
    return NOTHING;
}

/* The next byte, with AUX when the status says that it is the mouse's. Self-tests take long. */
static unsigned receive(void)
{
    return receive_within(20000000);
}

static void flush(void)
{
    while (receive_within(100000) != NOTHING)
        ;
}

static void to_mouse(uint8_t value)
{
    command(0xD4);
    data(value);
}

static void set_command_byte(uint8_t value)
{
    command(0x60);
    data(value);
}

static uint8_t get_command_byte(void)
{
    command(0x20);
    return (uint8_t)receive();
}

static void test_controller(void)
{
    const char *where = "PS/2 keyboard and auxiliary device controller";
    command(0xAD);
    command(0xA7);
    flush();
    command(0xAA);
    CHECK_EQUAL(where, receive(), 0x55);
    command(0xAB);
    CHECK_EQUAL(where, receive(), 0x00);
    command(0xA9);
    CHECK_EQUAL(where, receive() & 0xFF, 0x00);
    set_command_byte(0x34);
    CHECK_EQUAL(where, get_command_byte(), 0x34);
    CHECK_EQUAL("status: system flag", in8(STATUS) & 0x04, 0x04);
    command(0xAE);
    CHECK_EQUAL("command AEh", get_command_byte(), 0x24);
    command(0xA8);
    CHECK_EQUAL("command A8h", get_command_byte(), 0x04);
    command(0xAD);
    command(0xA7);
    CHECK_EQUAL("commands ADh, A7h", get_command_byte(), 0x34);
    command(0xD2);
    data(0x42);
    CHECK_EQUAL("command D2h", receive(), 0x42);
    command(0xD3);
    data(0x43);
    CHECK_EQUAL("command D3h", receive(), 0x43 | AUX);
    CHECK_EQUAL("status: output buffer", in8(STATUS) & 0x01, 0x00);
    command(0xD0);
    CHECK_EQUAL("command D0h: A20 open, no reset", receive() & 3, 3);
    command(0xC0);
    CHECK_EQUAL("command C0h: not locked", receive() & 0x80, 0x80);
    command(0xFF); /* pulse nothing */
    CHECK_EQUAL("command FFh", get_command_byte(), 0x34);
}

static void test_keyboard(void)
{
    const char *where = "PS/2 keyboards";
    set_command_byte(0x24);
    data(0xFF);
    CHECK_EQUAL(where, receive(), 0xFA);
    CHECK_EQUAL(where, receive(), 0xAA);
    data(0xEE);
    CHECK_EQUAL("PS/2 keyboards: echo", receive(), 0xEE);
    data(0xF5);
    CHECK_EQUAL("PS/2 keyboards: default disable", receive(), 0xFA);
    data(0xF2);
    CHECK_EQUAL("PS/2 keyboards: identity", receive(), 0xFA);
    CHECK_EQUAL("PS/2 keyboards: identity", receive(), 0xAB);
    CHECK_EQUAL("PS/2 keyboards: identity", receive(), 0x83);
    data(0xED);
    CHECK_EQUAL("PS/2 keyboards: indicators", receive(), 0xFA);
    data(0x07);
    CHECK_EQUAL("PS/2 keyboards: indicators", receive(), 0xFA);
    data(0xF3);
    CHECK_EQUAL("PS/2 keyboards: typematic", receive(), 0xFA);
    data(0x2B);
    CHECK_EQUAL("PS/2 keyboards: typematic", receive(), 0xFA);
    data(0xF0);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0xFA);
    data(0x00);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0xFA);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0x02);
    data(0xF0);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0xFA);
    data(0x03);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0xFA);
    data(0xF0);
    receive();
    data(0x00);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0xFA);
    CHECK_EQUAL("PS/2 keyboards: scan set", receive(), 0x03);
    data(0xF6);
    CHECK_EQUAL("PS/2 keyboards: default", receive(), 0xFA);
    data(0xF4);
    CHECK_EQUAL("PS/2 keyboards: enable", receive(), 0xFA);
}

/* With translation the identity's last byte becomes 41h. */
static void test_translation(void)
{
    set_command_byte(0x64);
    data(0xF2);
    CHECK_EQUAL("translation", receive(), 0xFA);
    CHECK_EQUAL("translation", receive(), 0xAB);
    CHECK_EQUAL("translation", receive(), 0x41);
    set_command_byte(0x24);
}

static void mouse_set(uint8_t code, uint8_t argument)
{
    to_mouse(code);
    CHECK_EQUAL("PS/2 mouse: acknowledge", receive(), 0xFA | AUX);
    to_mouse(argument);
    CHECK_EQUAL("PS/2 mouse: acknowledge", receive(), 0xFA | AUX);
}

static void mouse_identity(uint8_t identity)
{
    to_mouse(0xF2);
    CHECK_EQUAL("PS/2 mouse: identity", receive(), 0xFA | AUX);
    CHECK_EQUAL("PS/2 mouse: identity", receive(), identity | AUX);
}

static void test_mouse(void)
{
    const char *where = "PS/2 mouse";
    set_command_byte(0x14);
    to_mouse(0xFF);
    CHECK_EQUAL(where, receive(), 0xFA | AUX);
    CHECK_EQUAL(where, receive(), 0xAA | AUX);
    CHECK_EQUAL(where, receive(), 0x00 | AUX);
    mouse_identity(0);
    mouse_set(0xF3, 40);
    mouse_set(0xE8, 1);
    to_mouse(0xE9);
    CHECK_EQUAL("PS/2 mouse: status", receive(), 0xFA | AUX);
    CHECK_EQUAL("PS/2 mouse: status", receive(), 0x00 | AUX);
    CHECK_EQUAL("PS/2 mouse: status", receive(), 1 | AUX);
    CHECK_EQUAL("PS/2 mouse: status", receive(), 40 | AUX);
    to_mouse(0xEE);
    CHECK_EQUAL("PS/2 mouse: wrap", receive(), 0xFA | AUX);
    to_mouse(0x55);
    CHECK_EQUAL("PS/2 mouse: wrap", receive(), 0x55 | AUX);
    to_mouse(0xEC);
    CHECK_EQUAL("PS/2 mouse: wrap", receive(), 0xFA | AUX);
    to_mouse(0xF0);
    CHECK_EQUAL("PS/2 mouse: remote", receive(), 0xFA | AUX);
    to_mouse(0xEB);
    CHECK_EQUAL("PS/2 mouse: remote", receive(), 0xFA | AUX);
    CHECK_EQUAL("PS/2 mouse: remote", receive(), 0x08 | AUX);
    CHECK_EQUAL("PS/2 mouse: remote", receive(), 0x00 | AUX);
    CHECK_EQUAL("PS/2 mouse: remote", receive(), 0x00 | AUX);
    mouse_set(0xF3, 200);
    mouse_set(0xF3, 100);
    mouse_set(0xF3, 80);
    mouse_identity(3);
    mouse_set(0xF3, 200);
    mouse_set(0xF3, 200);
    mouse_set(0xF3, 80);
    mouse_identity(4);
    to_mouse(0xF6);
    CHECK_EQUAL(where, receive(), 0xFA | AUX);
}

static void on_irq_1(struct trap_frame *frame)
{
    interrupts_1++;
    in8(DATA);
    out8(0x20, 0x20);
}

static void on_irq_12(struct trap_frame *frame)
{
    interrupts_12++;
    in8(DATA);
    out8(0xA0, 0x20);
    out8(0x20, 0x20);
}

static void test_interrupts(void)
{
    flush();
    bare_init_pic();
    bare_set_handler(0x21, on_irq_1);
    bare_set_handler(0x2C, on_irq_12);
    set_command_byte(0x07);
    out8(0x21, 0xF9); /* IRQ 1 and the cascade */
    out8(0xA1, 0xEF); /* IRQ 12 */
    __asm__ volatile("sti");
    command(0xD2);
    data(0x42);
    for (unsigned i = 0; i < 1000000 && !interrupts_1; i++)
        in8(0x80);
    CHECK_EQUAL("IRQ 1", interrupts_1, 1);
    command(0xD3);
    data(0x43);
    for (unsigned i = 0; i < 1000000 && !interrupts_12; i++)
        in8(0x80);
    CHECK_EQUAL("IRQ 12", interrupts_12, 1);
    __asm__ volatile("cli");
    CHECK_EQUAL("IRQ 1", interrupts_1, 1);
    out8(0x21, 0xFF);
    out8(0xA1, 0xFF);
}

void bare_tests(void)
{
    test_controller();
    test_keyboard();
    test_translation();
    test_mouse();
    test_interrupts();
}
