/* Memory work: copies by REP MOVSD and by loop, random reads, a linked list. */
#include "bare.h"

enum { WORDS = 1 << 19 };
static uint32_t source[WORDS], target[WORDS];

static void copy_rep(void)
{
    uint32_t count = WORDS;
    void *to = target, *from = source;
    __asm__ volatile("rep movsl" : "+c"(count), "+D"(to), "+S"(from) : : "memory");
}

static void copy_loop(void)
{
    for (volatile uint32_t *from = source, *to = target; from < source + WORDS;)
        *to++ = *from++ + 1;
}

static uint32_t random_reads(uint32_t seed)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 1u << 20; i++) {
        seed = seed * 1664525u + 1013904223u;
        sum += target[seed >> 13];
    }
    return sum;
}

static uint32_t chase(uint32_t start)
{
    uint32_t at = start & (WORDS - 1);
    for (unsigned i = 0; i < 1u << 20; i++)
        at = (source[at] + at) & (WORDS - 1);
    return at;
}

void bare_tests(void)
{
    uint32_t sum = 1;
    bare_print("BENCH begin\n");
    for (uint32_t i = 0; i < WORDS; i++)
        source[i] = i * 2654435761u;
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < 8; i++)
            copy_rep();
        copy_loop();
        sum += random_reads(sum);
        sum ^= chase(sum);
    }
    bare_print("BENCH end %08x\n", sum);
    CHECK("memory", sum != 0);
}
