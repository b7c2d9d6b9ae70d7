/* Code that lives on flags: carry chains, rotations through carry, SETcc and CMOVcc, bit tests,
 * LAHF and SAHF, PUSHF, INC and DEC that keep the carry. */
#include "bench.h"

enum { WORDS = 64 };

/* a += b over WORDS words; the loop keeps the carry in the flag over LEA and DEC. */
static uint32_t add_long(uint32_t *a, const uint32_t *b)
{
    uint32_t count = WORDS, carry;
    __asm__ volatile(
        "clc\n"
        "1: mov (%[b]), %%eax\n"
        "adc %%eax, (%[a])\n"
        "lea 4(%[a]), %[a]\n"
        "lea 4(%[b]), %[b]\n"
        "dec %[count]\n"
        "jnz 1b\n"
        "sbb %[carry], %[carry]\n"
        : [a] "+r"(a), [b] "+r"(b), [count] "+r"(count), [carry] "=r"(carry)
        :
        : "eax", "memory", "cc");
    return carry;
}

static uint32_t rotate_chain(uint32_t value, uint32_t count)
{
    uint32_t other = ~value;
    __asm__ volatile(
        "1: rcl $1, %[value]\n"
        "rcr $1, %[other]\n"
        "sbb $0, %[value]\n"
        "cmc\n"
        "adc %[value], %[other]\n"
        "shld $3, %[other], %[value]\n"
        "dec %[count]\n"
        "jnz 1b\n"
        : [value] "+r"(value), [other] "+r"(other), [count] "+r"(count)
        :
        : "cc");
    return value ^ other;
}

static uint32_t conditions(uint32_t value, uint32_t count)
{
    uint32_t sum = 0;
    __asm__ volatile(
        "1: imul $1664525, %[value]\n"
        "add $1013904223, %[value]\n"
        "seto %%al\n"
        "setp %%ah\n"
        "cmovs %[value], %%ecx\n"
        "cmovnc %%eax, %%ecx\n"
        "setbe %%dl\n"
        "setl %%dh\n"
        "adc %%ecx, %[sum]\n"
        "bt %[value], %[sum]\n"
        "adc $0, %[sum]\n"
        "test %[value], %[sum]\n"
        "jns 2f\n"
        "xor %%edx, %[sum]\n"
        "2: neg %%ecx\n"
        "sbb $3, %[sum]\n"
        "dec %[count]\n"
        "jnz 1b\n"
        : [value] "+D"(value), [sum] "+S"(sum), [count] "+b"(count)
        :
        : "eax", "ecx", "edx", "cc");
    return sum;
}

static uint32_t saved_flags(uint32_t value, uint32_t count)
{
    uint32_t sum = 0;
    __asm__ volatile(
        "1: add $0x12345677, %[value]\n"
        "lahf\n"
        "inc %[sum]\n"
        "sahf\n"
        "adc %%eax, %[sum]\n"
        "pushf\n"
        "pop %%edx\n"
        "and $0x8D5, %%edx\n"
        "add %%edx, %[sum]\n"
        "ror %%cl, %[value]\n"
        "rcl $5, %[sum]\n"
        "loop 1b\n"
        : [value] "+r"(value), [sum] "+r"(sum), [count] "+c"(count)
        :
        : "eax", "edx", "cc");
    return sum;
}

int main(int argc, char **argv)
{
    static uint32_t a[WORDS], b[WORDS];
    uint32_t sum = 0, seed = 1;
    for (int i = 0; i < WORDS; i++) {
        a[i] = bench_random(&seed);
        b[i] = bench_random(&seed);
    }
    for (unsigned round = bench_work(argc, argv); round; round--) {
        for (int i = 0; i < 20; i++)
            sum = bench_mix(sum, add_long(a, b) ^ a[i]);
        sum = bench_mix(sum, rotate_chain(sum, 1000));
        sum = bench_mix(sum, conditions(sum, 1000));
        sum = bench_mix(sum, saved_flags(sum & 0xFFFFFF00u, 500) & 0xFFFF);
    }
    return bench_result(sum);
}
