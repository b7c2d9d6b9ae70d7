/* The one virtual clock, and the timers on it.
 *
 * Virtual time is the number of retired instructions times a rate, plus the idle time that was
 * skipped while the processor was halted, or waited for a slow bus cycle. Nothing below the gate
 * may ask the host for the time.
 *
 * All times are nanoseconds since power-on (uint64_t). */
#ifndef BUS_CLOCK_H
#define BUS_CLOCK_H

#include "snapshot/field.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER UINT64_MAX
/* Neither the present nor a deadline is later in a state that is loaded: 146 years, so that sums of
 * times stay far from overflow. */
#define CLOCK_LATEST (UINT64_C(1) << 62)

/* An instruction takes at least a picosecond, and at most a millisecond. */
#define CLOCK_MOST_PS_PER_INSN UINT64_C(1000000000)

/* Nominal instruction rate: 10 ns each, a 100 MHz machine that retires one a cycle. */
#define CLOCK_DEFAULT_PS_PER_INSN UINT64_C(10000)

struct clock;

/* One pending moment. Lives inside a device's struct; the device lists timer_fields for it. */
struct timer {
    uint64_t deadline;             /* CLOCK_NEVER when not armed */
    uint32_t rank;                 /* order among equal deadlines; given by timer_init */
    struct clock *clock;           /* wiring */
    void (*expired)(void *device); /* wiring; the timer is disarmed before the call */
    void *device;                  /* wiring */
    struct timer *next;            /* wiring: the clock's list of all timers */
};
extern const struct field timer_fields[];

/* Who counts instructions. */
struct clock_source {
    /* Instructions retired since power-on, exact also in the middle of a block. */
    uint64_t (*icount)(void *opaque);
    /* A deadline was armed: the processor must come back to the run loop before its next
     * instruction, so that the budget is computed anew. */
    void (*interrupt)(void *opaque);
    void *opaque;
};

struct clock *clock_new(void);
void clock_free(struct clock *clock);
void clock_set_source(struct clock *clock, const struct clock_source *source);
/* The clock's own persistent state, for the state map. */
extern const struct field clock_fields[];

uint64_t clock_now(const struct clock *clock);    /* ns */
uint64_t clock_icount(const struct clock *clock); /* instructions */
/* Ticks of a free-running counter of frequency hertz since power-on. */
uint64_t clock_ticks(const struct clock *clock, uint64_t hertz);
/* Whether that counter advances by one with every instruction, as long as no time is skipped or
 * stalled and the rate stays; *at_zero is then its value, modulo 2^64, at instruction 0. */
bool clock_ticks_are_insns(const struct clock *clock, uint64_t hertz, uint64_t *at_zero);
/* Time stamp counter frequency in hertz: one tick per instruction at the nominal rate. */
uint64_t clock_tsc_hertz(const struct clock *clock);

/* Changes how much virtual time an instruction takes, from now on (a logged event). */
void clock_set_rate(struct clock *clock, uint64_t picoseconds_per_insn);

/* Registers timer with the clock, disarmed. Call once, in the device's constructor. */
void timer_init(struct timer *timer, struct clock *clock, void (*expired)(void *), void *device);
/* Arms (or moves) the timer; a deadline at or before now expires at the next boundary. */
void timer_arm(struct timer *timer, uint64_t deadline_ns);
void timer_cancel(struct timer *timer);
static inline bool timer_armed(const struct timer *timer)
{
    return timer->deadline != CLOCK_NEVER;
}

/* For the run loop: earliest deadline or CLOCK_NEVER; instructions until ns (rounded up, 0 when it
 * has been reached); expire what is due, in order of deadline and rank (true: something was); pass
 * idle time until ns. */
uint64_t clock_next_deadline(const struct clock *clock);
uint64_t clock_insns_until(const struct clock *clock, uint64_t ns);
bool clock_expire(struct clock *clock);
void clock_skip_to(struct clock *clock, uint64_t ns);

/* For a device, inside an access: the processor waits ns longer for the bus than an instruction
 * takes. Deadlines that pass meanwhile expire before the next instruction. */
void clock_stall(struct clock *clock, uint64_t ns);

#endif
