/* The 16550, on COM2 in loopback (COM1 carries this test's own messages).
 * Run alone: meson test -C build bare-uart
 *
 * QEMU 7.2 (with -serial null -serial null) fails the checks marked (QEMU): in loopback it has no
 * deltas, no break and no pace; it does not delay THRE; OUT2 does not connect the interrupt.
 * Bochs 2.7 passes the modem lines, and fails more of the time-out. */
#include "chips.h"

enum { BASE = 0x2F8, DATA = BASE, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };
#define SHEET "PC16550D data sheet: "

/* 8N1 at 115200 baud, one frame is 87 microseconds. */
static void set_up(uint8_t mcr, uint8_t fcr)
{
    out8(IER, 0);
    out8(LCR, 0x83);
    out8(DATA, 1);
    out8(BASE + 1, 0);
    out8(LCR, 0x03);
    out8(MCR, mcr);
    out8(FCR, 0);
    out8(FCR, fcr);
    chips_delay_us(2000);
    for (unsigned i = 0; i < 20; i++)
        in8(DATA);
    in8(LSR);
    in8(MSR);
    in8(IIR);
}

static bool wait_lsr(uint8_t bits)
{
    for (unsigned i = 0; i < 1000; i++) {
        if ((in8(LSR) & bits) == bits)
            return true;
        chips_delay_us(10);
    }
    return false;
}

static void test_registers(void)
{
    set_up(0x10, 0);
    out8(SCR, 0x5A);
    CHECK_EQUAL(SHEET "scratch", in8(SCR), 0x5A);
    out8(IER, 0xFF);
    CHECK_EQUAL(SHEET "IER bits 4..7 are 0", in8(IER), 0x0F);
    out8(IER, 0);
    out8(MCR, 0xF0);
    CHECK_EQUAL(SHEET "MCR bits 5..7 are 0", in8(MCR), 0x10);
    out8(LCR, 0x80);
    out8(DATA, 0x34);
    out8(BASE + 1, 0x12);
    CHECK_EQUAL(SHEET "divisor latch", in8(DATA), 0x34);
    CHECK_EQUAL(SHEET "divisor latch", in8(BASE + 1), 0x12);
    out8(LCR, 0x03);
    CHECK_EQUAL(SHEET "LCR", in8(LCR), 0x03);
    CHECK_EQUAL(SHEET "IER behind DLAB", in8(IER), 0x00);
    out8(FCR, 0x01);
    CHECK_EQUAL(SHEET "IIR shows the FIFOs", in8(IIR), 0xC1);
    out8(FCR, 0x00);
    CHECK_EQUAL(SHEET "IIR without", in8(IIR), 0x01);
    CHECK_EQUAL(SHEET "LSR, idle", in8(LSR), 0x60);
}

static void test_loopback(void)
{
    set_up(0x10, 0);
    out8(DATA, 0xA5);
    CHECK(SHEET "loopback", wait_lsr(0x01));
    CHECK_EQUAL(SHEET "loopback", in8(DATA), 0xA5);
    CHECK_EQUAL(SHEET "data ready is cleared by reading", in8(LSR) & 1, 0);
    CHECK(SHEET "transmitter empty", wait_lsr(0x60));
    out8(LCR, 0x00);
    out8(DATA, 0xFF);
    CHECK(SHEET "five bits", wait_lsr(0x01));
    CHECK_EQUAL(SHEET "five bits", in8(DATA) & 0x1F, 0x1F);
    out8(LCR, 0x03);
}

static void test_modem_lines(void)
{
    static const uint8_t lines[][2] = {
        {0x11, 0x20},
        {0x12, 0x10},
        {0x14, 0x40},
        {0x18, 0x80}
    };
    set_up(0x10, 0);
    for (unsigned i = 0; i < 4; i++) {
        out8(MCR, lines[i][0]);
        CHECK_EQUAL(SHEET "loopback of modem lines", in8(MSR) & 0xF0, lines[i][1]);
    }
    out8(MCR, 0x10);
    in8(MSR);
    out8(MCR, 0x12);
    CHECK_EQUAL(SHEET "delta CTS (QEMU)", in8(MSR), 0x11);
    CHECK_EQUAL(SHEET "deltas are cleared by reading", in8(MSR), 0x10);
    out8(MCR, 0x14); /* RI up: no event; CTS down: one */
    CHECK_EQUAL(SHEET "RI rises (QEMU)", in8(MSR), 0x41);
    out8(MCR, 0x10);
    CHECK_EQUAL(SHEET "TERI (QEMU)", in8(MSR), 0x04);
}

static void test_fifo(void)
{
    set_up(0x10, 0x01);
    for (unsigned i = 0; i < 16; i++)
        out8(DATA, (uint8_t)(0x40 + i));
    CHECK(SHEET "sixteen bytes are sent", wait_lsr(0x60));
    chips_delay_us(2000);
    CHECK_EQUAL(SHEET "no overrun with sixteen", in8(LSR), 0x61);
    bool in_order = true;
    for (unsigned i = 0; i < 16; i++)
        in_order = in_order && in8(DATA) == 0x40 + i;
    CHECK(SHEET "FIFO order", in_order);
    CHECK_EQUAL(SHEET "empty again", in8(LSR), 0x60);
    for (unsigned i = 0; i < 16; i++)
        out8(DATA, (uint8_t)i);
    chips_delay_us(3000);
    out8(DATA, 0x99);
    chips_delay_us(1000);
    CHECK_EQUAL(SHEET "overrun", in8(LSR) & 0x03, 0x03);
    CHECK_EQUAL(SHEET "OE is cleared by reading", in8(LSR) & 0x02, 0x00);
    out8(FCR, 0x03);
    CHECK_EQUAL(SHEET "receiver FIFO reset", in8(LSR) & 0x01, 0x00);
}

static void test_interrupt_identification(void)
{
    set_up(0x10, 0xC1); /* trigger level 14 */
    out8(IER, 0x01);
    for (unsigned i = 0; i < 13; i++)
        out8(DATA, (uint8_t)i);
    chips_delay_us(1250); /* thirteen frames and a little */
    CHECK_EQUAL(SHEET "below the trigger level (QEMU)", in8(IIR), 0xC1);
    chips_delay_us(1000); /* four frames more */
    CHECK_EQUAL(SHEET "character time-out", in8(IIR), 0xCC);
    in8(DATA);
    CHECK_EQUAL(SHEET "reading ends the time-out", in8(IIR), 0xC1);
    out8(DATA, 0x70);
    out8(DATA, 0x71);
    chips_delay_us(300);
    CHECK_EQUAL(SHEET "trigger level", in8(IIR), 0xC4);
    out8(FCR, 0xC3);
    out8(IER, 0x02);
    CHECK_EQUAL(SHEET "THRE interrupt with the enable", in8(IIR), 0xC2);
    CHECK_EQUAL(SHEET "reading IIR ends it", in8(IIR), 0xC1);
    out8(IER, 0x08);
    out8(MCR, 0x12);
    CHECK_EQUAL(SHEET "modem status interrupt (QEMU)", in8(IIR), 0xC0);
    in8(MSR);
    CHECK_EQUAL(SHEET "reading MSR ends it", in8(IIR), 0xC1);
    out8(IER, 0x00);
}

static void test_break(void)
{
    set_up(0x10, 0);
    out8(IER, 0x04);
    out8(LCR, 0x43);
    chips_delay_us(500);
    CHECK_EQUAL(SHEET "break: line status interrupt (QEMU)", in8(IIR), 0x06);
    CHECK_EQUAL(SHEET "break: BI and a zero byte (QEMU)", in8(LSR) & 0x11, 0x11);
    CHECK_EQUAL(SHEET "break: a zero byte (QEMU)", in8(DATA), 0x00);
    CHECK_EQUAL(SHEET "reading LSR ends it", in8(IIR), 0x01);
    out8(LCR, 0x03);
    out8(IER, 0x00);
}

static void test_irq(void)
{
    chips_begin();
    set_up(0x08, 0x01);
    chips_unmask(3);
    out8(IER, 0x02);
    chips_allow();
    CHECK_EQUAL("PC: IRQ 3", chips_count[3], 1);
    in8(IIR);
    out8(IER, 0x00);
    out8(MCR, 0x00);
    out8(IER, 0x02);
    chips_allow();
    CHECK_EQUAL("PC: OUT2 connects the interrupt (QEMU)", chips_count[3], 1);
    out8(MCR, 0x08);
    chips_allow();
    CHECK_EQUAL("PC: OUT2 connects the interrupt (QEMU)", chips_count[3], 2);
    out8(IER, 0x00);
    chips_mask_all();
}

static void test_pace(void)
{
    set_up(0x10, 0);
    out8(LCR, 0x83);
    out8(DATA, 12); /* 9600 baud: a frame of 1042 microseconds */
    out8(LCR, 0x03);
    out8(DATA, 'a');
    chips_delay_us(900);
    CHECK_EQUAL(SHEET "a frame at 9600 baud is not over after 0.9 ms (QEMU)", in8(LSR) & 0x41,
                0x00);
    chips_delay_us(400);
    CHECK_EQUAL(SHEET "but after 1.3 ms", in8(LSR) & 0x41, 0x41);
    in8(DATA);
    out8(FCR, 0x01);
    out8(IER, 0x02);
    in8(IIR);
    out8(DATA, 'b');
    CHECK_EQUAL(SHEET "FIFO mode: THRE waits for a single byte (QEMU)", in8(IIR), 0xC1);
    chips_delay_us(1200);
    CHECK_EQUAL(SHEET "a frame without its stop bit (QEMU)", in8(IIR), 0xC2);
    out8(IER, 0);
    chips_delay_us(1000);
}

void bare_tests(void)
{
    chips_begin();
    test_registers();
    test_loopback();
    test_modem_lines();
    test_fifo();
    test_interrupt_identification();
    test_break();
    test_irq();
    test_pace();
}
