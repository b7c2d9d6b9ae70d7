/* See jit/ir.h. */
#include "jit/ir.h"

#include "cpu/names.h"

const struct ir_flags ir_flags_by_code[IR_CODE_COUNT] = {
#define IR_CODE(name, written, undefined, read) {written, undefined, read},
#include "jit/ir_codes.def"
#undef IR_CODE
};

uint16_t ir_condition_flags(unsigned cond)
{
    static const uint16_t flags[8] = {F_O, F_C, F_Z,       F_C | F_Z,
                                      F_S, F_P, F_S | F_O, F_Z | F_S | F_O};
    return flags[cond >> 1];
}

bool ir_moves_register(const struct ir_op *op, int32_t *by)
{
    if (op->size != 4 || op->dst > IR_EDI)
        return false;
    *by = (int32_t)op->imm;
    switch (op->code) {
    case IR_LEA:
        return op->dst == op->base && op->index == REG_ZERO && !op->address16;
    case IR_ADD:
        return op->src == IR_IMMEDIATE;
    case IR_SUB:
        *by = (int32_t)-op->imm;
        return op->src == IR_IMMEDIATE;
    case IR_INC:
        *by = 1;
        return true;
    case IR_DEC:
        *by = -1;
        return true;
    default:
        return false;
    }
}

static unsigned register_bit(unsigned size, unsigned value)
{
    if (value >= IR_T0)
        return 0;
    return 1u << (size == 1 ? value & 3 : value);
}

unsigned ir_registers_written(const struct ir_op *op)
{
    const unsigned eax = 1 << IR_EAX, edx = 1 << IR_EDX;
    switch ((enum ir_code)op->code) {
    case IR_CMP:
    case IR_TEST:
    case IR_BT:
        return 0;
    case IR_XCHG:
    case IR_XADD:
        return register_bit(op->size, op->dst) | register_bit(op->size, op->src);
    case IR_CMPXCHG:
        return register_bit(op->size, op->dst) | eax;
    case IR_MULX:
    case IR_IMULX:
    case IR_DIV:
    case IR_IDIV:
    case IR_TSC:
    case IR_CDQ:
    case IR_CBW:
    case IR_CMPXCHG8:
        return eax | edx;
    case IR_EXEC:
    case IR_EXEC_END:
        return 0xFF;
    default:
        return register_bit(op->size, op->dst);
    }
}

/* --- printing --- */

static const char *const code_names[IR_CODE_COUNT] = {
#define IR_CODE(name, written, undefined, read) #name,
#include "jit/ir_codes.def"
#undef IR_CODE
};

static const char *const names[3][8] = {
    {"al",  "cl",  "dl",  "bl",  "ah",  "ch",  "dh",  "bh" },
    {"ax",  "cx",  "dx",  "bx",  "sp",  "bp",  "si",  "di" },
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"},
};

static void print_value(const struct ir_op *op, unsigned value, FILE *stream)
{
    switch (value) {
    case IR_T0:
        fprintf(stream, " t0");
        break;
    case IR_MEMORY:
        fprintf(stream, " [.]");
        break;
    case IR_IMMEDIATE:
        fprintf(stream, " %#x", op->imm);
        break;
    case IR_NEXT:
        fprintf(stream, " eip%+d", (int)op->imm);
        break;
    case IR_LIVE:
        fprintf(stream, " live");
        break;
    case IR_NONE:
        break;
    default:
        fprintf(stream, " %s", names[op->size >> 1][value]);
    }
}

static void print_address(const struct ir_op *op, FILE *stream)
{
    if (op->code == IR_ADDRESS)
        fprintf(stream, " %s %s:", op->access == MMU_WRITE ? "write" : "read",
                cpu_segment_names[op->segment]);
    fprintf(stream, " [");
    if (op->base != REG_ZERO)
        fprintf(stream, "%s+", names[2][op->base]);
    if (op->index != REG_ZERO)
        fprintf(stream, "%s*%u+", names[2][op->index], 1u << op->scale);
    fprintf(stream, op->patched ? "live]" : "%#x]", op->imm);
}

static void print_flags(unsigned flags, FILE *stream)
{
    static const struct {
        uint16_t flag;
        char letter;
    } letters[] = {
        {F_O, 'O'},
        {F_S, 'S'},
        {F_Z, 'Z'},
        {F_A, 'A'},
        {F_P, 'P'},
        {F_C, 'C'}
    };
    for (unsigned i = 0; i < 6; i++)
        if (flags & letters[i].flag)
            fputc(letters[i].letter, stream);
}

static void print_op(const struct ir_op *op, FILE *stream)
{
    fprintf(stream, "  %2u  %s.%u", op->insn, code_names[op->code], op->size * 8);
    if (op->code == IR_SETCC || op->code == IR_CMOV || op->code == IR_JCC || op->code == IR_EXIT)
        fprintf(stream, " %x", op->cond);
    print_value(op, op->dst, stream);
    print_value(op, op->src, stream);
    if (op->code == IR_ADDRESS || op->code == IR_LEA)
        print_address(op, stream);
    else if (op->src != IR_IMMEDIATE && op->src != IR_NEXT && op->imm)
        fprintf(stream, " %+d", (int)op->imm);
    if (op->live) {
        fprintf(stream, "  ; live ");
        print_flags(op->live, stream);
    }
    fputc('\n', stream);
}

void ir_print(const struct ir *ir, FILE *stream)
{
    for (unsigned i = 0; i < ir->count; i++)
        print_op(&ir->ops[i], stream);
}
