/* `anachron run --load`: the machine of a saved state. See run_load.h. */
#include "cli/run_load.h"

#include "base/memory.h"
#include "cli/run_private.h"
#include "host/image.h"
#include "host/image_identity.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096, SPECIFICATION_SIZE = 2 * PATH_SIZE + 128 };

/* --- options that say something else --- */

static bool contradicts(const char *option, struct error *err)
{
    return error_set(err,
                     "%s: the saved machine is another one; leave the option away, or start "
                     "without --load",
                     option);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_blob(const struct blob *a, const struct blob *b)
{
    return a->size == b->size && (!a->size || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static bool check_settings(const struct run_options *options, const struct machine_config *saved,
                           struct error *err)
{
    if (options->has_memory && options->ram_size != saved->ram_size)
        return contradicts("--memory", err);
    if (options->has_cpu && options->model != saved->model)
        return contradicts("--cpu", err);
    if (*options->boot && strcmp(options->boot, saved->boot_order) != 0)
        return contradicts("--boot", err);
    if (options->has_mouse && options->vmware_mouse != saved->vmware_mouse)
        return contradicts("--mouse", err);
    if (options->has_date && (options->date_is_host || options->date != saved->start_time))
        return contradicts("--date", err);
    if (options->ps_per_insn && options->ps_per_insn != saved->ps_per_insn)
        return contradicts("--mips", err);
    if (options->append && !same_text(options->append, saved->command_line))
        return contradicts("--append", err);
    if (options->printer && !saved->printer_connected)
        return contradicts("--printer", err);
    return true;
}

/* given: with the files of the options. */
static bool check_files(const struct run_options *options, const struct machine_config *given,
                        const struct machine_config *saved, struct error *err)
{
    if (options->bios && !same_blob(&given->firmware, &saved->firmware))
        return contradicts("--bios", err);
    if (options->vga_bios && !same_blob(&given->vga_rom, &saved->vga_rom))
        return contradicts("--vgabios", err);
    if (options->kernel && !same_blob(&given->kernel, &saved->kernel))
        return contradicts("--kernel", err);
    if (options->initrd && !same_blob(&given->initrd, &saved->initrd))
        return contradicts("--initrd", err);
    if (options->multiboot && !same_blob(&given->multiboot, &saved->multiboot))
        return contradicts("--multiboot", err);
    bool same = !given->module_count || given->module_count == saved->module_count;
    for (unsigned i = 0; same && i < given->module_count; i++)
        same = same_text(given->module[i].command_line, saved->module[i].command_line) &&
               same_blob(&given->module[i].file, &saved->module[i].file);
    return same || contradicts("--module", err);
}

bool run_load_open(struct run *run, struct error *err)
{
    if (!run->options.load)
        return true;
    run->saved = saved_open(run->options.load, err);
    return run->saved != NULL;
}

bool run_load_configure(struct run *run, struct error *err)
{
    struct machine_config saved = {0};
    if (!run->saved)
        return true;
    saved_configure(run->saved, &saved);
    if (!check_settings(&run->options, &saved, err) ||
        !check_files(&run->options, &run->config, &saved, err)) {
        struct error reason = *err;
        int length = (int)strcspn(reason.text, ":");
        return run->kept
                   ? error_set(err,
                               "%.*s of %s is not what it was when its state was saved; put it "
                               "back in its config.ini, or start it with --cold",
                               length, reason.text, instance_name(run->kept->instance))
                   : false;
    }
    /* What has been said about the host's side of it stays. */
    saved.reset_on_triple_fault |= run->options.reset_on_triple_fault;
    saved_configure(run->saved, &run->config);
    return true;
}

/* --- images --- */

/* "FILE,OPTION...", as image_open takes it. */
static void specify(char *text, const char *path, bool read_only, bool overlay,
                    const struct disk_geometry *geometry)
{
    text = image_put_path(text, path);
    text += snprintf(text, 64, "%s", read_only ? ",readonly" : overlay ? ",snapshot" : "");
    if (geometry->heads)
        snprintf(text, 64, ",geometry=%u/%u/%u", geometry->cylinders, geometry->heads,
                 geometry->sectors);
}

/* given: what the options or the log say of the place, or NULL. A log checks what the images hold
 * when it has put back what the run has overwritten. */
static struct disk_backend *open_medium(struct run *run, const struct saved_drive *drive,
                                        unsigned place, const char *given, struct error *err)
{
    bool is_replay = run->log.path != NULL;
    char path[PATH_SIZE], specification[SPECIFICATION_SIZE];
    struct image_options options = {0};
    enum image_kind kind = place < MACHINE_FLOPPIES ? IMAGE_FLOPPY
                           : drive->is_cdrom        ? IMAGE_CDROM
                                                    : IMAGE_DISK;
    if (drive->kept_beside && !is_replay) {
        if (run->kept && run->kept->disk)
            return run_kept_open_disk(run, err);
        error_set(err, "this state belongs to a machine that is kept by name; use anachron start");
        return NULL;
    }
    if (given && !image_parse(given, path, sizeof path, &options, err))
        return NULL;
    if (!given)
        snprintf(path, sizeof path, "%s", drive->path);
    if (!is_replay && !image_is(path, &drive->identity, err))
        return NULL;
    bool overlay = drive->has_overlay || options.snapshot || run->protects_images || is_replay;
    specify(specification, path, drive->read_only && kind != IMAGE_CDROM, overlay,
            is_replay ? &options.geometry : &drive->geometry);
    struct disk_backend *disk = image_open(specification, kind, err);
    /* Media are told apart by name, which another place may have changed. */
    const char *slash = drive->path ? strrchr(drive->path, '/') : NULL;
    if (disk && drive->path)
        snprintf(disk->name, sizeof disk->name, "%s", slash ? slash + 1 : drive->path);
    if (disk && disk->sector_count != drive->sector_count) {
        error_set(err, "image %s has another size than when the state was saved", path);
        image_close(disk, NULL);
        return NULL;
    }
    return disk;
}

bool run_load_images(struct run *run, const char *const given[SAVED_PLACES], struct error *err)
{
    for (unsigned i = 0; i < SAVED_PLACES; i++) {
        const struct saved_drive *saved = saved_drive(run->saved, i);
        struct drive_config *drive = i < MACHINE_FLOPPIES
                                         ? &run->config.floppy[i]
                                         : &run->config.drive[i - MACHINE_FLOPPIES];
        drive->present = saved->present;
        drive->is_cdrom = saved->is_cdrom;
        if (saved->has_medium && run->log.path && !given[i])
            return error_set(err, "log %s: it does not say what was in drive %u", run->log.path, i);
        if (given[i] && !saved->has_medium)
            return error_set(err,
                             "%s: the saved machine has nothing in that drive; leave the option "
                             "away, and use the command insert",
                             given[i]);
        if (!saved->has_medium)
            continue;
        drive->disk = open_medium(run, saved, i, given[i], err);
        if (!drive->disk)
            return false;
    }
    return true;
}

bool run_load_state(struct run *run, struct error *err)
{
    return !run->saved || machine_load(run->machine, run->saved, !run->protects_images, err);
}
