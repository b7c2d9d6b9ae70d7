/* String instructions: SCAS, CMPS, LODS, STOS, MOVS, with and without REP, short and long. */
#include "bench.h"
#include <string.h>

enum { SIZE = 4096 };
static char text[SIZE + 1], other[SIZE + 1];

static uint32_t length(const char *at)
{
    uint32_t count = ~0u;
    __asm__ volatile("repne scasb" : "+D"(at), "+c"(count) : "a"(0) : "memory", "cc");
    return ~count - 1;
}

/* Where two texts first differ. */
static uint32_t difference(const char *a, const char *b, uint32_t size)
{
    uint32_t left = size;
    __asm__ volatile("cmp %%eax, %%eax\n repe cmpsb"
                     : "+S"(a), "+D"(b), "+c"(left)
                     :
                     : "eax", "memory", "cc");
    return size - left;
}

static uint32_t sum_words(const char *from, uint32_t count)
{
    uint32_t sum = 0;
    __asm__ volatile(
        "1: lodsl\n"
        "rol $5, %[sum]\n"
        "xor %%eax, %[sum]\n"
        "loop 1b\n"
        : "+S"(from), "+c"(count), [sum] "+d"(sum)
        :
        : "eax", "memory", "cc");
    return sum;
}

/* Copies to upper case until the terminating zero. */
static void upper_case(char *to, const char *from)
{
    __asm__ volatile(
        "1: lodsb\n"
        "cmp $'a', %%al\n"
        "jb 2f\n"
        "cmp $'z', %%al\n"
        "ja 2f\n"
        "sub $32, %%al\n"
        "2: stosb\n"
        "test %%al, %%al\n"
        "jnz 1b\n"
        : "+S"(from), "+D"(to)
        :
        : "eax", "memory", "cc");
}

static void copy(char *to, const char *from, uint32_t size)
{
    __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(size) : : "memory");
}

static void fill(char *to, char value, uint32_t size)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
}

int main(int argc, char **argv)
{
    uint32_t sum = 0, seed = 1;
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + (bench_random(&seed) >> 24) % 26);
    for (unsigned round = bench_work(argc, argv); round; round--) {
        uint32_t start = bench_random(&seed) >> 21;
        sum = bench_mix(sum, length(text + start));
        copy(other, text, SIZE + 1);
        other[start + 100] ^= 1;
        sum = bench_mix(sum, difference(text, other, SIZE));
        upper_case(other, text + start);
        sum = bench_mix(sum, sum_words(other, SIZE / 4));
        for (uint32_t i = 0; i < 60; i++) {
            copy(other + i * 16, text + start + i, 5 + (i & 15));
            fill(other + i * 50, (char)i, 3 + (i & 31));
            sum = bench_mix(sum, length(text + SIZE - 1 - (i & 15)));
        }
    }
    return bench_result(sum);
}
