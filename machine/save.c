/* Saving: see machine/saved.h. */
#include "base/memory.h"
#include "machine/history.h"
#include "machine/pack.h"
#include "machine/saved_private.h"
#include "snapshot/chunks.h"
#include "snapshot/pages.h"

#include <stdio.h>
#include <stdlib.h>

static void put_files(struct machine *machine, struct container_writer *writer)
{
    struct saved_blob row;
    for (unsigned i = 0; saved_blob_at(i, &row); i++) {
        const struct blob *blob =
            (const struct blob *)((const uint8_t *)&machine->config + row.blob);
        if (blob->bytes)
            container_put(writer, row.section, blob->bytes, blob->size, ENCODING_ZSTD);
    }
    machine_rest_files(machine);
}

static void put_state(struct machine *machine, struct container_writer *writer)
{
    struct serial bytes = {0};
    machine_pack(machine, &bytes);
    container_put(writer, "state", bytes.bytes, bytes.size, ENCODING_ZSTD);
    bytes.size = 0;
    state_describe(machine->state, &bytes);
    container_put(writer, "state.fields", bytes.bytes, bytes.size, ENCODING_ZSTD);
    serial_free(&bytes);
}

static void put_memory(struct machine *machine, struct container_writer *writer)
{
    const char *name;
    uint8_t *memory;
    size_t size;
    for (unsigned i = 0; state_memory(machine->state, i, &name, &memory, &size); i++)
        pages_save(writer, name, memory, size, NULL);
}

/* Section overlayN.map: first sector and number of sectors (64 bits each) of the runs that were
 * written; overlayN.data: the sectors, in chunks. */
static void put_overlay(struct container_writer *writer, struct disk_backend *disk, unsigned place)
{
    enum { CHUNK_SECTORS = CHUNK_SIZE / DISK_SECTOR_SIZE };
    char name[CONTAINER_NAME_SIZE];
    struct serial map = {0};
    struct error err;
    uint64_t lba = 0, count;
    snprintf(name, sizeof name, "overlay%u.data", place);
    struct chunk_writer *chunks = chunk_writer_begin(writer, name);
    for (; disk->ops->next_written(disk, &lba, &count); lba += count) {
        serial_put_u64(&map, lba);
        serial_put_u64(&map, count);
        for (uint64_t done = 0, part; done < count; done += part) {
            part = count - done < CHUNK_SECTORS ? count - done : CHUNK_SECTORS;
            if (!disk->ops->read(disk, lba + done, (uint32_t)part, chunk_writer_room(chunks), &err))
                container_fail(writer, &err);
            chunk_writer_submit(chunks, (size_t)part * DISK_SECTOR_SIZE);
        }
    }
    chunk_writer_end(chunks);
    snprintf(name, sizeof name, "overlay%u.map", place);
    container_put(writer, name, map.bytes, map.size, ENCODING_ZSTD);
    serial_free(&map);
}

static void put_disks(struct machine *machine, struct container_writer *writer)
{
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        struct disk_backend *disk = saved_medium(machine, i);
        if (disk && disk->ops->next_written && !disk->kept_beside)
            put_overlay(writer, disk, i);
    }
}

/* What a guest has written to a file directly is to be there when the state is. */
static bool flush_disks(struct machine *machine, struct error *err)
{
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        struct disk_backend *disk = saved_medium(machine, i);
        if (disk && !disk->read_only && !disk->ops->flush(disk, err))
            return false;
    }
    return true;
}

bool machine_save(struct machine *machine, const char *path, struct error *err)
{
    struct history_info history;
    history_get_info(machine, &history);
    if (history.in_past)
        return error_set(err,
                         "the machine is in its past, and only the present can be saved: let "
                         "it run to it, or make this moment the present, first");
    if (!flush_disks(machine, err))
        return false;
    json_t *json = saved_describe(machine, err);
    if (!json)
        return false;
    struct container_writer *writer = container_create(path, saved_program(), err);
    if (writer) {
        char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
        container_put(writer, "machine", text, strlen(text), ENCODING_ZSTD);
        free(text);
        put_state(machine, writer);
        put_files(machine, writer);
        put_disks(machine, writer);
        put_memory(machine, writer);
    }
    json_decref(json);
    return writer && container_commit(writer, err);
}
