/* Disk images: options, backends, snapshots, locks, geometry, and files that cannot be used.
 * Run alone: meson test -C build image */
#include "tests/harness/unit.h"

#include "base/bits.h"
#include "host/image.h"
#include "host/image_geometry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    char directory[64];
    char path[128];
    struct error err;
};

static int set_up(void **state)
{
    static struct world world;
    strcpy(world.directory, "/tmp/anachron-test-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    snprintf(world.path, sizeof world.path, "%s/disk.img", world.directory);
    world.err.text[0] = '\0';
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", ((struct world *)*state)->directory);
    return system(command);
}

/* A file whose sectors begin with their numbers. */
static void make_file(struct world *w, size_t size)
{
    FILE *file = fopen(w->path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc(i % 512 == 0   ? (int)(i / 512 & 0xFF)
              : i % 512 == 1 ? (int)(i / 512 >> 8)
                             : 0x5A,
              file);
    fclose(file);
}

static void put_bytes(struct world *w, long offset, const void *bytes, size_t size)
{
    FILE *file = fopen(w->path, "r+b");
    assert_non_null(file);
    fseek(file, offset, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static struct disk_backend *open_with(struct world *w, const char *options, enum image_kind kind)
{
    char specification[256];
    snprintf(specification, sizeof specification, "%s%s", w->path, options);
    w->err.text[0] = '\0';
    return image_open(specification, kind, &w->err);
}

static struct disk_backend *open_good(struct world *w, const char *options, enum image_kind kind)
{
    struct disk_backend *disk = open_with(w, options, kind);
    if (!disk)
        fail_msg("%s", w->err.text);
    return disk;
}

/* Opening fails, with one line that contains both texts. */
static void expect_failure(struct world *w, const char *options, enum image_kind kind,
                           const char *what, const char *advice)
{
    assert_null(open_with(w, options, kind));
    if (!strstr(w->err.text, what) || !strstr(w->err.text, advice) || strchr(w->err.text, '\n'))
        fail_msg("unexpected message: %s", w->err.text);
}

static void read_write_and_flush(void **state)
{
    struct world *w = *state;
    uint8_t bytes[1024], check[1024];
    make_file(w, 100 * 512);
    struct disk_backend *disk = open_good(w, "", IMAGE_DISK);
    assert_int_equal(disk->sector_count, 100);
    assert_false(disk->read_only);
    assert_string_equal(disk->name, "disk.img");
    assert_true(disk->ops->read(disk, 98, 2, bytes, &w->err));
    assert_int_equal(load_le16(bytes), 98);
    assert_int_equal(load_le16(bytes + 512), 99);
    memset(bytes, 0xC3, sizeof bytes);
    assert_true(disk->ops->write(disk, 10, 2, bytes, &w->err));
    assert_true(disk->ops->flush(disk, &w->err));
    assert_true(image_close(disk, &w->err));
    disk = open_good(w, ",readonly", IMAGE_DISK);
    assert_true(disk->read_only);
    assert_true(disk->ops->read(disk, 10, 2, check, &w->err));
    assert_memory_equal(bytes, check, sizeof check);
    assert_false(disk->ops->write(disk, 10, 1, bytes, &w->err));
    assert_false(disk->ops->read(disk, 99, 2, bytes, &w->err));
    assert_false(disk->ops->read(disk, UINT64_MAX, 1, bytes, &w->err));
    assert_true(image_close(disk, &w->err));
    assert_true(image_close(NULL, &w->err));
}

static void snapshots_keep_the_file(void **state)
{
    struct world *w = *state;
    uint8_t bytes[5 * 512];
    make_file(w, 100 * 512);
    chmod(w->path, 0444);
    struct disk_backend *disk = open_good(w, ",snapshot", IMAGE_DISK);
    assert_false(disk->read_only);
    memset(bytes, 0xC3, sizeof bytes);
    assert_true(disk->ops->write(disk, 21, 1, bytes, &w->err));
    assert_true(disk->ops->write(disk, 23, 1, bytes, &w->err));
    assert_true(disk->ops->flush(disk, &w->err));
    assert_true(disk->ops->read(disk, 20, 5, bytes, &w->err));
    assert_int_equal(load_le16(bytes), 20);
    assert_int_equal(load_le16(bytes + 512), 0xC3C3);
    assert_int_equal(load_le16(bytes + 1024), 22);
    assert_int_equal(load_le16(bytes + 1536), 0xC3C3);
    assert_int_equal(load_le16(bytes + 2048), 24);
    assert_false(disk->ops->write(disk, 100, 1, bytes, &w->err));
    assert_false(disk->ops->read(disk, 96, 5, bytes, &w->err));
    assert_true(image_close(disk, &w->err));
    disk = open_good(w, ",readonly", IMAGE_DISK);
    assert_true(disk->ops->read(disk, 21, 1, bytes, &w->err));
    assert_int_equal(load_le16(bytes), 21);
    image_close(disk, NULL);
}

static void expect_written(struct disk_backend *disk, uint64_t from, uint64_t lba, uint64_t count)
{
    uint64_t got_count = 0;
    assert_true(disk->ops->next_written(disk, &from, &got_count));
    assert_int_equal(from, lba);
    assert_int_equal(got_count, count);
}

static void an_overlay_says_what_was_written(void **state)
{
    struct world *w = *state;
    uint8_t sectors[3 * 512];
    uint64_t lba = 0, count;
    make_file(w, 512 * 100);
    struct disk_backend *disk = open_good(w, ",snapshot", IMAGE_DISK);
    assert_false(disk->ops->next_written(disk, &lba, &count));
    memset(sectors, 0xA5, sizeof sectors);
    assert_true(disk->ops->write(disk, 14, 3, sectors, NULL));
    assert_true(disk->ops->write(disk, 99, 1, sectors, NULL));
    expect_written(disk, 0, 14, 3);
    expect_written(disk, 14, 14, 3);
    expect_written(disk, 15, 15, 2);
    expect_written(disk, 17, 99, 1);
    lba = 100;
    assert_false(disk->ops->next_written(disk, &lba, &count));
    disk->ops->forget_written(disk);
    lba = 0;
    assert_false(disk->ops->next_written(disk, &lba, &count));
    assert_true(disk->ops->read(disk, 14, 1, sectors, NULL));
    assert_int_not_equal(sectors[0], 0xA5); /* the image's own */
    image_close(disk, NULL);
    disk = open_good(w, "", IMAGE_DISK);
    assert_null(disk->ops->next_written);
    image_close(disk, NULL);
}

/* A disk that is split again and again, more often than there are frozen layers, is always what was
 * written to it; what a copy writes is the copy's alone. */
static void an_overlay_is_split(void **state)
{
    enum { SECTORS = 3000, ROUNDS = 70 };
    struct world *w = *state;
    static uint8_t known[SECTORS][512], found[SECTORS][512];
    static bool written[SECTORS];
    make_file(w, sizeof known);
    struct disk_backend *disk = open_good(w, ",snapshot", IMAGE_DISK);
    assert_true(disk->ops->read(disk, 0, SECTORS, known, NULL));
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t at = round * 97 % 1700, count = round % 3 ? 1100 + round : 5;
        memset(known[at], (int)round + 1, count * 512);
        memset(written + at, true, count);
        assert_true(disk->ops->write(disk, at, count, known[at], NULL));
        disk->ops->share(disk);
        pid_t copy = fork();
        if (copy == 0) {
            bool ok = image_unshare(disk, NULL) && disk->ops->read(disk, 0, SECTORS, found, NULL) &&
                      memcmp(known, found, sizeof known) == 0;
            memset(found[at], 0xEE, 512);
            ok = ok && disk->ops->write(disk, at, 1, found[at], NULL) &&
                 disk->ops->read(disk, at, 1, found[0], NULL) && found[0][0] == 0xEE;
            _exit(ok ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(copy, &status, 0), copy);
        assert_int_equal(status, 0);
        assert_true(disk->ops->read(disk, 0, SECTORS, found, NULL));
        assert_memory_equal(known, found, sizeof known);
    }
    uint64_t lba = 0, count, sectors = 0;
    for (; disk->ops->next_written(disk, &lba, &count); lba += count)
        sectors += count;
    for (unsigned i = 0; i < SECTORS; i++)
        sectors -= written[i];
    assert_int_equal(sectors, 0);
    disk->ops->forget_written(disk);
    lba = 0;
    assert_false(disk->ops->next_written(disk, &lba, &count));
    assert_true(disk->ops->read(disk, 0, SECTORS, found, NULL));
    assert_int_not_equal(found[1000][3], known[1000][3]); /* the image's own */
    image_close(disk, NULL);
}

/* The image is another file from then on, and what was written stays. */
static void an_overlay_gets_another_image(void **state)
{
    struct world *w = *state;
    struct error err;
    uint8_t sector[512];
    char other[] = "/tmp/test-image-XXXXXX";
    make_file(w, 512 * 4);
    struct disk_backend *disk = open_good(w, ",snapshot", IMAGE_DISK);
    memset(sector, 1, sizeof sector);
    assert_true(disk->ops->write(disk, 1, 1, sector, NULL));
    int fd = mkstemp(other);
    assert_int_equal(ftruncate(fd, 512 * 4), 0);
    assert_true(image_rebase(disk, other, "/tmp", &err));
    assert_true(disk->ops->read(disk, 1, 1, sector, NULL));
    assert_int_equal(sector[0], 1);
    assert_true(disk->ops->read(disk, 2, 1, sector, NULL));
    assert_int_equal(sector[0], 0);
    assert_string_equal(disk->path, other);
    assert_int_equal(ftruncate(fd, 512 * 8), 0);
    assert_false(image_rebase(disk, other, "/tmp", &err));
    assert_non_null(strstr(err.text, "another size"));
    image_close(disk, NULL);
    close(fd);
    unlink(other);
}

static void an_overlay_needs_a_place(void **state)
{
    struct world *w = *state;
    make_file(w, 512);
    setenv("TMPDIR", "/nonexistent", 1);
    expect_failure(w, ",snapshot", IMAGE_DISK, "overlay", "TMPDIR");
    unsetenv("TMPDIR");
}

static void one_writer_or_many_readers(void **state)
{
    struct world *w = *state;
    make_file(w, 512);
    struct disk_backend *writer = open_good(w, "", IMAGE_DISK);
    expect_failure(w, "", IMAGE_DISK, "in use already", "copy");
    expect_failure(w, ",readonly", IMAGE_DISK, "being written", "copy");
    expect_failure(w, ",snapshot", IMAGE_DISK, "being written", "copy");
    image_close(writer, NULL);
    struct disk_backend *reader = open_good(w, ",readonly", IMAGE_DISK);
    struct disk_backend *second = open_good(w, ",snapshot", IMAGE_DISK);
    expect_failure(w, "", IMAGE_DISK, "in use already", ",snapshot");
    image_close(reader, NULL);
    image_close(second, NULL);
}

static void files_that_are_none(void **state)
{
    struct world *w = *state;
    expect_failure(w, "", IMAGE_DISK, "there is no disk image", "truncate");
    expect_failure(w, "", IMAGE_CDROM, "there is no CD image", "check the name");
    mkdir(w->path, 0777);
    expect_failure(w, "", IMAGE_DISK, "is a directory", "give a file");
    expect_failure(w, ",readonly", IMAGE_FLOPPY, "is a directory", "give a file");
    rmdir(w->path);
    make_file(w, 0);
    expect_failure(w, "", IMAGE_FLOPPY, "is empty", "truncate");
    unlink(w->path);
    mkfifo(w->path, 0666);
    expect_failure(w, ",readonly", IMAGE_DISK, "neither a regular file", "give one");
}

static void sizes_that_do_not_fit(void **state)
{
    struct world *w = *state;
    make_file(w, 1000);
    expect_failure(w, "", IMAGE_DISK, "ends inside a sector", ",readonly");
    uint8_t bytes[1024];
    struct disk_backend *disk = open_good(w, ",readonly", IMAGE_DISK);
    assert_int_equal(disk->sector_count, 2);
    assert_true(disk->ops->read(disk, 0, 2, bytes, &w->err));
    assert_int_equal(bytes[999], 0x5A);
    assert_int_equal(bytes[1000], 0); /* padding */
    image_close(disk, NULL);
    disk = open_good(w, "", IMAGE_CDROM);
    assert_int_equal(disk->sector_count, 4);
    assert_true(disk->read_only);
    image_close(disk, NULL);
    assert_int_equal(truncate(w->path, 6049 * 512), 0);
    expect_failure(w, "", IMAGE_FLOPPY, "more than any diskette", "--disk");
}

static void containers_are_recognised(void **state)
{
    static const struct {
        const char *magic, *advice;
        size_t size;
    } cases[] = {
        {"QFI\xFB",          "qemu-img", 4},
        {"KDMV",             "qemu-img", 4},
        {"\x1F\x8B\x08",     "gunzip",   3},
        {"\x28\xB5\x2F\xFD", "unzstd",   4}
    };
    struct world *w = *state;
    make_file(w, 4096);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        put_bytes(w, 0, cases[i].magic, cases[i].size);
        expect_failure(w, "", IMAGE_DISK, "not a raw image", cases[i].advice);
    }
}

static void permissions(void **state)
{
    struct world *w = *state;
    make_file(w, 737280);
    if (geteuid() == 0) {
        /* Permissions do not bind root: the rest cannot be seen. A floppy that may be written is.
         */
        struct disk_backend *floppy = open_good(w, "", IMAGE_FLOPPY);
        assert_false(floppy->read_only);
        image_close(floppy, NULL);
        return;
    }
    chmod(w->path, 0444);
    expect_failure(w, "", IMAGE_DISK, "for writing", ",readonly or ,snapshot");
    struct disk_backend *floppy = open_good(w, "", IMAGE_FLOPPY);
    assert_true(floppy->read_only); /* write-protected */
    image_close(floppy, NULL);
    chmod(w->path, 0);
    expect_failure(w, "", IMAGE_FLOPPY, "cannot open", "permissions");
}

static void options(void **state)
{
    struct world *w = *state;
    struct image_options options;
    char path[32];
    assert_true(
        image_parse("a,,b.img,geometry=306/4/17,readonly", path, sizeof path, &options, &w->err));
    assert_string_equal(path, "a,b.img");
    assert_true(options.read_only);
    assert_false(options.snapshot);
    assert_int_equal(options.geometry.cylinders, 306);
    assert_int_equal(options.geometry.heads, 4);
    assert_int_equal(options.geometry.sectors, 17);
    static const char *const bad[] = {"",
                                      ",readonly",
                                      "a,fast",
                                      "a,",
                                      "a,readonly,snapshot",
                                      "a,geometry=1/2",
                                      "a,geometry=1/2/3/4",
                                      "a,geometry=0/16/63",
                                      "a,geometry=65536/16/63",
                                      "a,geometry=10/256/63",
                                      "a,geometry=x/16/63",
                                      "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        w->err.text[0] = '\0';
        assert_false(image_parse(bad[i], path, sizeof path, &options, &w->err));
        assert_true(strlen(w->err.text) > 20);
    }
}

static void a_geometry_larger_than_the_disk(void **state)
{
    struct world *w = *state;
    make_file(w, 100 * 512);
    expect_failure(w, ",geometry=10/2/6", IMAGE_DISK, "fewer than its geometry", "cylinders");
    expect_failure(w, ",geometry=1/17/2", IMAGE_DISK, "at most 16 heads", "translates");
    expect_failure(w, ",geometry=1/1/64", IMAGE_DISK, "63 sectors", "translates");
    expect_failure(w, ",geometry=85/1/1", IMAGE_FLOPPY, "at most 84 cylinders", "85/1/1");
    struct disk_backend *disk = open_good(w, ",geometry=10/2/5", IMAGE_DISK);
    assert_int_equal(disk->geometry.cylinders, 10);
    assert_int_equal(disk->geometry.heads, 2);
    assert_int_equal(disk->geometry.sectors, 5);
    image_close(disk, NULL);
}

/* --- geometry from the partition table --- */

static void put_entry(uint8_t *sector, unsigned number, uint8_t type, uint32_t heads,
                      uint32_t sectors, uint32_t first, uint32_t count)
{
    uint8_t *entry = sector + 0x1BE + 16 * number;
    uint32_t ends[2] = {first, first + count - 1};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t cylinder = ends[i] / (heads * sectors), head = ends[i] / sectors % heads;
        uint32_t sector_number = ends[i] % sectors + 1;
        if (cylinder > 1023)
            cylinder = 1023, head = heads - 1, sector_number = sectors;
        entry[4 * i + 1] = (uint8_t)head;
        entry[4 * i + 2] = (uint8_t)(sector_number | (cylinder >> 8) << 6);
        entry[4 * i + 3] = (uint8_t)cylinder;
    }
    entry[4] = type;
    store_le32(entry + 8, first);
    store_le32(entry + 12, count);
    sector[510] = 0x55;
    sector[511] = 0xAA;
}

static void expect_guess(const uint8_t *sector, uint64_t size, uint32_t cylinders, uint32_t heads,
                         uint32_t sectors)
{
    struct disk_geometry guess = image_guess_geometry(sector, size);
    assert_int_equal(guess.cylinders, cylinders);
    assert_int_equal(guess.heads, heads);
    assert_int_equal(guess.sectors, sectors);
}

static void geometry_guesses(void **state)
{
    uint8_t sector[512] = {0};
    expect_guess(sector, 100000, 0, 0, 0);
    put_entry(sector, 1, 6, 16, 63, 63, 16 * 63 * 50 - 63); /* cylinder-aligned */
    expect_guess(sector, 100000, 99, 16, 63);
    sector[510] = 0; /* no signature */
    expect_guess(sector, 100000, 0, 0, 0);
    memset(sector, 0, sizeof sector);
    put_entry(sector, 0, 4, 4, 17, 17, 615 * 68 - 17);
    expect_guess(sector, 615 * 68, 615, 4, 17);
    memset(sector, 0, sizeof sector);
    put_entry(sector, 3, 0x83, 255, 63, 2048, 255 * 63 * 2000 - 2048); /* beyond 1024 cylinders */
    expect_guess(sector, 255 * 63 * 2000, 2000, 255, 63);
    memset(sector, 0, sizeof sector);
    put_entry(sector, 0, 0x83, 255, 63, 2048, 20000); /* ends inside a cylinder: says nothing */
    expect_guess(sector, 100000, 0, 0, 0);
    memset(sector, 0, sizeof sector);
    put_entry(sector, 0, 0xEE, 16, 63, 63, 16 * 63 * 50 - 63); /* protective entry of a GPT */
    expect_guess(sector, 100000, 0, 0, 0);
    put_entry(sector, 0, 6, 16, 63, 63, 16 * 63 * 200 - 63); /* larger than the disk */
    expect_guess(sector, 100000, 0, 0, 0);
    memset(sector, 0xFF, sizeof sector);
    sector[510] = 0x55, sector[511] = 0xAA;
    expect_guess(sector, 100000, 0, 0, 0);
}

static void the_guess_reaches_the_backend(void **state)
{
    struct world *w = *state;
    uint8_t sector[512] = {0};
    make_file(w, 512 * 68 * 20);
    put_entry(sector, 0, 1, 4, 17, 17, 68 * 20 - 17);
    put_bytes(w, 0, sector, 512);
    struct disk_backend *disk = open_good(w, "", IMAGE_DISK);
    assert_int_equal(disk->geometry.cylinders, 20);
    assert_int_equal(disk->geometry.heads, 4);
    image_close(disk, NULL);
    disk = open_good(w, ",geometry=10/2/17", IMAGE_DISK); /* what is given counts */
    assert_int_equal(disk->geometry.heads, 2);
    image_close(disk, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(read_write_and_flush),
        TEST(snapshots_keep_the_file),
        TEST(an_overlay_says_what_was_written),
        TEST(an_overlay_is_split),
        TEST(an_overlay_gets_another_image),
        TEST(an_overlay_needs_a_place),
        TEST(one_writer_or_many_readers),
        TEST(files_that_are_none),
        TEST(sizes_that_do_not_fit),
        TEST(containers_are_recognised),
        TEST(permissions),
        TEST(options),
        TEST(a_geometry_larger_than_the_disk),
        TEST(geometry_guesses),
        TEST(the_guess_reaches_the_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
