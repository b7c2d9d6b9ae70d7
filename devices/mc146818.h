/* Motorola MC146818A real-time clock, with 256 bytes of battery-backed CMOS memory in two banks:
 * ports 70h/71h reach indexes 0..127 (with the clock in the first 14), 72h/73h the upper bank,
 * 128..255, by index bits 0..6. Port 70h bit 7 masks NMI.
 *
 * Time, alarm (with don't-care codes), periodic and update-ended interrupts, update-in-progress,
 * SET, divider reset, 12/24 hours, BCD/binary, daylight saving, and the century byte at index 32h
 * are kept on the virtual clock, and depend on nothing else.
 *
 * Source: Motorola MC146818A data sheet; IBM PC/AT Technical Reference; Intel 82371SB/AB. */
#ifndef DEVICES_MC146818_H
#define DEVICES_MC146818_H

#include "bus/bus.h"

struct mc146818;

/* irq8 is the IRQ# output (copied). start_unix_time is the date and time at power-on, in seconds
 * since 1970-01-01 00:00:00, as the guest is to see it (UTC, or local time, as the user wants). */
struct mc146818 *mc146818_new(struct bus *bus, const struct irq_line *irq8,
                              uint64_t start_unix_time);

/* Where bit 7 of port 70h goes: level true masks NMI. Port 61h's gate wants it. */
void mc146818_connect_nmi_mask(struct mc146818 *rtc, const struct irq_line *mask);

/* For the board: the stored byte at index 0..255, without side effects. The battery keeps it over
 * resets. Writing the registers A to D (0Ah..0Dh) is ignored. */
uint8_t mc146818_cmos_read(struct mc146818 *rtc, uint8_t index);
void mc146818_cmos_write(struct mc146818 *rtc, uint8_t index, uint8_t value);
/* Makes the checksum at 2Eh/2Fh right for bytes 10h..2Dh. Call after the last cmos_write. */
void mc146818_cmos_checksum(struct mc146818 *rtc);

#endif
