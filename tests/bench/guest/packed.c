/* Packed SSE and SSE2: four fractals at a time, sums of products in float and in 16-bit integers,
 * sums of absolute differences, shuffles, comparisons. */
#include "bench.h"
#include <emmintrin.h>

enum { FLOATS = 1024, BYTES = 4096 };
static float a[FLOATS] __attribute__((aligned(16))), b[FLOATS] __attribute__((aligned(16)));
static uint8_t pixels[BYTES] __attribute__((aligned(16))),
    moved[BYTES] __attribute__((aligned(16)));

static uint32_t sum_lanes(__m128i value)
{
    uint32_t lanes[4];
    _mm_storeu_si128((__m128i *)lanes, value);
    return lanes[0] ^ lanes[1] * 3 ^ lanes[2] * 5 ^ lanes[3] * 7;
}

static uint32_t mandelbrot(float top)
{
    __m128i total = _mm_setzero_si128();
    const __m128 four = _mm_set1_ps(4), ci = _mm_set1_ps(top);
    for (int column = 0; column < 64; column += 4) {
        __m128 cr =
            _mm_add_ps(_mm_set1_ps(column / 32.0f - 1.5f), _mm_set_ps(0.09f, 0.06f, 0.03f, 0));
        __m128 zr = _mm_setzero_ps(), zi = zr;
        for (int i = 0; i < 30; i++) {
            __m128 r2 = _mm_mul_ps(zr, zr), i2 = _mm_mul_ps(zi, zi), ri = _mm_mul_ps(zr, zi);
            __m128 inside = _mm_cmplt_ps(_mm_add_ps(r2, i2), four);
            if (!_mm_movemask_ps(inside))
                break;
            total = _mm_sub_epi32(total, _mm_castps_si128(inside));
            zr = _mm_and_ps(inside, _mm_add_ps(_mm_sub_ps(r2, i2), cr));
            zi = _mm_and_ps(inside, _mm_add_ps(_mm_add_ps(ri, ri), ci));
        }
    }
    return sum_lanes(total);
}

static uint32_t float_products(void)
{
    __m128 sum = _mm_setzero_ps(), largest = sum;
    for (int i = 0; i < FLOATS; i += 4) {
        __m128 x = _mm_load_ps(a + i), y = _mm_load_ps(b + i);
        sum = _mm_add_ps(sum, _mm_mul_ps(x, _mm_shuffle_ps(y, y, 0x1B)));
        largest = _mm_max_ps(largest, _mm_div_ps(x, _mm_add_ps(_mm_sqrt_ps(y), x)));
    }
    return sum_lanes(_mm_castps_si128(sum)) ^
           sum_lanes(_mm_cvtps_epi32(_mm_mul_ps(largest, _mm_set1_ps(1e6f))));
}

static __m128i blend_sixteen(__m128i x, __m128i y)
{
    const __m128i zero = _mm_setzero_si128(), weight = _mm_set1_epi16(77);
    __m128i low = _mm_sub_epi16(_mm_unpacklo_epi8(x, zero), _mm_unpacklo_epi8(y, zero));
    __m128i high = _mm_sub_epi16(_mm_unpackhi_epi8(x, zero), _mm_unpackhi_epi8(y, zero));
    low = _mm_srai_epi16(_mm_mullo_epi16(low, weight), 8);
    high = _mm_srai_epi16(_mm_mullo_epi16(high, weight), 8);
    return _mm_add_epi8(_mm_packs_epi16(low, high), y);
}

static uint32_t blend(void)
{
    __m128i differences = _mm_setzero_si128(), products = differences;
    for (int i = 0; i < BYTES; i += 16) {
        __m128i x = _mm_load_si128((__m128i *)(pixels + i)),
                y = _mm_load_si128((__m128i *)(moved + i));
        __m128i result = _mm_avg_epu8(blend_sixteen(x, y), x);
        differences = _mm_add_epi64(differences, _mm_sad_epu8(result, y));
        products = _mm_add_epi32(products, _mm_madd_epi16(result, _mm_shuffle_epi32(x, 0xB1)));
        _mm_store_si128((__m128i *)(moved + i), result);
    }
    return sum_lanes(differences) ^ sum_lanes(products);
}

int main(int argc, char **argv)
{
    uint32_t sum = 0, seed = 1;
    for (int i = 0; i < FLOATS; i++) {
        a[i] = (bench_random(&seed) >> 8) / 65536.0f;
        b[i] = (bench_random(&seed) >> 8) / 65536.0f;
    }
    for (int i = 0; i < BYTES; i++) {
        pixels[i] = (uint8_t)(bench_random(&seed) >> 24);
        moved[i] = (uint8_t)(bench_random(&seed) >> 24);
    }
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum = bench_mix(sum, mandelbrot((round & 31) / 16.0f - 1));
        sum = bench_mix(sum, float_products());
        sum = bench_mix(sum, blend());
    }
    return bench_result(sum);
}
