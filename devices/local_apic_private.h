/* The inside of the local APIC, shared by these files only.
 *
 *     local_apic.c             registers, resets, where the window is
 *     local_apic_interrupts.c  what is requested, in service, and reaches the processor */
#ifndef DEVICES_LOCAL_APIC_PRIVATE_H
#define DEVICES_LOCAL_APIC_PRIVATE_H

#include "devices/local_apic.h"
#include "devices/local_apic_timer.h"

enum {
    SVR_ENABLE = 0x100,

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
};

enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

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

/* --- local_apic_interrupts.c --- */

/* To be called after whatever may change whether an interrupt waits for the processor. */
void apic_update_intr(struct local_apic *apic);
/* Notes a bit of ESR, and reports it as the LVT says. */
void apic_raise_error(struct local_apic *apic, uint32_t error);
/* PPR and APR. */
uint32_t apic_processor_priority(const struct local_apic *apic);
uint32_t apic_arbitration_priority(const struct local_apic *apic);
/* The pin of an entry of the LVT has become active, or still is when the entry can report it. */
void apic_lint_edge(struct local_apic *apic, uint32_t *entry);
void apic_timer_expired(void *device);
/* A write of EOI, and of the ICR's lower half. */
void apic_end_of_interrupt(struct local_apic *apic);
void apic_send_ipi(struct local_apic *apic);

#endif
