#include "tests/harness/random.h"

uint32_t random_value(uint64_t *random)
{
    uint32_t value = (uint32_t)(random_next(random) >> 16);
    switch (random_below(random, 6)) {
    case 0:
        return random_below(random, 5) - 2;
    case 1:
        return (1u << random_below(random, 32)) + random_below(random, 3) - 1;
    case 2:
        return value & 0xFF;
    case 3:
        return (uint32_t)(int16_t)value;
    default:
        return value;
    }
}
