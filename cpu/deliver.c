/* Exceptions that meet exceptions, and what is taken at an instruction boundary. */
#include "cpu/debug.h"
#include "cpu/far.h"
#include "cpu/model.h"

#include <assert.h>

/* --- double and triple faults (SDM 3A 6.15, interrupt 8) --- */

static bool is_contributory(uint8_t vector)
{
    return vector == VECTOR_DE || (vector >= VECTOR_TS && vector <= VECTOR_GP);
}

static bool makes_double_fault(uint8_t first, uint8_t second)
{
    if (is_contributory(first))
        return is_contributory(second);
    if (first == VECTOR_PF)
        return is_contributory(second) || second == VECTOR_PF;
    return false;
}

static bool shuts_down(uint8_t first, uint8_t second)
{
    return first == VECTOR_DF && (is_contributory(second) || second == VECTOR_PF);
}

/* Faults restart their instruction, and set RF in the image so that it meets no breakpoint again
 * (SDM 3B 17.3.1.1). */
static bool sets_resume(const struct cpu *cpu, uint8_t vector)
{
    if (vector == VECTOR_DB)
        return cpu->debug_hits & DR6_BD;
    return vector != VECTOR_NMI && vector != VECTOR_BP && vector != VECTOR_OF &&
           vector != VECTOR_DF && vector != VECTOR_MC;
}

/* --- for people: cpu/delivery.h --- */

static struct fault_record describe(const struct cpu *cpu, const struct cpu_fault *fault)
{
    return (struct fault_record){
        .icount = cpu_icount(cpu),
        .cr2 = cpu->cr2,
        .error = fault->error,
        .vector = fault->vector,
        .has_error = fault->has_error,
        .during = NOT_IN_DELIVERY,
        .context = cpu_fault_context(cpu),
    };
}

struct fault_context cpu_fault_context(const struct cpu *cpu)
{
    return (struct fault_context){
        .eip = cpu->eip,
        .esp = cpu->gpr[REG_ESP],
        .cr0 = cpu->cr0,
        .cr3 = cpu->cr3,
        .cr4 = cpu->cr4,
        .eflags = cpu->eflags,
        .gdtr_base = cpu->gdtr_base,
        .idtr_base = cpu->idtr_base,
        .gdtr_limit = cpu->gdtr_limit,
        .idtr_limit = cpu->idtr_limit,
        .cs = cpu->seg[SEG_CS],
        .ss = cpu->seg[SEG_SS],
        .ldtr = cpu->ldtr,
        .tr = cpu->tr,
        .cpl = cpu->cpl,
    };
}

struct fault_record cpu_describe_fault(const struct cpu *cpu)
{
    struct fault_record record = describe(cpu, &cpu->fault);
    const struct delivery_ring *ring = &cpu->deliveries;
    const struct delivery *last = &ring->entry[(ring->count - 1) % DELIVERIES];
    /* An interrupt, or INT n, that could not be delivered. */
    if (ring->count > ring->floor && !last->done && last->icount == record.icount) {
        record.during = last->vector;
        record.during_kind = last->kind;
        record.in_new_task = last->switched;
    }
    return record;
}

void cpu_note_delivery(struct cpu *cpu, enum delivery_kind kind)
{
    *delivery_next(cpu) = (struct delivery){
        .icount = cpu_icount(cpu),
        .eip = cpu->eip,
        .esp = cpu->gpr[REG_ESP],
        .cr2 = cpu->cr2,
        .cs = cpu->seg[SEG_CS].selector,
        .ss = cpu->seg[SEG_SS].selector,
        .kind = kind,
        .done = true,
    };
}

void cpu_rewind_deliveries(struct cpu *cpu)
{
    struct delivery_ring *ring = &cpu->deliveries;
    uint64_t count = ring->count;
    ring->floor = delivery_oldest(ring);
    while (ring->count > ring->floor &&
           ring->entry[(ring->count - 1) % DELIVERIES].icount > cpu_icount(cpu))
        ring->count--;
    /* Back to where the ring has been, or on to where it has not. */
    if (ring->count == count)
        cpu_note_delivery(cpu, DELIVERY_LOAD);
}

static void add_to_chain(struct cpu *cpu, const struct fault_record *record)
{
    struct fault_chain *chain = &cpu->fault_chain;
    assert(chain->count < FAULT_CHAIN_LENGTH);
    chain->fault[chain->count++] = *record;
}

/* cpu->fault was raised while event was delivered. */
static void record_nested(struct cpu *cpu, const struct event *event)
{
    struct fault_record record = describe(cpu, &cpu->fault);
    record.during = event->vector;
    record.during_kind = event->kind;
    record.in_new_task = event->committed;
    add_to_chain(cpu, &record);
}

static void shut_down(struct cpu *cpu)
{
    cpu_set_activity(cpu, CPU_SHUTDOWN);
    if (cpu->host.triple_fault)
        cpu->host.triple_fault(cpu->host.opaque);
}

/* Exceptions that are not contributory can follow each other for ever (an #AC handler with a
 * misaligned stack); a processor hangs then, and is taken to have shut down. */
enum { DELIVERIES_MAX = 8 };

void cpu_deliver_fault(struct cpu *cpu)
{
    struct cpu_fault fault = cpu->fault;
    if (fault.vector == VECTOR_FREEZE) {
        cpu_set_activity(cpu, CPU_HALTED);
        return;
    }
    if (cpu->host.fault && cpu->host.fault(cpu->host.opaque))
        return;
    struct fault_record first = cpu_describe_fault(cpu);
    cpu->fault_chain.count = 0;
    add_to_chain(cpu, &first);
    /* The instruction will be restarted, and meet its data breakpoints again. */
    if (fault.vector != VECTOR_DB)
        cpu->debug_hits &= DR6_BT;
    for (unsigned deliveries = 1;; deliveries++) {
        struct event event = {
            .vector = fault.vector,
            .kind = DELIVERY_EXCEPTION,
            .has_error = fault.has_error,
            .error = fault.error,
            .resume = sets_resume(cpu, fault.vector),
            .next_eip = cpu->eip,
        };
        if (fault.vector == VECTOR_DB)
            debug_commit(cpu);
        if (event_deliver(cpu, &event) == EXEC_OK)
            return;
        record_nested(cpu, &event);
        struct cpu_fault second = cpu->fault;
        if (shuts_down(fault.vector, second.vector) || deliveries == DELIVERIES_MAX) {
            shut_down(cpu);
            return;
        }
        if (makes_double_fault(fault.vector, second.vector)) {
            second = (struct cpu_fault){.vector = VECTOR_DF, .has_error = true};
            struct fault_record combined = describe(cpu, &second);
            combined.is_combined = true;
            add_to_chain(cpu, &combined);
        }
        fault = second;
    }
}

/* --- instruction boundaries (SDM 3A table 6-2) --- */

static void take_interrupt(struct cpu *cpu, uint8_t vector, enum delivery_kind kind)
{
    struct event event = {
        .vector = vector, .kind = kind, .resume = cpu->repeating, .next_eip = cpu->eip};
    cpu->activity = CPU_RUNNING;
    if (event_deliver(cpu, &event))
        cpu_deliver_fault(cpu);
}

static void take_nmi(struct cpu *cpu)
{
    cpu->nmi_pending = false;
    cpu->nmi_blocked = true;
    take_interrupt(cpu, VECTOR_NMI, DELIVERY_NMI);
    cpu_update_interrupts(cpu);
}

static void take_debug_trap(struct cpu *cpu)
{
    cpu->activity = CPU_RUNNING;
    cpu->fault = (struct cpu_fault){.vector = VECTOR_DB};
    cpu_deliver_fault(cpu);
}

/* What may be taken now, in order: debug traps of the last instruction, NMI, maskable interrupts.
 * Shutdown ends by NMI alone (or by reset). */
static bool take_pending(struct cpu *cpu)
{
    bool is_shut_down = cpu->activity == CPU_SHUTDOWN;
    bool traps = cpu->debug_hits && !(cpu->step & STEP_SHADOW_STACK) && !is_shut_down;
    if (traps)
        take_debug_trap(cpu);
    cpu_update_interrupts(cpu);
    bool is_nmi = cpu->attention & ATTENTION_NMI;
    if (is_nmi)
        take_nmi(cpu);
    bool interrupts = cpu->attention & ATTENTION_INTERRUPT && cpu->activity != CPU_SHUTDOWN;
    if (interrupts)
        take_interrupt(cpu, cpu->host.acknowledge ? cpu->host.acknowledge(cpu->host.opaque) : 0,
                       DELIVERY_INTERRUPT);
    cpu_update_interrupts(cpu);
    return traps || is_nmi || interrupts;
}

bool cpu_service(struct cpu *cpu)
{
    cpu->attention &=
        ~(uint32_t)(ATTENTION_CLOCK | ATTENTION_HALT | ATTENTION_MODE | ATTENTION_DEBUG);
    bool resets = cpu->reset_pending || cpu->init_pending;
    if (resets)
        cpu_reset(cpu, !cpu->reset_pending);
    bool takes = take_pending(cpu);
    cpu->attention &= ~(uint32_t)ATTENTION_MODE;
    if (cpu->debug_hits && !(cpu->step & STEP_SHADOW_STACK))
        cpu->attention |= ATTENTION_DEBUG;
    return resets || takes;
}
