/* `anachron run`: files and images. */
#include "base/memory.h"

#include "cli/firmware.h"
#include "cli/run_private.h"
#include "host/file.h"
#include "host/image.h"
#include "host/parked.h"
#include "machine/history.h"
#include "machine/script.h"

#include <string.h>

enum {
    FILE_LIMIT = 1 << 30,
    BIOS_LIMIT = 16 << 20,
    PARKED_FROM = 4 << 20, /* what is smaller stays in memory */
    SCRIPT_LIMIT = 16 << 20,
};

/* --- files --- */

/* A large file is read when the machine begins and when it is reset or saved, and would be in
 * memory all the time. */
static void park(struct run_file *file)
{
    uint8_t *parked = file->size >= PARKED_FROM ? parked_copy(file->bytes, file->size) : NULL;
    if (!parked)
        return;
    mem_free(file->bytes);
    file->bytes = parked;
    file->is_parked = true;
}

void run_rest_files(void *opaque)
{
    struct run *run = opaque;
    for (unsigned i = 0; i < run->file_count; i++)
        if (run->files[i].is_parked)
            parked_rest(run->files[i].bytes, run->files[i].size);
}

void run_free_files(struct run *run)
{
    for (unsigned i = 0; i < run->file_count; i++) {
        struct run_file *file = &run->files[i];
        if (file->is_parked)
            parked_free(file->bytes, file->size);
        else
            mem_free(file->bytes);
    }
}

static bool read_blob(struct run *run, const char *path, const char *purpose, size_t limit,
                      struct blob *blob, struct error *err)
{
    if (!path)
        return true;
    if (!file_read(path, purpose, limit, &blob->bytes, &blob->size, err))
        return false;
    const char *slash = strrchr(path, '/');
    blob->name = slash ? slash + 1 : path;
    struct run_file *file = &run->files[run->file_count++];
    *file = (struct run_file){blob->bytes, blob->size, false};
    park(file);
    blob->bytes = file->bytes;
    return true;
}

static bool read_modules(struct run *run, struct error *err)
{
    for (unsigned i = 0; i < run->options.module_count; i++) {
        const char *line = run->options.module[i];
        struct multiboot_module *module = &run->config.module[i];
        char *path = run->module_path[i] = mem_string_copy(line);
        path[strcspn(path, " ")] = 0;
        module->command_line = line;
        if (!read_blob(run, path, "a multiboot module", FILE_LIMIT, &module->file, err))
            return false;
        run->config.module_count++;
    }
    return true;
}

static bool read_blobs(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    config->firmware =
        (struct blob){(uint8_t *)firmware_image, firmware_image_size, "the built-in firmware"};
    config->firmware_is_guest = options->bios != NULL;
    return read_blob(run, options->bios, "a firmware image", BIOS_LIMIT, &config->firmware, err) &&
           read_blob(run, options->vga_bios, "a VGA BIOS", BIOS_LIMIT, &config->vga_rom, err) &&
           read_blob(run, options->kernel, "a Linux kernel", FILE_LIMIT, &config->kernel, err) &&
           read_blob(run, options->initrd, "an initrd", FILE_LIMIT, &config->initrd, err) &&
           read_blob(run, options->multiboot, "a multiboot kernel", FILE_LIMIT, &config->multiboot,
                     err) &&
           read_modules(run, err);
}

static bool read_script(struct run *run, struct error *err)
{
    if (!run->options.script)
        return true;
    uint8_t *text;
    size_t size;
    if (!file_read(run->options.script, "a script", SCRIPT_LIMIT, &text, &size, err))
        return false;
    run->config.script = script_parse((const char *)text, size, run->options.script, err);
    mem_free(text);
    return run->config.script != NULL;
}

bool run_read_files(struct run *run, struct error *err)
{
    return read_script(run, err) && read_blobs(run, err);
}

/* --- images --- */

static bool open_drive(struct drive_config *drive, const char *specification, enum image_kind kind,
                       struct error *err)
{
    drive->present = true;
    drive->is_cdrom = kind == IMAGE_CDROM;
    if (specification)
        drive->disk = image_open(specification, kind, err);
    return !specification || drive->disk;
}

/* A CD-ROM drive is where people expect one: master of the second channel, and there even without a
 * disc when nothing else wants the place. */
static const unsigned cdrom_order[MACHINE_DISKS] = {2, 3, 1, 0};

/* What options say of each place, when a saved state says which drives there are. */
static void place_images(const struct run *run, const char *given[SAVED_PLACES])
{
    const struct run_options *options = &run->options;
    bool taken[MACHINE_DISKS] = {run->kept && run->kept->disk};
    for (unsigned i = 0; i < options->floppy_count; i++)
        given[i] = options->floppy[i];
    for (unsigned i = 0; i < options->cdrom_count; i++) {
        given[MACHINE_FLOPPIES + cdrom_order[i]] = options->cdrom[i];
        taken[cdrom_order[i]] = true;
    }
    for (unsigned i = 0, place = 0; i < options->disk_count; i++, place++) {
        while (taken[place])
            place++;
        given[MACHINE_FLOPPIES + place] = options->disk[i];
    }
}

bool run_open_images(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    if (run->saved) {
        const char *given[SAVED_PLACES] = {NULL};
        place_images(run, given);
        return run_load_images(run, run->log.path ? run->log.medium : given, err);
    }
    for (unsigned i = 0; i < options->floppy_count; i++) {
        if (!open_drive(&config->floppy[i], options->floppy[i], IMAGE_FLOPPY, err))
            return false;
    }
    config->floppy[0].present = true;
    for (unsigned i = 0; i < options->cdrom_count; i++) {
        if (!open_drive(&config->drive[cdrom_order[i]], options->cdrom[i], IMAGE_CDROM, err))
            return false;
    }
    if (run->kept && run->kept->disk) {
        config->drive[0].present = true;
        if (!(config->drive[0].disk = run_kept_open_disk(run, err)))
            return false;
    }
    for (unsigned i = 0, place = 0; i < options->disk_count; i++, place++) {
        while (config->drive[place].present)
            place++;
        if (!open_drive(&config->drive[place], options->disk[i], IMAGE_DISK, err))
            return false;
    }
    if (!config->drive[2].present)
        return open_drive(&config->drive[2], NULL, IMAGE_CDROM, err);
    return true;
}

void run_list_images(const struct run *run, bool are_cdroms, struct disk_backend **list)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        const struct drive_config *drive = &run->config.drive[are_cdroms ? cdrom_order[i] : i];
        if (drive->present && drive->is_cdrom == are_cdroms && (drive->disk || !are_cdroms))
            list[count++] = drive->disk;
    }
}

bool run_close_images(struct run *run, struct error *err)
{
    bool ok = true;
    /* It may hold media that were taken out, and gives them back. */
    if (run->machine)
        history_stop(run->machine);
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
        ok = image_close(run->config.floppy[i].disk, ok ? err : NULL) && ok;
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        ok = image_close(run->config.drive[i].disk, ok ? err : NULL) && ok;
    return ok;
}

void run_forget_image(struct run *run, const struct disk_backend *disk)
{
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++) {
        if (run->config.floppy[i].disk == disk)
            run->config.floppy[i].disk = NULL;
    }
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        if (run->config.drive[i].disk == disk)
            run->config.drive[i].disk = NULL;
    }
}
