#include "bus/clock.h"

#include "base/memory.h"
#include "base/time128.h"

#include <stddef.h>

#define PS_PER_NS 1000

struct clock {
    uint64_t base_icount; /* where the present rate began */
    uint64_t base_ns;     /* virtual time there, with idle time since added */
    uint64_t ps_per_insn;
    uint32_t timer_count;
    struct timer *timers;
    struct clock_source source;
};

/* A moment of the present that can be told, and goes on. */
static const char *clock_misfit(const void *base)
{
    const struct clock *clock = base;
    uint64_t icount = clock_icount(clock);
    if (clock->base_icount > icount)
        return "it begins at an instruction that is still to come";
    if ((uint128_t)(icount - clock->base_icount) * clock->ps_per_insn / PS_PER_NS > CLOCK_LATEST)
        return "more time has passed than there is";
    return NULL;
}

const struct field clock_fields[] = {
    FIELD_MOST(struct clock, base_icount, CLOCK_LATEST),
    FIELD_MOST(struct clock, base_ns, CLOCK_LATEST),
    FIELD_RANGE(struct clock, ps_per_insn, 1, CLOCK_MOST_PS_PER_INSN),
    FIELD_FIXED(struct clock, timer_count),
    FIELD_CHECK(clock_misfit),
    FIELD_TRANSIENT(struct clock, timers),
    FIELD_TRANSIENT(struct clock, source),
    FIELD_END,
};

static const char *timer_misfit(const void *base)
{
    const struct timer *timer = base;
    bool is_moment = timer->deadline <= CLOCK_LATEST || timer->deadline == CLOCK_NEVER;
    return is_moment ? NULL : "the deadline is later than any";
}

const struct field timer_fields[] = {
    FIELD(struct timer, deadline),
    FIELD_FIXED(struct timer, rank),
    FIELD_CHECK(timer_misfit),
    FIELD_TRANSIENT(struct timer, clock),
    FIELD_TRANSIENT(struct timer, expired),
    FIELD_TRANSIENT(struct timer, device),
    FIELD_TRANSIENT(struct timer, next),
    FIELD_END,
};

struct clock *clock_new(void)
{
    struct clock *clock = mem_new(sizeof *clock);
    clock->ps_per_insn = CLOCK_DEFAULT_PS_PER_INSN;
    return clock;
}

void clock_free(struct clock *clock)
{
    mem_free(clock);
}

void clock_set_source(struct clock *clock, const struct clock_source *source)
{
    clock->source = *source;
}

uint64_t clock_icount(const struct clock *clock)
{
    return clock->source.icount ? clock->source.icount(clock->source.opaque) : 0;
}

uint64_t clock_now(const struct clock *clock)
{
    uint64_t insns = clock_icount(clock) - clock->base_icount;
    return clock->base_ns + muldiv64(insns, clock->ps_per_insn, PS_PER_NS);
}

uint64_t clock_ticks(const struct clock *clock, uint64_t hertz)
{
    return muldiv64(clock_now(clock), hertz, NS_PER_SECOND);
}

bool clock_ticks_are_insns(const struct clock *clock, uint64_t hertz, uint64_t *at_zero)
{
    uint64_t ns_per_tick = clock->ps_per_insn / PS_PER_NS;
    if (clock->ps_per_insn % PS_PER_NS || ns_per_tick * hertz != NS_PER_SECOND)
        return false;
    *at_zero = clock->base_ns / ns_per_tick - clock->base_icount;
    return true;
}

uint64_t clock_tsc_hertz(const struct clock *clock)
{
    (void)clock;
    return NS_PER_SECOND * PS_PER_NS / CLOCK_DEFAULT_PS_PER_INSN;
}

void clock_set_rate(struct clock *clock, uint64_t picoseconds_per_insn)
{
    clock->base_ns = clock_now(clock);
    clock->base_icount = clock_icount(clock);
    clock->ps_per_insn = picoseconds_per_insn;
}

void timer_init(struct timer *timer, struct clock *clock, void (*expired)(void *), void *device)
{
    *timer = (struct timer){
        .deadline = CLOCK_NEVER,
        .rank = clock->timer_count++,
        .clock = clock,
        .expired = expired,
        .device = device,
        .next = clock->timers,
    };
    clock->timers = timer;
}

void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
    struct clock *clock = timer->clock;
    timer->deadline = deadline_ns;
    if (clock->source.interrupt)
        clock->source.interrupt(clock->source.opaque);
}

void timer_cancel(struct timer *timer)
{
    timer->deadline = CLOCK_NEVER;
}

/* A machine has some twenty timers, and asks once a deadline: a walk beats a heap. */
static struct timer *earliest_timer(const struct clock *clock)
{
    struct timer *earliest = NULL;
    for (struct timer *timer = clock->timers; timer; timer = timer->next) {
        if (!timer_armed(timer))
            continue;
        if (!earliest || timer->deadline < earliest->deadline ||
            (timer->deadline == earliest->deadline && timer->rank < earliest->rank))
            earliest = timer;
    }
    return earliest;
}

uint64_t clock_next_deadline(const struct clock *clock)
{
    const struct timer *timer = earliest_timer(clock);
    return timer ? timer->deadline : CLOCK_NEVER;
}

uint64_t clock_insns_until(const struct clock *clock, uint64_t ns)
{
    if (ns == CLOCK_NEVER)
        return CLOCK_NEVER;
    if (ns <= clock_now(clock))
        return 0;
    uint64_t since_base = muldiv64_up(ns - clock->base_ns, PS_PER_NS, clock->ps_per_insn);
    return since_base - (clock_icount(clock) - clock->base_icount);
}

bool clock_expire(struct clock *clock)
{
    uint64_t now = clock_now(clock);
    bool expired = false;
    for (struct timer *timer; (timer = earliest_timer(clock)) && timer->deadline <= now;) {
        timer->deadline = CLOCK_NEVER;
        timer->expired(timer->device);
        expired = true;
    }
    return expired;
}

void clock_skip_to(struct clock *clock, uint64_t ns)
{
    uint64_t now = clock_now(clock);
    if (ns > now)
        clock->base_ns += ns - now;
}

void clock_stall(struct clock *clock, uint64_t ns)
{
    clock->base_ns += ns;
    if (clock->source.interrupt)
        clock->source.interrupt(clock->source.opaque);
}
