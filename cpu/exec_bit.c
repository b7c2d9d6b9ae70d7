/* BT, BTS, BTR, BTC, BSF, BSR, BSWAP, SETcc, CMOVcc.
 *
 * Source: Intel SDM volume 2A; of the 386, results that the author of test386.asm took from a
 * 386SX. BT changes CF only, and OF on the 386. BSF and BSR of zero set ZF and leave the
 * destination as it was. */
#include "cpu/alu.h"
#include "cpu/condition.h"
#include "cpu/exec.h"
#include "cpu/model.h"

/* --- bit tests --- */

/* CF is the bit. The 386 finds it by RCR, with CF clear at first, and leaves that OF, too. */
static inline void set_tested(struct cpu *cpu, unsigned bits, uint32_t value, unsigned bit)
{
    bool cf = value >> bit & 1;
    if (UNLIKELY(cpu->model->is_386)) {
        uint32_t rotated =
            (uint32_t)((uint64_t)value >> (bit + 1) | (uint64_t)value << (bits - bit));
        flags_set_cf_of(cpu, cf, (rotated >> (bits - 1) ^ rotated >> (bits - 2)) & 1);
    } else {
        flags_set_cf(cpu, cf);
    }
}

static inline uint32_t bit_bt(uint32_t value, uint32_t mask)
{
    return value;
}
static inline uint32_t bit_bts(uint32_t value, uint32_t mask)
{
    return value | mask;
}
static inline uint32_t bit_btr(uint32_t value, uint32_t mask)
{
    return value & ~mask;
}
static inline uint32_t bit_btc(uint32_t value, uint32_t mask)
{
    return value ^ mask;
}

/* A register as bit offset into memory is signed and reaches beyond the operand: the address of the
 * word that holds the bit. */
#define DEFINE_BIT_ADDRESS(bits)                                                                   \
    static inline uint32_t bit_address##bits(const struct cpu *cpu, const struct insn *insn)       \
    {                                                                                              \
        int32_t bit = (INT(bits))reg##bits(cpu, insn->reg);                                        \
        uint32_t words = (uint32_t)((bit & ~((bits)-1)) / (bits));                                 \
        uint32_t address = insn_address(cpu, insn) + words * ((bits) / 8);                         \
        return insn->flags & INSN_ADDRESS32 ? address : address & 0xFFFF;                          \
    }

FOR_EACH_V(DEFINE_BIT_ADDRESS)

#define DEFINE_BIT_REGISTER(op, bits, form, source)                                                \
    EXEC(exec_##op##_##form##bits##_r)                                                             \
    {                                                                                              \
        unsigned bit = (source) & ((bits)-1);                                                      \
        UINT(bits) value = reg##bits(cpu, insn->rm);                                               \
        set_tested(cpu, bits, value, bit);                                                         \
        set_reg##bits(cpu, insn->rm, (UINT(bits))bit_##op(value, 1u << bit));                      \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_BIT_MEMORY(op, bits, form, source, address)                                         \
    EXEC(exec_##op##_##form##bits##_m)                                                             \
    {                                                                                              \
        unsigned bit = (source) & ((bits)-1);                                                      \
        UINT(bits) value;                                                                          \
        struct mem_rmw rmw;                                                                        \
        if (mem_rmw##bits(cpu, insn->segment, address, &rmw, &value))                              \
            return EXEC_FAULT;                                                                     \
        set_tested(cpu, bits, value, bit);                                                         \
        WRITE_BACK(bits, (UINT(bits))bit_##op(value, 1u << bit));                                  \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_BT_MEMORY(bits, form, source, address)                                              \
    EXEC(exec_bt_##form##bits##_m)                                                                 \
    {                                                                                              \
        unsigned bit = (source) & ((bits)-1);                                                      \
        UINT(bits) value;                                                                          \
        if (mem_read##bits(cpu, insn->segment, address, &value))                                   \
            return EXEC_FAULT;                                                                     \
        set_tested(cpu, bits, value, bit);                                                         \
        return EXEC_OK;                                                                            \
    }

#define DEFINE_BIT_FORMS(op, bits)                                                                 \
    DEFINE_BIT_REGISTER(op, bits, g, reg##bits(cpu, insn->reg))                                    \
    DEFINE_BIT_REGISTER(op, bits, i, insn->immediate)

#define DEFINE_BIT_WRITING(op, bits)                                                               \
    DEFINE_BIT_FORMS(op, bits)                                                                     \
    DEFINE_BIT_MEMORY(op, bits, g, reg##bits(cpu, insn->reg), bit_address##bits(cpu, insn))        \
    DEFINE_BIT_MEMORY(op, bits, i, insn->immediate, insn_address(cpu, insn))

#define DEFINE_BITS(bits)                                                                          \
    DEFINE_BIT_FORMS(bt, bits)                                                                     \
    DEFINE_BT_MEMORY(bits, g, reg##bits(cpu, insn->reg), bit_address##bits(cpu, insn))             \
    DEFINE_BT_MEMORY(bits, i, insn->immediate, insn_address(cpu, insn))                            \
    DEFINE_BIT_WRITING(bts, bits)                                                                  \
    DEFINE_BIT_WRITING(btr, bits)                                                                  \
    DEFINE_BIT_WRITING(btc, bits)

FOR_EACH_V(DEFINE_BITS)

/* --- scans --- */

static inline bool scan_bsf(uint32_t value, uint32_t *bit)
{
    if (value)
        *bit = (uint32_t)__builtin_ctz(value);
    return value;
}
static inline bool scan_bsr(uint32_t value, uint32_t *bit)
{
    if (value)
        *bit = 31 - (uint32_t)__builtin_clz(value);
    return value;
}

#define DEFINE_SCAN(op, bits)                                                                      \
    static inline void scan_##op##bits(struct cpu *cpu, const struct insn *insn, UINT(bits) value) \
    {                                                                                              \
        uint32_t bit;                                                                              \
        bool found = scan_##op(value, &bit);                                                       \
        if (found)                                                                                 \
            set_reg##bits(cpu, insn->reg, (UINT(bits))bit);                                        \
        flags_set_zf(cpu, !found);                                                                 \
    }                                                                                              \
    EXEC(exec_##op##bits##_r)                                                                      \
    {                                                                                              \
        scan_##op##bits(cpu, insn, reg##bits(cpu, insn->rm));                                      \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_##op##bits##_m)                                                                    \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        scan_##op##bits(cpu, insn, value);                                                         \
        return EXEC_OK;                                                                            \
    }

DEFINE_SCAN(bsf, 16)
DEFINE_SCAN(bsf, 32)
DEFINE_SCAN(bsr, 16)
DEFINE_SCAN(bsr, 32)

/* BSWAP of a 16-bit register is undefined; processors give zero. */
EXEC(exec_bswap16)
{
    set_reg16(cpu, insn->reg, 0);
    return EXEC_OK;
}

EXEC(exec_bswap32)
{
    cpu->gpr[insn->reg] = __builtin_bswap32(cpu->gpr[insn->reg]);
    return EXEC_OK;
}

/* --- conditions as values --- */

#define DEFINE_SETCC(name, condition)                                                              \
    EXEC(exec_set##name##_r)                                                                       \
    {                                                                                              \
        set_reg8(cpu, insn->rm, condition);                                                        \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC(exec_set##name##_m)                                                                       \
    {                                                                                              \
        return mem_write8(cpu, insn->segment, insn_address(cpu, insn), condition);                 \
    }

FOR_EACH_CONDITION(DEFINE_SETCC)

/* CMOVcc reads memory whether it moves or not. */
#define DEFINE_CMOVCC_SIZE(bits, name, condition)                                                  \
    EXEC(exec_cmov##name##bits##_r)                                                                \
    {                                                                                              \
        if (condition)                                                                             \
            set_reg##bits(cpu, insn->reg, reg##bits(cpu, insn->rm));                               \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    EXEC_M(exec_cmov##name##bits##_m)                                                              \
    {                                                                                              \
        READ_MEMORY(bits, value);                                                                  \
        if (condition)                                                                             \
            set_reg##bits(cpu, insn->reg, value);                                                  \
        return EXEC_OK;                                                                            \
    }
#define DEFINE_CMOVCC(name, condition)                                                             \
    DEFINE_CMOVCC_SIZE(16, name, condition)                                                        \
    DEFINE_CMOVCC_SIZE(32, name, condition)

FOR_EACH_CONDITION(DEFINE_CMOVCC)
