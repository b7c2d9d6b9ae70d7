/* Debug registers, single step, and the bookkeeping around one instruction in step mode.
 *
 * Step mode (cpu->step is not 0): at each instruction boundary the engine calls debug_check_fetch,
 * executes one instruction (one iteration of a repeated one), and, if it retired, calls
 * debug_after_insn with eip behind it. Outside of step mode neither is needed: data and I/O
 * breakpoints and task-switch traps collect in cpu->debug_hits and set ATTENTION_DEBUG, and
 * cpu_service delivers them.
 *
 * Source: Intel SDM volume 3B, chapter 17 (Debug). */
#ifndef CPU_DEBUG_H
#define CPU_DEBUG_H

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/fault.h"

enum dr6_bits {
    DR6_B0 = 1 << 0,
    DR6_BREAKPOINTS = 0xF,
    DR6_BD = 1 << 13,
    DR6_BS = 1 << 14,
    DR6_BT = 1 << 15,
};
#define DR6_FIXED 0xFFFF0FF0u /* bits that read as ones */

enum dr7_bits {
    DR7_LOCAL = 0x55, /* L0..L3 */
    DR7_ENABLES = 0xFF,
    DR7_LE = 1 << 8,
    DR7_FIXED = 1 << 10, /* reads as one */
    DR7_GD = 1 << 13,
};

/* At an instruction boundary in step mode, before the fetch: instruction breakpoints (unless RF is
 * set), and #GP where VIF and VIP are both set. EXEC_FAULT: deliver cpu->fault. Opens the
 * bookkeeping that debug_after_insn closes. */
enum exec_result debug_check_fetch(struct cpu *cpu) MUST_CHECK;

/* After the instruction retired, eip being the next one's address: single-step trap, end of the
 * interrupt shadow, clearing of RF. Sets attention where something is to be delivered. */
void debug_after_insn(struct cpu *cpu);

/* A data access of size bytes was made at linear; an I/O access at port. For the slow paths only:
 * see debug_watches_data. Hits trap after the instruction. Data is told to a debugger, too
 * (cpu/points.h). */
void debug_note_data(struct cpu *cpu, uint32_t linear, unsigned size, bool write);
void debug_note_io(struct cpu *cpu, uint16_t port, unsigned size);

/* Some enabled breakpoint watches data. */
bool debug_watches_data(const struct cpu *cpu);

/* DR7 has changed: arms and disarms the step mode and the slow memory paths. */
void debug_update(struct cpu *cpu);

/* A #DB is being delivered: moves the collected hits into DR6, and clears DR7.GD. */
void debug_commit(struct cpu *cpu);

#endif
