/* Delivery of interrupts and exceptions through the IDT (SDM 3A chapter 6, 20.2, 20.3; 2A, INT n).
 */
#include "cpu/access.h"
#include "cpu/far.h"
#include "cpu/flags.h"
#include "cpu/insn.h"

static uint32_t event_ext(const struct event *event)
{
    return event->software ? 0 : 1;
}

/* Error code that points into the IDT. */
static uint32_t idt_error(const struct event *event)
{
    return event->vector * 8u + 2 + event_ext(event);
}

/* EFLAGS as the frame shows it. */
static uint32_t eflags_image(const struct cpu *cpu, const struct event *event)
{
    return cpu_get_eflags(cpu) | (event->resume ? FLAG_RF : 0);
}

/* The debug and shadow state of the interrupted instruction does not reach the handler. */
static void enter_handler(struct cpu *cpu, uint32_t cleared)
{
    cpu->step &= ~(uint32_t)(STEP_TRAP_PENDING | STEP_SHADOW | STEP_SHADOW_STACK | STEP_RESUME);
    eflags_write(cpu, 0, cleared);
    cpu_update_interrupts(cpu);
    cpu->activity = CPU_RUNNING;
    cpu->repeating = false;
}

/* --- the 8086 way: real mode, and redirected software interrupts in V86 mode --- */

static enum exec_result deliver_8086(struct cpu *cpu, struct event *event, uint32_t table,
                                     uint32_t flags, uint32_t cleared)
{
    uint8_t entry[4];
    if (sys_read(cpu, table + event->vector * 4u, entry, sizeof entry))
        return EXEC_FAULT;
    struct far_target target = {
        .cs = segment_from_real(cpu, SEG_CS, load_le16(entry + 2)),
        .eip = load_le16(entry),
        .cpl = cpu->cpl,
    };
    struct frame frame;
    frame_begin(cpu, &frame, 2, 0);
    frame_push(&frame, flags);
    frame_push(&frame, cpu->seg[SEG_CS].selector);
    frame_push(&frame, event->next_eip);
    if (frame_check_room(cpu, &frame) || far_check_eip(cpu, &target, 0) || frame_write(cpu, &frame))
        return EXEC_FAULT;
    frame_install(cpu, &frame);
    far_arrive(cpu, &target);
    enter_handler(cpu, cleared);
    return EXEC_OK;
}

static enum exec_result deliver_real(struct cpu *cpu, struct event *event)
{
    if (event->vector * 4u + 3 > cpu->idtr_limit)
        return fault_gp(cpu, idt_error(event));
    return deliver_8086(cpu, event, cpu->idtr_base, eflags_image(cpu, event),
                        FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
}

/* --- protected mode --- */

static enum exec_result deliver_task_gate(struct cpu *cpu, struct event *event,
                                          const struct descriptor *gate)
{
    struct task_switch task = {
        .source = TASK_EVENT,
        .next_eip = event->next_eip,
        .ext = event_ext(event),
        .has_error = event->has_error,
        .error = event->error,
    };
    if (task_gate_target(cpu, gate, task.ext, &task))
        return EXEC_FAULT;
    /* The old task's image shows RF as a frame would. */
    uint32_t eflags = cpu->eflags;
    if (event->resume)
        cpu->eflags |= FLAG_RF;
    enum exec_result result = task_switch(cpu, &task);
    event->committed = task.committed;
    if (!task.committed)
        cpu->eflags = eflags;
    else
        enter_handler(cpu, 0);
    return result;
}

/* The handler's code segment (SDM 3A 6.12.1.1). */
static enum exec_result find_handler(struct cpu *cpu, const struct event *event,
                                     const struct descriptor *gate, struct far_target *target)
{
    uint32_t ext = event_ext(event);
    uint16_t selector = (uint16_t)(gate->low >> 16);
    uint32_t error = selector_error(selector, ext);
    struct descriptor code;
    if (selector_is_null(selector))
        return fault_gp(cpu, ext);
    if (descriptor_read(cpu, selector, &code, VECTOR_GP, ext))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&code);
    unsigned dpl = access_dpl(access);
    if (!access_is_code(access) || dpl > cpu->cpl)
        return fault_gp(cpu, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    target->cpl = access_is_conforming(access) ? cpu->cpl : dpl;
    if (cpu_is_v86(cpu) && target->cpl != 0)
        return fault_gp(cpu, error);
    bool is_32 = access_system_type(descriptor_access(gate)) & 8;
    target->cs = segment_from_descriptor((uint16_t)((selector & ~3u) | target->cpl), &code);
    target->eip = (gate->low & 0xFFFF) | (is_32 ? gate->high & 0xFFFF0000 : 0);
    return EXEC_OK;
}

static enum exec_result build_frame(struct cpu *cpu, const struct event *event,
                                    struct far_target *target, unsigned size, struct frame *frame)
{
    static const enum segment_register v86_order[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    uint32_t ext = event_ext(event);
    if (target->cpl < cpu->cpl) {
        if (frame_begin_inner(cpu, frame, size, target->cpl, ext))
            return EXEC_FAULT;
        for (unsigned i = 0; cpu_is_v86(cpu) && i < ARRAY_LENGTH(v86_order); i++)
            frame_push(frame, cpu->seg[v86_order[i]].selector);
        frame_push(frame, cpu->seg[SEG_SS].selector);
        frame_push(frame, cpu->gpr[REG_ESP]);
    } else {
        frame_begin(cpu, frame, size, ext);
    }
    frame_push(frame, eflags_image(cpu, event));
    frame_push(frame, cpu->seg[SEG_CS].selector);
    frame_push(frame, event->next_eip);
    if (event->has_error)
        frame_push(frame, event->error);
    if (frame_check_room(cpu, frame) || far_check_eip(cpu, target, ext))
        return EXEC_FAULT;
    return frame_write(cpu, frame);
}

static enum exec_result deliver_gate(struct cpu *cpu, struct event *event,
                                     const struct descriptor *gate)
{
    int type = access_system_type(descriptor_access(gate));
    unsigned size = type & 8 ? 4 : 2;
    struct far_target target;
    struct frame frame;
    if (find_handler(cpu, event, gate, &target) || build_frame(cpu, event, &target, size, &frame))
        return EXEC_FAULT;
    if (cpu_is_v86(cpu)) {
        segment_set_null(cpu, SEG_ES, 0);
        segment_set_null(cpu, SEG_DS, 0);
        segment_set_null(cpu, SEG_FS, 0);
        segment_set_null(cpu, SEG_GS, 0);
    }
    bool masks = type == TYPE_INTERRUPT_GATE16 || type == TYPE_INTERRUPT_GATE32;
    enter_handler(cpu, FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (masks ? FLAG_IF : 0));
    frame_install(cpu, &frame);
    far_arrive(cpu, &target);
    return EXEC_OK;
}

static enum exec_result deliver_protected(struct cpu *cpu, struct event *event)
{
    uint32_t error = idt_error(event);
    uint8_t bytes[8];
    if (event->vector * 8u + 7 > cpu->idtr_limit)
        return fault_gp(cpu, error);
    if (sys_read(cpu, cpu->idtr_base + event->vector * 8u, bytes, sizeof bytes))
        return EXEC_FAULT;
    const struct descriptor gate = {load_le32(bytes), load_le32(bytes + 4)};
    uint16_t access = descriptor_access(&gate);
    switch (access_system_type(access)) {
    case TYPE_TASK_GATE:
    case TYPE_INTERRUPT_GATE16:
    case TYPE_TRAP_GATE16:
    case TYPE_INTERRUPT_GATE32:
    case TYPE_TRAP_GATE32:
        break;
    default:
        return fault_gp(cpu, error);
    }
    if (event->software && access_dpl(access) < cpu->cpl)
        return fault_gp(cpu, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    if (access_system_type(access) == TYPE_TASK_GATE)
        return deliver_task_gate(cpu, event, &gate);
    return deliver_gate(cpu, event, &gate);
}

/* --- INT n in V86 mode (SDM 3A 20.3.3, table 20-2) --- */

enum { TSS_IO_BASE = 0x66 };

/* The vector's bit of the software interrupt redirection bitmap, below the I/O bitmap. */
static enum exec_result read_redirection(struct cpu *cpu, uint8_t vector, bool *to_8086)
{
    uint8_t bytes[2];
    if (!(access_system_type(cpu->tr.access) & 8) || cpu->tr.limit < TSS_IO_BASE + 1)
        return fault_gp(cpu, 0);
    if (sys_read(cpu, cpu->tr.base + TSS_IO_BASE, bytes, 2))
        return EXEC_FAULT;
    uint32_t offset = load_le16(bytes) - 32u + vector / 8;
    if (offset > cpu->tr.limit)
        return fault_gp(cpu, 0);
    if (sys_read(cpu, cpu->tr.base + offset, bytes, 1))
        return EXEC_FAULT;
    *to_8086 = !(bytes[0] >> (vector & 7) & 1);
    return EXEC_OK;
}

static enum exec_result deliver_v86_int_n(struct cpu *cpu, struct event *event)
{
    bool to_8086 = false;
    bool full = cpu_iopl(cpu) == 3;
    if (cpu->cr4 & CR4_VME && read_redirection(cpu, event->vector, &to_8086))
        return EXEC_FAULT;
    if (!to_8086)
        return full ? deliver_protected(cpu, event) : fault_gp(cpu, 0);
    uint32_t flags = eflags_image(cpu, event);
    if (full)
        return deliver_8086(cpu, event, 0, flags, FLAG_IF | FLAG_TF | FLAG_RF);
    flags = (flags & ~(uint32_t)FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
    return deliver_8086(cpu, event, 0, flags, FLAG_VIF | FLAG_TF | FLAG_RF);
}

static enum exec_result deliver(struct cpu *cpu, struct event *event)
{
    if (!cpu_is_protected(cpu))
        return deliver_real(cpu, event);
    if (event->is_int_n && cpu_is_v86(cpu))
        return deliver_v86_int_n(cpu, event);
    return deliver_protected(cpu, event);
}

enum exec_result event_deliver(struct cpu *cpu, struct event *event)
{
    struct delivery *delivery = delivery_next(cpu);
    *delivery = (struct delivery){
        .icount = cpu_icount(cpu),
        .eip = event->kind == DELIVERY_SOFTWARE ? cpu_insn_eip(cpu) : cpu->eip,
        .esp = cpu->gpr[REG_ESP],
        .error = event->error,
        .cr2 = cpu->cr2,
        .cs = cpu->seg[SEG_CS].selector,
        .ss = cpu->seg[SEG_SS].selector,
        .vector = event->vector,
        .kind = event->kind,
        .has_error = event->has_error,
    };
    event->committed = false;
    enum exec_result result = deliver(cpu, event);
    delivery->done = result == EXEC_OK;
    delivery->switched = event->committed;
    return result;
}
