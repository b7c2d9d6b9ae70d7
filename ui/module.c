#include "ui/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of the program, with a slash at its end; false when the host does not tell. */
static bool program_folder(char folder[PATH_MAX])
{
    ssize_t size = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (size <= 0)
        return false;
    folder[size] = 0;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[1] = 0;
    return slash != NULL;
}

const void *module_load(const char *file, const char *symbol, struct error *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 64];
    void *module = NULL;
    if (program_folder(folder)) {
        snprintf(path, sizeof path, "%sui/%s", folder, file);
        if (access(path, F_OK) == 0)
            module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        else
            module = dlopen(strcat(strcpy(path, MODULE_FOLDER "/"), file), RTLD_NOW | RTLD_LOCAL);
    }
    const void *table = module ? dlsym(module, symbol) : NULL;
    const char *reason = table ? NULL : dlerror();
    if (!table)
        error_set(err, "a part of the program cannot be loaded: %s; build or install all of it",
                  reason ? reason : file);
    return table;
}
