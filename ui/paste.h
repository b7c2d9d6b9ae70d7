/* Text from a clipboard, to be typed. */
#ifndef UI_PASTE_H
#define UI_PASTE_H

#include <stddef.h>

/* The text as the argument of a type command: braces doubled, lines ended once, what no key types
 * left out and counted. The caller ends it with mem_free. */
char *paste_as_keys(const char *text, size_t size, unsigned *left_out);

#endif
