/* Host memory. Running out of it is not recoverable for an emulator: these calls never return NULL;
 * they end the program with one clear line and status 1. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory of size bytes; the caller owns it and ends it with mem_free. */
void *mem_new(size_t size);
/* Like realloc; new bytes are not zeroed. */
void *mem_resize(void *block, size_t size);
char *mem_string_copy(const char *text);
void mem_free(void *block);

/* A page-aligned, zeroed, lazily committed block, for guest memory and other large tables. */
void *mem_map(size_t size);
/* The same where most of it will be used, and a fork of the process shall be quick: the host is
 * asked for large pages. */
void *mem_map_large(size_t size);
/* Makes all of such a block zero again, by giving its pages back. */
void mem_map_clear(void *block, size_t size);
void mem_unmap(void *block, size_t size);

#endif
