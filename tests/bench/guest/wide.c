/* 64-bit arithmetic and division: remainders, a modular power, shifts, 32-bit division chains. */
#include "bench.h"

static uint64_t power_modulo(uint64_t base, uint32_t exponent, uint32_t modulus)
{
    uint64_t result = 1;
    for (base %= modulus; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

static uint64_t shift_mix(uint64_t state, uint32_t count)
{
    while (count--) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << (17 + (count & 3));
        state += state * 0x9E3779B97F4A7C15ull;
    }
    return state;
}

static uint32_t divide_signed(int32_t value, uint32_t count)
{
    uint32_t sum = 0;
    for (int32_t i = 1; i <= (int32_t)count; i++) {
        sum += (uint32_t)(value / i) + (uint32_t)(value % (i + 7));
        value = value * 1103515245 + 12345;
    }
    return sum;
}

static uint64_t divide_wide(uint64_t value, uint32_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 3; i < count; i++) {
        sum += value / (i << 20 | 5) + value % (i * i * i);
        value = value * 6364136223846793005ull + 1442695040888963407ull;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t sum = 88172645463325252ull;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum += power_modulo(sum, 0xDEADBEEF ^ round, 4294967291u);
        sum ^= shift_mix(sum, 3000);
        sum += divide_signed((int32_t)sum, 2000);
        sum ^= divide_wide(sum, 1000);
    }
    return bench_result((uint32_t)sum ^ (uint32_t)(sum >> 32));
}
