#include "cli/run_kept.h"

#include "base/memory.h"
#include "cli/run_private.h"
#include "host/image.h"
#include "machine/fork.h"
#include "machine/saved.h"
#include "store/delta.h"
#include "store/files.h"

#include <stdio.h>
#include <time.h>

struct disk_backend *run_kept_open_disk(struct run *run, struct error *err)
{
    char *directory = instance_file(run->kept->instance, "");
    run->kept_disk = image_open_in(run->kept->disk, IMAGE_DISK, directory, err);
    mem_free(directory);
    if (!run->kept_disk)
        return NULL;
    run->kept_disk->kept_beside = true;
    if (!run->kept->delta || delta_load(run->kept->delta, run->kept_disk, err))
        return run->kept_disk;
    image_close(run->kept_disk, NULL);
    return NULL;
}

static bool write_state(void *opaque, const char *path, struct error *err)
{
    struct run *run = opaque;
    return machine_save(run->machine, path, err);
}

bool run_kept_keep(void *opaque, enum machine_keep how, struct error *err)
{
    struct run *run = opaque;
    if (how != DROP_AND_END &&
        !instance_save(run->kept->instance, run->kept_disk, write_state, run, err))
        return false;
    run->settled |= how != KEEP_AND_GO_ON;
    if (how == DROP_AND_END)
        kept_log(instance_path(run->kept->instance), "discarded");
    return true;
}

static uint64_t host_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Into two processes. */
static bool fork_process(struct run *run, const struct machine_twin *twin, struct error *err)
{
    pid_t pid;
    uint64_t began = host_ns();
    run->twin = twin;
    bool ok = machine_fork(run->machine, NULL, twin->paused, &pid, err);
    uint64_t took = host_ns() - began;
    run->twin = NULL;
    if (ok)
        kept_log(instance_path(run->kept->instance),
                 "forked: %s (process %d); stood still for %.1f ms", twin->name, (int)pid,
                 (double)took / 1e6);
    return ok;
}

bool run_kept_fork(void *opaque, const struct machine_twin *twin, struct error *err)
{
    struct run *run = opaque;
    if (twin->name && machine_may_fork(run->machine, err))
        return fork_process(run, twin, err);
    if (twin->paused)
        return false;
    char *state = files_path(twin->folder, STORE_STATE);
    char *delta = files_path(twin->folder, STORE_DELTA);
    bool ok = machine_save(run->machine, state, err) &&
              (!run->kept_disk || delta_write(delta, run->kept_disk, true, err));
    mem_free(state);
    mem_free(delta);
    return ok;
}

/* A guest that powers its machine off has put its disk in order: that is kept. What a crash leaves
 * is not. */
bool run_kept_end(struct run *run, struct error *err)
{
    if (!run->kept || run->settled)
        return true;
    const char *name = instance_name(run->kept->instance);
    const char *path = instance_path(run->kept->instance);
    enum machine_end end = machine_how_it_ended(run->machine);
    if (run->kept->discards || end == MACHINE_CRASHED) {
        kept_log(path, end == MACHINE_CRASHED ? "crashed: discarded" : "discarded");
        fprintf(stderr, "anachron: %s is as it was saved last\n", name);
        return true;
    }
    struct error reason;
    commit_write_state *write = end == MACHINE_POWERED_OFF ? NULL : write_state;
    if (instance_save(run->kept->instance, run->kept_disk, write, run, &reason))
        return true;
    kept_log(path, "could not be saved, discarded: %s", reason.text);
    return error_set(err, "%s is as it was saved last, because it could not be saved: %.400s", name,
                     reason.text);
}

int run_kept(const struct run_options *options, const struct run_kept *kept)
{
    unsigned disks = options->disk_count + options->cdrom_count + (kept->disk != NULL);
    if (disks > MACHINE_DISKS) {
        fprintf(stderr, "anachron: error: %s has %u disks and CD-ROM drives; there are %d places\n",
                instance_name(kept->instance), disks, MACHINE_DISKS);
        return EXIT_STATUS_USAGE;
    }
    struct run *run = mem_new(sizeof *run);
    run->options = *options;
    run->options.control = instance_control(kept->instance);
    run->options.load = kept->state;
    run->kept = kept;
    for (unsigned i = 0; i < options->floppy_count; i++)
        run_protect_image(run, &run->options.floppy[i]);
    for (unsigned i = 0; i < options->disk_count; i++)
        run_protect_image(run, &run->options.disk[i]);
    return run_to_the_end(run);
}
