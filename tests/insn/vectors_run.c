/* Runs the processor test vectors below a directory; says so loudly when there is none.
 * Alone: build/tests/insn/vectors_run DIRECTORY [OPTION...] */
#include "machine/vectors.h"

#include <stdio.h>
#include <unistd.h>

enum { EXIT_SKIP = 77, MAX_ARGUMENTS = 16 };

int main(int argc, char **argv)
{
    if (argc < 2 || argc > MAX_ARGUMENTS)
        return 2;
    if (access(argv[1], R_OK) != 0) {
        fprintf(stderr, "SKIPPED: there are no test vectors at %s\n", argv[1]);
        return EXIT_SKIP;
    }
    const struct vector_suite none = {0};
    return vectors_main(argc, argv, &none);
}
