/* Exact rescaling of time: counts of one clock into counts of another, through 128 bits. */
#ifndef BASE_TIME128_H
#define BASE_TIME128_H

#include <stdint.h>

/* GCC and clang have a 128-bit type on every 64-bit host. */
__extension__ typedef unsigned __int128 uint128_t;

#define NS_PER_SECOND      UINT64_C(1000000000)
#define NS_PER_MILLISECOND UINT64_C(1000000)
#define NS_PER_MICROSECOND UINT64_C(1000)

/* value * multiplier / divisor, rounded down, without overflow in between. */
static inline uint64_t muldiv64(uint64_t value, uint64_t multiplier, uint64_t divisor)
{
    uint64_t product;
    if (!__builtin_mul_overflow(value, multiplier, &product))
        return product / divisor; /* far quicker than the division of 128 bits */
    return (uint64_t)((uint128_t)value * multiplier / divisor);
}

/* The same, rounded up: the first moment at which the rounded-down inverse has been reached. */
static inline uint64_t muldiv64_up(uint64_t value, uint64_t multiplier, uint64_t divisor)
{
    return (uint64_t)(((uint128_t)value * multiplier + divisor - 1) / divisor);
}

#endif
