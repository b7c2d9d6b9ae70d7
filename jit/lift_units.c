/* x87, MMX and SSE instructions: the host executes the guest's own instruction on the guest's
 * registers. See jit/units.h. */
#include "jit/lift_private.h"
#include "jit/units.h"

#include <string.h>

/* Makes sure that unit is loaded. */
static void need_unit(struct lifter *l, unsigned unit)
{
    if (l->units & unit)
        return;
    lift_op(l, IR_UNITS, 4, IR_NONE, IR_NONE)->imm = unit;
    l->units |= unit;
}

static bool is_store(const struct insn_row *row)
{
    static const char *const stores[] = {"fst",    "fstp",  "fist",   "fistp",
                                         "fisttp", "fbstp", "fnstcw", "fnstsw"};
    if (!(row->attributes & A_FPU)) /* the destination comes first */
        return row->operands[0] && strchr("EMQW", row->operands[0]);
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        if (!strcmp(row->mnemonic, stores[i]))
            return true;
    return false;
}

static bool is_unaligned(const struct insn_row *row)
{
    static const char *const names[] = {"movups", "movupd", "movdqu", "lddqu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(row->mnemonic, names[i]))
            return true;
    return false;
}

/* Of the memory operand, in bytes; 0: there is none whose size is known. Never less than what the
 * host's instruction or the exec function accesses. */
static unsigned memory_size(const struct insn_row *row)
{
    const char *letters = strpbrk(row->operands, "EMQW");
    if (!letters)
        return 0;
    if (letters[0] == 'Q') /* Qd: the exec function reads eight bytes */
        return 8;
    switch (letters[1]) {
    case 'w':
        return 2;
    case 'd':
        return 4;
    case 'q':
        return 8;
    case 't':
        return 10;
    case 'x':
        return 16;
    default:
        return 0;
    }
}

/* The general register that it writes, or IR_NONE. */
static unsigned general_destination(const struct lifter *l)
{
    if (l->row->operands[0] == 'G')
        return l->insn->reg;
    if (l->row->operands[0] == 'E' && !lift_is_memory(l))
        return l->insn->rm;
    return !strcmp(l->row->operands, "ax") ? IR_EAX : IR_NONE;
}

static enum ir_code code_of(const struct insn_row *row)
{
    if (row->flags_written)
        return IR_HOST_FLAGS;
    if (row->flags_read)
        return IR_HOST_IF;
    return strcmp(row->mnemonic, "fldcw") ? IR_HOST : IR_HOST_CONTROL;
}

/* FCMOVcc: DA and DB, by the ModRM digit. */
static uint8_t condition_of(const struct insn *insn)
{
    static const uint8_t conditions[4] = {0x2, 0x4, 0x6, 0xA};
    return conditions[insn->modrm >> 3 & 3] | (insn->opcode & 1);
}

static bool lift_host(struct lifter *l, unsigned unit)
{
    unsigned size = 4;
    need_unit(l, unit);
    if (lift_is_memory(l)) {
        size = memory_size(l->row);
        if (!size)
            return false;
        lift_address(l, size, is_store(l->row) ? MMU_WRITE : MMU_READ);
        l->ir->ops[l->ir->count - 1].aligned = size == 16 && !is_unaligned(l->row);
    }
    enum ir_code code = code_of(l->row);
    struct ir_op *op = lift_op(l, code, 4, general_destination(l), IR_NONE);
    if (code == IR_HOST_IF)
        op->cond = condition_of(l->insn);
    if (code == IR_HOST_CONTROL) /* it may unmask exceptions */
        l->units &= ~(unsigned)UNIT_FPU;
    return true;
}

static bool lift_host_fpu(struct lifter *l, enum ir_code code)
{
    return lift_host(l, UNIT_FPU);
}

static bool lift_host_sse(struct lifter *l, enum ir_code code)
{
    return lift_host(l, UNIT_SSE);
}

/* With the FPU loaded there is nothing to wait for. */
static bool lift_wait(struct lifter *l, enum ir_code code)
{
    if (!units_available())
        return false;
    need_unit(l, UNIT_FPU);
    return true;
}

static bool lift_movnti(struct lifter *l, enum ir_code code)
{
    lift_address(l, 4, MMU_WRITE);
    lift_op(l, IR_MOV, 4, IR_MEMORY, l->insn->reg);
    return true;
}

lift_function *lift_find_unit(const struct insn_row *row)
{
    static const struct {
        const char *mnemonic;
        lift_function *function;
    } others[] = {
        {"wait",        lift_wait  },
        {"movnti",      lift_movnti},
        {"lfence",      lift_nop   },
        {"mfence",      lift_nop   },
        {"sfence",      lift_nop   },
        {"prefetchnta", lift_nop   },
        {"prefetcht0",  lift_nop   },
        {"prefetcht1",  lift_nop   },
        {"prefetcht2",  lift_nop   },
    };
    unsigned unit = units_of_host_row(row);
    if (unit)
        return unit == UNIT_FPU ? lift_host_fpu : lift_host_sse;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!strcmp(row->mnemonic, others[i].mnemonic))
            return others[i].function;
    return NULL;
}
