/* Bits and little-endian bytes. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define MUST_CHECK          __attribute__((warn_unused_result))

/* Bits high..low of value, shifted down; 0 <= low <= high <= 31. */
static inline uint32_t bits_get(uint32_t value, unsigned high, unsigned low)
{
    return (uint32_t)(((uint64_t)value >> low) & ((UINT64_C(1) << (high - low + 1)) - 1));
}

static inline bool bit_is_set(uint32_t value, unsigned bit)
{
    return (value >> bit) & 1;
}

static inline uint16_t load_le16(const void *bytes)
{
    const uint8_t *b = bytes;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t load_le32(const void *bytes)
{
    const uint8_t *b = bytes;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t load_le64(const void *bytes)
{
    return load_le32(bytes) | (uint64_t)load_le32((const uint8_t *)bytes + 4) << 32;
}

static inline void store_le16(void *bytes, uint16_t value)
{
    uint8_t *b = bytes;
    b[0] = (uint8_t)value;
    b[1] = (uint8_t)(value >> 8);
}

static inline void store_le32(void *bytes, uint32_t value)
{
    store_le16(bytes, (uint16_t)value);
    store_le16((uint8_t *)bytes + 2, (uint16_t)(value >> 16));
}

static inline void store_le64(void *bytes, uint64_t value)
{
    store_le32(bytes, (uint32_t)value);
    store_le32((uint8_t *)bytes + 4, (uint32_t)(value >> 32));
}

#endif
