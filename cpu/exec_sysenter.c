/* SYSENTER and SYSEXIT (SDM 2B; 3A 5.8.7). */
#include "cpu/exec.h"
#include "cpu/far.h"

enum { FLAT = SEGMENT_GRANULAR | SEGMENT_BIG | SEGMENT_PRESENT | SEGMENT_S | SEGMENT_ACCESSED };

static void load_flat(struct cpu *cpu, enum segment_register seg, uint32_t selector, unsigned dpl)
{
    uint16_t type = seg == SEG_CS ? SEGMENT_CODE | SEGMENT_WRITABLE : SEGMENT_WRITABLE;
    const struct segment segment = {
        .limit = 0xFFFFFFFF,
        .selector = (uint16_t)selector,
        .access = (uint16_t)(FLAT | type | dpl << SEGMENT_DPL_SHIFT),
    };
    segment_set(cpu, seg, &segment);
}

static void enter_flat(struct cpu *cpu, uint32_t cs, uint32_t ss, unsigned cpl)
{
    load_flat(cpu, SEG_CS, cs | cpl, cpl);
    load_flat(cpu, SEG_SS, ss | cpl, cpl);
    cpu_set_cpl(cpu, cpl);
}

enum exec_result exec_sysenter(struct cpu *cpu, const struct insn *insn)
{
    uint32_t cs = cpu->sysenter_cs & 0xFFFC;
    if (!cpu_is_protected(cpu) || cs == 0)
        return fault_gp(cpu, 0);
    eflags_write(cpu, 0, FLAG_VM | FLAG_IF | FLAG_RF);
    enter_flat(cpu, cs, cs + 8, 0);
    cpu->gpr[REG_ESP] = cpu->sysenter_esp;
    cpu_jump(cpu, cpu->sysenter_eip);
    return EXEC_OK;
}

enum exec_result exec_sysexit(struct cpu *cpu, const struct insn *insn)
{
    uint32_t cs = cpu->sysenter_cs & 0xFFFC;
    if (!cpu_is_protected(cpu) || cs == 0 || cpu->cpl != 0)
        return fault_gp(cpu, 0);
    enter_flat(cpu, cs + 16, cs + 24, 3);
    cpu->gpr[REG_ESP] = cpu->gpr[REG_ECX];
    cpu_jump(cpu, cpu->gpr[REG_EDX]);
    return EXEC_OK;
}
