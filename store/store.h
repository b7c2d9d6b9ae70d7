/* The store: machines that are kept by name, after the calculus of M. Gordon's "V for Virtual".
 *
 * A machine is a folder of the store. An inactive one is three files, and a log of what happened:
 *
 *     NAME/config.ini     what machine it is; text that people may edit
 *     NAME/disk.img       its hard disk, raw; may be missing
 *     NAME/state          the state to go on from; missing: it is powered off
 *     NAME/log            a line for each thing that was done to it
 *
 * and, besides, for a time:
 *
 *     NAME/running/       there is a running instance (store/instance.h)
 *     NAME/commit.new/    disk and state are being saved
 *     NAME/commit/        they are saved, but not in place yet (store/commit.h)
 *     .new-XXXXXX/        a machine that is being made; by a fork, it runs in there already, and in
 *                         fork/ is what the other one has written for it, or the pipe on which it
 *                         says that it has got its name
 *     .rm-NAME.PID/       one that is being removed
 *
 * kill -9 at any moment leaves what the next command can put right. Three rules make that so:
 *
 * 1. A machine comes and goes by one rename: it is made in .new-XXXXXX and renamed to its name; it
 *    is renamed to .rm-... and then deleted. What a killed command leaves there, the next one
 *    deletes.
 * 2. A running instance never writes to the three files. What the guest writes goes to an
 *    overlay that is gone with the process. So a kill is the same as stop --discard.
 * 3. Disk and state are replaced by a redo log: the sectors that differ and the new state are
 *    written to commit.new/ and made safe; renaming that to commit/ is the moment at which they are
 *    saved. Only then are they put in place, which can be done again from the start if it was
 *    interrupted. Every command finishes what it finds in commit/ before it looks at the files.
 *
 * Locks (all of them end with the process that holds them): the folder NAME is locked (flock) by
 * who looks at or changes its files, for as long as that takes; running/pid is locked for as long
 * as the instance runs (in .new-XXXXXX, too, which is no rubbish then); .new-XXXXXX while it is
 * being made; the store itself for the moment in
 * which such a folder is made or cleared away. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/error.h"

#include <stdbool.h>

enum { STORE_NAME_MOST = 64 };

#define STORE_CONFIG "config.ini"
#define STORE_DISK   "disk.img"
#define STORE_STATE  "state"
#define STORE_DELTA  "delta" /* in commit/ and fork/ */
#define STORE_DONE   "done"  /* in fork/: a pipe */

struct store;

/* In $ANACHRON_MACHINES, or anachron/machines in $XDG_DATA_HOME (~/.local/share); makes it if it is
 * not there, and clears away what killed commands have left. NULL: err says why not. */
struct store *store_open(struct error *err);
void store_close(struct store *store);
const char *store_root(const struct store *store);
/* Names are 1 to 64 letters, digits, and . _ - but not first. */
bool store_name_is_good(const char *name, struct error *err);
/* The names, sorted; ends with NULL. Freed by store_list_free. */
char **store_list(const struct store *store, struct error *err);
void store_list_free(char **names);

/* A machine whose files nobody else looks at or changes until kept_release. */
struct kept {
    struct store *store;
    char *name, *path; /* the folder */
    int fd;            /* the same; holds the lock */
};

/* Locks the machine, waiting for others; finishes an interrupted save, and clears away an instance
 * that was killed. NULL: err says why, e.g. that there is none of that name. */
struct kept *store_take(struct store *store, const char *name, struct error *err);
void kept_release(struct kept *kept);
/* A file of it; the caller ends it with mem_free. */
char *kept_file(const struct kept *kept, const char *file);
/* Renames it away and deletes it. Takes over kept. */
bool kept_remove(struct kept *kept, struct error *err);
/* A line in its log: the time (UTC), and what was done. It is not worth failing for. */
void kept_log(const char *machine_path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A machine in the making: nobody sees it before draft_publish. */
struct draft {
    struct store *store;
    char *path;
    int fd;
};

bool draft_begin(struct store *store, struct draft *draft, struct error *err);
/* The same one in another process, which is to give it its name, while who began it (and holds its
 * lock) waits. path: absolute. draft->store is the caller's, too. */
bool draft_take_over(const char *path, struct draft *draft, struct error *err);
/* Gives it its name. False: there is one already; the draft is still to be ended. */
bool draft_publish(struct draft *draft, const char *name, struct error *err);
/* The three files of another machine, as they were saved last. */
bool draft_copy(const struct draft *draft, const struct kept *from, struct error *err);
/* Removes what was not published, unless a machine runs in it: a fork of one that has died before
 * it could say that it has become two. */
void draft_end(struct draft *draft);

#endif
