#include "tests/harness/oracle/encode.h"

#include "base/bits.h"
#include "tests/harness/oracle/world.h"

enum { PREFIXES_MAX = 15 };

static const uint8_t segment_prefixes[SEG_COUNT] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};

bool row_has(const struct insn_row *row, const char *operand)
{
    return strstr(row->operands, operand) != NULL;
}

bool row_begins(const struct insn_row *row, const char *beginning)
{
    return strncmp(row->mnemonic, beginning, strlen(beginning)) == 0;
}

/* --- prefixes --- */

struct prefixes {
    uint8_t bytes[PREFIXES_MAX];
    unsigned count;
};

static void add(struct prefixes *prefixes, uint8_t byte)
{
    if (prefixes->count < PREFIXES_MAX)
        prefixes->bytes[prefixes->count++] = byte;
}

static void shuffle(struct prefixes *prefixes, uint64_t *random)
{
    for (unsigned i = prefixes->count; i > 1; i--) {
        unsigned other = random_below(random, i);
        uint8_t byte = prefixes->bytes[i - 1];
        prefixes->bytes[i - 1] = prefixes->bytes[other];
        prefixes->bytes[other] = byte;
    }
}

/* Near jumps with the 16-bit operand size of 32-bit code land below 64 KiB, where nothing is. */
static bool may_change_operand_size(const struct insn_row *row, bool code32, uint64_t *random)
{
    return row->prefix == P_ANY && !(row->attributes & A_JUMP && code32 && !one_in(random, 32));
}

static void add_sizes(const struct insn_row *row, bool code32, unsigned segments, uint64_t *random,
                      struct prefixes *prefixes)
{
    bool fits16 = !code32 || row->modrm == M_NONE;
    if (one_in(random, code32 ? 12 : 3)) {
        if (segments && !fits16) {
            unsigned segment;
            do {
                segment = random_below(random, SEG_COUNT);
            } while (!(segments >> segment & 1));
            add(prefixes, segment_prefixes[segment]);
            add(prefixes, 0x67);
        } else if (fits16 || one_in(random, 8)) {
            add(prefixes, 0x67);
        }
    } else if (one_in(random, 10)) {
        add(prefixes, segment_prefixes[random_below(random, SEG_COUNT)]);
    }
    if (row->prefix == P_66)
        add(prefixes, 0x66);
    else if (may_change_operand_size(row, code32, random) && one_in(random, 3))
        add(prefixes, 0x66);
}

/* Prefixes that change nothing, because they are there already or mean nothing here. */
static void add_redundant(const struct insn_row *row, uint64_t *random, struct prefixes *prefixes)
{
    bool has_f2_f3 = row->prefix != P_ANY || row->map != MAP_1 || row->opcode == 0x90;
    if (prefixes->count && one_in(random, 16))
        add(prefixes, prefixes->bytes[random_below(random, prefixes->count)]);
    if (!has_f2_f3 && one_in(random, 32))
        add(prefixes, one_in(random, 2) ? 0xF2 : 0xF3);
    if ((row->prefix == P_F2 || row->prefix == P_F3) && one_in(random, 16))
        add(prefixes, 0x66);
    if (one_in(random, 400)) /* as many as there is room for, or more */
        for (unsigned i = random_below(random, 15); i-- > 0;)
            add(prefixes, 0x3E);
}

static void choose_prefixes(const struct insn_row *row, bool code32, unsigned segments,
                            uint64_t *random, struct prefixes *prefixes)
{
    prefixes->count = 0;
    add_sizes(row, code32, segments, random, prefixes);
    if (row->prefix == P_F2 || row->prefix == P_F3)
        add(prefixes, row->prefix == P_F2 ? 0xF2 : 0xF3);
    if (row->attributes & A_REP && !one_in(random, 3))
        add(prefixes, one_in(random, 2) ? 0xF2 : 0xF3);
    if (one_in(random, row->attributes & A_LOCK ? 5 : 100))
        add(prefixes, 0xF0);
    add_redundant(row, random, prefixes);
    shuffle(prefixes, random);
}

/* --- ModRM --- */

static uint8_t choose_modrm(const struct insn_row *row, uint64_t *random)
{
    uint8_t modrm;
    if ((row->modrm & 0xFF00) == M_BYTE(0))
        return row->modrm & 0xFF;
    do {
        modrm = (uint8_t)(random_next(random) >> 24);
        /* Half of the operands in registers; and a displacement reaches everything. */
        if (one_in(random, 3))
            modrm |= 0xC0;
        else if (one_in(random, 2))
            modrm = (modrm & 0x3F) | 0x80;
    } while (!insn_modrm_fits(row, modrm));
    return modrm;
}

/* Where the displacement is, if it is as wide as an address; and the length up to the immediate. */
static void measure_operand(struct encoding *out, unsigned at, bool address32)
{
    uint8_t modrm = out->bytes[at++];
    unsigned mod = modrm >> 6, rm = modrm & 7, size = mod == 1 ? 1 : 0;
    if (address32) {
        bool sib = mod != 3 && rm == 4;
        unsigned base = sib ? out->bytes[at] & 7 : rm;
        at += sib;
        if (mod == 2 || (mod == 0 && base == 5))
            size = 4;
    } else if (mod == 2 || (mod == 0 && rm == 6)) {
        size = 2;
    }
    out->displacement_at = size > 1 ? at : 0;
    out->immediate_at = at + size;
}

void encode_random(const struct insn_row *row, bool code32, unsigned segments, uint64_t *random,
                   struct encoding *out)
{
    struct prefixes prefixes;
    for (unsigned i = 0; i < sizeof out->bytes; i += 8)
        store_le64(out->bytes + i, random_next(random));
    choose_prefixes(row, code32, segments, random, &prefixes);
    memcpy(out->bytes, prefixes.bytes, prefixes.count);
    out->prefixes = prefixes.count;
    out->locked = memchr(prefixes.bytes, 0xF0, prefixes.count) != NULL;
    unsigned at = prefixes.count;
    if (row->map != MAP_1)
        out->bytes[at++] = 0x0F;
    if (row->map == MAP_0F38)
        out->bytes[at++] = 0x38;
    if (row->map == MAP_0F3A)
        out->bytes[at++] = 0x3A;
    out->bytes[at++] = row->opcode;
    out->modrm_at = out->displacement_at = 0;
    out->immediate_at = at;
    if (row->modrm == M_NONE)
        return;
    out->modrm_at = at;
    out->bytes[at] = choose_modrm(row, random);
    bool toggled = memchr(prefixes.bytes, 0x67, prefixes.count) != NULL;
    measure_operand(out, at, code32 != toggled);
}
