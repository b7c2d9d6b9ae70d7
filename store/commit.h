/* How disk and state of a machine are replaced together: a redo log.
 *
 *     1. commit.new/delta   the sectors that differ from disk.img, with a checksum
 *        commit.new/state   the new state, if there is one
 *        (both safe on the medium)
 *     2. commit.new/ is renamed to commit/             this is the moment of saving
 *     3. the sectors go into disk.img                  may be done again, all of it,
 *        commit/state becomes state, or state goes     by whoever finds commit/
 *        commit/ is removed
 *
 * Interrupted before 2, nothing has happened; after it, everything has, as far as anybody can see
 * who takes the machine by store_take.
 *
 * A state belongs to one content of the disk. That is known by the time of the last change: step 3
 * gives disk.img the time of its state. Whoever writes to disk.img afterwards changes it, and
 * the state is refused (commit_state_fits). */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "base/error.h"
#include "bus/backend.h"

#include <stdbool.h>

/* Writes a file with the state to path, which does not exist. Need not sync it. */
typedef bool commit_write_state(void *opaque, const char *path, struct error *err);

/* Steps 1 and 2 for the machine in folder path, which the caller has locked and which has no
 * unfinished commit. disk: with an overlay, or NULL; write_state NULL: powered off. False: nothing
 * has happened. */
bool commit_save(const char *path, struct disk_backend *disk, commit_write_state *write_state,
                 void *opaque, struct error *err);
/* Step 3, and removes what step 1 of a killed process has left. Nothing to do is fine. False: the
 * save is still to be finished (or, if err says so, cannot be read). */
bool commit_recover(const char *path, struct error *err);
/* Whether there is a state that goes with the disk. exists: whether there is one at all. False with
 * exists: err says why it is of no use. */
bool commit_state_fits(const char *path, bool *exists, struct error *err);

#endif
