/* Random choices for tests; every run makes the same ones. */
#ifndef TESTS_HARNESS_RANDOM_H
#define TESTS_HARNESS_RANDOM_H

#include "base/random.h"

#include <stdbool.h>

/* One of the numbers below limit. */
static inline uint32_t random_below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

static inline bool one_in(uint64_t *random, uint32_t count)
{
    return random_below(random, count) == 0;
}

/* An integer that is often near zero, a power of two, or the sign boundary of some size. */
uint32_t random_value(uint64_t *random);

#endif
