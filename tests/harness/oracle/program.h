/* A test case: a state, data and instructions; and how it is walked through, one instruction at a
 * time, to know which instructions execute and what of their results is defined. */
#ifndef TESTS_HARNESS_ORACLE_PROGRAM_H
#define TESTS_HARNESS_ORACLE_PROGRAM_H

#include "cpu/decode.h"
#include "tests/harness/oracle/differences.h"
#include "tests/harness/oracle/guest.h"

enum { STEPS_MAX = 64 };

struct oracle_case {
    struct world_state before;
    struct world_program program;
    uint32_t end; /* linear address of the way out */
    uint8_t data[WORLD_WRITABLE];
};

/* One executed instruction. */
struct walk_step {
    uint32_t linear;
    uint16_t row;
    uint8_t length;
};

struct walk {
    struct guest *guest; /* runs on the reference engine */
    struct decoder *decoder;
    struct tolerance tolerance;
    uint32_t undefined; /* EFLAGS bits */
    unsigned count;
    struct walk_step steps[STEPS_MAX];
    unsigned fresh; /* places of the data that the generator has given away */
    bool image_taken;
};

enum walk_result {
    WALK_ON,
    WALK_LAST,    /* nothing may follow */
    WALK_FAULT,   /* the program has ended by itself */
    WALK_DISCARD, /* the program is no test */
};

/* Puts the case's state and data, and the code that it has, into the walker's guest. */
void walk_begin(struct walk *walk, const struct oracle_case *in);
/* The next instruction. At the way out: WALK_FAULT. */
enum walk_result walk_step(struct walk *walk, uint32_t end);
/* From the beginning to the way out or a fault. False: the program is no test. */
bool walk_through(struct walk *walk, const struct oracle_case *in);
/* Linear address of the next instruction. */
uint32_t walk_linear(const struct walk *walk);

#endif
