/* The 16550 UART.
 * Run alone: meson test -C build uart16550 */
#include "base/time128.h"
#include "devices/uart16550.h"
#include "tests/device/rig.h"

#include <string.h>

enum { IRQ = 0, BASE = 0x3F8, RBR = BASE, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR, THR = RBR };

/* 8N1 at 115200 baud: ten bits. */
#define FRAME (10 * NS_PER_SECOND / 115200 + 1)

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    struct irq_line irq = rig_wire(rig, IRQ);
    rig->chip = uart16550_new(rig->bus, BASE, &irq, &rig->sink);
    rig_reset(rig, RESET_POWER_ON);
    rig_out(rig, LCR, 0x83);
    rig_out(rig, BASE, 1);
    rig_out(rig, BASE + 1, 0);
    rig_out(rig, LCR, 0x03);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static void receive(struct rig *rig, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(uart16550_receive(rig->chip, (const uint8_t *)text, size), size);
}

static void registers_keep_their_bits(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, SCR, 0x5A);
    assert_int_equal(rig_in(rig, SCR), 0x5A);
    rig_out(rig, IER, 0xFF);
    assert_int_equal(rig_in(rig, IER), 0x0F);
    rig_out(rig, MCR, 0xFF);
    assert_int_equal(rig_in(rig, MCR), 0x1F);
    rig_out(rig, LCR, 0x9B);
    assert_int_equal(rig_in(rig, LCR), 0x9B);
    rig_out(rig, BASE, 0x34);
    rig_out(rig, BASE + 1, 0x12);
    assert_int_equal(rig_in(rig, BASE), 0x34);
    assert_int_equal(rig_in(rig, BASE + 1), 0x12);
    rig_out(rig, LCR, 0x03);
    assert_int_equal(rig_in(rig, IER), 0x0F);
}

static void reset_values(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    rig_out(rig, IER, 0x0F);
    rig_reset(rig, RESET_HARD);
    assert_int_equal(rig_in(rig, IER), 0x00);
    assert_int_equal(rig_in(rig, IIR), 0x01);
    assert_int_equal(rig_in(rig, LCR), 0x00);
    assert_int_equal(rig_in(rig, MCR), 0x00);
    assert_int_equal(rig_in(rig, LSR), 0x60);
    assert_int_equal(rig_in(rig, MSR), 0xB0); /* somebody is connected */
}

static void the_transmitter_keeps_the_pace(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, THR, 'a');
    assert_int_equal(rig_in(rig, LSR), 0x20); /* holding register empty, shift register not */
    rig_out(rig, THR, 'b');
    assert_int_equal(rig_in(rig, LSR), 0x00);
    rig_pass(rig, FRAME - 200);
    assert_int_equal(rig_in(rig, LSR), 0x00);
    rig_pass(rig, 400);
    assert_int_equal(rig_in(rig, LSR), 0x20);
    rig_pass(rig, FRAME);
    assert_int_equal(rig_in(rig, LSR), 0x60);
    assert_memory_equal(rig->sunk, "ab", 2);
    assert_int_equal(rig->sunk_size, 2);
}

static void the_thre_interrupt(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x02); /* enabling with THR empty interrupts */
    assert_true(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, IIR), 0x02);
    assert_false(rig->wire[IRQ].level); /* reading IIR ends it */
    assert_int_equal(rig_in(rig, IIR), 0x01);
    rig_out(rig, THR, 'a');
    assert_int_equal(rig_in(rig, IIR), 0x02);
    rig_out(rig, THR, 'b');
    assert_false(rig->wire[IRQ].level); /* so does writing */
    rig_pass(rig, FRAME + 100);
    assert_true(rig->wire[IRQ].level);
}

static void the_fifo_delays_thre_for_single_bytes(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x02);
    rig_in(rig, IIR);
    rig_out(rig, THR, 'a');
    assert_int_equal(rig_in(rig, LSR) & 0x20, 0x20);
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, FRAME * 8 / 10);
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, FRAME * 15 / 100); /* a frame without its stop bit */
    assert_true(rig->wire[IRQ].level);
    rig_pass(rig, FRAME);
    for (unsigned i = 0; i < 3; i++)
        rig_out(rig, THR, 'x');
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, 2 * FRAME + 100); /* the last one went into the shift register: at once */
    assert_true(rig->wire[IRQ].level);
}

static void the_transmit_fifo_takes_sixteen(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    for (unsigned i = 0; i < 20; i++) /* one in the shift register, sixteen behind it */
        rig_out(rig, THR, (uint8_t)('a' + i));
    assert_memory_equal(rig->sunk, "abcdefghijklmnopq", 17);
    assert_int_equal(rig->sunk_size, 17);
    rig_out(rig, FCR, 0x05);
    assert_int_equal(rig_in(rig, LSR), 0x20);
}

static void input_arrives_at_the_pace_of_the_line(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    receive(rig, "abc");
    assert_int_equal(rig_in(rig, LSR) & 1, 0);
    rig_pass(rig, FRAME + 10);
    assert_int_equal(rig_in(rig, LSR) & 1, 1);
    assert_int_equal(rig_in(rig, RBR), 'a');
    assert_int_equal(rig_in(rig, LSR) & 1, 0);
    rig_pass(rig, 2 * FRAME + 10);
    assert_int_equal(rig_in(rig, RBR), 'b');
    assert_int_equal(rig_in(rig, RBR), 'c');
}

static void a_slow_guest_loses_nothing(void **state)
{
    struct rig *rig = *state;
    char text[300];
    for (unsigned i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('!' + i % 90);
    text[sizeof text - 1] = 0;
    receive(rig, text);
    for (unsigned i = 0; i < sizeof text - 1; i++) {
        rig_pass(rig, 30 * FRAME);
        assert_int_equal(rig_in(rig, LSR) & 0x03, 1); /* no overrun */
        assert_int_equal(rig_in(rig, RBR), text[i]);
        if (i == 100)
            rig_out(rig, FCR, 0x01); /* and with the FIFO */
        if (i == 100) /* turning the FIFO on clears the one-byte buffer, which was empty */
            assert_int_equal(rig_in(rig, LSR) & 1, 0);
    }
    assert_int_equal(uart16550_room(rig->chip), UART16550_INPUT_SIZE);
}

static void trigger_levels(void **state)
{
    static const uint8_t level[] = {1, 4, 8, 14};
    struct rig *rig = *state;
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x01);
    for (unsigned i = 0; i < 4; i++) {
        rig_out(rig, FCR, (uint8_t)(i << 6 | 0x03));
        for (unsigned n = 1; n <= level[i]; n++) {
            assert_false(rig->wire[IRQ].level);
            receive(rig, "x");
            rig_pass(rig, FRAME + 10);
        }
        assert_true(rig->wire[IRQ].level);
        assert_int_equal(rig_in(rig, IIR), 0xC4);
        rig_in(rig, RBR);
        assert_false(rig->wire[IRQ].level);
    }
}

static void the_character_time_out(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0xC1);
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x01);
    receive(rig, "ab");
    rig_pass(rig, 2 * FRAME + 10);
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, 3 * FRAME);
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, FRAME + 10);
    assert_true(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, IIR), 0xCC);
    assert_int_equal(rig_in(rig, RBR), 'a');
    assert_false(rig->wire[IRQ].level);
    rig_pass(rig, 4 * FRAME + 10);
    assert_int_equal(rig_in(rig, IIR), 0xCC);
    assert_int_equal(rig_in(rig, RBR), 'b');
    rig_pass(rig, 10 * FRAME);
    assert_int_equal(rig_in(rig, IIR), 0xC1);
}

static void loopback_returns_bytes(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, MCR, 0x10);
    rig_out(rig, THR, 0xA5);
    assert_int_equal(rig_in(rig, LSR) & 1, 0);
    rig_pass(rig, FRAME + 100);
    assert_int_equal(rig_in(rig, LSR) & 1, 1);
    assert_int_equal(rig_in(rig, RBR), 0xA5);
    assert_int_equal(rig->sunk_size, 0);
    receive(rig, "x"); /* the line is disconnected */
    rig_pass(rig, 5 * FRAME);
    assert_int_equal(rig_in(rig, LSR) & 1, 0);
    rig_out(rig, MCR, 0x00);
    rig_pass(rig, FRAME + 10);
    assert_int_equal(rig_in(rig, RBR), 'x');
}

static void loopback_turns_the_modem_lines_around(void **state)
{
    static const uint8_t lines[][2] = {
        {0x11, 0x20},
        {0x12, 0x10},
        {0x14, 0x40},
        {0x18, 0x80}
    };
    struct rig *rig = *state;
    for (unsigned i = 0; i < 4; i++) {
        rig_out(rig, MCR, lines[i][0]);
        assert_int_equal(rig_in(rig, MSR) & 0xF0, lines[i][1]);
    }
}

static void modem_deltas_interrupt(void **state)
{
    struct rig *rig = *state;
    rig_in(rig, MSR);
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x08);
    uart16550_set_modem(rig->chip, UART16550_DSR | UART16550_DCD); /* CTS falls */
    assert_true(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, IIR), 0x00);
    assert_int_equal(rig_in(rig, MSR), 0xA1);
    assert_false(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, MSR), 0xA0);
    uart16550_set_modem(rig->chip, UART16550_RI);
    assert_int_equal(rig_in(rig, MSR), 0x4A); /* RI rising is no event */
    uart16550_set_modem(rig->chip, 0);
    assert_int_equal(rig_in(rig, MSR), 0x04); /* TERI */
}

static void line_errors_travel_with_their_character(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x04);
    receive(rig, "a");
    rig_pass(rig, FRAME + 10);
    uart16550_receive_error(rig->chip, 'b', UART16550_PARITY_ERROR);
    assert_int_equal(rig_in(rig, LSR), 0xE1); /* an error in the FIFO, not at its top */
    assert_false(rig->wire[IRQ].level);
    rig_in(rig, RBR);
    assert_true(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, IIR), 0xC6);
    assert_int_equal(rig_in(rig, LSR), 0xE5);
    assert_false(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, LSR), 0x61);
    assert_int_equal(rig_in(rig, RBR), 'b');
    uart16550_receive_error(rig->chip, 0, UART16550_BREAK | UART16550_FRAMING_ERROR);
    assert_int_equal(rig_in(rig, LSR), 0xF9);
}

static void overrun(void **state)
{
    struct rig *rig = *state;
    uart16550_receive_error(rig->chip, 'a', 0);
    uart16550_receive_error(rig->chip, 'b', 0);
    assert_int_equal(rig_in(rig, LSR), 0x63);
    assert_int_equal(rig_in(rig, RBR), 'b'); /* overwritten */
    rig_out(rig, FCR, 0x01);
    for (unsigned i = 0; i < 17; i++)
        uart16550_receive_error(rig->chip, (uint8_t)('a' + i), 0);
    assert_int_equal(rig_in(rig, LSR), 0x63);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(rig_in(rig, RBR), 'a' + i); /* the FIFO keeps the old ones */
    assert_int_equal(rig_in(rig, LSR), 0x60);
}

static void out2_connects_the_interrupt(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, IER, 0x02);
    assert_int_equal(rig->wire[IRQ].rises, 0);
    rig_out(rig, MCR, 0x08);
    assert_int_equal(rig->wire[IRQ].rises, 1);
    rig_out(rig, MCR, 0x00);
    assert_false(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, IIR), 0x02);
}

static void priorities(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, IER, 0x0F);
    uart16550_set_modem(rig->chip, 0);
    uart16550_receive_error(rig->chip, 'a', UART16550_FRAMING_ERROR);
    assert_int_equal(rig_in(rig, IIR), 0x06);
    rig_in(rig, LSR);
    assert_int_equal(rig_in(rig, IIR), 0x04);
    rig_in(rig, RBR);
    assert_int_equal(rig_in(rig, IIR), 0x02);
    assert_int_equal(rig_in(rig, IIR), 0x00);
    rig_in(rig, MSR);
    assert_int_equal(rig_in(rig, IIR), 0x01);
}

static void without_set_up_bytes_are_whole_and_quick(void **state)
{
    struct rig *rig = *state;
    rig_reset(rig, RESET_HARD);
    rig_out(rig, MCR, 0x10);
    for (unsigned byte = 0x7E; byte < 0x100; byte += 0x40) {
        rig_out(rig, THR, byte);
        rig_pass(rig, 1000);
        assert_int_equal(rig_in(rig, LSR), 0x61);
        assert_int_equal(rig_in(rig, RBR), byte);
    }
    rig_out(rig, LCR, 0x00); /* from now on five bits, at some pace */
    rig_out(rig, THR, 0xFF);
    rig_pass(rig, 1000);
    assert_int_equal(rig_in(rig, LSR) & 0x41, 0x00);
    rig_pass(rig, FRAME);
    assert_int_equal(rig_in(rig, RBR), 0x1F);
}

static void short_words_are_cut(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, LCR, 0x00); /* five bits */
    rig_out(rig, MCR, 0x10);
    rig_out(rig, THR, 0xFF);
    rig_pass(rig, FRAME);
    assert_int_equal(rig_in(rig, RBR), 0x1F);
    rig_out(rig, LCR, 0x40); /* break, looped back */
    assert_int_equal(rig_in(rig, LSR) & 0x11, 0x11);
    assert_int_equal(rig_in(rig, RBR), 0x00);
}

static void the_divisor_makes_the_pace(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, LCR, 0x83);
    rig_out(rig, BASE, 12); /* 9600 */
    rig_out(rig, LCR, 0x03);
    rig_out(rig, THR, 'a');
    rig_pass(rig, 11 * FRAME);
    assert_int_equal(rig_in(rig, LSR) & 0x40, 0);
    rig_pass(rig, FRAME + 100);
    assert_int_equal(rig_in(rig, LSR) & 0x40, 0x40);
}

static void the_fifo_loops_back_in_order(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    rig_out(rig, MCR, 0x10);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 7; i++)
            rig_out(rig, THR, (uint8_t)(16 * round + i));
        rig_pass(rig, 8 * FRAME);
        for (unsigned i = 0; i < 7; i++)
            assert_int_equal(rig_in(rig, RBR), 16 * round + i);
    }
}

static void frames_have_their_length(void **state)
{
    static const struct {
        uint8_t lcr;
        unsigned half_bits;
    } frames[] = {
        {0x00, 14}, /* 5N1 */
        {0x04, 15}, /* 5N1.5 */
        {0x03, 20}, /* 8N1 */
        {0x07, 22}, /* 8N2 */
        {0x0B, 22}, /* 8O1 */
        {0x1E, 22}, /* 7E2 */
    };
    struct rig *rig = *state;
    for (unsigned i = 0; i < sizeof frames / sizeof *frames; i++) {
        uint64_t ns = frames[i].half_bits * NS_PER_SECOND / 230400;
        rig_out(rig, LCR, frames[i].lcr);
        rig_out(rig, THR, 'a');
        rig_pass(rig, ns - 20);
        assert_int_equal(rig_in(rig, LSR) & 0x40, 0);
        rig_pass(rig, 40);
        assert_int_equal(rig_in(rig, LSR) & 0x40, 0x40);
    }
}

static void fifo_control_counts_only_with_its_enable(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0xC6); /* no enable: no reset, no trigger level */
    assert_int_equal(rig_in(rig, IIR), 0x01);
    rig_out(rig, IER, 0x01);
    receive(rig, "a");
    rig_pass(rig, FRAME + 10);
    rig_out(rig, FCR, 0x06);
    assert_int_equal(rig_in(rig, IIR), 0x04);
    assert_int_equal(rig_in(rig, RBR), 'a');
    rig_pass(rig, 10 * FRAME);
    assert_int_equal(rig_in(rig, IIR), 0x01); /* no time-out without FIFOs */
}

static void a_fifo_reset_lets_waiting_input_in(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    for (unsigned i = 0; i < 17; i++)
        receive(rig, "x");
    rig_pass(rig, 20 * FRAME);
    assert_int_equal(rig_in(rig, LSR) & 0x03, 0x01); /* one byte waits outside */
    rig_out(rig, FCR, 0x03);
    assert_int_equal(rig_in(rig, LSR) & 0x01, 0x00);
    rig_pass(rig, FRAME + 10);
    assert_int_equal(rig_in(rig, LSR) & 0x01, 0x01);
    rig_in(rig, RBR);
    rig_pass(rig, 10 * FRAME);
    assert_int_equal(rig_in(rig, LSR) & 0x01, 0x00);
}

static void emptying_the_transmit_fifo_interrupts(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    rig_out(rig, IER, 0x02);
    for (unsigned i = 0; i < 4; i++)
        rig_out(rig, THR, 'x');
    assert_int_equal(rig_in(rig, IIR), 0xC1);
    rig_out(rig, FCR, 0x05);
    assert_int_equal(rig_in(rig, IIR), 0xC2);
    rig_pass(rig, 2 * FRAME);
    rig_out(rig, THR, 'y'); /* "two bytes at a time" starts anew with the reset */
    assert_int_equal(rig_in(rig, IIR), 0xC1);
}

static void an_overwritten_character_brings_its_own_errors(void **state)
{
    struct rig *rig = *state;
    uart16550_receive_error(rig->chip, 'a', UART16550_PARITY_ERROR);
    assert_int_equal(rig_in(rig, LSR), 0x65);
    uart16550_receive_error(rig->chip, 'b', UART16550_FRAMING_ERROR);
    assert_int_equal(rig_in(rig, LSR), 0x6B); /* overrun, framing */
    rig_in(rig, RBR);
    uart16550_receive_error(rig->chip, 'c', 0xFF); /* only what a line can do wrong */
    assert_int_equal(rig_in(rig, LSR), 0x7D);
    rig_in(rig, RBR);
    assert_int_equal(rig_in(rig, LSR), 0x60);
}

static void reading_a_bad_character_clears_it_from_the_fifo(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    uart16550_receive_error(rig->chip, 'a', UART16550_PARITY_ERROR);
    uart16550_receive_error(rig->chip, 'b', 0);
    rig_in(rig, RBR);
    assert_int_equal(rig_in(rig, LSR), 0x65); /* the error is still to be read, the FIFO is clean */
    assert_int_equal(rig_in(rig, LSR), 0x61);
    rig_out(rig, FCR, 0x03);
    for (unsigned i = 0; i < 16; i++)
        uart16550_receive_error(rig->chip, 'x', 0);
    assert_int_equal(rig_in(rig, LSR), 0x61);
}

static void the_door_has_its_size(void **state)
{
    struct rig *rig = *state;
    static uint8_t bytes[UART16550_INPUT_SIZE + 5];
    assert_int_equal(uart16550_room(rig->chip), UART16550_INPUT_SIZE);
    assert_int_equal(uart16550_receive(rig->chip, bytes, 10), 10);
    assert_int_equal(uart16550_room(rig->chip), UART16550_INPUT_SIZE - 10);
    assert_int_equal(uart16550_receive(rig->chip, bytes, sizeof bytes), UART16550_INPUT_SIZE - 10);
    assert_int_equal(uart16550_receive(rig->chip, bytes, 1), 0);
}

static void reset_stops_everything_but_the_input(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x06);
    rig_out(rig, SCR, 0x77);
    rig_out(rig, THR, 'a');
    rig_out(rig, THR, 'b');
    uart16550_receive_error(rig->chip, 'a', UART16550_PARITY_ERROR);
    assert_true(rig->wire[IRQ].level);
    receive(rig, "z");
    rig_reset(rig, RESET_HARD);
    assert_false(rig->wire[IRQ].level);
    assert_int_equal(rig_in(rig, LSR), 0x60);
    assert_int_equal(rig_in(rig, SCR), 0x77); /* MR does not touch it */
    rig_out(rig, LCR, 0x03);
    rig_out(rig, IER, 0x0F);
    assert_int_equal(rig_in(rig, IIR), 0x02); /* from enabling; nothing else is pending */
    assert_int_equal(rig_in(rig, IIR), 0x01);
    rig_pass(rig, 2 * FRAME);
    assert_int_equal(rig_in(rig, RBR), 'z');
    rig_reset(rig, RESET_POWER_ON);
    assert_int_equal(rig_in(rig, SCR), 0x00);
    rig_out(rig, LCR, 0x80);
    assert_int_equal(rig_in(rig, BASE), 12); /* 9600 baud */
}

static void enabling_thre_again_interrupts_again(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, IER, 0x02);
    rig_in(rig, IIR);
    rig_out(rig, IER, 0x03); /* it was enabled before */
    assert_int_equal(rig_in(rig, IIR), 0x01);
    rig_out(rig, IER, 0x01);
    rig_out(rig, IER, 0x03);
    assert_int_equal(rig_in(rig, IIR), 0x02);
    rig_out(rig, IER, 0x01);
    rig_out(rig, THR, 'a');
    rig_out(rig, THR, 'b');
    rig_out(rig, IER, 0x03); /* the holding register is full */
    assert_int_equal(rig_in(rig, IIR), 0x01);
}

static void a_break_is_looped_back_once(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, LCR, 0x43); /* to the line: nothing comes back */
    assert_int_equal(rig_in(rig, LSR), 0x60);
    rig_out(rig, MCR, 0x10);
    rig_out(rig, LCR, 0x43); /* still on */
    assert_int_equal(rig_in(rig, LSR), 0x60);
    rig_out(rig, LCR, 0x03);
    assert_int_equal(rig_in(rig, LSR), 0x60);
}

static void a_burst_does_not_count_for_the_next_byte(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, FCR, 0x01);
    rig_out(rig, IER, 0x02);
    for (unsigned i = 0; i < 3; i++)
        rig_out(rig, THR, 'x');
    rig_pass(rig, 5 * FRAME);
    assert_int_equal(rig_in(rig, IIR), 0xC2);
    rig_out(rig, THR, 'y');
    assert_int_equal(rig_in(rig, IIR), 0xC1); /* a single one again: delayed */
    rig_pass(rig, FRAME);
    assert_int_equal(rig_in(rig, IIR), 0xC2);
}

static void writing_takes_the_line_down_between_interrupts(void **state)
{
    struct rig *rig = *state;
    rig_out(rig, MCR, 0x08);
    rig_out(rig, IER, 0x02);
    assert_int_equal(rig->wire[IRQ].rises, 1);
    rig_out(rig, THR, 'a'); /* straight into the shift register: empty again, a new edge */
    assert_int_equal(rig->wire[IRQ].rises, 2);
    rig_out(rig, THR, 'b');
    assert_false(rig->wire[IRQ].level);
}

static void loopback_holds_the_line_in_flight(void **state)
{
    struct rig *rig = *state;
    receive(rig, "a");
    rig_pass(rig, FRAME / 2);
    rig_out(rig, MCR, 0x10); /* the byte was under way */
    rig_pass(rig, 5 * FRAME);
    assert_int_equal(rig_in(rig, LSR) & 0x01, 0x00);
    assert_int_equal(uart16550_room(rig->chip), UART16550_INPUT_SIZE - 1);
    rig_out(rig, MCR, 0x00);
    rig_pass(rig, FRAME + 10);
    assert_int_equal(rig_in(rig, RBR), 'a');
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(registers_keep_their_bits),
        TEST(reset_values),
        TEST(the_transmitter_keeps_the_pace),
        TEST(the_thre_interrupt),
        TEST(the_fifo_delays_thre_for_single_bytes),
        TEST(the_transmit_fifo_takes_sixteen),
        TEST(input_arrives_at_the_pace_of_the_line),
        TEST(a_slow_guest_loses_nothing),
        TEST(trigger_levels),
        TEST(the_character_time_out),
        TEST(loopback_returns_bytes),
        TEST(loopback_turns_the_modem_lines_around),
        TEST(modem_deltas_interrupt),
        TEST(line_errors_travel_with_their_character),
        TEST(overrun),
        TEST(out2_connects_the_interrupt),
        TEST(priorities),
        TEST(without_set_up_bytes_are_whole_and_quick),
        TEST(short_words_are_cut),
        TEST(the_divisor_makes_the_pace),
        TEST(the_fifo_loops_back_in_order),
        TEST(frames_have_their_length),
        TEST(fifo_control_counts_only_with_its_enable),
        TEST(a_fifo_reset_lets_waiting_input_in),
        TEST(emptying_the_transmit_fifo_interrupts),
        TEST(an_overwritten_character_brings_its_own_errors),
        TEST(reading_a_bad_character_clears_it_from_the_fifo),
        TEST(the_door_has_its_size),
        TEST(reset_stops_everything_but_the_input),
        TEST(enabling_thre_again_interrupts_again),
        TEST(a_break_is_looped_back_once),
        TEST(a_burst_does_not_count_for_the_next_byte),
        TEST(writing_takes_the_line_down_between_interrupts),
        TEST(loopback_holds_the_line_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
