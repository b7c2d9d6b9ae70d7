/* Numeric errors the PC/AT's way: FERR#, IRQ 13, port F0h and IGNNE#, with CR0.NE clear.
 * Run alone: meson test -C build bare-ferr
 *
 * QEMU 7.2 aborts on the first FERR# (an assertion of its own, in tcg_handle_interrupt). */
#include "chips.h"

enum { CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_NE = 32 };
#define WHERE "SDM 1, 8.7.2; PIIX3, coprocessor error register: "

static uint32_t get_cr0(void)
{
    uint32_t value;
    __asm__ volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}

static void set_cr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(value));
}

/* Leaves an unmasked division by zero pending. */
static void divide_by_zero(void)
{
    static const uint16_t control = 0x037B; /* ZM clear */
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(control));
}

static uint16_t status(void)
{
    uint16_t value;
    __asm__ volatile("fnstsw %0" : "=m"(value));
    return value;
}

static uint16_t status_in_handler;

/* As the AT's BIOS and DOS programs do it. */
static void clear_in_handler(unsigned irq)
{
    if (irq != 13)
        return;
    status_in_handler = status();
    out8(0xF0, 0);
    __asm__ volatile("fnclex");
}

static void wait_instruction(void)
{
    __asm__ volatile("sti; fwait; nop; nop; cli");
}

static void fault_with_ne(void *unused)
{
    divide_by_zero();
    __asm__ volatile("fwait");
}

static void test_irq13(void)
{
    set_cr0((get_cr0() & ~(uint32_t)(CR0_EM | CR0_TS | CR0_NE)) | CR0_MP);
    chips_begin();
    chips_hook = clear_in_handler;
    chips_unmask(13);
    divide_by_zero();
    wait_instruction();
    CHECK_EQUAL(WHERE "IRQ 13", chips_count[13], 1);
    CHECK_EQUAL(WHERE "ZE and ES", status_in_handler & 0x84, 0x84);
    CHECK_EQUAL(WHERE "cleared", status() & 0x80FF, 0);
    wait_instruction();
    CHECK_EQUAL(WHERE "no second interrupt", chips_count[13], 1);
    divide_by_zero();
    wait_instruction();
    CHECK_EQUAL(WHERE "the next error interrupts again", chips_count[13], 2);
    chips_hook = NULL;
}

/* With the interrupt masked, port F0h is written by hand, and IGNNE# lets the next instruction by.
 */
static void test_ignne(void)
{
    chips_begin();
    divide_by_zero();
    for (unsigned i = 0; i < 1000 && !(chips_irr(PIC2) & 0x20); i++)
        ;
    CHECK_EQUAL(WHERE "non-waiting instructions run", status() & 0x80, 0x80);
    CHECK_EQUAL(WHERE "requested at the slave PIC", chips_irr(PIC2) & 0x20, 0x20);
    out8(0xF0, 0);
    CHECK_EQUAL(WHERE "port F0h clears the request", chips_irr(PIC2) & 0x20, 0x00);
    __asm__ volatile("fld1; fld1; faddp");
    CHECK_EQUAL(WHERE "IGNNE#: instructions go on, the error stays", status() & 0x84, 0x84);
    CHECK_EQUAL(WHERE "IGNNE#: no new request", chips_irr(PIC2) & 0x20, 0x00);
    __asm__ volatile("fnclex");
    CHECK_EQUAL(WHERE "FNCLEX", status() & 0x84, 0x00);
}

/* With IRQ 13 masked, a waiting instruction stops until some interrupt comes, and starts again
 * behind its handler: here until the third tick of the timer clears the error. */
static unsigned ticks;

static void clear_at_third_tick(unsigned irq)
{
    if (irq == 0 && ++ticks == 3)
        __asm__ volatile("fnclex");
}

static void test_freeze(void)
{
    chips_begin();
    ticks = 0;
    chips_hook = clear_at_third_tick;
    out8(0x43, 0x34); /* counter 0, mode 2, about 1 ms */
    out8(0x40, 0xA9);
    out8(0x40, 0x04);
    chips_unmask(0);
    divide_by_zero();
    wait_instruction();
    chips_mask_all();
    CHECK(WHERE "WAIT freezes until an interrupt, and again", ticks >= 3);
    CHECK_EQUAL(WHERE "and goes on without the error", status() & 0x84, 0);
    chips_hook = NULL;
    out8(0xF0, 0);
}

/* The 386 has no CR0.NE. */
static void test_native(void)
{
    set_cr0(get_cr0() | CR0_NE);
    if (!(get_cr0() & CR0_NE))
        return;
    chips_begin();
    chips_unmask(13);
    CHECK(WHERE "CR0.NE: #MF", bare_try(fault_with_ne, NULL));
    CHECK_EQUAL(WHERE "CR0.NE: #MF", bare_caught.vector, 16);
    __asm__ volatile("fnclex");
    chips_allow();
    CHECK_EQUAL(WHERE "CR0.NE: no IRQ 13 needed", status() & 0x84, 0);
    out8(0xF0, 0);
    __asm__ volatile("fninit; fld1; fwait; fstp %st(0)");
    CHECK_EQUAL(WHERE "port F0h without an error does nothing", status() & 0x84, 0);
    chips_mask_all();
}

void bare_tests(void)
{
    chips_begin();
    test_irq13();
    test_ignne();
    test_freeze();
    test_native();
    CHECK_EQUAL("PIIX3: port F0h is write-only", in8(0xF0) == in8(0xF1), 1);
}
