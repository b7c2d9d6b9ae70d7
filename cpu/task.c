/* Task switching (SDM 3A chapter 7). */
#include "cpu/access.h"
#include "cpu/debug.h"
#include "cpu/far.h"
#include "cpu/flags.h"
#include "cpu/insn.h"

/* Where a TSS keeps things; offsets in bytes (SDM 3A figures 7-2 and 7-10). */
struct tss_layout {
    uint8_t word; /* size of a register */
    uint8_t eip, eflags, gpr, segments, segment_count, ldt;
    uint8_t size; /* a limit below size - 1 is #TS */
};
static const struct tss_layout layout16 = {2, 0x0E, 0x10, 0x12, 0x22, 4, 0x2A, 0x2C};
static const struct tss_layout layout32 = {4, 0x20, 0x24, 0x28, 0x48, 6, 0x60, 0x68};
enum { TSS32_CR3 = 0x1C, TSS32_TRAP = 0x64, TSS_SIZE_MAX = 0x68 };

enum { DESCRIPTOR_BUSY = 0x200 }; /* in the second doubleword */

static const struct tss_layout *layout_of(uint16_t access)
{
    return access_system_type(access) & 8 ? &layout32 : &layout16;
}

static uint32_t tss_word(const struct tss_layout *layout, const uint8_t *bytes)
{
    return layout->word == 4 ? load_le32(bytes) : load_le16(bytes);
}

enum exec_result task_gate_target(struct cpu *cpu, const struct descriptor *gate, uint32_t ext,
                                  struct task_switch *task)
{
    task->selector = (uint16_t)(gate->low >> 16);
    uint32_t error = selector_error(task->selector, ext);
    if (task->selector & SELECTOR_TI || selector_is_null(task->selector))
        return fault_gp(cpu, error);
    if (descriptor_read(cpu, task->selector, &task->descriptor, VECTOR_GP, ext))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&task->descriptor);
    int type = access_system_type(access);
    if (type != TYPE_TSS16 && type != TYPE_TSS32)
        return fault_gp(cpu, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    return EXEC_OK;
}

/* --- the old task --- */

static bool is_nested(const struct task_switch *task)
{
    return task->source == TASK_CALL || task->source == TASK_EVENT;
}

/* The busy bit of a selector that the tables no longer hold is not written. */
static bool probe_descriptor(struct cpu *cpu, uint16_t selector)
{
    uint32_t linear;
    return !descriptor_locate(cpu, selector, &linear) ||
           mmu_probe_write(cpu->mmu, linear + 5, 1, false);
}

static bool probe_range(struct cpu *cpu, uint32_t linear, uint32_t size)
{
    return mmu_probe_write(cpu->mmu, linear, 1, false) &&
           mmu_probe_write(cpu->mmu, linear + size - 1, 1, false);
}

/* Everything that the switch will write must be writable, before anything is written. */
static enum exec_result check_writes(struct cpu *cpu, const struct task_switch *task)
{
    const struct tss_layout *old = layout_of(cpu->tr.access);
    uint32_t end = old->segments + old->segment_count * old->word;
    if (end - 1 > cpu->tr.limit)
        return fault_raise_code(cpu, VECTOR_TS, selector_error(cpu->tr.selector, task->ext));
    uint32_t new_base = descriptor_base(&task->descriptor);
    if (!probe_range(cpu, cpu->tr.base + old->eip, end - old->eip) ||
        (is_nested(task) && !probe_range(cpu, new_base, 2)) ||
        (task->source != TASK_RETURN && !probe_descriptor(cpu, task->selector)))
        return fault_page(cpu);
    if (!is_nested(task) && !probe_descriptor(cpu, cpu->tr.selector))
        return fault_page(cpu);
    return EXEC_OK;
}

static enum exec_result set_busy(struct cpu *cpu, uint16_t selector, bool busy)
{
    uint32_t linear;
    uint8_t byte;
    if (!descriptor_locate(cpu, selector, &linear) || sys_read(cpu, linear + 5, &byte, 1))
        return EXEC_OK;
    byte = (uint8_t)(busy ? byte | DESCRIPTOR_BUSY >> 8 : byte & ~(DESCRIPTOR_BUSY >> 8));
    return sys_write(cpu, linear + 5, &byte, 1);
}

static enum exec_result save_word(struct cpu *cpu, const struct tss_layout *layout, uint32_t offset,
                                  uint32_t value)
{
    uint8_t bytes[4];
    store_le32(bytes, value);
    return sys_write(cpu, cpu->tr.base + offset, bytes, layout->word);
}

static enum exec_result save_old(struct cpu *cpu, const struct task_switch *task)
{
    const struct tss_layout *layout = layout_of(cpu->tr.access);
    uint32_t eflags = cpu_get_eflags(cpu);
    if (task->source == TASK_RETURN)
        eflags &= ~(uint32_t)FLAG_NT;
    if (save_word(cpu, layout, layout->eip, task->next_eip) ||
        save_word(cpu, layout, layout->eflags, eflags))
        return EXEC_FAULT;
    for (unsigned i = 0; i < 8; i++) {
        if (save_word(cpu, layout, layout->gpr + i * layout->word, cpu->gpr[i]))
            return EXEC_FAULT;
    }
    for (unsigned i = 0; i < layout->segment_count; i++) {
        uint8_t bytes[2];
        store_le16(bytes, cpu->seg[i].selector);
        if (sys_write(cpu, cpu->tr.base + layout->segments + i * layout->word, bytes, 2))
            return EXEC_FAULT;
    }
    return EXEC_OK;
}

/* --- the new task --- */

static enum exec_result read_new(struct cpu *cpu, const struct task_switch *task,
                                 uint8_t bytes[TSS_SIZE_MAX])
{
    unsigned size = layout_of(descriptor_access(&task->descriptor))->size;
    uint32_t base = descriptor_base(&task->descriptor);
    for (unsigned i = 0; i < size; i += 4) {
        if (sys_read(cpu, base + i, bytes + i, 4))
            return EXEC_FAULT;
    }
    return EXEC_OK;
}

static enum exec_result fault_task(struct cpu *cpu, uint16_t selector, uint32_t ext)
{
    return fault_raise_code(cpu, VECTOR_TS, selector_error(selector, ext));
}

static enum exec_result load_task_ldt(struct cpu *cpu, uint16_t selector, uint32_t ext)
{
    cpu->ldtr.selector = selector;
    cpu->ldtr.access = 0;
    if (selector_is_null(selector))
        return EXEC_OK;
    if (selector & SELECTOR_TI)
        return fault_task(cpu, selector, ext);
    struct descriptor descriptor;
    if (descriptor_read(cpu, selector, &descriptor, VECTOR_TS, ext))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    if (access_system_type(access) != TYPE_LDT || !(access & SEGMENT_PRESENT))
        return fault_task(cpu, selector, ext);
    cpu->ldtr = segment_from_descriptor(selector, &descriptor);
    return EXEC_OK;
}

/* The segment that a selector names; not found: null, or outside of its table. */
static enum exec_result find_segment(struct cpu *cpu, uint16_t selector, struct segment *segment,
                                     bool *found)
{
    struct descriptor descriptor;
    if (descriptor_find(cpu, selector, &descriptor, found))
        return EXEC_FAULT;
    if (*found)
        *segment = segment_from_descriptor(selector, &descriptor);
    return EXEC_OK;
}

static bool code_level_fits(const struct cpu *cpu, uint16_t access)
{
    unsigned dpl = access_dpl(access);
    return access_is_conforming(access) ? dpl <= cpu->cpl : dpl == cpu->cpl;
}

/* CS and SS. The checks come in the order of SDM 3A table 7-1, which is that of the P6 family. */
static enum exec_result load_task_code_and_stack(struct cpu *cpu, uint32_t ext)
{
    uint16_t cs = cpu->seg[SEG_CS].selector, ss = cpu->seg[SEG_SS].selector;
    struct segment code, stack;
    bool code_found, stack_found;
    if (find_segment(cpu, cs, &code, &code_found))
        return EXEC_FAULT;
    if (code_found && access_is_code(code.access) && !code_level_fits(cpu, code.access))
        return fault_task(cpu, cs, ext);
    if (find_segment(cpu, ss, &stack, &stack_found))
        return EXEC_FAULT;
    if (!stack_found || !access_is_writable(stack.access))
        return fault_task(cpu, ss, ext);
    if (!(stack.access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_SS, selector_error(ss, ext));
    if (access_dpl(stack.access) != cpu->cpl)
        return fault_task(cpu, ss, ext);
    if (!code_found || !access_is_code(code.access))
        return fault_task(cpu, cs, ext);
    if (!(code.access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, selector_error(cs, ext));
    if ((ss & SELECTOR_RPL) != cpu->cpl)
        return fault_task(cpu, ss, ext);
    if (segment_mark_accessed(cpu, &stack) || segment_mark_accessed(cpu, &code))
        return EXEC_FAULT;
    segment_set(cpu, SEG_SS, &stack);
    segment_set(cpu, SEG_CS, &code);
    return EXEC_OK;
}

static enum exec_result load_task_data(struct cpu *cpu, enum segment_register seg, uint32_t ext)
{
    uint16_t selector = cpu->seg[seg].selector;
    struct segment segment;
    bool found;
    if (selector_is_null(selector))
        return EXEC_OK;
    if (find_segment(cpu, selector, &segment, &found))
        return EXEC_FAULT;
    if (!found || !access_is_readable(segment.access))
        return fault_task(cpu, selector, ext);
    if (!(segment.access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, selector_error(selector, ext));
    unsigned dpl = access_dpl(segment.access);
    if (!access_is_conforming(segment.access) &&
        (cpu->cpl > dpl || (selector & SELECTOR_RPL) > dpl))
        return fault_task(cpu, selector, ext);
    if (segment_mark_accessed(cpu, &segment))
        return EXEC_FAULT;
    segment_set(cpu, seg, &segment);
    return EXEC_OK;
}

static enum exec_result load_task_segments(struct cpu *cpu, uint32_t ext)
{
    static const enum segment_register data[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    if (load_task_code_and_stack(cpu, ext))
        return EXEC_FAULT;
    for (unsigned i = 0; i < ARRAY_LENGTH(data); i++) {
        if (load_task_data(cpu, data[i], ext))
            return EXEC_FAULT;
    }
    return EXEC_OK;
}

/* EIP, EFLAGS, general registers and bare selectors: nothing here can fault. */
static void load_registers(struct cpu *cpu, const struct task_switch *task,
                           const struct tss_layout *layout, const uint8_t *bytes)
{
    cpu_jump(cpu, tss_word(layout, bytes + layout->eip));
    uint32_t eflags = tss_word(layout, bytes + layout->eflags);
    if (is_nested(task))
        eflags |= FLAG_NT;
    eflags_write(cpu, eflags, 0xFFFFFFFF);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t value = tss_word(layout, bytes + layout->gpr + i * layout->word);
        cpu->gpr[i] = layout->word == 4 ? value : value | 0xFFFF0000;
    }
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        uint16_t selector =
            i < layout->segment_count ? load_le16(bytes + layout->segments + i * layout->word) : 0;
        if (cpu_is_v86(cpu)) {
            struct segment segment = segment_from_real(cpu, i, selector);
            segment_set(cpu, i, &segment);
        } else if (i == SEG_CS || i == SEG_SS) {
            cpu->seg[i].selector = selector; /* a fault on the way still has a stack */
        } else {
            segment_set_null(cpu, i, selector);
        }
    }
    cpu_set_cpl(cpu, cpu_is_v86(cpu) ? 3 : cpu->seg[SEG_CS].selector & SELECTOR_RPL);
}

static enum exec_result push_error(struct cpu *cpu, const struct task_switch *task,
                                   const struct tss_layout *layout)
{
    struct frame frame;
    frame_begin(cpu, &frame, layout->word, task->ext);
    frame_push(&frame, task->error);
    if (frame_check_room(cpu, &frame) || frame_write(cpu, &frame))
        return EXEC_FAULT;
    frame_install(cpu, &frame);
    return EXEC_OK;
}

static enum exec_result enter_new(struct cpu *cpu, const struct task_switch *task,
                                  const uint8_t bytes[TSS_SIZE_MAX])
{
    const struct tss_layout *layout = layout_of(descriptor_access(&task->descriptor));
    cpu->tr = segment_from_descriptor(task->selector, &task->descriptor);
    cpu->tr.access |= DESCRIPTOR_BUSY >> 8;
    cpu->cr0 |= CR0_TS;
    cpu->dr[7] &= ~(uint32_t)(DR7_LOCAL | DR7_LE);
    debug_update(cpu);
    /* The old task's single step ends with it: the next trap is by the new one's TF. */
    cpu->step &= ~(uint32_t)STEP_TRAP_PENDING;
    load_registers(cpu, task, layout, bytes);
    if (layout == &layout32) {
        if (cpu->cr0 & CR0_PG && cpu_write_cr3(cpu, load_le32(bytes + TSS32_CR3)))
            return EXEC_FAULT;
        if (bytes[TSS32_TRAP] & 1) {
            cpu->debug_hits |= DR6_BT;
            cpu->attention |= ATTENTION_DEBUG;
        }
    }
    if (load_task_ldt(cpu, load_le16(bytes + layout->ldt), task->ext))
        return EXEC_FAULT;
    if (!cpu_is_v86(cpu) && load_task_segments(cpu, task->ext))
        return EXEC_FAULT;
    if (task->has_error && push_error(cpu, task, layout))
        return EXEC_FAULT;
    return cpu->eip <= cpu->seg[SEG_CS].limit ? EXEC_OK : fault_gp(cpu, task->ext);
}

enum exec_result task_switch(struct cpu *cpu, struct task_switch *task)
{
    uint8_t bytes[TSS_SIZE_MAX] = {0};
    uint16_t access = descriptor_access(&task->descriptor);
    task->committed = false;
    if (descriptor_limit(&task->descriptor) + 1 < layout_of(access)->size &&
        descriptor_limit(&task->descriptor) != 0xFFFFFFFF)
        return fault_task(cpu, task->selector, task->ext);
    if (read_new(cpu, task, bytes) || check_writes(cpu, task))
        return EXEC_FAULT;
    if (!is_nested(task) && set_busy(cpu, cpu->tr.selector, false))
        return EXEC_FAULT;
    if (save_old(cpu, task))
        return EXEC_FAULT;
    if (is_nested(task)) {
        uint8_t link[2];
        store_le16(link, cpu->tr.selector);
        if (sys_write(cpu, descriptor_base(&task->descriptor), link, 2))
            return EXEC_FAULT;
    }
    if (task->source != TASK_RETURN && set_busy(cpu, task->selector, true))
        return EXEC_FAULT;
    task->committed = true;
    return enter_new(cpu, task, bytes);
}
