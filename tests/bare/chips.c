#include "chips.h"

volatile unsigned chips_count[16];
volatile uint8_t chips_order[32];
volatile unsigned chips_taken;
void (*chips_hook)(unsigned irq);
bool chips_no_eoi;

enum { COM2 = 0x2F8, PIT = 0x40, PORT_61 = 0x61 };

static void handle(struct trap_frame *frame)
{
    unsigned irq = frame->vector - CHIPS_VECTOR;
    if (chips_taken < sizeof chips_order)
        chips_order[chips_taken] = (uint8_t)irq;
    chips_taken++;
    chips_count[irq]++;
    if (chips_hook)
        chips_hook(irq);
    if (chips_no_eoi)
        return;
    if (irq >= 8)
        out8(PIC2, 0x20);
    out8(PIC1, 0x20);
}

void chips_forget(void)
{
    for (unsigned i = 0; i < 16; i++)
        chips_count[i] = 0;
    chips_taken = 0;
}

void chips_begin(void)
{
    bare_init_pic();
    for (unsigned i = 0; i < 16; i++)
        bare_set_handler(CHIPS_VECTOR + i, handle);
    chips_hook = NULL;
    chips_no_eoi = false;
    chips_forget();
}

void chips_unmask(unsigned irq)
{
    uint16_t port = irq < 8 ? PIC1 + 1 : PIC2 + 1;
    out8(port, (uint8_t)(in8(port) & ~(1u << (irq & 7))));
    if (irq >= 8)
        out8(PIC1 + 1, in8(PIC1 + 1) & 0xFB);
}

void chips_mask_all(void)
{
    out8(PIC1 + 1, 0xFF);
    out8(PIC2 + 1, 0xFF);
}

uint8_t chips_isr(uint16_t pic)
{
    out8(pic, 0x0B);
    return in8(pic);
}

uint8_t chips_irr(uint16_t pic)
{
    out8(pic, 0x0A);
    return in8(pic);
}

void chips_allow(void)
{
    __asm__ volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
}

void chips_delay_us(unsigned us)
{
    unsigned ticks = us * 1193 / 1000 + 1;
    out8(PORT_61, (uint8_t)((in8(PORT_61) & 0x0C) | 0x01));
    out8(PIT + 3, 0xB0);
    out8(PIT + 2, (uint8_t)ticks);
    out8(PIT + 2, (uint8_t)(ticks >> 8));
    while (!(in8(PORT_61) & 0x20))
        ;
}

static void sleep_one_ms(void)
{
    unsigned before = chips_count[0];
    out8(PIT + 3, 0x30);
    out8(PIT, (uint8_t)1193);
    out8(PIT, 1193 >> 8);
    while (chips_count[0] == before)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
}

void chips_sleep_ms(unsigned ms)
{
    uint8_t mask = in8(PIC1 + 1);
    out8(PIT + 3, 0x30);
    out8(PIC1 + 1, mask & 0xFE);
    while (ms--)
        sleep_one_ms();
    out8(PIC1 + 1, mask);
}

bool chips_wait(unsigned irq, unsigned count, unsigned ms)
{
    chips_allow();
    while (chips_count[irq] < count && ms--)
        chips_sleep_ms(1);
    chips_allow();
    return chips_count[irq] >= count;
}

void chips_irq3(bool level)
{
    out8(COM2 + 4, 0x08);
    out8(COM2 + 1, level ? 0x02 : 0x00);
}
