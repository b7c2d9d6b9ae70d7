/* See snapshot/container.h. */
#include "base/bits.h"
#include "base/memory.h"
#include "snapshot/container_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

struct container {
    char *path;
    char program[HEADER_PROGRAM_SIZE + 1];
    const uint8_t *bytes;
    size_t size;
    bool is_mapped;
    unsigned count;
    struct container_section *sections;
};

static bool damaged(const struct container *container, const char *where, struct error *err)
{
    return error_set(err,
                     "%s: the saved state is damaged (%s); use another copy of the file, or start "
                     "without --load",
                     container->path, where);
}

static bool is_sealed(const uint8_t *bytes, size_t checksum_at)
{
    return load_le64(bytes + checksum_at) == XXH3_64bits(bytes, checksum_at);
}

static bool check_header(struct container *container, struct error *err)
{
    const uint8_t *header = container->bytes;
    if (container->size < HEADER_SIZE ||
        memcmp(header, container_magic, sizeof container_magic) != 0)
        return error_set(err, "%s: not a saved state of anachron (the command save makes them)",
                         container->path);
    if (!is_sealed(header, HEADER_CHECKSUM))
        return damaged(container, "its header", err);
    memcpy(container->program, header + HEADER_PROGRAM, HEADER_PROGRAM_SIZE);
    uint32_t version = load_le32(header + HEADER_VERSION);
    if (version != CONTAINER_VERSION)
        return error_set(err,
                         "%s: a saved state of format %u, by %s; this program knows format %d; use "
                         "the program that saved it",
                         container->path, (unsigned)version, container->program, CONTAINER_VERSION);
    return true;
}

/* The contents, found from the end of the file. */
static bool find_contents(const struct container *container, const uint8_t **contents,
                          struct error *err)
{
    if (container->size < HEADER_SIZE + FOOTER_SIZE)
        return damaged(container, "it ends too early", err);
    const uint8_t *footer = container->bytes + container->size - FOOTER_SIZE;
    if (memcmp(footer + FOOTER_MAGIC, container_end_magic, sizeof container_end_magic) != 0)
        return damaged(container, "its end is missing", err);
    uint64_t offset = load_le64(footer + FOOTER_OFFSET), size = load_le64(footer + FOOTER_CONTENTS);
    uint64_t end = container->size - FOOTER_SIZE;
    if (!is_sealed(footer, FOOTER_CHECKSUM) || offset < HEADER_SIZE || offset > end ||
        size != end - offset || size % ENTRY_SIZE || size / ENTRY_SIZE > CONTAINER_SECTIONS)
        return damaged(container, "its end", err);
    *contents = container->bytes + offset;
    if (load_le64(footer + FOOTER_CONTENTS_CHECKSUM) != XXH3_64bits(*contents, size))
        return damaged(container, "its table of contents", err);
    return true;
}

/* Sections follow each other without gaps, so nothing is without a checksum. */
static bool take_sections(struct container *container, const uint8_t *contents, struct error *err)
{
    uint64_t at = HEADER_SIZE, end = (uint64_t)(contents - container->bytes);
    container->count = (unsigned)((container->size - FOOTER_SIZE - end) / ENTRY_SIZE);
    container->sections = mem_new((container->count + 1) * sizeof *container->sections);
    for (unsigned i = 0; i < container->count; i++, contents += ENTRY_SIZE) {
        struct container_section *section = &container->sections[i];
        memcpy(section->name, contents, CONTAINER_NAME_SIZE);
        section->name[CONTAINER_NAME_SIZE - 1] = 0;
        section->encoding = load_le32(contents + ENTRY_ENCODING);
        section->size = load_le64(contents + ENTRY_STORED);
        section->plain_size = load_le64(contents + ENTRY_PLAIN);
        section->bytes = container->bytes + at;
        if (load_le64(contents + ENTRY_OFFSET) != at || section->size > end - at)
            return damaged(container, "its table of contents", err);
        at += section->size;
        if (load_le64(contents + ENTRY_CHECKSUM) != XXH3_64bits(section->bytes, section->size))
            return damaged(container, section->name, err);
    }
    return at == end || damaged(container, "its table of contents", err);
}

static bool check_all(struct container *container, struct error *err)
{
    const uint8_t *contents = NULL;
    return check_header(container, err) && find_contents(container, &contents, err) &&
           take_sections(container, contents, err);
}

struct container *container_open_bytes(const uint8_t *bytes, size_t size, const char *path,
                                       struct error *err)
{
    struct container *container = mem_new(sizeof *container);
    container->path = mem_string_copy(path);
    container->bytes = bytes;
    container->size = size;
    if (check_all(container, err))
        return container;
    container_close(container);
    return NULL;
}

/* The file as memory; *size 0: an empty one. MAP_FAILED: err. */
static void *map_file(const char *path, size_t *size, struct error *err)
{
    struct stat status;
    void *bytes = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        error_set_errno(err, "cannot open the saved state %s", path);
        return bytes;
    }
    if (fstat(fd, &status) != 0)
        error_set_errno(err, "cannot examine the saved state %s", path);
    else if (!S_ISREG(status.st_mode))
        error_set(err, "%s: not a saved state of anachron, but no regular file at all", path);
    else if (status.st_size == 0)
        error_set(err, "%s: not a saved state of anachron: the file is empty", path);
    else if ((bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd,
                           0)) == MAP_FAILED)
        error_set_errno(err, "cannot read the saved state %s", path);
    *size = (size_t)status.st_size;
    close(fd);
    return bytes;
}

struct container *container_open(const char *path, struct error *err)
{
    size_t size;
    void *bytes = map_file(path, &size, err);
    if (bytes == MAP_FAILED)
        return NULL;
    struct container *container = container_open_bytes(bytes, size, path, err);
    if (container)
        container->is_mapped = true;
    else
        munmap(bytes, size);
    return container;
}

void container_close(struct container *container)
{
    if (!container)
        return;
    if (container->is_mapped)
        munmap((void *)container->bytes, container->size);
    mem_free(container->sections);
    mem_free(container->path);
    mem_free(container);
}

const char *container_path(const struct container *container)
{
    return container->path;
}

const uint8_t *container_bytes(const struct container *container, size_t *size)
{
    *size = container->size;
    return container->bytes;
}

const char *container_program(const struct container *container)
{
    return container->program;
}

unsigned container_count(const struct container *container)
{
    return container->count;
}

const struct container_section *container_at(const struct container *container, unsigned index)
{
    return &container->sections[index];
}

const struct container_section *container_find(const struct container *container, const char *name)
{
    for (unsigned i = 0; i < container->count; i++)
        if (strcmp(container->sections[i].name, name) == 0)
            return &container->sections[i];
    return NULL;
}

bool container_read(const struct container *container, const char *name, size_t plain_limit,
                    struct serial *out, struct error *err)
{
    const struct container_section *section = container_find(container, name);
    if (!section)
        return error_set(err, "%s: the saved state has no section '%s'", container->path, name);
    bool is_plain = section->encoding == ENCODING_PLAIN;
    if (section->plain_size > plain_limit || (!is_plain && section->encoding != ENCODING_ZSTD) ||
        (is_plain && section->plain_size != section->size))
        return damaged(container, name, err);
    uint8_t *to = serial_extend(out, section->plain_size);
    if (is_plain)
        memcpy(to, section->bytes, section->size);
    else if (ZSTD_decompress(to, section->plain_size, section->bytes, section->size) !=
             section->plain_size)
        return damaged(container, name, err);
    return true;
}
