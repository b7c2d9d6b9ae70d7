/* See jit/lift.h. */
#include "jit/lift.h"

#include "base/memory.h"
#include "jit/lift_private.h"
#include "jit/units.h"

#include <string.h>

/* Rows by mnemonic; the operands are taken from the row. */
static const struct lift {
    const char *mnemonic;
    lift_function *function;
    enum ir_code code;
} table[] = {
    {"add",         lift_arithmetic,        IR_ADD      },
    {"or",          lift_arithmetic,        IR_OR       },
    {"adc",         lift_arithmetic,        IR_ADC      },
    {"sbb",         lift_arithmetic,        IR_SBB      },
    {"and",         lift_arithmetic,        IR_AND      },
    {"sub",         lift_arithmetic,        IR_SUB      },
    {"xor",         lift_arithmetic,        IR_XOR      },
    {"cmp",         lift_compare,           IR_CMP      },
    {"test",        lift_compare,           IR_TEST     },
    {"inc",         lift_unary,             IR_INC      },
    {"dec",         lift_unary,             IR_DEC      },
    {"neg",         lift_unary,             IR_NEG      },
    {"not",         lift_unary,             IR_NOT      },
    {"rol",         lift_shift,             IR_ROL      },
    {"ror",         lift_shift,             IR_ROR      },
    {"rcl",         lift_shift,             IR_RCL      },
    {"rcr",         lift_shift,             IR_RCR      },
    {"shl",         lift_shift,             IR_SHL      },
    {"shr",         lift_shift,             IR_SHR      },
    {"sar",         lift_shift,             IR_SAR      },
    {"shld",        lift_double_shift,      IR_SHLD     },
    {"shrd",        lift_double_shift,      IR_SHRD     },
    {"mov",         lift_move,              IR_MOV      },
    {"movzx",       lift_extend,            IR_MOVZX    },
    {"movsx",       lift_extend,            IR_MOVSX    },
    {"lea",         lift_lea,               IR_LEA      },
    {"imul",        lift_multiply,          IR_IMUL     },
    {"mul",         lift_multiply_wide,     IR_MULX     },
    {"bt",          lift_bit,               IR_BT       },
    {"bts",         lift_bit,               IR_BTS      },
    {"btr",         lift_bit,               IR_BTR      },
    {"btc",         lift_bit,               IR_BTC      },
    {"xchg",        lift_exchange,          IR_XCHG     },
    {"bswap",       lift_bswap,             IR_BSWAP    },
    {"cwd",         lift_convert,           IR_CDQ      },
    {"cbw",         lift_convert,           IR_CBW      },
    {"nop",         lift_nop,               IR_MOV      },
    {"pause",       lift_nop,               IR_MOV      },
    {"prefetchnta", lift_nop,               IR_MOV      },
    {"prefetcht0",  lift_nop,               IR_MOV      },
    {"prefetcht1",  lift_nop,               IR_MOV      },
    {"prefetcht2",  lift_nop,               IR_MOV      },
    {"prefetchw",   lift_nop,               IR_MOV      },
    {"push",        lift_push,              IR_MOV      },
    {"pop",         lift_pop,               IR_MOV      },
    {"leave",       lift_leave,             IR_MOV      },
    {"jmp",         lift_jump,              IR_JUMP     },
    {"call",        lift_call,              IR_JUMP     },
    {"loop",        lift_loop,              IR_JECXZ    },
    {"jcxz",        lift_jecxz,             IR_JECXZ    },
    {"lods",        lift_lods,              IR_MOV      },
    {"stos",        lift_stos,              IR_MOV      },
    {"movs",        lift_movs,              IR_MOV      },
    {"scas",        lift_scas,              IR_CMP      },
    {"div",         lift_divide,            IR_DIV      },
    {"idiv",        lift_divide,            IR_IDIV     },
    {"bsf",         lift_scan,              IR_BSF      },
    {"bsr",         lift_scan,              IR_BSR      },
    {"cmpxchg",     lift_exchange_add,      IR_CMPXCHG  },
    {"cmpxchg8b",   lift_compare_exchange8, IR_CMPXCHG8 },
    {"xadd",        lift_exchange_add,      IR_XADD     },
    {"clc",         lift_carry,             IR_CLC      },
    {"stc",         lift_carry,             IR_STC      },
    {"cmc",         lift_carry,             IR_CMC      },
    {"cld",         lift_direction,         IR_DIRECTION},
    {"std",         lift_direction,         IR_DIRECTION},
    {"ret",         lift_ret,               IR_JUMP_TO  },
};

/* The same for rows that are sensitive: operations that check everything themselves. */
static const struct lift sensitive[] = {
    {"rdtsc", lift_time_stamp, IR_TSC        },
    {"cli",   lift_cli,        IR_CLI        },
    {"sti",   lift_sti,        IR_STI        },
    {"pushf", lift_pushf,      IR_FLAGS_IMAGE},
    {"popf",  lift_popf,       IR_FLAGS_LOAD },
    {"mov",   lift_selector,   IR_SELECTOR   },
    {"push",  lift_selector,   IR_SELECTOR   },
};

struct lifts {
    unsigned count;
    struct lift *rows;
};

static bool is_conditional(const struct insn_row *row, unsigned first)
{
    return (row->opcode & 0xF0) == first;
}

static struct lift find_in(const struct lift *lifts, size_t count, const char *mnemonic)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(mnemonic, lifts[i].mnemonic))
            return lifts[i];
    return (struct lift){0};
}

static struct lift find(const struct insn_row *row)
{
    if (row->map == MAP_0F && is_conditional(row, 0x90))
        return (struct lift){NULL, lift_set, IR_SETCC};
    if (row->map == MAP_0F && is_conditional(row, 0x40) && row->prefix == P_ANY)
        return (struct lift){NULL, lift_cmov, IR_CMOV};
    if ((row->map == MAP_0F && is_conditional(row, 0x80)) ||
        (row->map == MAP_1 && is_conditional(row, 0x70)))
        return (struct lift){NULL, lift_jcc, IR_JCC};
    if (lift_find_unit(row))
        return (struct lift){NULL, lift_find_unit(row), IR_MOV};
    if (row->attributes & (A_PROT | A_FPU | A_MMX | A_SSE))
        return (struct lift){0};
    if (row->class != INNOCUOUS)
        return find_in(sensitive, sizeof sensitive / sizeof sensitive[0], row->mnemonic);
    return find_in(table, sizeof table / sizeof table[0], row->mnemonic);
}

/* The 386 leaves undefined flags in its own way, which its exec functions know. */
static bool is_quirk_of_386(const struct insn_row *row, const struct lift *lift)
{
    return row->flags_undefined & FLAGS_ARITHMETIC || lift->function == lift_shift ||
           lift->function == lift_bit;
}

struct lifts *lifts_new(const struct cpu_model *model)
{
    struct lifts *lifts = mem_new(sizeof *lifts);
    lifts->count = insn_row_count();
    lifts->rows = mem_new(lifts->count * sizeof *lifts->rows);
    for (unsigned i = 0; i < lifts->count; i++) {
        lifts->rows[i] = find(insn_row(i));
        if (model->is_386 && is_quirk_of_386(insn_row(i), &lifts->rows[i]))
            lifts->rows[i] = (struct lift){0};
    }
    return lifts;
}

void lifts_free(struct lifts *lifts)
{
    if (!lifts)
        return;
    mem_free(lifts->rows);
    mem_free(lifts);
}

bool lifts_has(const struct lifts *lifts, unsigned row)
{
    return lifts->rows[row].function;
}

/* --- operations --- */

struct ir_op *lift_op(struct lifter *l, enum ir_code code, unsigned size, unsigned dst,
                      unsigned src)
{
    struct ir_op *op = &l->ir->ops[l->ir->count++];
    *op = (struct ir_op){
        .code = (uint8_t)code,
        .size = (uint8_t)size,
        .dst = (uint8_t)dst,
        .src = (uint8_t)src,
        .insn = (uint8_t)l->index,
        .base = REG_ZERO,
        .index = REG_ZERO,
    };
    if (src == IR_IMMEDIATE)
        op->imm = l->insn->immediate;
    return op;
}

void lift_address(struct lifter *l, unsigned size, enum mmu_access access)
{
    struct ir_op *op = lift_op(l, IR_ADDRESS, size, IR_NONE, IR_NONE);
    op->access = (uint8_t)access;
    op->segment = l->insn->segment;
    op->base = l->insn->base;
    op->index = l->insn->index;
    op->scale = l->insn->scale;
    op->imm = l->insn->displacement;
    op->address16 = !(l->insn->flags & INSN_ADDRESS32);
    /* Notes about x87 instructions compute the address again. */
    op->patched =
        l->ir->block->patched_displacements >> l->index & 1 && !(l->row->attributes & A_FPU);
    if (op->patched)
        l->ir->live_displacements |= 1u << l->index;
}

void lift_stack(struct lifter *l, unsigned size, int32_t offset, enum mmu_access access)
{
    struct ir_op *op = lift_op(l, IR_ADDRESS, size, IR_NONE, IR_NONE);
    op->access = (uint8_t)access;
    op->segment = SEG_SS;
    op->base = REG_ESP;
    op->imm = (uint32_t)offset;
}

void lift_move_stack(struct lifter *l, enum gpr base, int32_t offset)
{
    struct ir_op *op = lift_op(l, IR_LEA, 4, IR_ESP, IR_NONE);
    op->base = base;
    op->imm = (uint32_t)offset;
}

/* --- operands --- */

const char *lift_letters(const struct lifter *l, unsigned n)
{
    const char *letters = l->row->operands;
    while (n-- > 0) {
        letters = strchr(letters, ',');
        if (!letters)
            return NULL;
        letters++;
    }
    return letters;
}

unsigned lift_size(const struct lifter *l, const char *letters)
{
    unsigned word = lift_is_32(l) ? 4 : 2;
    if (!strncmp(letters, "eAX", 3))
        return word;
    if (!strncmp(letters, "al", 2) || !strncmp(letters, "cl", 2))
        return 1;
    if (letters[0] == 'I' || letters[0] == '1')
        return 0;
    switch (letters[1]) {
    case 'b':
        return 1;
    case 'w':
        return 2;
    case 'd':
        return 4;
    default:
        return word;
    }
}

unsigned lift_operand(struct lifter *l, const char *letters, unsigned size, enum mmu_access access)
{
    switch (letters[0]) {
    case 'G':
    case 'Z':
        return l->insn->reg;
    case 'I':
        return IR_IMMEDIATE;
    case 'O':
        break;
    case 'E':
        if (!lift_is_memory(l))
            return l->insn->rm;
        break;
    case 'c':
        return IR_ECX;
    default: /* al, eAX */
        return IR_EAX;
    }
    lift_address(l, size, access);
    return IR_MEMORY;
}

unsigned lift_immediate_beside(struct lifter *l)
{
    if (!lift_is_patched(l))
        return IR_IMMEDIATE;
    l->ir->live_immediates |= 1u << l->index;
    return IR_LIVE;
}

unsigned lift_immediate(struct lifter *l, unsigned size)
{
    if (lift_immediate_beside(l) == IR_IMMEDIATE)
        return IR_IMMEDIATE;
    lift_op(l, IR_MOV, size, IR_T0, IR_LIVE);
    return IR_T0;
}

unsigned lift_source(struct lifter *l, const char *letters, unsigned size)
{
    unsigned value = lift_operand(l, letters, size, MMU_READ);
    if (value != IR_MEMORY)
        return value;
    lift_op(l, IR_MOV, size, IR_T0, IR_MEMORY);
    return IR_T0;
}

unsigned lift_target(struct lifter *l, const char *letters, unsigned size)
{
    unsigned value = lift_operand(l, letters, size, MMU_WRITE);
    if (value != IR_MEMORY)
        return value;
    lift_op(l, IR_MOV, size, IR_T0, IR_MEMORY);
    return IR_T0;
}

void lift_store(struct lifter *l, unsigned target, unsigned size)
{
    if (target == IR_T0)
        lift_op(l, IR_MOV, size, IR_MEMORY, IR_T0);
}

/* --- blocks --- */

static void lift_exec(struct lifter *l, bool is_last)
{
    bool ends =
        l->insn->flags & INSN_JUMP || l->insn->row == INSN_ROW_NONE || l->row->attributes & A_END;
    lift_op(l, ends && is_last ? IR_EXEC_END : IR_EXEC, 4, IR_NONE, IR_NONE);
    l->units &= ~units_of_exec(l->row);
    l->ir->live_immediates |= 1u << l->index;
    l->ir->live_displacements |= 1u << l->index;
}

static bool ends_block(const struct ir *ir)
{
    unsigned code = ir->count ? ir->ops[ir->count - 1].code : IR_MOV;
    return code == IR_EXEC_END || code == IR_JCC || code == IR_JECXZ || code == IR_JUMP ||
           code == IR_JUMP_TO;
}

static bool lift_insn(const struct lifts *lifts, struct lifter *l)
{
    if (l->insn->row == INSN_ROW_NONE)
        return false;
    const struct lift *lift = &lifts->rows[l->insn->row];
    return lift->function && lift->function(l, lift->code);
}

void lift_block(const struct lifts *lifts, const struct block *block, uint32_t mode, struct ir *ir)
{
    struct lifter l = {.ir = ir, .mode = mode};
    ir->block = block;
    ir->count = 0;
    ir->live_immediates = ir->live_displacements = 0;
    for (l.index = 0; l.index < block->count; l.index++) {
        l.insn = &block->insns[l.index];
        l.row = l.insn->row == INSN_ROW_NONE ? NULL : insn_row(l.insn->row);
        unsigned before = ir->count, units_before = l.units;
        if (!lift_insn(lifts, &l)) {
            ir->count = before;
            l.units = units_before;
            lift_exec(&l, l.index + 1 == block->count);
        }
    }
    l.index = block->count - 1u;
    if (!ends_block(ir))
        lift_op(&l, IR_JUMP, 4, IR_NONE, IR_NONE)->imm = lift_next(&l);
}

void lift_spoil(struct ir *ir, const char *mnemonic)
{
    size_t length = strcspn(mnemonic, ",");
    for (unsigned i = 0; i < ir->count; i++) {
        struct ir_op *op = &ir->ops[i];
        unsigned row = ir->block->insns[op->insn].row;
        const char *name = row == INSN_ROW_NONE ? "" : insn_row(row)->mnemonic;
        if (op->dst <= IR_EDI && strlen(name) == length && !strncmp(name, mnemonic, length))
            op->dst ^= 1;
    }
}
