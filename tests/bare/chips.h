/* For the images that test chips: interrupts that are counted, and a stopwatch. */
#ifndef TESTS_BARE_CHIPS_H
#define TESTS_BARE_CHIPS_H

#include "bare.h"

enum { PIC1 = 0x20, PIC2 = 0xA0, CHIPS_VECTOR = 0x20 };

/* How often each IRQ was taken, and in what order (the first 32). */
extern volatile unsigned chips_count[16];
extern volatile uint8_t chips_order[32];
extern volatile unsigned chips_taken;
/* Called in the handler after counting, before the end of interrupt; NULL: nothing. */
extern void (*chips_hook)(unsigned irq);
/* The handler sends no end of interrupt while this is set. */
extern bool chips_no_eoi;

/* Initialises the PICs (vectors 20h..2Fh, all masked), handlers and counts. */
void chips_begin(void);
void chips_forget(void); /* counts and order only */
void chips_unmask(unsigned irq);
void chips_mask_all(void);
uint8_t chips_isr(uint16_t pic);
uint8_t chips_irr(uint16_t pic);
/* Opens the interrupt flag for a few instructions. */
void chips_allow(void);
/* Waits asleep, with interrupts allowed, until irq (not 0) was taken count times; false after ms
 * milliseconds. */
bool chips_wait(unsigned irq, unsigned count, unsigned ms);
/* Busy waiting by the 8254's counter 2, at most 50 ms a call. */
void chips_delay_us(unsigned us);
/* Halts, for long waits: takes IRQ 0 (which counts in chips_count) and counter 0. Other interrupts
 * that are unmasked are taken meanwhile. */
void chips_sleep_ms(unsigned ms);

/* IRQ 3 as a line that the test pulls by hand: the THRE interrupt of COM2. */
void chips_irq3(bool level);

#endif
