#include "host/image.h"

#include "host/image_backends.h"
#include "host/image_geometry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_PATH_LENGTH = 4096,
    /* 84 tracks, 2 heads, 36 sectors: the most that a 2.88M drive can be made to hold. */
    FLOPPY_MAX_SECTORS = 84 * 2 * 36,
    CD_BLOCK_SIZE = 2048,
};

static const char *const kind_names[] = {
    [IMAGE_FLOPPY] = "floppy image", [IMAGE_DISK] = "disk image", [IMAGE_CDROM] = "CD image"};

/* --- "FILE[,OPTION]..." --- */

/* Copies up to the next single comma (doubled ones become one); returns what follows it, or NULL at
 * the end. The result fits, or err is set and *fits false. */
static const char *take_part(const char *text, char *part, size_t size, bool *fits)
{
    size_t length = 0;
    *fits = true;
    for (; *text; text++) {
        if (*text == ',') {
            if (text[1] != ',')
                break;
            text++;
        }
        if (length + 1 >= size) {
            *fits = false;
            break;
        }
        part[length++] = *text;
    }
    part[length] = '\0';
    return *text == ',' ? text + 1 : NULL;
}

static bool parse_number(const char **text, char end, uint32_t max, uint32_t *number)
{
    uint32_t value = 0;
    const char *digit = *text;
    while (*digit >= '0' && *digit <= '9' && value <= max)
        value = value * 10 + (uint32_t)(*digit++ - '0');
    if (digit == *text || *digit != end || value == 0 || value > max)
        return false;
    *number = value;
    *text = end ? digit + 1 : digit;
    return true;
}

static bool parse_geometry(const char *text, struct disk_geometry *geometry)
{
    return parse_number(&text, '/', 65535, &geometry->cylinders) &&
           parse_number(&text, '/', 255, &geometry->heads) &&
           parse_number(&text, '\0', 255, &geometry->sectors);
}

static bool parse_option(const char *option, struct image_options *options, struct error *err)
{
    static const char geometry_prefix[] = "geometry=";
    if (strcmp(option, "readonly") == 0) {
        options->read_only = true;
    } else if (strcmp(option, "snapshot") == 0) {
        options->snapshot = true;
    } else if (strncmp(option, geometry_prefix, sizeof geometry_prefix - 1) == 0) {
        const char *value = option + sizeof geometry_prefix - 1;
        if (!parse_geometry(value, &options->geometry))
            return error_set(err,
                             "geometry '%s' is not CYLINDERS/HEADS/SECTORS (1-65535/1-255/1-255), "
                             "for example geometry=615/4/17",
                             value);
    } else {
        return error_set(err,
                         "'%s' is not an option of an image; there are readonly, snapshot and "
                         "geometry=C/H/S (a comma in a file's name is written twice)",
                         option);
    }
    return true;
}

char *image_put_path(char *text, const char *path)
{
    for (; *path; path++) {
        if (*path == ',')
            *text++ = ',';
        *text++ = *path;
    }
    *text = 0;
    return text;
}

bool image_parse(const char *specification, char *path, size_t path_size,
                 struct image_options *options, struct error *err)
{
    *options = (struct image_options){0};
    bool fits;
    const char *rest = take_part(specification, path, path_size, &fits);
    if (!fits)
        return error_set(err, "the name of an image is longer than %zu bytes", path_size - 1);
    if (!*path)
        return error_set(err, "an image needs a file name before its options: '%s'", specification);
    while (rest) {
        char option[128];
        rest = take_part(rest, option, sizeof option, &fits);
        if (!parse_option(option, options, err))
            return false;
    }
    if (options->read_only && options->snapshot)
        return error_set(err, "%s: readonly and snapshot exclude each other; keep one of them",
                         path);
    return true;
}

/* --- opening --- */

struct opening {
    const char *path, *kind_name;
    enum image_kind kind;
    struct image_options options;
    int fd;
    uint64_t size;
    bool writable; /* the file itself */
};

static bool open_file(struct opening *opening, struct error *err)
{
    opening->writable =
        opening->kind != IMAGE_CDROM && !opening->options.read_only && !opening->options.snapshot;
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK; /* a FIFO must not block before it is refused */
    opening->fd = open(opening->path, flags | (opening->writable ? O_RDWR : O_RDONLY));
    bool denied = opening->fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS);
    if (denied && opening->writable && opening->kind == IMAGE_FLOPPY) {
        opening->writable = false;
        opening->fd = open(opening->path, flags | O_RDONLY);
        denied = false;
    }
    if (opening->fd >= 0)
        return true;
    if (errno == ENOENT)
        return error_set(
            err, "there is no %s '%s'; check the name%s", opening->kind_name, opening->path,
            opening->kind == IMAGE_DISK ? ", or make an empty disk with: truncate -s 1G FILE" : "");
    if (errno == EISDIR)
        return error_set(err, "%s '%s' is a directory; give a file", opening->kind_name,
                         opening->path);
    if (denied && opening->writable)
        return error_set_errno(err,
                               "cannot open %s '%s' for writing (chmod it, or add ,readonly or "
                               ",snapshot)",
                               opening->kind_name, opening->path);
    return error_set_errno(err, "cannot open %s '%s' (check its permissions)", opening->kind_name,
                           opening->path);
}

static bool lock_file(const struct opening *opening, struct error *err)
{
    if (flock(opening->fd, (opening->writable ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        return error_set_errno(err, "cannot lock %s '%s' (copy it to a local file system)",
                               opening->kind_name, opening->path);
    if (opening->writable)
        return error_set(err,
                         "%s '%s' is in use already, by another machine or a second option of "
                         "this one; use a copy, or, if it is only read there, add ,snapshot",
                         opening->kind_name, opening->path);
    return error_set(err, "%s '%s' is being written by another machine; stop that one, or copy it",
                     opening->kind_name, opening->path);
}

static bool measure_file(struct opening *opening, struct error *err)
{
    struct stat status;
    if (fstat(opening->fd, &status) != 0)
        return error_set_errno(err, "cannot examine %s '%s'", opening->kind_name, opening->path);
    if (S_ISDIR(status.st_mode))
        return error_set(err, "%s '%s' is a directory; give a file", opening->kind_name,
                         opening->path);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return error_set(err, "%s '%s' is neither a regular file nor a block device; give one",
                         opening->kind_name, opening->path);
    off_t size = lseek(opening->fd, 0, SEEK_END);
    if (size < 0)
        return error_set_errno(err, "cannot find the size of %s '%s'", opening->kind_name,
                               opening->path);
    if (size == 0)
        return error_set(err, "%s '%s' is empty; give it a size (truncate -s SIZE FILE)",
                         opening->kind_name, opening->path);
    opening->size = (uint64_t)size;
    return true;
}

/* A geometry that was given must be one that such a drive can have. */
static bool check_geometry(const struct opening *opening, struct error *err)
{
    const struct disk_geometry *given = &opening->options.geometry;
    if (opening->kind == IMAGE_FLOPPY &&
        (given->cylinders > 84 || given->heads > 2 || given->sectors > 36))
        return error_set(err,
                         "floppy image '%s': a diskette has at most 84 cylinders, 2 heads and 36 "
                         "sectors, not %u/%u/%u",
                         opening->path, given->cylinders, given->heads, given->sectors);
    if (opening->kind == IMAGE_DISK && (given->heads > 16 || given->sectors > 63))
        return error_set(err,
                         "disk image '%s': an IDE disk has at most 16 heads and 63 sectors, not "
                         "%u and %u; give its own geometry, the BIOS translates it",
                         opening->path, given->heads, given->sectors);
    return true;
}

static bool check_size(const struct opening *opening, struct error *err)
{
    unsigned long long size = opening->size;
    if (opening->kind == IMAGE_FLOPPY && size > FLOPPY_MAX_SECTORS * DISK_SECTOR_SIZE)
        return error_set(err,
                         "floppy image '%s' has %llu bytes, more than any diskette (%d); use it "
                         "with --disk or --cdrom",
                         opening->path, size, FLOPPY_MAX_SECTORS * DISK_SECTOR_SIZE);
    if (opening->kind == IMAGE_DISK && opening->writable && size % DISK_SECTOR_SIZE)
        return error_set(err,
                         "disk image '%s' ends inside a sector (%llu bytes is not a multiple of "
                         "512): is the copy complete? To use it as it is, add ,readonly or "
                         ",snapshot",
                         opening->path, size);
    const struct disk_geometry *given = &opening->options.geometry;
    uint64_t sectors = (opening->size + DISK_SECTOR_SIZE - 1) / DISK_SECTOR_SIZE;
    uint64_t addressed = (uint64_t)given->cylinders * given->heads * given->sectors;
    if (opening->kind == IMAGE_DISK && addressed > sectors)
        return error_set(err,
                         "disk image '%s' has %llu sectors, fewer than its geometry %u/%u/%u; give "
                         "fewer cylinders",
                         opening->path, (unsigned long long)sectors, given->cylinders, given->heads,
                         given->sectors);
    return true;
}

/* Files that are containers, not media: the guest would see garbage, and writing would destroy
 * them. */
struct container {
    const char *name, *advice;
    uint8_t offset, length;
    char magic[13];
};
static const struct container containers[] = {
    {"a QCOW image",                         "convert it: qemu-img convert -O raw OLD NEW", 0,  4,  "QFI\xFB"         },
    {"a VMDK image",                         "convert it: qemu-img convert -O raw OLD NEW", 0,  4,  "KDMV"            },
    {"a VirtualBox VDI",                     "convert it: qemu-img convert -O raw OLD NEW", 64, 4,  "\x7F\x10\xDA\xBE"},
    {"a VHDX image",                         "convert it: qemu-img convert -O raw OLD NEW", 0,  8,  "vhdxfile"        },
    {"compressed",                           "unpack it with gunzip",                       0,  3,  "\x1F\x8B\x08"    },
    {"compressed",                           "unpack it with unxz",                         0,  6,
     "\xFD"
     "7zXZ\0"                                                                                                         },
    {"compressed",                           "unpack it with unzstd",                       0,  4,  "\x28\xB5\x2F\xFD"},
    {"a raw CD dump with 2352-byte sectors", "make an ISO of it (bchunk)",                  0,  12,
     "\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0"                                                                   },
};

static bool check_content(const struct opening *opening, const uint8_t *first_sector,
                          struct error *err)
{
    for (size_t i = 0; i < ARRAY_LENGTH(containers); i++) {
        const struct container *container = &containers[i];
        if (memcmp(first_sector + container->offset, container->magic, container->length) == 0)
            return error_set(err, "%s '%s' is %s, not a raw image; %s", opening->kind_name,
                             opening->path, container->name, container->advice);
    }
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool prepare_file(struct opening *opening, struct error *err)
{
    return check_geometry(opening, err) && measure_file(opening, err) && check_size(opening, err) &&
           lock_file(opening, err);
}

static void set_geometry(struct disk_backend *disk, const struct opening *opening,
                         const uint8_t *first_sector)
{
    disk->geometry_is_given = opening->options.geometry.heads != 0;
    if (disk->geometry_is_given)
        disk->geometry = opening->options.geometry;
    else if (opening->kind == IMAGE_DISK)
        disk->geometry = image_guess_geometry(first_sector, disk->sector_count);
}

struct disk_backend *image_open(const char *specification, enum image_kind kind, struct error *err)
{
    return image_open_in(specification, kind, NULL, err);
}

struct disk_backend *image_open_in(const char *specification, enum image_kind kind,
                                   const char *overlay_directory, struct error *err)
{
    char path[MAX_PATH_LENGTH];
    struct opening opening = {.path = path, .kind_name = kind_names[kind], .kind = kind};
    if (!image_parse(specification, path, sizeof path, &opening.options, err) ||
        !open_file(&opening, err))
        return NULL;
    if (!prepare_file(&opening, err)) {
        close(opening.fd);
        return NULL;
    }
    uint64_t size = opening.size;
    if (kind == IMAGE_CDROM)
        size = (size + CD_BLOCK_SIZE - 1) / CD_BLOCK_SIZE * CD_BLOCK_SIZE;
    struct disk_backend *disk = image_raw_new(opening.fd, size, !opening.writable, base_name(path));
    image_raw_set_path(disk, path);
    uint8_t first_sector[DISK_SECTOR_SIZE];
    if (!disk->ops->read(disk, 0, 1, first_sector, err) ||
        !check_content(&opening, first_sector, err)) {
        disk->ops->close(disk);
        return NULL;
    }
    set_geometry(disk, &opening, first_sector);
    bool wants_overlay = opening.options.snapshot && kind != IMAGE_CDROM;
    return wants_overlay ? image_overlay_new(disk, overlay_directory, err) : disk;
}

bool image_unshare(struct disk_backend *disk, struct error *err)
{
    return !disk || !image_overlay_is(disk) || image_overlay_unshare(disk, err);
}

bool image_rebase(struct disk_backend *disk, const char *path, const char *overlay_directory,
                  struct error *err)
{
    struct opening opening = {
        .path = path,
        .kind_name = kind_names[IMAGE_DISK],
        .kind = IMAGE_DISK,
        .options = {.snapshot = true},
    };
    if (!open_file(&opening, err))
        return false;
    if (!prepare_file(&opening, err)) {
        close(opening.fd);
        return false;
    }
    struct disk_backend *base = image_raw_new(opening.fd, opening.size, true, base_name(path));
    image_raw_set_path(base, path);
    return image_overlay_rebase(disk, base, overlay_directory, err);
}

bool image_close(struct disk_backend *disk, struct error *err)
{
    if (!disk)
        return true;
    bool flushed = disk->ops->flush(disk, err);
    disk->ops->close(disk);
    return flushed;
}
