/* The driver of a fuzz target where there is no fuzzer: feeds it the files that are named, or
 * made-up inputs, the same ones in every run; or, for a target that is too slow for the fuzzer,
 *
 *     fuzz_NAME --random SECONDS SEED FILE
 *
 * other ones for a while, each of which is written to FILE first, so that the one that did it is
 * there. */
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { INPUTS = 500, MAX_SIZE = 600, MAX_FILE_SIZE = 1 << 20 };

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    uint8_t *bytes = mem_new(MAX_FILE_SIZE);
    size_t size = fread(bytes, 1, MAX_FILE_SIZE, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    mem_free(bytes);
    return 0;
}

static void make_up(uint64_t *seed, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(*seed >> 56);
    }
}

static void replay_made_up(void)
{
    uint8_t *bytes = mem_new(MAX_SIZE);
    uint64_t seed = 1;
    for (unsigned input = 0; input < INPUTS; input++) {
        size_t size = input * MAX_SIZE / INPUTS;
        make_up(&seed, bytes, size);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    mem_free(bytes);
}

static int replay_random(unsigned seconds, uint64_t seed, const char *path)
{
    uint8_t *bytes = mem_new(MAX_SIZE);
    time_t end = time(NULL) + seconds;
    unsigned long inputs = 0;
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        return 1;
    }
    for (; time(NULL) < end; inputs++) {
        size_t size = inputs % MAX_SIZE;
        make_up(&seed, bytes, size);
        file = freopen(path, "wb", file);
        if (!file || fwrite(bytes, 1, size, file) != size || fflush(file))
            return 1;
        LLVMFuzzerTestOneInput(bytes, size);
    }
    fclose(file);
    mem_free(bytes);
    printf("%lu inputs\n", inputs);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc == 5 && strcmp(argv[1], "--random") == 0)
        return replay_random((unsigned)atoi(argv[2]), strtoull(argv[3], NULL, 0), argv[4]);
    for (int i = 1; i < argc; i++)
        status |= replay_file(argv[i]);
    if (argc == 1)
        replay_made_up();
    return status;
}
