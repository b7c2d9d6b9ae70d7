/* The power button's event, the timer's overflow as SCI, and soft-off (ACPI 1.0, chapter 4): the
 * script power.script presses the button when asked, and the run ends well only by soft-off.
 * Run alone: meson test -C build bare-power */
#include "pci.h"

enum { PM = 0xB000, PMSTS = PM, PMEN = PM + 2, PMCNTRL = PM + 4, PWRBTN = 0x100, TMROF = 1 };

static volatile unsigned interrupts;
static volatile uint16_t seen;
static unsigned failures;

static void on_sci(struct trap_frame *frame)
{
    interrupts++;
    seen = in16(PMSTS);
    out16(PMSTS, seen);
    out8(0xA0, 0x20);
    out8(0x20, 0x20);
}

static void expect(bool good, const char *what)
{
    CHECK("ACPI 1.0, 4.7", good);
    if (!good)
        bare_print("failed: %s\n", what);
    failures += !good;
}

static void wait_for_interrupt(void)
{
    for (unsigned i = 0; i < 100000000 && !interrupts; i++)
        in8(0x80);
}

static void set_up(void)
{
    out8(0x3FB, 0x03); /* COM1: eight bits a character */
    bare_init_pic();
    bare_set_handler(0x29, on_sci);
    pci_set32(1, 3, 0x40, PM | 1);
    pci_set8(1, 3, 0x80, 1);
    out8(0x4D1, 0x02); /* IRQ 9 is level-triggered */
    out8(0x21, 0xFB);
    out8(0xA1, 0xFD);
    out16(PMEN, 0);
    out16(PMSTS, 0xFFFF);
    out8(0xB2, 0xF1);
    __asm__ volatile("sti");
}

void bare_tests(void)
{
    set_up();
    expect(in16(PMCNTRL) & 1, "ACPI mode");
    bare_print("first press\n");
    while (!(in16(PMSTS) & PWRBTN))
        ;
    expect(interrupts == 0, "not enabled: no interrupt");
    out16(PMEN, PWRBTN);
    wait_for_interrupt();
    expect(interrupts == 1, "a pending event interrupts when enabled");
    expect(seen & PWRBTN, "the event is the button's");
    expect(!(in16(PMSTS) & PWRBTN), "the event is cleared");
    interrupts = 0;
    bare_print("second press\n");
    wait_for_interrupt();
    expect(interrupts == 1 && (seen & PWRBTN), "the button interrupts");
    interrupts = 0;
    out16(PMEN, TMROF);
    wait_for_interrupt();
    expect(interrupts >= 1 && (seen & TMROF), "the timer's overflow interrupts");
    __asm__ volatile("cli");
    if (failures)
        return;
    out16(PMCNTRL, 0x2001);
    bare_fail("still on");
}
