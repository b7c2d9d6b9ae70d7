/* A machine's state as bytes, and back: what checkpoints in memory and snapshot files hold of
 * processor and chips. Memory sections (RAM, video memory) are not part of it; they are large, and
 * whoever packs has a better way to keep them.
 *
 * The bytes are the fields of all structs in the order of their tables, without names, and then
 * each opaque section with its length. They begin with a hash over names, sizes and order of all
 * fields (state_schema), so that they are only ever loaded into a map that was filled in the same
 * way by the same tables. Numbers are little-endian, as all hosts that we run on are. Packing costs
 * some 20 microseconds for a whole PC. */
#ifndef SNAPSHOT_SERIAL_H
#define SNAPSHOT_SERIAL_H

#include "base/error.h"
#include "snapshot/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- bytes that grow --- */

/* Starts as {0}; ends with serial_free. bytes may move when something is appended. */
struct serial {
    uint8_t *bytes;
    size_t size, capacity;
};

void serial_free(struct serial *serial);
void serial_put(struct serial *serial, const void *bytes, size_t size);
void serial_put_u8(struct serial *serial, uint8_t value);
void serial_put_u32(struct serial *serial, uint32_t value);
void serial_put_u64(struct serial *serial, uint64_t value);
/* Length and characters. text NULL is kept apart from "". */
void serial_put_text(struct serial *serial, const char *text);
/* Room for size bytes at the end, not filled in; valid until the next call. */
uint8_t *serial_extend(struct serial *serial, size_t size);

/* Reads bytes of any origin. After one that is too short, failed is set and everything reads as
 * zeros; so it is enough to look at the end. */
struct serial_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

void serial_take(struct serial_reader *reader, void *bytes, size_t size);
uint8_t serial_take_u8(struct serial_reader *reader);
uint32_t serial_take_u32(struct serial_reader *reader);
uint64_t serial_take_u64(struct serial_reader *reader);
/* A copy, to be freed with mem_free; or NULL. */
char *serial_take_text(struct serial_reader *reader);
/* size bytes where they are; NULL (and failed) if there are not so many. */
const uint8_t *serial_take_bytes(struct serial_reader *reader, size_t size);
/* Everything has been read, and there was not too little. */
static inline bool serial_is_done(const struct serial_reader *reader)
{
    return !reader->failed && reader->left == 0;
}

/* --- state --- */

/* Appends the state of all structs and opaque sections to out. The map must not grow any more. */
void state_pack(struct state_map *map, struct serial *out);

/* Whether state_unpack would take the bytes, which may come from anywhere: they are as long as they
 * should be, each field has a value that its table allows, and the opaque sections are what their
 * codecs want. Changes nothing. */
bool state_check(struct state_map *map, const uint8_t *bytes, size_t size, struct error *err);

/* Loads what state_pack wrote, into this map or one that was filled in the same way, and calls the
 * after_load hooks. Whoever loads has put back the contents of memory sections first, if these
 * change. False: nothing was changed, err says why. */
bool state_unpack(struct state_map *map, const uint8_t *bytes, size_t size, struct error *err);

/* Hash over names, sizes and order of all fields. */
uint64_t state_schema(struct state_map *map);
/* Appends that as text, a line a field: "section.path SIZE COUNT", and "section *" for opaque ones.
 * With it, packed state can be taken apart without this program. */
void state_describe(struct state_map *map, struct serial *out);

/* The memory sections: section number index of them, or false. */
bool state_memory(const struct state_map *map, unsigned index, const char **name, uint8_t **memory,
                  size_t *size);

#endif
