/* cpu_poke: registers by name, for scripts that prepare a conformance image. */
#include "cpu/cpu.h"

#include "cpu/model.h"
#include "cpu/segment.h"

#include <stddef.h>

/* A register that is stored as it is given. */
struct plain_register {
    const char *name;
    uint16_t offset;
    uint8_t size; /* bytes */
};
#define PLAIN(name, member)                                                                        \
    {                                                                                              \
        name, offsetof(struct cpu, member), FIELD_SIZEOF(struct cpu, member)                       \
    }

static const struct plain_register plain[] = {
    PLAIN("eax", gpr[REG_EAX]),
    PLAIN("ecx", gpr[REG_ECX]),
    PLAIN("edx", gpr[REG_EDX]),
    PLAIN("ebx", gpr[REG_EBX]),
    PLAIN("esp", gpr[REG_ESP]),
    PLAIN("ebp", gpr[REG_EBP]),
    PLAIN("esi", gpr[REG_ESI]),
    PLAIN("edi", gpr[REG_EDI]),
    PLAIN("eip", eip),
    PLAIN("cr2", cr2),
    PLAIN("cr3", cr3),
    PLAIN("dr0", dr[0]),
    PLAIN("dr1", dr[1]),
    PLAIN("dr2", dr[2]),
    PLAIN("dr3", dr[3]),
    PLAIN("dr6", dr[6]),
    PLAIN("dr7", dr[7]),
    PLAIN("gdtr.base", gdtr_base),
    PLAIN("gdtr.limit", gdtr_limit),
    PLAIN("idtr.base", idtr_base),
    PLAIN("idtr.limit", idtr_limit),
    PLAIN("mxcsr", mxcsr),
    PLAIN("fcw", fpu.control),
    PLAIN("fsw", fpu.status),
    PLAIN("sysenter_cs", sysenter_cs),
    PLAIN("sysenter_esp", sysenter_esp),
    PLAIN("sysenter_eip", sysenter_eip),
};

static bool poke_plain(struct cpu *cpu, const char *name, uint64_t value)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(plain); i++) {
        if (strcmp(plain[i].name, name) != 0)
            continue;
        if (plain[i].size < 8 && value >> (plain[i].size * 8))
            return false;
        memcpy((char *)cpu + plain[i].offset, &value, plain[i].size);
        return true;
    }
    return false;
}

/* The selector; in real and V86 mode with the base that belongs to it. */
static bool poke_segment(struct cpu *cpu, const char *name, uint64_t value)
{
    static const char *const names[SEG_COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        if (value > 0xFFFF)
            return false;
        struct segment segment = cpu->seg[i];
        segment.selector = (uint16_t)value;
        if (cpu_is_8086(cpu))
            segment = segment_from_real(cpu, i, (uint16_t)value);
        segment_set(cpu, i, &segment);
        return true;
    }
    return false;
}

/* Registers whose value must pass the checks of the instruction that loads them. */
static bool poke_checked(struct cpu *cpu, const char *name, uint64_t value)
{
    if (value >> 32)
        return false;
    if (strcmp(name, "cr0") == 0)
        return cpu_write_cr0(cpu, (uint32_t)value) == EXEC_OK;
    if (strcmp(name, "cr4") == 0)
        return cpu_write_cr4(cpu, (uint32_t)value) == EXEC_OK;
    if (strcmp(name, "eflags") == 0) {
        cpu_set_eflags(cpu, (uint32_t)value);
        return true;
    }
    return false;
}

/* "st0" to "st7", "mm0" to "mm7": the significand; of st also an exponent that makes the value the
 * integer with that significand. */
static bool poke_fpu(struct cpu *cpu, const char *name, uint64_t value)
{
    bool is_mmx = strncmp(name, "mm", 2) == 0;
    if ((!is_mmx && strncmp(name, "st", 2) != 0) || name[2] < '0' || name[2] > '7' || name[3])
        return false;
    unsigned top = is_mmx ? 0 : cpu->fpu.status >> 11 & 7;
    unsigned index = (top + (unsigned)(name[2] - '0')) & 7;
    struct float80 *reg = &cpu->fpu.reg[index];
    if (is_mmx) {
        *reg = (struct float80){value, 0xFFFF};
    } else if (value == 0) {
        *reg = (struct float80){0};
    } else {
        unsigned shift = (unsigned)__builtin_clzll(value);
        *reg = (struct float80){value << shift, (uint16_t)(0x3FFF + 63 - shift)};
    }
    cpu->fpu.empty &= (uint8_t) ~(1u << index);
    return true;
}

bool cpu_poke(struct cpu *cpu, const char *name, uint64_t value)
{
    bool done = poke_plain(cpu, name, value) || poke_segment(cpu, name, value) ||
                poke_checked(cpu, name, value) || poke_fpu(cpu, name, value);
    if (done)
        cpu_sync(cpu);
    return done;
}
