/* Integer work: a sieve, a hash, division, branches and calls. */
#include "bare.h"

enum { SIEVE_SIZE = 1 << 16 };
static uint8_t composite[SIEVE_SIZE];

static uint32_t count_primes(void)
{
    uint32_t count = 0;
    memset(composite, 0, sizeof composite);
    for (uint32_t i = 2; i < SIEVE_SIZE; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = i * 2; j < SIEVE_SIZE; j += i)
            composite[j] = 1;
    }
    return count;
}

static uint32_t hash_bytes(const uint8_t *bytes, uint32_t size, uint32_t hash)
{
    for (uint32_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static uint32_t __attribute__((noinline)) fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint32_t divide_chain(uint32_t seed)
{
    uint32_t sum = 0;
    for (uint32_t i = 1; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        sum += seed / i + seed % (i + 7);
    }
    return sum;
}

void bare_tests(void)
{
    uint32_t sum = 0;
    bare_print("BENCH begin\n");
    for (unsigned round = 0; round < 200; round++) {
        sum += count_primes();
        sum = hash_bytes(composite, SIEVE_SIZE, sum);
        sum += fibonacci(20);
        sum ^= divide_chain(sum);
    }
    bare_print("BENCH end %08x\n", sum);
    CHECK("integer", sum != 0);
}
