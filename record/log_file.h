/* A log: a recorded run as a file.
 *
 *     "ANACHRON LOG" (12 bytes), version (4 bytes)
 *     frames: kind (4), size (4), XXH3 of these and the payload (8), payload
 *
 * The first frame is the configuration (JSON); journal frames follow as the run goes on, and the
 * last is, as a rule, the end. All numbers are little-endian. A log that was cut off, because the
 * recorder was killed or the host's disk is full, is good up to its last whole frame.
 *
 *     LOG_CONFIG    JSON: the machine, when it was recorded, the log that it is a branch of
 *     LOG_EVENTS    journal position (offset, count, icount, time, order: 8 bytes each), then
 *                   records as journal_bytes gives them. What the log had behind that position is
 *                   forgotten: the machine was taken back in time there. The first ones behind a
 *                   saved state begin where the machine's journal was then.
 *     LOG_SECTORS   place (4), first sector (8), then sectors of a disk that is written directly,
 *                   as they were before the run wrote to them for the first time; also behind the
 *                   end, if the machine went on in another log. Sectors may come again: the first
 *                   ones are right.
 *     LOG_SNAPSHOT  a piece of the file of a saved state (snapshot/container.h), with which the run
 *                   begins instead of power-on. All pieces follow the configuration, in order.
 *     LOG_END       icount, time, order (8 each), exit status (4), reason (text)
 */
#ifndef RECORD_LOG_FILE_H
#define RECORD_LOG_FILE_H

#include "base/error.h"
#include "record/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_VERSION = 1 };

enum log_kind { LOG_CONFIG = 1, LOG_EVENTS, LOG_SECTORS, LOG_SNAPSHOT, LOG_END };

/* --- writing --- */

struct log_writer;

/* Makes a new file; one that exists is left alone. config: the payload of LOG_CONFIG. NULL: err
 * says why not. */
struct log_writer *log_writer_open(const char *path, const char *config, struct error *err);
/* What the journal has and the file has not yet. */
void log_writer_events(struct log_writer *writer, struct journal *journal);
void log_writer_sectors(struct log_writer *writer, uint32_t place, uint64_t lba, uint32_t count,
                        const void *bytes);
/* Next after log_writer_open, once: the whole file of the saved state. */
void log_writer_snapshot(struct log_writer *writer, const void *bytes, size_t size);
void log_writer_end(struct log_writer *writer, const struct journal_stamp *stamp, int status,
                    const char *reason);
const char *log_writer_path(const struct log_writer *writer);
uint64_t log_writer_size(const struct log_writer *writer);
/* Whether all writes have gone well so far; after the first that has not, nothing is written. */
bool log_writer_check(const struct log_writer *writer, struct error *err);
/* False: something could not be written, err (may be NULL) says what. No writer is well. */
bool log_writer_close(struct log_writer *writer, struct error *err);

/* --- reading --- */

struct log_sectors {
    uint32_t place, count;
    uint64_t lba;
    const uint8_t *bytes; /* into the log's memory */
};

struct log_file {
    uint8_t *bytes; /* the file; owned */
    size_t size;
    size_t used;        /* bytes of whole frames */
    const char *config; /* not terminated by 0 */
    size_t config_size;
    struct journal *journal; /* everything in it; owned */
    struct log_sectors *sectors;
    size_t sectors_count;
    uint8_t *snapshot; /* its pieces put together; owned; NULL: it begins at power-on */
    size_t snapshot_size;
    size_t rewinds;
    struct journal_position *places; /* some, in order, for the reader; owned */
    size_t place_count, place_room;
    bool has_events; /* frames of them */
    bool has_end;
    struct journal_stamp end;
    int status;
    char reason[32];
};

/* False: it is no log, or damaged before its tail; err says what and where. A torn tail is no
 * error: used is less than size then. */
bool log_file_read(const char *path, struct log_file *log, struct error *err);
/* The same from memory, which is taken over. */
bool log_file_parse(uint8_t *bytes, size_t size, const char *name, struct log_file *log,
                    struct error *err);
void log_file_free(struct log_file *log);

#endif
