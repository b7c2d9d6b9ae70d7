/* `anachron new`, `clone`, `ls`, `rm`, `log`: machines that are kept by name, while they do not
 * run. */
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/kept_config.h"
#include "host/image.h"
#include "store/commit.h"
#include "store/files.h"
#include "store/instance.h"
#include "store/store.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static int complain(const struct error *err, int status)
{
    fprintf(stderr, "anachron: error: %s\n", err->text);
    return status;
}

static bool wants_help(int argc, char **argv, const char *usage)
{
    bool wants = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (wants)
        fputs(usage, stdout);
    return wants;
}

/* --- new --- */

/* A disk has whole sectors. */
static bool round_up(const char *path, struct error *err)
{
    struct stat about;
    if (stat(path, &about) == 0 && truncate(path, (about.st_size + DISK_SECTOR_SIZE - 1) /
                                                      DISK_SECTOR_SIZE * DISK_SECTOR_SIZE) == 0)
        return true;
    return error_set_errno(err, "%s: cannot give it whole sectors", path);
}

/* Copies the image, after a look at whether it can be a disk at all. */
static bool copy_disk(const char *specification, const char *to, struct config *config,
                      struct error *err)
{
    char path[PATH_SIZE], text[PATH_SIZE + 64], geometry[64];
    struct image_options options;
    if (!image_parse(specification, path, sizeof path, &options, err))
        return false;
    snprintf(text, sizeof text, "%s,snapshot", specification);
    struct disk_backend *disk = image_open(text, IMAGE_DISK, err);
    if (!disk)
        return false;
    bool ok = files_copy(path, to, err) && round_up(to, err);
    image_close(disk, NULL);
    const struct disk_geometry *given = &options.geometry;
    snprintf(geometry, sizeof geometry, "%u/%u/%u", given->cylinders, given->heads, given->sectors);
    if (given->heads) {
        config_add(config, "machine", "geometry", geometry);
        /* To its section, which comes first. */
        struct config_line line = config->lines[config->count - 1];
        memmove(config->lines + 1, config->lines, (config->count - 1) * sizeof line);
        config->lines[0] = line;
    }
    return ok;
}

static bool fill(const struct draft *draft, const char *name, struct config *config,
                 const char *disk, unsigned long long disk_size, struct error *err)
{
    char comment[256];
    char *image = files_path(draft->path, STORE_DISK),
         *file = files_path(draft->path, STORE_CONFIG);
    snprintf(comment, sizeof comment,
             "A machine of anachron(1). Keys are options of anachron run; edit them while it does "
             "not run.");
    bool ok = (!disk || copy_disk(disk, image, config, err)) &&
              (!disk_size || files_make_sparse(image, disk_size, err)) &&
              config_write(config, file, comment, err);
    if (ok)
        kept_log(draft->path, "made");
    mem_free(image);
    mem_free(file);
    return ok;
}

static const char new_usage[] =
    "usage: anachron new NAME [--disk FILE | --disk-size SIZE] [--at-end save|discard]\n"
    "                         [OPTION OF anachron run]...\n\n"
    "Makes a machine that is kept by name. --disk copies an image, --disk-size makes an empty "
    "one;\n"
    "other files stay where they are. The options become its configuration. --at-end says what\n"
    "becomes of a run that is ended by a key or a signal (save).\n";

int command_new(int argc, char **argv)
{
    struct error err = {""};
    struct config config = {0};
    struct draft draft;
    const char *disk;
    unsigned long long disk_size;
    if (wants_help(argc, argv, new_usage))
        return EXIT_STATUS_OK;
    if (argc < 2) {
        fputs(new_usage, stderr);
        return EXIT_STATUS_USAGE;
    }
    if (!store_name_is_good(argv[1], &err) ||
        !kept_config_make(argc - 1, argv + 1, &config, &disk, &disk_size, &err))
        return complain(&err, EXIT_STATUS_USAGE);
    struct store *store = store_open(&err);
    bool ok = store && draft_begin(store, &draft, &err);
    if (ok) {
        ok = fill(&draft, argv[1], &config, disk, disk_size, &err) &&
             draft_publish(&draft, argv[1], &err);
        draft_end(&draft);
    }
    config_free(&config);
    store_close(store);
    return ok ? EXIT_STATUS_OK : complain(&err, EXIT_STATUS_HOST_ERROR);
}

/* --- clone --- */

static bool copy_machine(struct store *store, struct kept *from, const char *name,
                         struct error *err)
{
    struct draft draft;
    if (!store_name_is_good(name, err) || !draft_begin(store, &draft, err))
        return false;
    bool ok = draft_copy(&draft, from, err);
    if (ok)
        kept_log(draft.path, "cloned from %s", from->name);
    ok = ok && draft_publish(&draft, name, err);
    draft_end(&draft);
    return ok;
}

static const char clone_usage[] =
    "usage: anachron clone NAME NEW\n\n"
    "Copies a machine: configuration, disk and state, as they were saved last if it runs.\n";

int command_clone(int argc, char **argv)
{
    struct error err = {""};
    if (wants_help(argc, argv, clone_usage))
        return EXIT_STATUS_OK;
    if (argc != 3) {
        fputs(clone_usage, stderr);
        return EXIT_STATUS_USAGE;
    }
    struct store *store = store_open(&err);
    struct kept *kept = store ? store_take(store, argv[1], &err) : NULL;
    bool ok = kept && copy_machine(store, kept, argv[2], &err);
    kept_release(kept);
    store_close(store);
    return ok ? EXIT_STATUS_OK : complain(&err, EXIT_STATUS_HOST_ERROR);
}

/* --- rm, log --- */

static const char rm_usage[] =
    "usage: anachron rm NAME...\n\nRemoves machines: configuration, disk and state.\n";

static bool remove_one(struct store *store, const char *name, struct error *err)
{
    struct kept *kept = store_take(store, name, err);
    if (!kept)
        return false;
    pid_t pid = instance_pid(kept->path);
    if (!pid)
        return kept_remove(kept, err);
    kept_release(kept);
    return error_set(err, "%s runs (process %d); anachron stop %s --discard ends it", name,
                     (int)pid, name);
}

int command_rm(int argc, char **argv)
{
    struct error err = {""};
    int status = EXIT_STATUS_OK;
    if (wants_help(argc, argv, rm_usage))
        return EXIT_STATUS_OK;
    if (argc < 2) {
        fputs(rm_usage, stderr);
        return EXIT_STATUS_USAGE;
    }
    struct store *store = store_open(&err);
    if (!store)
        return complain(&err, EXIT_STATUS_HOST_ERROR);
    for (int i = 1; i < argc; i++) {
        if (!remove_one(store, argv[i], &err))
            status = complain(&err, EXIT_STATUS_HOST_ERROR);
    }
    store_close(store);
    return status;
}

static const char log_usage[] = "usage: anachron log NAME\n\nPrints what was done to a machine.\n";

int command_machine_log(int argc, char **argv)
{
    struct error err = {""};
    char line[1024];
    if (wants_help(argc, argv, log_usage))
        return EXIT_STATUS_OK;
    if (argc != 2) {
        fputs(log_usage, stderr);
        return EXIT_STATUS_USAGE;
    }
    struct store *store = store_open(&err);
    struct kept *kept = store ? store_take(store, argv[1], &err) : NULL;
    char *path = kept ? kept_file(kept, "log") : NULL;
    FILE *log = path ? fopen(path, "r") : NULL;
    while (log && fgets(line, sizeof line, log))
        fputs(line, stdout);
    if (log)
        fclose(log);
    bool ok = kept != NULL;
    mem_free(path);
    kept_release(kept);
    store_close(store);
    return ok ? EXIT_STATUS_OK : complain(&err, EXIT_STATUS_HOST_ERROR);
}

/* --- ls --- */

struct row {
    const char *name;
    char state[16], memory[32], disk[32], saved[32], note[600];
    pid_t pid;
    unsigned long long disk_bytes;
};

static void describe_size(unsigned long long bytes, char *text, size_t size)
{
    static const char units[] = "BKMGT";
    unsigned unit = 0;
    double value = (double)bytes;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    snprintf(text, size, value < 10 && unit ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

static void describe_files(const char *path, struct row *row)
{
    struct stat about;
    struct tm date;
    char *disk = files_path(path, STORE_DISK), *state = files_path(path, STORE_STATE);
    snprintf(row->disk, sizeof row->disk, "-");
    snprintf(row->saved, sizeof row->saved, "-");
    if (stat(disk, &about) == 0) {
        row->disk_bytes = (unsigned long long)about.st_size;
        describe_size(row->disk_bytes, row->disk, sizeof row->disk);
    }
    if (stat(state, &about) == 0)
        strftime(row->saved, sizeof row->saved, "%Y-%m-%d %H:%M",
                 localtime_r(&about.st_mtime, &date));
    mem_free(disk);
    mem_free(state);
}

static void describe_config(const char *path, struct row *row)
{
    struct config config;
    struct error err;
    char *file = files_path(path, STORE_CONFIG);
    bool ok = config_read(file, &config, &err);
    const char *memory = ok ? kept_config_find(&config, "memory") : NULL;
    snprintf(row->memory, sizeof row->memory, "%.20s", memory ? memory : "-");
    if (!ok)
        snprintf(row->note, sizeof row->note, "%s", err.text);
    config_free(&config);
    mem_free(file);
}

static void describe(const char *path, struct row *row)
{
    struct error err = {""};
    bool has_state;
    bool fits = commit_state_fits(path, &has_state, &err);
    row->pid = instance_pid(path);
    snprintf(row->state, sizeof row->state, "%s",
             row->pid    ? "running"
             : fits      ? "saved"
             : has_state ? "changed"
                         : "off");
    if (!row->pid && has_state && !fits)
        snprintf(row->note, sizeof row->note, "%s", err.text);
    describe_files(path, row);
    describe_config(path, row);
}

static void print_row(const struct row *row, bool first)
{
    char pid[32] = "-";
    if (first)
        printf("%-20s %-8s %-8s %-8s %-16s %s\n", "NAME", "STATE", "MEMORY", "DISK", "SAVED",
               "PROCESS");
    if (row->pid)
        snprintf(pid, sizeof pid, "%d", (int)row->pid);
    printf("%-20s %-8s %-8s %-8s %-16s %s\n", row->name, row->state, row->memory, row->disk,
           row->saved, pid);
    if (*row->note)
        fprintf(stderr, "anachron: warning: %s: %s\n", row->name, row->note);
}

static json_t *row_as_json(const struct row *row)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "name", row->name, "state", row->state,
                               "memory", row->memory, "disk", (json_int_t)row->disk_bytes);
    if (row->pid)
        json_object_set_new(object, "pid", json_integer(row->pid));
    if (*row->note)
        json_object_set_new(object, "note", json_string(row->note));
    return object;
}

static const char ls_usage[] =
    "usage: anachron ls [--json]\n\n"
    "Lists the machines: off, saved (start goes on from there), running, or changed (its disk is "
    "not\n"
    "that of its state any more).\n";

static void list(struct store *store, char **names, bool as_json)
{
    json_t *array = json_array();
    bool first = true;
    for (char **name = names; *name; name++) {
        struct error err;
        struct row row = {.name = *name};
        struct kept *kept = store_take(store, *name, &err);
        if (!kept) {
            fprintf(stderr, "anachron: warning: %s\n", err.text);
            continue;
        }
        describe(kept->path, &row);
        kept_release(kept);
        if (as_json)
            json_array_append_new(array, row_as_json(&row));
        else
            print_row(&row, first);
        first = false;
    }
    if (as_json) {
        json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    json_decref(array);
}

int command_ls(int argc, char **argv)
{
    struct error err = {""};
    bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (wants_help(argc, argv, ls_usage))
        return EXIT_STATUS_OK;
    if (argc > 1 && !as_json) {
        fputs(ls_usage, stderr);
        return EXIT_STATUS_USAGE;
    }
    struct store *store = store_open(&err);
    char **names = store ? store_list(store, &err) : NULL;
    if (names)
        list(store, names, as_json);
    bool ok = names != NULL;
    store_list_free(names);
    store_close(store);
    return ok ? EXIT_STATUS_OK : complain(&err, EXIT_STATUS_HOST_ERROR);
}
