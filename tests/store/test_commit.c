/* The redo log of store/commit.h: saved is saved, again and again, and what is damaged touches
 * nothing. tests/machines kills processes in the middle of it.
 *
 * Run alone: build/tests/store/test_commit */
#include "base/bits.h"
#include "base/memory.h"
#include "host/image.h"
#include "store/commit.h"
#include "store/config.h"
#include "store/delta.h"
#include "store/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECTORS = 64, SIZE = SECTORS * 512 };

struct world {
    char folder[64];
    char *disk, *state, *commit, *delta, *specification;
};

static int set_up(void **state)
{
    struct world *w = mem_new(sizeof *w);
    uint8_t bytes[SIZE];
    char text[96];
    memset(bytes, 'd', sizeof bytes);
    strcpy(w->folder, "/tmp/test_commit-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->disk = files_path(w->folder, "disk.img");
    w->state = files_path(w->folder, "state");
    w->commit = files_path(w->folder, "commit");
    w->delta = files_path(w->commit, "delta");
    snprintf(text, sizeof text, "%s,snapshot", w->disk);
    w->specification = mem_string_copy(text);
    assert_true(files_write(w->disk, bytes, sizeof bytes, NULL));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    files_remove_tree(w->folder, NULL);
    mem_free(w->disk);
    mem_free(w->state);
    mem_free(w->commit);
    mem_free(w->delta);
    mem_free(w->specification);
    mem_free(w);
    return 0;
}

static struct disk_backend *open_disk(struct world *w)
{
    struct error err;
    struct disk_backend *disk = image_open(w->specification, IMAGE_DISK, &err);
    if (!disk)
        fail_msg("%s", err.text);
    return disk;
}

static void write_sector(struct disk_backend *disk, uint64_t lba, char letter)
{
    char sector[512];
    memset(sector, letter, sizeof sector);
    assert_true(disk->ops->write(disk, lba, 1, sector, NULL));
}

static bool write_state(void *opaque, const char *path, struct error *err)
{
    return files_write(path, opaque, strlen(opaque), err);
}

static bool fail_to_write_state(void *opaque, const char *path, struct error *err)
{
    return error_set(err, "no room for it");
}

static size_t read_file(const char *path, char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

/* letters: of the first sectors; all others are 'd'. */
static void expect_disk(struct world *w, const char *letters)
{
    char bytes[SIZE + 1];
    assert_int_equal(read_file(w->disk, bytes, sizeof bytes), SIZE);
    for (size_t i = 0; i < SECTORS; i++) {
        char letter = i < strlen(letters) ? letters[i] : 'd';
        assert_int_equal(bytes[i * 512], letter);
        assert_int_equal(bytes[i * 512 + 511], letter);
    }
}

static void expect_state(struct world *w, const char *text)
{
    char bytes[64] = "";
    assert_int_equal(files_exists(w->state), text != NULL);
    if (text) {
        read_file(w->state, bytes, sizeof bytes - 1);
        assert_string_equal(bytes, text);
    }
}

static void save(struct world *w, const char *letters, char *text)
{
    struct error err;
    struct disk_backend *disk = open_disk(w);
    for (size_t i = 0; letters[i]; i++) {
        if (letters[i] != '-')
            write_sector(disk, i, letters[i]);
    }
    if (!commit_save(w->folder, disk, text ? write_state : NULL, text, &err))
        fail_msg("%s", err.text);
    image_close(disk, NULL);
}

static void recover(struct world *w)
{
    struct error err;
    if (!commit_recover(w->folder, &err))
        fail_msg("%s", err.text);
    assert_false(files_exists(w->commit));
}

static void saved_and_put_in_place(void **state)
{
    struct world *w = *state;
    recover(w); /* nothing to do */
    save(w, "ab--c", "one");
    expect_disk(w, "");
    expect_state(w, NULL);
    recover(w);
    expect_disk(w, "abddc");
    expect_state(w, "one");
    save(w, "x", NULL);
    expect_state(w, "one");
    recover(w);
    expect_disk(w, "xbddc");
    expect_state(w, NULL);
    save(w, "", "two"); /* the guest has written nothing */
    recover(w);
    expect_disk(w, "xbddc");
    expect_state(w, "two");
}

static void a_machine_without_a_disk(void **state)
{
    struct world *w = *state;
    bool exists;
    unlink(w->disk);
    assert_true(commit_save(w->folder, NULL, write_state, "one", NULL));
    recover(w);
    expect_state(w, "one");
    assert_true(commit_state_fits(w->folder, &exists, NULL));
}

/* Interrupted anywhere, it is done again from the start. */
static void twice_is_as_good_as_once(void **state)
{
    struct world *w = *state;
    char *copy = files_path(w->folder, "copy");
    save(w, "ab--c", "one");
    assert_true(files_copy(w->delta, copy, NULL));
    recover(w);
    assert_int_equal(mkdir(w->commit, 0777), 0);
    assert_true(files_rename(copy, w->delta, NULL)); /* the state was in place already */
    recover(w);
    expect_disk(w, "abddc");
    expect_state(w, "one");
    mem_free(copy);
}

static void a_save_that_fails(void **state)
{
    struct world *w = *state;
    struct error err;
    struct disk_backend *disk = open_disk(w);
    write_sector(disk, 0, 'x');
    assert_false(commit_save(w->folder, disk, fail_to_write_state, NULL, &err));
    assert_string_equal(err.text, "no room for it");
    image_close(disk, NULL);
    recover(w);
    expect_disk(w, "");
    expect_state(w, NULL);
}

static void put_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void what_is_damaged_touches_nothing(void **state)
{
    struct world *w = *state;
    struct error err = {""};
    char bytes[4096];
    save(w, "a-b", "one");
    size_t size = read_file(w->delta, bytes, sizeof bytes);
    assert_true(size > 1024 && size < sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (char)(1 << i % 8);
        put_file(w->delta, bytes, size);
        assert_false(commit_recover(w->folder, &err));
        assert_non_null(strstr(err.text, w->delta));
        bytes[i] ^= (char)(1 << i % 8);
    }
    for (size_t i = 0; i < size; i += 7) {
        put_file(w->delta, bytes, i);
        assert_false(commit_recover(w->folder, &err));
    }
    expect_disk(w, "");
    expect_state(w, NULL);
    put_file(w->delta, bytes, size);
    recover(w);
    expect_disk(w, "adb");
}

static void a_disk_that_was_changed(void **state)
{
    struct world *w = *state;
    struct error err;
    bool exists;
    assert_false(commit_state_fits(w->folder, &exists, &err));
    assert_false(exists);
    save(w, "a", "one");
    recover(w);
    assert_true(commit_state_fits(w->folder, &exists, &err));
    char *copy = files_path(w->folder, "copy");
    assert_true(files_copy(w->disk, copy, NULL)); /* keeps its time */
    assert_true(files_rename(copy, w->disk, NULL));
    assert_true(commit_state_fits(w->folder, &exists, &err));
    mem_free(copy);
    FILE *disk = fopen(w->disk, "r+b");
    fputc('x', disk);
    fclose(disk);
    assert_false(commit_state_fits(w->folder, &exists, &err));
    assert_true(exists);
    assert_non_null(strstr(err.text, "--cold"));
}

static void configurations(void **state)
{
    static const char good[] = "a = 1\n[s]\n  b = two words ; comment\n\n# c = 3\nb=4";
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[s\n",               "p:1: "},
        {"[s]\na\n",           "p:2: "},
        {"[s]\n\n\na = 1\nb",  "p:5: "},
        {"[s]\na = 1\nb \n\n", "p:3: "},
    };
    struct config config;
    struct error err;
    assert_true(config_parse(good, strlen(good), "p", &config, &err));
    assert_int_equal(config.count, 3);
    assert_string_equal(config.lines[0].section, "");
    assert_string_equal(config.lines[1].value, "two words");
    assert_int_equal(config.lines[1].number, 3);
    assert_string_equal(config.lines[2].key, "b");
    assert_string_equal(config.lines[2].value, "4");
    assert_int_equal(config.lines[2].number, 6);
    config_free(&config);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(config_parse(bad[i].text, strlen(bad[i].text), "p", &config, &err));
        assert_memory_equal(err.text, bad[i].says, strlen(bad[i].says));
        assert_int_equal(config.count, 0);
    }
    assert_true(config_can_hold("k", "a;b # c = d", NULL));
    assert_false(config_can_hold("k", "a ;b", NULL));
    assert_false(config_can_hold("k", " a", NULL));
    assert_false(config_can_hold("k", "a\nb", NULL));
    assert_false(config_can_hold("k", "", NULL));
}

/* What can be written is read back, whatever it is. */
static void configurations_come_back(void **state)
{
    struct world *w = *state;
    unsigned held = 0;
    srand(1);
    for (unsigned round = 0; round < 300; round++) {
        struct config out = {0}, in;
        struct error err;
        char value[64];
        unsigned length = 1 + (unsigned)rand() % 60;
        for (unsigned i = 0; i < length; i++)
            value[i] = "ab =;#:[]\"\\\t,\xC3\xA4-/"[rand() % 18];
        value[length] = 0;
        if (!config_can_hold("key", value, &err))
            continue;
        held++;
        char *path = files_path(w->folder, "config.ini");
        unlink(path);
        config_add(&out, "s", "key", value);
        assert_true(config_write(&out, path, "comment", &err));
        if (!config_read(path, &in, &err))
            fail_msg("%s", err.text);
        assert_int_equal(in.count, 1);
        assert_string_equal(in.lines[0].value, value);
        config_free(&in);
        config_free(&out);
        mem_free(path);
    }
    assert_true(held > 30);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(saved_and_put_in_place),
        TEST(a_machine_without_a_disk),
        TEST(twice_is_as_good_as_once),
        TEST(a_save_that_fails),
        TEST(what_is_damaged_touches_nothing),
        TEST(a_disk_that_was_changed),
        TEST(configurations),
        TEST(configurations_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
