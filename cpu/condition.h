/* The sixteen conditions of Jcc, SETcc and CMOVcc (SDM 1, appendix B). */
#ifndef CPU_CONDITION_H
#define CPU_CONDITION_H

#include "cpu/flags.h"

static inline bool condition_o(const struct cpu *cpu)
{
    return flag_of(cpu);
}
static inline bool condition_b(const struct cpu *cpu)
{
    return flag_cf(cpu);
}
static inline bool condition_e(const struct cpu *cpu)
{
    return flag_zf(cpu);
}
static inline bool condition_be(const struct cpu *cpu)
{
    return flag_cf(cpu) || flag_zf(cpu);
}
static inline bool condition_s(const struct cpu *cpu)
{
    return flag_sf(cpu);
}
static inline bool condition_p(const struct cpu *cpu)
{
    return flag_pf(cpu);
}
static inline bool condition_l(const struct cpu *cpu)
{
    return flag_sf(cpu) != flag_of(cpu);
}
static inline bool condition_le(const struct cpu *cpu)
{
    return flag_zf(cpu) || condition_l(cpu);
}

/* For every condition: its suffix, and whether it is (the negation of) one of the above. */
#define FOR_EACH_CONDITION(define)                                                                 \
    define(o, condition_o(cpu)) define(no, !condition_o(cpu)) define(b, condition_b(cpu))          \
        define(ae, !condition_b(cpu)) define(e, condition_e(cpu)) define(ne, !condition_e(cpu))    \
            define(be, condition_be(cpu)) define(a, !condition_be(cpu))                            \
                define(s, condition_s(cpu)) define(ns, !condition_s(cpu))                          \
                    define(p, condition_p(cpu)) define(np, !condition_p(cpu))                      \
                        define(l, condition_l(cpu)) define(ge, !condition_l(cpu))                  \
                            define(le, condition_le(cpu)) define(g, !condition_le(cpu))

#endif
