/* The I/O APIC, with IRQ 3 pulled by hand (COM2) and IRQ 0 from the 8254.
 * Run alone: meson test -C build bare-io_apic
 *
 * QEMU 7.2 fails the check marked (QEMU): its PIC is not connected to input 0. Bochs 2.7 has no
 * remote IRR, and an ID of eight bits. */
#include "chips.h"

#define SHEET "82093AA data sheet: "

enum { PIN_TIMER = 2, PIN_COM2 = 3, VECTOR = 0x50, PINS = 24 };

static volatile uint32_t *const select_register = (volatile uint32_t *)0xFEC00000;
static volatile uint32_t *const window = (volatile uint32_t *)0xFEC00010;

static uint32_t get(uint32_t index)
{
    *select_register = index;
    return *window;
}

static void put(uint32_t index, uint32_t value)
{
    *select_register = index;
    *window = value;
}

static uint32_t local_get(uint32_t offset)
{
    return *(volatile uint32_t *)(0xFEE00000 + offset);
}

static void local_put(uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(0xFEE00000 + offset) = value;
}

static void entry(unsigned pin, uint32_t low)
{
    put(0x10 + 2 * pin, low);
}

static uint32_t entry_low(unsigned pin)
{
    return get(0x10 + 2 * pin);
}

static unsigned taken;
static uint32_t low_seen, tmr_seen;
static bool lower_line, keep;

static void handler(struct trap_frame *frame)
{
    taken++;
    low_seen = entry_low(PIN_COM2);
    tmr_seen = local_get(0x180 + (VECTOR >> 5) * 16) >> (VECTOR & 31) & 1;
    if (lower_line)
        chips_irq3(false);
    if (!keep)
        local_put(0xB0, 0);
}

static void begin(void)
{
    for (unsigned pin = 0; pin < PINS; pin++) {
        entry(pin, 0x10000);
        put(0x11 + 2 * pin, local_get(0x20)); /* to this processor */
    }
    chips_mask_all();
    chips_irq3(false);
    local_put(0xF0, 0x1FF);
    bare_set_handler(VECTOR, handler);
    taken = 0;
    lower_line = keep = false;
}

static void test_registers(void)
{
    CHECK_EQUAL(SHEET "24 entries", get(1) >> 16 & 0xFF, 23);
    CHECK(SHEET "version 1xh or 2xh", (get(1) & 0xFF) == 0x11 || (get(1) & 0xFF) == 0x20);
    uint32_t id = get(0);
    put(0, 0x0A000000);
    CHECK_EQUAL(SHEET "ID", get(0), 0x0A000000);
    put(0, 0xFFFFFFFF);
    CHECK_EQUAL(SHEET "ID is four bits", get(0), 0x0F000000);
    put(0, id);
    put(1, 0);
    CHECK_EQUAL(SHEET "version is read-only", get(1) >> 16 & 0xFF, 23);
    for (unsigned pin = 0; pin < PINS; pin += 7) {
        entry(pin, 0x1A9A0 + pin);
        put(0x11 + 2 * pin, 0x5A000000);
    }
    for (unsigned pin = 0; pin < PINS; pin += 7) {
        CHECK_EQUAL(SHEET "redirection entry, low", entry_low(pin), 0x1A9A0 + pin);
        CHECK_EQUAL(SHEET "redirection entry, high", get(0x11 + 2 * pin), 0x5A000000);
    }
    CHECK_EQUAL(SHEET "the index register reads back", *select_register,
                0x11 + 2 * (PINS - 24 + 21));
    entry(5, 0x1F050);
    CHECK_EQUAL(SHEET "status and remote IRR are read-only", entry_low(5), 0x1A050);
}

static void test_edge(void)
{
    begin();
    entry(PIN_COM2, VECTOR);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "edge", taken, 1);
    CHECK_EQUAL(SHEET "edge: TMR clear", tmr_seen, 0);
    chips_allow();
    CHECK_EQUAL(SHEET "edge: once", taken, 1);
    chips_irq3(false);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "edge: again", taken, 2);
    chips_irq3(false);
    entry(PIN_COM2, 0x10000 | VECTOR);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "masked", taken, 2);
    entry(PIN_COM2, VECTOR);
    chips_allow();
    CHECK_EQUAL(SHEET "a masked edge is lost", taken, 2);
    chips_irq3(false);
}

static void test_level(void)
{
    begin();
    entry(PIN_COM2, 0x18000 | VECTOR);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "level: masked", taken, 0);
    lower_line = true;
    entry(PIN_COM2, 0x08000 | VECTOR);
    chips_allow();
    CHECK_EQUAL(SHEET "level: a masked one waits", taken, 1);
    CHECK_EQUAL(SHEET "level: remote IRR in the handler", low_seen & 0x4000, 0x4000);
    CHECK_EQUAL(SHEET "level: TMR set", tmr_seen, 1);
    CHECK_EQUAL(SHEET "level: EOI clears remote IRR", entry_low(PIN_COM2) & 0x4000, 0);
    chips_allow();
    CHECK_EQUAL(SHEET "level: low, so no more", taken, 1);
    lower_line = false;
    keep = true;
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "level: in service", taken, 2);
    chips_allow();
    CHECK_EQUAL(SHEET "level: waits for EOI", taken, 2);
    local_put(0xB0, 0);
    chips_allow();
    CHECK_EQUAL(SHEET "level: EOI with the line high: again", taken, 3);
    chips_irq3(false);
    local_put(0xB0, 0);
    chips_allow();
    CHECK_EQUAL(SHEET "level: over", taken, 3);
    keep = false;
}

static void test_destination(void)
{
    begin();
    local_put(0xD0, 0x02000000);
    local_put(0xE0, 0xFFFFFFFF);
    put(0x11 + 2 * PIN_COM2, 0x02000000);
    entry(PIN_COM2, 0x00900 | VECTOR);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "logical, lowest priority", taken, 1);
    chips_irq3(false);
    put(0x11 + 2 * PIN_COM2, 0x04000000);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL(SHEET "somebody else", taken, 1);
    chips_irq3(false);
}

static unsigned nmis;
static void nmi_handler(struct trap_frame *frame)
{
    nmis++;
}

static void test_nmi(void)
{
    begin();
    bare_set_handler(2, nmi_handler);
    entry(PIN_COM2, 0x00400);
    chips_irq3(true);
    for (volatile unsigned i = 0; i < 1000 && !nmis; i++)
        ;
    CHECK_EQUAL(SHEET "NMI delivery", nmis, 1);
    chips_irq3(false);
    bare_set_handler(2, NULL);
}

/* The board: IRQ 0 is wired to input 2. */
static void test_timer(void)
{
    begin();
    entry(PIN_TIMER, VECTOR);
    out8(0x43, 0x34);
    out8(0x40, (uint8_t)11932);
    out8(0x40, 11932 >> 8);
    for (unsigned i = 0; i < 52; i++) {
        chips_delay_us(1000);
        chips_allow();
    }
    CHECK(SHEET "100 Hz through input 2", taken >= 4 && taken <= 7);
    out8(0x43, 0x30);
    entry(PIN_TIMER, 0x10000);
}

/* Input 0 is the PIC's INT: the other virtual wire mode. */
static void test_extint(void)
{
    begin();
    chips_begin();
    local_put(0x350, 0x10700);
    entry(0, 0x00700);
    chips_unmask(3);
    chips_irq3(true);
    chips_allow();
    CHECK_EQUAL("MP specification 3.6.2.2: virtual wire through the I/O APIC (QEMU)",
                chips_count[3], 1);
    chips_irq3(false);
    entry(0, 0x10700);
    chips_irq3(true);
    chips_allow();
    CHECK(SHEET "masked", chips_count[3] <= 1);
    chips_irq3(false);
    local_put(0x350, 0x00700);
}

void bare_tests(void)
{
    chips_begin();
    test_registers();
    test_edge();
    test_level();
    test_destination();
    test_nmi();
    test_timer();
    test_extint();
    begin();
}
