/* The MC146818's calendar: what one update does to the time registers.
 *
 * Source: Motorola MC146818A data sheet, "Time, calendar and alarm locations", table 2. */
#ifndef DEVICES_MC146818_TIME_H
#define DEVICES_MC146818_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum rtc_register {
    RTC_SECONDS = 0,
    RTC_MINUTES = 2,
    RTC_HOURS = 4,
    RTC_WEEKDAY = 6, /* Sunday is 1 */
    RTC_DATE = 7,
    RTC_MONTH = 8,
    RTC_YEAR = 9,
    RTC_CENTURY = 0x32, /* BCD always, as firmware keeps it */
};

/* Bits of register B that say how the registers are coded. */
enum { RTC_DSE = 0x01, RTC_24_HOURS = 0x02, RTC_BINARY = 0x04 };

/* One second passes. control is register B. *fell_back: see daylight saving; it is true during the
 * repeated hour. */
void rtc_time_advance(uint8_t *registers, uint8_t control, bool *fell_back);
/* Sets all time registers, in BCD and 24 hours. */
void rtc_time_set(uint8_t *registers, uint64_t unix_time);

#endif
