/* Multiboot headers, good and bad. Run alone: build/tests/machine/test_multiboot */
#include "tests/harness/unit.h"

#include "base/bits.h"
#include "machine/multiboot.h"

#include <string.h>

enum { IMAGE = 8192, MAGIC = 0x1BADB002 };

struct image {
    uint8_t bytes[IMAGE];
};

static void put_header(struct image *image, unsigned offset, uint32_t flags)
{
    store_le32(image->bytes + offset, MAGIC);
    store_le32(image->bytes + offset + 4, flags);
    store_le32(image->bytes + offset + 8, -(MAGIC + flags));
}

static void put_addresses(struct image *image, unsigned offset, uint32_t header, uint32_t load,
                          uint32_t load_end, uint32_t bss_end, uint32_t entry)
{
    const uint32_t values[] = {header, load, load_end, bss_end, entry};
    for (unsigned i = 0; i < 5; i++)
        store_le32(image->bytes + offset + 12 + i * 4, values[i]);
}

static void put_elf(struct image *image, uint32_t virtual, uint32_t physical, uint32_t size,
                    uint32_t entry)
{
    uint8_t *b = image->bytes;
    memcpy(b, "\177ELF\1\1\1", 7);
    store_le16(b + 16, 2);
    store_le16(b + 18, 3);
    store_le32(b + 24, entry);
    store_le32(b + 28, 52);
    store_le16(b + 42, 32);
    store_le16(b + 44, 1);
    const uint32_t program[] = {1, 4096, virtual, physical, size, size * 2, 7, 4096};
    for (unsigned i = 0; i < 8; i++)
        store_le32(b + 52 + i * 4, program[i]);
}

static bool parse(const struct image *image, size_t size, struct multiboot_kernel *kernel,
                  struct error *err)
{
    return multiboot_parse(image->bytes, size, "k", kernel, err);
}

static void addresses_in_the_header(void **state)
{
    struct image image = {{0}};
    struct multiboot_kernel kernel;
    struct error err = {""};
    put_header(&image, 64, MULTIBOOT_KLUDGE | MULTIBOOT_MEMORY_INFO);
    put_addresses(&image, 64, 0x200040, 0x200010, 0x201000, 0x203000, 0x200100);
    assert_true(parse(&image, IMAGE, &kernel, &err));
    assert_int_equal(kernel.segment_count, 1);
    assert_int_equal(kernel.segment[0].address, 0x200010);
    assert_int_equal(kernel.segment[0].file_offset, 16);
    assert_int_equal(kernel.segment[0].file_size, 0xFF0);
    assert_int_equal(kernel.segment[0].memory_size, 0x2FF0);
    assert_int_equal(kernel.entry, 0x200100);
}

static void load_end_of_zero_is_the_whole_file(void **state)
{
    struct image image = {{0}};
    struct multiboot_kernel kernel;
    struct error err = {""};
    put_header(&image, 0, MULTIBOOT_KLUDGE);
    put_addresses(&image, 0, 0x100000, 0x100000, 0, 0, 0x100020);
    assert_true(parse(&image, 5000, &kernel, &err));
    assert_int_equal(kernel.segment[0].file_size, 5000);
    assert_int_equal(kernel.segment[0].memory_size, 5000);
}

static void elf_entry_is_made_physical(void **state)
{
    struct image image = {{0}};
    struct multiboot_kernel kernel;
    struct error err = {""};
    put_header(&image, 4096, 0);
    put_elf(&image, 0xC0100000, 0x100000, 0x800, 0xC0100040);
    assert_true(parse(&image, IMAGE, &kernel, &err));
    assert_int_equal(kernel.segment[0].address, 0x100000);
    assert_int_equal(kernel.segment[0].memory_size, 0x1000);
    assert_int_equal(kernel.entry, 0x100040);
}

static void refuse(const struct image *image, size_t size, const char *expected)
{
    struct multiboot_kernel kernel;
    struct error err = {""};
    assert_false(parse(image, size, &kernel, &err));
    if (!strstr(err.text, expected))
        fail_msg("expected \"%s\" in \"%s\"", expected, err.text);
}

static void bad_headers(void **state)
{
    struct image image = {{0}};
    refuse(&image, 0, "no multiboot header");
    refuse(&image, IMAGE, "no multiboot header");
    put_header(&image, 2, 0); /* not aligned */
    refuse(&image, IMAGE, "no multiboot header");
    memset(&image, 0, sizeof image);
    put_header(&image, 8, 0);
    image.bytes[16] ^= 1; /* checksum */
    refuse(&image, IMAGE, "no multiboot header");
    put_header(&image, 8, 0x10);
    refuse(&image, IMAGE, "0010h");
    put_header(&image, 8, 0);
    refuse(&image, IMAGE, "neither an ELF");
}

static void bad_elf_files(void **state)
{
    struct image image = {{0}};
    put_header(&image, 4096, 0);
    put_elf(&image, 0x100000, 0x100000, 0x2000, 0x100000);
    refuse(&image, IMAGE, "truncated");
    put_elf(&image, 0x100000, 0xFFFFF000, 0x800, 0x100000);
    refuse(&image, IMAGE, "4 GiB");
    image.bytes[18] = 62;
    refuse(&image, IMAGE, "32-bit x86");
}

static void bad_addresses(void **state)
{
    struct image image = {{0}};
    put_header(&image, 0, MULTIBOOT_KLUDGE);
    put_addresses(&image, 0, 0x100000, 0x100000, 0x110000, 0, 0x100020);
    refuse(&image, IMAGE, "truncated");
    put_addresses(&image, 0, 0x100000, 0x100004, 0x101000, 0, 0x100020);
    refuse(&image, IMAGE, "load address");
    refuse(&image, 20, "truncated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_in_the_header),
        cmocka_unit_test(load_end_of_zero_is_the_whole_file),
        cmocka_unit_test(elf_entry_is_made_physical),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(bad_elf_files),
        cmocka_unit_test(bad_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
