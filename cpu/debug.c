#include "cpu/debug.h"

#include "cpu/points.h"
#include "cpu/system.h"

/* R/W field of DR7 (SDM 3B 17.2.4). */
enum breakpoint_kind { WATCH_EXECUTE, WATCH_WRITE, WATCH_IO, WATCH_ACCESS };

static bool breakpoint_enabled(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (n * 2) & 3;
}

static enum breakpoint_kind breakpoint_kind(const struct cpu *cpu, unsigned n)
{
    return bits_get(cpu->dr[7], 17 + n * 4, 16 + n * 4);
}

/* Bytes watched: 1, 2, 4; code 2 is 8 bytes on 64-bit processors only and watches like 4 here. */
static uint32_t breakpoint_length(const struct cpu *cpu, unsigned n)
{
    static const uint8_t lengths[4] = {1, 2, 4, 4};
    return lengths[bits_get(cpu->dr[7], 19 + n * 4, 18 + n * 4)];
}

static bool watches(const struct cpu *cpu, unsigned n, bool execute)
{
    return breakpoint_enabled(cpu, n) && (breakpoint_kind(cpu, n) == WATCH_EXECUTE) == execute;
}

bool debug_watches_data(const struct cpu *cpu)
{
    if (LIKELY(!(cpu->dr[7] & DR7_ENABLES)))
        return false;
    for (unsigned n = 0; n < 4; n++) {
        if (watches(cpu, n, false))
            return true;
    }
    return false;
}

void debug_update(struct cpu *cpu)
{
    cpu->step &= ~(uint32_t)STEP_BREAKPOINTS;
    for (unsigned n = 0; n < 4; n++) {
        if (watches(cpu, n, true))
            cpu->step |= STEP_BREAKPOINTS;
    }
    cpu->attention |= ATTENTION_MODE;
    cpu_update_slow(cpu);
}

static uint32_t execute_hits(const struct cpu *cpu)
{
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    uint32_t hits = 0;
    bool enabled = false;
    for (unsigned n = 0; n < 4; n++) {
        if (breakpoint_kind(cpu, n) != WATCH_EXECUTE || cpu->dr[n] != linear)
            continue;
        hits |= (uint32_t)DR6_B0 << n;
        enabled |= breakpoint_enabled(cpu, n);
    }
    return enabled ? hits : 0;
}

/* Whether VIF and VIP, both set, stop the instruction: only where they stand for IF (SDM 3A 2.3,
 * 20.3.2, 20.4). */
static bool virtual_interrupt_stops(const struct cpu *cpu)
{
    uint32_t enable = cpu_is_v86(cpu) ? CR4_VME : CR4_PVI;
    return eflags_has_virtual_pending(cpu) && cpu->cpl == 3 && cpu_iopl(cpu) < 3 &&
           cpu->cr4 & enable;
}

enum exec_result debug_check_fetch(struct cpu *cpu)
{
    /* Behind a load of SS as if RF were set (SDM 3B 17.3.1.1). */
    if (cpu->step & STEP_BREAKPOINTS && !(cpu->step & STEP_SHADOW_STACK) &&
        !(cpu->eflags & FLAG_RF)) {
        uint32_t hits = execute_hits(cpu);
        if (hits) {
            cpu->debug_hits = hits;
            return fault_raise(cpu, VECTOR_DB);
        }
    }
    if (cpu->step & STEP_VIRTUAL && virtual_interrupt_stops(cpu))
        return fault_gp(cpu, 0);
    cpu->step &= ~(uint32_t)(STEP_SHADOW | STEP_SHADOW_STACK | STEP_RESUME | STEP_TRAP_PENDING);
    if (cpu->eflags & FLAG_TF)
        cpu->step |= STEP_TRAP_PENDING;
    return EXEC_OK;
}

/* RF ends with the instruction; between two iterations of a repeated one, what interrupts them sees
 * RF set (SDM 3B 17.3.1.1). Where nobody looks at RF, it is left clear, so that the remaining
 * iterations need not be stepped through; interrupts go by cpu->repeating. */
static void update_resume(struct cpu *cpu)
{
    if (cpu->repeating && cpu->step & (STEP_BREAKPOINTS | STEP_TRAP_FLAG)) {
        cpu->eflags |= FLAG_RF;
        cpu->step |= STEP_RESUME;
    } else if (!(cpu->step & STEP_RESUME)) {
        cpu->eflags &= ~(uint32_t)FLAG_RF;
    }
}

void debug_after_insn(struct cpu *cpu)
{
    update_resume(cpu);
    if (cpu->step & STEP_TRAP_PENDING && !(cpu->step & STEP_SHADOW_STACK))
        cpu->debug_hits |= DR6_BS;
    cpu->step &= ~(uint32_t)STEP_TRAP_PENDING;
    if (!(cpu->eflags & FLAG_TF))
        cpu->step &= ~(uint32_t)STEP_TRAP_FLAG;
    if (!eflags_has_virtual_pending(cpu))
        cpu->step &= ~(uint32_t)STEP_VIRTUAL;
    if (cpu->debug_hits && !(cpu->step & STEP_SHADOW_STACK))
        cpu->attention |= ATTENTION_DEBUG;
    cpu_update_interrupts(cpu);
}

static uint32_t range_hits(const struct cpu *cpu, uint32_t first, unsigned size, unsigned kinds)
{
    uint32_t hits = 0;
    bool enabled = false;
    for (unsigned n = 0; n < 4; n++) {
        if (!(kinds >> breakpoint_kind(cpu, n) & 1))
            continue;
        uint32_t length = breakpoint_length(cpu, n);
        uint32_t watched = cpu->dr[n] & ~(length - 1);
        /* Distances, so that ranges may touch the end of the address space. */
        if (first - watched >= length && watched - first >= size)
            continue;
        hits |= (uint32_t)DR6_B0 << n;
        enabled |= breakpoint_enabled(cpu, n);
    }
    return enabled ? hits : 0;
}

static void collect(struct cpu *cpu, uint32_t hits)
{
    if (!hits)
        return;
    cpu->debug_hits |= hits;
    cpu->attention |= ATTENTION_DEBUG;
}

void debug_note_data(struct cpu *cpu, uint32_t linear, unsigned size, bool write)
{
    if (UNLIKELY(cpu->points))
        points_note_data(cpu->points, linear, size, write);
    if (LIKELY(!(cpu->dr[7] & DR7_ENABLES)))
        return;
    unsigned kinds = 1u << WATCH_ACCESS | (write ? 1u << WATCH_WRITE : 0);
    collect(cpu, range_hits(cpu, linear, size, kinds));
}

void debug_note_io(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (LIKELY(!(cpu->dr[7] & DR7_ENABLES)) || !(cpu->cr4 & CR4_DE))
        return;
    collect(cpu, range_hits(cpu, port, size, 1u << WATCH_IO));
}

void debug_commit(struct cpu *cpu)
{
    cpu->dr[6] = (cpu->dr[6] & ~(uint32_t)DR6_BREAKPOINTS) | cpu->debug_hits;
    cpu->dr[7] &= ~(uint32_t)DR7_GD;
    cpu->debug_hits = 0;
    cpu->attention &= ~(uint32_t)ATTENTION_DEBUG;
}
