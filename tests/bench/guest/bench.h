#pragma once
/* What the benchmark programs share. Each takes its amount of work as its last argument and prints
 * one checksum, which must be the same on every machine. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The amount of work: the last argument, at least 1. */
static inline unsigned bench_work(int argc, char **argv)
{
    long work = argc > 1 ? strtol(argv[argc - 1], NULL, 10) : 0;
    if (work < 1) {
        fprintf(stderr, "usage: %s WORK, at least 1\n", argv[0]);
        exit(2);
    }
    return (unsigned)work;
}

/* The next of a sequence of numbers whose upper bits look random. */
static inline uint32_t bench_random(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

static inline uint32_t bench_mix(uint32_t sum, uint32_t value)
{
    return (sum ^ value) * 16777619u;
}

static inline int bench_result(uint32_t sum)
{
    printf("%08x\n", sum);
    return 0;
}

/* Ends the program when the system refuses something. */
static inline void bench_require(int condition, const char *what)
{
    if (!condition) {
        perror(what);
        exit(1);
    }
}
