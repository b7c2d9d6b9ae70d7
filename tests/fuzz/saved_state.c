/* Saved states that are well sealed and hold anything: the input is a row of sections, from which a
 * container with right checksums is made. What it says is refused with a reason, or understood. */
#include "tests/fuzz/fuzz.h"

#include "base/bits.h"
#include "base/memory.h"
#include "machine/saved.h"
#include "snapshot/chunks.h"
#include "snapshot/container_format.h"
#include "snapshot/pages.h"

#include <stdio.h>
#include <xxhash.h>

enum { SECTIONS = 8, MEMORY_SIZE = 64 << 10, PLAIN_MOST = 1 << 20 };

static const char *const names[] = {"machine",       "state",        "state.fields",
                                    "file.firmware", "ram.map",      "ram.pages",
                                    "overlay2.data", "overlay2.map", "file.none"};

/* Appends a section and its entry. */
static void add_section(struct fuzz_input *input, struct serial *file, struct serial *contents)
{
    uint8_t kind = fuzz_byte(input);
    size_t size = fuzz_word(input);
    if (size > input->size)
        size = input->size;
    uint8_t *entry = serial_extend(contents, ENTRY_SIZE);
    memset(entry, 0, ENTRY_SIZE);
    snprintf((char *)entry, CONTAINER_NAME_SIZE, "%s", names[kind % ARRAY_LENGTH(names)]);
    store_le32(entry + ENTRY_ENCODING, kind >> 6);
    store_le64(entry + ENTRY_OFFSET, file->size);
    store_le64(entry + ENTRY_STORED, size);
    store_le64(entry + ENTRY_PLAIN, kind >> 6 == ENCODING_PLAIN ? size : fuzz_dword(input));
    if (size > input->size)
        size = input->size;
    store_le64(entry + ENTRY_STORED, size);
    store_le64(entry + ENTRY_CHECKSUM, XXH3_64bits(input->bytes, size));
    serial_put(file, input->bytes, size);
    input->bytes += size;
    input->size -= size;
}

static void seal(struct serial *file, const struct serial *contents)
{
    uint8_t footer[FOOTER_SIZE] = {0};
    store_le64(footer + FOOTER_OFFSET, file->size);
    store_le64(footer + FOOTER_CONTENTS, contents->size);
    store_le64(footer + FOOTER_CONTENTS_CHECKSUM, XXH3_64bits(contents->bytes, contents->size));
    memcpy(footer + FOOTER_MAGIC, container_end_magic, sizeof container_end_magic);
    store_le64(footer + FOOTER_CHECKSUM, XXH3_64bits(footer, FOOTER_CHECKSUM));
    serial_put(file, contents->bytes, contents->size);
    serial_put(file, footer, sizeof footer);
}

static bool take_chunk(void *context, size_t index, const uint8_t *bytes, size_t size)
{
    fuzz_check(size && size <= CHUNK_SIZE);
    return true;
}

static void read_all(const struct container *container)
{
    static const struct chunk_sink sink = {.take = take_chunk, .one_by_one = true};
    struct error err = {""};
    for (unsigned i = 0; i < container_count(container); i++) {
        const struct container_section *section = container_at(container, i);
        struct serial out = {0};
        if (!container_read(container, section->name, PLAIN_MOST, &out, &err))
            fuzz_check(*err.text);
        chunks_read(container, section, &sink, &err);
        serial_free(&out);
    }
    uint8_t *memory = mem_map(MEMORY_SIZE);
    if (!pages_load(container, "ram", memory, MEMORY_SIZE, &err))
        fuzz_check(*err.text);
    mem_unmap(memory, MEMORY_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    struct serial file = {0}, contents = {0};
    struct error err = {""};
    uint8_t header[HEADER_SIZE] = {0};
    memcpy(header, container_magic, sizeof container_magic);
    store_le32(header + HEADER_VERSION, CONTAINER_VERSION);
    snprintf((char *)header + HEADER_PROGRAM, HEADER_PROGRAM_SIZE, "%s", saved_program());
    store_le64(header + HEADER_CHECKSUM, XXH3_64bits(header, HEADER_CHECKSUM));
    serial_put(&file, header, sizeof header);
    for (unsigned i = 0; i < SECTIONS && input.size; i++)
        add_section(&input, &file, &contents);
    serial_put(&contents, "", 0);
    seal(&file, &contents);
    struct container *container = container_open_bytes(file.bytes, file.size, "file", &err);
    fuzz_check(container != NULL);
    read_all(container);
    container_close(container);
    struct saved *saved = saved_open_bytes(file.bytes, file.size, "file", &err);
    fuzz_check(saved || *err.text);
    saved_close(saved);
    /* As it comes, it is nothing. */
    container = container_open_bytes(bytes, size, "file", &err);
    container_close(container);
    serial_free(&file);
    serial_free(&contents);
    return 0;
}
