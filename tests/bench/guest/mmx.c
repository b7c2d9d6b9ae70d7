/* MMX: blending of pictures, sums of products, unpacking and packing, and EMMS with x87 between. */
#include "bench.h"
#include <mmintrin.h>

enum { BYTES = 4096 };
static uint8_t x[BYTES] __attribute__((aligned(8))), y[BYTES] __attribute__((aligned(8)));

static uint32_t fold(__m64 value)
{
    return (uint32_t)_mm_cvtsi64_si32(value) ^
           3 * (uint32_t)_mm_cvtsi64_si32(_mm_srli_si64(value, 32));
}

static uint32_t blend(int weight)
{
    const __m64 zero = _mm_setzero_si64(), factor = _mm_set1_pi16((int16_t)weight);
    __m64 sum = zero;
    for (int i = 0; i < BYTES; i += 8) {
        __m64 a = *(__m64 *)(x + i), b = *(__m64 *)(y + i);
        __m64 low = _mm_sub_pi16(_mm_unpacklo_pi8(a, zero), _mm_unpacklo_pi8(b, zero));
        __m64 high = _mm_sub_pi16(_mm_unpackhi_pi8(a, zero), _mm_unpackhi_pi8(b, zero));
        low = _mm_srai_pi16(_mm_mullo_pi16(low, factor), 8);
        high = _mm_srai_pi16(_mm_mullo_pi16(high, factor), 8);
        __m64 result = _mm_add_pi8(_mm_packs_pi16(low, high), b);
        sum = _mm_add_pi32(sum, _mm_madd_pi16(low, high));
        result = _mm_xor_si64(result, _mm_and_si64(_mm_cmpgt_pi8(a, b), _mm_subs_pu8(a, b)));
        *(__m64 *)(y + i) = _mm_adds_pu8(result, _mm_slli_pi16(a, 3));
    }
    uint32_t folded = fold(sum);
    _mm_empty();
    return folded;
}

int main(int argc, char **argv)
{
    uint32_t sum = 0, seed = 1;
    volatile double scale = 1;
    for (int i = 0; i < BYTES; i++) {
        x[i] = (uint8_t)(bench_random(&seed) >> 24);
        y[i] = (uint8_t)(bench_random(&seed) >> 24);
    }
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum = bench_mix(sum, blend((int)(round & 255)));
        scale = scale * 1.000001 + (sum & 1);
    }
    for (int i = 0; i < BYTES; i++)
        sum = bench_mix(sum, y[i]);
    return bench_result(sum ^ (uint32_t)scale);
}
