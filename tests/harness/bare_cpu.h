/* A processor with plain memory, the clock and nothing else around it, for tests of single
 * instructions. */
#ifndef TESTS_HARNESS_BARE_CPU_H
#define TESTS_HARNESS_BARE_CPU_H

#include "cpu/cpu.h"

struct bare_cpu {
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    struct cpu *cpu;
    uint8_t *ram; /* BARE_RAM_SIZE bytes, physical 0 first */
    int vector;   /* of the first exception since the last bare_cpu_flat or _real; -1: none */
};

enum { BARE_RAM_SIZE = 16 << 20 };

struct bare_cpu *bare_cpu_new(const char *model);
/* The same with another amount of RAM, in bytes. */
struct bare_cpu *bare_cpu_new_sized(const char *model, uint64_t ram_size);
void bare_cpu_free(struct bare_cpu *bare);

/* Protected mode at CPL 0, all segments flat with the given code size, no paging, interrupts off.
 */
void bare_cpu_flat(struct bare_cpu *bare, bool code32);
/* Real mode, all selectors 0. */
void bare_cpu_real(struct bare_cpu *bare);

/* Copies bytes into RAM as a device would: decoded code there is forgotten. */
void bare_cpu_write(struct bare_cpu *bare, uint32_t address, const void *bytes, size_t size);

/* Runs until count more instructions have retired, or an exception was raised. Returns its vector,
 * or -1 for none. There is no interrupt table: delivery fails, the processor shuts down, and the
 * registers are as they were at the faulting instruction. */
int bare_cpu_run(struct bare_cpu *bare, uint64_t count);

#endif
