/* The VMware pointer (open-vm-tools, vmmouse_defs.h): what a driver does, and what it may get
 * wrong. Run alone: build/tests/device/test_vmmouse */
#include "tests/device/ps2_rig.h"

#include "devices/vmmouse.h"

#include <stdlib.h>

enum {
    MAGIC = 0x564D5868,
    VERSION = 10,
    DATA = 39,
    STATUS = 40,
    COMMAND = 41,
    RESTRICT = 86,
    ENABLE = 0x45414552,
    DISABLE = 0xF5,
    ABSOLUTE = 0x53424152,
    RELATIVE = 0x4C455252,
    POINTER_ID = 0x3442554A,
};

static const uint32_t failed = 0xFFFF0000;

struct pointer_rig {
    struct ps2_rig *ps2;
    struct vmmouse *pointer;
    struct vmmouse_registers registers;
    bool by_string_instruction;
};

static bool get(void *opaque, struct vmmouse_registers *registers)
{
    const struct pointer_rig *rig = opaque;
    *registers = rig->registers;
    return !rig->by_string_instruction;
}

static void set(void *opaque, const struct vmmouse_registers *registers)
{
    struct pointer_rig *rig = opaque;
    rig->registers = *registers;
}

static uint32_t call(struct pointer_rig *rig, uint32_t function, uint32_t argument)
{
    rig->registers = (struct vmmouse_registers){MAGIC, argument, function, 0x5658};
    rig->registers.eax = bus_port_read(rig->ps2->rig->bus, 0x5658, 4);
    return rig->registers.eax;
}

static int set_up(void **state)
{
    struct pointer_rig *rig = mem_new(sizeof *rig);
    void *ps2;
    ps2_set_up(&ps2);
    rig->ps2 = ps2;
    struct vmmouse_processor processor = {rig, get, set};
    rig->pointer = vmmouse_new(rig->ps2->rig->bus, rig->ps2->mouse, &processor, false);
    ps2_to_mouse(rig->ps2, 0xF4);
    ps2_drain(rig->ps2);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct pointer_rig *rig = *state;
    void *ps2 = rig->ps2;
    ps2_tear_down(&ps2);
    mem_free(rig);
    return 0;
}

static void switch_on(struct pointer_rig *rig)
{
    call(rig, COMMAND, ENABLE);
    call(rig, DATA, 1);
    call(rig, RESTRICT, 1);
    call(rig, COMMAND, ABSOLUTE);
}

static void expect_packet(struct pointer_rig *rig, uint32_t flags, uint32_t x, uint32_t y,
                          int32_t wheel)
{
    call(rig, DATA, 4);
    assert_int_equal(rig->registers.eax, flags);
    assert_int_equal(rig->registers.ebx, x);
    assert_int_equal(rig->registers.ecx, y);
    assert_int_equal((int32_t)rig->registers.edx, wheel);
}

static void version(void **state)
{
    struct pointer_rig *rig = *state;
    assert_int_not_equal(call(rig, VERSION, 0), UINT32_MAX);
    assert_int_equal(rig->registers.ebx, MAGIC);
    assert_int_equal(rig->registers.ecx, 0);
}

static void unknown_function(void **state)
{
    struct pointer_rig *rig = *state;
    assert_int_equal(call(rig, 45, 7), UINT32_MAX);
    assert_int_equal(rig->registers.ebx, UINT32_MAX);
}

/* Without the magic number, in other sizes, by INS: nobody is there, and no register changes. */
static void only_the_door(void **state)
{
    struct pointer_rig *rig = *state;
    struct bus *bus = rig->ps2->rig->bus;
    struct vmmouse_registers before = {MAGIC + 1, 1, VERSION, 0x5658};
    rig->registers = before;
    assert_int_equal(bus_port_read(bus, 0x5658, 4), UINT32_MAX);
    rig->registers.eax = before.eax = MAGIC;
    assert_int_equal(bus_port_read(bus, 0x5658, 2), 0xFFFF);
    assert_int_equal(bus_port_read(bus, 0x5658, 1), 0xFF);
    rig->by_string_instruction = true;
    assert_int_equal(bus_port_read(bus, 0x5658, 4), UINT32_MAX);
    assert_memory_equal(&rig->registers, &before, sizeof before);
}

static void driver_switches_it_on(void **state)
{
    struct pointer_rig *rig = *state;
    assert_int_equal(call(rig, STATUS, 0), failed);
    call(rig, COMMAND, ENABLE);
    assert_int_equal(call(rig, STATUS, 0), 1);
    assert_int_equal(call(rig, DATA, 1), POINTER_ID);
    assert_int_equal(call(rig, STATUS, 0), 0);
    assert_false(vmmouse_is_absolute(rig->pointer));
    call(rig, COMMAND, ABSOLUTE);
    assert_true(vmmouse_is_absolute(rig->pointer));
    call(rig, COMMAND, RELATIVE);
    assert_false(vmmouse_is_absolute(rig->pointer));
    call(rig, COMMAND, ABSOLUTE);
    call(rig, COMMAND, DISABLE);
    assert_false(vmmouse_is_absolute(rig->pointer));
    assert_int_equal(call(rig, STATUS, 0), failed);
}

/* A position waits at the port; the mouse sends an empty report. */
static void positions(void **state)
{
    struct pointer_rig *rig = *state;
    switch_on(rig);
    vmmouse_point(rig->pointer, 0x1234, 0xFFFF, 640, 480, 0, MOUSE_LEFT);
    EXPECT_ONLY(rig->ps2, 0x08, 0x00, 0x00);
    assert_int_equal(call(rig, STATUS, 0), 4);
    expect_packet(rig, 0x20, 0x1234, 0xFFFF, 0);
    vmmouse_point(rig->pointer, 0, 0, 640, 480, -1, MOUSE_RIGHT | MOUSE_MIDDLE);
    expect_packet(rig, 0x18, 0, 0, -1);
    vmmouse_move(rig->pointer, 3, -4, 0, 0);
    expect_packet(rig, 0x10000, 3, (uint32_t)-4, 0);
    assert_int_equal(call(rig, STATUS, 0), 0);
}

/* Positions that were not fetched are replaced; clicks and the wheel are kept. */
static void gathers_positions(void **state)
{
    struct pointer_rig *rig = *state;
    switch_on(rig);
    for (unsigned i = 0; i < 1000; i++)
        vmmouse_point(rig->pointer, i, i, 640, 480, 0, 0);
    vmmouse_point(rig->pointer, 5, 5, 640, 480, 0, MOUSE_LEFT);
    vmmouse_point(rig->pointer, 5, 5, 640, 480, 1, MOUSE_LEFT);
    vmmouse_point(rig->pointer, 6, 5, 640, 480, 0, MOUSE_LEFT);
    assert_int_equal(call(rig, STATUS, 0), 16);
    expect_packet(rig, 0, 999, 999, 0);
    expect_packet(rig, 0x20, 5, 5, 0);
    expect_packet(rig, 0x20, 5, 5, 1);
    expect_packet(rig, 0x20, 6, 5, 0);
}

static void full_queue(void **state)
{
    struct pointer_rig *rig = *state;
    switch_on(rig);
    for (unsigned i = 0; i < 1000; i++)
        vmmouse_point(rig->pointer, i, i, 640, 480, 0, i & 1);
    uint32_t words = call(rig, STATUS, 0);
    assert_int_equal(words, 256);
    for (unsigned i = 0; i < words / 4 - 1; i++)
        expect_packet(rig, i & 1 ? 0x20 : 0, i, i, 0);
    /* Still the newest position of the last click that there was room for. */
    expect_packet(rig, 0x20, 999, 999, 0);
    assert_int_equal(call(rig, STATUS, 0), 0);
}

static void reading_too_much_fails(void **state)
{
    struct pointer_rig *rig = *state;
    switch_on(rig);
    assert_int_equal(call(rig, DATA, 4), failed);
    assert_int_equal(call(rig, STATUS, 0), failed);
    switch_on(rig);
    assert_int_equal(call(rig, STATUS, 0), 0);
    vmmouse_point(rig->pointer, 1, 1, 640, 480, 0, 0);
    assert_int_equal(call(rig, DATA, 5), failed);
}

/* A guest with a PS/2 driver gets what the pointer moved, and over many small steps no pixel is
 * lost. */
static void movements_without_driver(void **state)
{
    struct pointer_rig *rig = *state;
    vmmouse_point(rig->pointer, 0, 0, 640, 480, 0, 0);
    assert_int_equal(ps2_next(rig->ps2), NO_BYTE);
    vmmouse_point(rig->pointer, 1024, 0, 640, 480, 0, 0);
    EXPECT_ONLY(rig->ps2, 0x08, 10, 0);
    int moved = 0;
    for (unsigned y = 0; y <= 65535; y += 257) {
        vmmouse_point(rig->pointer, 1024, y, 640, 480, 0, 0);
        rig_pass(rig->ps2->rig, 20 * NS_PER_MILLISECOND);
        unsigned flags;
        while ((flags = ps2_next(rig->ps2)) != NO_BYTE) {
            ps2_next(rig->ps2);
            int dy = (int)(ps2_next(rig->ps2) & 0xFF);
            moved += flags & 0x20 ? dy - 256 : dy;
        }
    }
    assert_int_equal(moved, -479);
    vmmouse_move(rig->pointer, 3, 4, 0, MOUSE_LEFT);
    EXPECT_ONLY(rig->ps2, 0x09, 3, 4);
}

static void random_calls(void **state)
{
    struct pointer_rig *rig = *state;
    static const uint32_t arguments[] = {ENABLE, DISABLE, ABSOLUTE, RELATIVE, 0, 1, 2, 3, 4};
    static const uint32_t functions[] = {VERSION, DATA, STATUS, COMMAND, RESTRICT, 0, 99};
    srand(1);
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t argument = rand() & 15 ? arguments[(unsigned)rand() % 9] : (uint32_t)rand();
        if (rand() & 1)
            call(rig, functions[(unsigned)rand() % 7], argument);
        else if (rand() & 1)
            vmmouse_point(rig->pointer, (unsigned)rand(), (unsigned)rand(), rand() & 0xFFF,
                          rand() & 0xFFF, rand() % 3 - 1, rand() & 0xFF);
        else
            vmmouse_move(rig->pointer, rand() % 512 - 256, rand() % 512 - 256, 0, rand() & 7);
        uint32_t count = call(rig, STATUS, 0);
        assert_true(count <= 256 || count == failed);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(version),
        CASE(unknown_function),
        CASE(only_the_door),
        CASE(driver_switches_it_on),
        CASE(positions),
        CASE(gathers_positions),
        CASE(full_queue),
        CASE(reading_too_much_fails),
        CASE(movements_without_driver),
        CASE(random_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
