/* x87 work: a small n-body simulation and a polynomial, in double precision. */
#include "bare.h"

enum { BODIES = 5 };
struct body {
    double x[3], v[3], mass;
};

static struct body bodies[BODIES];

static double square_root(double value)
{
    __asm__("fsqrt" : "+t"(value));
    return value;
}

static void set_up(void)
{
    for (int i = 0; i < BODIES; i++) {
        bodies[i] = (struct body){
            {i * 1.5, i * i * 0.25, 3.0 - i  },
            {0.1 * i, 0.05,         -0.02 * i},
            1.0 / (i + 1)
        };
    }
}

static void attract(struct body *a, struct body *b, double dt)
{
    double d[3], distance2 = 0.01;
    for (int k = 0; k < 3; k++) {
        d[k] = a->x[k] - b->x[k];
        distance2 += d[k] * d[k];
    }
    double magnitude = dt / (distance2 * square_root(distance2));
    for (int k = 0; k < 3; k++) {
        a->v[k] -= d[k] * b->mass * magnitude;
        b->v[k] += d[k] * a->mass * magnitude;
    }
}

static void step(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++)
            attract(&bodies[i], &bodies[j], dt);
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
    }
}

static double polynomial(double x)
{
    double sum = 0;
    for (int i = 30; i > 0; i--)
        sum = sum * x + 1.0 / i;
    return sum;
}

void bare_tests(void)
{
    double sum = 0;
    __asm__ volatile("fninit");
    bare_print("BENCH begin\n");
    set_up();
    for (unsigned round = 0; round < 30000; round++)
        step(0.001);
    for (unsigned round = 0; round < 60000; round++)
        sum += polynomial(round * 0.00001);
    sum += bodies[0].x[0] + bodies[1].x[1] + bodies[4].v[2];
    uint32_t words[2];
    memcpy(words, &sum, sizeof words);
    bare_print("BENCH end %08x%08x\n", words[1], words[0]);
    CHECK("x87", sum != 0);
}
