/* Branches that depend on data: quicksort, binary search, a tokenizer. */
#include "bench.h"

enum { COUNT = 5000, TEXT = 20000 };

static void quicksort(int32_t *low, int32_t *high)
{
    while (low < high) {
        int32_t pivot = low[(high - low) / 2], *i = low, *j = high;
        while (i <= j) {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j) {
                int32_t swapped = *i;
                *i++ = *j;
                *j-- = swapped;
            }
        }
        quicksort(low, j);
        low = i;
    }
}

static uint32_t find(const int32_t *sorted, int32_t wanted)
{
    uint32_t low = 0, high = COUNT;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sorted[middle] == wanted)
            return middle;
        if (sorted[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t tokenize(const char *text)
{
    uint32_t words = 0, numbers = 0, others = 0;
    for (const char *at = text; *at;) {
        if (*at >= 'a' && *at <= 'z') {
            words++;
            while ((*at >= 'a' && *at <= 'z') || *at == '_')
                at++;
        } else if (*at >= '0' && *at <= '9') {
            numbers++;
            while (*at >= '0' && *at <= '9')
                at++;
        } else {
            others += *at != ' ';
            at++;
        }
    }
    return words ^ numbers << 10 ^ others << 20;
}

int main(int argc, char **argv)
{
    static int32_t values[COUNT];
    static char text[TEXT + 1];
    uint32_t sum = 0, seed = 1;
    for (unsigned round = bench_work(argc, argv); round; round--) {
        for (int i = 0; i < COUNT; i++)
            values[i] = (int32_t)(bench_random(&seed) >> 4);
        quicksort(values, values + COUNT - 1);
        for (int i = 0; i < COUNT; i++)
            sum = bench_mix(sum, find(values, (int32_t)(bench_random(&seed) >> 4)));
        for (int i = 0; i < TEXT; i++)
            text[i] = "aebit_ou lr17s0(+;"[(bench_random(&seed) >> 16) % 18];
        sum = bench_mix(sum, tokenize(text));
    }
    return bench_result(sum);
}
