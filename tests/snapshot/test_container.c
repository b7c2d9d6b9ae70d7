/* The container file: what goes in comes out, and nothing else than a whole, unchanged file is
 * taken: every byte of header, contents and footer, and 10,000 bits anywhere, are turned.
 * Run alone: meson test -C build container */
#include "base/bits.h"
#include "base/memory.h"
#include "snapshot/chunks.h"
#include "snapshot/container_format.h"
#include "snapshot/pages.h"
#include "snapshot/pages_lazy.h"
#include "tests/harness/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { PAGES = 1000, MEMORY_SIZE = PAGES * SNAPSHOT_PAGE, RANDOM_BITS = 10000 };

struct fixture {
    char folder[64], path[96];
    uint8_t *memory;
    uint8_t *bytes; /* of the file */
    size_t size;
};

/* Zero pages, equal ones, random ones, runs that fill chunks and some that do not. */
static void fill_memory(uint8_t *memory)
{
    srand(1);
    for (unsigned i = 0; i < PAGES; i++) {
        uint8_t *page = memory + (size_t)i * SNAPSHOT_PAGE;
        if (i % 5 == 0)
            continue;
        for (unsigned k = 0; k < SNAPSHOT_PAGE; k++)
            page[k] = (uint8_t)(i % 7 == 0 ? k : i % 3 == 0 ? i : (unsigned)rand());
    }
}

static void write_file(struct fixture *f)
{
    static const uint8_t zeros[10000];
    struct error err = {""};
    struct container_writer *writer = container_create(f->path, "test", &err);
    assert_non_null(writer);
    container_put(writer, "text", "hello", 5, ENCODING_PLAIN);
    container_put(writer, "zeros", zeros, sizeof zeros, ENCODING_ZSTD);
    container_put(writer, "empty", "", 0, ENCODING_ZSTD);
    pages_save(writer, "ram", f->memory, MEMORY_SIZE, NULL);
    assert_true(container_commit(writer, &err));
}

static void read_file(struct fixture *f)
{
    struct stat status;
    FILE *stream = fopen(f->path, "rb");
    assert_int_equal(fstat(fileno(stream), &status), 0);
    f->size = (size_t)status.st_size;
    f->bytes = mem_new(f->size);
    assert_int_equal(fread(f->bytes, 1, f->size, stream), f->size);
    fclose(stream);
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(sizeof *f);
    strcpy(f->folder, "/tmp/anachron-container-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/file", f->folder);
    f->memory = mem_map(MEMORY_SIZE);
    fill_memory(f->memory);
    write_file(f);
    read_file(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0); /* nothing partial is left */
    mem_unmap(f->memory, MEMORY_SIZE);
    mem_free(f->bytes);
    mem_free(f);
    return 0;
}

static bool opens(const uint8_t *bytes, size_t size)
{
    struct error err = {""};
    struct container *container = container_open_bytes(bytes, size, "file", &err);
    if (!container)
        assert_true(*err.text && !strchr(err.text, '\n'));
    container_close(container);
    return container != NULL;
}

static void contents_come_back(void **state)
{
    struct fixture *f = *state;
    struct error err = {""};
    struct container *container = container_open(f->path, &err);
    assert_non_null(container);
    struct serial out = {0};
    assert_true(container_read(container, "text", 100, &out, &err));
    assert_true(container_read(container, "empty", 0, &out, &err));
    assert_true(out.size == 5 && memcmp(out.bytes, "hello", 5) == 0);
    assert_false(container_read(container, "zeros", 9999, &out, &err));
    assert_false(container_read(container, "nothing", 9999, &out, &err));
    uint8_t *memory = mem_map(MEMORY_SIZE);
    assert_true(pages_load(container, "ram", memory, MEMORY_SIZE, &err));
    assert_memory_equal(memory, f->memory, MEMORY_SIZE);
    assert_false(pages_load(container, "ram", memory, MEMORY_SIZE / 2, &err));
    mem_unmap(memory, MEMORY_SIZE);
    serial_free(&out);
    container_close(container);
}

static void memory_comes_when_it_is_touched(void **state)
{
    struct fixture *f = *state;
    struct error err = {""};
    struct container *container = container_open(f->path, &err);
    for (unsigned round = 0; round < 20; round++) {
        struct pages_lazy *lazy;
        uint8_t *memory = mem_map(MEMORY_SIZE);
        assert_true(pages_load_lazily(container, "ram", memory, MEMORY_SIZE, &lazy, &err));
        for (unsigned i = 0; i < 500; i++) {
            size_t at = (size_t)rand() % MEMORY_SIZE;
            assert_int_equal(memory[at], f->memory[at]);
        }
        memory[0] ^= 0xFF; /* what is written stays */
        if (round % 2) {
            pages_lazy_wait(lazy);
            assert_int_equal(memory[0], f->memory[0] ^ 0xFF);
            assert_memory_equal(memory + 1, f->memory + 1, MEMORY_SIZE - 1);
        }
        pages_lazy_end(lazy);
        mem_unmap(memory, MEMORY_SIZE);
    }
    container_close(container);
}

static void zero_and_equal_pages_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct container *container = container_open_bytes(f->bytes, f->size, "file", &err);
    const struct container_section *pages = container_find(container, "ram.pages");
    unsigned random = 0, patterns = 1;
    for (unsigned i = 0; i < PAGES; i++) {
        bool zero = i % 5 == 0, same = i % 7 == 0;
        random += !zero && !same && i % 3 != 0;
    }
    /* One byte a page: the number modulo 256, where that is not 0. */
    bool seen[256] = {true};
    for (unsigned i = 0; i < PAGES; i++) {
        if (i % 5 && i % 7 && i % 3 == 0 && !seen[i % 256]) {
            seen[i % 256] = true;
            patterns++;
        }
    }
    assert_int_equal(pages->plain_size / SNAPSHOT_PAGE, random + patterns);
    container_close(container);
}

static void every_turned_bit_is_found(void **state)
{
    struct fixture *f = *state;
    assert_true(opens(f->bytes, f->size));
    uint64_t contents = load_le64(f->bytes + f->size - FOOTER_SIZE + FOOTER_OFFSET);
    for (size_t i = 0; i < f->size; i = i + 1 == HEADER_SIZE ? contents : i + 1) {
        for (unsigned bit = 0; bit < 8; bit++) {
            f->bytes[i] ^= (uint8_t)(1 << bit);
            assert_false(opens(f->bytes, f->size));
            f->bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
    for (unsigned i = 0; i < RANDOM_BITS; i++) {
        size_t at = ((size_t)rand() << 16 ^ (size_t)rand()) % f->size;
        uint8_t bit = (uint8_t)(1 << rand() % 8);
        f->bytes[at] ^= bit;
        assert_false(opens(f->bytes, f->size));
        f->bytes[at] ^= bit;
    }
    assert_true(opens(f->bytes, f->size));
}

static void every_truncation_is_found(void **state)
{
    struct fixture *f = *state;
    for (size_t size = 0; size < f->size; size += size < 4096 ? 1 : 977)
        assert_false(opens(f->bytes, size));
    for (size_t size = f->size - 4096; size < f->size; size++)
        assert_false(opens(f->bytes, size));
}

static void another_format_is_named(void **state)
{
    struct fixture *f = *state;
    struct error err;
    store_le32(f->bytes + HEADER_VERSION, CONTAINER_VERSION + 1);
    store_le64(f->bytes + HEADER_CHECKSUM, XXH3_64bits(f->bytes, HEADER_CHECKSUM));
    assert_null(container_open_bytes(f->bytes, f->size, "file", &err));
    assert_non_null(strstr(err.text, "format 2"));
}

static void failure_leaves_the_old_file(void **state)
{
    struct fixture *f = *state;
    struct error err = {""}, reason;
    error_set(&reason, "no more");
    struct container_writer *writer = container_create(f->path, "test", &err);
    container_put(writer, "text", "other", 5, ENCODING_PLAIN);
    container_fail(writer, &reason);
    assert_false(container_commit(writer, &err));
    assert_string_equal(err.text, "no more");
    container_abandon(container_create(f->path, "test", &err));
    assert_null(container_create("/nowhere/at/all", "test", &err));
    mem_free(f->bytes);
    read_file(f);
    assert_true(opens(f->bytes, f->size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(contents_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_comes_when_it_is_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zero_and_equal_pages_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_turned_bit_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_truncation_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_format_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failure_leaves_the_old_file, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
