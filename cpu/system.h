/* What the system instructions share: modes, EFLAGS with side effects, privilege level, control
 * registers. The functions keep everything derived (MMU mode, step bits, attention) up to date. */
#ifndef CPU_SYSTEM_H
#define CPU_SYSTEM_H

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/fault.h"

/* CR0.PE; true in V86 mode too. */
static inline bool cpu_is_protected(const struct cpu *cpu)
{
    return cpu->cr0 & CR0_PE;
}

static inline bool cpu_is_v86(const struct cpu *cpu)
{
    return cpu->eflags & FLAG_VM;
}

/* Segment registers work as on the 8086: selector * 16. */
static inline bool cpu_is_8086(const struct cpu *cpu)
{
    return !cpu_is_protected(cpu) || cpu_is_v86(cpu);
}

static inline unsigned cpu_iopl(const struct cpu *cpu)
{
    return cpu->eflags >> 12 & 3;
}

/* A virtual interrupt is pending and enabled (SDM 3A 20.3.2). */
static inline bool eflags_has_virtual_pending(const struct cpu *cpu)
{
    return (cpu->eflags & (FLAG_VIF | FLAG_VIP)) == (FLAG_VIF | FLAG_VIP);
}

/* EFLAGS bits that exist on this model. */
uint32_t eflags_existing(const struct cpu *cpu);
/* Takes the bits in mask from value. Sets the mode bits and nothing else of a change of VM: the
 * caller loads the segment registers and CPL that belong to it. */
void eflags_write(struct cpu *cpu, uint32_t value, uint32_t mask);

void cpu_set_cpl(struct cpu *cpu, unsigned cpl);
/* Slow memory paths on or off: alignment checks, data breakpoints. */
void cpu_update_slow(struct cpu *cpu);
/* Sets or clears ATTENTION_INTERRUPT and ATTENTION_NMI by the pins, IF and the shadow. */
void cpu_update_interrupts(struct cpu *cpu);
/* Hands CR0, CR3, CR4 and EFER to the MMU, which flushes; keep_global: a CR3 load with CR4.PGE. */
void cpu_update_paging(struct cpu *cpu, bool keep_global);
/* PE has changed: segment caches mean something else. */
void cpu_update_segments(struct cpu *cpu);

#define EFER_NXE (UINT64_C(1) << 11)

/* MOV to CR0, CR3, CR4 with all their checks (SDM 2B, MOV to control registers). */
enum exec_result cpu_write_cr0(struct cpu *cpu, uint32_t value) MUST_CHECK;
enum exec_result cpu_write_cr3(struct cpu *cpu, uint32_t value) MUST_CHECK;
enum exec_result cpu_write_cr4(struct cpu *cpu, uint32_t value) MUST_CHECK;

/* CPL 0 or real mode, else #GP(0). */
static inline MUST_CHECK enum exec_result cpu_require_cpl0(struct cpu *cpu)
{
    return cpu->cpl == 0 ? EXEC_OK : fault_gp(cpu, 0);
}

/* Opens the interrupt shadow: after STI (maskable interrupts only), after MOV SS and POP SS
 * (debug traps and NMI too). */
void cpu_open_shadow(struct cpu *cpu, bool stack);

/* Time stamp counter now. */
uint64_t cpu_tsc(const struct cpu *cpu);
/* Whether it is *at_zero + cpu_icount(), modulo 2^64. Holds until the clock skips or stalls or gets
 * another rate, or the guest writes the counter: all of that is outside of cpu_run, or leaves
 * attention behind. */
bool cpu_tsc_counts_insns(const struct cpu *cpu, uint64_t *at_zero);

/* The processor was told to shut down, or halts. */
void cpu_set_activity(struct cpu *cpu, enum cpu_activity activity);

#endif
