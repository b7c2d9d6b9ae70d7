/* Tables of the transcendental functions: 128-bit fixed-point numbers. */
#ifndef CPU_FLOAT_TABLES_H
#define CPU_FLOAT_TABLES_H

#include <stdint.h>

struct fixed128 {
    uint64_t high, low;
};

enum {
    FLOAT_SERIES_TERMS = 16,
    FLOAT_ODD_TERMS = 12,
    FLOAT_LOGARITHM_FIRST = 45, /* i of the first entry of float_logarithms */
};

extern const struct fixed128 float_sine_terms[FLOAT_SERIES_TERMS];
extern const struct fixed128 float_cosine_terms[FLOAT_SERIES_TERMS];
extern const struct fixed128 float_exponential_terms[FLOAT_SERIES_TERMS];
extern const struct fixed128 float_odd_terms[FLOAT_ODD_TERMS];
extern const struct fixed128 float_arctangents[33];
extern const struct fixed128 float_powers[32];
extern const struct fixed128 float_logarithms[47];

#endif
