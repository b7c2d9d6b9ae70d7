#include "tests/insn/operand_text.h"

#include "base/bits.h"

#include <stdio.h>

static const char *const names8[] = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
static const char *const names16[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
static const char *const names32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const names_mmx[] = {"mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7"};
static const char *const names_xmm[] = {"xmm0", "xmm1", "xmm2", "xmm3",
                                        "xmm4", "xmm5", "xmm6", "xmm7"};
static const char *const names_cr[] = {"cr0", "cr1", "cr2", "cr3", "cr4", "cr5", "cr6", "cr7"};
static const char *const names_dr[] = {"dr0", "dr1", "dr2", "dr3", "dr4", "dr5", "dr6", "dr7"};
static const char *const names_tr[] = {"tr0", "tr1", "tr2", "tr3", "tr4", "tr5", "tr6", "tr7"};
static const char *const names_st[] = {"st(0)", "st(1)", "st(2)", "st(3)",
                                       "st(4)", "st(5)", "st(6)", "st(7)"};
static const char *const names_segment[] = {"es", "cs", "ss", "ds", "fs", "gs", "?", "?"};

static const char *gpr_name(unsigned number, unsigned size)
{
    return (size == 1 ? names8 : size == 2 ? names16 : names32)[number & 7];
}

/* Bytes that the second letter of an operand stands for. */
static unsigned size_of(char letter, unsigned operand_size)
{
    switch (letter) {
    case 'b':
        return 1;
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
    case 's':
        return 6;
    case 'p':
        return operand_size + 2;
    case 'a':
        return 2 * operand_size;
    case 'v':
    case 'z':
        return operand_size;
    default:
        return 0;
    }
}

static struct operand a_register(const char *name)
{
    return (struct operand){.kind = OPERAND_REGISTER, .name = name};
}

static struct operand an_immediate(uint32_t value, uint32_t mask)
{
    return (struct operand){.kind = OPERAND_IMMEDIATE, .value = value, .value_mask = mask};
}

static struct operand memory(const struct insn *insn, unsigned size)
{
    bool wide = insn->flags & INSN_ADDRESS32;
    const char *const *names = wide ? names32 : names16;
    unsigned base = insn->base, index = insn->index;
    if (!wide && base == REG_ZERO) { /* [si] and [di] */
        base = index;
        index = REG_ZERO;
    }
    return (struct operand){
        .kind = OPERAND_MEMORY,
        .size = size,
        .segment = insn->flags & INSN_SEGMENT ? names_segment[insn->segment] : NULL,
        .base = base == REG_ZERO ? NULL : names[base],
        .index = index == REG_ZERO ? NULL : names[index],
        .scale = 1u << insn->scale,
        .value = insn->displacement,
        .value_mask = wide ? UINT32_MAX : 0xFFFF,
    };
}

/* X and Y: DS:[eSI] with overrides, ES:[eDI] without. */
static struct operand string_memory(const struct insn *insn, bool destination, unsigned size)
{
    const char *const *names = insn->flags & INSN_ADDRESS32 ? names32 : names16;
    return (struct operand){
        .kind = OPERAND_MEMORY,
        .size = size,
        .segment = destination                  ? "es"
                   : insn->flags & INSN_SEGMENT ? names_segment[insn->segment]
                                                : NULL,
        .base = names[destination ? REG_EDI : REG_ESI],
        .scale = 1,
        .value_mask = UINT32_MAX,
    };
}

static struct operand register_or_memory(const struct insn *insn, const char *name, unsigned size)
{
    return insn->flags & INSN_MEMORY ? memory(insn, size) : a_register(name);
}

static uint32_t mask_of(unsigned size)
{
    return size == 1 ? 0xFF : size == 2 ? 0xFFFF : UINT32_MAX;
}

/* Lower-case letters are fixed registers and constants. */
static struct operand fixed(const char *text, size_t length, const struct insn *insn,
                            unsigned operand_size)
{
    static const char *const plain[] = {"al", "cl", "dx", "ax", "es", "cs", "ss", "ds", "fs", "gs"};
    if (length == 3 && memcmp(text, "eAX", 3) == 0)
        return a_register(gpr_name(REG_EAX, operand_size));
    if (length == 3 && memcmp(text, "st0", 3) == 0)
        return a_register(names_st[0]);
    if (length == 3 && memcmp(text, "sti", 3) == 0)
        return a_register(names_st[insn->modrm & 7]);
    for (size_t i = 0; i < ARRAY_LENGTH(plain); i++)
        if (length == strlen(plain[i]) && memcmp(text, plain[i], length) == 0)
            return a_register(plain[i]);
    return an_immediate((uint32_t)(text[0] - '0'), UINT32_MAX);
}

static struct operand immediate(const char *text, size_t length, const struct insn *insn,
                                bool second, unsigned operand_size)
{
    if (second)
        return an_immediate(insn->immediate2, 0xFF);
    if (length == 3) /* sign-extended to the operand size */
        return an_immediate(insn->immediate, mask_of(operand_size));
    return an_immediate(insn->immediate, mask_of(size_of(text[1], operand_size)));
}

static struct operand one_operand(const char *text, size_t length, const struct insn *insn,
                                  bool second_immediate)
{
    unsigned operand_size = insn->flags & INSN_OPERAND32 ? 4 : 2;
    unsigned size = size_of(length > 1 ? text[1] : 0, operand_size);
    switch (text[0]) {
    case 'E':
        return register_or_memory(insn, gpr_name(insn->rm, size), size);
    case 'G':
        return a_register(gpr_name(insn->reg, size));
    case 'M':
        return memory(insn, size);
    case 'S':
        return a_register(names_segment[insn->reg]);
    case 'C':
        return a_register(names_cr[insn->reg]);
    case 'D':
        return a_register(names_dr[insn->reg]);
    case 'T':
        return a_register(names_tr[insn->reg]);
    case 'R':
        return a_register(names32[insn->rm]);
    case 'P':
        return a_register(names_mmx[insn->reg]);
    case 'Q':
    case 'N':
        return register_or_memory(insn, names_mmx[insn->rm], size);
    case 'V':
        return a_register(names_xmm[insn->reg]);
    case 'W':
    case 'U':
        return register_or_memory(insn, names_xmm[insn->rm], size);
    case 'Z':
        return a_register(gpr_name(insn->reg, size));
    case 'O': {
        struct operand operand = memory(insn, size);
        operand.base = operand.index = NULL;
        return operand;
    }
    case 'X':
    case 'Y':
        return string_memory(insn, text[0] == 'Y', size);
    case 'J':
        return (struct operand){
            .kind = OPERAND_TARGET, .value = insn->immediate, .value_mask = mask_of(operand_size)};
    case 'I':
        return immediate(text, length, insn, second_immediate, operand_size);
    default:
        return fixed(text, length, insn, operand_size);
    }
}

unsigned operands_of(const struct insn *insn, struct operand operands[OPERANDS_MAX])
{
    unsigned count = 0;
    bool had_immediate = false;
    for (const char *p = insn_row(insn->row)->operands; *p;) {
        size_t length = strcspn(p, ",");
        if (*p == 'O') /* an operand of its own size: Ob is al's, Ov is eAX's */
            operands[count++] = one_operand(p, length, insn, false);
        else if (*p == 'A') { /* selector and offset */
            operands[count++] = an_immediate(insn->immediate2, 0xFFFF);
            operands[count++] =
                an_immediate(insn->immediate, insn->flags & INSN_OPERAND32 ? UINT32_MAX : 0xFFFF);
        } else
            operands[count++] = one_operand(p, length, insn, had_immediate);
        had_immediate |= *p == 'I';
        p += length + (p[length] == ',');
    }
    return count;
}

static size_t one_text(const struct operand *operand, char *text, size_t size)
{
    if (operand->kind == OPERAND_REGISTER)
        return (size_t)snprintf(text, size, "%s", operand->name);
    if (operand->kind == OPERAND_TARGET)
        return (size_t)snprintf(text, size, "next%+d", (int)operand->value);
    if (operand->kind == OPERAND_IMMEDIATE)
        return (size_t)snprintf(text, size, "%#x", operand->value & operand->value_mask);
    return (size_t)snprintf(
        text, size, "%u:%s[%s+%s*%u+%#x]", operand->size, operand->segment ? operand->segment : "",
        operand->base ? operand->base : "", operand->index ? operand->index : "", operand->scale,
        operand->value & operand->value_mask);
}

void operands_text(const struct operand *operands, unsigned count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; i < count && used < size; i++) {
        if (i)
            used += (size_t)snprintf(text + used, size - used, ", ");
        if (used < size)
            used += one_text(&operands[i], text + used, size - used);
    }
}
