/* `anachron log LOG`: what is in a log, and which logs are branches of which. */
#include "base/bits.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/run_log.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAGIC_SIZE = 12, TREE_DEPTH_MAX = 64 };

/* A log of the folder, as far as the tree wants it. */
struct branch {
    char *path;
    char id[32], parent[32];
    uint64_t parent_icount, icount;
    bool is_shown;
};

struct log_options {
    const char *log;
    bool lists_events, help;
};

/* --- one log --- */

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* What stands in a log is somebody else's text, and a terminal would obey it. */
static void print_text(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7F ? '?' : *text);
}

static void print_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    print_text(text ? text : "?");
}

static void print_event(const struct journal_record *record)
{
    static const char *const names[GATE_KIND_COUNT] = {
        [GATE_KEY] = "key",
        [GATE_MOUSE] = "mouse",
        [GATE_POINTER] = "pointer",
        [GATE_SERIAL] = "serial",
        [GATE_MEDIA] = "media",
        [GATE_POWER_BUTTON] = "power button",
        [GATE_RESET_BUTTON] = "reset button",
        [GATE_NMI_BUTTON] = "NMI",
        [GATE_RATE] = "rate",
        [GATE_WALL_CLOCK] = "wall clock",
        [GATE_POKE] = "poke",
        [GATE_MEMORY] = "memory",
    };
    const struct gate_event *event = &record->event;
    printf("%14llu %13.6f  %s", (unsigned long long)record->stamp.icount,
           seconds(record->stamp.time_ns), names[event->kind]);
    if (event->kind == GATE_KEY) {
        printf(" %#x %s", event->u.key.code, event->u.key.down ? "down" : "up");
    } else if (event->kind == GATE_SERIAL) {
        printf("%u \"", event->u.serial.port + 1);
        for (unsigned i = 0; i < event->u.serial.size; i++) {
            uint8_t byte = event->u.serial.bytes[i];
            printf(byte >= ' ' && byte < 0x7F && byte != '"' && byte != '\\' ? "%c" : "\\x%02x",
                   byte);
        }
        putchar('"');
    } else if (event->kind == GATE_MEDIA) {
        const char *file = event->u.media.specification;
        printf(" drive %u: ", event->u.media.drive);
        print_text(file ? file : "taken out");
    } else if (event->kind == GATE_POKE) {
        putchar(' ');
        print_text(event->u.poke.name);
        printf(" %#llx", (unsigned long long)event->u.poke.low);
    }
    putchar('\n');
}

struct totals {
    uint64_t events, chips, all;
};

static struct totals walk(const struct log_file *file, bool lists_events)
{
    struct totals totals = {0};
    struct journal_position at = journal_begin(file->journal);
    struct journal_record record;
    while (journal_read(file->journal, &at, &record)) {
        if (record.kind != JOURNAL_EVENT) {
            totals.chips += record.kind == JOURNAL_MARK_CHIPS;
            totals.all += record.kind == JOURNAL_MARK_ALL;
            continue;
        }
        totals.events++;
        if (lists_events)
            print_event(&record);
        gate_event_free(&record.event);
    }
    return totals;
}

static void print_file(const char *name, const json_t *file)
{
    if (!json_is_string(json_object_get(file, "path")))
        return;
    printf("%-12s ", name);
    print_member(file, "path");
    puts(json_is_true(json_object_get(file, "written")) ? " (written to)" : "");
}

static void print_machine(const json_t *machine)
{
    static const char *const files[] = {"bios", "vgabios", "kernel", "initrd", "multiboot"};
    static const char *const lists[] = {"floppies", "disks", "cdroms"};
    static const char *const names[] = {"floppy", "disk", "cdrom"};
    printf("%-12s ", "machine");
    print_member(machine, "cpu");
    printf(", %lld MiB\n", (long long)json_integer_value(json_object_get(machine, "memory")) >> 20);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        print_file(files[i], json_object_get(machine, files[i]));
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        size_t index;
        json_t *image;
        json_array_foreach(json_object_get(machine, lists[i]), index, image)
            print_file(names[i], image);
    }
}

static void print_head(const json_t *head)
{
    time_t when = (time_t)json_integer_value(json_object_get(head, "recorded"));
    char text[32] = "?";
    struct tm local;
    if (localtime_r(&when, &local))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    printf("%-12s %s by anachron ", "recorded", text);
    print_member(head, "by");
    printf(", ");
    print_member(head, "engine");
    printf("\n%-12s ", "id");
    print_member(head, "id");
    putchar('\n');
    print_machine(json_object_get(head, "machine"));
    json_t *state = json_object_get(json_object_get(head, "machine"), "state");
    if (state)
        printf("%-12s a saved state, which is in the log (%lld bytes)\n", "begins with",
               (long long)json_integer_value(state));
}

static void print_totals(const struct log_file *file, const struct totals *totals)
{
    struct journal_stamp end = journal_end(file->journal).stamp;
    uint64_t sectors = 0;
    for (size_t i = 0; i < file->sectors_count; i++)
        sectors += file->sectors[i].count;
    printf("%-12s %llu instructions, %.3f s of virtual time\n", "length",
           (unsigned long long)end.icount, seconds(end.time_ns));
    printf("%-12s %llu, and %llu check marks (%llu of the whole state)\n", "events",
           (unsigned long long)totals->events, (unsigned long long)(totals->chips + totals->all),
           (unsigned long long)totals->all);
    if (sectors)
        printf("%-12s %llu, as they were before the run\n", "sectors", (unsigned long long)sectors);
    printf("%-12s %zu bytes", "size", file->size);
    if (end.icount >= 1000)
        printf(", %.3f a thousand instructions", (double)file->size / ((double)end.icount / 1e3));
    printf("\n%-12s ", "end");
    if (file->has_end) {
        print_text(file->reason);
        printf(", status %d\n", file->status);
    } else if (file->used < file->size) {
        printf("cut off after %zu bytes\n", file->used);
    } else {
        puts("the recorder was killed");
    }
}

/* --- the tree --- */

static void copy_id(char *to, const json_t *object)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    snprintf(to, sizeof((struct branch *)0)->id, "%s", id ? id : "");
}

static bool has_magic(const char *path)
{
    char magic[MAGIC_SIZE];
    FILE *file = fopen(path, "rb");
    bool ok = file && fread(magic, 1, sizeof magic, file) == sizeof magic &&
              memcmp(magic, "ANACHRON LOG", MAGIC_SIZE) == 0;
    if (file)
        fclose(file);
    return ok;
}

static bool look_at(const char *path, struct branch *branch)
{
    struct log_file file;
    struct error err;
    if (!has_magic(path) || !log_file_read(path, &file, &err))
        return false;
    json_t *head = run_log_head(&file, path, &err);
    if (head) {
        *branch = (struct branch){.path = mem_string_copy(path),
                                  .icount = journal_end(file.journal).stamp.icount};
        json_t *parent = json_object_get(head, "parent");
        copy_id(branch->id, head);
        copy_id(branch->parent, parent);
        branch->parent_icount = (uint64_t)json_integer_value(json_object_get(parent, "icount"));
    }
    json_decref(head);
    log_file_free(&file);
    return head != NULL;
}

/* The logs of the folder in which path is. */
static size_t read_folder(const char *path, struct branch **list)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("");
    DIR *directory = opendir(*folder ? folder : ".");
    size_t count = 0;
    *list = NULL;
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        char name[4096];
        snprintf(name, sizeof name, "%s%s", folder, entry->d_name);
        *list = mem_resize(*list, (count + 1) * sizeof **list);
        count += entry->d_name[0] != '.' && look_at(name, &(*list)[count]);
    }
    if (directory)
        closedir(directory);
    free(folder);
    return count;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct branch *)a)->path, ((const struct branch *)b)->path);
}

static void print_branch(struct branch *list, size_t count, struct branch *branch, unsigned depth,
                         const char *current)
{
    branch->is_shown = true;
    printf("%-12s %*s%s: %llu instructions", depth ? "" : "tree", (int)depth * 2, "", branch->path,
           (unsigned long long)branch->icount);
    if (branch->parent[0])
        printf(", branches off after %llu", (unsigned long long)branch->parent_icount);
    puts(strcmp(branch->path, current) == 0 ? " (this)" : "");
    for (size_t i = 0; i < count && depth < TREE_DEPTH_MAX; i++) {
        if (!list[i].is_shown && strcmp(list[i].parent, branch->id) == 0)
            print_branch(list, count, &list[i], depth + 1, current);
    }
}

/* The tree that the log is part of, if there is more than the log alone. */
static void print_tree(const char *path)
{
    struct branch *list, *root = NULL;
    size_t count = read_folder(path, &list);
    qsort(list, count, sizeof *list, by_path);
    for (size_t i = 0; i < count; i++)
        root = strcmp(list[i].path, path) == 0 ? &list[i] : root;
    bool goes_on = root != NULL, is_alone = true;
    for (size_t depth = 0; goes_on && depth < count; depth++) {
        goes_on = false;
        for (size_t i = 0; i < count && !goes_on; i++) {
            if (!root->parent[0] || strcmp(list[i].id, root->parent) != 0)
                continue;
            root = &list[i];
            goes_on = true;
        }
    }
    for (size_t i = 0; root && i < count; i++)
        is_alone &= strcmp(list[i].parent, root->id) != 0;
    if (root && (!is_alone || root->parent[0]))
        print_branch(list, count, root, 0, path);
    for (size_t i = 0; i < count; i++)
        mem_free(list[i].path);
    mem_free(list);
}

/* --- the command --- */

static bool take_log(void *target, const char *text, struct error *err)
{
    struct log_options *options = target;
    if (options->log)
        return error_set(err, "give one log, not both %s and %s", options->log, text);
    options->log = text;
    return true;
}

static bool take_events(void *target, const char *text, struct error *err)
{
    ((struct log_options *)target)->lists_events = true;
    return true;
}

static bool take_help(void *target, const char *text, struct error *err)
{
    ((struct log_options *)target)->help = true;
    return true;
}

static const struct option_row rows[] = {
    {"--events",                                                             NULL, "list what came from outside: instruction count, virtual time, event",
     take_events},
    {"--help", NULL, "this text", take_help},
    {0                                                                     },
};

static bool show(const struct log_options *options, struct error *err)
{
    struct log_file file;
    if (!log_file_read(options->log, &file, err))
        return false;
    json_t *head = run_log_head(&file, options->log, err);
    if (head) {
        print_head(head);
        struct totals totals = walk(&file, false);
        print_totals(&file, &totals);
        print_tree(options->log);
        if (options->lists_events)
            walk(&file, true);
    }
    json_decref(head);
    log_file_free(&file);
    return head != NULL;
}

int command_log(int argc, char **argv)
{
    struct log_options options = {0};
    struct error err = {""};
    if (argc > 1 && argv[1][0] != '-' && !strchr(argv[1], '/') && !strchr(argv[1], '.') &&
        !has_magic(argv[1]))
        return command_machine_log(argc, argv);
    bool ok = options_parse(argc, argv, rows, take_log, &options, &err);
    if (ok && !options.log && !options.help)
        ok = error_set(&err, "give a log, or the name of a machine: anachron log WHAT");
    if (ok && options.help) {
        puts(
            "usage: anachron log LOG [--events]    what is in a log of `anachron run --record`\n"
            "       anachron log NAME              what was done to a machine that is kept by "
            "name\n");
        options_help(rows, stdout);
        return EXIT_STATUS_OK;
    }
    int status = ok ? EXIT_STATUS_HOST_ERROR : EXIT_STATUS_USAGE;
    if (ok && show(&options, &err))
        return EXIT_STATUS_OK;
    fprintf(stderr, "anachron: error: %s\n", err.text);
    return status;
}
