/* Loading: see machine/saved.h. */
#include "base/memory.h"
#include "machine/pack.h"
#include "machine/saved_private.h"
#include "snapshot/chunks.h"
#include "snapshot/pages.h"
#include "snapshot/pages_lazy.h"

#include <stdio.h>

/* Sizes that a sensible file does not exceed. */
enum { JSON_MOST = 1 << 20, STATE_MOST = 64 << 20, FILE_MOST = 1 << 30, MAP_MOST = 1 << 30 };

const char *saved_program(void)
{
    return "anachron " ANACHRON_VERSION;
}

/* --- opening --- */

static bool read_json(struct saved *saved, struct error *err)
{
    struct serial text = {0};
    bool ok = container_read(saved->container, "machine", JSON_MOST, &text, err);
    if (ok) {
        json_error_t reason;
        saved->json = json_loadb((const char *)text.bytes, text.size, 0, &reason);
        ok = saved->json ||
             error_set(err, "%s: section 'machine' is no JSON", container_path(saved->container));
    }
    serial_free(&text);
    return ok;
}

static bool read_files(struct saved *saved, struct error *err)
{
    json_t *names = json_object_get(saved->json, "files");
    struct saved_blob row;
    for (unsigned i = 0; saved_blob_at(i, &row); i++) {
        struct blob *blob = (struct blob *)((uint8_t *)&saved->config + row.blob);
        const char *name = json_string_value(json_object_get(names, row.section));
        if (!name)
            continue;
        if (!container_read(saved->container, row.section, FILE_MOST, &saved->blobs[i], err))
            return false;
        *blob = (struct blob){saved->blobs[i].bytes, saved->blobs[i].size, name};
    }
    return true;
}

static bool check_overlays(const struct saved *saved, struct error *err)
{
    char name[CONTAINER_NAME_SIZE];
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        const struct saved_drive *drive = &saved->drive[i];
        snprintf(name, sizeof name, "overlay%u.data", i);
        if (drive->has_overlay && !drive->kept_beside && !container_find(saved->container, name))
            return error_set(err, "%s: the saved state has no section '%s'",
                             container_path(saved->container), name);
    }
    return true;
}

static struct saved *understand(struct container *container, struct error *err)
{
    if (!container)
        return NULL;
    struct saved *saved = mem_new(sizeof *saved);
    saved->container = container;
    if (strcmp(container_program(container), saved_program()) != 0)
        error_set(err, "%s: saved by %s, and this is %s; use the program that saved it",
                  container_path(container), container_program(container), saved_program());
    else if (read_json(saved, err) && read_files(saved, err) && saved_understand(saved, err) &&
             check_overlays(saved, err) &&
             pages_check(container, "ram", saved->config.ram_size, err))
        return saved;
    saved_close(saved);
    return NULL;
}

struct saved *saved_open(const char *path, struct error *err)
{
    return understand(container_open(path, err), err);
}

struct saved *saved_open_bytes(const uint8_t *bytes, size_t size, const char *path,
                               struct error *err)
{
    return understand(container_open_bytes(bytes, size, path, err), err);
}

const uint8_t *saved_bytes(const struct saved *saved, size_t *size)
{
    return container_bytes(saved->container, size);
}

void saved_close(struct saved *saved)
{
    if (!saved)
        return;
    for (unsigned i = 0; i < SAVED_BLOBS; i++)
        serial_free(&saved->blobs[i]);
    json_decref(saved->json);
    container_close(saved->container);
    mem_free(saved);
}

void saved_configure(const struct saved *saved, struct machine_config *config)
{
    const struct machine_config *from = &saved->config;
    config->model = from->model;
    config->ram_size = from->ram_size;
    config->firmware = from->firmware;
    config->firmware_is_guest = from->firmware_is_guest;
    config->vga_rom = from->vga_rom;
    memcpy(config->boot_order, from->boot_order, sizeof config->boot_order);
    config->has_connected = true;
    memcpy(config->serial_connected, from->serial_connected, sizeof config->serial_connected);
    config->printer_connected = from->printer_connected;
    config->start_time = from->start_time;
    config->start_time_is_host = false;
    config->kernel = from->kernel;
    config->initrd = from->initrd;
    config->command_line = from->command_line;
    config->multiboot = from->multiboot;
    memcpy(config->module, from->module, sizeof config->module);
    config->module_count = from->module_count;
    config->reset_on_triple_fault |= from->reset_on_triple_fault;
    config->vmware_mouse = from->vmware_mouse;
    config->ps_per_insn = from->ps_per_insn;
}

const struct saved_drive *saved_drive(const struct saved *saved, unsigned place)
{
    return &saved->drive[place];
}

/* --- loading --- */

/* The sectors of one overlay, in order. */
struct overlay_sink {
    struct disk_backend *disk;
    struct serial_reader map;
    uint64_t lba, left; /* of the present run */
    struct error *err;
};

static bool take_sectors(void *context, size_t index, const uint8_t *bytes, size_t size)
{
    struct overlay_sink *sink = context;
    struct disk_backend *disk = sink->disk;
    if (!sink->left) {
        sink->lba = serial_take_u64(&sink->map);
        sink->left = serial_take_u64(&sink->map);
    }
    uint64_t count = size / DISK_SECTOR_SIZE;
    if (!count || size % DISK_SECTOR_SIZE || count > sink->left ||
        sink->lba >= disk->sector_count || count > disk->sector_count - sink->lba ||
        !disk->ops->write(disk, sink->lba, (uint32_t)count, bytes, sink->err))
        return false;
    sink->lba += count;
    sink->left -= count;
    return true;
}

static bool load_overlay(const struct saved *saved, unsigned place, struct disk_backend *disk,
                         struct error *err)
{
    char name[CONTAINER_NAME_SIZE];
    struct serial map = {0};
    struct error reason = {""};
    snprintf(name, sizeof name, "overlay%u.map", place);
    bool ok = container_read(saved->container, name, MAP_MOST, &map, err);
    if (ok) {
        struct overlay_sink sink = {
            .disk = disk, .map = {.at = map.bytes, .left = map.size},
                 .err = &reason
        };
        snprintf(name, sizeof name, "overlay%u.data", place);
        ok = chunks_read(saved->container, container_find(saved->container, name),
                         &(struct chunk_sink){NULL, take_sectors, &sink, true}, err);
        if (ok && (sink.left || !serial_is_done(&sink.map)))
            ok = error_set(err, "%s: overlay %u is not whole", container_path(saved->container),
                           place);
        else if (!ok && *reason.text)
            *err = reason;
    }
    serial_free(&map);
    return ok;
}

static bool load_overlays(struct machine *machine, const struct saved *saved, struct error *err)
{
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        const struct saved_drive *drive = &saved->drive[i];
        struct disk_backend *disk = saved_medium(machine, i);
        if (!drive->has_overlay || drive->kept_beside)
            continue;
        if (!disk || !disk->ops->next_written)
            return error_set(err, "drive %u has no overlay to put the saved sectors into", i);
        if (!load_overlay(saved, i, disk, err))
            return false;
    }
    return true;
}

void machine_settle_memory(struct machine *machine)
{
    pages_lazy_wait(machine->loading);
}

static bool load_memory(struct machine *machine, const struct saved *saved, bool lazily,
                        struct error *err)
{
    const char *name;
    uint8_t *memory;
    size_t size;
    for (unsigned i = 0; state_memory(machine->state, i, &name, &memory, &size); i++) {
        bool is_ram = memory == physmem_ram(machine->phys);
        mem_map_clear(memory, size);
        if (lazily && is_ram
                ? !pages_load_lazily(saved->container, name, memory, size, &machine->loading, err)
                : !pages_load(saved->container, name, memory, size, err))
            return false;
    }
    return true;
}

/* The state's bytes; what can be wrong with them is found here, before anything is touched. */
static bool read_state(struct machine *machine, const struct saved *saved, struct serial *state,
                       struct error *err)
{
    struct error reason;
    if (!container_read(saved->container, "state", STATE_MOST, state, err))
        return false;
    return state_check(machine->state, state->bytes, state->size, &reason) ||
           error_set(err, "%s: %.400s", container_path(saved->container), reason.text);
}

bool machine_load(struct machine *machine, const struct saved *saved, bool lazily,
                  struct error *err)
{
    struct serial state = {0};
    machine_forget_code(machine);
    bool ok = read_state(machine, saved, &state, err) && load_memory(machine, saved, lazily, err) &&
              load_overlays(machine, saved, err) &&
              machine_unpack(machine, state.bytes, state.size, err);
    serial_free(&state);
    return ok;
}
