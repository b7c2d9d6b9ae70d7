/* The local APIC's timer, computed from the bus clock when it is looked at. */
#include "devices/local_apic_timer.h"

#include "base/time128.h"
#include "devices/local_apic.h"

enum { DIVIDE_BITS = 0xB };

/* A count that goes on at another pace began, on paper, up to a whole count before power-on. */
static const char *local_apic_timer_misfit(const void *base)
{
    const struct local_apic_timer *timer = base;
    uint64_t now = clock_ticks(timer->clock, LOCAL_APIC_BUS_HERTZ), longest = UINT64_C(1) << 40;
    if (timer->counting && !timer->initial)
        return "it counts from nothing";
    return timer->counting && now - timer->start > now + longest ? "it counts from the future"
                                                                 : NULL;
}

const struct field local_apic_timer_fields[] = {
    FIELD(struct local_apic_timer, start),
    FIELD(struct local_apic_timer, initial),
    FIELD_MOST(struct local_apic_timer, divide, DIVIDE_BITS),
    FIELD(struct local_apic_timer, counting),
    FIELD(struct local_apic_timer, periodic),
    FIELD(struct local_apic_timer, interrupts),
    FIELD_STRUCT(struct local_apic_timer, expiry, timer_fields),
    FIELD_CHECK(local_apic_timer_misfit),
    FIELD_TRANSIENT(struct local_apic_timer, clock),
    FIELD_END,
};

static uint64_t bus_cycles(const struct local_apic_timer *timer)
{
    return clock_ticks(timer->clock, LOCAL_APIC_BUS_HERTZ);
}

/* Bits 3, 1 and 0 of the divide configuration: 2, 4, ... 128, and then 1. */
static unsigned divide_shift(const struct local_apic_timer *timer)
{
    unsigned code = (timer->divide & 3) | (timer->divide >> 1 & 4);
    return (code + 1) & 7;
}

/* Brings start and counting up to now, so that start is less than one count sequence ago. */
static void sync(struct local_apic_timer *timer)
{
    if (!timer->counting)
        return;
    unsigned shift = divide_shift(timer);
    uint64_t counts = (bus_cycles(timer) - timer->start) >> shift;
    if (counts < timer->initial)
        return;
    if (timer->periodic)
        timer->start += (counts - counts % timer->initial) << shift;
    else
        timer->counting = false;
}

static void schedule(struct local_apic_timer *timer)
{
    if (timer->counting && timer->interrupts) {
        uint64_t end = timer->start + ((uint64_t)timer->initial << divide_shift(timer));
        timer_arm(&timer->expiry, muldiv64_up(end, NS_PER_SECOND, LOCAL_APIC_BUS_HERTZ));
    } else {
        timer_cancel(&timer->expiry);
    }
}

void local_apic_timer_init(struct local_apic_timer *timer, struct clock *clock,
                           void (*expired)(void *apic), void *apic)
{
    timer->clock = clock;
    timer_init(&timer->expiry, clock, expired, apic);
}

void local_apic_timer_reset(struct local_apic_timer *timer)
{
    timer->start = 0;
    timer->initial = timer->divide = 0;
    timer->counting = timer->periodic = timer->interrupts = false;
    schedule(timer);
}

void local_apic_timer_set_initial(struct local_apic_timer *timer, uint32_t count)
{
    timer->initial = count;
    timer->counting = count != 0;
    timer->start = bus_cycles(timer);
    schedule(timer);
}

/* The count goes on from where it is, at the new pace. */
void local_apic_timer_set_divide(struct local_apic_timer *timer, uint32_t value)
{
    uint64_t done = timer->initial - local_apic_timer_current(timer);
    timer->divide = value & DIVIDE_BITS;
    timer->start = bus_cycles(timer) - (done << divide_shift(timer));
    schedule(timer);
}

void local_apic_timer_set_mode(struct local_apic_timer *timer, bool periodic, bool interrupts)
{
    sync(timer);
    timer->periodic = periodic;
    timer->interrupts = interrupts;
    schedule(timer);
}

uint32_t local_apic_timer_current(struct local_apic_timer *timer)
{
    sync(timer);
    if (!timer->counting)
        return 0;
    return timer->initial - (uint32_t)((bus_cycles(timer) - timer->start) >> divide_shift(timer));
}

void local_apic_timer_rearm(struct local_apic_timer *timer)
{
    sync(timer);
    schedule(timer);
}
