#include "cpu/segment.h"

#include "cpu/access.h"
#include "cpu/model.h"

const struct field segment_fields[] = {
    FIELD(struct segment, base),           FIELD(struct segment, limit),
    FIELD(struct segment, selector),       FIELD(struct segment, access),
    FIELD_TRANSIENT(struct segment, fast), FIELD_END,
};

bool descriptor_locate(const struct cpu *cpu, uint16_t selector, uint32_t *linear)
{
    uint32_t base = cpu->gdtr_base;
    uint32_t limit = cpu->gdtr_limit;
    if (selector & SELECTOR_TI) {
        if (!(cpu->ldtr.access & SEGMENT_PRESENT))
            return false;
        base = cpu->ldtr.base;
        limit = cpu->ldtr.limit;
    }
    uint32_t offset = selector & ~7u;
    *linear = base + offset;
    return offset + 7 <= limit;
}

static MUST_CHECK enum exec_result read_at(struct cpu *cpu, uint32_t linear,
                                           struct descriptor *descriptor)
{
    uint8_t bytes[8];
    if (sys_read(cpu, linear, bytes, sizeof bytes))
        return EXEC_FAULT;
    *descriptor = (struct descriptor){load_le32(bytes), load_le32(bytes + 4)};
    return EXEC_OK;
}

enum exec_result descriptor_read(struct cpu *cpu, uint16_t selector, struct descriptor *descriptor,
                                 enum vector vector, uint32_t ext)
{
    uint32_t linear;
    if (!descriptor_locate(cpu, selector, &linear))
        return fault_raise_code(cpu, vector, selector_error(selector, ext));
    return read_at(cpu, linear, descriptor);
}

enum exec_result descriptor_find(struct cpu *cpu, uint16_t selector, struct descriptor *descriptor,
                                 bool *found)
{
    uint32_t linear;
    *found = !selector_is_null(selector) && descriptor_locate(cpu, selector, &linear);
    return *found ? read_at(cpu, linear, descriptor) : EXEC_OK;
}

struct segment segment_from_descriptor(uint16_t selector, const struct descriptor *descriptor)
{
    return (struct segment){
        .base = descriptor_base(descriptor),
        .limit = descriptor_limit(descriptor),
        .selector = selector,
        .access = descriptor_access(descriptor),
    };
}

enum exec_result segment_mark_accessed(struct cpu *cpu, struct segment *segment)
{
    uint32_t linear;
    if (segment->access & SEGMENT_ACCESSED || !descriptor_locate(cpu, segment->selector, &linear))
        return EXEC_OK;
    uint8_t byte = (uint8_t)(segment->access | SEGMENT_ACCESSED);
    if (sys_write(cpu, linear + 5, &byte, 1))
        return EXEC_FAULT;
    segment->access |= SEGMENT_ACCESSED;
    return EXEC_OK;
}

enum { ACCESS_REAL = 0x93, ACCESS_V86 = 0xF3 };

/* In V86 mode a load sets every attribute. In real mode it sets the base: limit and attributes stay
 * as they were ("big real mode"), except in CS of the 386 and 486. */
struct segment segment_from_real(const struct cpu *cpu, enum segment_register seg,
                                 uint16_t selector)
{
    struct segment segment = cpu->seg[seg];
    segment.selector = selector;
    segment.base = (uint32_t)selector << 4;
    if (cpu_is_v86(cpu)) {
        segment.limit = 0xFFFF;
        segment.access = ACCESS_V86;
    } else if (seg == SEG_CS && !model_has(cpu->model, FEAT_CPUID)) {
        segment.limit = 0xFFFF;
        segment.access = ACCESS_REAL;
    } else if (!(segment.access & SEGMENT_PRESENT)) {
        segment.access = ACCESS_REAL;
    }
    return segment;
}

static uint32_t fast_accesses(const struct cpu *cpu, const struct segment *segment)
{
    uint16_t access = segment->access;
    if (!cpu_is_protected(cpu))
        return SEGMENT_FAST_READ | SEGMENT_FAST_WRITE;
    if (!(access & SEGMENT_PRESENT))
        return 0;
    if (!(access & SEGMENT_CODE) && access & SEGMENT_EXPAND_DOWN)
        return 0;
    return (access_is_readable(access) ? SEGMENT_FAST_READ : 0) |
           (access_is_writable(access) ? SEGMENT_FAST_WRITE : 0);
}

/* The code_mode bits that the segment register decides, and their value now. */
static void update_mode(struct cpu *cpu, enum segment_register seg)
{
    static const uint32_t flat[SEG_COUNT] = {
        [SEG_ES] = FLAT_ES, [SEG_CS] = FLAT_CS, [SEG_SS] = FLAT_SS, [SEG_DS] = FLAT_DS};
    const struct segment *segment = &cpu->seg[seg];
    uint32_t need = seg == SEG_CS ? 0 : SEGMENT_FAST_READ | SEGMENT_FAST_WRITE;
    uint32_t big = seg == SEG_CS ? CODE_32 : seg == SEG_SS ? STACK_32 : 0;
    uint32_t mode = cpu->code_mode & ~(flat[seg] | big);
    if (segment->base == 0 && segment->limit == 0xFFFFFFFF && (segment->fast & need) == need)
        mode |= flat[seg];
    if (segment->access & SEGMENT_BIG)
        mode |= big;
    if (mode != cpu->code_mode)
        cpu->attention |= ATTENTION_MODE;
    cpu->code_mode = mode;
}

void segment_update_fast(struct cpu *cpu, enum segment_register seg)
{
    cpu->seg[seg].fast = fast_accesses(cpu, &cpu->seg[seg]);
    update_mode(cpu, seg);
}

void segment_set(struct cpu *cpu, enum segment_register seg, const struct segment *segment)
{
    cpu->seg[seg] = *segment;
    segment_update_fast(cpu, seg);
    if (seg == SEG_SS)
        cpu->stack_mask = segment->access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF;
}

void segment_set_null(struct cpu *cpu, enum segment_register seg, uint16_t selector)
{
    cpu->seg[seg].selector = selector;
    cpu->seg[seg].access = 0;
    segment_update_fast(cpu, seg);
}

enum exec_result segment_check_stack(struct cpu *cpu, uint16_t selector, unsigned cpl,
                                     enum vector vector, uint32_t ext, struct segment *segment)
{
    uint32_t error = selector_error(selector, ext);
    if (selector_is_null(selector))
        return fault_raise_code(cpu, vector, ext);
    struct descriptor descriptor;
    if (descriptor_read(cpu, selector, &descriptor, vector, ext))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    if ((selector & SELECTOR_RPL) != cpl || access_dpl(access) != cpl ||
        !access_is_writable(access))
        return fault_raise_code(cpu, vector, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_SS, error);
    *segment = segment_from_descriptor(selector, &descriptor);
    return EXEC_OK;
}

static enum exec_result load_data(struct cpu *cpu, enum segment_register seg, uint16_t selector)
{
    if (selector_is_null(selector)) {
        segment_set_null(cpu, seg, selector);
        return EXEC_OK;
    }
    uint32_t error = selector_error(selector, 0);
    struct descriptor descriptor;
    if (descriptor_read(cpu, selector, &descriptor, VECTOR_GP, 0))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    unsigned dpl = access_dpl(access);
    if (!access_is_readable(access))
        return fault_gp(cpu, error);
    if (!access_is_conforming(access) && ((selector & SELECTOR_RPL) > dpl || cpu->cpl > dpl))
        return fault_gp(cpu, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    struct segment segment = segment_from_descriptor(selector, &descriptor);
    if (segment_mark_accessed(cpu, &segment))
        return EXEC_FAULT;
    segment_set(cpu, seg, &segment);
    return EXEC_OK;
}

enum exec_result segment_load(struct cpu *cpu, enum segment_register seg, uint16_t selector)
{
    struct segment segment;
    if (cpu_is_8086(cpu))
        segment = segment_from_real(cpu, seg, selector);
    else if (seg != SEG_SS)
        return load_data(cpu, seg, selector);
    else if (segment_check_stack(cpu, selector, cpu->cpl, VECTOR_GP, 0, &segment) ||
             segment_mark_accessed(cpu, &segment))
        return EXEC_FAULT;
    segment_set(cpu, seg, &segment);
    return EXEC_OK;
}

bool segment_contains(const struct segment *segment, uint32_t offset, uint32_t size)
{
    uint64_t last = (uint64_t)offset + size - 1;
    bool expand_down = (segment->access & (SEGMENT_S | SEGMENT_CODE | SEGMENT_EXPAND_DOWN)) ==
                       (SEGMENT_S | SEGMENT_EXPAND_DOWN);
    if (!expand_down)
        return last <= segment->limit;
    uint32_t top = segment->access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF;
    return offset > segment->limit && last <= top;
}
