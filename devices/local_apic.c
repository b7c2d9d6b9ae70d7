/* The local APIC. */
#include "devices/local_apic.h"

#include "base/bits.h"
#include "base/memory.h"
#include "devices/local_apic_timer.h"

enum {
    WINDOW_SIZE = 0x1000,
    PRIORITY = 30, /* the window is the processor's own: it lies above everything on the bus */

    ID = 0x020,
    VERSION = 0x030,
    TPR = 0x080,
    APR = 0x090,
    PPR = 0x0A0,
    EOI = 0x0B0,
    RRD = 0x0C0,
    LDR = 0x0D0,
    DFR = 0x0E0,
    SVR = 0x0F0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR_LOW = 0x300,
    ICR_HIGH = 0x310,
    LVT_FIRST = 0x320,
    LVT_LAST = 0x370,
    INITIAL_COUNT = 0x380,
    CURRENT_COUNT = 0x390,
    DIVIDE = 0x3E0,

    SVR_ENABLE = 0x100,
    SVR_WRITABLE = 0x3FF,

    ESR_SEND_VECTOR = 0x20,
    ESR_RECEIVE_VECTOR = 0x40,
    ESR_REGISTER = 0x80,

    LVT_REMOTE_IRR = 1 << 14,
    LVT_LEVEL = 1 << 15,
    LVT_MASKED = 1 << 16,
    LVT_PERIODIC = 1 << 17,

    ICR_LOGICAL = 1 << 11,
    ICR_ASSERT = 1 << 14,
    ICR_LEVEL = 1 << 15,
    ICR_WRITABLE = 0xCCFFF,

    BROADCAST = 0xFF,
    FIRST_LEGAL_VECTOR = 16,
    NO_VECTOR = 0,
};

#define VERSION_VALUE  0x00050014u /* version 14h, six LVT entries */
#define DFR_FLAT       0xFFFFFFFFu
#define BASE_ENABLE    (UINT64_C(1) << 11)
#define BASE_AT_RESET  0xFEE00000u
#define LINT0_AT_RESET (APIC_EXTINT << 8)
#define LINT1_AT_RESET (APIC_NMI << 8)

enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

/* What the guest can write in each entry (SDM 3A figure 10-8). */
static const uint32_t lvt_writable[LVT_COUNT] = {0x300FF, 0x107FF, 0x107FF,
                                                 0x1A7FF, 0x1A7FF, 0x100FF};

struct local_apic {
    uint32_t id, tpr, ldr, dfr, svr;
    uint32_t isr[8], tmr[8], irr[8];
    uint32_t esr, errors; /* what ESR shows; what has happened since */
    uint32_t icr[2];
    uint32_t lvt[LVT_COUNT];
    struct local_apic_timer timer;
    uint32_t base;
    bool enabled; /* IA32_APIC_BASE bit 11 */
    bool present;
    bool lint[2];    /* pin levels */
    bool extint_bus; /* the I/O APIC asserts an ExtINT */
    bool intr_level;
    bool nmi_level;
    struct local_apic_wires wires;
    struct bus *bus;
    unsigned range;
    uint8_t (*extint)(void *pic);
    void *pic;
    void (*eoi)(void *io_apic, uint8_t vector);
    void *io_apic;
};

static const char *local_apic_misfit(const void *base)
{
    const struct local_apic *apic = base;
    return apic->base % WINDOW_SIZE ? "its window does not begin at a page" : NULL;
}

static const struct field local_apic_fields[] = {
    FIELD(struct local_apic, id),
    FIELD(struct local_apic, tpr),
    FIELD(struct local_apic, ldr),
    FIELD(struct local_apic, dfr),
    FIELD(struct local_apic, svr),
    FIELD_ARRAY(struct local_apic, isr, uint32_t),
    FIELD_ARRAY(struct local_apic, tmr, uint32_t),
    FIELD_ARRAY(struct local_apic, irr, uint32_t),
    FIELD(struct local_apic, esr),
    FIELD(struct local_apic, errors),
    FIELD_ARRAY(struct local_apic, icr, uint32_t),
    FIELD_ARRAY(struct local_apic, lvt, uint32_t),
    FIELD_STRUCT(struct local_apic, timer, local_apic_timer_fields),
    FIELD(struct local_apic, base),
    FIELD(struct local_apic, enabled),
    FIELD_FIXED(struct local_apic, present),
    FIELD_ARRAY(struct local_apic, lint, bool),
    FIELD(struct local_apic, extint_bus),
    FIELD(struct local_apic, intr_level),
    FIELD(struct local_apic, nmi_level),
    FIELD_CHECK(local_apic_misfit),
    FIELD_TRANSIENT(struct local_apic, wires),
    FIELD_TRANSIENT(struct local_apic, bus),
    FIELD_TRANSIENT(struct local_apic, range),
    FIELD_TRANSIENT(struct local_apic, extint),
    FIELD_TRANSIENT(struct local_apic, pic),
    FIELD_TRANSIENT(struct local_apic, eoi),
    FIELD_TRANSIENT(struct local_apic, io_apic),
    FIELD_END,
};

/* --- vectors --- */

static bool vector_test(const uint32_t *set, unsigned vector)
{
    return bit_is_set(set[vector >> 5], vector & 31);
}

static void vector_put(uint32_t *set, unsigned vector, bool value)
{
    uint32_t bit = UINT32_C(1) << (vector & 31);
    set[vector >> 5] = value ? set[vector >> 5] | bit : set[vector >> 5] & ~bit;
}

/* The highest vector of a set, or 0: vectors below 16 cannot be in it. */
static unsigned vector_highest(const uint32_t *set)
{
    for (unsigned i = 8; i-- > 0;) {
        if (set[i])
            return 32 * i + 31 - (unsigned)__builtin_clz(set[i]);
    }
    return 0;
}

static bool software_enabled(const struct local_apic *apic)
{
    return apic->enabled && (apic->svr & SVR_ENABLE);
}

/* SDM 3A 10.8.3.1. */
static uint32_t processor_priority(const struct local_apic *apic)
{
    uint32_t in_service = vector_highest(apic->isr) & 0xF0;
    return (apic->tpr & 0xF0) >= in_service ? apic->tpr : in_service;
}

/* SDM 3A 10.6.2.4; of use only where several processors arbitrate. */
static uint32_t arbitration_priority(const struct local_apic *apic)
{
    uint32_t request = vector_highest(apic->irr) & 0xF0,
             in_service = vector_highest(apic->isr) & 0xF0;
    uint32_t task = apic->tpr & 0xF0;
    if (task >= request && task > in_service)
        return apic->tpr;
    uint32_t highest = task > in_service ? task : in_service;
    return highest > request ? highest : request;
}

/* The vector that may interrupt the processor now, or 0. */
static unsigned pending_vector(const struct local_apic *apic)
{
    unsigned vector = vector_highest(apic->irr);
    if (!software_enabled(apic) || (vector & 0xF0) <= (processor_priority(apic) & 0xF0))
        return 0;
    return vector;
}

static unsigned lvt_delivery(uint32_t entry)
{
    return entry >> 8 & 7;
}

/* Whether the PIC's INT reaches the processor. */
static bool extint_pending(const struct local_apic *apic)
{
    if (!apic->enabled)
        return apic->lint[0];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t entry = apic->lvt[LVT_LINT0 + i];
        if (!(entry & LVT_MASKED) && lvt_delivery(entry) == APIC_EXTINT && apic->lint[i])
            return true;
    }
    return apic->extint_bus;
}

static void update_intr(struct local_apic *apic)
{
    bool level = pending_vector(apic) != 0 || extint_pending(apic);
    if (level != apic->intr_level) {
        apic->intr_level = level;
        irq_set(&apic->wires.intr, level);
    }
}

static void raise_error(struct local_apic *apic, uint32_t error);

/* Accepts a fixed interrupt. False: it is refused. */
static bool accept_vector(struct local_apic *apic, unsigned vector, bool level)
{
    if (!software_enabled(apic))
        return false;
    if (vector < FIRST_LEGAL_VECTOR) {
        raise_error(apic, ESR_RECEIVE_VECTOR);
        return false;
    }
    vector_put(apic->irr, vector, true);
    vector_put(apic->tmr, vector, level);
    update_intr(apic);
    return true;
}

static void raise_error(struct local_apic *apic, uint32_t error)
{
    uint32_t entry = apic->lvt[LVT_ERROR];
    apic->errors |= error;
    /* An error entry with an illegal vector would report itself for ever. */
    if (!(entry & LVT_MASKED) && (entry & 0xFF) >= FIRST_LEGAL_VECTOR)
        accept_vector(apic, entry & 0xFF, false);
}

/* Acts on a message that is meant for this processor. */
static bool act(struct local_apic *apic, unsigned delivery, unsigned vector, bool level)
{
    switch (delivery) {
    case APIC_FIXED:
    case APIC_LOWEST_PRIORITY:
        return accept_vector(apic, vector, level);
    case APIC_SMI:
        irq_pulse(&apic->wires.smi);
        return true;
    case APIC_NMI:
        irq_pulse(&apic->wires.nmi);
        return true;
    case APIC_INIT:
        local_apic_init(apic);
        return true;
    default: /* start-up: this processor is running, and ignores it */
        return delivery == APIC_STARTUP;
    }
}

static bool is_destination(const struct local_apic *apic, bool logical, uint8_t destination)
{
    uint8_t mine = (uint8_t)(apic->ldr >> 24);
    if (!logical)
        return destination == BROADCAST || destination == apic->id >> 24;
    if (apic->dfr >> 28 == 0xF)
        return destination & mine;
    uint8_t cluster = destination >> 4;
    return (cluster == 0xF || cluster == mine >> 4) && (destination & mine & 0x0F);
}

bool local_apic_deliver(struct local_apic *apic, const struct apic_message *message)
{
    if (!apic->enabled || !is_destination(apic, message->logical, message->destination))
        return false;
    if (message->delivery == APIC_EXTINT) {
        apic->extint_bus = message->assert;
        update_intr(apic);
        return true;
    }
    return act(apic, message->delivery, message->vector, message->level);
}

/* --- local interrupts --- */

static void lint_edge(struct local_apic *apic, uint32_t *entry)
{
    if (*entry & LVT_MASKED)
        return;
    unsigned delivery = lvt_delivery(*entry);
    bool level = delivery == APIC_FIXED && (*entry & LVT_LEVEL);
    if (delivery == APIC_EXTINT || (level && (*entry & LVT_REMOTE_IRR)))
        return;
    if (act(apic, delivery, *entry & 0xFF, level) && level)
        *entry |= LVT_REMOTE_IRR;
}

static void set_lint(void *receiver, unsigned number, bool level)
{
    struct local_apic *apic = receiver;
    bool rises = level && !apic->lint[number];
    apic->lint[number] = level;
    if (rises && apic->enabled)
        lint_edge(apic, &apic->lvt[LVT_LINT0 + number]);
    else if (rises && number == 1)
        irq_pulse(&apic->wires.nmi);
    update_intr(apic);
}

struct irq_line local_apic_lint(struct local_apic *apic, unsigned number)
{
    return (struct irq_line){set_lint, apic, number & 1};
}

static void timer_expired(void *device)
{
    struct local_apic *apic = device;
    uint32_t entry = apic->lvt[LVT_TIMER];
    local_apic_timer_rearm(&apic->timer);
    if (!(entry & LVT_MASKED))
        accept_vector(apic, entry & 0xFF, false);
}

/* --- the processor's side --- */

uint8_t local_apic_acknowledge(struct local_apic *apic)
{
    unsigned vector = pending_vector(apic);
    if (vector) {
        vector_put(apic->irr, vector, false);
        vector_put(apic->isr, vector, true);
    } else if (extint_pending(apic) && apic->extint) {
        vector = apic->extint(apic->pic);
    } else {
        vector = apic->svr & 0xFF;
    }
    update_intr(apic);
    return (uint8_t)vector;
}

/* A level-triggered input that is still active asks again. */
static void end_lint(struct local_apic *apic, unsigned number, unsigned vector)
{
    uint32_t *entry = &apic->lvt[LVT_LINT0 + number];
    if (!(*entry & LVT_REMOTE_IRR) || (*entry & 0xFF) != vector)
        return;
    *entry &= ~(uint32_t)LVT_REMOTE_IRR;
    if (apic->lint[number])
        lint_edge(apic, entry);
}

static void end_of_interrupt(struct local_apic *apic)
{
    unsigned vector = vector_highest(apic->isr);
    if (!vector)
        return;
    vector_put(apic->isr, vector, false);
    if (vector_test(apic->tmr, vector)) {
        end_lint(apic, 0, vector);
        end_lint(apic, 1, vector);
        if (apic->eoi)
            apic->eoi(apic->io_apic, (uint8_t)vector);
    }
    update_intr(apic);
}

static void send_ipi(struct local_apic *apic)
{
    uint32_t command = apic->icr[0];
    unsigned delivery = command >> 8 & 7, shorthand = command >> 18 & 3;
    unsigned vector = command & 0xFF;
    bool level = command & ICR_LEVEL;

    if (delivery == APIC_INIT && level && !(command & ICR_ASSERT))
        return; /* INIT level de-assert synchronises arbitration IDs: nothing to do alone */
    if (delivery <= APIC_LOWEST_PRIORITY && vector < FIRST_LEGAL_VECTOR) {
        raise_error(apic, ESR_SEND_VECTOR);
        return;
    }
    bool to_self = shorthand == 1 || shorthand == 2 ||
                   (shorthand == 0 &&
                    is_destination(apic, command & ICR_LOGICAL, (uint8_t)(apic->icr[1] >> 24)));
    if (to_self)
        act(apic, delivery, vector, false);
}

/* --- registers --- */

static void write_lvt(struct local_apic *apic, unsigned index, uint32_t value)
{
    uint32_t *entry = &apic->lvt[index];
    *entry = (value & lvt_writable[index]) | (*entry & LVT_REMOTE_IRR);
    if (!(apic->svr & SVR_ENABLE))
        *entry |= LVT_MASKED;
    if (!(*entry & LVT_LEVEL))
        *entry &= ~(uint32_t)LVT_REMOTE_IRR;
    if (index == LVT_TIMER)
        local_apic_timer_set_mode(&apic->timer, *entry & LVT_PERIODIC, !(*entry & LVT_MASKED));
    if ((index == LVT_LINT0 || index == LVT_LINT1) && (*entry & LVT_LEVEL) &&
        apic->lint[index - LVT_LINT0])
        lint_edge(apic, entry);
    update_intr(apic);
}

static void write_svr(struct local_apic *apic, uint32_t value)
{
    bool was_enabled = apic->svr & SVR_ENABLE;
    apic->svr = value & SVR_WRITABLE;
    if (was_enabled && !(value & SVR_ENABLE)) {
        for (unsigned i = 0; i < LVT_COUNT; i++)
            write_lvt(apic, i, apic->lvt[i]);
    }
    if (!was_enabled && (value & SVR_ENABLE) && apic->eoi)
        apic->eoi(apic->io_apic, NO_VECTOR); /* level-triggered ones that were refused come again */
    update_intr(apic);
}

static void illegal_register(struct local_apic *apic, uint32_t offset)
{
    log_line(bus_log(apic->bus), LOG_DEBUG, "local APIC: no register at %03Xh", offset);
    raise_error(apic, ESR_REGISTER);
}

static bool is_lvt(uint32_t offset)
{
    return offset >= LVT_FIRST && offset <= LVT_LAST;
}

static uint32_t read_register(struct local_apic *apic, uint32_t offset)
{
    if (offset >= ISR && offset < ESR) {
        const uint32_t *set = offset < TMR ? apic->isr : offset < IRR ? apic->tmr : apic->irr;
        return set[offset >> 4 & 7];
    }
    if (is_lvt(offset))
        return apic->lvt[(offset - LVT_FIRST) >> 4];
    switch (offset) {
    case ID:
        return apic->id;
    case VERSION:
        return VERSION_VALUE;
    case TPR:
        return apic->tpr;
    case APR:
        return arbitration_priority(apic);
    case PPR:
        return processor_priority(apic);
    case EOI: /* write-only */
    case RRD:
        return 0;
    case LDR:
        return apic->ldr;
    case DFR:
        return apic->dfr;
    case SVR:
        return apic->svr;
    case ESR:
        return apic->esr;
    case ICR_LOW:
        return apic->icr[0];
    case ICR_HIGH:
        return apic->icr[1];
    case INITIAL_COUNT:
        return apic->timer.initial;
    case CURRENT_COUNT:
        return local_apic_timer_current(&apic->timer);
    case DIVIDE:
        return apic->timer.divide;
    default:
        illegal_register(apic, offset);
        return 0;
    }
}

static bool is_read_only(uint32_t offset)
{
    return offset == VERSION || offset == APR || offset == PPR || offset == RRD ||
           offset == CURRENT_COUNT || (offset >= ISR && offset < ESR);
}

static void write_register(struct local_apic *apic, uint32_t offset, uint32_t value)
{
    if (is_lvt(offset)) {
        write_lvt(apic, (offset - LVT_FIRST) >> 4, value);
        return;
    }
    switch (offset) {
    case ID:
        apic->id = value & 0xFF000000;
        break;
    case TPR:
        apic->tpr = value & 0xFF;
        update_intr(apic);
        break;
    case EOI:
        end_of_interrupt(apic);
        break;
    case LDR:
        apic->ldr = value & 0xFF000000;
        break;
    case DFR:
        apic->dfr = value | 0x0FFFFFFF;
        break;
    case SVR:
        write_svr(apic, value);
        break;
    case ESR: /* a write of anything shows what has collected, and starts anew */
        apic->esr = apic->errors;
        apic->errors = 0;
        break;
    case ICR_LOW:
        apic->icr[0] = value & ICR_WRITABLE;
        send_ipi(apic);
        break;
    case ICR_HIGH:
        apic->icr[1] = value & 0xFF000000;
        break;
    case INITIAL_COUNT:
        local_apic_timer_set_initial(&apic->timer, value);
        break;
    case DIVIDE:
        local_apic_timer_set_divide(&apic->timer, value);
        break;
    default:
        if (!is_read_only(offset))
            illegal_register(apic, offset);
        break;
    }
}

/* Registers stand on 16-byte boundaries; the rest of each is reserved. */
static uint32_t window_read(void *device, uint32_t offset, unsigned size)
{
    return offset & 15 ? 0 : read_register(device, offset);
}

static void window_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    if (!(offset & 15))
        write_register(device, offset, value);
}

static const struct io_ops window_ops = {window_read, window_write, .max_size = 4, .min_size = 4};

/* --- the device --- */

/* SDM 3A 10.4.7.1, but for LINT0 and LINT1: they are in the virtual wire mode that the MP
 * specification (3.6.2.2) asks of firmware, so that a guest started without firmware, or by one
 * that knows no APIC, gets its interrupts. */
static void reset_registers(struct local_apic *apic)
{
    apic->tpr = apic->ldr = 0;
    apic->dfr = DFR_FLAT;
    apic->svr = 0xFF;
    memset(apic->isr, 0, sizeof apic->isr);
    memset(apic->tmr, 0, sizeof apic->tmr);
    memset(apic->irr, 0, sizeof apic->irr);
    apic->esr = apic->errors = 0;
    apic->icr[0] = apic->icr[1] = 0;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        apic->lvt[i] = LVT_MASKED;
    apic->lvt[LVT_LINT0] = LINT0_AT_RESET;
    apic->lvt[LVT_LINT1] = LINT1_AT_RESET;
    apic->extint_bus = false;
    local_apic_timer_reset(&apic->timer);
    update_intr(apic);
}

static void place_window(struct local_apic *apic)
{
    bus_change_range(apic->bus, apic->range,
                     &(struct address_range){
                         .first = apic->base,
                         .last = apic->base + WINDOW_SIZE - 1,
                         .priority = PRIORITY,
                         .kind = RANGE_IO,
                         .enabled = apic->enabled,
                         .ops = &window_ops,
                         .device = apic,
                     });
}

void local_apic_set_base(struct local_apic *apic, uint64_t value)
{
    uint32_t base = (uint32_t)value & ~(uint32_t)(WINDOW_SIZE - 1);
    bool enabled = apic->present && (value & BASE_ENABLE);
    if (apic->enabled && !enabled)
        reset_registers(apic);
    if (base == apic->base && enabled == apic->enabled)
        return;
    apic->base = base;
    apic->enabled = enabled;
    place_window(apic);
    update_intr(apic);
}

void local_apic_connect_extint(struct local_apic *apic, uint8_t (*acknowledge)(void *pic),
                               void *pic)
{
    apic->extint = acknowledge;
    apic->pic = pic;
}

void local_apic_connect_eoi(struct local_apic *apic, void (*eoi)(void *io_apic, uint8_t vector),
                            void *io_apic)
{
    apic->eoi = eoi;
    apic->io_apic = io_apic;
}

void local_apic_init(struct local_apic *apic)
{
    reset_registers(apic);
    irq_pulse(&apic->wires.init);
}

static void local_apic_reset(void *device, enum reset_kind kind)
{
    struct local_apic *apic = device;
    apic->id = 0;
    reset_registers(apic);
    local_apic_set_base(apic, BASE_AT_RESET | BASE_ENABLE);
}

static void local_apic_after_load(void *device)
{
    place_window(device);
}

static const struct device_class local_apic_class = {
    .name = "local-apic",
    .size = sizeof(struct local_apic),
    .fields = local_apic_fields,
    .reset = local_apic_reset,
    .after_load = local_apic_after_load,
};

struct local_apic *local_apic_new(struct bus *bus, const struct local_apic_wires *wires,
                                  bool present)
{
    struct local_apic *apic = mem_new(sizeof *apic);
    apic->bus = bus;
    apic->wires = *wires;
    apic->present = present;
    apic->base = BASE_AT_RESET;
    apic->enabled = present;
    local_apic_timer_init(&apic->timer, bus_clock(bus), timer_expired, apic);
    apic->range = bus_add_range(bus, &(struct address_range){
                                         .first = BASE_AT_RESET,
                                         .last = BASE_AT_RESET + WINDOW_SIZE - 1,
                                         .priority = PRIORITY,
                                         .kind = RANGE_IO,
                                         .ops = &window_ops,
                                         .device = apic,
                                     });
    place_window(apic);
    reset_registers(apic);
    bus_add_device(bus, &local_apic_class, apic);
    return apic;
}
