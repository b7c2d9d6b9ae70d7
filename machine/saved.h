/* Saved states: a whole machine in one file (snapshot/container.h; docs/snapshots.md says what is
 * in it). */
#ifndef MACHINE_SAVED_H
#define MACHINE_SAVED_H

#include "machine/machine.h"

/* Writes the machine as it is now to path, whole or not at all. On the machine's thread, between
 * two instructions; the guest cannot notice. Disks that are written directly are flushed, and are
 * to hold what they do now when the state is loaded. False: err; path is as it was. */
bool machine_save(struct machine *machine, const char *path, struct error *err);

/* What is in a drive now, the image itself; NULL: nothing. place: below SAVED_PLACES. */
struct disk_backend *saved_medium(struct machine *machine, unsigned place);

/* --- loading --- */

struct saved;

/* What this program writes into a file as its name, and wants to find there: other releases may run
 * a guest in another way. */
const char *saved_program(void);
/* Opens a file and checks all of it: what can be wrong with the file is found here. NULL: err. */
struct saved *saved_open(const char *path, struct error *err);
/* The same of bytes in memory, which must outlive it; path is for messages. */
struct saved *saved_open_bytes(const uint8_t *bytes, size_t size, const char *path,
                               struct error *err);
/* The bytes of the file, for a log that begins with it; valid until saved_close. */
const uint8_t *saved_bytes(const struct saved *saved, size_t *size);
/* NULL does nothing. */
void saved_close(struct saved *saved);

/* Sets what config says of the guest's machine, but for its drives; the rest stays. saved must
 * outlive the machine. */
void saved_configure(const struct saved *saved, struct machine_config *config);

/* Places for media: floppy drives, then IDE places. */
enum { SAVED_PLACES = MACHINE_FLOPPIES + MACHINE_DISKS };

struct saved_drive {
    bool present, is_cdrom;
    bool has_medium; /* what follows is about it */
    bool read_only;
    bool has_overlay; /* whose sectors are in the file, unless kept_beside */
    bool kept_beside; /* disk_backend; path and identity say nothing */
    const char *path;
    struct disk_identity identity;
    struct disk_geometry geometry; /* as given by the user; all zero: it was not */
    uint64_t sector_count;
};
const struct saved_drive *saved_drive(const struct saved *saved, unsigned place);

/* Puts the state into a new machine of saved_configure, with media in its drives as saved_drive
 * says: overlays are empty yet, and get their sectors. lazily: RAM is filled while the machine runs
 * (snapshot/pages_lazy.h says what must not be done then). False: err; the machine is of no use. */
bool machine_load(struct machine *machine, const struct saved *saved, bool lazily,
                  struct error *err);
/* Waits until all of RAM is there; before a fork. */
void machine_settle_memory(struct machine *machine);

#endif
