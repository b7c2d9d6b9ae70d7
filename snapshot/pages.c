/* See snapshot/pages.h. */
#include "snapshot/pages.h"

#include "base/bits.h"
#include "base/memory.h"
#include "snapshot/pages_private.h"

#include <assert.h>
#include <stdio.h>
#include <xxhash.h>

enum { NAME_SIZE = CONTAINER_NAME_SIZE, MAP_HEAD = 8 };

static bool is_zero(const uint8_t *page)
{
    const uint64_t *words = (const uint64_t *)page;
    for (unsigned i = 0; i < SNAPSHOT_PAGE / sizeof *words; i += 8) {
        uint64_t any = 0;
        for (unsigned k = 0; k < 8; k++)
            any |= words[i + k];
        if (any)
            return false;
    }
    return true;
}

/* --- saving --- */

/* A hash table of the contents so far. */
struct seen {
    uint64_t *hashes;
    uint32_t *pages; /* index of the first page with the contents, plus 1; 0: free */
    size_t mask;
};

static struct seen seen_new(size_t pages)
{
    size_t size = 1024;
    while (size < 2 * pages)
        size *= 2;
    return (struct seen){mem_map(size * sizeof(uint64_t)), mem_map(size * sizeof(uint32_t)),
                         size - 1};
}

static void seen_free(struct seen *seen)
{
    mem_unmap(seen->hashes, (seen->mask + 1) * sizeof *seen->hashes);
    mem_unmap(seen->pages, (seen->mask + 1) * sizeof *seen->pages);
}

/* The first page that has the contents of page number index: itself, if there was none. */
static size_t seen_first(struct seen *seen, const uint8_t *memory, size_t index)
{
    const uint8_t *page = memory + index * SNAPSHOT_PAGE;
    uint64_t hash = XXH3_64bits(page, SNAPSHOT_PAGE);
    size_t at = hash & seen->mask;
    for (; seen->pages[at]; at = (at + 1) & seen->mask) {
        size_t other = seen->pages[at] - 1;
        if (seen->hashes[at] == hash &&
            memcmp(memory + other * SNAPSHOT_PAGE, page, SNAPSHOT_PAGE) == 0)
            return other;
    }
    seen->pages[at] = (uint32_t)index + 1;
    seen->hashes[at] = hash;
    return index;
}

/* Collects pages into chunks. */
struct collector {
    struct chunk_writer *chunks;
    uint8_t *room;
    size_t used;
};

static void collect(struct collector *collector, const uint8_t *page)
{
    if (!collector->room)
        collector->room = chunk_writer_room(collector->chunks);
    memcpy(collector->room + collector->used, page, SNAPSHOT_PAGE);
    collector->used += SNAPSHOT_PAGE;
    if (collector->used < CHUNK_SIZE)
        return;
    chunk_writer_submit(collector->chunks, collector->used);
    collector->room = NULL;
    collector->used = 0;
}

static void part_name(char *part, const char *name, const char *suffix)
{
    int length = snprintf(part, NAME_SIZE, "%s.%s", name, suffix);
    assert(length < NAME_SIZE);
}

void pages_save(struct container_writer *writer, const char *name, const uint8_t *memory,
                size_t size, struct pages_counts *counts)
{
    size_t pages = size / SNAPSHOT_PAGE, map_size = MAP_HEAD + pages * 4;
    char part[NAME_SIZE];
    uint8_t *map = mem_map(map_size);
    struct seen seen = seen_new(pages);
    uint32_t contents = 0;
    struct pages_counts found = {.pages = pages};
    part_name(part, name, "pages");
    struct collector collector = {.chunks = chunk_writer_begin(writer, part)};
    store_le64(map, size);
    for (size_t i = 0; i < pages; i++) {
        const uint8_t *page = memory + i * SNAPSHOT_PAGE;
        if (is_zero(page)) {
            found.zero++;
            continue;
        }
        size_t first = seen_first(&seen, memory, i);
        if (first == i) {
            store_le32(map + MAP_HEAD + i * 4, ++contents);
            collect(&collector, page);
        } else {
            memcpy(map + MAP_HEAD + i * 4, map + MAP_HEAD + first * 4, 4);
            found.equal++;
        }
    }
    chunk_writer_submit(collector.chunks, collector.used);
    chunk_writer_end(collector.chunks);
    part_name(part, name, "map");
    container_put(writer, part, map, map_size, ENCODING_ZSTD);
    seen_free(&seen);
    mem_unmap(map, map_size);
    if (counts) {
        counts->pages += found.pages;
        counts->zero += found.zero;
        counts->equal += found.equal;
    }
}

/* --- loading --- */

uint32_t pages_map_at(const struct pages_map *map, size_t page)
{
    return load_le32(map->bytes.bytes + MAP_HEAD + page * 4);
}

/* Contents must be numbered as they appear, and be as many as there are in the chunks. */
static bool number_contents(struct pages_map *map)
{
    map->first = mem_new((map->pages + 1) * sizeof *map->first);
    for (size_t i = 0; i < map->pages; i++) {
        uint32_t number = pages_map_at(map, i);
        if (number > map->contents + 1)
            return false;
        if (number == map->contents + 1)
            map->first[map->contents++] = (uint32_t)i;
    }
    return true;
}

bool pages_map_read(const struct container *container, const char *name, size_t size,
                    struct pages_map *map, struct error *err)
{
    char part[NAME_SIZE];
    size_t map_size = MAP_HEAD + size / SNAPSHOT_PAGE * 4;
    *map = (struct pages_map){.pages = size / SNAPSHOT_PAGE};
    part_name(part, name, "map");
    if (!container_read(container, part, map_size, &map->bytes, err))
        return false;
    part_name(part, name, "pages");
    map->section = container_find(container, part);
    bool ok = map->section && map->bytes.size == map_size && load_le64(map->bytes.bytes) == size &&
              number_contents(map) &&
              map->section->plain_size == (uint64_t)map->contents * SNAPSHOT_PAGE &&
              chunks_count(map->section) == (map->contents + PAGES_IN_CHUNK - 1) / PAGES_IN_CHUNK;
    return ok || error_set(err, "%s: the saved memory '%s' has another size, or makes no sense",
                           container_path(container), name);
}

void pages_map_free(struct pages_map *map)
{
    serial_free(&map->bytes);
    mem_free(map->first);
}

struct loading {
    uint8_t *memory;
    struct pages_map map;
};

bool pages_check(const struct container *container, const char *name, size_t size,
                 struct error *err)
{
    struct pages_map map;
    bool ok = pages_map_read(container, name, size, &map, err);
    pages_map_free(&map);
    return ok;
}

/* Pages of a chunk that follow each other in memory, too, need not be copied. */
static uint8_t *place_chunk(void *context, size_t index, size_t size)
{
    const struct loading *loading = context;
    const uint32_t *first = loading->map.first + index * PAGES_IN_CHUNK;
    size_t count = size / SNAPSHOT_PAGE;
    if (count > loading->map.contents - index * PAGES_IN_CHUNK || size % SNAPSHOT_PAGE ||
        first[count - 1] - first[0] != count - 1)
        return NULL;
    return loading->memory + (size_t)first[0] * SNAPSHOT_PAGE;
}

static bool take_chunk(void *context, size_t index, const uint8_t *bytes, size_t size)
{
    const struct loading *loading = context;
    size_t done = index * PAGES_IN_CHUNK, left = loading->map.contents - done;
    if (size != (left < PAGES_IN_CHUNK ? left : PAGES_IN_CHUNK) * SNAPSHOT_PAGE)
        return false;
    for (size_t i = 0; i < size / SNAPSHOT_PAGE; i++) {
        uint8_t *to = loading->memory + (size_t)loading->map.first[done + i] * SNAPSHOT_PAGE;
        if (to != bytes + i * SNAPSHOT_PAGE)
            memcpy(to, bytes + i * SNAPSHOT_PAGE, SNAPSHOT_PAGE);
    }
    return true;
}

static void copy_equal_pages(const struct loading *loading)
{
    for (size_t i = 0; i < loading->map.pages; i++) {
        uint32_t number = pages_map_at(&loading->map, i);
        if (number && loading->map.first[number - 1] != i)
            memcpy(loading->memory + i * SNAPSHOT_PAGE,
                   loading->memory + (size_t)loading->map.first[number - 1] * SNAPSHOT_PAGE,
                   SNAPSHOT_PAGE);
    }
}

bool pages_load(const struct container *container, const char *name, uint8_t *memory, size_t size,
                struct error *err)
{
    struct loading loading = {.memory = memory};
    struct chunk_sink sink = {place_chunk, take_chunk, &loading, false};
    bool ok = pages_map_read(container, name, size, &loading.map, err) &&
              chunks_read(container, loading.map.section, &sink, err);
    if (ok)
        copy_equal_pages(&loading);
    pages_map_free(&loading.map);
    return ok;
}
