#include "ui/window_prompt.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void prompt_set(struct prompt *prompt, const char *text)
{
    *prompt = (struct prompt){0};
    prompt_add(prompt, text);
}

void prompt_add(struct prompt *prompt, const char *text)
{
    size_t length = strlen(text);
    if (prompt->size + length >= sizeof prompt->text)
        return;
    memcpy(prompt->text + prompt->size, text, length + 1);
    prompt->size += length;
    prompt->tabs = 0;
}

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

void prompt_erase(struct prompt *prompt, bool word)
{
    if (!prompt->size)
        return;
    do
        prompt->size--;
    while (prompt->size && (is_inside_character(prompt->text[prompt->size]) ||
                            (word && prompt->text[prompt->size - 1] != '/')));
    prompt->text[prompt->size] = 0;
    prompt->tabs = 0;
}

/* --- completion --- */

struct names {
    char **name;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_directory(const char *directory, const char *name)
{
    char path[2 * PROMPT_SIZE];
    struct stat about;
    snprintf(path, sizeof path, "%s%s", directory, name);
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Names in directory (which ends with a slash, or is empty) that begin with start, in order;
 * directories with a slash behind them. Hidden ones only if start is hidden. */
static struct names find(const char *directory, const char *start)
{
    struct names names = {0};
    DIR *stream = opendir(*directory ? directory : ".");
    if (!stream)
        return names;
    for (struct dirent *entry; (entry = readdir(stream));) {
        const char *name = entry->d_name;
        if (strncmp(name, start, strlen(start)) != 0 || (name[0] == '.' && start[0] != '.') ||
            strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        size_t length = strlen(name);
        char *copy = mem_new(length + 2);
        memcpy(copy, name, length);
        copy[length] = is_directory(directory, name) ? '/' : 0;
        names.name = mem_resize(names.name, (names.count + 1) * sizeof *names.name);
        names.name[names.count++] = copy;
    }
    closedir(stream);
    if (names.count)
        qsort(names.name, names.count, sizeof *names.name, compare);
    return names;
}

static size_t shared_length(const struct names *names)
{
    size_t length = strlen(names->name[0]);
    for (size_t i = 1; i < names->count; i++) {
        size_t same = 0;
        while (same < length && names->name[i][same] == names->name[0][same])
            same++;
        length = same;
    }
    return length;
}

bool prompt_complete(struct prompt *prompt)
{
    char directory[PROMPT_SIZE], start[PROMPT_SIZE];
    unsigned tabs = prompt->tabs;
    if (!tabs)
        prompt->typed = prompt->size;
    snprintf(start, sizeof start, "%.*s", (int)prompt->typed, prompt->text);
    char *slash = strrchr(start, '/');
    size_t stem = slash ? (size_t)(slash + 1 - start) : 0;
    snprintf(directory, sizeof directory, "%.*s", (int)stem, start);
    struct names names = find(directory, start + stem);
    if (names.count) {
        size_t shared = shared_length(&names);
        bool grows = tabs == 0 && shared > prompt->typed - stem;
        const char *name = grows ? names.name[0] : names.name[(tabs ? tabs - 1 : 0) % names.count];
        prompt->size = stem;
        prompt->text[stem] = 0;
        char part[PROMPT_SIZE];
        snprintf(part, sizeof part, "%.*s", grows ? (int)shared : (int)strlen(name), name);
        prompt_add(prompt, part);
        /* What all share is as good as typed: the next Tab begins with the candidates of that. */
        prompt->tabs = grows ? 0 : (tabs ? tabs : 1) + 1;
    }
    for (size_t i = 0; i < names.count; i++)
        mem_free(names.name[i]);
    mem_free(names.name);
    return names.count != 0;
}
