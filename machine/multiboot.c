#include "machine/multiboot.h"

#include "base/bits.h"

enum {
    HEADER_SEARCH = 8192,
    HEADER_MAGIC = 0x1BADB002,
    ELF_HEADER_SIZE = 52,
    ELF_PROGRAM_HEADER_SIZE = 32,
    ELF_MACHINE_386 = 3,
    ELF_LOAD = 1,
};

/* Header fields. */
enum {
    H_FLAGS = 4,
    H_CHECKSUM = 8,
    H_ADDRESS = 12,
    H_LOAD = 16,
    H_LOAD_END = 20,
    H_BSS_END = 24,
    H_ENTRY = 28,
    H_PLAIN_SIZE = 12,
    H_KLUDGE_SIZE = 32
};

static bool find_header(const uint8_t *bytes, size_t size, uint32_t *offset)
{
    size_t end = size < HEADER_SEARCH ? size : HEADER_SEARCH;
    for (uint32_t at = 0; at + H_PLAIN_SIZE <= end; at += 4) {
        if (load_le32(bytes + at) != HEADER_MAGIC)
            continue;
        uint32_t sum = HEADER_MAGIC + load_le32(bytes + at + H_FLAGS);
        if (sum + load_le32(bytes + at + H_CHECKSUM) == 0) {
            *offset = at;
            return true;
        }
    }
    return false;
}

static bool parse_kludge(const uint8_t *bytes, size_t size, uint32_t header, const char *name,
                         struct multiboot_kernel *kernel, struct error *err)
{
    if (header + H_KLUDGE_SIZE > size)
        return error_set(err, "%s: the multiboot header is truncated", name);
    const uint8_t *h = bytes + header;
    uint32_t address = load_le32(h + H_ADDRESS), load = load_le32(h + H_LOAD);
    uint32_t load_end = load_le32(h + H_LOAD_END), bss_end = load_le32(h + H_BSS_END);
    if (load > address || address - load > header)
        return error_set(err,
                         "%s: the multiboot header's load address does not fit its place in "
                         "the file",
                         name);
    uint32_t offset = header - (address - load);
    uint32_t length = load_end ? load_end - load : (uint32_t)(size - offset);
    if ((load_end && load_end < load) || length > size - offset)
        return error_set(err,
                         "%s: the multiboot kernel is truncated (its header asks for %u bytes "
                         "from offset %u)",
                         name, length, offset);
    if (bss_end && bss_end < load + length)
        return error_set(err, "%s: the multiboot header's bss ends before its data", name);
    uint32_t memory = bss_end ? bss_end - load : length;
    kernel->entry = load_le32(h + H_ENTRY);
    kernel->segment[0] = (struct multiboot_segment){load, offset, length, memory};
    kernel->segment_count = 1;
    return true;
}

static bool add_segment(const uint8_t *header, size_t size, const char *name,
                        struct multiboot_kernel *kernel, struct error *err)
{
    struct multiboot_segment segment = {
        .address = load_le32(header + 12),
        .file_offset = load_le32(header + 4),
        .file_size = load_le32(header + 16),
        .memory_size = load_le32(header + 20),
    };
    if (load_le32(header) != ELF_LOAD || !segment.memory_size)
        return true;
    if (kernel->segment_count == MULTIBOOT_SEGMENTS)
        return error_set(err, "%s: more than %d ELF segments to load", name, MULTIBOOT_SEGMENTS);
    if (segment.file_size > segment.memory_size ||
        (uint64_t)segment.file_offset + segment.file_size > size)
        return error_set(err, "%s: the ELF file is truncated (a segment ends at byte %llu)", name,
                         (unsigned long long)segment.file_offset + segment.file_size);
    if ((uint64_t)segment.address + segment.memory_size > UINT32_MAX)
        return error_set(err, "%s: an ELF segment does not fit below 4 GiB", name);
    /* The entry point is a virtual address; paging is off. */
    uint32_t virtual = load_le32(header + 8);
    if (kernel->entry - virtual < segment.memory_size && virtual != segment.address)
        kernel->entry = kernel->entry - virtual + segment.address;
    kernel->segment[kernel->segment_count++] = segment;
    return true;
}

static bool parse_elf(const uint8_t *bytes, size_t size, const char *name,
                      struct multiboot_kernel *kernel, struct error *err)
{
    if (size < ELF_HEADER_SIZE || memcmp(bytes, "\177ELF", 4) != 0)
        return error_set(err, "%s: neither an ELF file nor a multiboot header with addresses",
                         name);
    if (bytes[4] != 1 || bytes[5] != 1 || load_le16(bytes + 18) != ELF_MACHINE_386)
        return error_set(err, "%s: not a 32-bit x86 ELF file", name);
    uint32_t offset = load_le32(bytes + 28);
    unsigned entry_size = load_le16(bytes + 42), count = load_le16(bytes + 44);
    if (!count || entry_size < ELF_PROGRAM_HEADER_SIZE ||
        offset + (uint64_t)entry_size * count > size)
        return error_set(err, "%s: the ELF file is truncated (no program headers)", name);
    kernel->entry = load_le32(bytes + 24);
    for (unsigned i = 0; i < count; i++) {
        if (!add_segment(bytes + offset + (size_t)i * entry_size, size, name, kernel, err))
            return false;
    }
    if (!kernel->segment_count)
        return error_set(err, "%s: the ELF file has nothing to load", name);
    uint32_t sections = load_le32(bytes + 32);
    unsigned section_size = load_le16(bytes + 46), section_count = load_le16(bytes + 48);
    if (section_size == 40 && sections + (uint64_t)section_size * section_count <= size) {
        kernel->sections_offset = sections;
        kernel->section_size = section_size;
        kernel->section_count = section_count;
        kernel->section_names = load_le16(bytes + 50);
    }
    return true;
}

bool multiboot_parse(const uint8_t *bytes, size_t size, const char *name,
                     struct multiboot_kernel *kernel, struct error *err)
{
    uint32_t header;
    *kernel = (struct multiboot_kernel){0};
    if (!find_header(bytes, size, &header))
        return error_set(err,
                         "%s: no multiboot header in the first %d bytes; for a Linux kernel "
                         "use --kernel",
                         name, HEADER_SEARCH);
    kernel->flags = load_le32(bytes + header + H_FLAGS);
    uint32_t known = MULTIBOOT_ALIGN_MODULES | MULTIBOOT_MEMORY_INFO | MULTIBOOT_VIDEO_MODE;
    if (kernel->flags & MULTIBOOT_REQUIRED & ~known)
        return error_set(err,
                         "%s: the multiboot header requires features that are not known "
                         "(flags %04Xh)",
                         name, (unsigned)(kernel->flags & MULTIBOOT_REQUIRED));
    if (kernel->flags & MULTIBOOT_KLUDGE)
        return parse_kludge(bytes, size, header, name, kernel, err);
    return parse_elf(bytes, size, name, kernel, err);
}
