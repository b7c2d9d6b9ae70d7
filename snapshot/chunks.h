/* Large contents of sections: chunks of at most CHUNK_SIZE bytes, each compressed by itself, so
 * that several threads do it at once.
 *
 *     section: per chunk   stored size (32 bits), plain size (32 bits), a zstd frame; or, where the
 *                          sizes are equal, the bytes themselves */
#ifndef SNAPSHOT_CHUNKS_H
#define SNAPSHOT_CHUNKS_H

#include "snapshot/container.h"

enum { CHUNK_SIZE = 256 << 10 };

struct chunk_writer;

/* Begins a section of writer with that name. */
struct chunk_writer *chunk_writer_begin(struct container_writer *writer, const char *name);
/* Room for the next CHUNK_SIZE bytes; fill in some and submit them. */
uint8_t *chunk_writer_room(struct chunk_writer *chunks);
void chunk_writer_submit(struct chunk_writer *chunks, size_t size);
/* Ends the section and frees chunks. Failures come from container_commit. */
void chunk_writer_end(struct chunk_writer *chunks);

/* Reading: for each chunk, in any order and from several threads at once (in order, and from the
 * caller's only, with one_by_one), place says where its size plain bytes go: into memory of its own
 * (at least size bytes), or, NULL, into a buffer. Then take is called with them. False: the chunk
 * cannot be. */
struct chunk_sink {
    uint8_t *(*place)(void *context, size_t index, size_t size);
    bool (*take)(void *context, size_t index, const uint8_t *bytes, size_t size);
    void *context;
    bool one_by_one;
};
/* Chunks that the section has, or SIZE_MAX if it is no row of chunks. */
size_t chunks_count(const struct container_section *section);
/* One chunk, into bytes, which has room for CHUNK_SIZE; its size, or 0: it is damaged. scratch is
 * NULL at first, and ends with chunk_scratch_free. at: where chunk_offsets says that it is. */
struct chunk_scratch;
size_t chunk_read(const struct container_section *section, uint64_t at,
                  struct chunk_scratch **scratch, uint8_t *bytes);
void chunk_scratch_free(struct chunk_scratch *scratch);
/* The places of chunks_count chunks, which are more than 0; the caller ends it with mem_free. */
uint64_t *chunk_offsets(const struct container_section *section, size_t count);

bool chunks_read(const struct container *container, const struct container_section *section,
                 const struct chunk_sink *sink, struct error *err);

#endif
