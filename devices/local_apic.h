/* The local APIC of P6 processors, for one processor with APIC ID 0: registers at FEE00000h (or
 * where IA32_APIC_BASE says), timer, LINT0 and LINT1, self, broadcast and addressed IPIs,
 * priorities, EOI with broadcast to the I/O APIC, spurious vector, error status.
 *
 * It sits between every interrupt source and the processor. While it is disabled by IA32_APIC_BASE
 * (or the processor has none), LINT0 is the processor's INTR and LINT1 is NMI, as on the pins.
 *
 * Source: Intel SDM volume 3A, chapter 10 (APIC); 82093AA for messages. */
#ifndef DEVICES_LOCAL_APIC_H
#define DEVICES_LOCAL_APIC_H

#include "bus/bus.h"

/* What the timer counts at divide-by-1. */
#define LOCAL_APIC_BUS_HERTZ UINT64_C(100000000)

struct local_apic;

/* Pins towards the processor. */
struct local_apic_wires {
    struct irq_line intr; /* level: an interrupt waits (cpu_set_intr) */
    struct irq_line nmi;  /* rising edge: NMI (cpu_pulse_nmi) */
    struct irq_line init; /* rising edge: INIT (cpu_request_reset with init) */
    struct irq_line smi;  /* rising edge; may be unconnected */
};

/* Delivery modes of LVT entries, IPIs and redirection entries (SDM 3A 10.5.1, 10.6.1). */
enum apic_delivery {
    APIC_FIXED = 0,
    APIC_LOWEST_PRIORITY = 1,
    APIC_SMI = 2,
    APIC_NMI = 4,
    APIC_INIT = 5,
    APIC_STARTUP = 6,
    APIC_EXTINT = 7,
};

/* A message on the APIC bus, from the I/O APIC or an MSI write. */
struct apic_message {
    uint8_t vector;
    uint8_t delivery;    /* enum apic_delivery */
    bool logical;        /* destination is a logical one */
    uint8_t destination; /* FFh is everybody */
    bool level;          /* level-triggered: EOI is broadcast */
    bool assert;         /* for EXTINT: the line's level */
};

/* present: the processor model has an APIC, which is then enabled after reset (with the software
 * enable off). wires is copied. */
struct local_apic *local_apic_new(struct bus *bus, const struct local_apic_wires *wires,
                                  bool present);

/* INIT#, which goes on to the processor: everything but the ID is as after a reset (SDM 3A
 * 10.4.7.3). */
void local_apic_init(struct local_apic *apic);
/* Inputs LINT0 (the PIC's INT) and LINT1 (NMI). */
struct irq_line local_apic_lint(struct local_apic *apic, unsigned number);
/* Where an ExtINT vector comes from: i8259_acknowledge. */
void local_apic_connect_extint(struct local_apic *apic, uint8_t (*acknowledge)(void *pic),
                               void *pic);
/* Who hears EOIs of level-triggered interrupts (and, with vector 0, that refused messages would be
 * accepted now): the I/O APIC connects itself. */
void local_apic_connect_eoi(struct local_apic *apic, void (*eoi)(void *io_apic, uint8_t vector),
                            void *io_apic);

/* For cpu_host.acknowledge: the vector that intr announced, now in service. */
uint8_t local_apic_acknowledge(struct local_apic *apic);
/* For cpu_host.apic_base: IA32_APIC_BASE was written (enable bit 11, base). */
void local_apic_set_base(struct local_apic *apic, uint64_t value);
/* Receives a message. False: no destination matched, or the APIC does not accept it. */
bool local_apic_deliver(struct local_apic *apic, const struct apic_message *message);

#endif
