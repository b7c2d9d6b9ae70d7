/* The driver of a fuzz target where there is no fuzzer: feeds it the files that are named, or
 * made-up inputs, the same ones in every run. */
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"

#include <stdio.h>

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

static void replay_made_up(void)
{
    uint8_t *bytes = mem_new(MAX_SIZE);
    uint64_t seed = 1;
    for (unsigned input = 0; input < INPUTS; input++) {
        size_t size = input * MAX_SIZE / INPUTS;
        for (size_t i = 0; i < size; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[i] = (uint8_t)(seed >> 56);
        }
        LLVMFuzzerTestOneInput(bytes, size);
    }
    mem_free(bytes);
}

int main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++)
        status |= replay_file(argv[i]);
    if (argc == 1)
        replay_made_up();
    return status;
}
