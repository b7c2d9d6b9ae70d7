/* MC146818A. The time lives in its register bytes, and is advanced once a second as the chip does
 * it; the divider chain is a function of the virtual clock. All moments inside are cycles of the
 * 32.768 kHz crystal since power-on. */
#include "devices/mc146818.h"

#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"
#include "devices/mc146818_time.h"

#define CRYSTAL_HERTZ UINT64_C(32768)

enum {
    REGISTER_A = 0x0A,
    REGISTER_B = 0x0B,
    REGISTER_C = 0x0C,
    REGISTER_D = 0x0D,

    A_UIP = 0x80,
    A_DIVIDER_RESET = 0x60, /* DV = 11x */

    B_SET = 0x80,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    INTERRUPT_ENABLES = 0x70, /* PIE, AIE, UIE; in register C: PF, AF, UF */

    C_IRQF = 0x80,
    C_PF = 0x40,
    C_AF = 0x20,
    C_UF = 0x10,
    D_VRT = 0x80,

    ALARM_ANY = 0xC0, /* an alarm byte from here up matches everything */

    UPDATE_CYCLES = 65,  /* 1984 microseconds */
    UIP_LEAD_CYCLES = 8, /* 244 microseconds from UIP to the update's begin */

    CHECKSUM_FIRST = 0x10,
    CHECKSUM_LAST = 0x2D,
    CHECKSUM_HIGH = 0x2E,
    UPPER_BANK = 0x80,
    PORT_NMI_MASK = 0x80,
};

struct mc146818 {
    uint64_t divider_start; /* when the divider chain was last released from reset */
    uint64_t update_epoch;  /* an update begins here and every second after it */
    uint64_t periodic_seen; /* periodic edges since divider_start that PF accounts for */
    uint8_t cmos[256];
    uint8_t index, upper_index;
    bool irq_level;
    bool fell_back;        /* daylight saving: this night's second 1 o'clock is running */
    struct timer update;   /* the end of the next update */
    struct timer periodic; /* the next periodic edge, when it must interrupt */
    struct clock *clock;
    struct irq_line irq8;
    struct irq_line nmi_mask;
};

static const char *mc146818_misfit(const void *base);

static const struct field mc146818_fields[] = {
    FIELD(struct mc146818, divider_start),
    FIELD(struct mc146818, update_epoch),
    FIELD(struct mc146818, periodic_seen),
    FIELD_ARRAY(struct mc146818, cmos, uint8_t),
    FIELD_MOST(struct mc146818, index, UPPER_BANK - 1),
    FIELD_RANGE(struct mc146818, upper_index, UPPER_BANK, UINT8_MAX),
    FIELD(struct mc146818, irq_level),
    FIELD(struct mc146818, fell_back),
    FIELD_STRUCT(struct mc146818, update, timer_fields),
    FIELD_STRUCT(struct mc146818, periodic, timer_fields),
    FIELD_CHECK(mc146818_misfit),
    FIELD_TRANSIENT(struct mc146818, clock),
    FIELD_TRANSIENT(struct mc146818, irq8),
    FIELD_TRANSIENT(struct mc146818, nmi_mask),
    FIELD_END,
};

/* --- the divider chain --- */

static uint64_t cycles_now(const struct mc146818 *rtc)
{
    return clock_ticks(rtc->clock, CRYSTAL_HERTZ);
}

static uint64_t cycles_to_ns(uint64_t cycles)
{
    return muldiv64_up(cycles, NS_PER_SECOND, CRYSTAL_HERTZ);
}

/* Crystal cycles in what register A makes a second: the divider selects of the 4.194304 and
 * 1.048576 MHz crystals make the board's crystal 128 or 32 times too slow. 0: it stands still
 * (reset, or the undefined selects). */
static uint64_t second_cycles(const struct mc146818 *rtc)
{
    switch (rtc->cmos[REGISTER_A] >> 4 & 7) {
    case 0:
        return CRYSTAL_HERTZ << 7;
    case 1:
        return CRYSTAL_HERTZ << 5;
    case 2:
        return CRYSTAL_HERTZ;
    default:
        return 0;
    }
}

/* Crystal cycles between periodic edges, 0 for none. */
static uint64_t periodic_cycles(const struct mc146818 *rtc)
{
    unsigned rate = rtc->cmos[REGISTER_A] & 15;
    if (!rate || !second_cycles(rtc))
        return 0;
    switch (rtc->cmos[REGISTER_A] >> 4 & 7) {
    case 0:
        return UINT64_C(128) << (rate - 1);
    case 1:
        return UINT64_C(32) << (rate - 1);
    default:
        return rate <= 2 ? UINT64_C(128) << (rate - 1) : UINT64_C(1) << (rate - 1);
    }
}

static uint64_t periodic_edges(const struct mc146818 *rtc)
{
    uint64_t cycles = periodic_cycles(rtc);
    return cycles ? (cycles_now(rtc) - rtc->divider_start) / cycles : 0;
}

static const char *mc146818_misfit(const void *base)
{
    const struct mc146818 *rtc = base;
    uint64_t now = cycles_now(rtc), longest = CRYSTAL_HERTZ << 7;
    if (rtc->divider_start > now)
        return "the divider chain starts in the future";
    if (rtc->periodic_seen > periodic_edges(rtc))
        return "periodic edges were seen that are still to come";
    if (rtc->update_epoch > now + longest)
        return "the next update is further away than any";
    return NULL;
}

/* When the first update after (not at) the moment begins. */
static uint64_t update_after(const struct mc146818 *rtc, uint64_t moment)
{
    uint64_t second = second_cycles(rtc);
    if (moment < rtc->update_epoch)
        return rtc->update_epoch;
    return rtc->update_epoch + ((moment - rtc->update_epoch) / second + 1) * second;
}

static bool updates_run(const struct mc146818 *rtc)
{
    return second_cycles(rtc) && !(rtc->cmos[REGISTER_B] & B_SET);
}

/* The update timer stands at the end of the next update that will take place. */
static bool update_in_progress(const struct mc146818 *rtc)
{
    uint64_t lead = cycles_to_ns(UPDATE_CYCLES + UIP_LEAD_CYCLES);
    return timer_armed(&rtc->update) && clock_now(rtc->clock) + lead >= rtc->update.deadline;
}

/* --- interrupts --- */

/* Sets PF for periodic edges that have passed. */
static void sync_periodic(struct mc146818 *rtc)
{
    uint64_t edges = periodic_edges(rtc);
    if (edges != rtc->periodic_seen)
        rtc->cmos[REGISTER_C] |= C_PF;
    rtc->periodic_seen = edges;
}

static void update_irq(struct mc146818 *rtc)
{
    uint8_t *flags = &rtc->cmos[REGISTER_C];
    bool level = *flags & rtc->cmos[REGISTER_B] & INTERRUPT_ENABLES;
    *flags = (uint8_t)((*flags & ~C_IRQF) | (level ? C_IRQF : 0));
    if (level != rtc->irq_level) {
        rtc->irq_level = level;
        irq_set(&rtc->irq8, level);
    }
    /* A timer is needed only for an edge that would raise the line. */
    uint64_t cycles = periodic_cycles(rtc);
    if (cycles && (rtc->cmos[REGISTER_B] & C_PF) && !(*flags & C_PF)) {
        uint64_t next = rtc->divider_start + (rtc->periodic_seen + 1) * cycles;
        timer_arm(&rtc->periodic, cycles_to_ns(next));
    } else {
        timer_cancel(&rtc->periodic);
    }
}

static void periodic_expired(void *device)
{
    struct mc146818 *rtc = device;
    sync_periodic(rtc);
    update_irq(rtc);
}

/* --- updates --- */

static void schedule_update(struct mc146818 *rtc)
{
    if (updates_run(rtc))
        timer_arm(&rtc->update, cycles_to_ns(update_after(rtc, cycles_now(rtc)) + UPDATE_CYCLES));
    else
        timer_cancel(&rtc->update);
}

static bool alarm_matches(const struct mc146818 *rtc)
{
    for (unsigned i = RTC_SECONDS; i <= RTC_HOURS; i += 2) {
        uint8_t alarm = rtc->cmos[i + 1];
        if (alarm < ALARM_ANY && alarm != rtc->cmos[i])
            return false;
    }
    return true;
}

static void update_expired(void *device)
{
    struct mc146818 *rtc = device;
    rtc_time_advance(rtc->cmos, rtc->cmos[REGISTER_B], &rtc->fell_back);
    rtc->cmos[REGISTER_C] |= C_UF;
    if (alarm_matches(rtc))
        rtc->cmos[REGISTER_C] |= C_AF;
    schedule_update(rtc);
    sync_periodic(rtc);
    update_irq(rtc);
}

/* --- registers --- */

static void write_register_a(struct mc146818 *rtc, uint8_t value)
{
    uint8_t before = rtc->cmos[REGISTER_A];
    bool was_reset = (before & A_DIVIDER_RESET) == A_DIVIDER_RESET;
    bool is_reset = (value & A_DIVIDER_RESET) == A_DIVIDER_RESET;
    uint64_t now = cycles_now(rtc);

    sync_periodic(rtc);
    rtc->cmos[REGISTER_A] = value & (uint8_t)~A_UIP;
    if (was_reset && !is_reset && second_cycles(rtc)) {
        rtc->divider_start = now;
        rtc->update_epoch = now + second_cycles(rtc) / 2;
    }
    rtc->periodic_seen = periodic_edges(rtc);
    if ((before ^ value) & 0x70)
        schedule_update(rtc);
    update_irq(rtc);
}

static void write_register_b(struct mc146818 *rtc, uint8_t value)
{
    uint8_t before = rtc->cmos[REGISTER_B];
    sync_periodic(rtc);
    if (value & B_SET)
        value &= (uint8_t)~B_UIE;
    rtc->cmos[REGISTER_B] = value;
    if ((before ^ value) & B_SET)
        schedule_update(rtc);
    update_irq(rtc);
}

static uint8_t read_flags(struct mc146818 *rtc)
{
    sync_periodic(rtc);
    update_irq(rtc);
    uint8_t flags = rtc->cmos[REGISTER_C];
    rtc->cmos[REGISTER_C] = 0;
    update_irq(rtc);
    return flags;
}

static void write_index(struct mc146818 *rtc, uint8_t index, uint8_t value)
{
    switch (index) {
    case REGISTER_A:
        write_register_a(rtc, value);
        break;
    case REGISTER_B:
        write_register_b(rtc, value);
        break;
    case REGISTER_C:
    case REGISTER_D:
        break;
    default:
        rtc->cmos[index] = value;
        break;
    }
}

static uint8_t read_index(struct mc146818 *rtc, uint8_t index)
{
    switch (index) {
    case REGISTER_A:
        return rtc->cmos[REGISTER_A] | (update_in_progress(rtc) ? A_UIP : 0);
    case REGISTER_C:
        return read_flags(rtc);
    default:
        return rtc->cmos[index];
    }
}

static uint32_t mc146818_read(void *device, uint32_t offset, unsigned size)
{
    struct mc146818 *rtc = device;
    switch (offset) {
    case 1:
        return read_index(rtc, rtc->index);
    case 3:
        return read_index(rtc, rtc->upper_index);
    default:
        return 0xFF; /* the index registers are write-only */
    }
}

static void mc146818_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct mc146818 *rtc = device;
    switch (offset) {
    case 0:
        rtc->index = value & 0x7F;
        irq_set(&rtc->nmi_mask, value & PORT_NMI_MASK);
        break;
    case 1:
        write_index(rtc, rtc->index, (uint8_t)value);
        break;
    case 2:
        rtc->upper_index = (uint8_t)(value | UPPER_BANK);
        break;
    case 3:
        write_index(rtc, rtc->upper_index, (uint8_t)value);
        break;
    }
}

/* --- for the board --- */

uint8_t mc146818_cmos_read(struct mc146818 *rtc, uint8_t index)
{
    return rtc->cmos[index];
}

void mc146818_cmos_write(struct mc146818 *rtc, uint8_t index, uint8_t value)
{
    if (index < REGISTER_A || index > REGISTER_D)
        rtc->cmos[index] = value;
}

void mc146818_cmos_checksum(struct mc146818 *rtc)
{
    unsigned sum = 0;
    for (unsigned i = CHECKSUM_FIRST; i <= CHECKSUM_LAST; i++)
        sum += rtc->cmos[i];
    rtc->cmos[CHECKSUM_HIGH] = (uint8_t)(sum >> 8);
    rtc->cmos[CHECKSUM_HIGH + 1] = (uint8_t)sum;
}

void mc146818_connect_nmi_mask(struct mc146818 *rtc, const struct irq_line *mask)
{
    rtc->nmi_mask = *mask;
}

/* The RESET# pin: interrupts off, flags clear; time, memory and divider go on. */
static void mc146818_reset(void *device, enum reset_kind kind)
{
    struct mc146818 *rtc = device;
    sync_periodic(rtc);
    rtc->cmos[REGISTER_B] &= (uint8_t) ~(INTERRUPT_ENABLES | B_SQWE);
    rtc->cmos[REGISTER_C] = 0;
    rtc->index = 0;
    rtc->upper_index = UPPER_BANK;
    irq_set(&rtc->nmi_mask, false);
    update_irq(rtc);
}

static void mc146818_before_save(void *device)
{
    sync_periodic(device);
}

static const struct device_class mc146818_class = {
    .name = "mc146818",
    .size = sizeof(struct mc146818),
    .fields = mc146818_fields,
    .reset = mc146818_reset,
    .before_save = mc146818_before_save,
};

static const struct io_ops mc146818_ops = {mc146818_read, mc146818_write, .max_size = 1};

struct mc146818 *mc146818_new(struct bus *bus, const struct irq_line *irq8,
                              uint64_t start_unix_time)
{
    struct mc146818 *rtc = mem_new(sizeof *rtc);
    rtc->clock = bus_clock(bus);
    rtc->irq8 = *irq8;
    rtc->cmos[REGISTER_A] = 0x26; /* 32.768 kHz, 1024 Hz */
    rtc->cmos[REGISTER_B] = 0x02; /* BCD, 24 hours */
    rtc->cmos[REGISTER_D] = D_VRT;
    rtc->upper_index = UPPER_BANK;
    rtc_time_set(rtc->cmos, start_unix_time);
    timer_init(&rtc->update, rtc->clock, update_expired, rtc);
    timer_init(&rtc->periodic, rtc->clock, periodic_expired, rtc);
    rtc->update_epoch = CRYSTAL_HERTZ - UPDATE_CYCLES; /* the first second is a whole one */
    schedule_update(rtc);
    bus_claim_ports(bus, 0x70, 4, &mc146818_ops, rtc);
    bus_add_device(bus, &mc146818_class, rtc);
    return rtc;
}
