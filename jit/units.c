/* See jit/units.h. */
#include "jit/units.h"

#include "cpu/fpu.h"
#include "cpu/model.h"

#include <string.h>

/* What FXSAVE writes (SDM 1, 10.5). */
struct save_area {
    uint16_t control, status;
    uint8_t valid; /* the tags, one bit a physical register */
    uint8_t pointers[27];
    uint8_t st[8][16]; /* ST(0) first */
    uint8_t rest[352];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct save_area) == 512, "as the processor writes it");

/* What FLDENV reads (SDM 1, figure 8-9). */
struct environment {
    uint32_t control, status, tags;
    uint32_t pointers[4];
};

#ifdef __x86_64__

bool units_available(void)
{
    return true;
}

/* R7 is pushed first: then TOP is 0 again, and the environment moves it and empties what is empty.
 * On processors of today this takes a third of the time of FRSTOR, FXRSTOR or XRSTOR. */
static void restore(const struct float80 reg[8], const struct environment *environment)
{
    __asm__ volatile(
        "emms\n\t"
        "fldt 112(%0)\n\tfldt 96(%0)\n\tfldt 80(%0)\n\tfldt 64(%0)\n\t"
        "fldt 48(%0)\n\tfldt 32(%0)\n\tfldt 16(%0)\n\tfldt (%0)\n\t"
        "fldenv %1"
        :
        : "r"(reg), "m"(*environment)
        : "memory");
}

/* All registers are empty afterwards. */
static void save(struct save_area *area)
{
    __asm__ volatile("fxsave64 %0\n\temms" : "=m"(*area) : : "memory");
}

static void initialize(void)
{
    __asm__ volatile("fninit" : : : "memory");
}

static bool host_has(unsigned feature)
{
    switch (feature) {
    case FEAT_FPU:
    case FEAT_CMOV:
    case FEAT_MMX:
    case FEAT_SSE:
    case FEAT_SSE2:
        return true;
    case FEAT_SSE3:
        return __builtin_cpu_supports("sse3");
    case FEAT_SSSE3:
        return __builtin_cpu_supports("ssse3");
    default:
        return false;
    }
}

#else

bool units_available(void)
{
    return false;
}

static void restore(const struct float80 reg[8], const struct environment *environment) {}

static void save(struct save_area *area) {}

static void initialize(void) {}

static bool host_has(unsigned feature)
{
    return false;
}

#endif

/* --- x87 and MMX --- */

enum { PRECISION = 3 << 8, PRECISION_RESERVED = 1 << 8 };

static bool may_load(const struct cpu *cpu)
{
    uint16_t control = cpu->fpu.control;
    return !(cpu->cr0 & (CR0_EM | CR0_TS)) && (control & FLOAT_EXCEPTIONS) == FLOAT_EXCEPTIONS &&
           (control & PRECISION) != PRECISION_RESERVED && !(cpu->fpu.status & FPU_ES);
}

void units_load_fpu(struct cpu *cpu)
{
    const struct fpu_state *fpu = &cpu->fpu;
    if (!may_load(cpu))
        return;
    struct environment environment = {fpu->control, fpu->status, 0, {0}};
    for (unsigned i = 0; i < 8; i++)
        environment.tags |= (fpu->empty >> i & 1 ? 3u : 0u) << (2 * i);
    restore(fpu->reg, &environment);
    cpu->frame.units |= UNIT_FPU | UNIT_FPU_USED;
}

void units_store_fpu(struct cpu *cpu)
{
    struct fpu_state *fpu = &cpu->fpu;
    struct save_area area;
    save(&area);
    fpu->control = (area.control & FPU_CONTROL_WRITABLE) | FPU_CONTROL_FIXED;
    fpu->status = area.status;
    fpu->empty = (uint8_t)~area.valid;
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *st = area.st[i];
        float80_store(fpu_st(cpu, i), (struct float80){load_le64(st), load_le16(st + 8)});
    }
    cpu->frame.units &= (uint8_t)~UNIT_FPU;
}

void units_leave(struct cpu *cpu)
{
    if (!cpu->frame.units)
        return;
    if (cpu->frame.units & UNIT_FPU)
        units_store_fpu(cpu);
    initialize();
    cpu->frame.units = 0;
}

/* --- rows --- */

static bool is_one_of(const char *mnemonic, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(mnemonic, names[i]))
            return true;
    return false;
}

/* MMX registers as operands. */
static bool has_mmx_operand(const struct insn_row *row)
{
    return strpbrk(row->operands, "PQN");
}

enum { OPCODE_WAIT = 0x9B };

unsigned units_of_exec(const struct insn_row *row)
{
    if (!row || row->class != INNOCUOUS || row->attributes & (A_FPU | A_MMX) ||
        (row->attributes & A_SSE && has_mmx_operand(row)) ||
        (row->map == MAP_1 && row->opcode == OPCODE_WAIT))
        return UNIT_SSE | UNIT_FPU;
    return UNIT_SSE;
}

/* What moves the whole state; what differs between makers, or from the interpreter. */
static const char *const x87_left_out[] = {
    "fldenv",  "fnstenv", "frstor", "fnsave", "fxsave", "fxrstor", "fninit", "f2xm1",  "fyl2x",
    "fyl2xp1", "fptan",   "fpatan", "fsin",   "fcos",   "fsincos", "fprem",  "fprem1", "fbld",
};

static const char *const simd_left_out[] = {
    "ldmxcsr", "stmxcsr", "rcpps", "rcpss", "rsqrtps", "rsqrtss", "maskmovq", "maskmovdqu",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

unsigned units_of_host_row(const struct insn_row *row)
{
    unsigned attributes = row->attributes & (A_FPU | A_MMX | A_SSE);
    if (!attributes || !units_available() || !host_has(row->feature))
        return 0;
    switch (attributes) {
    case A_FPU:
        if (row->attributes & A_ALIAS && strcmp(row->mnemonic, "ffreep"))
            return 0;
        return is_one_of(row->mnemonic, x87_left_out, COUNT(x87_left_out)) ? 0 : UNIT_FPU;
    case A_MMX:
        return is_one_of(row->mnemonic, simd_left_out, COUNT(simd_left_out)) ? 0 : UNIT_FPU;
    case A_SSE:
        if (has_mmx_operand(row))
            return 0;
        return is_one_of(row->mnemonic, simd_left_out, COUNT(simd_left_out)) ? 0 : UNIT_SSE;
    default:
        return 0;
    }
}
