/* Disk images: files of the host as struct disk_backend (bus/backend.h), for floppies, hard disks
 * and CD-ROMs. The files are raw: sector after sector, as the medium holds them.
 *
 * An image is named on the command line as FILE[,OPTION]...
 *
 *     readonly          the guest sees a write-protected medium; the file is opened for reading
 *     snapshot          the guest's writes go to a temporary overlay that is gone at the end
 *     geometry=C/H/S    cylinders, heads, sectors per track: up to 65535/16/63 for a hard disk
 * (which must have as many sectors), 84/2/36 for a diskette
 *
 * A comma that belongs to the file's name is written twice.
 *
 * The file is locked with flock: shared for reading only, exclusive for writing, so that two
 * machines never write one image, and none reads what another is writing.
 *
 * The size need not be a multiple of 512 bytes for floppies, CD-ROMs and everything that is opened
 * with readonly or snapshot: the last sector is padded with zeros. A writable hard disk whose file
 * ends inside a sector is refused, because it is nearly always a truncated copy. */
#ifndef HOST_IMAGE_H
#define HOST_IMAGE_H

#include "base/bits.h"
#include "base/error.h"
#include "bus/backend.h"

enum image_kind { IMAGE_FLOPPY, IMAGE_DISK, IMAGE_CDROM };

struct image_options {
    bool read_only;
    bool snapshot;
    struct disk_geometry geometry; /* all zero: not given */
};

/* Splits "FILE[,OPTION]..." into path (size path_size) and options. False: err says what is wrong
 * with it. */
bool image_parse(const char *specification, char *path, size_t path_size,
                 struct image_options *options, struct error *err);

/* Writes path to text (twice its length and 1) as it stands in a specification, before its options.
 * Returns the end. */
char *image_put_path(char *text, const char *path);

/* Opens the image that specification names. CD-ROMs are always read-only; a floppy whose file may
 * not be written is write-protected; a hard disk whose file may not be written is an error (that
 * names readonly and snapshot as the ways out). Fills in the geometry: the one that was given, or a
 * guess (host/image_geometry.h). The caller owns the result and ends it with image_close.
 * NULL: err holds one line that says what failed and what to do. */
struct disk_backend *image_open(const char *specification, enum image_kind kind, struct error *err);

/* The same; the file of an overlay is in overlay_directory (NULL: $TMPDIR or /tmp). */
struct disk_backend *image_open_in(const char *specification, enum image_kind kind,
                                   const char *overlay_directory, struct error *err);

/* In a process that was forked: an image with an overlay gets one of its own, as it is now, so that
 * the other process does not see what is written here. Others stay shared. disk may be NULL. */
bool image_unshare(struct disk_backend *disk, struct error *err);

/* In a process that was forked: the image of a disk with an overlay is from now on the file at
 * path, which has the same bytes, and the files of the overlay are in overlay_directory. */
bool image_rebase(struct disk_backend *disk, const char *path, const char *overlay_directory,
                  struct error *err);

/* Flushes (a failure is reported in err, and the image is closed all the same) and closes. disk may
 * be NULL. */
bool image_close(struct disk_backend *disk, struct error *err);

#endif
