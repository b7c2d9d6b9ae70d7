/* What a saved state says of the machine, as JSON: section "machine". */
#include "machine/disk_past.h"
#include "machine/meter.h"
#include "machine/saved_private.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { PATH_MOST = 4096, HASH_TEXT = 17 };

bool saved_blob_at(unsigned index, struct saved_blob *blob)
{
    static const struct {
        const char *name;
        size_t offset;
    } files[] = {
        {"firmware",  offsetof(struct machine_config, firmware) },
        {"vgabios",   offsetof(struct machine_config, vga_rom)  },
        {"kernel",    offsetof(struct machine_config, kernel)   },
        {"initrd",    offsetof(struct machine_config, initrd)   },
        {"multiboot", offsetof(struct machine_config, multiboot)},
    };
    if (index < ARRAY_LENGTH(files)) {
        snprintf(blob->section, sizeof blob->section, "file.%s", files[index].name);
        blob->blob = files[index].offset;
        return true;
    }
    unsigned module = index - (unsigned)ARRAY_LENGTH(files);
    snprintf(blob->section, sizeof blob->section, "file.module%u", module % 100);
    blob->blob = offsetof(struct machine_config, module) + module * sizeof(struct multiboot_module);
    return module < MACHINE_MODULES;
}

struct disk_backend *saved_medium(struct machine *machine, unsigned place)
{
    struct disk_backend *meter;
    if (place < MACHINE_FLOPPIES)
        meter = machine->medium[place];
    else if (place - MACHINE_FLOPPIES == machine_cdrom_place(machine))
        meter = machine->medium[GATE_CDROM];
    else
        meter = machine->disk[place - MACHINE_FLOPPIES];
    return meter ? disk_past_image(meter_disk(meter)) : NULL;
}

/* --- describing --- */

static json_t *describe_medium(struct machine *machine, const struct disk_backend *disk,
                               struct error *err)
{
    const struct machine_outside *outside = &machine->config.outside;
    struct disk_identity identity = {0};
    char hash[HASH_TEXT] = "";
    json_t *path = json_null();
    if (!disk->kept_beside) {
        path = disk->path ? json_string(disk->path) : NULL;
        if (!path) {
            error_set(err, "image %s has no name that can be saved (in UTF-8); rename it",
                      disk->name);
            return NULL;
        }
        if (!outside->identify || !outside->identify(outside->opaque, disk->path, &identity, err)) {
            json_decref(path);
            return NULL;
        }
    }
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)identity.hash);
    struct disk_geometry given =
        disk->geometry_is_given ? disk->geometry : (struct disk_geometry){0};
    return json_pack("{s:o, s:b, s:b, s:b, s:I, s:I, s:I, s:s, s:b, s:[i, i, i]}", "path", path,
                     "read_only", disk->read_only, "overlay", disk->ops->next_written != NULL,
                     "kept_beside", disk->kept_beside, "sectors", (json_int_t)disk->sector_count,
                     "size", (json_int_t)identity.size, "modified_ns",
                     (json_int_t)identity.modified_ns, "hash", hash, "sampled", identity.is_sampled,
                     "geometry", (int)given.cylinders, (int)given.heads, (int)given.sectors);
}

static bool describe_drives(struct machine *machine, json_t *list, struct error *err)
{
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        const struct drive_config *drive = i < MACHINE_FLOPPIES
                                               ? &machine->config.floppy[i]
                                               : &machine->config.drive[i - MACHINE_FLOPPIES];
        const struct disk_backend *disk = saved_medium(machine, i);
        json_t *medium = disk ? describe_medium(machine, disk, err) : json_null();
        if (!medium)
            return false;
        json_array_append_new(list, json_pack("{s:b, s:b, s:o}", "present", drive->present, "cdrom",
                                              drive->is_cdrom, "medium", medium));
    }
    return true;
}

static json_t *describe_files(const struct machine_config *config)
{
    json_t *files = json_object();
    struct saved_blob row;
    for (unsigned i = 0; saved_blob_at(i, &row); i++) {
        const struct blob *blob = (const struct blob *)((const uint8_t *)config + row.blob);
        if (blob->bytes)
            json_object_set_new(files, row.section, json_string(blob->name ? blob->name : ""));
    }
    return files;
}

static json_t *describe_ports(const struct machine_config *config)
{
    bool has = config->has_connected;
    return json_pack("{s:b, s:b, s:b}", "serial",
                     has ? config->serial_connected[0] : config->serial[0] != NULL, "serial2",
                     has ? config->serial_connected[1] : config->serial[1] != NULL, "printer",
                     has ? config->printer_connected : config->printer != NULL);
}

json_t *saved_describe(struct machine *machine, struct error *err)
{
    const struct machine_config *config = &machine->config;
    json_t *drives = json_array(), *lines = json_array();
    if (!describe_drives(machine, drives, err)) {
        json_decref(drives);
        json_decref(lines);
        return NULL;
    }
    for (unsigned i = 0; i < config->module_count; i++)
        json_array_append_new(lines, json_string(config->module[i].command_line));
    json_t *json = json_pack("{s:s, s:I, s:s, s:I, s:I, s:b, s:b, s:b, s:s*, s:o, s:o, s:o, s:o}",
                             "cpu", config->model->name, "memory", (json_int_t)config->ram_size,
                             "boot", config->boot_order, "date", (json_int_t)config->start_time,
                             "picoseconds", (json_int_t)config->ps_per_insn, "firmware_is_guest",
                             config->firmware_is_guest, "resets_on_triple_fault",
                             config->reset_on_triple_fault, "vmware_mouse", config->vmware_mouse,
                             "append", config->command_line, "connected", describe_ports(config),
                             "files", describe_files(config), "modules", lines, "drives", drives);
    if (!json)
        error_set(err, "a command line or file name is not UTF-8, which cannot be saved");
    return json;
}

/* --- understanding --- */

static bool take_medium(json_t *json, struct saved_drive *drive)
{
    int read_only, overlay, beside, sampled, c, h, s;
    json_int_t sectors, size, modified;
    const char *hash;
    if (json_is_null(json))
        return true;
    if (json_unpack(json, "{s:b, s:b, s:b, s:I, s:I, s:I, s:s, s:b, s:[i, i, i]}", "read_only",
                    &read_only, "overlay", &overlay, "kept_beside", &beside, "sectors", &sectors,
                    "size", &size, "modified_ns", &modified, "hash", &hash, "sampled", &sampled,
                    "geometry", &c, &h, &s))
        return false;
    *drive = (struct saved_drive){
        .present = drive->present,
        .is_cdrom = drive->is_cdrom,
        .has_medium = true,
        .read_only = read_only,
        .has_overlay = overlay,
        .kept_beside = beside,
        .path = json_string_value(json_object_get(json, "path")),
        .identity = {.size = (uint64_t)size, .modified_ns = modified, .is_sampled = sampled},
        .geometry = {(uint32_t)c,            (uint32_t)h,             (uint32_t)s          },
        .sector_count = (uint64_t)sectors,
    };
    unsigned long long number;
    bool ok = sscanf(hash, "%16llx", &number) == 1 && c >= 0 && h >= 0 && s >= 0 && sectors > 0 &&
              drive->present && (drive->path ? strlen(drive->path) < PATH_MOST : beside);
    drive->identity.hash = number;
    return ok;
}

static bool take_drives(struct saved *saved)
{
    json_t *list = json_object_get(saved->json, "drives");
    if (json_array_size(list) != SAVED_PLACES)
        return false;
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        int present, is_cdrom;
        json_t *medium;
        if (json_unpack(json_array_get(list, i), "{s:b, s:b, s:o}", "present", &present, "cdrom",
                        &is_cdrom, "medium", &medium))
            return false;
        saved->drive[i].present = present;
        saved->drive[i].is_cdrom = is_cdrom;
        if (!take_medium(medium, &saved->drive[i]))
            return false;
        /* A hard disk is one with its medium. */
        if (i >= MACHINE_FLOPPIES && present && !is_cdrom && !saved->drive[i].has_medium)
            return false;
    }
    return true;
}

static bool take_modules(struct saved *saved)
{
    json_t *lines = json_object_get(saved->json, "modules");
    struct machine_config *config = &saved->config;
    if (json_array_size(lines) > MACHINE_MODULES)
        return false;
    config->module_count = (unsigned)json_array_size(lines);
    for (unsigned i = 0; i < config->module_count; i++) {
        config->module[i].command_line = json_string_value(json_array_get(lines, i));
        if (!config->module[i].command_line || !config->module[i].file.bytes)
            return false;
    }
    return true;
}

static bool take_ports(struct saved *saved)
{
    int serial, serial2, printer;
    if (json_unpack(saved->json, "{s:{s:b, s:b, s:b}}", "connected", "serial", &serial, "serial2",
                    &serial2, "printer", &printer))
        return false;
    saved->config.has_connected = true;
    saved->config.serial_connected[0] = serial;
    saved->config.serial_connected[1] = serial2;
    saved->config.printer_connected = printer;
    return true;
}

static bool take_settings(struct saved *saved)
{
    struct machine_config *config = &saved->config;
    const char *cpu, *boot;
    json_int_t memory, date, picoseconds;
    int is_guest, resets, vmware;
    if (json_unpack(saved->json, "{s:s, s:I, s:s, s:I, s:I, s:b, s:b, s:b}", "cpu", &cpu, "memory",
                    &memory, "boot", &boot, "date", &date, "picoseconds", &picoseconds,
                    "firmware_is_guest", &is_guest, "resets_on_triple_fault", &resets,
                    "vmware_mouse", &vmware) ||
        strlen(boot) >= sizeof config->boot_order || picoseconds < 0 ||
        picoseconds > (json_int_t)CLOCK_MOST_PS_PER_INSN || memory % (1 << 20) ||
        memory < (json_int_t)PHYSMEM_RAM_MIN || memory > (json_int_t)PHYSMEM_RAM_MAX)
        return false;
    config->model = cpu_model_find(cpu);
    config->ram_size = (uint64_t)memory;
    strcpy(config->boot_order, boot);
    config->start_time = date;
    config->ps_per_insn = (uint64_t)picoseconds;
    config->firmware_is_guest = is_guest;
    config->reset_on_triple_fault = resets;
    config->vmware_mouse = vmware;
    config->command_line = json_string_value(json_object_get(saved->json, "append"));
    return config->model && config->firmware.bytes;
}

bool saved_understand(struct saved *saved, struct error *err)
{
    if (take_settings(saved) && take_ports(saved) && take_modules(saved) && take_drives(saved))
        return true;
    return error_set(err, "%s: it describes a machine that this version does not know",
                     container_path(saved->container));
}
