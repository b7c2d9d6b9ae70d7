/* The command line of `anachron run`: words, each ended by a zero byte. Nothing is opened here;
 * what is refused is refused with a reason. */
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"
#include "cli/run_options.h"

#include <string.h>

enum { WORDS = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = mem_new(size + 1), program[] = "run", *words[WORDS + 2] = {program};
    int count = 1;
    if (size)
        memcpy(text, bytes, size);
    for (size_t at = 0; at < size && count <= WORDS; at += strlen(text + at) + 1)
        words[count++] = text + at;
    struct run_options options;
    struct error err = {""};
    if (!run_options_parse(count, words, &options, &err))
        fuzz_check(err.text[0] != 0);
    mem_free(text);
    return 0;
}
