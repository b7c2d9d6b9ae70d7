/* Two machines of the same configuration, one on each engine, and moments of their life at which
 * as much as possible was going on: for the fuzzer of saved fields. */
#ifndef TESTS_FUZZ_STATE_RIG_H
#define TESTS_FUZZ_STATE_RIG_H

#include "machine/machine.h"
#include "snapshot/serial.h"

enum { RIG_MACHINES = 2, RIG_MOMENTS = 5 };

struct rig_field {
    size_t offset; /* in packed state */
    uint32_t size, count;
};

struct rig_moment {
    struct serial state;
    uint8_t *ram;
};

struct rig {
    struct machine *machines[RIG_MACHINES];
    struct rig_moment moments[RIG_MOMENTS];
    struct rig_field *fields; /* one more than field_count: where they end */
    uint32_t field_count;
};

/* Lives as long as the process. */
struct rig *rig_new(void);
/* The machine is at that moment again. */
void rig_load(struct machine *machine, const struct rig_moment *moment);
/* Draws the screen, reads its text, and carries out a command that looks at the machine: number,
 * with a value as its argument if it takes one. */
void rig_look(struct machine *machine, unsigned number, uint32_t value);

#endif
