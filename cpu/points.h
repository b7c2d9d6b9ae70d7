/* Breakpoints and watchpoints of a debugger outside of the guest, by linear address.
 *
 * The guest cannot see them. An instruction breakpoint changes no memory: the bytes of blocks are
 * cut so that an instruction at the same place in any page begins a block, which is marked, never
 * translated, and looked at on entry (cpu/code.c). So it does not matter whether the page is mapped
 * yet, or where. A watched page's accesses take the slow path, which the TLB allows at any time
 * (mmu_watch_page). All other code runs as fast as ever. The guest's own debug registers are apart
 * from this (cpu/debug.h).
 *
 * A hit is told to the owner, who says whether the processor is to stop: before the instruction, of
 * a breakpoint; behind it, of a watchpoint. */
#ifndef CPU_POINTS_H
#define CPU_POINTS_H

#include "base/bits.h"

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct points;

enum point_kind { POINT_EXECUTE, POINT_WRITE, POINT_READ, POINT_ACCESS };

struct point {
    enum point_kind kind;
    uint32_t linear;
    uint32_t size; /* bytes, at least 1; 1 of POINT_EXECUTE */
    uint32_t tag;  /* the owner's */
};

struct point_hit {
    struct point point;
    uint32_t linear; /* the first byte of the access that lies in the point */
    /* Of the instruction that makes the access, or is about to be executed. */
    uint64_t icount;
};

/* Returns whether the processor shall stop (then ATTENTION_STOP is set). Called on the machine's
 * thread, maybe several times for one instruction. */
typedef bool point_listener(void *opaque, const struct point_hit *hit);

struct points *points_new(struct cpu *cpu);
/* Removes all, too. */
void points_free(struct points *points);

/* Nothing is told while there is no listener. */
void points_set_listener(struct points *points, point_listener *hit, void *opaque);

enum { POINTS_MAX = 1024 };

/* Both between two instructions. The same point may be there several times. False: there are
 * POINTS_MAX already, or none like it. */
bool points_add(struct points *points, const struct point *point);
bool points_remove(struct points *points, const struct point *point);
void points_remove_all(struct points *points);
/* There are others than POINT_EXECUTE. */
bool points_watch_data(const struct points *points);

/* goes_on: the debugger goes on from here, and an instruction breakpoint at CS:EIP is not told
 * until an instruction has retired. Not goes_on: every one is told. */
void points_pass(struct points *points, bool goes_on);

/* --- for the engine; points may be NULL --- */

/* Whether an instruction at this place in a page begins a marked block. */
bool points_cut(const struct points *points, uint32_t physical);
/* The instruction at CS:EIP is next. True: it must not be executed now. */
bool points_stop_here(struct points *points);
/* A data access was made, or is about to be made again if the instruction faults. */
void points_note_data(struct points *points, uint32_t linear, unsigned size, bool write);
/* Whether points_stop_here returned true in this turn, and there is no fault to deliver. */
bool points_take_stop(struct points *points);

#endif
