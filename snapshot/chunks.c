/* See snapshot/chunks.h. */
#include "snapshot/chunks.h"

#include "base/bits.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { THREADS_MOST = 4, SLOTS = 16, PREFIX_SIZE = 8, LEVEL = 1 };
/* A busy host shall not make saving long: what is not compressed by then stays as it is. */
#define COMPRESS_NS UINT64_C(800000000)

static unsigned thread_count(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > THREADS_MOST ? THREADS_MOST : (unsigned)processors;
}

/* --- writing --- */

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_BUSY, SLOT_DONE };

struct slot {
    enum slot_state state;
    uint8_t *plain, *packed; /* packed: behind its prefix */
    size_t size, packed_size;
};

/* A ring of slots: the caller fills them, workers compress them, the caller writes them in order.
 */
struct chunk_writer {
    struct container_writer *writer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot slot[SLOTS];
    uint64_t filled, taken, written; /* chunks, each modulo SLOTS a slot */
    bool ending;
    unsigned threads;
    pthread_t thread[THREADS_MOST];
    uint64_t plain_size;
    uint64_t deadline; /* host time */
};

static uint64_t host_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Compressed if there is time and that makes it smaller, else as it is. */
static size_t pack(ZSTD_CCtx *context, struct slot *slot, uint64_t deadline)
{
    size_t size = slot->size;
    if (host_time() < deadline)
        size = ZSTD_compressCCtx(context, slot->packed + PREFIX_SIZE, slot->size - 1, slot->plain,
                                 slot->size, LEVEL);
    if (size == slot->size || ZSTD_isError(size)) {
        size = slot->size;
        memcpy(slot->packed + PREFIX_SIZE, slot->plain, size);
    }
    store_le32(slot->packed, (uint32_t)size);
    store_le32(slot->packed + 4, (uint32_t)slot->size);
    return PREFIX_SIZE + size;
}

static void *pack_chunks(void *argument)
{
    struct chunk_writer *chunks = argument;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    pthread_mutex_lock(&chunks->lock);
    for (;;) {
        while (chunks->taken == chunks->filled && !chunks->ending)
            pthread_cond_wait(&chunks->changed, &chunks->lock);
        if (chunks->taken == chunks->filled)
            break;
        struct slot *slot = &chunks->slot[chunks->taken++ % SLOTS];
        slot->state = SLOT_BUSY;
        pthread_mutex_unlock(&chunks->lock);
        size_t size = context ? pack(context, slot, chunks->deadline) : 0;
        pthread_mutex_lock(&chunks->lock);
        slot->packed_size = size;
        slot->state = SLOT_DONE;
        pthread_cond_broadcast(&chunks->changed);
    }
    pthread_mutex_unlock(&chunks->lock);
    ZSTD_freeCCtx(context);
    return NULL;
}

struct chunk_writer *chunk_writer_begin(struct container_writer *writer, const char *name)
{
    struct chunk_writer *chunks = mem_new(sizeof *chunks);
    chunks->writer = writer;
    chunks->deadline = host_time() + COMPRESS_NS;
    pthread_mutex_init(&chunks->lock, NULL);
    pthread_cond_init(&chunks->changed, NULL);
    container_begin(writer, name, ENCODING_CHUNKS);
    for (unsigned i = 0; i < SLOTS; i++) {
        chunks->slot[i].plain = mem_new(CHUNK_SIZE);
        chunks->slot[i].packed = mem_new(PREFIX_SIZE + ZSTD_compressBound(CHUNK_SIZE));
    }
    for (unsigned wanted = thread_count(); chunks->threads < wanted; chunks->threads++)
        if (pthread_create(&chunks->thread[chunks->threads], NULL, pack_chunks, chunks) != 0)
            break;
    if (!chunks->threads) {
        struct error err;
        error_set(&err, "cannot start a thread to compress the saved state");
        container_fail(writer, &err);
    }
    return chunks;
}

/* The oldest chunk, as soon as it is compressed, goes to the file. */
static void write_oldest(struct chunk_writer *chunks)
{
    struct slot *slot = &chunks->slot[chunks->written % SLOTS];
    pthread_mutex_lock(&chunks->lock);
    while (slot->state != SLOT_DONE)
        pthread_cond_wait(&chunks->changed, &chunks->lock);
    pthread_mutex_unlock(&chunks->lock);
    if (!slot->packed_size) {
        struct error err;
        error_set(&err, "zstd cannot compress the saved state (is there memory left?)");
        container_fail(chunks->writer, &err);
    }
    container_append(chunks->writer, slot->packed, slot->packed_size);
    slot->state = SLOT_FREE;
    chunks->written++;
}

uint8_t *chunk_writer_room(struct chunk_writer *chunks)
{
    if (chunks->filled - chunks->written == SLOTS && chunks->threads)
        write_oldest(chunks);
    return chunks->slot[chunks->filled % SLOTS].plain;
}

void chunk_writer_submit(struct chunk_writer *chunks, size_t size)
{
    if (!size || !chunks->threads)
        return;
    struct slot *slot = &chunks->slot[chunks->filled % SLOTS];
    slot->size = size;
    chunks->plain_size += size;
    pthread_mutex_lock(&chunks->lock);
    slot->state = SLOT_FULL;
    chunks->filled++;
    pthread_cond_broadcast(&chunks->changed);
    pthread_mutex_unlock(&chunks->lock);
}

void chunk_writer_end(struct chunk_writer *chunks)
{
    pthread_mutex_lock(&chunks->lock);
    chunks->ending = true;
    pthread_cond_broadcast(&chunks->changed);
    pthread_mutex_unlock(&chunks->lock);
    while (chunks->written < chunks->filled)
        write_oldest(chunks);
    for (unsigned i = 0; i < chunks->threads; i++)
        pthread_join(chunks->thread[i], NULL);
    container_end(chunks->writer, chunks->plain_size);
    for (unsigned i = 0; i < SLOTS; i++) {
        mem_free(chunks->slot[i].plain);
        mem_free(chunks->slot[i].packed);
    }
    pthread_cond_destroy(&chunks->changed);
    pthread_mutex_destroy(&chunks->lock);
    mem_free(chunks);
}

/* --- reading --- */

struct chunk {
    const uint8_t *bytes;
    uint32_t size, plain_size;
};

/* The chunk at *at, which moves behind it. False: there is none that can be. */
static bool next_chunk(const struct container_section *section, uint64_t *at, struct chunk *chunk)
{
    if (section->size - *at < PREFIX_SIZE)
        return false;
    chunk->size = load_le32(section->bytes + *at);
    chunk->plain_size = load_le32(section->bytes + *at + 4);
    chunk->bytes = section->bytes + *at + PREFIX_SIZE;
    *at += PREFIX_SIZE;
    if (chunk->size > section->size - *at || !chunk->plain_size || chunk->plain_size > CHUNK_SIZE ||
        chunk->size > chunk->plain_size)
        return false;
    *at += chunk->size;
    return true;
}

size_t chunks_count(const struct container_section *section)
{
    struct chunk chunk;
    size_t count = 0;
    for (uint64_t at = 0; at < section->size; count++)
        if (!next_chunk(section, &at, &chunk))
            return SIZE_MAX;
    return section->encoding == ENCODING_CHUNKS ? count : SIZE_MAX;
}

/* False: it is damaged. */
static bool decode(ZSTD_DCtx *context, const struct chunk *chunk, uint8_t *to)
{
    if (chunk->size < chunk->plain_size)
        return ZSTD_decompressDCtx(context, to, chunk->plain_size, chunk->bytes, chunk->size) ==
               chunk->plain_size;
    memcpy(to, chunk->bytes, chunk->size);
    return true;
}

size_t chunk_read(const struct container_section *section, uint64_t at,
                  struct chunk_scratch **scratch, uint8_t *bytes)
{
    struct chunk chunk;
    if (!*scratch)
        *scratch = (struct chunk_scratch *)ZSTD_createDCtx();
    if (!*scratch || !next_chunk(section, &at, &chunk))
        return 0;
    return decode((ZSTD_DCtx *)*scratch, &chunk, bytes) ? chunk.plain_size : 0;
}

void chunk_scratch_free(struct chunk_scratch *scratch)
{
    ZSTD_freeDCtx((ZSTD_DCtx *)scratch);
}

uint64_t *chunk_offsets(const struct container_section *section, size_t count)
{
    struct chunk chunk;
    uint64_t *offsets = mem_new((count + 1) * sizeof *offsets), at = 0;
    for (size_t i = 0; i < count; i++) {
        offsets[i] = at;
        next_chunk(section, &at, &chunk);
    }
    return offsets;
}

struct chunk_reader {
    const struct chunk_sink *sink;
    struct chunk *chunks;
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
};

static bool unpack(ZSTD_DCtx *context, struct chunk_reader *reader, size_t index, uint8_t *buffer)
{
    const struct chunk *chunk = &reader->chunks[index];
    const struct chunk_sink *sink = reader->sink;
    uint8_t *to = sink->place ? sink->place(sink->context, index, chunk->plain_size) : NULL;
    if (!to)
        to = buffer;
    return decode(context, chunk, to) && sink->take(sink->context, index, to, chunk->plain_size);
}

static void *unpack_chunks(void *argument)
{
    struct chunk_reader *reader = argument;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    uint8_t *buffer = mem_new(CHUNK_SIZE);
    for (size_t index; !atomic_load(&reader->failed) &&
                       (index = atomic_fetch_add(&reader->next, 1)) < reader->count;)
        if (!context || !unpack(context, reader, index, buffer))
            atomic_store(&reader->failed, true);
    mem_free(buffer);
    ZSTD_freeDCtx(context);
    return NULL;
}

/* The caller's thread is one of those that work. */
static void unpack_all(struct chunk_reader *reader)
{
    pthread_t thread[THREADS_MOST];
    unsigned started = 0, wanted = reader->sink->one_by_one ? 0 : thread_count() - 1;
    while (started < wanted && pthread_create(&thread[started], NULL, unpack_chunks, reader) == 0)
        started++;
    unpack_chunks(reader);
    while (started)
        pthread_join(thread[--started], NULL);
}

bool chunks_read(const struct container *container, const struct container_section *section,
                 const struct chunk_sink *sink, struct error *err)
{
    size_t count = chunks_count(section);
    bool ok = count != SIZE_MAX;
    if (ok) {
        struct chunk_reader reader = {
            .sink = sink, .chunks = mem_new((count + 1) * sizeof(struct chunk)), .count = count};
        uint64_t at = 0;
        for (size_t i = 0; i < count; i++)
            next_chunk(section, &at, &reader.chunks[i]);
        unpack_all(&reader);
        ok = !reader.failed;
        mem_free(reader.chunks);
    }
    return ok || error_set(err, "%s: section '%s' of the saved state makes no sense",
                           container_path(container), section->name);
}
