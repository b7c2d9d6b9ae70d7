/* Logs of recorded runs: whatever a file holds, it is read or refused, and what was read can be
 * walked and written again. The input is the frames behind the file's head: kind, and payload up to
 * a length; checksums are made right, so that what is behind them is reached. */
#include "tests/fuzz/fuzz.h"

#include "base/bits.h"
#include "base/memory.h"
#include "record/log_private.h"

#include <stdlib.h>
#include <string.h>

static const char config[] = "{\"id\":\"0\",\"machine\":{}}";

static size_t put_frame(uint8_t *to, uint32_t kind, const void *payload, size_t size)
{
    store_le32(to, kind);
    store_le32(to + 4, (uint32_t)size);
    store_le64(to + LOG_HEAD_HASHED, log_frame_hash(to, payload, size));
    memcpy(to + LOG_HEAD_SIZE, payload, size);
    return LOG_HEAD_SIZE + size;
}

/* Frames of events begin with a position, which no fuzzer would guess: the first byte says whether
 * it is left as it is. */
static size_t put_events(uint8_t *to, const uint8_t *bytes, size_t size)
{
    uint8_t payload[LOG_POSITION_SIZE + 256] = {0};
    memcpy(payload + LOG_POSITION_SIZE, bytes, size);
    return put_frame(to, LOG_EVENTS, payload, LOG_POSITION_SIZE + size);
}

static void walk(const struct log_file *log)
{
    struct journal_position at = journal_begin(log->journal);
    struct journal_record record;
    uint64_t count = at.count;
    while (journal_read(log->journal, &at, &record)) {
        count++;
        if (record.kind == JOURNAL_EVENT)
            gate_event_free(&record.event);
    }
    if (count != journal_end(log->journal).count)
        abort();
    for (size_t i = 0; i < log->sectors_count; i++) {
        const struct log_sectors *sectors = &log->sectors[i];
        if (sectors->bytes < log->bytes ||
            sectors->bytes + (size_t)sectors->count * DISK_SECTOR_SIZE > log->bytes + log->size)
            abort();
    }
}

static void parse(const uint8_t *bytes, size_t size)
{
    struct log_file log;
    struct error err = {""};
    uint8_t *own = mem_new(size + 1);
    memcpy(own, bytes, size);
    if (log_file_parse(own, size, "x", &log, &err)) {
        walk(&log);
        log_file_free(&log);
    } else if (!*err.text || strchr(err.text, '\n')) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = mem_new(LOG_FILE_HEAD_SIZE + sizeof config + LOG_HEAD_SIZE +
                            (size + 1) * (LOG_HEAD_SIZE + LOG_POSITION_SIZE + 2));
    memcpy(file, LOG_MAGIC, LOG_MAGIC_SIZE);
    store_le32(file + LOG_MAGIC_SIZE, LOG_VERSION);
    size_t length = LOG_FILE_HEAD_SIZE;
    length += put_frame(file + length, LOG_CONFIG, config, sizeof config - 1);
    for (size_t at = 0; at + 2 <= size;) {
        uint32_t kind = data[at] % 8;
        size_t part = data[at + 1] < size - at - 2 ? data[at + 1] : size - at - 2;
        length += kind == LOG_EVENTS && data[at] & 8
                      ? put_events(file + length, data + at + 2, part)
                      : put_frame(file + length, kind, data + at + 2, part);
        at += 2 + part;
    }
    parse(file, length);
    if (size && length) /* torn, and damaged */
        parse(file, data[0] * length / 256);
    file[data ? (size ? data[size - 1] : 0) * length / 256 : 0] ^= 1;
    parse(file, length);
    /* And as it comes, without a right checksum anywhere. */
    if (size)
        parse(data, size);
    mem_free(file);
    return 0;
}
