#include "cpu/far.h"

#include "cpu/access.h"

#include "cpu/debug.h"

#include <assert.h>

void frame_begin(const struct cpu *cpu, struct frame *frame, unsigned size, uint32_t ext)
{
    frame->ss = cpu->seg[SEG_SS];
    frame->esp = cpu->gpr[REG_ESP];
    frame->cpl = cpu->cpl;
    frame->error = ext;
    frame->size = size;
    frame->count = 0;
}

/* SS and ESP for cpl from the TSS (SDM 3A 7.2.1). */
static enum exec_result read_tss_stack(struct cpu *cpu, unsigned cpl, uint32_t ext, uint16_t *ss,
                                       uint32_t *esp)
{
    bool is_32 = access_system_type(cpu->tr.access) & 8;
    unsigned word = is_32 ? 4 : 2;
    uint32_t offset = is_32 ? 4 + cpl * 8 : 2 + cpl * 4;
    uint8_t bytes[6];
    if (offset + word + 1 > cpu->tr.limit)
        return fault_raise_code(cpu, VECTOR_TS, selector_error(cpu->tr.selector, ext));
    if (sys_read(cpu, cpu->tr.base + offset, bytes, word + 2))
        return EXEC_FAULT;
    *esp = is_32 ? load_le32(bytes) : load_le16(bytes);
    *ss = load_le16(bytes + word);
    return EXEC_OK;
}

enum exec_result frame_begin_inner(struct cpu *cpu, struct frame *frame, unsigned size,
                                   unsigned cpl, uint32_t ext)
{
    uint16_t ss;
    if (read_tss_stack(cpu, cpl, ext, &ss, &frame->esp) ||
        segment_check_stack(cpu, ss, cpl, VECTOR_TS, ext, &frame->ss))
        return EXEC_FAULT;
    frame->cpl = cpl;
    frame->error = selector_error(ss, ext);
    frame->size = size;
    frame->count = 0;
    return EXEC_OK;
}

void frame_push(struct frame *frame, uint32_t value)
{
    assert(frame->count < FRAME_MAX);
    frame->value[frame->count++] = value;
}

static uint32_t stack_mask(const struct frame *frame)
{
    return frame->ss.access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF;
}

/* Offset of the push with this index. */
static uint32_t push_offset(const struct frame *frame, unsigned index)
{
    return (frame->esp - (index + 1) * frame->size) & stack_mask(frame);
}

enum exec_result frame_check_room(struct cpu *cpu, const struct frame *frame)
{
    if (!(frame->ss.access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_SS, frame->error);
    for (unsigned i = 0; i < frame->count; i++) {
        if (!segment_contains(&frame->ss, push_offset(frame, i), frame->size))
            return fault_raise_code(cpu, VECTOR_SS, frame->error);
    }
    return EXEC_OK;
}

static enum exec_result check_pages(struct cpu *cpu, const struct frame *frame)
{
    bool user = frame->cpl == 3;
    for (unsigned i = 0; i < frame->count; i++) {
        uint32_t linear = frame->ss.base + push_offset(frame, i);
        if (!mmu_probe_write(cpu->mmu, linear, frame->size, user))
            return fault_page(cpu);
        if (user && linear & (frame->size - 1) && cpu->cr0 & CR0_AM && cpu->eflags & FLAG_AC)
            return fault_raise_code(cpu, VECTOR_AC, 0);
    }
    return EXEC_OK;
}

enum exec_result frame_write(struct cpu *cpu, struct frame *frame)
{
    if (check_pages(cpu, frame) || segment_mark_accessed(cpu, &frame->ss))
        return EXEC_FAULT;
    for (unsigned i = 0; i < frame->count; i++) {
        uint32_t linear = frame->ss.base + push_offset(frame, i);
        uint8_t bytes[4];
        store_le32(bytes, frame->value[i]);
        if (!mmu_write(cpu->mmu, linear, bytes, frame->size, frame->cpl == 3))
            return fault_page(cpu);
        debug_note_data(cpu, linear, frame->size, true);
    }
    return EXEC_OK;
}

void frame_install(struct cpu *cpu, const struct frame *frame)
{
    uint32_t mask = stack_mask(frame);
    uint32_t esp = frame->esp - frame->count * frame->size;
    segment_set(cpu, SEG_SS, &frame->ss);
    cpu->gpr[REG_ESP] = (frame->esp & ~mask) | (esp & mask);
}
