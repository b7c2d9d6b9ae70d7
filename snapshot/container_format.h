/* Where what is in a container; shared by its writer, its reader and their tests. */
#ifndef SNAPSHOT_CONTAINER_FORMAT_H
#define SNAPSHOT_CONTAINER_FORMAT_H

#include "snapshot/container.h"

/* The first byte is no text, and line ends that were converted are noticed. */
static const uint8_t container_magic[16] = {0x8A, 'a', 'n', 'a', 'c',  'h',  'r',  'o',
                                            'n',  ' ', 's', 't', '\r', '\n', 0x1A, '\n'};
static const uint8_t container_end_magic[8] = {'e', 'n', 'd', ' ', 's', 't', '\r', '\n'};

enum container_header {
    HEADER_VERSION = 16, /* 32 bits, and 32 that are 0 */
    HEADER_PROGRAM = 24,
    HEADER_PROGRAM_SIZE = 24,
    /* 8 bytes that are 0 */
    HEADER_CHECKSUM = 56, /* of what is before it */
    HEADER_SIZE = 64,
};

enum container_entry {
    ENTRY_ENCODING = 24, /* 32 bits, and 32 that are 0 */
    ENTRY_OFFSET = 32,
    ENTRY_STORED = 40,
    ENTRY_PLAIN = 48,
    ENTRY_CHECKSUM = 56, /* of the stored bytes */
    ENTRY_SIZE = 64,
};

enum container_footer {
    FOOTER_OFFSET = 0,
    FOOTER_CONTENTS = 8, /* size in bytes */
    FOOTER_CONTENTS_CHECKSUM = 16,
    FOOTER_MAGIC = 24,
    FOOTER_CHECKSUM = 32, /* of what is before it in the footer */
    FOOTER_SIZE = 40,
};

#endif
