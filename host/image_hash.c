#include "host/image_hash.h"

#include "base/memory.h"

#include <string.h>
#include <xxhash.h>

enum { CHUNK_SECTORS = 512, CHUNK_SIZE = CHUNK_SECTORS * DISK_SECTOR_SIZE };

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* A sum over chunks, each hashed with its place: zeros add nothing. */
bool image_hash(struct disk_backend *disk, uint64_t *hash, struct error *err)
{
    uint8_t *chunk = mem_new(CHUNK_SIZE);
    bool ok = true;
    *hash = disk->sector_count;
    for (uint64_t lba = 0; ok && lba < disk->sector_count; lba += CHUNK_SECTORS) {
        uint64_t left = disk->sector_count - lba;
        uint32_t count = left < CHUNK_SECTORS ? (uint32_t)left : CHUNK_SECTORS;
        ok = disk->ops->read(disk, lba, count, chunk, err);
        if (ok && !is_zero(chunk, (size_t)count * DISK_SECTOR_SIZE))
            *hash += XXH3_64bits_withSeed(chunk, (size_t)count * DISK_SECTOR_SIZE, lba);
    }
    mem_free(chunk);
    return ok;
}
