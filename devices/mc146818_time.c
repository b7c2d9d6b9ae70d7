/* Calendar of the MC146818. */
#include "devices/mc146818_time.h"

#define SECONDS_PER_DAY 86400

enum { PM = 0x80, SUNDAY = 1, APRIL = 4, OCTOBER = 10 };

static uint8_t decode(uint8_t byte, uint8_t control)
{
    return control & RTC_BINARY ? byte : (uint8_t)((byte >> 4) * 10 + (byte & 15));
}

static uint8_t encode(unsigned value, uint8_t control)
{
    return (uint8_t)(control & RTC_BINARY ? value : (value / 10 << 4 | value % 10));
}

/* Counts a register up; returns whether it passed last and went back to first. */
static bool count_up(uint8_t *byte, unsigned first, unsigned last, uint8_t control)
{
    unsigned value = decode(*byte, control);
    bool carry = value >= last;
    *byte = encode(carry ? first : value + 1, control);
    return carry;
}

/* True at midnight. */
static bool count_hours(uint8_t *hours, uint8_t control)
{
    if (control & RTC_24_HOURS)
        return count_up(hours, 0, 23, control);
    uint8_t half = *hours & PM;
    unsigned hour = decode(*hours & 0x7F, control);
    if (hour == 11) {
        *hours = (uint8_t)(encode(12, control) | (half ^ PM));
        return half != 0;
    }
    *hours = (uint8_t)(encode(hour >= 12 ? 1 : hour + 1, control) | half);
    return false;
}

/* The chip's leap year is any that 4 divides. */
static unsigned month_length(unsigned month, unsigned year)
{
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month == 2 && year % 4 == 0)
        return 29;
    return month >= 1 && month <= 12 ? length[month - 1] : 31;
}

static void count_date(uint8_t *registers, uint8_t control)
{
    unsigned month = decode(registers[RTC_MONTH], control);
    unsigned year = decode(registers[RTC_YEAR], control);
    count_up(&registers[RTC_WEEKDAY], 1, 7, control);
    if (!count_up(&registers[RTC_DATE], 1, month_length(month, year), control))
        return;
    if (!count_up(&registers[RTC_MONTH], 1, 12, control))
        return;
    if (count_up(&registers[RTC_YEAR], 0, 99, control))
        count_up(&registers[RTC_CENTURY], 0, 99, 0);
}

/* Whether today is the last Sunday of a month of 30 (April) or 31 days (October). */
static bool is_last_sunday(const uint8_t *registers, uint8_t control, unsigned month)
{
    unsigned date = decode(registers[RTC_DATE], control);
    return decode(registers[RTC_MONTH], control) == month &&
           decode(registers[RTC_WEEKDAY], control) == SUNDAY && date + 7 > month_length(month, 1);
}

/* The hour after 1:59:59 a.m., when daylight saving makes it another than 2. */
static void adjust_daylight_saving(uint8_t *registers, uint8_t control, bool *fell_back)
{
    if (decode(registers[RTC_HOURS], control) != 2) /* PM makes it another number */
        return;
    if (is_last_sunday(registers, control, APRIL)) {
        registers[RTC_HOURS] = encode(3, control);
    } else if (is_last_sunday(registers, control, OCTOBER)) {
        *fell_back = !*fell_back;
        if (*fell_back)
            registers[RTC_HOURS] = encode(1, control);
    }
}

void rtc_time_advance(uint8_t *registers, uint8_t control, bool *fell_back)
{
    if (!count_up(&registers[RTC_SECONDS], 0, 59, control))
        return;
    if (!count_up(&registers[RTC_MINUTES], 0, 59, control))
        return;
    if (count_hours(&registers[RTC_HOURS], control)) {
        *fell_back = false;
        count_date(registers, control);
    } else if (control & RTC_DSE) {
        adjust_daylight_saving(registers, control, fell_back);
    }
}

void rtc_time_set(uint8_t *registers, uint64_t unix_time)
{
    uint64_t days = unix_time / SECONDS_PER_DAY;
    unsigned seconds = (unsigned)(unix_time % SECONDS_PER_DAY);
    unsigned weekday = (unsigned)((days + 4) % 7); /* 1970-01-01 was a Thursday */
    unsigned year = 1970, month = 1;

    /* The calendar repeats every 400 years. */
    year += (unsigned)(days / 146097 % 20) * 400;
    days %= 146097;
    for (;; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        unsigned length = leap ? 366 : 365;
        if (days >= length) {
            days -= length;
            continue;
        }
        unsigned leap_key = leap ? 0 : 1;
        while (days >= month_length(month, leap_key))
            days -= month_length(month++, leap_key);
        break;
    }
    registers[RTC_SECONDS] = encode(seconds % 60, 0);
    registers[RTC_MINUTES] = encode(seconds / 60 % 60, 0);
    registers[RTC_HOURS] = encode(seconds / 3600, 0);
    registers[RTC_WEEKDAY] = encode(weekday + 1, 0);
    registers[RTC_DATE] = encode((unsigned)days + 1, 0);
    registers[RTC_MONTH] = encode(month, 0);
    registers[RTC_YEAR] = encode(year % 100, 0);
    registers[RTC_CENTURY] = encode(year / 100 % 100, 0);
}
