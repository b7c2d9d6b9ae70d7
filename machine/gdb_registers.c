/* The gdb stub: registers, in the order of the target description.
 *
 * gdb takes $pc for a linear address. So the register eip is the linear address of the next
 * instruction, CS's base included, which is the offset itself wherever segments are flat; the
 * offset is in ip_offset. All other registers are as the guest has them. */
#include "base/bits.h"
#include "cpu/fpu.h"
#include "machine/gdb_private.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { REGISTER_BYTES = 16 };

enum how {
    HOW_MEMBER,    /* what stands in struct cpu; gdb's register may be wider */
    HOW_LINEAR_IP, /* CS's base + EIP */
    HOW_LINEAR_SP, /* SS's base + ESP or SP */
    HOW_FLAGS,
    HOW_ST,   /* of the stack of registers; number: which */
    HOW_TAGS, /* the full tag word */
    HOW_XMM,
};

struct row {
    struct gdb_register shown;
    const char *poke; /* as cpu_poke takes it; NULL: cannot be changed */
    uint16_t offset;  /* HOW_MEMBER */
    uint8_t size;     /* of the member, in bytes */
    uint8_t how, number;
};

#define MEMBER(shown, type, feature, bits, poke, member)                                           \
    {                                                                                              \
        {shown, type, feature, bits}, poke, offsetof(struct cpu, member),                          \
            FIELD_SIZEOF(struct cpu, member), HOW_MEMBER, 0                                        \
    }
#define SPECIAL(shown, type, feature, bits, poke, how, number)                                     \
    {                                                                                              \
        {shown, type, feature, bits}, poke, 0, 0, how, number                                      \
    }
#define CORE(name, type, member)   MEMBER(name, type, FEATURE_CORE, 32, name, member)
#define SELECTOR(name, i)          MEMBER(name, "int32", FEATURE_CORE, 32, name, seg[i].selector)
#define ST(name, i)                SPECIAL(name, "i387_ext", FEATURE_CORE, 80, name, HOW_ST, i)
#define FPU(name, poke, member)    MEMBER(name, "int", FEATURE_CORE, 32, poke, fpu.member)
#define XMM(name, i)               SPECIAL(name, "vec128", FEATURE_SSE, 128, name, HOW_XMM, i)
#define SYSTEM(name, type, member) MEMBER(name, type, FEATURE_SYSTEM, 32, name, member)
#define BASE(name, i)              SYSTEM(name, "data_ptr", seg[i].base)

/* The first 41 are where gdb has them; the rest follows as it likes. */
static const struct row rows[] = {
    CORE("eax", "int32", gpr[REG_EAX]),
    CORE("ecx", "int32", gpr[REG_ECX]),
    CORE("edx", "int32", gpr[REG_EDX]),
    CORE("ebx", "int32", gpr[REG_EBX]),
    CORE("esp", "data_ptr", gpr[REG_ESP]),
    CORE("ebp", "data_ptr", gpr[REG_EBP]),
    CORE("esi", "int32", gpr[REG_ESI]),
    CORE("edi", "int32", gpr[REG_EDI]),
    SPECIAL("eip", "code_ptr", FEATURE_CORE, 32, "eip", HOW_LINEAR_IP, 0),
    SPECIAL("eflags", "i386_eflags", FEATURE_CORE, 32, "eflags", HOW_FLAGS, 0),
    SELECTOR("cs", SEG_CS),
    SELECTOR("ss", SEG_SS),
    SELECTOR("ds", SEG_DS),
    SELECTOR("es", SEG_ES),
    SELECTOR("fs", SEG_FS),
    SELECTOR("gs", SEG_GS),
    ST("st0", 0),
    ST("st1", 1),
    ST("st2", 2),
    ST("st3", 3),
    ST("st4", 4),
    ST("st5", 5),
    ST("st6", 6),
    ST("st7", 7),
    FPU("fctrl", "fcw", control),
    FPU("fstat", "fsw", status),
    SPECIAL("ftag", "int", FEATURE_CORE, 32, "ftw_empty", HOW_TAGS, 0),
    FPU("fiseg", "fcs", ip_selector),
    FPU("fioff", "fip", ip_offset),
    FPU("foseg", "fds", data_selector),
    FPU("fooff", "fdp", data_offset),
    FPU("fop", "fop", opcode),
    XMM("xmm0", 0),
    XMM("xmm1", 1),
    XMM("xmm2", 2),
    XMM("xmm3", 3),
    XMM("xmm4", 4),
    XMM("xmm5", 5),
    XMM("xmm6", 6),
    XMM("xmm7", 7),
    MEMBER("mxcsr", "i386_mxcsr", FEATURE_SSE, 32, "mxcsr", mxcsr),
    BASE("es_base", SEG_ES),
    BASE("cs_base", SEG_CS),
    BASE("ss_base", SEG_SS),
    BASE("ds_base", SEG_DS),
    BASE("fs_base", SEG_FS),
    BASE("gs_base", SEG_GS),
    MEMBER("ip_offset", "uint32", FEATURE_SYSTEM, 32, "eip", eip),
    SPECIAL("linear_sp", "data_ptr", FEATURE_SYSTEM, 32, NULL, HOW_LINEAR_SP, 0),
    MEMBER("cpl", "uint32", FEATURE_SYSTEM, 32, NULL, cpl),
    SYSTEM("cr0", "i386_cr0", cr0),
    SYSTEM("cr2", "data_ptr", cr2),
    SYSTEM("cr3", "uint32", cr3),
    SYSTEM("cr4", "i386_cr4", cr4),
    MEMBER("efer", "i386_efer", FEATURE_SYSTEM, 64, "efer", efer),
    SYSTEM("gdtr_base", "data_ptr", gdtr_base),
    SYSTEM("gdtr_limit", "uint32", gdtr_limit),
    SYSTEM("idtr_base", "data_ptr", idtr_base),
    SYSTEM("idtr_limit", "uint32", idtr_limit),
    SYSTEM("ldtr", "uint32", ldtr.selector),
    SYSTEM("ldtr_base", "data_ptr", ldtr.base),
    SYSTEM("tr", "uint32", tr.selector),
    SYSTEM("tr_base", "data_ptr", tr.base),
    SYSTEM("dr0", "data_ptr", dr[0]),
    SYSTEM("dr1", "data_ptr", dr[1]),
    SYSTEM("dr2", "data_ptr", dr[2]),
    SYSTEM("dr3", "data_ptr", dr[3]),
    SYSTEM("dr6", "uint32", dr[6]),
    SYSTEM("dr7", "uint32", dr[7]),
};
enum { REGISTERS = ARRAY_LENGTH(rows), REGISTER_IP = 8 };

const struct gdb_register *gdb_register(unsigned number)
{
    return number < REGISTERS ? &rows[number].shown : NULL;
}

uint32_t gdb_pc(const struct gdb *gdb)
{
    return gdb->machine->cpu->seg[SEG_CS].base + gdb->machine->cpu->eip;
}

/* --- looking --- */

static void get_st(const struct cpu *cpu, unsigned i, uint8_t *bytes)
{
    const struct float80 *reg = &cpu->fpu.reg[fpu_index(cpu, i)];
    memcpy(bytes, &reg->significand, 8);
    memcpy(bytes + 8, &reg->sign_exponent, 2);
}

static uint32_t special_value(const struct gdb *gdb, const struct row *row)
{
    const struct cpu *cpu = gdb->machine->cpu;
    switch (row->how) {
    case HOW_LINEAR_IP:
        return gdb_pc(gdb);
    case HOW_LINEAR_SP:
        return cpu->seg[SEG_SS].base + (cpu->gpr[REG_ESP] & cpu->stack_mask);
    case HOW_FLAGS:
        return cpu_get_eflags(cpu);
    default:
        return fpu_tag_word(&cpu->fpu);
    }
}

/* Little-endian, REGISTER_BYTES, zeros behind. */
static void get(const struct gdb *gdb, const struct row *row, uint8_t *bytes)
{
    const struct cpu *cpu = gdb->machine->cpu;
    memset(bytes, 0, REGISTER_BYTES);
    if (row->how == HOW_MEMBER) {
        memcpy(bytes, (const char *)cpu + row->offset, row->size);
    } else if (row->how == HOW_ST) {
        get_st(cpu, row->number, bytes);
    } else if (row->how == HOW_XMM) {
        memcpy(bytes, &cpu->xmm[row->number], 16);
    } else {
        store_le32(bytes, special_value(gdb, row));
    }
}

static void put(struct gdb *gdb, const struct row *row)
{
    uint8_t bytes[REGISTER_BYTES];
    get(gdb, row, bytes);
    gdb_put_bytes(gdb, bytes, row->shown.bits / 8);
}

void gdb_read_registers(struct gdb *gdb)
{
    for (unsigned i = 0; i < REGISTERS; i++)
        put(gdb, &rows[i]);
    gdb_send(gdb);
}

void gdb_read_register(struct gdb *gdb, struct gdb_text *text)
{
    uint64_t number;
    if (!gdb_take_hex(text, &number) || number >= REGISTERS) {
        gdb_send_error(gdb, EINVAL);
        return;
    }
    put(gdb, &rows[number]);
    gdb_send(gdb);
}

/* --- changing --- */

/* Bit per register that is empty, from the full tag word. */
static uint64_t empty_registers(uint64_t tags)
{
    uint64_t empty = 0;
    for (unsigned i = 0; i < 8; i++)
        empty |= (uint64_t)((tags >> (2 * i) & 3) == 3) << i;
    return empty;
}

static bool set(struct gdb *gdb, const struct row *row, const uint8_t *bytes)
{
    struct poke_value value = {0};
    uint8_t now[REGISTER_BYTES];
    get(gdb, row, now);
    /* gdb writes all registers to change one; loading a selector anew may change its descriptor. */
    if (memcmp(now, bytes, REGISTER_BYTES) == 0)
        return true;
    if (!row->poke)
        return false;
    memcpy(&value.low, bytes, 8);
    memcpy(&value.high, bytes + 8, 8);
    if (row->how == HOW_ST)
        value.digits = 20;
    else if (row->how == HOW_LINEAR_IP)
        value.low = (uint32_t)(value.low - gdb->machine->cpu->seg[SEG_CS].base);
    else if (row->how == HOW_TAGS)
        value.low = empty_registers(value.low);
    return gdb_leave_past(gdb) && machine_poke(gdb->machine, row->poke, &value);
}

static bool take_value(struct gdb_text *text, const struct row *row, uint8_t *bytes)
{
    memset(bytes, 0, REGISTER_BYTES);
    for (unsigned i = 0; i < row->shown.bits / 8u; i++) {
        if (!gdb_take_byte(text, &bytes[i]))
            return false;
    }
    return true;
}

void gdb_write_register(struct gdb *gdb, struct gdb_text *text)
{
    uint8_t bytes[REGISTER_BYTES];
    uint64_t number;
    bool ok = gdb_take_hex(text, &number) && number < REGISTERS && gdb_take_char(text, '=') &&
              take_value(text, &rows[number], bytes) && set(gdb, &rows[number], bytes);
    if (ok)
        gdb_send_text(gdb, "OK");
    else
        gdb_send_no_change(gdb, EINVAL);
}

void gdb_write_registers(struct gdb *gdb, struct gdb_text *text)
{
    uint8_t bytes[REGISTERS][REGISTER_BYTES];
    bool ok = true;
    for (unsigned i = 0; i < REGISTERS && ok; i++)
        ok = take_value(text, &rows[i], bytes[i]);
    for (unsigned i = 0; i < REGISTERS && ok; i++)
        ok = set(gdb, &rows[i], bytes[i]);
    if (ok)
        gdb_send_text(gdb, "OK");
    else
        gdb_send_no_change(gdb, EINVAL);
}

bool gdb_set_pc(struct gdb *gdb, uint32_t linear)
{
    uint8_t bytes[REGISTER_BYTES] = {0};
    store_le32(bytes, linear);
    return set(gdb, &rows[REGISTER_IP], bytes);
}
