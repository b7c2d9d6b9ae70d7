/* What a fuzz target is, and how it takes its input apart. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Called with one input after the other; returns 0. State must not survive a call. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The rest of an input. Beyond its end there are zeros. */
struct fuzz_input {
    const uint8_t *bytes;
    size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (!input->size)
        return 0;
    input->size--;
    return *input->bytes++;
}

static inline uint32_t fuzz_word(struct fuzz_input *input)
{
    uint32_t low = fuzz_byte(input);
    return low | (uint32_t)fuzz_byte(input) << 8;
}

static inline uint32_t fuzz_dword(struct fuzz_input *input)
{
    uint32_t low = fuzz_word(input);
    return low | fuzz_word(input) << 16;
}

/* The target's own assertion: false ends the program, which the fuzzer notices. */
static inline void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

#endif
