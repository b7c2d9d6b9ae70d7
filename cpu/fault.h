/* Guest faults. A function that can fault returns enum exec_result and must be checked; the one
 * that finds the fault ends with `return fault_gp(cpu, 0)`. Delivery happens once, in the engine's
 * loop, through cpu_deliver_fault. */
#ifndef CPU_FAULT_H
#define CPU_FAULT_H

#include "base/bits.h"
#include "cpu/cpu.h"

static inline enum exec_result fault_raise(struct cpu *cpu, enum vector vector)
{
    cpu->fault = (struct cpu_fault){.vector = (uint8_t)vector};
    return EXEC_FAULT;
}

static inline enum exec_result fault_raise_code(struct cpu *cpu, enum vector vector, uint32_t error)
{
    cpu->fault = (struct cpu_fault){.vector = (uint8_t)vector, .has_error = true, .error = error};
    return EXEC_FAULT;
}

static inline enum exec_result fault_ud(struct cpu *cpu)
{
    return fault_raise(cpu, VECTOR_UD);
}

static inline enum exec_result fault_gp(struct cpu *cpu, uint32_t error)
{
    return fault_raise_code(cpu, VECTOR_GP, error);
}

/* #PF from mmu->fault. CR2 is loaded when the fault is raised. */
static inline enum exec_result fault_page(struct cpu *cpu)
{
    cpu->cr2 = cpu->mmu->fault.address;
    return fault_raise_code(cpu, VECTOR_PF, cpu->mmu->fault.error);
}

/* No exception: the processor stops before the current instruction, which starts again when an
 * interrupt has come and its handler has returned. For a pending x87 exception while CR0.NE = 0. */
enum { VECTOR_FREEZE = 0xFF };

static inline enum exec_result fault_freeze(struct cpu *cpu)
{
    cpu->fault = (struct cpu_fault){.vector = VECTOR_FREEZE};
    return EXEC_FAULT;
}

/* Delivers cpu->fault at the instruction boundary cpu->eip (the faulting instruction), with double
 * and triple fault rules. Traps (#DB after an instruction, #BP, #OF) come with eip behind it. */
void cpu_deliver_fault(struct cpu *cpu);

#endif
