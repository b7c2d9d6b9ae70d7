/* Far CALL and JMP (SDM 2A; 3A 5.8). */
#include "cpu/access.h"
#include "cpu/exec.h"
#include "cpu/far.h"

enum far_kind { FAR_JUMP, FAR_CALL };

void far_arrive(struct cpu *cpu, const struct far_target *target)
{
    segment_set(cpu, SEG_CS, &target->cs);
    if (target->cpl != cpu->cpl)
        cpu_set_cpl(cpu, target->cpl);
    cpu_jump(cpu, target->eip);
}

enum exec_result far_check_eip(struct cpu *cpu, struct far_target *target, uint32_t ext)
{
    if (target->eip > target->cs.limit)
        return fault_gp(cpu, ext);
    return segment_mark_accessed(cpu, &target->cs);
}

enum exec_result far_finish(struct cpu *cpu, enum exec_result result, bool committed)
{
    if (result == EXEC_FAULT && committed) {
        cpu_deliver_fault(cpu);
        return EXEC_OK;
    }
    return result;
}

static void push_return_address(const struct cpu *cpu, struct frame *frame)
{
    frame_push(frame, cpu->seg[SEG_CS].selector);
    frame_push(frame, cpu_next_eip(cpu));
}

/* The transfer itself, when the privilege level and the stack stay. */
static enum exec_result go_same_level(struct cpu *cpu, enum far_kind kind,
                                      struct far_target *target, unsigned size)
{
    struct frame frame;
    if (kind == FAR_CALL) {
        frame_begin(cpu, &frame, size, 0);
        push_return_address(cpu, &frame);
        if (frame_check_room(cpu, &frame))
            return EXEC_FAULT;
    }
    if (far_check_eip(cpu, target, 0))
        return EXEC_FAULT;
    if (kind == FAR_CALL) {
        if (frame_write(cpu, &frame))
            return EXEC_FAULT;
        frame_install(cpu, &frame);
    }
    far_arrive(cpu, target);
    return EXEC_OK;
}

static enum exec_result go_8086(struct cpu *cpu, enum far_kind kind, uint16_t selector,
                                uint32_t offset, unsigned size)
{
    struct far_target target = {
        .cs = segment_from_real(cpu, SEG_CS, selector),
        .eip = offset,
        .cpl = cpu->cpl,
    };
    return go_same_level(cpu, kind, &target, size);
}

static enum exec_result go_code_segment(struct cpu *cpu, enum far_kind kind, uint16_t selector,
                                        const struct descriptor *descriptor, uint32_t offset,
                                        unsigned size)
{
    uint32_t error = selector_error(selector, 0);
    uint16_t access = descriptor_access(descriptor);
    unsigned dpl = access_dpl(access);
    if (access_is_conforming(access)) {
        if (dpl > cpu->cpl)
            return fault_gp(cpu, error);
    } else if ((selector & SELECTOR_RPL) > cpu->cpl || dpl != cpu->cpl) {
        return fault_gp(cpu, error);
    }
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    selector = (uint16_t)(error | cpu->cpl);
    struct far_target target = {
        .cs = segment_from_descriptor(selector, descriptor),
        .eip = offset,
        .cpl = cpu->cpl,
    };
    return go_same_level(cpu, kind, &target, size);
}

/* --- call gates (SDM 3A 5.8.3 to 5.8.5) --- */

/* Call through a gate to a more privileged level: new stack, parameters copied. */
static enum exec_result call_inner(struct cpu *cpu, struct far_target *target, unsigned size,
                                   unsigned parameters)
{
    struct frame frame;
    if (frame_begin_inner(cpu, &frame, size, target->cpl, 0))
        return EXEC_FAULT;
    frame_push(&frame, cpu->seg[SEG_SS].selector);
    frame_push(&frame, cpu->gpr[REG_ESP]);
    for (unsigned i = parameters; i-- > 0;) {
        uint32_t value = 0;
        uint16_t half = 0;
        if (size == 4 ? stack_peek32(cpu, i * 4, &value) : stack_peek16(cpu, i * 2, &half))
            return EXEC_FAULT;
        frame_push(&frame, size == 4 ? value : half);
    }
    push_return_address(cpu, &frame);
    if (frame_check_room(cpu, &frame) || far_check_eip(cpu, target, 0) || frame_write(cpu, &frame))
        return EXEC_FAULT;
    frame_install(cpu, &frame);
    far_arrive(cpu, target);
    return EXEC_OK;
}

static enum exec_result go_call_gate(struct cpu *cpu, enum far_kind kind, uint16_t gate_selector,
                                     const struct descriptor *gate)
{
    uint16_t gate_access = descriptor_access(gate);
    uint16_t selector = (uint16_t)(gate->low >> 16);
    uint32_t error = selector_error(selector, 0);
    bool is_32 = access_system_type(gate_access) == TYPE_CALL_GATE32;
    unsigned size = is_32 ? 4 : 2;
    if (!(gate_access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, selector_error(gate_selector, 0));
    if (selector_is_null(selector))
        return fault_gp(cpu, 0);
    struct descriptor code;
    if (descriptor_read(cpu, selector, &code, VECTOR_GP, 0))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&code);
    unsigned dpl = access_dpl(access);
    bool inner = !access_is_conforming(access) && dpl < cpu->cpl;
    if (!access_is_code(access) || dpl > cpu->cpl || (kind == FAR_JUMP && inner))
        return fault_gp(cpu, error);
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    unsigned cpl = inner ? dpl : cpu->cpl;
    struct far_target target = {
        .cs = segment_from_descriptor((uint16_t)(error | cpl), &code),
        .eip = (gate->low & 0xFFFF) | (is_32 ? gate->high & 0xFFFF0000 : 0),
        .cpl = cpl,
    };
    if (inner)
        return call_inner(cpu, &target, size, gate->high & 0x1F);
    return go_same_level(cpu, kind, &target, size);
}

/* --- tasks --- */

static enum exec_result go_task(struct cpu *cpu, enum far_kind kind, struct task_switch *task)
{
    task->source = kind == FAR_CALL ? TASK_CALL : TASK_JUMP;
    task->next_eip = cpu_next_eip(cpu);
    enum exec_result result = task_switch(cpu, task);
    return far_finish(cpu, result, task->committed);
}

static enum exec_result go_tss(struct cpu *cpu, enum far_kind kind, uint16_t selector,
                               const struct descriptor *descriptor)
{
    uint32_t error = selector_error(selector, 0);
    if (selector & SELECTOR_TI)
        return fault_gp(cpu, error);
    if (!(descriptor_access(descriptor) & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, error);
    struct task_switch task = {.selector = selector, .descriptor = *descriptor};
    return go_task(cpu, kind, &task);
}

static enum exec_result go_task_gate(struct cpu *cpu, enum far_kind kind, uint16_t selector,
                                     const struct descriptor *gate)
{
    if (!(descriptor_access(gate) & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, selector_error(selector, 0));
    struct task_switch task = {0};
    if (task_gate_target(cpu, gate, 0, &task))
        return EXEC_FAULT;
    return go_task(cpu, kind, &task);
}

/* --- dispatch --- */

static enum exec_result go_system(struct cpu *cpu, enum far_kind kind, uint16_t selector,
                                  const struct descriptor *descriptor)
{
    uint32_t error = selector_error(selector, 0);
    uint16_t access = descriptor_access(descriptor);
    unsigned dpl = access_dpl(access);
    switch (access_system_type(access)) {
    case TYPE_CALL_GATE16:
    case TYPE_CALL_GATE32:
    case TYPE_TASK_GATE:
    case TYPE_TSS16:
    case TYPE_TSS32:
        break;
    default:
        return fault_gp(cpu, error);
    }
    if (dpl < cpu->cpl || dpl < (selector & SELECTOR_RPL))
        return fault_gp(cpu, error);
    switch (access_system_type(access)) {
    case TYPE_CALL_GATE16:
    case TYPE_CALL_GATE32:
        return go_call_gate(cpu, kind, selector, descriptor);
    case TYPE_TASK_GATE:
        return go_task_gate(cpu, kind, selector, descriptor);
    default:
        return go_tss(cpu, kind, selector, descriptor);
    }
}

static enum exec_result far_go(struct cpu *cpu, enum far_kind kind, uint16_t selector,
                               uint32_t offset, unsigned size)
{
    if (cpu_is_8086(cpu))
        return go_8086(cpu, kind, selector, offset, size);
    if (selector_is_null(selector))
        return fault_gp(cpu, 0);
    struct descriptor descriptor;
    if (descriptor_read(cpu, selector, &descriptor, VECTOR_GP, 0))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    if (access_is_code(access))
        return go_code_segment(cpu, kind, selector, &descriptor, offset, size);
    if (access & SEGMENT_S)
        return fault_gp(cpu, selector_error(selector, 0));
    return go_system(cpu, kind, selector, &descriptor);
}

/* --- instructions --- */

static enum exec_result go_memory(struct cpu *cpu, const struct insn *insn, enum far_kind kind,
                                  unsigned size)
{
    uint32_t address = insn_address(cpu, insn);
    uint32_t selector_address = address + size;
    if (!(insn->flags & INSN_ADDRESS32))
        selector_address &= 0xFFFF;
    uint32_t offset = 0;
    uint16_t half = 0, selector;
    if (size == 4 ? mem_read32(cpu, insn->segment, address, &offset)
                  : mem_read16(cpu, insn->segment, address, &half))
        return EXEC_FAULT;
    if (mem_read16(cpu, insn->segment, selector_address, &selector))
        return EXEC_FAULT;
    return far_go(cpu, kind, selector, size == 4 ? offset : half, size);
}

enum exec_result exec_call_far16(struct cpu *cpu, const struct insn *insn)
{
    return far_go(cpu, FAR_CALL, insn->immediate2, insn->immediate & 0xFFFF, 2);
}

enum exec_result exec_call_far32(struct cpu *cpu, const struct insn *insn)
{
    return far_go(cpu, FAR_CALL, insn->immediate2, insn->immediate, 4);
}

enum exec_result exec_jmp_far16(struct cpu *cpu, const struct insn *insn)
{
    return far_go(cpu, FAR_JUMP, insn->immediate2, insn->immediate & 0xFFFF, 2);
}

enum exec_result exec_jmp_far32(struct cpu *cpu, const struct insn *insn)
{
    return far_go(cpu, FAR_JUMP, insn->immediate2, insn->immediate, 4);
}

enum exec_result exec_call_far_mem16(struct cpu *cpu, const struct insn *insn)
{
    return go_memory(cpu, insn, FAR_CALL, 2);
}

enum exec_result exec_call_far_mem32(struct cpu *cpu, const struct insn *insn)
{
    return go_memory(cpu, insn, FAR_CALL, 4);
}

enum exec_result exec_jmp_far_mem16(struct cpu *cpu, const struct insn *insn)
{
    return go_memory(cpu, insn, FAR_JUMP, 2);
}

enum exec_result exec_jmp_far_mem32(struct cpu *cpu, const struct insn *insn)
{
    return go_memory(cpu, insn, FAR_JUMP, 4);
}
