/* Integer loops: a sieve, a matrix product, a table-driven checksum, the Collatz sequence. */
#include "bench.h"
#include <string.h>

enum { SIEVE_SIZE = 1 << 15, ORDER = 40 };

static uint32_t sieve(void)
{
    static uint8_t composite[SIEVE_SIZE];
    uint32_t count = 0;
    memset(composite, 0, sizeof composite);
    for (uint32_t i = 2; i < SIEVE_SIZE; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = i * 2; j < SIEVE_SIZE; j += i)
            composite[j] = 1;
    }
    return count;
}

static uint32_t matrix_product(uint32_t seed)
{
    static uint32_t a[ORDER][ORDER], b[ORDER][ORDER];
    uint32_t sum = 0;
    for (int i = 0; i < ORDER; i++) {
        for (int j = 0; j < ORDER; j++) {
            a[i][j] = bench_random(&seed) >> 8;
            b[i][j] = bench_random(&seed) >> 8;
        }
    }
    for (int i = 0; i < ORDER; i++) {
        for (int j = 0; j < ORDER; j++) {
            uint32_t cell = 0;
            for (int k = 0; k < ORDER; k++)
                cell += a[i][k] * b[k][j];
            sum = bench_mix(sum, cell);
        }
    }
    return sum;
}

static uint32_t table_checksum(uint32_t seed)
{
    static uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++)
            entry = entry & 1 ? entry >> 1 ^ 0xEDB88320u : entry >> 1;
        table[i] = entry;
    }
    uint32_t sum = ~0u;
    for (uint32_t i = 0; i < 60000; i++)
        sum = sum >> 8 ^ table[(sum ^ i ^ seed) & 255];
    return sum;
}

static uint32_t collatz(uint32_t start)
{
    uint32_t longest = 0;
    for (uint32_t first = start; first < start + 500; first++) {
        uint32_t steps = 0;
        for (uint32_t value = first; value != 1; steps++)
            value = value & 1 ? value * 3 + 1 : value / 2;
        longest = steps > longest ? steps : longest;
    }
    return longest;
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        sum = bench_mix(sum, sieve());
        sum = bench_mix(sum, matrix_product(sum));
        sum = bench_mix(sum, table_checksum(sum));
        sum = bench_mix(sum, collatz(1 + (sum & 0xFFF)));
    }
    return bench_result(sum);
}
