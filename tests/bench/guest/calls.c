/* Calls: recursion, deep recursion, function pointers, queens on a board. */
#include "bench.h"

#define NOINLINE __attribute__((noinline, noclone))

static NOINLINE uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static NOINLINE int takeuchi(int x, int y, int z)
{
    if (y >= x)
        return z;
    return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

static NOINLINE uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (!m)
        return n + 1;
    return ackermann(m - 1, n ? ackermann(m, n - 1) : 1);
}

static NOINLINE uint32_t add_one(uint32_t value)
{
    return value + 1;
}
static NOINLINE uint32_t double_it(uint32_t value)
{
    return value * 2;
}
static NOINLINE uint32_t turn(uint32_t value)
{
    return value << 7 | value >> 25;
}

static uint32_t (*const functions[])(uint32_t) = {add_one, double_it, turn, add_one};

static NOINLINE uint32_t queens(uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t solutions = 0;
    if (columns == 0x7F)
        return 1;
    for (uint32_t free = ~(columns | left | right) & 0x7F; free; free &= free - 1) {
        uint32_t place = free & -free;
        solutions += queens(columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return solutions;
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum = bench_mix(sum, fibonacci(18));
        sum = bench_mix(sum, (uint32_t)takeuchi(10, 5, (int)(sum & 3)));
        sum = bench_mix(sum, ackermann(2, 30 + (sum & 7)));
        for (uint32_t i = 0; i < 10000; i++)
            sum = functions[(sum >> 3 ^ i) & 3](sum);
        sum = bench_mix(sum, queens(0, 0, 0));
    }
    return bench_result(sum);
}
