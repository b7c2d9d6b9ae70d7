/* 8042, keyboard and mouse on a bare bus. */
#ifndef TESTS_DEVICE_PS2_RIG_H
#define TESTS_DEVICE_PS2_RIG_H

#include "tests/device/rig.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/i8042.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"

enum { NO_BYTE = 0x100, FROM_AUX = 0x200 };

struct ps2_rig {
    struct rig *rig;
    struct ps2_keyboard *keyboard;
    struct ps2_mouse *mouse;
};

/* The next byte that comes within 100 ms, FROM_AUX added when it is the mouse's; or NO_BYTE. */
static inline unsigned ps2_next(struct ps2_rig *ps2)
{
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t status = rig_in(ps2->rig, 0x64);
        if (status & 1)
            return rig_in(ps2->rig, 0x60) | (status & 0x20 ? FROM_AUX : 0);
        rig_pass(ps2->rig, 100 * NS_PER_MICROSECOND);
    }
    return NO_BYTE;
}

static inline void ps2_drain(struct ps2_rig *ps2)
{
    while (ps2_next(ps2) != NO_BYTE)
        ;
}

static inline void ps2_command(struct ps2_rig *ps2, uint8_t command)
{
    rig_out(ps2->rig, 0x64, command);
}

static inline void ps2_set_command_byte(struct ps2_rig *ps2, uint8_t value)
{
    ps2_command(ps2, 0x60);
    rig_out(ps2->rig, 0x60, value);
}

static inline void ps2_to_mouse(struct ps2_rig *ps2, uint8_t byte)
{
    ps2_command(ps2, 0xD4);
    rig_out(ps2->rig, 0x60, byte);
}

/* Interfaces on, interrupts on, no translation; power-on answers read away. */
static inline int ps2_set_up(void **state)
{
    struct ps2_rig *ps2 = mem_new(sizeof(*ps2));
    ps2->rig = rig_new_empty();
    struct a20_gate *a20 = a20_gate_new(ps2->rig->bus);
    ps2->keyboard = ps2_keyboard_new(ps2->rig->bus);
    ps2->mouse = ps2_mouse_new(ps2->rig->bus);
    struct irq_line irq1 = rig_wire(ps2->rig, 1);
    struct irq_line irq12 = rig_wire(ps2->rig, 12);
    i8042_new(ps2->rig->bus, a20, &irq1, &irq12, ps2_keyboard_port(ps2->keyboard),
              ps2_mouse_port(ps2->mouse));
    ps2_set_command_byte(ps2, 0x03);
    rig_pass(ps2->rig, NS_PER_SECOND);
    ps2_drain(ps2);
    *state = ps2;
    return 0;
}

static inline int ps2_tear_down(void **state)
{
    struct ps2_rig *ps2 = *state;
    rig_free(ps2->rig);
    mem_free(ps2);
    return 0;
}

/* The next bytes are exactly these. */
static inline void ps2_expect(struct ps2_rig *ps2, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ps2_next(ps2) & ~FROM_AUX, bytes[i]);
}
#define EXPECT(ps2, ...)                                                                           \
    ps2_expect(ps2, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define EXPECT_ONLY(ps2, ...)                                                                      \
    do {                                                                                           \
        EXPECT(ps2, __VA_ARGS__);                                                                  \
        assert_int_equal(ps2_next(ps2), NO_BYTE);                                                  \
    } while (0)

#define PS2_CASE(test) cmocka_unit_test_setup_teardown(test, ps2_set_up, ps2_tear_down)

#endif
