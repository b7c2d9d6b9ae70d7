/* Instructions that move selectors (SDM 2: MOV, PUSH, POP, LDS). */
#include "cpu/access.h"
#include "cpu/exec.h"
#include "cpu/segment.h"

static bool is_segment_register(unsigned reg)
{
    return reg < SEG_COUNT;
}

enum exec_result exec_mov_from_sreg16_r(struct cpu *cpu, const struct insn *insn)
{
    if (!is_segment_register(insn->reg))
        return fault_ud(cpu);
    cpu->gpr[insn->rm] = (cpu->gpr[insn->rm] & 0xFFFF0000) | cpu->seg[insn->reg].selector;
    return EXEC_OK;
}

enum exec_result exec_mov_from_sreg32_r(struct cpu *cpu, const struct insn *insn)
{
    if (!is_segment_register(insn->reg))
        return fault_ud(cpu);
    cpu->gpr[insn->rm] = cpu->seg[insn->reg].selector;
    return EXEC_OK;
}

/* To memory always 16 bits. */
enum exec_result exec_mov_from_sreg16_m(struct cpu *cpu, const struct insn *insn)
{
    if (!is_segment_register(insn->reg))
        return fault_ud(cpu);
    return mem_write16(cpu, insn->segment, insn_address(cpu, insn), cpu->seg[insn->reg].selector);
}

enum exec_result exec_mov_from_sreg32_m(struct cpu *cpu, const struct insn *insn)
{
    return exec_mov_from_sreg16_m(cpu, insn);
}

static enum exec_result mov_to_sreg(struct cpu *cpu, enum segment_register seg, uint16_t selector)
{
    if (segment_load(cpu, seg, selector))
        return EXEC_FAULT;
    if (seg == SEG_SS)
        cpu_open_shadow(cpu, true);
    return EXEC_OK;
}

enum exec_result exec_mov_to_sreg_r(struct cpu *cpu, const struct insn *insn)
{
    if (!is_segment_register(insn->reg) || insn->reg == SEG_CS)
        return fault_ud(cpu);
    return mov_to_sreg(cpu, insn->reg, (uint16_t)cpu->gpr[insn->rm]);
}

enum exec_result exec_mov_to_sreg_m(struct cpu *cpu, const struct insn *insn)
{
    uint16_t selector;
    if (!is_segment_register(insn->reg) || insn->reg == SEG_CS)
        return fault_ud(cpu);
    if (mem_read16(cpu, insn->segment, insn_address(cpu, insn), &selector))
        return EXEC_FAULT;
    return mov_to_sreg(cpu, insn->reg, selector);
}

/* --- PUSH and POP: the register is in bits 5..3 of the opcode --- */

static enum segment_register opcode_segment(const struct insn *insn)
{
    return insn->opcode >> 3 & 7;
}

enum exec_result exec_push_sreg16(struct cpu *cpu, const struct insn *insn)
{
    return stack_push16(cpu, cpu->seg[opcode_segment(insn)].selector);
}

/* Moves the pointer by four and writes two bytes, as the silicon does. */
enum exec_result exec_push_sreg32(struct cpu *cpu, const struct insn *insn)
{
    uint32_t esp = cpu->gpr[REG_ESP] - 4;
    uint16_t selector = cpu->seg[opcode_segment(insn)].selector;
    if (mem_write16(cpu, SEG_SS, esp & cpu->stack_mask, selector))
        return EXEC_FAULT;
    stack_set_pointer(cpu, esp);
    return EXEC_OK;
}

static enum exec_result pop_sreg(struct cpu *cpu, const struct insn *insn, uint32_t size)
{
    uint16_t selector;
    uint32_t mask = cpu->stack_mask; /* of the stack that is popped from, should SS be loaded */
    uint32_t esp = cpu->gpr[REG_ESP];
    enum segment_register seg = opcode_segment(insn);
    if (stack_peek16(cpu, 0, &selector) || mov_to_sreg(cpu, seg, selector))
        return EXEC_FAULT;
    cpu->gpr[REG_ESP] = (esp & ~mask) | ((esp + size) & mask);
    return EXEC_OK;
}

enum exec_result exec_pop_sreg16(struct cpu *cpu, const struct insn *insn)
{
    return pop_sreg(cpu, insn, 2);
}

enum exec_result exec_pop_sreg32(struct cpu *cpu, const struct insn *insn)
{
    return pop_sreg(cpu, insn, 4);
}

/* --- LES, LDS, LSS, LFS, LGS --- */

static enum segment_register pointer_segment(const struct insn *insn)
{
    switch (insn->opcode) {
    case 0xC4:
        return SEG_ES;
    case 0xC5:
        return SEG_DS;
    case 0xB2:
        return SEG_SS;
    case 0xB4:
        return SEG_FS;
    default:
        return SEG_GS;
    }
}

/* Reads and loads the selector, which lies behind size bytes of offset. */
static enum exec_result load_pointer_segment(struct cpu *cpu, const struct insn *insn,
                                             uint32_t size)
{
    uint32_t address = insn_address(cpu, insn) + size;
    uint16_t selector;
    if (!(insn->flags & INSN_ADDRESS32))
        address &= 0xFFFF;
    if (mem_read16(cpu, insn->segment, address, &selector))
        return EXEC_FAULT;
    return segment_load(cpu, pointer_segment(insn), selector);
}

enum exec_result exec_load_pointer16(struct cpu *cpu, const struct insn *insn)
{
    uint16_t offset;
    if (mem_read16(cpu, insn->segment, insn_address(cpu, insn), &offset) ||
        load_pointer_segment(cpu, insn, 2))
        return EXEC_FAULT;
    cpu->gpr[insn->reg] = (cpu->gpr[insn->reg] & 0xFFFF0000) | offset;
    return EXEC_OK;
}

enum exec_result exec_load_pointer32(struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset;
    if (mem_read32(cpu, insn->segment, insn_address(cpu, insn), &offset) ||
        load_pointer_segment(cpu, insn, 4))
        return EXEC_FAULT;
    cpu->gpr[insn->reg] = offset;
    return EXEC_OK;
}
