#include "store/store.h"

#include "base/memory.h"
#include "store/commit.h"
#include "store/files.h"
#include "store/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NEW_PREFIX     ".new-"
#define REMOVED_PREFIX ".rm-"

enum { LINE_SIZE = 512 };

struct store {
    char *root;
    int fd;
};

/* --- the folder of all --- */

static bool make_folders(char *path, struct error *err)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        bool ok = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (!ok)
            error_set_errno(err, "%s: cannot make the folder for machines", path);
        *slash = '/';
        if (!ok)
            return false;
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST ||
           error_set_errno(err, "%s: cannot make the folder for machines", path);
}

/* Relative names are made absolute, because windows and sockets outlive a change of directory. */
static char *find_root(struct error *err)
{
    const char *given = getenv("ANACHRON_MACHINES"), *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (given && *given) {
        char *here = *given == '/' ? NULL : getcwd(NULL, 0);
        char *root = here ? files_path(here, given) : mem_string_copy(given);
        free(here);
        return root;
    }
    if (data && *data == '/')
        return files_path(data, "anachron/machines");
    if (home && *home == '/')
        return files_path(home, ".local/share/anachron/machines");
    error_set(err, "there is no home directory to keep machines in; set ANACHRON_MACHINES");
    return NULL;
}

/* Nobody holds it, so nobody is making it any more; and nothing runs in it that will give it its
 * name. */
static bool is_abandoned(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool abandoned = flock(fd, LOCK_EX | LOCK_NB) == 0 && !instance_pid(path);
    close(fd);
    return abandoned;
}

static void clear_rubbish(struct store *store)
{
    DIR *folder = opendir(store->root);
    if (!folder)
        return;
    flock(store->fd, LOCK_EX);
    for (struct dirent *entry; (entry = readdir(folder));) {
        bool is_new = strncmp(entry->d_name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0;
        bool is_removed = strncmp(entry->d_name, REMOVED_PREFIX, strlen(REMOVED_PREFIX)) == 0;
        if (!is_new && !is_removed)
            continue;
        char *path = files_path(store->root, entry->d_name);
        if (is_removed || is_abandoned(path))
            files_remove_tree(path, NULL);
        mem_free(path);
    }
    flock(store->fd, LOCK_UN);
    closedir(folder);
}

struct store *store_open(struct error *err)
{
    char *root = find_root(err);
    if (!root)
        return NULL;
    int fd = -1;
    if (make_folders(root, err)) {
        fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            error_set_errno(err, "%s: cannot open the folder for machines", root);
    }
    if (fd < 0) {
        mem_free(root);
        return NULL;
    }
    struct store *store = mem_new(sizeof *store);
    *store = (struct store){root, fd};
    clear_rubbish(store);
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    close(store->fd);
    mem_free(store->root);
    mem_free(store);
}

const char *store_root(const struct store *store)
{
    return store->root;
}

/* --- names --- */

static bool is_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(name);
    return length && length <= STORE_NAME_MOST && strchr(letters, name[0]) &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
               length;
}

bool store_name_is_good(const char *name, struct error *err)
{
    return is_name(name) ||
           error_set(err,
                     "\"%.100s\" is no name for a machine: give 1 to %d letters, digits, and . _ - "
                     "(not first)",
                     name, STORE_NAME_MOST);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

char **store_list(const struct store *store, struct error *err)
{
    DIR *folder = opendir(store->root);
    if (!folder) {
        error_set_errno(err, "%s: cannot read the folder of machines", store->root);
        return NULL;
    }
    size_t count = 0, room = 16;
    char **names = mem_new(room * sizeof *names);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!is_name(entry->d_name))
            continue;
        if (count + 1 == room)
            names = mem_resize(names, (room *= 2) * sizeof *names);
        names[count++] = mem_string_copy(entry->d_name);
    }
    closedir(folder);
    names[count] = NULL;
    qsort(names, count, sizeof *names, compare_names);
    return names;
}

void store_list_free(char **names)
{
    for (char **name = names; name && *name; name++)
        mem_free(*name);
    mem_free(names);
}

/* --- one of them --- */

char *kept_file(const struct kept *kept, const char *file)
{
    return files_path(kept->path, file);
}

/* The folder that was locked is still the one of that name. */
static bool is_same(int fd, const char *path)
{
    struct stat locked, named;
    return fstat(fd, &locked) == 0 && lstat(path, &named) == 0 && locked.st_ino == named.st_ino &&
           locked.st_dev == named.st_dev;
}

static int lock_folder(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -1;
        int locked;
        do
            locked = flock(fd, LOCK_EX);
        while (locked < 0 && errno == EINTR);
        if (locked == 0 && is_same(fd, path))
            return fd;
        close(fd);
        if (locked < 0)
            return -1;
    }
}

void kept_release(struct kept *kept)
{
    if (!kept)
        return;
    close(kept->fd);
    mem_free(kept->name);
    mem_free(kept->path);
    mem_free(kept);
}

struct kept *store_take(struct store *store, const char *name, struct error *err)
{
    if (!store_name_is_good(name, err))
        return NULL;
    char *path = files_path(store->root, name);
    int fd = lock_folder(path);
    if (fd < 0) {
        if (errno == ENOENT)
            error_set(err, "there is no machine called %s; anachron ls lists them, new makes one",
                      name);
        else
            error_set_errno(err, "%s: cannot lock the machine's folder", path);
        mem_free(path);
        return NULL;
    }
    struct kept *kept = mem_new(sizeof *kept);
    *kept = (struct kept){store, mem_string_copy(name), path, fd};
    if (commit_recover(path, err) && instance_clear(path, err))
        return kept;
    kept_release(kept);
    return NULL;
}

bool kept_remove(struct kept *kept, struct error *err)
{
    char name[STORE_NAME_MOST + 32];
    snprintf(name, sizeof name, REMOVED_PREFIX "%s.%d", kept->name, (int)getpid());
    char *away = files_path(kept->store->root, name);
    bool ok = files_rename(kept->path, away, err) && files_sync_directory(kept->store->root, err) &&
              files_remove_tree(away, err);
    mem_free(away);
    kept_release(kept);
    return ok;
}

void kept_log(const char *machine_path, const char *format, ...)
{
    char line[LINE_SIZE];
    time_t now = time(NULL);
    struct tm date;
    size_t size = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ  ", gmtime_r(&now, &date));
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line + size, sizeof line - size - 1, format, arguments);
    va_end(arguments);
    size += (size_t)length < sizeof line - size - 1 ? (size_t)length : sizeof line - size - 2;
    line[size++] = '\n';
    char *path = files_path(machine_path, "log");
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, size) != (ssize_t)size)
        fprintf(stderr, "anachron: warning: %s: cannot write the machine's log\n", path);
    if (fd >= 0)
        close(fd);
    mem_free(path);
}

/* --- machines in the making --- */

bool draft_begin(struct store *store, struct draft *draft, struct error *err)
{
    *draft = (struct draft){store, files_path(store->root, NEW_PREFIX "XXXXXX"), -1};
    flock(store->fd, LOCK_EX);
    bool ok = mkdtemp(draft->path) != NULL && chmod(draft->path, 0755) == 0 &&
              (draft->fd = open(draft->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0 &&
              flock(draft->fd, LOCK_EX | LOCK_NB) == 0;
    if (!ok)
        error_set_errno(err, "%s: cannot make a machine there", store->root);
    flock(store->fd, LOCK_UN);
    if (!ok)
        draft_end(draft);
    return ok;
}

bool draft_take_over(const char *path, struct draft *draft, struct error *err)
{
    char *root = mem_string_copy(path), *slash = strrchr(root, '/');
    if (slash)
        *slash = 0;
    int fd = slash ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0) {
        error_set_errno(err, "%s: cannot open the folder for machines", root);
        mem_free(root);
        return false;
    }
    struct store *store = mem_new(sizeof *store);
    *store = (struct store){root, fd};
    *draft = (struct draft){store, mem_string_copy(path), -1};
    return true;
}

bool draft_publish(struct draft *draft, const char *name, struct error *err)
{
    char *path = files_path(draft->store->root, name);
    bool ok = files_sync_directory(draft->path, err);
    /* A folder with files is never replaced. */
    if (ok && rename(draft->path, path) != 0) {
        ok = errno == EEXIST || errno == ENOTEMPTY
                 ? error_set(err, "there is a machine called %s already; anachron rm removes it",
                             name)
                 : error_set_errno(err, "%s: cannot give the machine its name", path);
    } else if (ok) {
        mem_free(draft->path);
        draft->path = NULL;
        if (draft->fd >= 0)
            flock(draft->fd, LOCK_UN); /* also for a process that was forked off */
        ok = files_sync_directory(draft->store->root, err);
    }
    mem_free(path);
    return ok;
}

static bool copy_if_there(const struct draft *draft, const struct kept *from, const char *file,
                          struct error *err)
{
    char *source = kept_file(from, file), *target = files_path(draft->path, file);
    bool ok = !files_exists(source) || files_copy(source, target, err);
    mem_free(source);
    mem_free(target);
    return ok;
}

bool draft_copy(const struct draft *draft, const struct kept *from, struct error *err)
{
    return copy_if_there(draft, from, STORE_CONFIG, err) &&
           copy_if_there(draft, from, STORE_DISK, err) &&
           copy_if_there(draft, from, STORE_STATE, err);
}

void draft_end(struct draft *draft)
{
    /* What runs in it may be about to give it its name; if not, it is rubbish as soon as it ends.
     */
    if (draft->path && !instance_pid(draft->path))
        files_remove_tree(draft->path, NULL);
    if (draft->fd >= 0)
        close(draft->fd);
    mem_free(draft->path);
    *draft = (struct draft){.fd = -1};
}
