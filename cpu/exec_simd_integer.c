/* Packed integer arithmetic, comparison, logic and saturation, on MMX and XMM registers. */
#include "cpu/exec.h"
#include "cpu/simd.h"

#include <stdlib.h>

static inline int32_t saturate(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline uint8_t saturate_i8(int32_t value)
{
    return (uint8_t)saturate(value, INT8_MIN, INT8_MAX);
}
static inline uint8_t saturate_u8(int32_t value)
{
    return (uint8_t)saturate(value, 0, UINT8_MAX);
}
static inline uint16_t saturate_i16(int32_t value)
{
    return (uint16_t)saturate(value, INT16_MIN, INT16_MAX);
}
static inline uint16_t saturate_u16(int32_t value)
{
    return (uint16_t)saturate(value, 0, UINT16_MAX);
}

/* --- addition and subtraction --- */
DEFINE_LANES(paddb, uint8_t, u8, a + b)
DEFINE_LANES(paddw, uint16_t, u16, a + b)
DEFINE_LANES(paddd, uint32_t, u32, a + b)
DEFINE_LANES(paddq, uint64_t, u64, a + b)
DEFINE_LANES(psubb, uint8_t, u8, a - b)
DEFINE_LANES(psubw, uint16_t, u16, a - b)
DEFINE_LANES(psubd, uint32_t, u32, a - b)
DEFINE_LANES(psubq, uint64_t, u64, a - b)
DEFINE_LANES(paddsb, uint8_t, u8, saturate_i8((int8_t)a + (int8_t)b))
DEFINE_LANES(paddsw, uint16_t, u16, saturate_i16((int16_t)a + (int16_t)b))
DEFINE_LANES(paddusb, uint8_t, u8, saturate_u8(a + b))
DEFINE_LANES(paddusw, uint16_t, u16, saturate_u16(a + b))
DEFINE_LANES(psubsb, uint8_t, u8, saturate_i8((int8_t)a - (int8_t)b))
DEFINE_LANES(psubsw, uint16_t, u16, saturate_i16((int16_t)a - (int16_t)b))
DEFINE_LANES(psubusb, uint8_t, u8, saturate_u8(a - b))
DEFINE_LANES(psubusw, uint16_t, u16, saturate_u16(a - b))
DEFINE_LANES(pavgb, uint8_t, u8, (a + b + 1) >> 1)
DEFINE_LANES(pavgw, uint16_t, u16, (a + b + 1) >> 1)

/* --- multiplication --- */
DEFINE_LANES(pmullw, uint16_t, u16, (uint32_t)a *b)
DEFINE_LANES(pmulhw, uint16_t, u16, (int32_t)(int16_t)a *(int16_t)b >> 16)
DEFINE_LANES(pmulhuw, uint16_t, u16, (uint32_t)a *b >> 16)
DEFINE_LANES(pmuludq, uint64_t, u64, (a & UINT32_MAX) * (b & UINT32_MAX))

static inline void lanes_pmaddwd(union xmm_register *destination, const union xmm_register *source,
                                 unsigned bytes)
{
    for (unsigned i = 0; i < bytes / 4; i++) {
        int32_t low = (int16_t)destination->u16[2 * i] * (int16_t)source->u16[2 * i];
        int32_t high = (int16_t)destination->u16[2 * i + 1] * (int16_t)source->u16[2 * i + 1];
        destination->u32[i] = (uint32_t)low + (uint32_t)high;
    }
}
DEFINE_PACKED_FORMS(pmaddwd)

static inline void lanes_psadbw(union xmm_register *destination, const union xmm_register *source,
                                unsigned bytes)
{
    for (unsigned i = 0; i < bytes / 8; i++) {
        unsigned sum = 0;
        for (unsigned k = 8 * i; k < 8 * i + 8; k++)
            sum += (unsigned)abs(destination->u8[k] - source->u8[k]);
        destination->u64[i] = sum;
    }
}
DEFINE_PACKED_FORMS(psadbw)

/* --- comparison --- */
DEFINE_LANES(pcmpeqb, uint8_t, u8, -(a == b))
DEFINE_LANES(pcmpeqw, uint16_t, u16, -(a == b))
DEFINE_LANES(pcmpeqd, uint32_t, u32, -(a == b))
DEFINE_LANES(pcmpgtb, uint8_t, u8, -((int8_t)a > (int8_t)b))
DEFINE_LANES(pcmpgtw, uint16_t, u16, -((int16_t)a > (int16_t)b))
DEFINE_LANES(pcmpgtd, uint32_t, u32, -((int32_t)a > (int32_t)b))
DEFINE_LANES(pminub, uint8_t, u8, a < b ? a : b)
DEFINE_LANES(pmaxub, uint8_t, u8, a > b ? a : b)
DEFINE_LANES(pminsw, uint16_t, u16, (int16_t)a < (int16_t)b ? a : b)
DEFINE_LANES(pmaxsw, uint16_t, u16, (int16_t)a > (int16_t)b ? a : b)

/* --- logic (ANDPS and relatives are the same) --- */
DEFINE_LANES(pand, uint64_t, u64, a &b)
DEFINE_LANES(pandn, uint64_t, u64, ~a &b)
DEFINE_LANES(por, uint64_t, u64, a | b)
DEFINE_LANES(pxor, uint64_t, u64, a ^ b)

/* --- packing: the destination's lanes, then the source's, narrowed --- */

#define DEFINE_PACK(name, from_type, from, to, narrow)                                             \
    static inline void lanes_##name(union xmm_register *destination,                               \
                                    const union xmm_register *source, unsigned bytes)              \
    {                                                                                              \
        const union xmm_register first = *destination;                                             \
        unsigned lanes = bytes / sizeof(from_type);                                                \
        for (unsigned i = 0; i < lanes; i++) {                                                     \
            destination->to[i] = narrow((from_type)first.from[i]);                                 \
            destination->to[lanes + i] = narrow((from_type)source->from[i]);                       \
        }                                                                                          \
    }                                                                                              \
    DEFINE_PACKED_FORMS(name)

DEFINE_PACK(packsswb, int16_t, u16, u8, saturate_i8)
DEFINE_PACK(packuswb, int16_t, u16, u8, saturate_u8)
DEFINE_PACK(packssdw, int32_t, u32, u16, saturate_i16)

/* --- SSSE3 --- */

#define DEFINE_HORIZONTAL(name, type, member, combine)                                             \
    static inline void lanes_##name(union xmm_register *destination,                               \
                                    const union xmm_register *source, unsigned bytes)              \
    {                                                                                              \
        const union xmm_register first = *destination;                                             \
        unsigned half = bytes / sizeof(type) / 2;                                                  \
        for (unsigned i = 0; i < half; i++) {                                                      \
            type a = (type)first.member[2 * i], b = (type)first.member[2 * i + 1];                 \
            type c = (type)source->member[2 * i], d = (type)source->member[2 * i + 1];             \
            destination->member[i] = combine(a, b);                                                \
            destination->member[half + i] = combine(c, d);                                         \
        }                                                                                          \
    }                                                                                              \
    DEFINE_PACKED_FORMS(name)

#define WRAP_ADD16(a, b)   (uint16_t)((a) + (b))
#define WRAP_SUB16(a, b)   (uint16_t)((a) - (b))
#define WRAP_ADD32(a, b)   (uint32_t)(a) + (uint32_t)(b)
#define WRAP_SUB32(a, b)   (uint32_t)(a) - (uint32_t)(b)
#define SATURATE_ADD(a, b) saturate_i16((a) + (b))
#define SATURATE_SUB(a, b) saturate_i16((a) - (b))

DEFINE_HORIZONTAL(phaddw, int16_t, u16, WRAP_ADD16)
DEFINE_HORIZONTAL(phsubw, int16_t, u16, WRAP_SUB16)
DEFINE_HORIZONTAL(phaddd, int32_t, u32, WRAP_ADD32)
DEFINE_HORIZONTAL(phsubd, int32_t, u32, WRAP_SUB32)
DEFINE_HORIZONTAL(phaddsw, int16_t, u16, SATURATE_ADD)
DEFINE_HORIZONTAL(phsubsw, int16_t, u16, SATURATE_SUB)

DEFINE_LANES(psignb, uint8_t, u8, (int8_t)b < 0 ? -a : b ? a : 0)
DEFINE_LANES(psignw, uint16_t, u16, (int16_t)b < 0 ? -a : b ? a : 0)
DEFINE_LANES(psignd, uint32_t, u32, (int32_t)b < 0 ? -a : b ? a : 0)
DEFINE_LANES(pabsb, uint8_t, u8, ((void)a, (int8_t)b < 0 ? -b : b))
DEFINE_LANES(pabsw, uint16_t, u16, ((void)a, (int16_t)b < 0 ? -b : b))
DEFINE_LANES(pabsd, uint32_t, u32, ((void)a, (int32_t)b < 0 ? -b : b))
DEFINE_LANES(pmulhrsw, uint16_t, u16, (((int32_t)(int16_t)a * (int16_t)b >> 14) + 1) >> 1)

static inline void lanes_pmaddubsw(union xmm_register *destination,
                                   const union xmm_register *source, unsigned bytes)
{
    for (unsigned i = 0; i < bytes / 2; i++)
        destination->u16[i] =
            saturate_i16(destination->u8[2 * i] * (int8_t)source->u8[2 * i] +
                         destination->u8[2 * i + 1] * (int8_t)source->u8[2 * i + 1]);
}
DEFINE_PACKED_FORMS(pmaddubsw)

static inline void lanes_pshufb(union xmm_register *destination, const union xmm_register *source,
                                unsigned bytes)
{
    const union xmm_register first = *destination;
    for (unsigned i = 0; i < bytes; i++)
        destination->u8[i] = source->u8[i] & 0x80 ? 0 : first.u8[source->u8[i] & (bytes - 1)];
}
DEFINE_PACKED_FORMS(pshufb)
