/* A MOO file in memory: its chunks, its tests, and which flags are undefined. */
#ifndef MACHINE_VECTORS_MOO_H
#define MACHINE_VECTORS_MOO_H

#include "base/bits.h"

/* Register sets, in the order of the file's bits. */
enum { MOO_286_REGISTERS = 14, MOO_386_REGISTERS = 20, MOO_REGISTERS_MAX = 20 };
struct register_set {
    bool present;
    uint32_t bits; /* which of value are given */
    uint32_t value[MOO_REGISTERS_MAX];
};

struct memory_image {
    const uint8_t *entries; /* 5 bytes each: address, value */
    uint32_t count;
};

struct moo_state {
    struct register_set registers;
    struct register_set mask;
    struct memory_image memory;
};

struct moo_test {
    uint32_t index;
    char name[96];
    struct moo_state initial, final;
    uint32_t flags_undefined; /* besides those of the whole file */
    bool has_exception;
    uint8_t vector;
    uint8_t hash[20];
};

/* What holds for every test of a file. */
struct moo_file {
    const char *path;
    bool is_386;
    uint32_t flags_mask;
    struct register_set mask; /* for the whole file */
    uint8_t (*revoked)[20];
    size_t revoked_count;
};

struct moo_chunk {
    char type[5];
    const uint8_t *bytes;
    uint32_t size;
};

struct moo_cursor {
    const uint8_t *next, *end;
};

/* False at the end, or when what is left is no whole chunk (then next != end). */
bool moo_next_chunk(struct moo_cursor *cursor, struct moo_chunk *chunk);
bool moo_chunk_is(const struct moo_chunk *chunk, const char *type);
/* Registers of width bytes (2 or 4) from a REGS, RG32, RMSK or RM32 chunk. */
void moo_parse_registers(const struct moo_chunk *chunk, unsigned width, struct register_set *set);
/* From a TEST chunk; test points into its bytes. False: damaged. */
bool moo_parse_test(const struct moo_chunk *chunk, struct moo_test *test);

/* The FLAGS bits that are defined after the instructions of a file named stem, from the table
 * beside it (MANIFEST-286.csv or masks/80386.csv); says so on standard error if there is none. */
uint32_t moo_flags_mask(const char *path, const char *stem, bool is_386);
/* Reads 80386-revocation_list.txt if there is one; file owns the list. */
void moo_load_revoked(struct moo_file *file);
bool moo_is_revoked(const struct moo_file *file, const struct moo_test *test);

#endif
