/* The local APIC's timer: a down counter on the bus clock, one-shot or periodic. A part of
 * local_apic; the LVT entry stays there.
 *
 * Source: Intel SDM volume 3A, 10.5.4. */
#ifndef DEVICES_LOCAL_APIC_TIMER_H
#define DEVICES_LOCAL_APIC_TIMER_H

#include "bus/clock.h"

struct local_apic_timer {
    uint64_t start;   /* bus clock cycle at which the count was initial */
    uint32_t initial; /* initial count register; 0 stops the timer */
    uint32_t divide;  /* divide configuration register */
    bool counting;    /* false once a one-shot count has reached 0 */
    bool periodic;    /* from the LVT entry */
    bool interrupts;  /* the LVT entry is not masked: expiry must be on time */
    struct timer expiry;
    struct clock *clock;
};
extern const struct field local_apic_timer_fields[];

/* expired is called with apic at each expiry while interrupts are wanted. */
void local_apic_timer_init(struct local_apic_timer *timer, struct clock *clock,
                           void (*expired)(void *apic), void *apic);
void local_apic_timer_reset(struct local_apic_timer *timer);
/* Writes of the registers. */
void local_apic_timer_set_initial(struct local_apic_timer *timer, uint32_t count);
void local_apic_timer_set_divide(struct local_apic_timer *timer, uint32_t value);
/* The LVT entry changed. */
void local_apic_timer_set_mode(struct local_apic_timer *timer, bool periodic, bool interrupts);
/* The current count register. */
uint32_t local_apic_timer_current(struct local_apic_timer *timer);
/* To be called first thing in expired: schedules the next period. */
void local_apic_timer_rearm(struct local_apic_timer *timer);

#endif
