/* Backend contracts: what devices/ wants from the host, implemented in host/ and ui/. A backend is
 * a small struct with a table of operations; the machine hands it to the device's constructor and
 * keeps ownership. Input never comes through a backend: it comes through the gate (record/gate.h),
 * which calls the device's input function with the event. */
#ifndef BUS_BACKEND_H
#define BUS_BACKEND_H

#include "base/error.h"
#include "bus/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- block storage: sectors of 512 bytes (CD images are used by the drive in units of four) --- */

enum { DISK_SECTOR_SIZE = 512 };

struct disk_geometry {
    uint32_t cylinders, heads, sectors; /* sectors per track; all zero: not known */
};

struct disk_backend;
struct disk_backend_ops {
    /* Synchronous, whole sectors. False on a host I/O error (err says which); the device then
     * reports its own kind of media error to the guest. */
    bool (*read)(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                 struct error *err);
    bool (*write)(struct disk_backend *disk, uint64_t lba, uint32_t count, const void *bytes,
                  struct error *err);
    /* Returns when everything written is safe in the host's file. */
    bool (*flush)(struct disk_backend *disk, struct error *err);
    void (*close)(struct disk_backend *disk);
    /* Gives up the lock on the image while the medium is in no drive (resting), and takes it again.
     * False: somebody else has it now. NULL: there is no lock. */
    bool (*rest)(struct disk_backend *disk, bool resting);
    /* Since the medium rests, somebody else has written to its file: what it held cannot be had any
     * more. NULL: that cannot be. */
    bool (*has_changed)(struct disk_backend *disk);
    /* Of a disk whose writes go to an overlay; NULL: they go to the image itself. */
    /* The next run of sectors that have been written, at or after *lba, into *lba and *count.
     * False: there is none. */
    bool (*next_written)(const struct disk_backend *disk, uint64_t *lba, uint64_t *count);
    /* Before fork, in the process that is to be copied: makes little work of unshare. NULL: there
     * is nothing to do. */
    void (*share)(struct disk_backend *disk);
    /* After fork, in the copy of the process: what is written from now on is this process's alone.
     * Nothing may be written by the other one until it returns. */
    bool (*unshare)(struct disk_backend *disk, struct error *err);
    /* The image has got all that was written: the overlay becomes empty. */
    void (*forget_written)(struct disk_backend *disk);
};

struct disk_backend {
    const struct disk_backend_ops *ops;
    uint64_t sector_count;
    bool read_only;
    /* Whoever keeps the machine's state keeps the disk's content with it (a machine that is kept by
     * name): the state holds neither the overlay's sectors nor path or hash of the image. */
    bool kept_beside;
    /* Of the image's file, absolute; NULL: there is none. Lives as long as the disk. */
    const char *path;
    bool geometry_is_given;        /* by the user */
    struct disk_geometry geometry; /* guessed from the partition table, or given by the user */
    char name[64];                 /* for messages: the file's base name */
};

/* By what the file of an image is known again. */
struct disk_identity {
    uint64_t size;       /* bytes */
    int64_t modified_ns; /* when it was changed last, since 1970; 0: not known */
    uint64_t hash;
    bool is_sampled; /* hash is not over all of it */
};

/* --- characters out: serial ports, debug console, parallel port --- */

struct char_backend;
struct char_backend_ops {
    void (*write)(struct char_backend *chars, const uint8_t *bytes, size_t size);
    void (*close)(struct char_backend *chars);
};
struct char_backend {
    const struct char_backend_ops *ops;
};

/* --- the screen, as a display or a script sees it --- */

/* One text-mode cell as it is shown. */
struct screen_cell {
    uint8_t character;  /* code page 437 unless the guest loaded a font */
    uint8_t foreground; /* 0..15, attribute colour before the palette */
    uint8_t background; /* 0..15 */
    bool blink;
};

enum { SCREEN_MAX_COLUMNS = 256, SCREEN_MAX_ROWS = 128 };

struct screen_text {
    unsigned columns, rows; /* 0 x 0: the screen is in a graphics mode, or blank */
    bool cursor_visible;
    unsigned cursor_column, cursor_row;
    struct screen_cell cells[SCREEN_MAX_ROWS][SCREEN_MAX_COLUMNS];
};

#endif
