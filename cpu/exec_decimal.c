/* Decimal arithmetic: DAA, DAS, AAA, AAS, AAM, AAD. Flags that the SDM leaves undefined: OF (and
 * CF, AF after AAM and AAD) are clear; SF, ZF and PF after AAA and AAS follow AL. On the 386 they
 * are those of the addition or subtraction that makes the correction (and of AAD's addition).
 * Source: Intel SDM volume 2A, the pseudocode of each; of the 386, results that the author of
 * test386.asm took from a 386SX, with which the captures of an 80286 agree (but for OF of AAD). */
#include "cpu/alu.h"
#include "cpu/exec.h"
#include "cpu/fault.h"
#include "cpu/model.h"

static void set_decimal_flags(struct cpu *cpu, uint8_t al, bool cf, bool af, bool of)
{
    alu_logic8(cpu, al);
    cpu->lazy.carries = af ? 8 : 0;
    flags_set_cf_of(cpu, cf, of);
}

/* Overflow of old + correction, and of old - correction, where the 386 shows it. */
static bool add_overflows(const struct cpu *cpu, uint8_t old, uint8_t correction)
{
    uint8_t sum = (uint8_t)(old + correction);
    return cpu->model->is_386 && (~(old ^ correction) & (old ^ sum)) >> 7 & 1;
}

static bool subtract_overflows(const struct cpu *cpu, uint8_t old, uint8_t correction)
{
    uint8_t difference = (uint8_t)(old - correction);
    return cpu->model->is_386 && ((old ^ correction) & (old ^ difference)) >> 7 & 1;
}

EXEC(exec_daa)
{
    uint8_t old = reg8(cpu, 0), al = old;
    bool af = (old & 15) > 9 || flag_af(cpu);
    bool cf = old > 0x99 || flag_cf(cpu);
    if (af)
        al += 6;
    if (cf)
        al += 0x60;
    set_reg8(cpu, 0, al);
    set_decimal_flags(cpu, al, cf, af, add_overflows(cpu, old, (uint8_t)(al - old)));
    return EXEC_OK;
}

EXEC(exec_das)
{
    uint8_t old = reg8(cpu, 0), al = old;
    bool af = (old & 15) > 9 || flag_af(cpu);
    bool high = old > 0x99 || flag_cf(cpu);
    bool cf = high || (af && old < 6);
    if (af)
        al -= 6;
    if (high)
        al -= 0x60;
    set_reg8(cpu, 0, al);
    set_decimal_flags(cpu, al, cf, af, subtract_overflows(cpu, old, (uint8_t)(old - al)));
    return EXEC_OK;
}

/* Adjusts AX as a whole: a carry out of AL goes into AH besides the one that is added. */
EXEC(exec_aaa)
{
    uint8_t old = reg8(cpu, 0);
    bool adjust = (old & 15) > 9 || flag_af(cpu);
    uint16_t ax = (uint16_t)(reg16(cpu, REG_EAX) + (adjust ? 0x106 : 0));
    set_reg16(cpu, REG_EAX, ax & 0xFF0F);
    set_decimal_flags(cpu, (uint8_t)(cpu->model->is_386 ? ax : ax & 0x0F), adjust, adjust,
                      add_overflows(cpu, old, adjust ? 6 : 0));
    return EXEC_OK;
}

EXEC(exec_aas)
{
    uint8_t old = reg8(cpu, 0);
    bool adjust = (old & 15) > 9 || flag_af(cpu);
    uint16_t ax = (uint16_t)(reg16(cpu, REG_EAX) - (adjust ? 0x106 : 0));
    set_reg16(cpu, REG_EAX, ax & 0xFF0F);
    set_decimal_flags(cpu, (uint8_t)(cpu->model->is_386 ? ax : ax & 0x0F), adjust, adjust,
                      subtract_overflows(cpu, old, adjust ? 6 : 0));
    return EXEC_OK;
}

EXEC(exec_aam)
{
    uint8_t base = (uint8_t)insn->immediate, al = reg8(cpu, 0);
    if (base == 0) {
        if (cpu->model->is_386)
            flags_set_arithmetic(cpu, FLAG_PF);
        return fault_raise(cpu, VECTOR_DE);
    }
    set_reg16(cpu, REG_EAX, (uint16_t)(al / base << 8 | al % base));
    alu_logic8(cpu, al % base);
    return EXEC_OK;
}

EXEC(exec_aad)
{
    uint8_t old = reg8(cpu, 0), tens = (uint8_t)(reg8(cpu, 4) * (uint8_t)insn->immediate);
    uint8_t al = (uint8_t)(old + tens);
    set_reg16(cpu, REG_EAX, al);
    if (cpu->model->is_386)
        alu_add8(cpu, old, tens);
    else
        alu_logic8(cpu, al);
    return EXEC_OK;
}
