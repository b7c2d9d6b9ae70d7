/* INT 1Ah, the real-time clock and its interrupt, waits (IBM PC/AT technical reference). */
#include "bios/services.h"

#define RTC_A 0x0A
#define RTC_B 0x0B
#define RTC_C 0x0C
#define RTC_D 0x0D

#define RTC_B_SET  0x80
#define RTC_B_PIE  0x40
#define RTC_B_AIE  0x20
#define RTC_B_UIE  0x10
#define RTC_PERIOD 976 /* microseconds of the 1024 Hz periodic interrupt */

#define WAIT_BUSY    0x01
#define WAIT_ELAPSED 0x80

/* Passes a short time, less than a microsecond on a fast processor and less than a refresh
 * period on a slow one. A repeated string instruction waits without the bus being asked, and costs
 * an emulator's host little. */
static void linger(void)
{
    u32 source = 0, count = 64;
    __asm__ volatile("cld; rep lodsb" : "+S"(source), "+c"(count) : : "eax", "cc");
}

/* Bit 4 of port 61h turns over with each memory refresh, every 15.085 us. */
void delay_us(u16 microseconds)
{
    u16 refreshes = microseconds / 15 + 1;
    u8 last = inb(0x61) & 0x10;
    while (refreshes) {
        u16 patience = 1000;
        u8 now;
        while ((now = inb(0x61) & 0x10) == last && --patience)
            linger();
        last = now;
        refreshes--;
    }
}

void delay_ms(u16 milliseconds)
{
    while (milliseconds--) {
        delay_us(1000);
        interrupt_window();
    }
}

u32 ticks_since(u32 start)
{
    u32 now = BDA->ticks;
    return now >= start ? now - start : now + 0x1800B0 - start;
}

/* Waits out an update of the clock; true when its registers may be read. */
static bool rtc_ready(void)
{
    for (u16 i = 0; i < 4000; i++) {
        if (!(cmos_read(RTC_A) & 0x80))
            return true;
        delay_us(1);
    }
    return false;
}

/* The divider runs again, interrupts are off, 24 hours, BCD, as the AT BIOS repairs a clock. */
static void rtc_repair(void)
{
    cmos_write(RTC_A, 0x26);
    cmos_write(RTC_B, 0x02);
    (void)cmos_read(RTC_C);
    (void)cmos_read(RTC_D);
}

static void get_time(struct regs *r)
{
    r->dh = cmos_read(0x00);
    r->cl = cmos_read(0x02);
    r->ch = cmos_read(0x04);
    r->dl = cmos_read(RTC_B) & 1;
    r->ah = 0;
    r->al = r->ch;
}

static void set_time(struct regs *r)
{
    u8 b = (u8)((cmos_read(RTC_B) & 0x60) | 0x02 | (r->dl & 1));
    cmos_write(RTC_B, b | RTC_B_SET);
    cmos_write(0x00, r->dh);
    cmos_write(0x02, r->cl);
    cmos_write(0x04, r->ch);
    cmos_write(RTC_B, b);
    r->ah = 0;
    r->al = b;
}

static void get_date(struct regs *r)
{
    r->dl = cmos_read(0x07);
    r->dh = cmos_read(0x08);
    r->cl = cmos_read(0x09);
    r->ch = cmos_read(0x32);
    r->ah = 0;
    r->al = r->ch;
}

static void set_date(struct regs *r)
{
    u8 b = cmos_read(RTC_B);
    cmos_write(RTC_B, b | RTC_B_SET);
    cmos_write(0x06, 0);
    cmos_write(0x07, r->dl);
    cmos_write(0x08, r->dh);
    cmos_write(0x09, r->cl);
    cmos_write(0x32, r->ch);
    cmos_write(RTC_B, b & (u8)~RTC_B_SET);
    r->ah = 0;
}

static void unmask_rtc(void)
{
    outb(0xA1, inb(0xA1) & 0xFE);
    outb(0x21, inb(0x21) & 0xFB);
}

static void set_alarm(struct regs *r)
{
    u8 b = cmos_read(RTC_B);
    r->ax = 0;
    if (b & RTC_B_AIE) {
        carry_set(r);
        return;
    }
    cmos_write(0x01, r->dh);
    cmos_write(0x03, r->cl);
    cmos_write(0x05, r->ch);
    unmask_rtc();
    cmos_write(RTC_B, (u8)((b & 0x7F) | RTC_B_AIE));
}

static void rtc_service(struct regs *r)
{
    carry_clear(r);
    if (!rtc_ready()) {
        if (r->ah == 2 || r->ah == 4) {
            carry_set(r);
            return;
        }
        rtc_repair();
    }
    switch (r->ah) {
    case 2:
        get_time(r);
        break;
    case 3:
        set_time(r);
        break;
    case 4:
        get_date(r);
        break;
    case 5:
        set_date(r);
        break;
    case 6:
        set_alarm(r);
        break;
    case 7:
        cmos_write(RTC_B, cmos_read(RTC_B) & (u8) ~(RTC_B_SET | RTC_B_AIE));
        r->ah = 0;
        break;
    }
}

void time_service(struct regs *r)
{
    switch (r->ah) {
    case 0x00: {
        u32 ticks = BDA->ticks;
        r->cx = (u16)(ticks >> 16);
        r->dx = (u16)ticks;
        r->ax = BDA->midnight;
        BDA->midnight = 0;
        carry_clear(r);
        break;
    }
    case 0x01:
        BDA->ticks = (u32)r->cx << 16 | r->dx;
        BDA->midnight = 0;
        r->ah = 0;
        carry_clear(r);
        break;
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x05:
    case 0x06:
    case 0x07:
        rtc_service(r);
        break;
    case 0xB1:
        pci_service(r);
        break;
    default:
        carry_set(r);
    }
}

/* The ticks since midnight: 1193182 / 65536 a second. */
void time_initialise(void)
{
    if (!rtc_ready() || !(cmos_read(RTC_D) & 0x80))
        rtc_repair();
    cmos_write(RTC_A, 0x26);
    cmos_write(RTC_B, (u8)((cmos_read(RTC_B) & 0x01) | 0x02));
    (void)cmos_read(RTC_C);
    u32 seconds = (u32)from_bcd(cmos_read(0x04)) * 3600 + (u32)from_bcd(cmos_read(0x02)) * 60 +
                  from_bcd(cmos_read(0x00));
    BDA->ticks = seconds * 18 + (seconds * 13534 >> 16);
    BDA->midnight = 0;
}

static void periodic_event(void)
{
    if (!(BDA->wait_flag & WAIT_BUSY))
        return;
    if (BDA->wait_count > RTC_PERIOD) {
        BDA->wait_count -= RTC_PERIOD;
        return;
    }
    BDA->wait_count = 0;
    cmos_write(RTC_B, cmos_read(RTC_B) & (u8)~RTC_B_PIE);
    BDA->wait_flag = 0;
    u32 pointer = BDA->wait_pointer;
    u16 segment = (u16)(pointer >> 16), offset = (u16)pointer;
    far_write8(segment, offset, far_read8(segment, offset) | WAIT_ELAPSED);
}

void rtc_interrupt(struct regs *r)
{
    (void)r;
    u8 causes = cmos_read(RTC_C) & cmos_read(RTC_B);
    if (causes & RTC_B_PIE)
        periodic_event();
    if (causes & RTC_B_AIE) {
        struct regs alarm = {0};
        call_interrupt(&alarm, 0x4A);
    }
    outb(0xA0, 0x20);
    outb(0x20, 0x20);
}

static bool start_wait(u32 pointer, u32 microseconds)
{
    if (BDA->wait_flag & WAIT_BUSY)
        return false;
    BDA->wait_pointer = pointer;
    BDA->wait_count = microseconds;
    BDA->wait_flag = WAIT_BUSY;
    unmask_rtc();
    cmos_write(RTC_A, 0x26);
    cmos_write(RTC_B, (u8)((cmos_read(RTC_B) & 0x7F) | RTC_B_PIE));
    return true;
}

void wait_event(struct regs *r)
{
    carry_clear(r);
    if (r->al == 1) {
        cmos_write(RTC_B, cmos_read(RTC_B) & (u8)~RTC_B_PIE);
        BDA->wait_flag = 0;
        r->ah = 0;
    } else if (r->al != 0 || !start_wait((u32)r->es << 16 | r->bx, (u32)r->cx << 16 | r->dx)) {
        r->ah = r->al ? 0x86 : 0x83;
        carry_set(r);
    } else {
        r->ah = 0;
    }
}

void wait_elapsed(struct regs *r)
{
    u32 done = (u32)SEG_BDA << 16 | offsetof(struct bda, wait_flag);
    carry_clear(r);
    if (!start_wait(done, (u32)r->cx << 16 | r->dx)) {
        r->ah = 0x83;
        carry_set(r);
        return;
    }
    while (!(BDA->wait_flag & WAIT_ELAPSED))
        interrupt_wait();
    BDA->wait_flag = 0;
}
