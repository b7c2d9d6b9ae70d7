/* Descriptor tables and descriptor queries (SDM 2: LGDT to STR, LAR, LSL, VERR, ARPL). */
#include "cpu/access.h"
#include "cpu/exec.h"
#include "cpu/flags.h"
#include "cpu/segment.h"

/* The 16-bit operand of an r/m16 form. */
static enum exec_result read_ew(struct cpu *cpu, const struct insn *insn, uint16_t *value)
{
    if (insn->flags & INSN_MEMORY)
        return mem_read16(cpu, insn->segment, insn_address(cpu, insn), value);
    *value = (uint16_t)cpu->gpr[insn->rm];
    return EXEC_OK;
}

/* Stores to r16 or m16; a 32-bit register gets wide. */
static enum exec_result store_word(struct cpu *cpu, const struct insn *insn, uint32_t wide)
{
    if (insn->flags & INSN_MEMORY)
        return mem_write16(cpu, insn->segment, insn_address(cpu, insn), (uint16_t)wide);
    uint32_t mask = insn->flags & INSN_OPERAND32 ? 0xFFFFFFFF : 0xFFFF;
    cpu->gpr[insn->rm] = (cpu->gpr[insn->rm] & ~mask) | (wide & mask);
    return EXEC_OK;
}

static void set_zf(struct cpu *cpu, bool zf)
{
    flags_set_arithmetic(cpu, (flags_arithmetic(cpu) & ~(uint32_t)FLAG_ZF) | (zf ? FLAG_ZF : 0));
}

/* --- GDTR, IDTR --- */

static enum exec_result load_table(struct cpu *cpu, const struct insn *insn, uint16_t *limit,
                                   uint32_t *base)
{
    uint32_t address = insn_address(cpu, insn);
    uint32_t base_address = insn->flags & INSN_ADDRESS32 ? address + 2 : (address + 2) & 0xFFFF;
    uint16_t new_limit;
    uint32_t new_base;
    if (cpu_require_cpl0(cpu) || mem_read16(cpu, insn->segment, address, &new_limit) ||
        mem_read32(cpu, insn->segment, base_address, &new_base))
        return EXEC_FAULT;
    *limit = new_limit;
    *base = insn->flags & INSN_OPERAND32 ? new_base : new_base & 0xFFFFFF;
    return EXEC_OK;
}

static enum exec_result store_table(struct cpu *cpu, const struct insn *insn, uint16_t limit,
                                    uint32_t base)
{
    uint32_t address = insn_address(cpu, insn);
    uint32_t base_address = insn->flags & INSN_ADDRESS32 ? address + 2 : (address + 2) & 0xFFFF;
    if (mem_check_write(cpu, insn->segment, address, 2) ||
        mem_check_write(cpu, insn->segment, base_address, 4) ||
        mem_write16(cpu, insn->segment, address, limit))
        return EXEC_FAULT;
    return mem_write32(cpu, insn->segment, base_address, base);
}

enum exec_result exec_lgdt(struct cpu *cpu, const struct insn *insn)
{
    return load_table(cpu, insn, &cpu->gdtr_limit, &cpu->gdtr_base);
}

enum exec_result exec_lidt(struct cpu *cpu, const struct insn *insn)
{
    return load_table(cpu, insn, &cpu->idtr_limit, &cpu->idtr_base);
}

enum exec_result exec_sgdt(struct cpu *cpu, const struct insn *insn)
{
    return store_table(cpu, insn, cpu->gdtr_limit, cpu->gdtr_base);
}

enum exec_result exec_sidt(struct cpu *cpu, const struct insn *insn)
{
    return store_table(cpu, insn, cpu->idtr_limit, cpu->idtr_base);
}

/* --- LDTR, TR --- */

enum exec_result exec_sldt(struct cpu *cpu, const struct insn *insn)
{
    return store_word(cpu, insn, cpu->ldtr.selector);
}

enum exec_result exec_str(struct cpu *cpu, const struct insn *insn)
{
    return store_word(cpu, insn, cpu->tr.selector);
}

/* A system descriptor in the GDT; selector is not null. */
static enum exec_result read_system(struct cpu *cpu, uint16_t selector,
                                    struct descriptor *descriptor)
{
    if (selector & SELECTOR_TI)
        return fault_gp(cpu, selector_error(selector, 0));
    return descriptor_read(cpu, selector, descriptor, VECTOR_GP, 0);
}

enum exec_result exec_lldt(struct cpu *cpu, const struct insn *insn)
{
    uint16_t selector;
    struct descriptor descriptor;
    if (cpu_require_cpl0(cpu) || read_ew(cpu, insn, &selector))
        return EXEC_FAULT;
    if (selector_is_null(selector)) {
        cpu->ldtr.selector = selector;
        cpu->ldtr.access = 0;
        return EXEC_OK;
    }
    if (read_system(cpu, selector, &descriptor))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    if (access_system_type(access) != TYPE_LDT)
        return fault_gp(cpu, selector_error(selector, 0));
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, selector_error(selector, 0));
    cpu->ldtr = segment_from_descriptor(selector, &descriptor);
    return EXEC_OK;
}

enum exec_result exec_ltr(struct cpu *cpu, const struct insn *insn)
{
    uint16_t selector;
    struct descriptor descriptor;
    if (cpu_require_cpl0(cpu) || read_ew(cpu, insn, &selector))
        return EXEC_FAULT;
    if (selector_is_null(selector))
        return fault_gp(cpu, 0);
    if (read_system(cpu, selector, &descriptor))
        return EXEC_FAULT;
    uint16_t access = descriptor_access(&descriptor);
    int type = access_system_type(access);
    if (type != TYPE_TSS16 && type != TYPE_TSS32)
        return fault_gp(cpu, selector_error(selector, 0));
    if (!(access & SEGMENT_PRESENT))
        return fault_raise_code(cpu, VECTOR_NP, selector_error(selector, 0));
    uint8_t busy = (uint8_t)(access | 2);
    if (sys_write(cpu, cpu->gdtr_base + (selector & ~7u) + 5, &busy, 1))
        return EXEC_FAULT;
    cpu->tr = segment_from_descriptor(selector, &descriptor);
    cpu->tr.access |= 2;
    return EXEC_OK;
}

/* --- queries: what cannot be seen gives ZF = 0, never a fault --- */

/* Visible from the present CPL through this selector. */
static bool is_visible(const struct cpu *cpu, uint16_t selector, uint16_t access)
{
    unsigned dpl = access_dpl(access);
    return access_is_conforming(access) || (cpu->cpl <= dpl && (selector & SELECTOR_RPL) <= dpl);
}

/* types: bit per system type that the instruction accepts. */
static enum exec_result query_operand(struct cpu *cpu, const struct insn *insn, uint32_t types,
                                      struct descriptor *descriptor, bool *valid)
{
    uint16_t selector;
    bool found;
    *valid = false;
    if (read_ew(cpu, insn, &selector) || descriptor_find(cpu, selector, descriptor, &found))
        return EXEC_FAULT;
    if (!found)
        return EXEC_OK;
    uint16_t access = descriptor_access(descriptor);
    bool known = access & SEGMENT_S || types >> (access & SEGMENT_TYPE) & 1;
    *valid = known && is_visible(cpu, selector, access);
    return EXEC_OK;
}

enum {
    LSL_TYPES = 1 << TYPE_TSS16 | 1 << TYPE_LDT | 1 << TYPE_TSS16_BUSY | 1 << TYPE_TSS32 |
                1 << TYPE_TSS32_BUSY,
    LAR_TYPES = LSL_TYPES | 1 << TYPE_CALL_GATE16 | 1 << TYPE_TASK_GATE | 1 << TYPE_CALL_GATE32,
};

static void store_query(struct cpu *cpu, const struct insn *insn, bool valid, uint32_t value)
{
    if (valid) {
        uint32_t mask = insn->flags & INSN_OPERAND32 ? 0xFFFFFFFF : 0xFFFF;
        cpu->gpr[insn->reg] = (cpu->gpr[insn->reg] & ~mask) | (value & mask);
    }
    set_zf(cpu, valid);
}

enum exec_result exec_lar(struct cpu *cpu, const struct insn *insn)
{
    struct descriptor descriptor;
    bool valid;
    if (query_operand(cpu, insn, LAR_TYPES, &descriptor, &valid))
        return EXEC_FAULT;
    store_query(cpu, insn, valid, valid ? descriptor.high & 0x00F0FF00 : 0);
    return EXEC_OK;
}

enum exec_result exec_lsl(struct cpu *cpu, const struct insn *insn)
{
    struct descriptor descriptor;
    bool valid;
    if (query_operand(cpu, insn, LSL_TYPES, &descriptor, &valid))
        return EXEC_FAULT;
    store_query(cpu, insn, valid, valid ? descriptor_limit(&descriptor) : 0);
    return EXEC_OK;
}

enum exec_result exec_verr(struct cpu *cpu, const struct insn *insn)
{
    struct descriptor descriptor;
    bool valid;
    if (query_operand(cpu, insn, 0, &descriptor, &valid))
        return EXEC_FAULT;
    set_zf(cpu, valid && access_is_readable(descriptor_access(&descriptor)));
    return EXEC_OK;
}

enum exec_result exec_verw(struct cpu *cpu, const struct insn *insn)
{
    struct descriptor descriptor;
    bool valid;
    if (query_operand(cpu, insn, 0, &descriptor, &valid))
        return EXEC_FAULT;
    set_zf(cpu, valid && access_is_writable(descriptor_access(&descriptor)));
    return EXEC_OK;
}

enum exec_result exec_arpl_r(struct cpu *cpu, const struct insn *insn)
{
    uint32_t rpl = cpu->gpr[insn->reg] & SELECTOR_RPL;
    bool raise = (cpu->gpr[insn->rm] & SELECTOR_RPL) < rpl;
    if (raise)
        cpu->gpr[insn->rm] = (cpu->gpr[insn->rm] & ~(uint32_t)SELECTOR_RPL) | rpl;
    set_zf(cpu, raise);
    return EXEC_OK;
}

/* Writes only what has changed: a read-only operand that needs no change is no fault. */
enum exec_result exec_arpl_m(struct cpu *cpu, const struct insn *insn)
{
    uint16_t selector;
    uint32_t address = insn_address(cpu, insn);
    uint16_t rpl = cpu->gpr[insn->reg] & SELECTOR_RPL;
    if (mem_read16(cpu, insn->segment, address, &selector))
        return EXEC_FAULT;
    bool raise = (selector & SELECTOR_RPL) < rpl;
    uint16_t raised = (uint16_t)((selector & ~SELECTOR_RPL) | rpl);
    if (raise && mem_write16(cpu, insn->segment, address, raised))
        return EXEC_FAULT;
    set_zf(cpu, raise);
    return EXEC_OK;
}

/* --- machine status word --- */

enum exec_result exec_smsw(struct cpu *cpu, const struct insn *insn)
{
    return store_word(cpu, insn, cpu->cr0);
}

enum exec_result exec_lmsw(struct cpu *cpu, const struct insn *insn)
{
    const uint32_t loadable = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    uint16_t word;
    if (cpu_require_cpl0(cpu) || read_ew(cpu, insn, &word))
        return EXEC_FAULT;
    uint32_t kept = cpu->cr0 & (~loadable | CR0_PE); /* PE can be set, not cleared */
    return cpu_write_cr0(cpu, kept | (word & loadable));
}
