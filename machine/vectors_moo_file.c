/* MOO files: chunks, tests, and the tables that stand beside them. */
#include "machine/vectors_moo.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- chunks --- */

bool moo_next_chunk(struct moo_cursor *cursor, struct moo_chunk *chunk)
{
    size_t left = (size_t)(cursor->end - cursor->next);
    if (left < 8)
        return false;
    memcpy(chunk->type, cursor->next, 4);
    chunk->type[4] = 0;
    chunk->size = load_le32(cursor->next + 4);
    chunk->bytes = cursor->next + 8;
    if (left - 8 < chunk->size)
        return false;
    cursor->next += 8 + chunk->size;
    return true;
}

bool moo_chunk_is(const struct moo_chunk *chunk, const char *type)
{
    return memcmp(chunk->type, type, 4) == 0;
}

void moo_parse_registers(const struct moo_chunk *chunk, unsigned width, struct register_set *set)
{
    if (chunk->size < width)
        return;
    uint32_t bits = width == 2 ? load_le16(chunk->bytes) : load_le32(chunk->bytes);
    uint32_t at = width;
    set->present = true;
    for (unsigned i = 0; i < MOO_REGISTERS_MAX && at + width <= chunk->size; i++) {
        if (!bit_is_set(bits, i))
            continue;
        set->value[i] = width == 2 ? load_le16(chunk->bytes + at) : load_le32(chunk->bytes + at);
        set->bits |= 1u << i;
        at += width;
    }
}

static void parse_memory(const struct moo_chunk *chunk, struct memory_image *memory)
{
    if (chunk->size < 4)
        return;
    uint32_t count = load_le32(chunk->bytes);
    memory->entries = chunk->bytes + 4;
    memory->count = count <= (chunk->size - 4) / 5 ? count : (chunk->size - 4) / 5;
}

static void parse_state(const struct moo_chunk *chunk, struct moo_state *state)
{
    struct moo_cursor cursor = {chunk->bytes, chunk->bytes + chunk->size};
    struct moo_chunk part;
    while (moo_next_chunk(&cursor, &part)) {
        if (moo_chunk_is(&part, "REGS"))
            moo_parse_registers(&part, 2, &state->registers);
        else if (moo_chunk_is(&part, "RG32"))
            moo_parse_registers(&part, 4, &state->registers);
        else if (moo_chunk_is(&part, "RMSK"))
            moo_parse_registers(&part, 2, &state->mask);
        else if (moo_chunk_is(&part, "RM32"))
            moo_parse_registers(&part, 4, &state->mask);
        else if (moo_chunk_is(&part, "RAM "))
            parse_memory(&part, &state->memory);
    }
}

bool moo_parse_test(const struct moo_chunk *chunk, struct moo_test *test)
{
    *test = (struct moo_test){0};
    if (chunk->size < 4)
        return false;
    test->index = load_le32(chunk->bytes);
    struct moo_cursor cursor = {chunk->bytes + 4, chunk->bytes + chunk->size};
    struct moo_chunk part;
    while (moo_next_chunk(&cursor, &part)) {
        if (moo_chunk_is(&part, "INIT")) {
            parse_state(&part, &test->initial);
        } else if (moo_chunk_is(&part, "FINA")) {
            parse_state(&part, &test->final);
        } else if (moo_chunk_is(&part, "NAME") && part.size >= 4) {
            snprintf(test->name, sizeof test->name, "%.*s", (int)(part.size - 4),
                     (const char *)part.bytes + 4);
        } else if (moo_chunk_is(&part, "EXCP") && part.size >= 1) {
            test->has_exception = true;
            test->vector = part.bytes[0];
        } else if (moo_chunk_is(&part, "HASH") && part.size >= 20) {
            memcpy(test->hash, part.bytes, 20);
        }
    }
    return cursor.next == cursor.end && test->initial.registers.present;
}

/* --- companions of the file: flag masks and revoked tests --- */

/* Opens NAME in the file's directory, the one above it, or masks/ beside that. */
static FILE *open_companion(const char *path, const char *name)
{
    static const char *const places[] = {"", "../", "../masks/", "masks/"};
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        char full[4096];
        snprintf(full, sizeof full, "%.*s%s%s", directory, path, places[i], name);
        FILE *stream = fopen(full, "r");
        if (stream)
            return stream;
    }
    return NULL;
}

/* The end of the field that starts at p: a comma outside quotation marks, or the line's end. */
static const char *csv_field_end(const char *p)
{
    bool quoted = false;
    for (; *p && *p != '\r' && *p != '\n' && (quoted || *p != ','); p++)
        quoted ^= *p == '"';
    return p;
}

/* The text of comma-separated column `column` (from 0), or "". */
static void csv_column(const char *line, unsigned column, char *text, size_t size)
{
    const char *end = csv_field_end(line);
    for (; column && *end == ','; column--) {
        line = end + 1;
        end = csv_field_end(line);
    }
    snprintf(text, size, "%.*s", column ? 0 : (int)(end - line), line);
}

/* Column number of heading, or -1. */
static int csv_find(const char *header, const char *heading)
{
    char text[64];
    int commas = 0;
    for (const char *p = header; *p; p++)
        commas += *p == ',';
    for (int i = 0; i <= commas; i++) {
        csv_column(header, (unsigned)i, text, sizeof text);
        if (strcmp(text, heading) == 0)
            return i;
    }
    return -1;
}

static uint32_t lookup_mask_286(const char *path, const char *stem)
{
    uint32_t mask = 0x0FFF;
    FILE *stream = open_companion(path, "MANIFEST-286.csv");
    char line[1024], text[64];
    if (!stream || !fgets(line, sizeof line, stream)) {
        fprintf(stderr, "anachron: %s: no MANIFEST-286.csv beside it: flags mask 0FFF\n", path);
        if (stream)
            fclose(stream);
        return mask;
    }
    int column = csv_find(line, "flags_mask");
    while (column > 0 && fgets(line, sizeof line, stream)) {
        csv_column(line, 0, text, sizeof text);
        if (strcmp(text, stem) != 0)
            continue;
        csv_column(line, (unsigned)column, text, sizeof text);
        mask = (uint32_t)strtoul(text, NULL, 16) & 0x0FFF;
    }
    fclose(stream);
    return mask;
}

/* File names are [67][66]opcode[.n]; the opcode column has no prefixes. */
static uint32_t lookup_mask_386(const char *path, const char *stem)
{
    enum { TESTED = 0x7FD5 };
    char opcode[16], digit[16] = "", line[2048], text[64], op[64];
    const char *p = stem;
    if (strncmp(p, "67", 2) == 0 && strlen(p) > 2 && p[2] != '.')
        p += 2;
    if (strncmp(p, "66", 2) == 0 && strlen(p) > 2 && p[2] != '.')
        p += 2;
    size_t length = strcspn(p, ".");
    length = length < sizeof opcode ? length : sizeof opcode - 1;
    memcpy(opcode, p, length);
    opcode[length] = 0;
    if (strchr(p, '.'))
        snprintf(digit, sizeof digit, "%s", strchr(p, '.') + 1);
    FILE *stream = open_companion(path, "80386.csv");
    if (!stream || !fgets(line, sizeof line, stream)) {
        fprintf(stderr, "anachron: %s: no 80386.csv beside it: no flags masked\n", path);
        if (stream)
            fclose(stream);
        return TESTED;
    }
    uint32_t mask = TESTED;
    int mask_column = csv_find(line, "f_umask"), digit_column = csv_find(line, "ex");
    while (mask_column > 0 && digit_column > 0 && fgets(line, sizeof line, stream)) {
        csv_column(line, 0, op, sizeof op);
        csv_column(line, (unsigned)digit_column, text, sizeof text);
        if (strcasecmp(op, opcode) != 0 || (digit[0] && strcmp(text, digit) != 0))
            continue;
        csv_column(line, (unsigned)mask_column, text, sizeof text);
        if (text[0])
            mask = (uint32_t)strtoul(text, NULL, 16) & TESTED;
        break;
    }
    fclose(stream);
    return mask;
}

void moo_load_revoked(struct moo_file *file)
{
    FILE *stream = open_companion(file->path, "80386-revocation_list.txt");
    char line[256];
    while (stream && fgets(line, sizeof line, stream)) {
        uint8_t hash[20];
        unsigned i = 0;
        while (i < 20 && sscanf(line + 2 * i, "%2hhx", &hash[i]) == 1)
            i++;
        if (i < 20)
            continue;
        file->revoked = mem_resize(file->revoked, (file->revoked_count + 1) * 20);
        memcpy(file->revoked[file->revoked_count++], hash, 20);
    }
    if (stream)
        fclose(stream);
}

bool moo_is_revoked(const struct moo_file *file, const struct moo_test *test)
{
    for (size_t i = 0; i < file->revoked_count; i++)
        if (memcmp(file->revoked[i], test->hash, 20) == 0)
            return true;
    return false;
}

uint32_t moo_flags_mask(const char *path, const char *stem, bool is_386)
{
    return is_386 ? lookup_mask_386(path, stem) : lookup_mask_286(path, stem);
}
