/* Files and folders of the host, as a store of machines needs them: what is written is safe on the
 * medium when a function returns, so that a rename after it can be a commit point. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* directory/name; the caller ends it with mem_free. */
char *files_path(const char *directory, const char *name);
bool files_exists(const char *path);

/* Names that were made, removed or renamed in the directory are safe. */
bool files_sync_directory(const char *path, struct error *err);
/* A new file, which must not exist. */
bool files_write(const char *path, const void *bytes, size_t size, struct error *err);
/* A copy of a file, with its times: shares blocks where the file system can, and keeps holes. to
 * must not exist. */
bool files_copy(const char *from, const char *to, struct error *err);
/* An empty file of size bytes, which takes no room; it must not exist. */
bool files_make_sparse(const char *path, unsigned long long size, struct error *err);
/* A file or a folder with all that is in it. Nothing there is no failure. */
bool files_remove_tree(const char *path, struct error *err);
bool files_rename(const char *from, const char *to, struct error *err);

#endif
