/* See run_config.h. */
#include "cli/run_config.h"

#include "base/memory.h"
#include "bus/clock.h"
#include "cli/firmware.h"
#include "cli/run_private.h"
#include "host/image.h"
#include "host/image_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { CONFIG_VERSION = 1, SPECIFICATION_SIZE = 8192, HASH_TEXT = 17 };

/* --- describing --- */

static json_t *hash_text(uint64_t hash)
{
    char text[HASH_TEXT];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    return json_string(text);
}

static json_t *absolute_path(const char *path, struct error *err)
{
    char *absolute = realpath(path, NULL);
    if (!absolute) {
        error_set_errno(err, "cannot find out where %s is", path);
        return NULL;
    }
    json_t *text = json_string(absolute);
    if (!text)
        error_set(err, "%s: a name that is not UTF-8 cannot be recorded; rename the file",
                  absolute);
    free(absolute);
    return text;
}

/* A member that names a file; nothing if path is NULL. */
static bool add_file(json_t *config, const char *key, const char *path, const struct blob *blob,
                     struct error *err)
{
    if (!path)
        return true;
    json_t *absolute = absolute_path(path, err);
    if (!absolute)
        return false;
    return json_object_set_new(config, key,
                               json_pack("{s:o, s:I, s:o}", "path", absolute, "size",
                                         (json_int_t)blob->size, "hash",
                                         hash_text(XXH3_64bits(blob->bytes, blob->size)))) == 0;
}

static bool add_files(json_t *config, struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    const struct machine_config *machine = &run->config;
    json_t *modules = json_array();
    json_object_set_new(config, "modules", modules);
    for (unsigned i = 0; i < options->module_count; i++) {
        json_t *module = json_object();
        json_array_append_new(modules, module);
        if (!add_file(module, "file", run->module_path[i], &machine->module[i].file, err) ||
            json_object_set_new(module, "line", json_string(options->module[i])))
            return false;
    }
    if (!options->bios)
        json_object_set_new(config, "firmware",
                            hash_text(XXH3_64bits(firmware_image, firmware_image_size)));
    return add_file(config, "bios", options->bios, &machine->firmware, err) &&
           add_file(config, "vgabios", options->vga_bios, &machine->vga_rom, err) &&
           add_file(config, "kernel", options->kernel, &machine->kernel, err) &&
           add_file(config, "initrd", options->initrd, &machine->initrd, err) &&
           add_file(config, "multiboot", options->multiboot, &machine->multiboot, err);
}

/* What the file of an image holds, whatever has gone to an overlay since it was opened. */
static bool hash_base(const struct disk_backend *disk, enum image_kind kind, uint64_t *hash,
                      struct error *err)
{
    char text[SPECIFICATION_SIZE];
    if (strlen(disk->path) > SPECIFICATION_SIZE / 4)
        return error_set(err, "%s: the name is too long to be recorded", disk->path);
    strcpy(image_put_path(text, disk->path), ",readonly");
    struct disk_backend *base = image_open(text, kind, err);
    if (!base)
        return false;
    bool ok = image_hash(base, hash, err);
    image_close(base, NULL);
    return ok;
}

/* A fork is made in a folder that gets the machine's name when it runs. */
static json_t *path_of_image(const struct run *run, const struct disk_backend *disk,
                             struct error *err)
{
    if (!disk->kept_beside || !run->kept || !run->kept->delta)
        return absolute_path(disk->path, err);
    const char *file = strrchr(disk->path, '/'), *folder = file;
    while (folder > disk->path && folder[-1] != '/')
        folder--;
    json_t *text = json_sprintf("%.*s%s%s", (int)(folder - disk->path), disk->path,
                                instance_name(run->kept->instance), file);
    if (!text)
        error_set(err, "%s: a name that is not UTF-8 cannot be recorded", disk->path);
    return text;
}

/* The disk of a machine that is kept by name is written to when it is saved: its overlay, if there
 * is anything in it already, goes into the log, like what a disk held that is written directly. */
static json_t *describe_image(const struct run *run, struct disk_backend *disk,
                              enum image_kind kind, struct error *err)
{
    uint64_t hash;
    bool has_overlay = disk->ops->next_written && !disk->kept_beside;
    if (!(has_overlay ? hash_base(disk, kind, &hash, err) : image_hash(disk, &hash, err)))
        return NULL;
    json_t *absolute = path_of_image(run, disk, err);
    if (!absolute)
        return NULL;
    return json_pack("{s:o, s:b, s:b, s:I, s:o, s:[i, i, i]}", "path", absolute, "read_only",
                     disk->read_only, "written", !disk->read_only && !has_overlay, "sectors",
                     (json_int_t)disk->sector_count, "hash", hash_text(hash), "geometry",
                     (int)disk->geometry.cylinders, (int)disk->geometry.heads,
                     (int)disk->geometry.sectors);
}

/* disks: those of the list, in the order in which run_open_images puts them into drives. */
static bool add_images(const struct run *run, json_t *config, const char *key, enum image_kind kind,
                       struct disk_backend *const *disks, unsigned count, struct error *err)
{
    json_t *images = json_array();
    json_object_set_new(config, key, images);
    for (unsigned i = 0; i < count; i++) {
        json_t *image = describe_image(run, disks[i], kind, err);
        if (!image)
            return false;
        json_array_append_new(images, image);
    }
    return true;
}

static bool add_all_images(json_t *config, struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct disk_backend *floppies[MACHINE_FLOPPIES], *disks[MACHINE_DISKS], *discs[MACHINE_DISKS];
    for (unsigned i = 0; i < options->floppy_count; i++)
        floppies[i] = run->config.floppy[i].disk;
    run_list_images(run, false, disks);
    run_list_images(run, true, discs);
    return add_images(run, config, "floppies", IMAGE_FLOPPY, floppies, options->floppy_count,
                      err) &&
           add_images(run, config, "disks", IMAGE_DISK, disks,
                      options->disk_count + (run->kept_disk != NULL), err) &&
           add_images(run, config, "cdroms", IMAGE_CDROM, discs, options->cdrom_count, err);
}

static json_t *describe_ports(const struct run *run)
{
    /* Scripts and the control socket listen at the serial ports. */
    bool captured = run->config.script || run->config.controlled;
    const struct machine_config *config = &run->config;
    return json_pack("{s:b, s:b, s:b}", "serial", captured || config->serial[0], "serial2",
                     captured || config->serial[1], "printer", config->printer != NULL);
}

json_t *run_config_describe(struct run *run, struct error *err)
{
    const struct machine_config *machine = &run->config;
    json_t *config = json_pack(
        "{s:i, s:s, s:I, s:s, s:I, s:I, s:b, s:b, s:o}", "version", CONFIG_VERSION, "cpu",
        machine->model->name, "memory", (json_int_t)machine->ram_size, "boot", machine->boot_order,
        "date", (json_int_t)machine->start_time, "picoseconds", (json_int_t)machine->ps_per_insn,
        "resets_on_triple_fault", machine->reset_on_triple_fault, "vmware_mouse",
        machine->vmware_mouse, "connected", describe_ports(run));
    if (run->options.append &&
        json_object_set_new(config, "append", json_string(run->options.append)))
        error_set(err, "--append: a text that is not UTF-8 cannot be recorded");
    else if (add_files(config, run, err) && add_all_images(config, run, err))
        return config;
    json_decref(config);
    return NULL;
}

/* --- of a machine that was loaded --- */

enum { IMAGE_LISTS = 3 };
static const char *const image_lists[IMAGE_LISTS] = {"floppies", "disks", "cdroms"};

static enum image_kind kind_of(const struct run *run, unsigned place)
{
    return place < MACHINE_FLOPPIES                               ? IMAGE_FLOPPY
           : run->config.drive[place - MACHINE_FLOPPIES].is_cdrom ? IMAGE_CDROM
                                                                  : IMAGE_DISK;
}

/* What is in the drives; at the beginning, what will be. */
static struct disk_backend *image_at(const struct run *run, unsigned place)
{
    if (run->machine)
        return saved_medium(run->machine, place);
    return place < MACHINE_FLOPPIES ? run->config.floppy[place].disk
                                    : run->config.drive[place - MACHINE_FLOPPIES].disk;
}

json_t *run_config_describe_loaded(struct run *run, const struct saved *saved, struct error *err)
{
    const struct machine_config *machine = &run->config;
    size_t size;
    saved_bytes(saved, &size);
    json_t *config = json_pack(
        "{s:i, s:I, s:s, s:I, s:b, s:[], s:[], s:[]}", "version", CONFIG_VERSION, "state",
        (json_int_t)size, "cpu", machine->model->name, "memory", (json_int_t)machine->ram_size,
        "resets_on_triple_fault", machine->reset_on_triple_fault, "floppies", "disks", "cdroms");
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        enum image_kind kind = kind_of(run, i);
        struct disk_backend *disk = image_at(run, i);
        json_t *image = disk ? describe_image(run, disk, kind, err) : NULL;
        if (disk && !image) {
            json_decref(config);
            return NULL;
        }
        if (!disk)
            continue;
        json_object_set_new(image, "place", json_integer(i));
        json_array_append_new(json_object_get(config, kind == IMAGE_FLOPPY ? "floppies"
                                                      : kind == IMAGE_DISK ? "disks"
                                                                           : "cdroms"),
                              image);
    }
    return config;
}

/* --- building from it --- */

static bool is_wrong(struct error *err, const char *what)
{
    return error_set(err, "its configuration has a %s that this version does not understand", what);
}

static const char *path_of(json_t *config, const char *key)
{
    return json_string_value(json_object_get(json_object_get(config, key), "path"));
}

/* The specification with which to open the image of the description, kept there. */
static const char *specify(json_t *image)
{
    const char *path = json_string_value(json_object_get(image, "path"));
    int c = 0, h = 0, s = 0;
    json_unpack(image, "{s:[i, i, i]}", "geometry", &c, &h, &s);
    if (!path || strlen(path) > SPECIFICATION_SIZE / 4)
        return NULL;
    char text[SPECIFICATION_SIZE];
    bool read_only = json_is_true(json_object_get(image, "read_only"));
    strcpy(image_put_path(text, path), read_only ? ",readonly" : ",snapshot");
    size_t length = strlen(text);
    if (h)
        snprintf(text + length, sizeof text - length, ",geometry=%d/%d/%d", c, h, s);
    json_object_set_new(image, "specification", json_string(text));
    return json_string_value(json_object_get(image, "specification"));
}

static bool apply_images(json_t *config, const char *key, const char **list, unsigned *count,
                         unsigned most, struct error *err)
{
    json_t *images = json_object_get(config, key), *image;
    size_t index;
    if (!json_is_array(images) || json_array_size(images) > most)
        return is_wrong(err, "list of images");
    *count = 0;
    json_array_foreach(images, index, image)
    {
        const char *specification = specify(image);
        if (!specification)
            return is_wrong(err, "disk image");
        list[(*count)++] = specification;
    }
    return true;
}

static bool apply_modules(json_t *config, struct run_options *options, struct error *err)
{
    json_t *modules = json_object_get(config, "modules"), *module;
    size_t index;
    if (!json_is_array(modules) || json_array_size(modules) > MACHINE_MODULES)
        return is_wrong(err, "list of modules");
    options->module_count = 0;
    json_array_foreach(modules, index, module)
    {
        const char *line = json_string_value(json_object_get(module, "line"));
        const char *path = path_of(module, "file");
        if (!line || !path)
            return is_wrong(err, "module");
        char text[SPECIFICATION_SIZE];
        snprintf(text, sizeof text, "%s%s", path, line + strcspn(line, " "));
        json_object_set_new(module, "open", json_string(text));
        options->module[options->module_count++] =
            json_string_value(json_object_get(module, "open"));
    }
    return true;
}

static void apply_names(json_t *config, struct run_options *options)
{
    options->bios = path_of(config, "bios");
    options->vga_bios = path_of(config, "vgabios");
    options->kernel = path_of(config, "kernel");
    options->initrd = path_of(config, "initrd");
    options->multiboot = path_of(config, "multiboot");
    options->append = json_string_value(json_object_get(config, "append"));
}

static bool apply_numbers(json_t *config, struct run_options *options, struct error *err)
{
    int version = 0, resets, vmware;
    const char *cpu, *boot;
    json_int_t memory, date, picoseconds;
    json_unpack(config, "{s:i}", "version", &version);
    if (version != CONFIG_VERSION)
        return is_wrong(err, "version");
    if (json_unpack(config, "{s:s, s:I, s:s, s:I, s:I, s:b, s:b}", "cpu", &cpu, "memory", &memory,
                    "boot", &boot, "date", &date, "picoseconds", &picoseconds,
                    "resets_on_triple_fault", &resets, "vmware_mouse", &vmware) ||
        strlen(boot) >= sizeof options->boot || memory < 1 << 20 || memory % (1 << 20) ||
        memory > UINT32_MAX || picoseconds < 0 || picoseconds > (json_int_t)CLOCK_MOST_PS_PER_INSN)
        return is_wrong(err, "setting");
    options->model = cpu_model_find(cpu);
    options->ram_size = (uint64_t)memory;
    strcpy(options->boot, boot);
    options->has_connected = true;
    options->has_date = true;
    options->date_is_host = false;
    options->date = date;
    options->ps_per_insn = (uint64_t)picoseconds;
    options->reset_on_triple_fault = resets;
    options->vmware_mouse = vmware;
    return options->model || is_wrong(err, "processor model");
}

bool run_config_apply(json_t *config, struct run_options *options, struct error *err)
{
    if (!json_is_object(config))
        return is_wrong(err, "form");
    apply_names(config, options);
    json_t *ports = json_object_get(config, "connected");
    options->connected[0] = json_is_true(json_object_get(ports, "serial"));
    options->connected[1] = json_is_true(json_object_get(ports, "serial2"));
    options->printer_connected = json_is_true(json_object_get(ports, "printer"));
    return apply_numbers(config, options, err) && apply_modules(config, options, err) &&
           apply_images(config, "floppies", options->floppy, &options->floppy_count,
                        MACHINE_FLOPPIES, err) &&
           apply_images(config, "disks", options->disk, &options->disk_count, MACHINE_DISKS, err) &&
           apply_images(config, "cdroms", options->cdrom, &options->cdrom_count, MACHINE_DISKS,
                        err);
}

bool run_config_apply_loaded(json_t *config, struct run_options *options,
                             const char *medium[SAVED_PLACES], struct error *err)
{
    json_t *image;
    size_t index;
    int version = 0, resets;
    if (json_unpack(config, "{s:i, s:b}", "version", &version, "resets_on_triple_fault", &resets) ||
        version != CONFIG_VERSION)
        return is_wrong(err, "version or setting");
    options->reset_on_triple_fault = resets;
    for (unsigned i = 0; i < IMAGE_LISTS; i++) {
        json_array_foreach(json_object_get(config, image_lists[i]), index, image)
        {
            json_int_t place = -1;
            json_unpack(image, "{s:I}", "place", &place);
            if (place < 0 || place >= SAVED_PLACES || !(medium[place] = specify(image)))
                return is_wrong(err, "disk image");
        }
    }
    return true;
}

/* --- checking --- */

static bool has_hash(const json_t *file, uint64_t hash)
{
    char text[HASH_TEXT];
    const char *expected = json_string_value(json_object_get(file, "hash"));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    return expected && strcmp(expected, text) == 0;
}

static bool check_file(const json_t *file, const struct blob *blob, struct error *err)
{
    if (!file || has_hash(file, XXH3_64bits(blob->bytes, blob->size)))
        return true;
    return error_set(err,
                     "%s is not the file that it was then: its contents have changed; put "
                     "the old one back",
                     json_string_value(json_object_get(file, "path")));
}

static bool check_image(const json_t *image, struct disk_backend *disk, struct error *err)
{
    uint64_t hash;
    if (!image_hash(disk, &hash, err))
        return false;
    return has_hash(image, hash) ||
           error_set(err,
                     "image %s does not hold what it did then: it has been written since; put the "
                     "old one back",
                     json_string_value(json_object_get(image, "path")));
}

static bool check_images(json_t *images, struct disk_backend *const *disks, struct error *err)
{
    json_t *image;
    size_t index;
    json_array_foreach(images, index, image)
    {
        if (!check_image(image, disks[index], err))
            return false;
    }
    return true;
}

static bool check_firmware(json_t *config, const struct run *run, struct error *err)
{
    char text[HASH_TEXT];
    const char *expected = json_string_value(json_object_get(config, "firmware"));
    if (run->options.bios)
        return check_file(json_object_get(config, "bios"), &run->config.firmware, err);
    snprintf(text, sizeof text, "%016llx",
             (unsigned long long)XXH3_64bits(firmware_image, firmware_image_size));
    return (expected && strcmp(expected, text) == 0) ||
           error_set(err,
                     "it was made by a build with another firmware (%s, this one has %s); "
                     "use that build",
                     expected ? expected : "unknown", text);
}

bool run_config_check(json_t *config, struct run *run, struct error *err)
{
    const struct machine_config *machine = &run->config;
    struct disk_backend *floppies[MACHINE_FLOPPIES], *disks[MACHINE_DISKS], *discs[MACHINE_DISKS];
    json_t *modules = json_object_get(config, "modules"), *module;
    size_t index;
    json_array_foreach(modules, index, module)
    {
        if (!check_file(json_object_get(module, "file"), &machine->module[index].file, err))
            return false;
    }
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
        floppies[i] = machine->floppy[i].disk;
    run_list_images(run, false, disks);
    run_list_images(run, true, discs);
    return check_firmware(config, run, err) &&
           check_file(json_object_get(config, "vgabios"), &machine->vga_rom, err) &&
           check_file(json_object_get(config, "kernel"), &machine->kernel, err) &&
           check_file(json_object_get(config, "initrd"), &machine->initrd, err) &&
           check_file(json_object_get(config, "multiboot"), &machine->multiboot, err) &&
           check_images(json_object_get(config, "floppies"), floppies, err) &&
           check_images(json_object_get(config, "disks"), disks, err) &&
           check_images(json_object_get(config, "cdroms"), discs, err);
}

bool run_config_check_loaded(json_t *config, const struct run *run, struct error *err)
{
    json_t *image;
    size_t index;
    for (unsigned i = 0; i < IMAGE_LISTS; i++) {
        json_array_foreach(json_object_get(config, image_lists[i]), index, image)
        {
            json_int_t place = json_integer_value(json_object_get(image, "place"));
            struct disk_backend *disk = image_at(run, (unsigned)place);
            if (disk && !check_image(image, disk, err))
                return false;
        }
    }
    return true;
}
