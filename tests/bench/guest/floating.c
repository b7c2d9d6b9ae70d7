/* Floating point in double precision, compiled once for the x87 and once for scalar SSE2: bodies
 * that attract each other, the Mandelbrot set, a spectral norm, polynomials. */
#include "bench.h"
#include <math.h>
#include <string.h>

enum { BODIES = 5, ORDER = 24 };
struct body {
    double x[3], v[3], mass;
};

static struct body bodies[BODIES];

static void attract(struct body *a, struct body *b, double dt)
{
    double d[3], distance2 = 0.01;
    for (int k = 0; k < 3; k++) {
        d[k] = a->x[k] - b->x[k];
        distance2 += d[k] * d[k];
    }
    double magnitude = dt / (distance2 * sqrt(distance2));
    for (int k = 0; k < 3; k++) {
        a->v[k] -= d[k] * b->mass * magnitude;
        b->v[k] += d[k] * a->mass * magnitude;
    }
}

static double move_bodies(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++)
            attract(&bodies[i], &bodies[j], dt);
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
    }
    return bodies[0].x[0] + bodies[4].v[2];
}

static uint32_t mandelbrot(double top)
{
    uint32_t total = 0;
    for (int column = 0; column < 48; column++) {
        double cr = column / 24.0 - 1.5, zr = 0, zi = 0;
        int steps = 0;
        for (; steps < 40 && zr * zr + zi * zi < 4; steps++) {
            double next = zr * zr - zi * zi + cr;
            zi = 2 * zr * zi + top;
            zr = next;
        }
        total += (uint32_t)steps;
    }
    return total;
}

static double spectral(void)
{
    double u[ORDER], v[ORDER], dot = 0, norm = 0;
    for (int i = 0; i < ORDER; i++)
        u[i] = 1;
    for (int i = 0; i < ORDER; i++) {
        v[i] = 0;
        for (int j = 0; j < ORDER; j++)
            v[i] += u[j] / ((i + j) * (i + j + 1) / 2 + i + 1);
        dot += u[i] * v[i];
        norm += v[i] * v[i];
    }
    return sqrt(dot / norm);
}

static double polynomial(double x)
{
    double sum = 0;
    for (int i = 30; i > 0; i--)
        sum = sum * x + 1.0 / i;
    return sum;
}

static uint32_t bits(double value)
{
    uint32_t words[2];
    memcpy(words, &value, sizeof words);
    return words[0] ^ words[1];
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    for (int i = 0; i < BODIES; i++) {
        bodies[i] = (struct body){
            {i * 1.5, i * i * 0.25, 3.0 - i  },
            {0.1 * i, 0.05,         -0.02 * i},
            1.0 / (i + 1)
        };
    }
    for (unsigned round = bench_work(argc, argv); round; round--) {
        for (int i = 0; i < 10; i++)
            sum = bench_mix(sum, bits(move_bodies(0.001)));
        sum = bench_mix(sum, mandelbrot((round & 63) / 32.0 - 1));
        sum = bench_mix(sum, bits(spectral()));
        for (int i = 0; i < 10; i++)
            sum = bench_mix(sum, bits(polynomial((round & 255) * 0.003 + i * 0.01)));
    }
    return bench_result(sum);
}
