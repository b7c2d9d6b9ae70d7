/* DR6 and DR7. */
#ifndef DEBUG_REGISTERS_H
#define DEBUG_REGISTERS_H

#include <stdint.h>

static inline uint32_t read_dr6(void)
{
    uint32_t value;
    __asm__ volatile("movl %%dr6, %0" : "=r"(value));
    return value;
}
static inline void write_dr6(uint32_t value)
{
    __asm__ volatile("movl %0, %%dr6" : : "r"(value));
}
static inline uint32_t read_dr7(void)
{
    uint32_t value;
    __asm__ volatile("movl %%dr7, %0" : "=r"(value));
    return value;
}
static inline void write_dr7(uint32_t value)
{
    __asm__ volatile("movl %0, %%dr7" : : "r"(value) : "memory");
}

#endif
