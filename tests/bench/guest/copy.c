/* Copies and fills, small and large, aligned and not: `rep` by REP MOVS and REP STOS, `libc` by the
 * C library's functions. */
#include "bench.h"
#include <string.h>

enum { SIZE = 1 << 18 };
static uint8_t from[SIZE], to[SIZE + 64];

static void rep_copy(void *target, const void *source, size_t size)
{
    size_t words = size / 4, rest = size & 3;
    __asm__ volatile("rep movsl\n mov %[rest], %%ecx\n rep movsb"
                     : "+D"(target), "+S"(source), "+c"(words)
                     : [rest] "r"(rest)
                     : "memory");
}

static void rep_fill(void *target, int value, size_t size)
{
    size_t words = size / 4;
    __asm__ volatile("rep stosl" : "+D"(target), "+c"(words) : "a"(value * 0x01010101) : "memory");
}

static void *(*volatile libc_copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile libc_fill)(void *, int, size_t) = memset;
static void *(*volatile libc_move)(void *, const void *, size_t) = memmove;

static void libc_round(unsigned round)
{
    libc_fill(to, (int)(round & 255), SIZE / 2);
    libc_copy(to + 3, from, SIZE);
    libc_move(to + 5, to, SIZE / 4);
    for (unsigned i = 0; i < 200; i++)
        libc_copy(to + i * 300, from + i * 200 + (round & 7), 20 + i);
}

static void rep_round(unsigned round)
{
    rep_fill(to, (int)(round & 255), SIZE / 2);
    rep_copy(to + 3, from, SIZE);
    rep_copy(to + SIZE / 2, to, SIZE / 4);
    for (unsigned i = 0; i < 200; i++)
        rep_copy(to + i * 300, from + i * 200 + (round & 7), 20 + i);
}

int main(int argc, char **argv)
{
    int rep = argc > 2 && !strcmp(argv[1], "rep");
    uint32_t sum = 0, seed = 1;
    for (int i = 0; i < SIZE; i++)
        from[i] = (uint8_t)(bench_random(&seed) >> 24);
    for (unsigned round = bench_work(argc, argv); round; round--) {
        if (rep)
            rep_round(round);
        else
            libc_round(round);
        sum = bench_mix(sum, to[sum % SIZE]);
    }
    for (int i = 0; i < SIZE; i++)
        sum = bench_mix(sum, to[i]);
    return bench_result(sum);
}
