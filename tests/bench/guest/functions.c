/* The x87's own functions: FSIN, FCOS, FPTAN, FPATAN, F2XM1, FYL2X, and conversion to decimal.
 * Processors differ in their last bits, so the checksum is over results rounded to six decimals. */
#include "bench.h"

static double sine(double x)
{
    __asm__("fsin" : "+t"(x));
    return x;
}

static double cosine(double x)
{
    __asm__("fcos" : "+t"(x));
    return x;
}

static double arc_tangent(double y, double x)
{
    double result;
    __asm__("fpatan" : "=t"(result) : "0"(x), "u"(y) : "st(1)");
    return result;
}

static double two_to(double x)
{
    __asm__("f2xm1" : "+t"(x));
    return x + 1;
}

static double logarithm(double x)
{
    double result;
    __asm__("fyl2x" : "=t"(result) : "0"(x), "u"(1.0) : "st(1)");
    return result;
}

static uint32_t decimal_digits(double x)
{
    uint8_t packed[10];
    __asm__ volatile("fbstp %0" : "=m"(packed) : "t"(x) : "st");
    return packed[0] | packed[1] << 8 | packed[2] << 16;
}

static uint32_t rounded(double value)
{
    return (uint32_t)(int32_t)(value * 1e6 + 0.3);
}

int main(int argc, char **argv)
{
    uint32_t sum = 0, seed = 1;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        double x = (bench_random(&seed) >> 8) / 16777216.0;
        sum = bench_mix(sum, rounded(sine(x * 20)));
        sum = bench_mix(sum, rounded(cosine(x * 3)));
        sum = bench_mix(sum, rounded(arc_tangent(x, 0.5)));
        sum = bench_mix(sum, rounded(two_to(x - 0.5)));
        sum = bench_mix(sum, rounded(logarithm(x + 0.1)));
        sum = bench_mix(sum, decimal_digits(x * 123456));
    }
    return bench_result(sum);
}
