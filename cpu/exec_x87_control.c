/* Control and status words, environment and state in memory, FXSAVE, WAIT. */
#include "cpu/exec.h"
#include "cpu/float_core.h"
#include "cpu/fpu.h"
#include "cpu/model.h"

enum {
    ENVIRONMENT_16 = 14,
    ENVIRONMENT_32 = 28,
    REGISTER_BYTES = 10,
    STATE_REGISTERS = 8 * REGISTER_BYTES,
    FXSAVE_SIZE = 512,
    FXSAVE_WRITTEN = 288, /* up to XMM7; what follows is reserved and left alone */
    FXSAVE_WITHOUT_SSE = 160,
};

/* --- control and status --- */

enum exec_result exec_wait(struct cpu *cpu, const struct insn *insn)
{
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        return fault_raise(cpu, VECTOR_NM);
    return fpu_begin(cpu);
}

enum exec_result exec_fno_operation(struct cpu *cpu, const struct insn *insn)
{
    return EXEC_OK;
}

enum exec_result exec_fnclex(struct cpu *cpu, const struct insn *insn)
{
    cpu->fpu.status &= (uint16_t) ~(FLOAT_EXCEPTIONS | FPU_SF);
    fpu_update_summary(cpu);
    return EXEC_OK;
}

enum exec_result exec_fninit(struct cpu *cpu, const struct insn *insn)
{
    fpu_init(cpu);
    return EXEC_OK;
}

static void set_control(struct cpu *cpu, uint16_t value)
{
    cpu->fpu.control = (value & FPU_CONTROL_WRITABLE) | FPU_CONTROL_FIXED;
    fpu_update_summary(cpu);
}

enum exec_result exec_fldcw(struct cpu *cpu, const struct insn *insn)
{
    uint16_t value;
    if (fpu_begin(cpu) || mem_read16(cpu, insn->segment, insn_address(cpu, insn), &value))
        return EXEC_FAULT;
    set_control(cpu, value);
    return EXEC_OK;
}

enum exec_result exec_fnstcw(struct cpu *cpu, const struct insn *insn)
{
    return mem_write16(cpu, insn->segment, insn_address(cpu, insn), cpu->fpu.control);
}

enum exec_result exec_fnstsw_m16(struct cpu *cpu, const struct insn *insn)
{
    return mem_write16(cpu, insn->segment, insn_address(cpu, insn), cpu->fpu.status);
}

enum exec_result exec_fnstsw_ax(struct cpu *cpu, const struct insn *insn)
{
    cpu->gpr[REG_EAX] = (cpu->gpr[REG_EAX] & 0xFFFF0000) | cpu->fpu.status;
    return EXEC_OK;
}

/* --- environment (SDM 1, figures 8-9 to 8-12) --- */

static bool is_real_format(const struct cpu *cpu)
{
    return !(cpu->cr0 & CR0_PE) || cpu->eflags & FLAG_VM;
}

static void pack_environment16(const struct cpu *cpu, uint8_t *bytes)
{
    const struct fpu_state *fpu = &cpu->fpu;
    store_le16(bytes, fpu->control);
    store_le16(bytes + 2, fpu->status);
    store_le16(bytes + 4, fpu_tag_word(fpu));
    if (is_real_format(cpu)) {
        uint32_t ip = ((uint32_t)fpu->ip_selector << 4) + fpu->ip_offset;
        uint32_t data = ((uint32_t)fpu->data_selector << 4) + fpu->data_offset;
        store_le16(bytes + 6, (uint16_t)ip);
        store_le16(bytes + 8, (uint16_t)((ip >> 4 & 0xF000) | (fpu->opcode & 0x7FF)));
        store_le16(bytes + 10, (uint16_t)data);
        store_le16(bytes + 12, (uint16_t)(data >> 4 & 0xF000));
        return;
    }
    store_le16(bytes + 6, (uint16_t)fpu->ip_offset);
    store_le16(bytes + 8, fpu->ip_selector);
    store_le16(bytes + 10, (uint16_t)fpu->data_offset);
    store_le16(bytes + 12, fpu->data_selector);
}

/* The upper halves of 16-bit members are stored as ones. */
static void pack_environment32(const struct cpu *cpu, uint8_t *bytes)
{
    const struct fpu_state *fpu = &cpu->fpu;
    const uint32_t ones = 0xFFFF0000;
    store_le32(bytes, fpu->control | ones);
    store_le32(bytes + 4, fpu->status | ones);
    store_le32(bytes + 8, fpu_tag_word(fpu) | ones);
    if (is_real_format(cpu)) {
        uint32_t ip = ((uint32_t)fpu->ip_selector << 4) + fpu->ip_offset;
        uint32_t data = ((uint32_t)fpu->data_selector << 4) + fpu->data_offset;
        store_le32(bytes + 12, (ip & 0xFFFF) | ones);
        store_le32(bytes + 16, (ip >> 16 << 12) | (fpu->opcode & 0x7FF));
        store_le32(bytes + 20, (data & 0xFFFF) | ones);
        store_le32(bytes + 24, data >> 16 << 12);
        return;
    }
    store_le32(bytes + 12, fpu->ip_offset);
    store_le32(bytes + 16, fpu->ip_selector | (uint32_t)(fpu->opcode & 0x7FF) << 16);
    store_le32(bytes + 20, fpu->data_offset);
    store_le32(bytes + 24, fpu->data_selector | ones);
}

/* Pointers of the real formats are linear addresses: they come back with selector 0. */
static void unpack_environment16(struct cpu *cpu, const uint8_t *bytes)
{
    struct fpu_state *fpu = &cpu->fpu;
    fpu->status = load_le16(bytes + 2);
    fpu_set_tag_word(fpu, load_le16(bytes + 4));
    if (is_real_format(cpu)) {
        fpu->ip_offset = load_le16(bytes + 6) | (load_le16(bytes + 8) & 0xF000u) << 4;
        fpu->opcode = load_le16(bytes + 8) & 0x7FF;
        fpu->data_offset = load_le16(bytes + 10) | (load_le16(bytes + 12) & 0xF000u) << 4;
        fpu->ip_selector = fpu->data_selector = 0;
    } else {
        fpu->ip_offset = load_le16(bytes + 6);
        fpu->ip_selector = load_le16(bytes + 8);
        fpu->data_offset = load_le16(bytes + 10);
        fpu->data_selector = load_le16(bytes + 12);
        fpu->opcode = 0; /* not in this format */
    }
    set_control(cpu, load_le16(bytes));
}

static void unpack_environment32(struct cpu *cpu, const uint8_t *bytes)
{
    struct fpu_state *fpu = &cpu->fpu;
    fpu->status = load_le16(bytes + 4);
    fpu_set_tag_word(fpu, load_le16(bytes + 8));
    if (is_real_format(cpu)) {
        fpu->ip_offset = load_le16(bytes + 12) | load_le32(bytes + 16) >> 12 << 16;
        fpu->opcode = load_le16(bytes + 16) & 0x7FF;
        fpu->data_offset = load_le16(bytes + 20) | load_le32(bytes + 24) >> 12 << 16;
        fpu->ip_selector = fpu->data_selector = 0;
    } else {
        fpu->ip_offset = load_le32(bytes + 12);
        fpu->ip_selector = load_le16(bytes + 16);
        fpu->opcode = load_le16(bytes + 18) & 0x7FF;
        fpu->data_offset = load_le32(bytes + 20);
        fpu->data_selector = load_le16(bytes + 24);
    }
    set_control(cpu, load_le16(bytes));
}

static void pack_environment(const struct cpu *cpu, uint8_t *bytes, unsigned size)
{
    if (size == ENVIRONMENT_16)
        pack_environment16(cpu, bytes);
    else
        pack_environment32(cpu, bytes);
}

static void unpack_environment(struct cpu *cpu, const uint8_t *bytes, unsigned size)
{
    if (size == ENVIRONMENT_16)
        unpack_environment16(cpu, bytes);
    else
        unpack_environment32(cpu, bytes);
}

/* An environment is seven words or doublewords. */
static unsigned environment_word(unsigned size)
{
    return size / 7;
}

static enum exec_result store_environment(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    uint8_t bytes[ENVIRONMENT_32];
    pack_environment(cpu, bytes, size);
    if (fpu_write_block(cpu, insn->segment, insn_address(cpu, insn), bytes, size,
                        environment_word(size)))
        return EXEC_FAULT;
    cpu->fpu.control |= FLOAT_EXCEPTIONS;
    fpu_update_summary(cpu);
    return EXEC_OK;
}

static enum exec_result load_environment(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    uint8_t bytes[ENVIRONMENT_32];
    if (fpu_begin(cpu) || fpu_read_block(cpu, insn->segment, insn_address(cpu, insn), bytes, size,
                                         environment_word(size)))
        return EXEC_FAULT;
    unpack_environment(cpu, bytes, size);
    return EXEC_OK;
}

static enum exec_result save_state(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    uint8_t bytes[ENVIRONMENT_32 + STATE_REGISTERS];
    pack_environment(cpu, bytes, size);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *to = bytes + size + i * REGISTER_BYTES;
        store_le64(to, fpu_st(cpu, i)->significand);
        store_le16(to + 8, fpu_st(cpu, i)->sign_exponent);
    }
    if (fpu_write_block(cpu, insn->segment, insn_address(cpu, insn), bytes, size + STATE_REGISTERS,
                        environment_word(size)))
        return EXEC_FAULT;
    fpu_init(cpu);
    return EXEC_OK;
}

static enum exec_result restore_state(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    uint8_t bytes[ENVIRONMENT_32 + STATE_REGISTERS];
    if (fpu_begin(cpu) || fpu_read_block(cpu, insn->segment, insn_address(cpu, insn), bytes,
                                         size + STATE_REGISTERS, environment_word(size)))
        return EXEC_FAULT;
    unpack_environment(cpu, bytes, size);
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *from = bytes + size + i * REGISTER_BYTES;
        *fpu_st(cpu, i) = (struct float80){load_le64(from), load_le16(from + 8)};
    }
    return EXEC_OK;
}

#define DEFINE_BY_OPERAND_SIZE(name, function)                                                     \
    enum exec_result name##16(struct cpu * cpu, const struct insn *insn)                           \
    {                                                                                              \
        return function(cpu, insn, ENVIRONMENT_16);                                                \
    }                                                                                              \
    enum exec_result name##32(struct cpu * cpu, const struct insn *insn)                           \
    {                                                                                              \
        return function(cpu, insn, ENVIRONMENT_32);                                                \
    }

DEFINE_BY_OPERAND_SIZE(exec_fnstenv, store_environment)
DEFINE_BY_OPERAND_SIZE(exec_fldenv, load_environment)
DEFINE_BY_OPERAND_SIZE(exec_fnsave, save_state)
DEFINE_BY_OPERAND_SIZE(exec_frstor, restore_state)

/* --- FXSAVE, FXRSTOR (SDM 2, FXSAVE) --- */

enum { FXSAVE_ALIGNMENT = 16 };

static bool has_sse_state(const struct cpu *cpu)
{
    return model_has(cpu->model, FEAT_SSE) && cpu->cr4 & CR4_OSFXSR;
}

/* #GP ranks behind a limit violation at the beginning, and before all that comes behind it. */
static enum exec_result check_place(struct cpu *cpu, const struct insn *insn, uint32_t offset,
                                    bool write)
{
    if (!((cpu->seg[insn->segment].base + offset) & (FXSAVE_ALIGNMENT - 1)))
        return EXEC_OK;
    return mem_check_segment(cpu, insn->segment, offset, 1, write) ? EXEC_FAULT : fault_gp(cpu, 0);
}

enum exec_result exec_fxsave(struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset = insn_address(cpu, insn);
    uint8_t bytes[FXSAVE_WRITTEN] = {0};
    const struct fpu_state *fpu = &cpu->fpu;
    if (check_place(cpu, insn, offset, true))
        return EXEC_FAULT;
    store_le16(bytes, fpu->control);
    store_le16(bytes + 2, fpu->status);
    bytes[4] = (uint8_t)~fpu->empty;
    store_le16(bytes + 6, fpu->opcode & 0x7FF);
    store_le32(bytes + 8, fpu->ip_offset);
    store_le16(bytes + 12, fpu->ip_selector);
    store_le32(bytes + 16, fpu->data_offset);
    store_le16(bytes + 20, fpu->data_selector);
    for (unsigned i = 0; i < 8; i++) {
        store_le64(bytes + 32 + 16 * i, fpu_st(cpu, i)->significand);
        store_le16(bytes + 40 + 16 * i, fpu_st(cpu, i)->sign_exponent);
    }
    if (model_has(cpu->model, FEAT_SSE)) {
        store_le32(bytes + 24, cpu->mxcsr);
        store_le32(bytes + 28, cpu_mxcsr_mask(cpu));
    }
    memcpy(bytes + FXSAVE_WITHOUT_SSE, cpu->xmm, sizeof cpu->xmm);
    return fpu_write_block(cpu, insn->segment, offset, bytes,
                           has_sse_state(cpu) ? FXSAVE_WRITTEN : FXSAVE_WITHOUT_SSE,
                           FXSAVE_ALIGNMENT);
}

enum exec_result exec_fxrstor(struct cpu *cpu, const struct insn *insn)
{
    uint32_t offset = insn_address(cpu, insn);
    uint8_t bytes[FXSAVE_SIZE];
    struct fpu_state *fpu = &cpu->fpu;
    if (check_place(cpu, insn, offset, false) ||
        fpu_read_block(cpu, insn->segment, offset, bytes, sizeof bytes, FXSAVE_ALIGNMENT))
        return EXEC_FAULT;
    if (has_sse_state(cpu)) {
        if (load_le32(bytes + 24) & ~cpu_mxcsr_mask(cpu))
            return fault_gp(cpu, 0);
        cpu->mxcsr = load_le32(bytes + 24);
        memcpy(cpu->xmm, bytes + FXSAVE_WITHOUT_SSE, sizeof cpu->xmm);
    }
    fpu->status = load_le16(bytes + 2);
    fpu->empty = (uint8_t)~bytes[4];
    fpu->opcode = load_le16(bytes + 6) & 0x7FF;
    fpu->ip_offset = load_le32(bytes + 8);
    fpu->ip_selector = load_le16(bytes + 12);
    fpu->data_offset = load_le32(bytes + 16);
    fpu->data_selector = load_le16(bytes + 20);
    for (unsigned i = 0; i < 8; i++)
        *fpu_st(cpu, i) =
            (struct float80){load_le64(bytes + 32 + 16 * i), load_le16(bytes + 40 + 16 * i)};
    set_control(cpu, load_le16(bytes));
    return EXEC_OK;
}
