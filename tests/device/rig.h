/* A bare bus for tests of one chip, or a few: clock with a fake instruction counter (one nanosecond
 * an instruction), a megabyte of memory at 0, wires that record, and a character sink. */
#ifndef TESTS_DEVICE_RIG_H
#define TESTS_DEVICE_RIG_H

#include "bus/backend.h"
#include "bus/bus.h"
#include "tests/harness/unit.h"

enum { RIG_WIRES = 32, RIG_MEMORY = 1 << 20, RIG_SINK = 4096 };

struct rig_wire {
    bool level;
    unsigned rises, falls;
};

struct rig {
    struct bus *bus;
    struct log *log;
    uint64_t icount;
    uint8_t *memory;
    struct rig_wire wire[RIG_WIRES];
    struct char_backend sink;
    uint8_t sunk[RIG_SINK];
    size_t sunk_size;
    unsigned exits;
    uint32_t exit_value;
    bool a20;
    unsigned hard_resets, cpu_resets, power_offs;
    void *chip;   /* for the test's own use */
    void *second; /* another chip */
};

struct rig *rig_new(void);
/* The same without memory. */
struct rig *rig_new_empty(void);
/* Checks every device's field table, then frees all. */
void rig_free(struct rig *rig);

/* A recording receiver. */
struct irq_line rig_wire(struct rig *rig, unsigned number);

uint8_t rig_in(struct rig *rig, uint16_t port);
void rig_out(struct rig *rig, uint16_t port, uint8_t value);
/* A byte by physical address. */
uint8_t rig_peek(struct rig *rig, uint32_t address);
void rig_poke(struct rig *rig, uint32_t address, uint8_t byte);
/* Register windows, 32 bits. */
uint32_t rig_load(struct rig *rig, uint32_t address);
void rig_store(struct rig *rig, uint32_t address, uint32_t value);

/* Lets virtual time pass; timers expire at their moments. */
void rig_pass(struct rig *rig, uint64_t ns);
/* Up to that moment since power-on. */
void rig_pass_until(struct rig *rig, uint64_t ns);

void rig_reset(struct rig *rig, enum reset_kind kind);

#endif
