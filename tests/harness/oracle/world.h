/* The address space that the oracle's programs see, on the host and in the guest alike: CPL 3, the
 * selectors of a 32-bit Linux program, a local descriptor table with one segment of each kind, and
 * a few pages between pages that are not there. */
#ifndef TESTS_HARNESS_ORACLE_WORLD_H
#define TESTS_HARNESS_ORACLE_WORLD_H

#include "cpu/fpu_state.h"
#include "cpu/registers.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WORLD_PAGE = 0x1000,
    /* Readable and executable; INT3 wherever no instruction was put. */
    WORLD_CODE = 0x100000,
    WORLD_CODE_SIZE = 2 * WORLD_PAGE,
    WORLD_KEPT = 0x200, /* in each code page: no program is put there */
    /* Two pages that can be written, one that can only be read. */
    WORLD_DATA = 0x200000,
    WORLD_WRITABLE = 2 * WORLD_PAGE,
    WORLD_DATA_SIZE = 3 * WORLD_PAGE,
    /* Not for the program: on the host the way in and out, in the guest descriptor tables. */
    WORLD_GATE = 0x300000,
    WORLD_GATE_SIZE = 3 * WORLD_PAGE,
    /* Where a far jump leaves the program. */
    WORLD_EXIT = WORLD_GATE + 0x800,

    WORLD_CS32 = 0x23,
    WORLD_DS32 = 0x2B,
    WORLD_CS64 = 0x33,
};

/* The local descriptor table. */
struct world_segment {
    const char *name;
    uint32_t base, limit; /* limit as in the descriptor */
    bool big, granular, code;
    bool expand_down, read_execute_only, absent;
};
enum world_ldt {
    LDT_CODE16,
    LDT_DATA16,
    LDT_DATA32,
    LDT_DOWN32,
    LDT_READ_ONLY,
    LDT_ABSENT,
    LDT_CODE32,
    LDT_EXECUTE_ONLY,
    LDT_DOWN16,
    LDT_FLAT,
    LDT_COUNT
};
extern const struct world_segment world_ldt[LDT_COUNT];

static inline uint16_t world_selector(enum world_ldt entry)
{
    return (uint16_t)(entry << 3 | 7);
}

/* What a program can see of the processor. */
struct world_state {
    uint32_t gpr[8]; /* SDM order */
    uint32_t eip, eflags;
    uint16_t seg[SEG_COUNT];
    uint16_t fpu_control, fpu_status, fpu_opcode;
    uint8_t fpu_empty; /* a bit for each physical register */
    uint32_t fpu_ip, fpu_data, mxcsr;
    struct float80 fpu[8]; /* physical */
    union xmm_register xmm[8];
};

enum { WORLD_NO_FAULT = -1, WORLD_TIMEOUT = -2 };

/* How a program ended. */
struct world_outcome {
    struct world_state state;
    int vector; /* of the exception; WORLD_NO_FAULT: it left at its end; or WORLD_TIMEOUT */
    uint32_t error, cr2;
    uint8_t data[WORLD_WRITABLE];
};

/* A program: at most this many bytes of code, with the way out behind it. */
enum { WORLD_PROGRAM_MAX = 256, WORLD_EXIT_MAX = 8 };

struct world_program {
    uint8_t code[WORLD_PROGRAM_MAX + WORLD_EXIT_MAX];
    unsigned size; /* with the way out */
    uint32_t linear;
};

/* The jump out of a program, for a 16-bit or 32-bit code segment. Returns its length. */
unsigned world_put_exit(uint8_t *code, bool code32);
/* What the data pages hold before the program's own data are put there: WORLD_DATA_SIZE bytes, the
 * same in every run. */
void world_fill_data(uint8_t *data);

#endif
