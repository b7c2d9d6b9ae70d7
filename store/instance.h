/* A running instance of a machine: the folder NAME/running while it runs.
 *
 *     pid       the number of its process, which holds a lock on the file
 *     control   its control socket (docs/control.md)
 *     console   what it says, when nobody sees its terminal; afterwards it is NAME/console
 *
 * A folder whose pid file nobody locks is what a killed process has left. What the guest writes to
 * the disk is not here: it is in an overlay that has no name. */
#ifndef STORE_INSTANCE_H
#define STORE_INSTANCE_H

#include "store/commit.h"
#include "store/store.h"

#include <sys/types.h>

#define INSTANCE_CONSOLE "console"

struct instance;

/* Makes kept a running machine, of this process. NULL: err says why not, e.g. that it runs. */
struct instance *instance_begin(struct kept *kept, struct error *err);
/* The same for a machine in the making, which is to be called name: it gets it, and is seen by
 * others, by instance_publish. */
struct instance *instance_begin_draft(const struct draft *draft, const char *name,
                                      struct error *err);
bool instance_publish(struct instance *instance, struct draft *draft, struct error *err);
/* In a process that was forked off: it is the other one's, and runs on there. */
void instance_abandon(struct instance *instance);
/* Where its control socket is to be; short enough for one. */
const char *instance_control(const struct instance *instance);
const char *instance_name(const struct instance *instance);
/* The machine's folder. */
const char *instance_path(const struct instance *instance);
/* A file in running/; the caller ends it with mem_free. */
char *instance_file(const struct instance *instance, const char *file);
/* Saves disk (which has an overlay; NULL: there is none) and state: store/commit.h. True as soon as
 * that can not be lost any more; then the overlay is empty, unless putting it in place must wait
 * for something that a warning names. */
bool instance_save(struct instance *instance, struct disk_backend *disk,
                   commit_write_state *write_state, void *opaque, struct error *err);
/* It runs no more. how is for the log; NULL: nothing is logged. instance may be NULL. */
void instance_end(struct instance *instance, const char *how);

/* --- for others --- */

/* The process that runs the machine in folder path, or 0. */
pid_t instance_pid(const char *path);
/* Removes what a killed instance has left. The machine is locked by the caller. */
bool instance_clear(const char *path, struct error *err);
/* The control socket of a running machine; the caller ends *path with mem_free and closes the
 * descriptor (-1: there is none) when it is not needed any more. */
char *instance_find_control(const char *machine_path, int *fd);

#endif
