/* FSIN, FPATAN and the like while UNIT_FPU is loaded. They are computed by their exec functions,
 * but to store and load the whole x87 around each would take several times as long as the
 * computation. Instead, only the operands are popped off the host's stack and the result is pushed
 * onto it.
 *
 * The hard part is the status word, which cannot be written alone. Of what these instructions do to
 * it, TOP follows from popping and pushing; a push clears C1 and leaves the other condition bits
 * alone; sticky flags are usually up already. That leaves C1 = 1: the result was rounded up. Then
 * the number before it is pushed, and three quarters of a unit in its last place are added, which
 * rounds up to the result. Whatever is rarer than that ends with everything stored. */
#include "cpu/fpu.h"
#include "jit/units.h"

#ifdef __x86_64__

static uint16_t host_status(void)
{
    uint16_t status;
    __asm__ volatile("fnstsw %0" : "=a"(status));
    return status;
}

static uint16_t host_control(void)
{
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control;
}

static void host_pop(struct float80 *to)
{
    __asm__ volatile("fstpt %0" : "=m"(*to));
}

static void host_push(struct float80 value)
{
    __asm__ volatile("fldt %0" : : "m"(value));
}

static void host_add(uint64_t float64)
{
    __asm__ volatile("faddl %0" : : "m"(float64));
}

#else

static uint16_t host_status(void)
{
    return 0;
}

static uint16_t host_control(void)
{
    return 0;
}

static void host_pop(struct float80 *to) {}

static void host_push(struct float80 value) {}

static void host_add(uint64_t float64) {}

#endif

/* How many registers the function takes; it gives one. 0: not such a function. */
static unsigned operands_of(const struct insn *insn)
{
    if (insn->opcode != 0xD9)
        return 0;
    switch (insn->modrm) {
    case 0xF0: /* F2XM1 */
    case 0xFE: /* FSIN */
    case 0xFF: /* FCOS */
        return 1;
    case 0xF1: /* FYL2X */
    case 0xF3: /* FPATAN */
    case 0xF9: /* FYL2XP1 */
        return 2;
    default:
        return 0;
    }
}

/* 0.75 * 2^-63 of the result's magnitude as a 64-bit number, if there is one. */
static bool find_addend(struct float80 result, uint64_t *addend)
{
    enum { BIAS64 = 1023, LAST_PLACE = 63 };
    int32_t exponent = (result.sign_exponent & FLOAT80_EXPONENT) - FLOAT80_BIAS - LAST_PLACE - 1;
    if (exponent < -900 || exponent > 900 || !float80_is_normal(result) ||
        result.significand == FLOAT80_INTEGER_BIT)
        return false;
    uint64_t sign = result.sign_exponent >> 15;
    *addend = sign << 63 | (uint64_t)(exponent + BIAS64) << 52 | UINT64_C(1) << 51;
    return true;
}

/* Pushes what the exec function left in cpu->fpu. False: its status cannot be had this way. */
static bool push_result(struct cpu *cpu, uint16_t before)
{
    uint16_t after = cpu->fpu.status;
    unsigned raised = after & ~before & (FLOAT_EXCEPTIONS | FPU_SF | FPU_C2);
    struct float80 result = *fpu_st(cpu, 0);
    uint64_t addend;
    if (!(after & FPU_C1)) {
        if (raised)
            return false;
        host_push(result);
        return true;
    }
    if (raised & ~(unsigned)FLOAT_INEXACT || !(after & FLOAT_INEXACT) ||
        !find_addend(result, &addend))
        return false;
    result.significand--;
    host_push(result);
    host_add(addend);
    return true;
}

/* The registers that were popped are in cpu->fpu, everything else is still in the host. */
static void store_rest(struct cpu *cpu, unsigned first, unsigned count)
{
    struct fpu_state known = cpu->fpu;
    units_store_fpu(cpu);
    cpu->fpu.status = known.status;
    for (unsigned i = 0; i < count; i++) {
        unsigned index = (first + i) & 7, bit = 1u << index;
        cpu->fpu.reg[index] = known.reg[index];
        cpu->fpu.empty = (uint8_t)((cpu->fpu.empty & ~bit) | (known.empty & bit));
    }
}

/* Pops the operands into cpu->fpu. False: one was empty, and all is stored as it was. */
static bool pop_operands(struct cpu *cpu, uint16_t status, unsigned count)
{
    struct fpu_state *fpu = &cpu->fpu;
    uint8_t was_empty = 0;
    fpu->status = status;
    for (unsigned i = 0; i < count; i++) {
        struct float80 *to = fpu_st(cpu, i);
        host_pop(to);
        bool indefinite = to->significand == float80_indefinite().significand;
        if (indefinite && host_status() & FPU_SF) {
            was_empty = (uint8_t)(1u << fpu_index(cpu, i));
            count = i + 1;
        }
        fpu->empty &= (uint8_t) ~(1u << fpu_index(cpu, i));
    }
    if (!was_empty)
        return true;
    units_store_fpu(cpu); /* registers keep their contents when they are popped */
    fpu->status = status;
    for (unsigned i = 0; i < count; i++)
        fpu->empty &= (uint8_t) ~(1u << fpu_index(cpu, i));
    fpu->empty |= was_empty;
    return false;
}

bool units_call_function(struct cpu *cpu, const struct insn *insn)
{
    enum { ROUNDING = 3 << 10, PRECISION = 3 << 8 };
    unsigned count = operands_of(insn);
    if (!count || !(cpu->frame.units & UNIT_FPU))
        return false;
    uint16_t status = host_status(), control = host_control();
    if (status & (FPU_SF | FPU_C2) || (control & (ROUNDING | PRECISION)) != PRECISION)
        return false;
    cpu->fpu.control = (control & FPU_CONTROL_WRITABLE) | FPU_CONTROL_FIXED;
    if (!pop_operands(cpu, status, count))
        return false;
    unsigned first = fpu_index(cpu, 0);
    if (insn->exec(cpu, insn)) /* never: nothing is unmasked */
        return false;
    if (!push_result(cpu, status))
        store_rest(cpu, first, count);
    return true;
}
