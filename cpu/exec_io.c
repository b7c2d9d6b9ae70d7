/* IN, OUT, INS, OUTS (SDM 2; SDM 1 chapter 16: I/O privilege). */
#include "cpu/access.h"
#include "cpu/debug.h"
#include "cpu/exec.h"
#include "cpu/repeat.h"
#include "cpu/segment.h"

enum { TSS_IO_BASE = 0x66 };

/* The I/O permission bitmap: every port of the access must have a clear bit (SDM 1 16.5.2). */
static enum exec_result check_bitmap(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint8_t bytes[2];
    if (!(access_system_type(cpu->tr.access) & 8) || !(cpu->tr.access & SEGMENT_PRESENT) ||
        cpu->tr.limit < TSS_IO_BASE + 1)
        return fault_gp(cpu, 0);
    if (sys_read(cpu, cpu->tr.base + TSS_IO_BASE, bytes, 2))
        return EXEC_FAULT;
    /* Two bytes are read always, so that any access is covered. */
    uint32_t offset = load_le16(bytes) + port / 8u;
    if (offset + 1 > cpu->tr.limit)
        return fault_gp(cpu, 0);
    if (sys_read(cpu, cpu->tr.base + offset, bytes, 2))
        return EXEC_FAULT;
    uint32_t mask = ((1u << size) - 1) << (port & 7);
    return load_le16(bytes) & mask ? fault_gp(cpu, 0) : EXEC_OK;
}

static enum exec_result check_port(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (cpu_is_protected(cpu) && (cpu->cpl > cpu_iopl(cpu) || cpu_is_v86(cpu)))
        return check_bitmap(cpu, port, size);
    return EXEC_OK;
}

static enum exec_result port_in(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (check_port(cpu, port, size))
        return EXEC_FAULT;
    uint32_t mask = 0xFFFFFFFF >> (32 - size * 8);
    uint32_t value = bus_port_read(cpu->bus, port, size);
    cpu->gpr[REG_EAX] = (cpu->gpr[REG_EAX] & ~mask) | (value & mask);
    debug_note_io(cpu, port, size);
    return EXEC_OK;
}

static enum exec_result port_out(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (check_port(cpu, port, size))
        return EXEC_FAULT;
    uint32_t mask = 0xFFFFFFFF >> (32 - size * 8);
    bus_port_write(cpu->bus, port, cpu->gpr[REG_EAX] & mask, size);
    debug_note_io(cpu, port, size);
    return EXEC_OK;
}

/* The low bit of these opcodes tells bytes from words. */
static unsigned access_size(const struct insn *insn)
{
    if (!(insn->opcode & 1))
        return 1;
    return insn->flags & INSN_OPERAND32 ? 4 : 2;
}

enum exec_result exec_in_imm(struct cpu *cpu, const struct insn *insn)
{
    return port_in(cpu, insn->immediate & 0xFF, access_size(insn));
}

enum exec_result exec_in_dx(struct cpu *cpu, const struct insn *insn)
{
    return port_in(cpu, (uint16_t)cpu->gpr[REG_EDX], access_size(insn));
}

enum exec_result exec_out_imm(struct cpu *cpu, const struct insn *insn)
{
    return port_out(cpu, insn->immediate & 0xFF, access_size(insn));
}

enum exec_result exec_out_dx(struct cpu *cpu, const struct insn *insn)
{
    return port_out(cpu, (uint16_t)cpu->gpr[REG_EDX], access_size(insn));
}

/* --- strings --- */

/* The port is read when the write to memory cannot fail any more. */
static enum exec_result ins_step(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = access_size(insn);
    uint16_t port = (uint16_t)cpu->gpr[REG_EDX];
    uint32_t offset = string_register(cpu, insn, REG_EDI);
    uint8_t bytes[4];
    if (check_port(cpu, port, size) || mem_check_write(cpu, SEG_ES, offset, size))
        return EXEC_FAULT;
    store_le32(bytes, bus_port_read(cpu->bus, port, size));
    if (mem_write_slow(cpu, SEG_ES, offset, bytes, size))
        return EXEC_FAULT;
    debug_note_io(cpu, port, size);
    string_add(cpu, insn, REG_EDI, string_delta(cpu, size));
    return EXEC_OK;
}

static enum exec_result outs_step(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = access_size(insn);
    uint16_t port = (uint16_t)cpu->gpr[REG_EDX];
    uint8_t bytes[4] = {0};
    if (check_port(cpu, port, size) ||
        mem_read_slow(cpu, insn->segment, string_register(cpu, insn, REG_ESI), bytes, size))
        return EXEC_FAULT;
    bus_port_write(cpu->bus, port, load_le32(bytes), size);
    debug_note_io(cpu, port, size);
    string_add(cpu, insn, REG_ESI, string_delta(cpu, size));
    return EXEC_OK;
}

/* No iteration at all needs permission, too. */
static enum exec_result repeat_port(struct cpu *cpu, const struct insn *insn, string_step *step)
{
    bool is_none = insn->flags & (INSN_REP | INSN_REPNE) && !string_register(cpu, insn, REG_ECX);
    if (is_none && check_port(cpu, (uint16_t)cpu->gpr[REG_EDX], access_size(insn)))
        return EXEC_FAULT;
    return string_repeat(cpu, insn, step, false);
}

enum exec_result exec_ins(struct cpu *cpu, const struct insn *insn)
{
    return repeat_port(cpu, insn, ins_step);
}

enum exec_result exec_outs(struct cpu *cpu, const struct insn *insn)
{
    return repeat_port(cpu, insn, outs_step);
}
