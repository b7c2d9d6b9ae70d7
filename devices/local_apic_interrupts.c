/* The local APIC: what is requested, in service, and reaches the processor. */
#include "devices/local_apic_private.h"

#include "base/bits.h"

enum { BROADCAST = 0xFF, FIRST_LEGAL_VECTOR = 16 };

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
uint32_t apic_processor_priority(const struct local_apic *apic)
{
    uint32_t in_service = vector_highest(apic->isr) & 0xF0;
    return (apic->tpr & 0xF0) >= in_service ? apic->tpr : in_service;
}

/* SDM 3A 10.6.2.4; of use only where several processors arbitrate. */
uint32_t apic_arbitration_priority(const struct local_apic *apic)
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
    if (!software_enabled(apic) || (vector & 0xF0) <= (apic_processor_priority(apic) & 0xF0))
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

void apic_update_intr(struct local_apic *apic)
{
    bool level = pending_vector(apic) != 0 || extint_pending(apic);
    if (level != apic->intr_level) {
        apic->intr_level = level;
        irq_set(&apic->wires.intr, level);
    }
}

/* Accepts a fixed interrupt. False: it is refused. */
static bool accept_vector(struct local_apic *apic, unsigned vector, bool level)
{
    if (!software_enabled(apic))
        return false;
    if (vector < FIRST_LEGAL_VECTOR) {
        apic_raise_error(apic, ESR_RECEIVE_VECTOR);
        return false;
    }
    vector_put(apic->irr, vector, true);
    vector_put(apic->tmr, vector, level);
    apic_update_intr(apic);
    return true;
}

void apic_raise_error(struct local_apic *apic, uint32_t error)
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
        apic_update_intr(apic);
        return true;
    }
    return act(apic, message->delivery, message->vector, message->level);
}

/* --- local interrupts --- */

void apic_lint_edge(struct local_apic *apic, uint32_t *entry)
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
        apic_lint_edge(apic, &apic->lvt[LVT_LINT0 + number]);
    else if (rises && number == 1)
        irq_pulse(&apic->wires.nmi);
    apic_update_intr(apic);
}

struct irq_line local_apic_lint(struct local_apic *apic, unsigned number)
{
    return (struct irq_line){set_lint, apic, number & 1};
}

void apic_timer_expired(void *device)
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
    apic_update_intr(apic);
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
        apic_lint_edge(apic, entry);
}

void apic_end_of_interrupt(struct local_apic *apic)
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
    apic_update_intr(apic);
}

void apic_send_ipi(struct local_apic *apic)
{
    uint32_t command = apic->icr[0];
    unsigned delivery = command >> 8 & 7, shorthand = command >> 18 & 3;
    unsigned vector = command & 0xFF;
    bool level = command & ICR_LEVEL;

    if (delivery == APIC_INIT && level && !(command & ICR_ASSERT))
        return; /* INIT level de-assert synchronises arbitration IDs: nothing to do alone */
    if (delivery <= APIC_LOWEST_PRIORITY && vector < FIRST_LEGAL_VECTOR) {
        apic_raise_error(apic, ESR_SEND_VECTOR);
        return;
    }
    bool to_self = shorthand == 1 || shorthand == 2 ||
                   (shorthand == 0 &&
                    is_destination(apic, command & ICR_LOGICAL, (uint8_t)(apic->icr[1] >> 24)));
    if (to_self)
        act(apic, delivery, vector, false);
}
