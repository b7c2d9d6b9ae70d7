/* Decoding in four steps: prefixes, opcode (and map), ModRM with its address bytes, immediates. The
 * row is chosen after ModRM; what immediates follow was read from the row's operands when the
 * tables were built.
 *
 * Source: Intel SDM volume 2A, chapter 2 and appendix A. */
#include "cpu/decode.h"

#include "base/memory.h"

#include <stdlib.h>

/* What follows ModRM. */
enum immediate_kind {
    IMMEDIATE_8 = 1 << 0,      /* Ib, zero-extended */
    IMMEDIATE_8_SIGN = 1 << 1, /* Ibs, Jb */
    IMMEDIATE_16 = 1 << 2,     /* Iw */
    IMMEDIATE_V = 1 << 3,      /* Iz, Iv, and the offset of Ap */
    IMMEDIATE_V_SIGN = 1 << 4, /* Jz */
    IMMEDIATE_SECOND = 1 << 5, /* a byte into immediate2 */
    IMMEDIATE_FAR = 1 << 6,    /* Ap: the selector */
    IMMEDIATE_OFFSET = 1 << 7, /* Ob, Ov: a moffs */
};

enum { NO_ROW = 0xFFFF };

struct decoder {
    uint16_t first[MAP_COUNT][256]; /* row, or NO_ROW; the most exact rows come first */
    bool has_modrm[MAP_COUNT][256];
    uint16_t *next;      /* by row: the next row of the same opcode */
    uint8_t *immediates; /* by row: enum immediate_kind */
};

/* --- tables --- */

static uint8_t immediates_of(const char *operands)
{
    unsigned kinds = 0;
    for (const char *p = operands; *p;) {
        size_t length = strcspn(p, ",");
        char second = length > 1 ? p[1] : 0;
        if (*p == 'I' && kinds)
            kinds |= IMMEDIATE_SECOND;
        else if (*p == 'I')
            kinds |= second == 'w'                    ? IMMEDIATE_16
                     : second == 'z' || second == 'v' ? IMMEDIATE_V
                     : length == 3                    ? IMMEDIATE_8_SIGN
                                                      : IMMEDIATE_8;
        else if (*p == 'J')
            kinds |= second == 'b' ? IMMEDIATE_8_SIGN : IMMEDIATE_V_SIGN;
        else if (*p == 'A')
            kinds |= IMMEDIATE_V | IMMEDIATE_FAR;
        else if (*p == 'O')
            kinds |= IMMEDIATE_OFFSET;
        p += length + (p[length] == ',');
    }
    return (uint8_t)kinds;
}

/* Rows with a larger value match fewer instructions, and are tried first. */
static unsigned exactness(const struct insn_row *row)
{
    static const uint8_t by_kind[8] = {
        [M_NONE >> 8] = 0,         [M_ANY >> 8] = 0,      [M_MEM >> 8] = 1,
        [M_REG >> 8] = 1,          [M_DIGIT(0) >> 8] = 2, [M_DIGIT_MEM(0) >> 8] = 3,
        [M_DIGIT_REG(0) >> 8] = 3, [M_BYTE(0) >> 8] = 4,
    };
    return (row->prefix != P_ANY ? 8u : 0) + by_kind[row->modrm >> 8];
}

static void add_row(struct decoder *decoder, uint16_t index)
{
    const struct insn_row *row = insn_row(index);
    uint16_t *link = &decoder->first[row->map][row->opcode];
    while (*link != NO_ROW && exactness(insn_row(*link)) >= exactness(row))
        link = &decoder->next[*link];
    decoder->next[index] = *link;
    *link = index;
    decoder->has_modrm[row->map][row->opcode] = row->modrm != M_NONE;
    decoder->immediates[index] = immediates_of(row->operands);
}

struct decoder *decoder_new(const struct cpu_model *model)
{
    struct decoder *decoder = mem_new(sizeof *decoder);
    unsigned count = insn_row_count();
    decoder->next = mem_new(count * sizeof *decoder->next);
    decoder->immediates = mem_new(count);
    for (unsigned map = 0; map < MAP_COUNT; map++)
        for (unsigned opcode = 0; opcode < 256; opcode++)
            decoder->first[map][opcode] = NO_ROW;
    for (unsigned i = 0; i < count; i++)
        if (model_has(model, insn_row(i)->feature))
            add_row(decoder, (uint16_t)i);
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    mem_free(decoder->next);
    mem_free(decoder->immediates);
    mem_free(decoder);
}

/* --- reading bytes --- */

struct cursor {
    const uint8_t *bytes;
    unsigned at, available;
    enum decode_result failure; /* DECODE_OK while all is well */
};

/* True if size more bytes are there, and the instruction is not too long with them. */
static bool cursor_has(struct cursor *cursor, unsigned size)
{
    if (LIKELY(cursor->at + size <= cursor->available && cursor->at + size <= INSN_MAX_LENGTH))
        return true;
    if (cursor->failure == DECODE_OK)
        cursor->failure = cursor->available >= INSN_MAX_LENGTH ? DECODE_TOO_LONG : DECODE_SHORT;
    return false;
}

static uint8_t next8(struct cursor *cursor)
{
    return cursor_has(cursor, 1) ? cursor->bytes[cursor->at++] : 0;
}

static uint16_t next16(struct cursor *cursor)
{
    if (!cursor_has(cursor, 2))
        return 0;
    cursor->at += 2;
    return load_le16(cursor->bytes + cursor->at - 2);
}

static uint32_t next32(struct cursor *cursor)
{
    if (!cursor_has(cursor, 4))
        return 0;
    cursor->at += 4;
    return load_le32(cursor->bytes + cursor->at - 4);
}

static uint32_t next_by_size(struct cursor *cursor, bool size32)
{
    return size32 ? next32(cursor) : next16(cursor);
}

/* --- prefixes and opcode --- */

struct prefixes {
    bool operand, address, lock;
    uint8_t repeat;  /* F2, F3 or 0; the last one counts */
    uint8_t segment; /* SEG_COUNT: none */
};

static uint8_t read_prefixes(struct cursor *cursor, struct prefixes *prefixes)
{
    *prefixes = (struct prefixes){.segment = SEG_COUNT};
    for (;;) {
        uint8_t byte = next8(cursor);
        switch (byte) {
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
            prefixes->segment = byte >> 3 & 3;
            break;
        case 0x64:
        case 0x65:
            prefixes->segment = byte & 7;
            break;
        case 0x66:
            prefixes->operand = true;
            break;
        case 0x67:
            prefixes->address = true;
            break;
        case 0xF0:
            prefixes->lock = true;
            break;
        case 0xF2:
        case 0xF3:
            prefixes->repeat = byte;
            break;
        default:
            return byte;
        }
        if (cursor->failure != DECODE_OK)
            return 0;
    }
}

static enum insn_map read_opcode(struct cursor *cursor, uint8_t *opcode)
{
    if (*opcode != 0x0F)
        return MAP_1;
    *opcode = next8(cursor);
    if (*opcode != 0x38 && *opcode != 0x3A)
        return MAP_0F;
    enum insn_map map = *opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
    *opcode = next8(cursor);
    return map;
}

/* --- ModRM --- */

static void read_address16(struct cursor *cursor, struct insn *insn)
{
    static const uint8_t bases[8] = {REG_EBX,  REG_EBX,  REG_EBP, REG_EBP,
                                     REG_ZERO, REG_ZERO, REG_EBP, REG_EBX};
    static const uint8_t indexes[8] = {REG_ESI, REG_EDI, REG_ESI,  REG_EDI,
                                       REG_ESI, REG_EDI, REG_ZERO, REG_ZERO};
    unsigned mod = insn->modrm >> 6, rm = insn->modrm & 7;
    insn->base = bases[rm];
    insn->index = indexes[rm];
    if (mod == 0 && rm == 6) {
        insn->base = REG_ZERO;
        insn->displacement = next16(cursor);
    } else if (mod == 1) {
        insn->displacement = (uint32_t)(int8_t)next8(cursor);
    } else if (mod == 2) {
        insn->displacement = next16(cursor);
    }
}

static void read_address32(struct cursor *cursor, struct insn *insn)
{
    unsigned mod = insn->modrm >> 6, rm = insn->modrm & 7;
    insn->base = (uint8_t)rm;
    if (rm == 4) {
        uint8_t sib = next8(cursor);
        insn->base = sib & 7;
        if ((sib >> 3 & 7) != 4) {
            insn->index = sib >> 3 & 7;
            insn->scale = sib >> 6;
        }
    }
    if (mod == 0 && insn->base == 5) {
        insn->base = REG_ZERO;
        insn->displacement = next32(cursor);
    } else if (mod == 1) {
        insn->displacement = (uint32_t)(int8_t)next8(cursor);
    } else if (mod == 2) {
        insn->displacement = next32(cursor);
    }
}

static void read_modrm(struct cursor *cursor, enum insn_map map, struct insn *insn)
{
    insn->modrm = next8(cursor);
    insn->reg = insn->modrm >> 3 & 7;
    insn->rm = insn->modrm & 7;
    /* MOV to and from control, debug and test registers ignore mod (SDM 2B, MOV). */
    bool ignores_mod = map == MAP_0F && (insn->opcode & 0xF8) == 0x20;
    if (insn->modrm >= 0xC0 || ignores_mod)
        return;
    insn->flags |= INSN_MEMORY;
    if (insn->flags & INSN_ADDRESS32)
        read_address32(cursor, insn);
    else
        read_address16(cursor, insn);
    if (insn->base == REG_EBP || insn->base == REG_ESP)
        insn->segment = SEG_SS;
}

/* --- the row --- */

static unsigned find_row(const struct decoder *decoder, unsigned index, uint8_t modrm,
                         const struct prefixes *prefixes)
{
    enum insn_prefix wanted = prefixes->repeat == 0xF3   ? P_F3
                              : prefixes->repeat == 0xF2 ? P_F2
                              : prefixes->operand        ? P_66
                                                         : P_NONE;
    for (; index != NO_ROW; index = decoder->next[index]) {
        const struct insn_row *row = insn_row(index);
        bool fits = row->modrm == M_NONE || row->modrm == M_ANY || insn_modrm_fits(row, modrm);
        if (fits && (row->prefix == P_ANY || row->prefix == wanted))
            return index;
    }
    return NO_ROW;
}

static void read_immediates(struct cursor *cursor, unsigned kinds, struct insn *insn)
{
    bool operand32 = insn->flags & INSN_OPERAND32;
    if (!kinds)
        return;
    if (kinds & IMMEDIATE_8)
        insn->immediate = next8(cursor);
    if (kinds & IMMEDIATE_8_SIGN)
        insn->immediate = (uint32_t)(int8_t)next8(cursor);
    if (kinds & IMMEDIATE_16)
        insn->immediate = next16(cursor);
    if (kinds & IMMEDIATE_V)
        insn->immediate = next_by_size(cursor, operand32);
    if (kinds & IMMEDIATE_V_SIGN)
        insn->immediate = operand32 ? next32(cursor) : (uint32_t)(int16_t)next16(cursor);
    if (kinds & IMMEDIATE_SECOND)
        insn->immediate2 = next8(cursor);
    if (kinds & IMMEDIATE_FAR)
        insn->immediate2 = next16(cursor);
    if (kinds & IMMEDIATE_OFFSET)
        insn->displacement = next_by_size(cursor, insn->flags & INSN_ADDRESS32);
}

static enum decode_result failed(struct insn *insn, const struct cursor *cursor,
                                 enum decode_result result)
{
    insn->exec = NULL;
    insn->row = INSN_ROW_NONE;
    insn->length = (uint8_t)cursor->at;
    return result;
}

enum decode_result decode_insn(const struct decoder *decoder, const uint8_t *bytes,
                               unsigned available, bool code32, struct insn *insn)
{
    struct cursor cursor = {bytes, 0, available, DECODE_OK};
    struct prefixes prefixes;
    uint8_t opcode = read_prefixes(&cursor, &prefixes);
    enum insn_map map = read_opcode(&cursor, &opcode);
    *insn = (struct insn){.base = REG_ZERO,
                          .index = REG_ZERO,
                          .segment = SEG_DS,
                          .reg = opcode & 7,
                          .opcode = opcode};
    insn->flags =
        (uint8_t)((code32 != prefixes.operand ? INSN_OPERAND32 : 0) |
                  (code32 != prefixes.address ? INSN_ADDRESS32 : 0) |
                  (prefixes.repeat == 0xF3 ? INSN_REP : 0) |
                  (prefixes.repeat == 0xF2 ? INSN_REPNE : 0) | (prefixes.lock ? INSN_LOCK : 0));
    if (cursor.failure == DECODE_OK && decoder->has_modrm[map][opcode])
        read_modrm(&cursor, map, insn);
    if (prefixes.segment != SEG_COUNT) {
        insn->segment = prefixes.segment;
        insn->flags |= INSN_SEGMENT;
    }
    if (cursor.failure != DECODE_OK)
        return failed(insn, &cursor, cursor.failure);

    unsigned index = find_row(decoder, decoder->first[map][opcode], insn->modrm, &prefixes);
    if (index == NO_ROW)
        return failed(insn, &cursor, DECODE_UNDEFINED);
    const struct insn_row *row = insn_row(index);
    read_immediates(&cursor, decoder->immediates[index], insn);
    if (cursor.failure != DECODE_OK)
        return failed(insn, &cursor, cursor.failure);
    if (prefixes.lock && !(row->attributes & A_LOCK && insn->flags & INSN_MEMORY))
        return failed(insn, &cursor, DECODE_UNDEFINED);
    if (row->attributes & A_JUMP || (row->attributes & A_REP && prefixes.repeat))
        insn->flags |= INSN_JUMP;
    insn->exec =
        row->exec[(insn->flags & INSN_OPERAND32 ? 2 : 0) + (insn->flags & INSN_MEMORY ? 1 : 0)];
    insn->row = (uint16_t)index;
    insn->length = (uint8_t)cursor.at;
    return DECODE_OK;
}
