/* Host memory. Running out of it is not recoverable for an emulator: these calls never return NULL;
 * they end the program with one clear line and status 1. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* A mapped block that is used from its beginning on. Its pages are got from the host some at a
 * time: to touch each for the first time would cost a fault, most of which is the way to the host's
 * kernel and back. */
struct mem_ahead {
    uint8_t *block;
    size_t size;  /* bytes */
    size_t ready; /* bytes from the beginning that have been asked for */
    bool is_read; /* the block may only be read */
};

/* Bytes [0, used) of the block are about to be used. */
void mem_ahead_more(struct mem_ahead *ahead, size_t used);
static inline void mem_ahead_use(struct mem_ahead *ahead, size_t used)
{
    if (used > ahead->ready)
        mem_ahead_more(ahead, used);
}

#endif
