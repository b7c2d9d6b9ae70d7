/* The snapshot file: named, versioned, checksummed sections. What is in the sections is the affair
 * of those who write them (machine/save.c; docs/snapshots.md lists them).
 *
 *     header    64 bytes: magic, version of the format, program, checksum
 *     sections  one after the other, without gaps
 *     contents  64 bytes a section: name, version, encoding, place, sizes, XXH3 of the stored bytes
 *     footer    40 bytes: place, size and XXH3 of the contents, magic, XXH3 of the footer
 *
 * So every byte of the file is under a checksum. All numbers are little-endian. The file is written
 * from front to end, under a temporary name, and renamed when it is safe on the disk: under its own
 * name there is the old file or the whole new one. */
#ifndef SNAPSHOT_CONTAINER_H
#define SNAPSHOT_CONTAINER_H

#include "base/error.h"
#include "snapshot/serial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTAINER_VERSION = 1, /* of the format, and of what the sections mean */
    CONTAINER_NAME_SIZE = 24,
    CONTAINER_SECTIONS = 256, /* at most */
};

enum container_encoding {
    ENCODING_PLAIN,
    ENCODING_ZSTD,   /* one frame */
    ENCODING_CHUNKS, /* snapshot/chunks.h */
};

/* --- writing --- */

struct container_writer;

/* Opens a temporary file in the folder of path. program (at most 23 characters) is for people.
 * NULL: err. */
struct container_writer *container_create(const char *path, const char *program, struct error *err);
/* Failures are kept until container_commit. name is shorter than CONTAINER_NAME_SIZE, and new. */
void container_put(struct container_writer *writer, const char *name, const void *bytes,
                   size_t size, enum container_encoding encoding);
/* A section in pieces. plain_size at the end: of what the pieces stand for. */
void container_begin(struct container_writer *writer, const char *name,
                     enum container_encoding encoding);
void container_append(struct container_writer *writer, const void *bytes, size_t size);
void container_end(struct container_writer *writer, uint64_t plain_size);
/* Something else went wrong: container_commit will fail with it, unless something has before. */
void container_fail(struct container_writer *writer, const struct error *err);
bool container_has_failed(const struct container_writer *writer);
/* Ends the file, waits until it is safe, and gives it its name. Frees writer. False: err; there is
 * no new file. */
bool container_commit(struct container_writer *writer, struct error *err);
/* Removes the temporary file and frees writer. NULL does nothing. */
void container_abandon(struct container_writer *writer);

/* --- reading --- */

struct container;

struct container_section {
    char name[CONTAINER_NAME_SIZE];
    uint32_t encoding; /* enum container_encoding */
    const uint8_t *bytes;
    uint64_t size, plain_size;
};

/* Maps the file and checks every byte of it. NULL: err says in one line why it is none, with path
 * in front. */
struct container *container_open(const char *path, struct error *err);
/* The same of bytes in memory, which must outlive it; path is for messages. */
struct container *container_open_bytes(const uint8_t *bytes, size_t size, const char *path,
                                       struct error *err);
void container_close(struct container *container);
const char *container_path(const struct container *container);
/* The whole file; valid as long as it is open. */
const uint8_t *container_bytes(const struct container *container, size_t *size);
/* The program that wrote it. */
const char *container_program(const struct container *container);

unsigned container_count(const struct container *container);
const struct container_section *container_at(const struct container *container, unsigned index);
/* NULL: there is none. */
const struct container_section *container_find(const struct container *container, const char *name);
/* Appends the contents of a section that is not in chunks. plain_limit: refuses what claims to be
 * larger. False: err. */
bool container_read(const struct container *container, const char *name, size_t plain_limit,
                    struct serial *out, struct error *err);

#endif
