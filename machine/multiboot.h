/* Multiboot 1 as data. Source: Multiboot Specification, version 0.6.96. */
#ifndef MACHINE_MULTIBOOT_H
#define MACHINE_MULTIBOOT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum multiboot_header_flags {
    MULTIBOOT_ALIGN_MODULES = 1 << 0,
    MULTIBOOT_MEMORY_INFO = 1 << 1,
    MULTIBOOT_VIDEO_MODE = 1 << 2,
    MULTIBOOT_REQUIRED = 0xFFFF, /* bits that a loader must understand or refuse */
    MULTIBOOT_KLUDGE = 1 << 16,  /* the header's addresses say where things go */
};

/* The information structure: offsets, and bits of its flags. */
enum multiboot_info {
    INFO_FLAGS = 0,
    INFO_MEM_LOWER = 4,
    INFO_MEM_UPPER = 8,
    INFO_BOOT_DEVICE = 12,
    INFO_COMMAND_LINE = 16,
    INFO_MODULE_COUNT = 20,
    INFO_MODULES = 24,
    INFO_SYMBOLS = 28,
    INFO_MAP_LENGTH = 44,
    INFO_MAP = 48,
    INFO_LOADER_NAME = 64,
    INFO_SIZE = 116,

    INFO_HAS_MEMORY = 1 << 0,
    INFO_HAS_BOOT_DEVICE = 1 << 1,
    INFO_HAS_COMMAND_LINE = 1 << 2,
    INFO_HAS_MODULES = 1 << 3,
    INFO_HAS_ELF_SECTIONS = 1 << 5,
    INFO_HAS_MAP = 1 << 6,
    INFO_HAS_LOADER_NAME = 1 << 9,

    MULTIBOOT_MODULE_SIZE = 16,
};

struct multiboot_segment {
    uint32_t address; /* physical */
    uint32_t file_offset, file_size;
    uint32_t memory_size; /* the rest is zero */
};

enum { MULTIBOOT_SEGMENTS = 16 };

struct multiboot_kernel {
    uint32_t flags;
    uint32_t entry; /* physical */
    unsigned segment_count;
    struct multiboot_segment segment[MULTIBOOT_SEGMENTS];
    /* ELF section headers in the file, for INFO_SYMBOLS; count 0: none. */
    uint32_t sections_offset, section_count, section_size, section_names;
};

/* Finds header and segments. False: err says what is wrong with the file called name. */
bool multiboot_parse(const uint8_t *bytes, size_t size, const char *name,
                     struct multiboot_kernel *kernel, struct error *err);

#endif
