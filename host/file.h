/* Whole files of the host. */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Reads path whole; the caller ends *bytes with mem_free. A terminator that *size does not count
 * stands behind the bytes. purpose ("a kernel") and limit (bytes) are for messages: false when the
 * file is missing, a directory, unreadable, empty or larger than limit. */
bool file_read(const char *path, const char *purpose, size_t limit, uint8_t **bytes, size_t *size,
               struct error *err);
/* Writes all of bytes at fd's position. False: errno says why not. */
bool file_write_all(int fd, const void *bytes, size_t size);

#endif
