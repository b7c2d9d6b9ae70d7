/* `anachron vectors`, with the suites that are part of the program. */
#include "cli/commands.h"
#include "machine/vectors.h"

extern const struct vector_suite vector_suites[]; /* made by machine/embed_suites.py */

int command_vectors(int argc, char **argv)
{
    return vectors_main(argc, argv, vector_suites);
}
