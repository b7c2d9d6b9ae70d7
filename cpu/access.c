#include "cpu/access.h"

#include "cpu/debug.h"
#include "cpu/segment.h"

/* Limit and type (SDM 3A 5.3, 5.5). Stack segments fault as #SS, others as #GP. */
enum exec_result mem_check_segment(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                   unsigned size, bool write)
{
    const struct segment *segment = &cpu->seg[seg];
    enum vector vector = seg == SEG_SS ? VECTOR_SS : VECTOR_GP;
    if (!cpu_is_protected(cpu)) {
        /* Real mode looks at the limit only. */
        if ((uint64_t)offset + size - 1 > segment->limit)
            return fault_raise_code(cpu, vector, 0);
        return EXEC_OK;
    }
    bool allowed =
        write ? access_is_writable(segment->access) : access_is_readable(segment->access);
    if (!(segment->access & SEGMENT_PRESENT) || !allowed)
        return fault_raise_code(cpu, vector, 0);
    if (!segment_contains(segment, offset, size))
        return fault_raise_code(cpu, vector, 0);
    return EXEC_OK;
}

static bool is_misaligned(const struct cpu *cpu, uint32_t linear, unsigned size)
{
    if (cpu->cpl != 3 || !(cpu->cr0 & CR0_AM) || !(cpu->eflags & FLAG_AC))
        return false;
    unsigned alignment = size == 10 ? 8 : size; /* SDM 3A table 6-7 */
    return linear & (alignment - 1);
}

/* #AC ranks behind the page faults that the access would raise (SDM 3A table 6-2). */
static enum exec_result fault_alignment(struct cpu *cpu, uint32_t linear, unsigned size, bool write)
{
    enum mmu_access access = write ? MMU_WRITE : MMU_READ;
    uint32_t physical;
    if (!mmu_translate(cpu->mmu, linear, access, true, &physical) ||
        !mmu_translate(cpu->mmu, linear + size - 1, access, true, &physical))
        return fault_page(cpu);
    return fault_raise_code(cpu, VECTOR_AC, 0);
}

/* Everything but the page walk. */
static enum exec_result check_access(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                     unsigned size, bool write, uint32_t *linear)
{
    if (mem_check_segment(cpu, seg, offset, size, write))
        return EXEC_FAULT;
    *linear = cpu->seg[seg].base + offset;
    if (UNLIKELY(is_misaligned(cpu, *linear, size)))
        return fault_alignment(cpu, *linear, size, write);
    return EXEC_OK;
}

enum exec_result mem_read_slow(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                               void *bytes, unsigned size)
{
    uint32_t linear;
    if (check_access(cpu, seg, offset, size, false, &linear))
        return EXEC_FAULT;
    if (!mmu_read(cpu->mmu, linear, bytes, size, cpu->cpl == 3))
        return fault_page(cpu);
    debug_note_data(cpu, linear, size, false);
    return EXEC_OK;
}

enum exec_result mem_write_slow(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                const void *bytes, unsigned size)
{
    uint32_t linear;
    if (check_access(cpu, seg, offset, size, true, &linear))
        return EXEC_FAULT;
    if (!mmu_write(cpu->mmu, linear, bytes, size, cpu->cpl == 3))
        return fault_page(cpu);
    debug_note_data(cpu, linear, size, true);
    return EXEC_OK;
}

enum exec_result mem_check_write(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                 unsigned size)
{
    uint32_t linear;
    if (check_access(cpu, seg, offset, size, true, &linear))
        return EXEC_FAULT;
    return mmu_probe_write(cpu->mmu, linear, size, cpu->cpl == 3) ? EXEC_OK : fault_page(cpu);
}

enum exec_result mem_rmw_slow(struct cpu *cpu, struct mem_rmw *rmw, void *bytes, unsigned size)
{
    uint32_t linear;
    bool user = cpu->cpl == 3;
    if (check_access(cpu, rmw->seg, rmw->offset, size, true, &linear))
        return EXEC_FAULT;
    if (!mmu_probe_write(cpu->mmu, linear, size, user) ||
        !mmu_read(cpu->mmu, linear, bytes, size, user))
        return fault_page(cpu);
    debug_note_data(cpu, linear, size, false);
    return EXEC_OK;
}

void mem_rmw_store_slow(struct cpu *cpu, const struct mem_rmw *rmw, const void *bytes,
                        unsigned size)
{
    uint32_t linear = cpu->seg[rmw->seg].base + rmw->offset;
    /* mem_rmw_slow has proved that this write succeeds. */
    if (!mmu_write(cpu->mmu, linear, bytes, size, cpu->cpl == 3))
        return;
    debug_note_data(cpu, linear, size, true);
}

enum exec_result sys_read(struct cpu *cpu, uint32_t linear, void *bytes, unsigned size)
{
    return mmu_read(cpu->mmu, linear, bytes, size, false) ? EXEC_OK : fault_page(cpu);
}

enum exec_result sys_write(struct cpu *cpu, uint32_t linear, const void *bytes, unsigned size)
{
    return mmu_write(cpu->mmu, linear, bytes, size, false) ? EXEC_OK : fault_page(cpu);
}
