/* cpu_poke: registers by name, for scripts that prepare a conformance image. */
#include "cpu/debug.h"
#include "cpu/fpu.h"
#include "cpu/model.h"
#include "cpu/names.h"
#include "cpu/segment.h"

#include <stddef.h>

/* A register that takes whatever fits into it; ones and zeros are bits with a fixed value. */
struct plain_register {
    const char *name;
    uint16_t offset;
    uint8_t size; /* bytes */
    uint32_t ones, zeros;
};
#define FIXED(name, member, ones, zeros)                                                           \
    {                                                                                              \
        name, offsetof(struct cpu, member), FIELD_SIZEOF(struct cpu, member), ones, zeros          \
    }
#define PLAIN(name, member) FIXED(name, member, 0, 0)

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
    PLAIN("dr0", dr[0]),
    PLAIN("dr1", dr[1]),
    PLAIN("dr2", dr[2]),
    PLAIN("dr3", dr[3]),
    FIXED("dr6", dr[6], DR6_FIXED, ~(DR6_FIXED | DR6_BREAKPOINTS | DR6_BD | DR6_BS | DR6_BT)),
    FIXED("dr7", dr[7], DR7_FIXED, 0xD800),
    PLAIN("gdtr.base", gdtr_base),
    PLAIN("gdtr.limit", gdtr_limit),
    PLAIN("idtr.base", idtr_base),
    PLAIN("idtr.limit", idtr_limit),
    PLAIN("gdtr_base", gdtr_base),
    PLAIN("gdtr_limit", gdtr_limit),
    PLAIN("idtr_base", idtr_base),
    PLAIN("idtr_limit", idtr_limit),
    PLAIN("tsc_offset", tsc_offset),
    PLAIN("sysenter_cs", sysenter_cs),
    PLAIN("sysenter_esp", sysenter_esp),
    PLAIN("sysenter_eip", sysenter_eip),
    FIXED("fcw", fpu.control, FPU_CONTROL_FIXED,
          0xFFFFu & ~(uint32_t)(FPU_CONTROL_FIXED | FPU_CONTROL_WRITABLE)),
    PLAIN("fsw", fpu.status),
    PLAIN("ftw_empty", fpu.empty),
    FIXED("fop", fpu.opcode, 0, 0xF800),
    PLAIN("fip", fpu.ip_offset),
    PLAIN("fcs", fpu.ip_selector),
    PLAIN("fdp", fpu.data_offset),
    PLAIN("fds", fpu.data_selector),
};

static bool poke_plain(struct cpu *cpu, const char *name, uint64_t value)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(plain); i++) {
        if (strcmp(plain[i].name, name) != 0)
            continue;
        if (plain[i].size < 8 && value >> (plain[i].size * 8))
            return false;
        value = (value | plain[i].ones) & ~(uint64_t)plain[i].zeros;
        memcpy((char *)cpu + plain[i].offset, &value, plain[i].size);
        fpu_update_summary(cpu);
        return true;
    }
    return false;
}

/* --- segments --- */

/* In real and V86 mode the base goes with the selector; in protected mode the descriptor, which
 * must be one of code or data, is loaded without a look at privileges. */
static bool load_selector(struct cpu *cpu, enum segment_register seg, uint16_t selector)
{
    struct descriptor descriptor;
    bool found;
    if (cpu_is_8086(cpu)) {
        struct segment segment = segment_from_real(cpu, seg, selector);
        segment_set(cpu, seg, &segment);
        return true;
    }
    if (selector_is_null(selector) && seg != SEG_CS && seg != SEG_SS) {
        segment_set_null(cpu, seg, selector);
        return true;
    }
    if (descriptor_find(cpu, selector, &descriptor, &found) || !found ||
        !(descriptor_access(&descriptor) & SEGMENT_S))
        return false;
    struct segment segment = segment_from_descriptor(selector, &descriptor);
    segment_set(cpu, seg, &segment);
    if (seg == SEG_CS)
        cpu->cpl = selector & SELECTOR_RPL;
    return true;
}

/* "", "_base", "_limit" and "_access" of a segment register, or of LDTR and TR. */
static bool poke_part(struct segment *segment, const char *part, uint64_t value)
{
    bool is_word = *part == 0 || strcmp(part, "_access") == 0;
    if (value >> (is_word ? 16 : 32))
        return false;
    if (*part == 0)
        segment->selector = (uint16_t)value;
    else if (strcmp(part, "_base") == 0)
        segment->base = (uint32_t)value;
    else if (strcmp(part, "_limit") == 0)
        segment->limit = (uint32_t)value;
    else if (is_word)
        segment->access = (uint16_t)value;
    else
        return false;
    return true;
}

static bool poke_segment(struct cpu *cpu, const char *name, uint64_t value)
{
    if (strncmp(name, "ldtr", 4) == 0)
        return poke_part(&cpu->ldtr, name + 4, value);
    if (strncmp(name, "tr", 2) == 0)
        return poke_part(&cpu->tr, name + 2, value);
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (strncmp(cpu_segment_names[i], name, 2) != 0)
            continue;
        if (!name[2])
            return value <= 0xFFFF && load_selector(cpu, i, (uint16_t)value);
        return poke_part(&cpu->seg[i], name + 2, value);
    }
    return false;
}

/* --- registers whose value must pass the checks of the instruction that loads them --- */

static bool poke_checked(struct cpu *cpu, const char *name, uint64_t value)
{
    if (value >> 32)
        return false;
    if (strcmp(name, "cr0") == 0)
        return cpu_write_cr0(cpu, (uint32_t)value) == EXEC_OK;
    if (strcmp(name, "cr3") == 0)
        return cpu_write_cr3(cpu, (uint32_t)value) == EXEC_OK;
    if (strcmp(name, "cr4") == 0)
        return cpu_write_cr4(cpu, (uint32_t)value) == EXEC_OK;
    if (strcmp(name, "efer") == 0 && model_has(cpu->model, FEAT_NX) && !(value & ~EFER_NXE)) {
        cpu->efer = value;
        return true;
    }
    if (strcmp(name, "mxcsr") == 0 && !(value & ~(uint64_t)cpu_mxcsr_mask(cpu))) {
        cpu->mxcsr = (uint32_t)value;
        return true;
    }
    if (strcmp(name, "eflags") == 0) {
        cpu_set_eflags(cpu, (uint32_t)value);
        return true;
    }
    return false;
}

/* --- x87, MMX, SSE --- */

/* An integer, exactly. */
static struct float80 float80_from_integer(uint64_t value)
{
    if (value == 0)
        return (struct float80){0};
    unsigned shift = (unsigned)__builtin_clzll(value);
    return (struct float80){value << shift, (uint16_t)(0x3FFF + 63 - shift)};
}

static bool poke_x87(struct cpu *cpu, unsigned i, const struct poke_value *value)
{
    unsigned index = fpu_index(cpu, i);
    if (value->digits == 20)
        cpu->fpu.reg[index] = (struct float80){value->low, (uint16_t)value->high};
    else if (value->high)
        return false;
    else
        cpu->fpu.reg[index] = float80_from_integer(value->low);
    cpu->fpu.empty &= (uint8_t) ~(1u << index);
    return true;
}

static bool poke_vector(struct cpu *cpu, const char *name, const struct poke_value *value)
{
    size_t length = strlen(name);
    unsigned i = (unsigned)(name[length - 1] - '0');
    if (length < 3 || i > 7)
        return false;
    if (strncmp(name, "xmm", length - 1) == 0 && length == 4) {
        cpu->xmm[i] = (union xmm_register){
            .u64 = {value->low, value->high}
        };
        return true;
    }
    if (strncmp(name, "st", length - 1) == 0)
        return poke_x87(cpu, i, value);
    if (strncmp(name, "mm", length - 1) != 0 || value->high)
        return false;
    cpu->fpu.reg[i] = (struct float80){value->low, 0xFFFF};
    cpu->fpu.empty &= (uint8_t) ~(1u << i);
    return true;
}

bool cpu_poke(struct cpu *cpu, const char *name, const struct poke_value *value)
{
    bool done = *name && poke_vector(cpu, name, value);
    if (!done && *name && !value->high)
        done = poke_plain(cpu, name, value->low) || poke_segment(cpu, name, value->low) ||
               poke_checked(cpu, name, value->low);
    if (done)
        cpu_sync(cpu);
    return done;
}
