/* Far RET and IRET (SDM 2A; 3A 5.8.6, 6.12, 20.2). */
#include "cpu/access.h"
#include "cpu/exec.h"
#include "cpu/far.h"
#include "cpu/flags.h"

/* Word `index` above the top of the stack. */
static enum exec_result peek(struct cpu *cpu, unsigned size, uint32_t offset, uint32_t *value)
{
    if (size == 4)
        return stack_peek32(cpu, offset, value);
    uint16_t half;
    if (stack_peek16(cpu, offset, &half))
        return EXEC_FAULT;
    *value = half;
    return EXEC_OK;
}

/* Selectors are pushed as whole words, of which the upper half means nothing. */
static enum exec_result peek_selector(struct cpu *cpu, unsigned size, uint32_t offset,
                                      uint16_t *selector)
{
    uint32_t value;
    if (peek(cpu, size, offset, &value))
        return EXEC_FAULT;
    *selector = (uint16_t)value;
    return EXEC_OK;
}

static void discard(struct cpu *cpu, uint32_t bytes)
{
    stack_set_pointer(cpu, cpu->gpr[REG_ESP] + bytes);
}

/* The code segment that is returned to, at level RPL. */
static enum exec_result find_return(struct cpu *cpu, uint16_t selector, uint32_t eip,
                                    struct far_target *target)
{
    uint32_t error = selector_error(selector, 0);
    unsigned rpl = selector & SELECTOR_RPL;
    struct descriptor descriptor;
    if (selector_is_null(selector))
        return fault_gp(cpu, 0);
    if (descriptor_read(cpu, selector, &descriptor, VECTOR_GP, 0))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    unsigned dpl = access_dpl(access);
    bool allowed = access_is_conforming(access) ? dpl <= rpl : dpl == rpl;
    if (!access_is_code(access) || rpl < cpu->cpl || !allowed)
        return fault_gp(cpu, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    *target = (struct far_target){segment_from_descriptor(selector, &descriptor), eip, rpl};
    return EXEC_OK;
}

/* Data segments that the outer level may not use become null (SDM 3A 5.8.6). */
static void drop_inner_segments(struct cpu *cpu)
{
    static const enum segment_register data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < ARRAY_LENGTH(data); i++) {
        uint16_t access = cpu->seg[data[i]].access;
        if (!access_is_conforming(access) && access_dpl(access) < cpu->cpl)
            segment_set_null(cpu, data[i], 0);
    }
}

/* The outer stack, whose pointer lies `offset` bytes above the top. */
static enum exec_result find_outer_stack(struct cpu *cpu, unsigned size, uint32_t offset,
                                         unsigned cpl, struct segment *stack, uint32_t *esp)
{
    uint16_t ss;
    if (peek(cpu, size, offset, esp) || peek_selector(cpu, size, offset + size, &ss))
        return EXEC_FAULT;
    return segment_check_stack(cpu, ss, cpl, VECTOR_GP, 0, stack);
}

/* Cannot fault. release: bytes of parameters to drop from the outer stack. */
static void arrive_outer(struct cpu *cpu, const struct far_target *target,
                         const struct segment *stack, uint32_t esp, uint32_t release)
{
    far_arrive(cpu, target);
    segment_set(cpu, SEG_SS, stack);
    cpu->gpr[REG_ESP] =
        cpu->stack_mask == 0xFFFF ? (cpu->gpr[REG_ESP] & 0xFFFF0000) | (esp & 0xFFFF) : esp;
    discard(cpu, release);
    drop_inner_segments(cpu);
}

/* --- RET --- */

static enum exec_result return_8086(struct cpu *cpu, unsigned size, uint32_t release)
{
    uint32_t eip;
    uint16_t selector;
    if (peek(cpu, size, 0, &eip) || peek_selector(cpu, size, size, &selector))
        return EXEC_FAULT;
    struct far_target target = {
        .cs = segment_from_real(cpu, SEG_CS, selector),
        .eip = eip,
        .cpl = cpu->cpl,
    };
    if (far_check_eip(cpu, &target, 0))
        return EXEC_FAULT;
    discard(cpu, 2 * size + release);
    far_arrive(cpu, &target);
    return EXEC_OK;
}

static enum exec_result far_return(struct cpu *cpu, unsigned size, uint32_t release)
{
    if (cpu_is_8086(cpu))
        return return_8086(cpu, size, release);
    uint32_t eip, esp;
    uint16_t selector;
    struct far_target target;
    if (peek(cpu, size, 0, &eip) || peek_selector(cpu, size, size, &selector) ||
        find_return(cpu, selector, eip, &target))
        return EXEC_FAULT;
    if (target.cpl == cpu->cpl) {
        if (far_check_eip(cpu, &target, 0))
            return EXEC_FAULT;
        discard(cpu, 2 * size + release);
        far_arrive(cpu, &target);
        return EXEC_OK;
    }
    struct segment stack;
    if (find_outer_stack(cpu, size, 2 * size + release, target.cpl, &stack, &esp) ||
        far_check_eip(cpu, &target, 0) || segment_mark_accessed(cpu, &stack))
        return EXEC_FAULT;
    arrive_outer(cpu, &target, &stack, esp, release);
    return EXEC_OK;
}

enum exec_result exec_retf16(struct cpu *cpu, const struct insn *insn)
{
    return far_return(cpu, 2, insn->immediate & 0xFFFF);
}

enum exec_result exec_retf32(struct cpu *cpu, const struct insn *insn)
{
    return far_return(cpu, 4, insn->immediate & 0xFFFF);
}

/* --- IRET --- */

enum {
    IRET_FLAGS16 = FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT,
    IRET_FLAGS32 = IRET_FLAGS16 | FLAG_RF | FLAG_AC | FLAG_ID,
};

/* An IRET has succeeded: NMIs may come again. */
static void end_iret(struct cpu *cpu)
{
    cpu->nmi_blocked = false;
    cpu_update_interrupts(cpu);
}

struct iret_image {
    uint32_t eip, eflags;
    uint16_t cs;
};

static enum exec_result peek_image(struct cpu *cpu, unsigned size, struct iret_image *image)
{
    if (peek(cpu, size, 0, &image->eip) || peek_selector(cpu, size, size, &image->cs))
        return EXEC_FAULT;
    return peek(cpu, size, 2 * size, &image->eflags);
}

/* Real mode, and V86 mode: mask says which flags are taken. */
static enum exec_result iret_8086(struct cpu *cpu, unsigned size, const struct iret_image *image,
                                  uint32_t mask)
{
    struct far_target target = {
        .cs = segment_from_real(cpu, SEG_CS, image->cs),
        .eip = image->eip,
        .cpl = cpu->cpl,
    };
    if (far_check_eip(cpu, &target, 0))
        return EXEC_FAULT;
    discard(cpu, 3 * size);
    far_arrive(cpu, &target);
    eflags_write(cpu, image->eflags, mask);
    return EXEC_OK;
}

static enum exec_result iret_v86(struct cpu *cpu, unsigned size)
{
    struct iret_image image;
    bool virtual_if = cpu_iopl(cpu) < 3;
    if (virtual_if && (!(cpu->cr4 & CR4_VME) || size == 4))
        return fault_gp(cpu, 0);
    if (peek_image(cpu, size, &image))
        return EXEC_FAULT;
    uint32_t mask = size == 4 ? IRET_FLAGS32 : IRET_FLAGS16;
    if (!virtual_if)
        return iret_8086(cpu, size, &image, mask | FLAG_IF);
    bool enable = image.eflags & FLAG_IF;
    if ((enable && cpu->eflags & FLAG_VIP) || image.eflags & FLAG_TF)
        return fault_gp(cpu, 0);
    image.eflags = (image.eflags & 0xFFFF) | (enable ? FLAG_VIF : 0);
    return iret_8086(cpu, size, &image, mask | FLAG_VIF);
}

static enum exec_result iret_real(struct cpu *cpu, unsigned size)
{
    struct iret_image image;
    if (peek_image(cpu, size, &image))
        return EXEC_FAULT;
    uint32_t mask = size == 4 ? IRET_FLAGS32 : IRET_FLAGS16;
    return iret_8086(cpu, size, &image, mask | FLAG_IF | FLAG_IOPL);
}

/* Nested task: back to the task that the back link names (SDM 3A 7.4). */
static enum exec_result iret_task(struct cpu *cpu)
{
    uint8_t link[2];
    if (sys_read(cpu, cpu->tr.base, link, 2))
        return EXEC_FAULT;
    struct task_switch task = {
        .selector = load_le16(link),
        .source = TASK_RETURN,
        .next_eip = cpu_next_eip(cpu),
    };
    uint32_t error = selector_error(task.selector, 0);
    if (task.selector & SELECTOR_TI || selector_is_null(task.selector))
        return fault_raise_code(cpu, VECTOR_TS, error);
    if (descriptor_read(cpu, task.selector, &task.descriptor, VECTOR_TS, 0))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&task.descriptor);
    int type = access_system_type(access);
    if (type != TYPE_TSS16_BUSY && type != TYPE_TSS32_BUSY)
        return fault_raise_code(cpu, VECTOR_TS, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    enum exec_result result = task_switch(cpu, &task);
    if (task.committed)
        end_iret(cpu);
    return far_finish(cpu, result, task.committed);
}

/* From CPL 0 to V86 mode. */
static enum exec_result iret_to_v86(struct cpu *cpu, const struct iret_image *image)
{
    static const enum segment_register order[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    uint32_t esp;
    uint16_t selector[ARRAY_LENGTH(order)];
    if (peek(cpu, 4, 12, &esp))
        return EXEC_FAULT;
    for (unsigned i = 0; i < ARRAY_LENGTH(order); i++) {
        if (peek_selector(cpu, 4, 16 + i * 4, &selector[i]))
            return EXEC_FAULT;
    }
    if (image->eip > 0xFFFF)
        return fault_gp(cpu, 0);
    eflags_write(cpu, image->eflags, 0xFFFFFFFF);
    for (unsigned i = 0; i < ARRAY_LENGTH(order); i++) {
        struct segment segment = segment_from_real(cpu, order[i], selector[i]);
        segment_set(cpu, order[i], &segment);
    }
    cpu->gpr[REG_ESP] = esp;
    const struct far_target target = {segment_from_real(cpu, SEG_CS, image->cs), image->eip, 3};
    far_arrive(cpu, &target);
    return EXEC_OK;
}

/* Which flags IRET takes at the present CPL (SDM 2A, IRET). */
static uint32_t iret_mask(const struct cpu *cpu, unsigned size)
{
    uint32_t mask = size == 4 ? IRET_FLAGS32 : IRET_FLAGS16;
    if (cpu->cpl <= cpu_iopl(cpu))
        mask |= FLAG_IF;
    if (cpu->cpl == 0)
        mask |= FLAG_IOPL | (size == 4 ? FLAG_VIF | FLAG_VIP : 0);
    return mask;
}

static enum exec_result iret_protected(struct cpu *cpu, unsigned size)
{
    struct iret_image image;
    if (peek_image(cpu, size, &image))
        return EXEC_FAULT;
    if (size == 4 && image.eflags & FLAG_VM && cpu->cpl == 0)
        return iret_to_v86(cpu, &image);
    struct far_target target;
    if (find_return(cpu, image.cs, image.eip, &target))
        return EXEC_FAULT;
    uint32_t mask = iret_mask(cpu, size);
    if (target.cpl == cpu->cpl) {
        if (far_check_eip(cpu, &target, 0))
            return EXEC_FAULT;
        discard(cpu, 3 * size);
        far_arrive(cpu, &target);
    } else {
        struct segment stack;
        uint32_t esp;
        if (find_outer_stack(cpu, size, 3 * size, target.cpl, &stack, &esp) ||
            far_check_eip(cpu, &target, 0) || segment_mark_accessed(cpu, &stack))
            return EXEC_FAULT;
        arrive_outer(cpu, &target, &stack, esp, 0);
    }
    eflags_write(cpu, image.eflags, mask);
    return EXEC_OK;
}

static enum exec_result iret(struct cpu *cpu, unsigned size)
{
    enum exec_result result;
    if (!cpu_is_protected(cpu))
        result = iret_real(cpu, size);
    else if (cpu_is_v86(cpu))
        result = iret_v86(cpu, size);
    else if (cpu->eflags & FLAG_NT)
        return iret_task(cpu);
    else
        result = iret_protected(cpu, size);
    if (result == EXEC_OK)
        end_iret(cpu);
    return result;
}

enum exec_result exec_iret16(struct cpu *cpu, const struct insn *insn)
{
    return iret(cpu, 2);
}

enum exec_result exec_iret32(struct cpu *cpu, const struct insn *insn)
{
    return iret(cpu, 4);
}
