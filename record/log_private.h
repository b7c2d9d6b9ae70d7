/* What the two sides of record/log_file.h share. */
#ifndef RECORD_LOG_PRIVATE_H
#define RECORD_LOG_PRIVATE_H

#include "record/log_file.h"

#define LOG_MAGIC "ANACHRON LOG"
enum {
    LOG_MAGIC_SIZE = 12,
    LOG_FILE_HEAD_SIZE = LOG_MAGIC_SIZE + 4,
    LOG_HEAD_HASHED = 8, /* kind and size */
    LOG_HEAD_SIZE = LOG_HEAD_HASHED + 8,
    LOG_POSITION_SIZE = 40,
    LOG_SECTORS_HEAD = 12,
    LOG_END_HEAD = 28,
    LOG_SNAPSHOT_PIECE = 16 << 20, /* at most */
};

/* The hash of a frame that begins with head and holds the payload. */
uint64_t log_frame_hash(const uint8_t *head, const void *payload, size_t size);

#endif
