/* Intel 8254. A counter's state is exact as of the CLK pulse `synced`; every access first runs it
 * forward to now, in steps that each span all the pulses up to the next thing that happens (a load,
 * terminal count, a half-cycle's end), with whole periods skipped. */
#include "devices/i8254.h"

#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"

enum {
    COUNTERS = 3,
    CONTROL_PORT = 3,
    CONTROL_BITS = 0x3F,
    MOST_COUNT = 65536,
    MOST_AHEAD = 16, /* pulses, see counter_settle */

    ACCESS_LATCH = 0,
    ACCESS_LSB = 1,
    ACCESS_MSB = 2,
    ACCESS_WORD = 3,

    SELECT_READ_BACK = 3,
    READ_BACK_NO_COUNT = 0x20,
    READ_BACK_NO_STATUS = 0x10,

    STATUS_OUT = 0x80,
    STATUS_NULL_COUNT = 0x40,
};

struct counter {
    uint64_t synced;  /* CLK pulses since power-on that the rest accounts for; see counter_settle */
    uint32_t element; /* CE, 0..65536 or 0..10000 */
    uint32_t period;  /* what CE was last loaded with */
    uint16_t reload;  /* CR */
    uint16_t latched; /* OL */
    uint8_t control;  /* low six bits of the control word: access, mode, BCD */
    uint8_t status;   /* latched status */
    bool count_latched, status_latched;
    bool read_high, write_high; /* the next byte of a two-byte access is the MSB */
    bool null_count;
    bool has_count;    /* CR was written since the control word */
    bool load_pending; /* CE is loaded by the next pulse */
    bool triggered;    /* GATE rose: sampled by the next pulse */
    bool inhibited;    /* mode 0, between the two bytes of a count */
    bool armed;        /* one-shot modes: terminal count will change OUT */
    bool running;      /* CE was loaded since the control word */
    bool gate;
    bool out;
};

struct i8254 {
    struct counter counter[COUNTERS];
    bool irq_level;
    struct timer timer; /* counter 0's next change of OUT */
    struct clock *clock;
    struct irq_line irq0;
};

static const struct field counter_fields[] = {
    FIELD(struct counter, synced),
    FIELD_MOST(struct counter, element, MOST_COUNT),
    FIELD_MOST(struct counter, period, MOST_COUNT),
    FIELD(struct counter, reload),
    FIELD(struct counter, latched),
    FIELD_MOST(struct counter, control, CONTROL_BITS),
    FIELD(struct counter, status),
    FIELD(struct counter, count_latched),
    FIELD(struct counter, status_latched),
    FIELD(struct counter, read_high),
    FIELD(struct counter, write_high),
    FIELD(struct counter, null_count),
    FIELD(struct counter, has_count),
    FIELD(struct counter, load_pending),
    FIELD(struct counter, triggered),
    FIELD(struct counter, inhibited),
    FIELD(struct counter, armed),
    FIELD(struct counter, running),
    FIELD(struct counter, gate),
    FIELD(struct counter, out),
    FIELD_END,
};

static const char *i8254_misfit(const void *base);

static const struct field i8254_fields[] = {
    FIELD_STRUCTS(struct i8254, counter, counter_fields),
    FIELD(struct i8254, irq_level),
    FIELD_STRUCT(struct i8254, timer, timer_fields),
    FIELD_CHECK(i8254_misfit),
    FIELD_TRANSIENT(struct i8254, clock),
    FIELD_TRANSIENT(struct i8254, irq0),
    FIELD_END,
};

/* --- the counting element --- */

static unsigned counter_access(const struct counter *c)
{
    return c->control >> 4 & 3;
}

/* Modes 6 and 7 are 2 and 3: the data sheet's X bit. */
static unsigned counter_mode(const struct counter *c)
{
    unsigned mode = c->control >> 1 & 7;
    return mode > 5 ? mode - 4 : mode;
}

static uint32_t counter_modulus(const struct counter *c)
{
    return c->control & 1 ? 10000 : 65536;
}

static uint32_t from_bcd(uint32_t bcd)
{
    return (bcd & 15) + (bcd >> 4 & 15) * 10 + (bcd >> 8 & 15) * 100 + (bcd >> 12 & 15) * 1000;
}

static uint32_t to_bcd(uint32_t value)
{
    return value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 % 10 << 12;
}

/* CE as the processor reads it. */
static uint16_t counter_value(const struct counter *c)
{
    uint32_t value = c->element % counter_modulus(c);
    return (uint16_t)(c->control & 1 ? to_bcd(value) : value);
}

/* CR to CE, in one CLK pulse. */
static void load_element(struct counter *c)
{
    uint32_t count = c->control & 1 ? from_bcd(c->reload) : c->reload;
    c->period = count ? count : counter_modulus(c);
    c->element = counter_mode(c) == 3 ? c->period & ~1u : c->period;
    c->null_count = false;
    c->load_pending = false;
    c->triggered = false;
    c->running = true;
    c->armed = true;
}

/* Modes 0, 1, 4, 5: counts down, wraps, and terminal count works once. */
static uint64_t run_one_shot(struct counter *c, uint64_t pulses)
{
    uint32_t modulus = counter_modulus(c);
    bool strobe = counter_mode(c) >= 4;
    uint64_t to_zero = c->element ? c->element : modulus;
    uint64_t count = pulses;

    if (strobe && !c->out) { /* the strobe is one pulse wide, whatever GATE says */
        c->out = true;
        count = 1;
    } else if (c->armed && count > to_zero) {
        count = to_zero;
    }
    if (counter_mode(c) == 4 && !c->gate)
        return count;
    c->element = (uint32_t)((c->element + modulus - count % modulus) % modulus);
    if (c->armed && count == to_zero) {
        c->armed = false;
        c->out = !strobe;
    }
    return count;
}

static uint64_t run_rate(struct counter *c, uint64_t pulses)
{
    if (!c->null_count && pulses >= 2 * (uint64_t)c->period)
        return pulses - pulses % c->period - c->period;
    if (c->element > 1) {
        uint64_t count = c->element - 1;
        if (count > pulses)
            count = pulses;
        c->element -= (uint32_t)count;
        c->out = c->element != 1;
        return count;
    }
    load_element(c);
    c->out = true;
    return 1;
}

static uint64_t run_square(struct counter *c, uint64_t pulses)
{
    uint64_t cycle = c->period > 1 ? c->period : 2;
    if (!c->null_count && pulses >= 2 * cycle)
        return pulses - pulses % cycle - cycle;
    /* With an odd count, the high half lasts one pulse longer. */
    uint32_t last = c->out && (c->period & 1) ? 0 : 2;
    if (c->element > last) {
        uint64_t count = (c->element - last) / 2;
        if (count > pulses)
            count = pulses;
        c->element -= 2 * (uint32_t)count;
        return count;
    }
    load_element(c);
    c->out = !c->out;
    return 1;
}

/* Whether the next pulse does anything. */
static bool counter_stands(const struct counter *c)
{
    unsigned mode = counter_mode(c);
    if (c->load_pending || (c->triggered && c->has_count))
        return false;
    if (!c->running)
        return true;
    if (mode == 0)
        return !c->gate || c->inhibited;
    if (mode == 4)
        return !c->gate && c->out;
    return (mode == 2 || mode == 3) && !c->gate;
}

/* Runs at least one and at most pulses CLK pulses, and returns how many. OUT changes, if it does,
 * with the last of them. */
static uint64_t counter_step(struct counter *c, uint64_t pulses)
{
    unsigned mode = counter_mode(c);

    if (counter_stands(c))
        return pulses;
    if (c->load_pending || (c->triggered && c->has_count)) {
        load_element(c);
        c->out = mode != 1;
        if (mode == 0)
            c->out = false;
        return 1;
    }
    if (mode == 2)
        return run_rate(c, pulses);
    if (mode == 3)
        return run_square(c, pulses);
    return run_one_shot(c, pulses);
}

static void counter_sync(struct counter *c, uint64_t now)
{
    if (now <= c->synced) /* counter_settle went ahead */
        return;
    uint64_t pulses = now - c->synced;
    c->synced = now;
    while (pulses)
        pulses -= counter_step(c, pulses);
}

/* On the ISA bus two accesses are never closer than a CLK pulse, so software reads a count that it
 * has just written. Here instructions are quicker: the load is done one pulse early for the reader,
 * and the counter then waits for time to catch up. */
static void counter_settle(struct counter *c, uint64_t now)
{
    if (!c->load_pending || c->synced > now + MOST_AHEAD)
        return;
    counter_step(c, 1);
    c->synced++;
}

/* CLK pulses until OUT changes, or 0 for never if nothing is written. */
static uint64_t counter_next_change(const struct counter *c)
{
    enum {
        MOST_STEPS = 4,
        LONG = 1 << 18
    }; /* longer than any count, so that steps end at events */
    struct counter copy = *c;
    uint64_t total = 0;
    for (unsigned i = 0; i < MOST_STEPS && !counter_stands(&copy); i++) {
        uint64_t most = copy.period > 1 ? copy.period : 2;
        total += counter_step(&copy, copy.running ? most : LONG);
        if (copy.out != c->out)
            return total;
    }
    return 0;
}

static const char *i8254_misfit(const void *base)
{
    const struct i8254 *pit = base;
    uint64_t now = clock_ticks(pit->clock, I8254_HERTZ);
    for (unsigned i = 0; i < COUNTERS; i++) {
        const struct counter *c = &pit->counter[i];
        if (c->synced > now + MOST_AHEAD + 1)
            return "a counter is ahead of time";
        if (c->running && !c->period)
            return "a counter runs from no count";
        if (c->running && counter_mode(c) == 3 && c->element % 2)
            return "a counter of square waves is at an odd count";
    }
    return NULL;
}

/* --- registers --- */

static void write_control(struct counter *c, uint8_t value)
{
    c->control = value & CONTROL_BITS;
    c->out = counter_mode(c) != 0;
    c->reload = 0;
    c->null_count = true;
    c->count_latched = c->status_latched = false;
    c->read_high = c->write_high = false;
    c->has_count = c->load_pending = c->triggered = false;
    c->inhibited = c->armed = c->running = false;
}

/* CR is complete. */
static void count_written(struct counter *c)
{
    unsigned mode = counter_mode(c);
    c->has_count = true;
    c->null_count = true;
    c->inhibited = false;
    if (mode == 0)
        c->out = false;
    if (mode == 0 || mode == 4 || ((mode == 2 || mode == 3) && !c->running))
        c->load_pending = true;
}

static void write_count(struct counter *c, uint8_t value)
{
    switch (counter_access(c)) {
    case ACCESS_LSB:
        c->reload = value;
        break;
    case ACCESS_MSB:
        c->reload = (uint16_t)(value << 8);
        break;
    default:
        c->write_high = !c->write_high;
        if (c->write_high) {
            c->reload = (c->reload & 0xFF00) | value;
            if (counter_mode(c) == 0) {
                c->inhibited = true;
                c->out = false;
                c->load_pending = false;
            }
            return;
        }
        c->reload = (uint16_t)((c->reload & 0xFF) | value << 8);
        break;
    }
    count_written(c);
}

static void latch_count(struct counter *c, uint64_t now)
{
    if (c->count_latched)
        return;
    counter_settle(c, now);
    c->latched = counter_value(c);
    c->count_latched = true;
}

static void latch_status(struct counter *c)
{
    if (c->status_latched)
        return;
    c->status =
        (uint8_t)((c->out ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL_COUNT : 0) | c->control);
    c->status_latched = true;
}

static uint8_t read_count(struct counter *c, uint64_t now)
{
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (!c->count_latched)
        counter_settle(c, now);
    uint16_t value = c->count_latched ? c->latched : counter_value(c);
    if (counter_access(c) == ACCESS_WORD) {
        bool high = c->read_high;
        c->read_high = !high;
        if (high)
            c->count_latched = false;
        return (uint8_t)(high ? value >> 8 : value);
    }
    c->count_latched = false;
    return (uint8_t)(counter_access(c) == ACCESS_MSB ? value >> 8 : value);
}

/* --- the chip --- */

/* Returns the CLK pulses since power-on. */
static uint64_t sync(struct i8254 *pit)
{
    uint64_t now = clock_ticks(pit->clock, I8254_HERTZ);
    for (unsigned i = 0; i < COUNTERS; i++)
        counter_sync(&pit->counter[i], now);
    return now;
}

/* Shows counter 0's output on IRQ 0, and wakes up at its next change. */
static void update_irq(struct i8254 *pit)
{
    const struct counter *c = &pit->counter[0];
    uint64_t wait = counter_next_change(c);

    if (wait)
        timer_arm(&pit->timer, muldiv64_up(c->synced + wait, NS_PER_SECOND, I8254_HERTZ));
    else
        timer_cancel(&pit->timer);
    if (c->out != pit->irq_level) {
        pit->irq_level = c->out;
        irq_set(&pit->irq0, c->out);
    }
}

static void timer_expired(void *device)
{
    struct i8254 *pit = device;
    counter_sync(&pit->counter[0], clock_ticks(pit->clock, I8254_HERTZ));
    update_irq(pit);
}

static void write_control_port(struct i8254 *pit, uint8_t value, uint64_t now)
{
    unsigned select = value >> 6;
    if (select == SELECT_READ_BACK) {
        for (unsigned i = 0; i < COUNTERS; i++) {
            if (!bit_is_set(value, i + 1))
                continue;
            if (!(value & READ_BACK_NO_COUNT))
                latch_count(&pit->counter[i], now);
            if (!(value & READ_BACK_NO_STATUS))
                latch_status(&pit->counter[i]);
        }
    } else if ((value >> 4 & 3) == ACCESS_LATCH) {
        latch_count(&pit->counter[select], now);
    } else {
        write_control(&pit->counter[select], value);
    }
}

static uint32_t i8254_read(void *device, uint32_t offset, unsigned size)
{
    struct i8254 *pit = device;
    if (offset == CONTROL_PORT)
        return 0xFF; /* write-only: the data bus floats */
    return read_count(&pit->counter[offset], sync(pit));
}

static void i8254_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct i8254 *pit = device;
    uint64_t now = sync(pit);
    if (offset == CONTROL_PORT)
        write_control_port(pit, (uint8_t)value, now);
    else
        write_count(&pit->counter[offset], (uint8_t)value);
    update_irq(pit);
}

void i8254_set_gate2(struct i8254 *pit, bool level)
{
    struct counter *c = &pit->counter[2];
    unsigned mode = counter_mode(c);
    if (level == c->gate)
        return;
    sync(pit);
    c->gate = level;
    if (level && mode != 0 && mode != 4)
        c->triggered = true;
    if (!level && (mode == 2 || mode == 3))
        c->out = true;
}

bool i8254_output(struct i8254 *pit, unsigned counter)
{
    sync(pit);
    return pit->counter[counter].out;
}

uint32_t i8254_counter2_period(struct i8254 *pit)
{
    const struct counter *c = &pit->counter[2];
    unsigned mode = counter_mode(c);
    sync(pit);
    return (mode == 2 || mode == 3) && c->running && c->gate ? c->period : 0;
}

/* The chip has no reset pin, and powers up with undefined contents: here, counters that stand. */
static void i8254_reset(void *device, enum reset_kind kind)
{
    struct i8254 *pit = device;
    uint64_t now = clock_ticks(pit->clock, I8254_HERTZ);
    for (unsigned i = 0; i < COUNTERS; i++) {
        bool gate = i == 2 ? pit->counter[i].gate : true;
        pit->counter[i] =
            (struct counter){.synced = now, .control = ACCESS_WORD << 4, .gate = gate};
    }
    update_irq(pit);
}

static void i8254_before_save(void *device)
{
    sync(device);
}

static const struct device_class i8254_class = {
    .name = "i8254",
    .size = sizeof(struct i8254),
    .fields = i8254_fields,
    .reset = i8254_reset,
    .before_save = i8254_before_save,
};

static const struct io_ops i8254_ops = {i8254_read, i8254_write, .max_size = 1};

struct i8254 *i8254_new(struct bus *bus, const struct irq_line *irq0)
{
    struct i8254 *pit = mem_new(sizeof *pit);
    pit->clock = bus_clock(bus);
    pit->irq0 = *irq0;
    timer_init(&pit->timer, pit->clock, timer_expired, pit);
    i8254_reset(pit, RESET_POWER_ON);
    bus_claim_ports(bus, 0x40, 4, &i8254_ops, pit);
    bus_claim_ports(bus, 0x50, 4, &i8254_ops, pit); /* PIIX3's alias */
    bus_add_device(bus, &i8254_class, pit);
    return pit;
}
