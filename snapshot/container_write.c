/* See snapshot/container.h. */
#include "base/bits.h"
#include "base/memory.h"
#include "snapshot/container_format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    LEVEL = 1,
    /* The host starts to write behind us after so much, so that the end is not a long wait. */
    WRITE_BEHIND = 8 << 20,
};

struct container_writer {
    char *path, *temporary;
    int fd;
    uint64_t size, started; /* of the file; how much the host has been told to write */
    struct serial contents;
    XXH3_state_t *hash; /* of the section that is being written */
    uint64_t section_at;
    bool failed;
    struct error error;
};

static void write_bytes(struct container_writer *writer, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size && !writer->failed) {
        ssize_t done = write(writer->fd, from, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            writer->failed = true;
            error_set_errno(&writer->error, "cannot write %s (is there room on the disk?)",
                            writer->path);
            return;
        }
        from += done;
        size -= (size_t)done;
        writer->size += (uint64_t)done;
    }
    if (writer->size - writer->started >= WRITE_BEHIND) {
        (void)sync_file_range(writer->fd, (off_t)writer->started,
                              (off_t)(writer->size - writer->started), SYNC_FILE_RANGE_WRITE);
        writer->started = writer->size;
    }
}

struct container_writer *container_create(const char *path, const char *program, struct error *err)
{
    size_t room = strlen(path) + sizeof ".partial-XXXXXX";
    char *temporary = mem_new(room);
    snprintf(temporary, room, "%s.partial-XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        error_set_errno(err, "cannot make %s (give another folder)", path);
        mem_free(temporary);
        return NULL;
    }
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
    struct container_writer *writer = mem_new(sizeof *writer);
    writer->path = mem_string_copy(path);
    writer->temporary = temporary;
    writer->fd = fd;
    writer->hash = XXH3_createState();
    uint8_t header[HEADER_SIZE] = {0};
    memcpy(header, container_magic, sizeof container_magic);
    store_le32(header + HEADER_VERSION, CONTAINER_VERSION);
    snprintf((char *)header + HEADER_PROGRAM, HEADER_PROGRAM_SIZE, "%s", program);
    store_le64(header + HEADER_CHECKSUM, XXH3_64bits(header, HEADER_CHECKSUM));
    write_bytes(writer, header, sizeof header);
    return writer;
}

void container_begin(struct container_writer *writer, const char *name,
                     enum container_encoding encoding)
{
    uint8_t *entry = serial_extend(&writer->contents, ENTRY_SIZE);
    assert(strlen(name) < CONTAINER_NAME_SIZE);
    memset(entry, 0, ENTRY_SIZE);
    memcpy(entry, name, strlen(name));
    store_le32(entry + ENTRY_ENCODING, encoding);
    store_le64(entry + ENTRY_OFFSET, writer->size);
    writer->section_at = writer->size;
    XXH3_64bits_reset(writer->hash);
}

void container_append(struct container_writer *writer, const void *bytes, size_t size)
{
    XXH3_64bits_update(writer->hash, bytes, size);
    write_bytes(writer, bytes, size);
}

void container_end(struct container_writer *writer, uint64_t plain_size)
{
    uint8_t *entry = writer->contents.bytes + writer->contents.size - ENTRY_SIZE;
    store_le64(entry + ENTRY_STORED, writer->size - writer->section_at);
    store_le64(entry + ENTRY_PLAIN, plain_size);
    store_le64(entry + ENTRY_CHECKSUM, XXH3_64bits_digest(writer->hash));
}

void container_put(struct container_writer *writer, const char *name, const void *bytes,
                   size_t size, enum container_encoding encoding)
{
    container_begin(writer, name, encoding);
    if (encoding == ENCODING_PLAIN) {
        container_append(writer, bytes, size);
    } else {
        size_t room = ZSTD_compressBound(size);
        void *packed = mem_new(room);
        size_t packed_size = ZSTD_compress(packed, room, bytes, size, LEVEL);
        if (ZSTD_isError(packed_size)) {
            struct error err;
            error_set(&err, "zstd: %s", ZSTD_getErrorName(packed_size));
            container_fail(writer, &err);
        } else {
            container_append(writer, packed, packed_size);
        }
        mem_free(packed);
    }
    container_end(writer, size);
}

void container_fail(struct container_writer *writer, const struct error *err)
{
    if (writer->failed)
        return;
    writer->failed = true;
    writer->error = *err;
}

bool container_has_failed(const struct container_writer *writer)
{
    return writer->failed;
}

static void write_end(struct container_writer *writer)
{
    uint8_t footer[FOOTER_SIZE] = {0};
    const struct serial *contents = &writer->contents;
    store_le64(footer + FOOTER_OFFSET, writer->size);
    store_le64(footer + FOOTER_CONTENTS, contents->size);
    store_le64(footer + FOOTER_CONTENTS_CHECKSUM, XXH3_64bits(contents->bytes, contents->size));
    memcpy(footer + FOOTER_MAGIC, container_end_magic, sizeof container_end_magic);
    store_le64(footer + FOOTER_CHECKSUM, XXH3_64bits(footer, FOOTER_CHECKSUM));
    write_bytes(writer, contents->bytes, contents->size);
    write_bytes(writer, footer, sizeof footer);
}

/* The new name itself must be safe, too. */
static bool sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}

static void free_writer(struct container_writer *writer)
{
    serial_free(&writer->contents);
    XXH3_freeState(writer->hash);
    mem_free(writer->path);
    mem_free(writer->temporary);
    mem_free(writer);
}

void container_abandon(struct container_writer *writer)
{
    if (!writer)
        return;
    close(writer->fd);
    unlink(writer->temporary);
    free_writer(writer);
}

bool container_commit(struct container_writer *writer, struct error *err)
{
    if (!writer->failed)
        write_end(writer);
    if (!writer->failed && fsync(writer->fd) != 0) {
        writer->failed = true;
        error_set_errno(&writer->error, "cannot write %s", writer->path);
    }
    if (!writer->failed && rename(writer->temporary, writer->path) != 0) {
        writer->failed = true;
        error_set_errno(&writer->error, "cannot give %s its name", writer->path);
    }
    if (writer->failed) {
        if (err)
            *err = writer->error;
        container_abandon(writer);
        return false;
    }
    close(writer->fd);
    bool ok = sync_folder(writer->path) ||
              error_set_errno(err, "cannot sync the folder of %s", writer->path);
    free_writer(writer);
    return ok;
}
