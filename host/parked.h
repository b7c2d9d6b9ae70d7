/* Bytes that are read seldom, and need not be in memory meanwhile: in a file of the host's that has
 * no name, which nobody else can change, and mapped. */
#ifndef HOST_PARKED_H
#define HOST_PARKED_H

#include <stddef.h>
#include <stdint.h>

/* A read-only mapping of a copy of bytes, to be ended with parked_free; the file is in $TMPDIR, or
 * in /tmp. NULL: there is no such place, or no room in it. */
uint8_t *parked_copy(const uint8_t *bytes, size_t size);
/* Lets go of what reading has brought into memory. */
void parked_rest(uint8_t *parked, size_t size);
void parked_free(uint8_t *parked, size_t size);

#endif
