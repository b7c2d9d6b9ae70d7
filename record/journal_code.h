/* Inside record/: one record of a journal as bytes.
 *
 *     tag        1 byte: enum gate_event_kind, or TAG_MARK and the kind of mark
 *     icount     since the record before
 *     time       since the record before, less 10 ns an instruction (signed)
 *     order
 *     ...        what the kind says
 *
 * Numbers have seven bits a byte, the lowest first, and bit 7 where more follow; signed ones have
 * the sign in bit 0. */
#ifndef RECORD_JOURNAL_CODE_H
#define RECORD_JOURNAL_CODE_H

#include "record/journal.h"

/* A specification is a path and options. */
enum { SPECIFICATION_MAX = 8192, RECORD_BYTES_MAX = SPECIFICATION_MAX + 128 };

/* Writes record, whose stamp comes after before; returns its size, at most RECORD_BYTES_MAX. */
size_t journal_encode(const struct journal_record *record, const struct journal_stamp *before,
                      uint8_t *bytes);
/* Reads one; returns its size, or 0: bytes do not begin with a whole record. With NULL for record
 * only checks. */
size_t journal_decode(const uint8_t *bytes, size_t size, const struct journal_stamp *before,
                      struct journal_stamp *stamp, struct journal_record *record);

#endif
