/* The local APIC: registers, resets, where the window is. */
#include "devices/local_apic_private.h"

#include "base/memory.h"

#include <string.h>

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

    SVR_WRITABLE = 0x3FF,
    ICR_WRITABLE = 0xCCFFF,

    NO_VECTOR = 0,
};

#define VERSION_VALUE  0x00050014u /* version 14h, six LVT entries */
#define DFR_FLAT       0xFFFFFFFFu
#define BASE_ENABLE    (UINT64_C(1) << 11)
#define BASE_AT_RESET  0xFEE00000u
#define LINT0_AT_RESET (APIC_EXTINT << 8)
#define LINT1_AT_RESET (APIC_NMI << 8)

/* What the guest can write in each entry (SDM 3A figure 10-8). */
static const uint32_t lvt_writable[LVT_COUNT] = {0x300FF, 0x107FF, 0x107FF,
                                                 0x1A7FF, 0x1A7FF, 0x100FF};

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
        apic_lint_edge(apic, entry);
    apic_update_intr(apic);
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
    apic_update_intr(apic);
}

static void illegal_register(struct local_apic *apic, uint32_t offset)
{
    log_line(bus_log(apic->bus), LOG_DEBUG, "local APIC: no register at %03Xh", offset);
    apic_raise_error(apic, ESR_REGISTER);
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
        return apic_arbitration_priority(apic);
    case PPR:
        return apic_processor_priority(apic);
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
        apic_update_intr(apic);
        break;
    case EOI:
        apic_end_of_interrupt(apic);
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
        apic_send_ipi(apic);
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
    apic_update_intr(apic);
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
    apic_update_intr(apic);
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
    local_apic_timer_init(&apic->timer, bus_clock(bus), apic_timer_expired, apic);
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
