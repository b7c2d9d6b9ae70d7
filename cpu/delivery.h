/* What was delivered lately, for people: a ring of events, and the chain of faults of the delivery
 * that failed last. Nothing here is state: no guest sees it, no hash covers it, and a machine that
 * was loaded begins with an empty ring. */
#ifndef CPU_DELIVERY_H
#define CPU_DELIVERY_H

#include "cpu/segment_cache.h"

#include <stdbool.h>
#include <stdint.h>

enum delivery_kind {
    DELIVERY_EXCEPTION, /* a fault, or a debug trap */
    DELIVERY_SOFTWARE,  /* INT n, INT3, INTO */
    DELIVERY_NMI,
    DELIVERY_INTERRUPT, /* from the PIC or the local APIC */
    DELIVERY_INIT,      /* INIT#: what a soft reset of the processor is */
    DELIVERY_RESET,
    DELIVERY_LOAD, /* the state was loaded: what came right before was not seen */
};

/* One event that the processor took. */
struct delivery {
    uint64_t icount;
    uint32_t eip; /* of the instruction that was interrupted, that faulted, or that is INT n */
    uint32_t esp, error;
    uint32_t cr2; /* as it was then: the address, of a page fault */
    uint16_t cs, ss;
    uint8_t vector, kind; /* enum delivery_kind */
    bool has_error;
    bool done;     /* the handler was entered; else the next entry says why not */
    bool switched; /* to another task, through a task gate */
};

enum { DELIVERIES = 256 }; /* a power of two */

struct delivery_ring {
    uint64_t count; /* since power-on; entry n is at n % DELIVERIES */
    uint64_t floor; /* entries before this one are gone, since time was turned back */
    struct delivery entry[DELIVERIES];
};

/* Number of the oldest entry that is there; count: there is none. */
static inline uint64_t delivery_oldest(const struct delivery_ring *ring)
{
    uint64_t oldest = ring->count > DELIVERIES ? ring->count - DELIVERIES : 0;
    return oldest > ring->floor ? oldest : ring->floor;
}

/* The registers that the delivery of an event looks at. */
struct fault_context {
    uint32_t eip, esp;
    uint32_t cr0, cr3, cr4, eflags;
    uint32_t gdtr_base, idtr_base;
    uint16_t gdtr_limit, idtr_limit;
    struct segment cs, ss, ldtr, tr;
    uint8_t cpl;
};

enum { NOT_IN_DELIVERY = 0x100 };

/* A fault that was raised, at the context's cs:eip. */
struct fault_record {
    uint64_t icount;
    uint32_t cr2, error;
    uint8_t vector;
    bool has_error;
    /* The vector whose delivery raised it; NOT_IN_DELIVERY: an instruction did. */
    uint16_t during;
    uint8_t during_kind; /* enum delivery_kind */
    bool in_new_task;    /* that delivery had switched tasks before */
    bool is_combined;    /* #DF that stands for the two before it */
    struct fault_context context;
};
enum { FAULT_CHAIN_LENGTH = 20 };

/* The faults since the last delivery that began outside of one, in order. */
struct fault_chain {
    unsigned count;
    struct fault_record fault[FAULT_CHAIN_LENGTH];
};

#endif
