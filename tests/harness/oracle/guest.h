/* The same program in Anachron's processor: CPL 3 under paging, with the descriptor tables that the
 * host has, and an interrupt table through which every fault is delivered to a HLT. */
#ifndef TESTS_HARNESS_ORACLE_GUEST_H
#define TESTS_HARNESS_ORACLE_GUEST_H

#include "base/error.h"
#include "cpu/cpu.h"
#include "tests/harness/oracle/world.h"

struct guest;

/* What executes the guest's instructions: a row for --engine. */
struct guest_engine {
    const char *name;
    /* Makes the engine run what cpu_run runs. NULL: err says why it cannot. */
    void *(*attach)(struct cpu *cpu, struct error *err);
    void (*detach)(void *engine);
};
/* NULL behind the last one. */
const struct guest_engine *guest_engine_at(unsigned index);
const struct guest_engine *guest_engine_find(const char *name);

/* The processor model that has every instruction of the table. */
const char *guest_model(void);

/* NULL: err says why the engine cannot run here. */
struct guest *guest_new(const struct guest_engine *engine, struct error *err);
void guest_free(struct guest *guest);
/* For looking at: its registers between two steps. */
struct cpu *guest_cpu(struct guest *guest);
/* WORLD_DATA_SIZE bytes; fill the writable ones before each program. */
uint8_t *guest_data(struct guest *guest);

/* Puts state into the processor, at the beginning of a program. */
void guest_load(struct guest *guest, const struct world_state *state);
/* Code at a linear address in the code pages; what reaches beyond them is dropped. */
void guest_put_code(struct guest *guest, uint32_t linear, const uint8_t *bytes, unsigned size);
/* INT3 there again. */
void guest_erase_code(struct guest *guest, uint32_t linear, unsigned size);

/* Executes one instruction, repeated ones to their end. False: it faulted, or is the way out. */
bool guest_step(struct guest *guest);
/* Executes until a fault. */
void guest_run(struct guest *guest);
/* The exception, when it has stopped; WORLD_TIMEOUT if it has not. */
int guest_vector(const struct guest *guest);
/* Registers as they are after a step. */
void guest_store(struct guest *guest, struct world_state *state);
/* After a fault: everything but the data. end: linear address of the way out. */
void guest_store_outcome(struct guest *guest, uint32_t end, struct world_outcome *outcome);

#endif
