/* What is read for a machine that is kept by name, and for its images: configuration files, the
 * sectors of a save that was interrupted (sealed with a right checksum), specifications of images
 * and their partition tables. The first byte says which. What is refused is refused with a reason;
 * a save that does not fit leaves the disk as it is. */
#include "tests/fuzz/fuzz.h"

#include "base/bits.h"
#include "base/memory.h"
#include "host/image.h"
#include "host/image_geometry.h"
#include "store/config.h"
#include "store/delta.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

enum { DISK_SECTORS = 64, HEADER_SIZE = 32, RUNS_MOST = 8 };

static void parse_config(const char *text, size_t size)
{
    struct config config;
    struct error err = {""};
    if (config_parse(text, size, "config.ini", &config, &err))
        config_free(&config);
    else
        fuzz_check(*err.text);
}

static void parse_image(const char *text, size_t size)
{
    char *specification = mem_new(size + 1), path[64];
    struct image_options options;
    struct error err = {""};
    memcpy(specification, text, size);
    fuzz_check(image_parse(specification, path, sizeof path, &options, &err) || *err.text);
    mem_free(specification);
}

static void guess_geometry(struct fuzz_input *input)
{
    uint8_t sector[DISK_SECTOR_SIZE] = {[510] = 0x55, [511] = 0xAA};
    uint64_t sectors = 1 + (uint64_t)fuzz_dword(input);
    for (unsigned i = 0x1BE; i < 510; i++)
        sector[i] = fuzz_byte(input);
    struct disk_geometry guess = image_guess_geometry(sector, sectors);
    fuzz_check(!guess.heads || (guess.cylinders && guess.sectors));
}

/* --- a save that was interrupted --- */

static unsigned writes;

static bool disk_write(struct disk_backend *disk, uint64_t lba, uint32_t count, const void *bytes,
                       struct error *err)
{
    uint8_t copy[DISK_SECTOR_SIZE];
    fuzz_check(lba <= DISK_SECTORS && count <= DISK_SECTORS - lba);
    for (uint32_t i = 0; i < count; i++)
        memcpy(copy, (const uint8_t *)bytes + (size_t)i * DISK_SECTOR_SIZE, sizeof copy);
    writes++;
    return true;
}

static size_t make_delta(struct fuzz_input *input, uint8_t *bytes)
{
    uint8_t shape = fuzz_byte(input);
    unsigned runs = shape % RUNS_MOST;
    size_t size = HEADER_SIZE;
    memcpy(bytes, "anadelta", 8);
    store_le32(bytes + 8, shape & 0x80 ? fuzz_byte(input) : 1);
    store_le32(bytes + 12, fuzz_byte(input));
    store_le64(bytes + 16, shape & 0x40 ? fuzz_dword(input) : DISK_SECTORS);
    store_le64(bytes + 24,
               shape & 0x20 ? (uint64_t)fuzz_dword(input) << fuzz_byte(input) % 33 : runs);
    for (unsigned i = 0; i < runs; i++, size += 16) {
        store_le64(bytes + size, shape & 0x10
                                     ? (uint64_t)fuzz_dword(input) << 32 | fuzz_dword(input)
                                     : fuzz_byte(input) % DISK_SECTORS);
        store_le64(bytes + size + 8,
                   shape & 0x08 ? UINT64_MAX - fuzz_byte(input) : fuzz_byte(input) % 4);
    }
    size_t sectors = fuzz_byte(input) % 24 * DISK_SECTOR_SIZE + fuzz_byte(input) % 2;
    memset(bytes + size, shape, sectors);
    size += sectors;
    store_le64(bytes + size, XXH3_64bits(bytes, size));
    return size + 8;
}

static void load_delta(struct fuzz_input *input)
{
    static const struct disk_backend_ops ops = {.write = disk_write};
    static uint8_t bytes[HEADER_SIZE + 16 * RUNS_MOST + 25 * DISK_SECTOR_SIZE];
    struct disk_backend disk = {.ops = &ops, .sector_count = DISK_SECTORS, .name = "disk"};
    struct error err = {""};
    char path[64];
    size_t size = make_delta(input, bytes);
    int fd = memfd_create("delta", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    writes = 0;
    if (!delta_load(path, &disk, &err))
        fuzz_check(*err.text && !writes);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    switch (fuzz_byte(&input) & 3) {
    case 0:
        parse_config((const char *)input.bytes, input.size);
        break;
    case 1:
        parse_image((const char *)input.bytes, input.size);
        break;
    case 2:
        guess_geometry(&input);
        break;
    default:
        load_delta(&input);
    }
    return 0;
}
