#include "cli/kept_config.h"

#include "base/bits.h"
#include "base/memory.h"
#include "cli/run_options.h"
#include "host/image.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_SIZE = 64, PATH_SIZE = 4096 };

#define MACHINE "machine"
#define START   "start"

enum value_kind {
    VALUE_PLAIN,
    VALUE_FILE,  /* also with something behind it: a module's arguments */
    VALUE_IMAGE, /* a file in which commas are written twice, and options */
    VALUE_WHERE, /* file:F, or something else */
    VALUE_TRACE, /* WHAT:F */
};

static const struct key_row {
    const char *key, *section;
    enum value_kind kind;
} keys[] = {
    {"memory",          MACHINE, VALUE_PLAIN},
    {"cpu",             MACHINE, VALUE_PLAIN},
    {"bios",            MACHINE, VALUE_FILE },
    {"vgabios",         MACHINE, VALUE_FILE },
    {"floppy",          MACHINE, VALUE_IMAGE},
    {"disk",            MACHINE, VALUE_IMAGE},
    {"cdrom",           MACHINE, VALUE_IMAGE},
    {"boot",            MACHINE, VALUE_PLAIN},
    {"kernel",          MACHINE, VALUE_FILE },
    {"initrd",          MACHINE, VALUE_FILE },
    {"append",          MACHINE, VALUE_PLAIN},
    {"multiboot",       MACHINE, VALUE_FILE },
    {"module",          MACHINE, VALUE_FILE },
    {"mips",            MACHINE, VALUE_PLAIN},
    {"date",            MACHINE, VALUE_PLAIN},
    {"mouse",           MACHINE, VALUE_PLAIN},
    {"net",             MACHINE, VALUE_PLAIN},
    {"sound",           MACHINE, VALUE_PLAIN},
    {"serial",          START,   VALUE_WHERE},
    {"debugcon",        START,   VALUE_WHERE},
    {"post",            START,   VALUE_WHERE},
    {"printer",         START,   VALUE_WHERE},
    {"display",         START,   VALUE_PLAIN},
    {"vnc-password",    START,   VALUE_FILE },
    {"scale",           START,   VALUE_PLAIN},
    {"fullscreen",      START,   VALUE_PLAIN},
    {"engine",          START,   VALUE_PLAIN},
    {"translator",      START,   VALUE_PLAIN},
    {"clock",           START,   VALUE_PLAIN},
    {"script",          START,   VALUE_FILE },
    {"stop-after",      START,   VALUE_PLAIN},
    {"stop-on",         START,   VALUE_PLAIN},
    {"on-triple-fault", START,   VALUE_PLAIN},
    {"screenshot",      START,   VALUE_FILE },
    {"stats",           START,   VALUE_PLAIN},
    {"trace",           START,   VALUE_TRACE},
    {"gdb",             START,   VALUE_PLAIN},
    {"history",         START,   VALUE_PLAIN},
    {"perf-map",        START,   VALUE_PLAIN},
    {"verbose",         START,   VALUE_PLAIN},
};

static const struct key_row *find_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].key, key) == 0)
            return &keys[i];
    }
    return NULL;
}

/* A machine that goes on from a saved state takes from its configuration how it is started, and the
 * hardware that must still be the same. All else is in the state: firmware, kernels, media. */
static bool is_of_power_on(const struct key_row *key)
{
    static const char *const compared[] = {"memory", "cpu", "mips", "mouse", "net", "sound"};
    for (size_t i = 0; i < ARRAY_LENGTH(compared); i++) {
        if (strcmp(compared[i], key->key) == 0)
            return false;
    }
    return strcmp(key->section, MACHINE) == 0;
}

static const struct option_row *find_option(const struct key_row *key)
{
    char name[OPTION_SIZE];
    snprintf(name, sizeof name, "--%s", key->key);
    return run_option_find(name);
}

void words_add(struct words *words, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, arguments) + 1;
    char *word = mem_new(size);
    vsnprintf(word, size, format, again);
    va_end(again);
    va_end(arguments);
    words->word = mem_resize(words->word, (size_t)(words->count + 2) * sizeof *words->word);
    words->word[words->count++] = word;
    words->word[words->count] = NULL;
}

bool words_have(const struct words *words, const char *key)
{
    size_t length = strlen(key);
    for (int i = 1; i < words->count; i++) {
        const char *word = words->word[i];
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, key, length) == 0 &&
            (!word[2 + length] || word[2 + length] == '='))
            return true;
    }
    return false;
}

void words_free(struct words *words)
{
    for (int i = 0; i < words->count; i++)
        mem_free(words->word[i]);
    mem_free(words->word);
    *words = (struct words){0};
}

/* --- names of files --- */

/* folder/name; in an image's specification commas of the folder are written twice. */
static char *under(const char *folder, const char *before, size_t before_size, const char *name,
                   bool doubles_commas)
{
    char *path = mem_new(before_size + 2 * strlen(folder) + strlen(name) + 2), *end = path;
    memcpy(end, before, before_size);
    end += before_size;
    for (const char *from = folder; *from; from++) {
        *end++ = *from;
        if (*from == ',' && doubles_commas)
            *end++ = ',';
    }
    *end++ = '/';
    strcpy(end, name);
    return path;
}

/* The value with a relative name of a file put under folder; the caller frees. */
static char *resolve(const struct key_row *key, const char *value, const char *folder)
{
    static const char file[] = "file:";
    const char *name = value;
    if (key->kind == VALUE_WHERE && strncmp(value, file, sizeof file - 1) == 0)
        name = value + sizeof file - 1;
    else if (key->kind == VALUE_TRACE && strchr(value, ':'))
        name = strchr(value, ':') + 1;
    else if (key->kind == VALUE_PLAIN || key->kind == VALUE_WHERE || key->kind == VALUE_TRACE)
        return mem_string_copy(value);
    if (*name == '/' || !*name)
        return mem_string_copy(value);
    return under(folder, value, (size_t)(name - value), name, key->kind == VALUE_IMAGE);
}

/* --- to a configuration --- */

static bool take_size(const char *text, unsigned long long *size, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr("kmgt", tolower((unsigned char)*end)) : NULL;
    unsigned shift = !*end ? 20 : !unit ? 64 : 10 * (unsigned)(unit - "kmgt" + 1);
    bool ok = isdigit((unsigned char)*text) && !errno && shift < 64 && (!*end || !end[1]) &&
              value && value << shift >> shift == value && value << shift <= 1ull << 41;
    *size = ok ? value << shift : 0;
    return ok || error_set(err, "--disk-size %s: give a size such as 500M or 8G", text);
}

/* Whether the image stays where it is, because nothing is written to it. */
static bool is_reference(const char *specification, bool *is, struct error *err)
{
    char path[PATH_SIZE];
    struct image_options options;
    if (!image_parse(specification, path, sizeof path, &options, err))
        return false;
    *is = options.read_only || options.snapshot;
    return true;
}

struct making {
    struct config *config;
    const char *disk;
    unsigned long long disk_size;
    char *here;
    bool has_memory, has_cpu;
};

static bool take_disk(struct making *making, const char *value, bool *taken, struct error *err)
{
    bool stays;
    if (!is_reference(value, &stays, err))
        return false;
    *taken = !stays;
    if (!stays && (making->disk || making->disk_size))
        return error_set(err,
                         "--disk %s: a machine has one disk of its own; add ,readonly or ,snapshot "
                         "to others, which stay where they are",
                         value);
    if (!stays)
        making->disk = value;
    return true;
}

/* An option of the machine's section goes before those of the other. */
static void add_line(struct config *config, const struct key_row *key, const char *value)
{
    config_add(config, key->section, key->key, value);
    unsigned at = config->count - 1;
    struct config_line line = config->lines[at];
    while (strcmp(key->section, MACHINE) == 0 && at &&
           strcmp(config->lines[at - 1].section, START) == 0) {
        config->lines[at] = config->lines[at - 1];
        at--;
    }
    config->lines[at] = line;
}

static bool take_option(struct making *making, const char *name, const char *value,
                        struct error *err)
{
    const struct key_row *key = find_key(name);
    if (!key)
        return error_set(err, "--%s does not go with a machine that is kept by name", name);
    bool is_own_disk = false;
    if (strcmp(name, "disk") == 0 && !take_disk(making, value, &is_own_disk, err))
        return false;
    making->has_memory |= strcmp(name, "memory") == 0;
    making->has_cpu |= strcmp(name, "cpu") == 0;
    if (is_own_disk)
        return true;
    char *text = resolve(key, value ? value : "yes", making->here);
    bool ok = config_can_hold(name, text, err);
    if (ok)
        add_line(making->config, key, text);
    mem_free(text);
    return ok;
}

/* One option and its argument at argv[*i]; the last word of it becomes argv[*i]. */
static bool take_words(struct making *making, int argc, char **argv, int *i, struct error *err)
{
    char name[OPTION_SIZE];
    const char *word = argv[*i], *value = strchr(word, '=');
    size_t length = value ? (size_t)(value - word) : strlen(word);
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    value = value ? value + 1 : NULL;
    bool is_size = strcmp(name, "--disk-size") == 0, is_end = strcmp(name, "--at-end") == 0;
    const struct option_row *row = run_option_find(name);
    if (strncmp(word, "--", 2) != 0 || (!row && !is_size && !is_end))
        return error_set(err, "unknown option %s; see anachron new --help", word);
    if ((!row || row->argument) && !value) {
        if (++*i == argc)
            return error_set(err, "%s wants an argument", name);
        value = argv[*i];
    }
    if (is_size)
        return take_size(value, &making->disk_size, err);
    if (is_end) {
        config_add(making->config, START, "at-end", value);
        return strcmp(value, "save") == 0 || strcmp(value, "discard") == 0 ||
               error_set(err, "--at-end %s: give save or discard", value);
    }
    return run_option_check(row, value, err) && take_option(making, name + 2, value, err);
}

/* Options that do not go together are found now, and not at the start. */
static bool check_together(const struct config *config, struct error *err)
{
    static const struct words nothing;
    struct kept_settings settings;
    struct run_options options;
    const char *guest_option;
    bool ok = kept_config_settings(config, "options", "/", &nothing, false, &settings,
                                   &guest_option, err);
    ok = ok && run_options_parse(settings.options.count, settings.options.word, &options, err);
    kept_settings_free(&settings);
    return ok;
}

bool kept_config_make(int argc, char **argv, struct config *config, const char **disk,
                      unsigned long long *disk_size, struct error *err)
{
    struct making making = {.config = config, .here = getcwd(NULL, 0)};
    struct run_options options;
    bool ok = making.here != NULL || error_set_errno(err, "cannot find the current directory");
    *config = (struct config){0};
    for (int i = 1; ok && i < argc; i++)
        ok = take_words(&making, argc, argv, &i, err);
    free(making.here);
    if (ok && making.disk && making.disk_size)
        ok = error_set(err,
                       "--disk and --disk-size exclude each other: a machine has one disk of "
                       "its own");
    /* Said once, a default stays what it is for this machine. */
    if (ok && run_options_parse(1, argv, &options, err)) {
        char memory[32];
        snprintf(memory, sizeof memory, "%lluM", (unsigned long long)options.ram_size >> 20);
        if (!making.has_memory)
            add_line(config, find_key("memory"), memory);
        if (!making.has_cpu)
            add_line(config, find_key("cpu"), options.model->name);
    }
    ok = ok && check_together(config, err);
    *disk = making.disk;
    *disk_size = making.disk_size;
    if (!ok)
        config_free(config);
    return ok;
}

/* --- from one --- */

const char *kept_config_find(const struct config *config, const char *key)
{
    for (unsigned i = 0; i < config->count; i++) {
        if (strcmp(config->lines[i].section, MACHINE) == 0 &&
            strcmp(config->lines[i].key, key) == 0)
            return config->lines[i].value;
    }
    return NULL;
}

static bool is_in(const char *value, const char *first, const char *second)
{
    return strcmp(value, first) == 0 || strcmp(value, second) == 0;
}

/* Lines that are no options of `anachron run`. *taken: this is one. */
static bool take_own_line(const struct config_line *line, struct kept_settings *settings,
                          bool *taken, struct error *err)
{
    *taken = true;
    if (strcmp(line->section, START) == 0 && strcmp(line->key, "at-end") == 0) {
        settings->discards = strcmp(line->value, "discard") == 0;
        return is_in(line->value, "save", "discard") ||
               error_set(err, "at-end = %s: give save or discard", line->value);
    }
    if (strcmp(line->section, MACHINE) == 0 && strcmp(line->key, "geometry") == 0) {
        mem_free(settings->geometry);
        settings->geometry = mem_string_copy(line->value);
        return true;
    }
    *taken = false;
    return true;
}

static bool check_place(const struct config_line *line, const struct key_row *key,
                        struct error *err)
{
    if (!is_in(line->section, MACHINE, START))
        return error_set(err, "[%s] is no section; there are [machine] and [start]", line->section);
    if (!key)
        return error_set(err, "there is no key \"%s\"; keys are the options of anachron run",
                         line->key);
    if (strcmp(key->section, line->section) != 0)
        return error_set(err, "%s belongs under [%s]", line->key, key->section);
    return true;
}

static bool take_line(const struct config_line *line, const char *folder, bool is_left_out,
                      struct kept_settings *settings, struct error *err)
{
    bool taken, stays = true;
    const struct key_row *key = find_key(line->key);
    if (!take_own_line(line, settings, &taken, err))
        return false;
    if (taken)
        return true;
    if (!check_place(line, key, err))
        return false;
    const struct option_row *row = find_option(key);
    if (!row->argument) {
        if (!is_in(line->value, "yes", "no"))
            return error_set(err, "%s = %s: give yes or no", line->key, line->value);
        if (strcmp(line->value, "yes") == 0 && !is_left_out)
            words_add(&settings->options, "--%s", line->key);
        return true;
    }
    if (strcmp(line->key, "disk") == 0 && !is_reference(line->value, &stays, err))
        return false;
    if (!stays)
        return error_set(err,
                         "disk = %s: the machine's own disk is disk.img; add ,readonly or "
                         ",snapshot to others",
                         line->value);
    char *value = resolve(key, line->value, folder);
    bool ok = run_option_check(row, value, err);
    if (ok && !is_left_out)
        words_add(&settings->options, "--%s=%s", line->key, value);
    mem_free(value);
    return ok;
}

bool kept_config_settings(const struct config *config, const char *path, const char *folder,
                          const struct words *given, bool goes_on, struct kept_settings *settings,
                          const char **guest_option, struct error *err)
{
    struct error reason;
    *settings = (struct kept_settings){0};
    *guest_option = NULL;
    words_add(&settings->options, "start");
    for (unsigned i = 0; i < config->count; i++) {
        const struct config_line *line = &config->lines[i];
        const struct key_row *key = find_key(line->key);
        bool is_left_out = words_have(given, line->key) || (key && goes_on && is_of_power_on(key));
        if (!take_line(line, folder, is_left_out, settings, &reason)) {
            kept_settings_free(settings);
            return error_set(err, "%s:%u: %.380s", path, line->number, reason.text);
        }
    }
    for (int i = 1; i < given->count; i++)
        words_add(&settings->options, "%s", given->word[i]);
    for (size_t i = 0; !*guest_option && i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].section, MACHINE) == 0 && words_have(given, keys[i].key))
            *guest_option = keys[i].key;
    }
    return true;
}

void kept_settings_free(struct kept_settings *settings)
{
    words_free(&settings->options);
    mem_free(settings->geometry);
    *settings = (struct kept_settings){0};
}
