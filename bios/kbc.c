/* The 8042 and what hangs on it: commands, self-tests, start-up of the keyboard. */
#include "bios/services.h"

#define KBC_DATA   0x60
#define KBC_STATUS 0x64

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL  0x02

static bool wait_input_empty(void)
{
    for (u16 i = 0; i < 20000; i++) {
        if (!(inb(KBC_STATUS) & STATUS_INPUT_FULL))
            return true;
        delay_us(10);
    }
    return false;
}

bool kbc_command(u8 command)
{
    if (!wait_input_empty())
        return false;
    outb(KBC_STATUS, command);
    return wait_input_empty();
}

bool kbc_data(u8 value)
{
    if (!wait_input_empty())
        return false;
    outb(KBC_DATA, value);
    return wait_input_empty();
}

/* Waits up to half a second for a byte from keyboard, mouse or the controller. Other interrupts are
 * let in when theirs are masked, so that they cannot take it. */
bool kbc_read(u8 *value)
{
    bool masked = inb(0x21) & 0x02 && inb(0xA1) & 0x10;
    for (u16 i = 0; i < 25000; i++) {
        if (inb(KBC_STATUS) & STATUS_OUTPUT_FULL) {
            *value = inb(KBC_DATA);
            return true;
        }
        delay_us(15);
        if (masked)
            interrupt_window();
    }
    return false;
}

static void drain(void)
{
    for (u8 i = 0; i < 64 && inb(KBC_STATUS) & STATUS_OUTPUT_FULL; i++)
        inb(KBC_DATA);
}

static bool expect(u8 value)
{
    u8 reply;
    return kbc_read(&reply) && reply == value;
}

static void keyboard_reset(void)
{
    u8 reply;
    if (!kbc_data(0xFF) || !kbc_read(&reply) || reply != 0xFA || !expect(0xAA)) {
        print("Keyboard does not answer.\n");
        return;
    }
    BDA->key_flags3 |= 0x10;
    /* Scan code set 2, which the controller translates to set 1. */
    if (kbc_data(0xF0) && expect(0xFA) && kbc_data(0x02))
        expect(0xFA);
    if (kbc_data(0xF4))
        expect(0xFA);
}

void keyboard_initialise(void)
{
    BDA->key_buffer_start = offsetof(struct bda, key_buffer);
    BDA->key_buffer_end = offsetof(struct bda, key_buffer) + 32;
    BDA->key_head = BDA->key_buffer_start;
    BDA->key_tail = BDA->key_buffer_start;
    drain();
    kbc_command(0xAD);
    kbc_command(0xA7);
    drain();
    kbc_command(0xAA);
    if (!expect(0x55)) {
        print("Keyboard controller fails its self-test.\n");
        return;
    }
    kbc_command(0xAB);
    expect(0x00);
    kbc_command(0x60);
    kbc_data(0x70);
    kbc_command(0xAE);
    keyboard_reset();
    drain();
    /* Interrupts on, translation on, mouse port closed. */
    kbc_command(0x60);
    kbc_data(0x61);
}

/* Resets the processor: by the keyboard controller, or what else there is. */
void reboot(void)
{
    __asm__ volatile("cli");
    for (u8 i = 0; i < 3; i++) {
        wait_input_empty();
        outb(KBC_STATUS, 0xFE);
        delay_us(1000);
    }
    outb(0xCF9, 0x02);
    outb(0xCF9, 0x06);
    delay_us(1000);
    outb(0x92, inb(0x92) & 0xFE);
    outb(0x92, inb(0x92) | 0x01);
    for (;;)
        __asm__ volatile("hlt");
}
