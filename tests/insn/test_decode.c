/* The decoder: lengths, prefixes, addressing forms, what is undefined, the 15-byte limit.
 * Run alone: meson test -C build decode */
#include "cpu/decode.h"
#include "tests/harness/unit.h"

#include <stdlib.h>

static struct decoder *decoder;

static int set_up(void **state)
{
    decoder = decoder_new(cpu_model_find("pentium3"));
    return 0;
}

static int tear_down(void **state)
{
    decoder_free(decoder);
    return 0;
}

/* Hexadecimal text to bytes; returns how many. */
static unsigned parse_bytes(const char *text, uint8_t bytes[32])
{
    unsigned count = 0;
    for (char *end; *text; text = end) {
        bytes[count++] = (uint8_t)strtoul(text, &end, 16);
        while (*end == ' ')
            end++;
    }
    return count;
}

static struct insn decode(const char *text, bool code32, enum decode_result want)
{
    uint8_t bytes[32];
    struct insn insn;
    unsigned count = parse_bytes(text, bytes);
    enum decode_result got = decode_insn(decoder, bytes, count, code32, &insn);
    if (got != want)
        print_error("%s: %u\n", text, got);
    assert_int_equal(got, want);
    return insn;
}

static struct insn decode32(const char *text)
{
    return decode(text, true, DECODE_OK);
}

static struct insn decode16(const char *text)
{
    return decode(text, false, DECODE_OK);
}

static void expect_undefined(const char *text)
{
    struct insn insn = decode(text, true, DECODE_UNDEFINED);
    assert_null(insn.exec);
    assert_int_equal(insn.row, INSN_ROW_NONE);
}

static const char *mnemonic(const struct insn *insn)
{
    return insn_row(insn->row)->mnemonic;
}

/* Every length by itself, and DECODE_SHORT with one byte less. */
static void lengths(void **state)
{
    static const struct {
        const char *text;
        unsigned length32, length16;
        const char *mnemonic;
    } cases[] = {
        {"90 00 00 00 00 00 00 00 00 00 00", 1,  1, "nop"  },
        {"00 00 00 00 00 00 00 00 00 00 00", 2,  2, "add"  },
        {"05 00 00 00 00 00 00 00 00 00 00", 5,  3, "add"  },
        {"66 05 00 00 00 00 00 00 00 00 00", 4,  6, "add"  },
        {"81 05 00 00 00 00 00 00 00 00 00", 10, 4, "add"  },
        {"83 45 00 00 00 00 00 00 00 00 00", 4,  4, "add"  },
        {"81 86 00 00 00 00 00 00 00 00 00", 10, 6, "add"  },
        {"67 81 86 00 00 00 00 00 00 00 00", 9,  9, "add"  },
        {"8B 04 25 00 00 00 00 00 00 00 00", 7,  2, "mov"  },
        {"8B 44 24 00 00 00 00 00 00 00 00", 4,  3, "mov"  },
        {"8B 84 24 00 00 00 00 00 00 00 00", 7,  4, "mov"  },
        {"A1 00 00 00 00 00 00 00 00 00 00", 5,  3, "mov"  },
        {"67 A1 00 00 00 00 00 00 00 00 00", 4,  6, "mov"  },
        {"B8 00 00 00 00 00 00 00 00 00 00", 5,  3, "mov"  },
        {"C8 00 00 00 00 00 00 00 00 00 00", 4,  4, "enter"},
        {"C2 00 00 00 00 00 00 00 00 00 00", 3,  3, "ret"  },
        {"E8 00 00 00 00 00 00 00 00 00 00", 5,  3, "call" },
        {"0F 84 00 00 00 00 00 00 00 00 00", 6,  4, "je"   },
        {"F6 00 00 00 00 00 00 00 00 00 00", 3,  3, "test" },
        {"F6 10 00 00 00 00 00 00 00 00 00", 2,  2, "not"  },
        {"F7 00 00 00 00 00 00 00 00 00 00", 6,  4, "test" },
        {"0F BA 20 00 00 00 00 00 00 00 00", 4,  4, "bt"   },
        {"69 00 00 00 00 00 00 00 00 00 00", 6,  4, "imul" },
        {"6B 00 00 00 00 00 00 00 00 00 00", 3,  3, "imul" },
        {"0F C8 00 00 00 00 00 00 00 00 00", 2,  2, "bswap"},
        {"F3 90 00 00 00 00 00 00 00 00 00", 2,  2, "pause"},
        {"0F 1F 44 00 00 00 00 00 00 00 00", 5,  4, "nop"  },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct insn wide = decode32(cases[i].text), narrow = decode16(cases[i].text);
        assert_int_equal(wide.length, cases[i].length32);
        assert_int_equal(narrow.length, cases[i].length16);
        assert_string_equal(mnemonic(&wide), cases[i].mnemonic);
        assert_string_equal(mnemonic(&narrow), cases[i].mnemonic);
        uint8_t bytes[32];
        parse_bytes(cases[i].text, bytes);
        for (unsigned n = 0; n < wide.length; n++)
            assert_int_equal(decode_insn(decoder, bytes, n, true, &narrow), DECODE_SHORT);
    }
}

/* SDM 2A 2.3: more than 15 bytes is #GP, whatever they would mean. */
static void fifteen_bytes(void **state)
{
    struct insn insn = decode32("66 66 66 66 66 66 66 66 66 66 66 66 66 66 90");
    assert_int_equal(insn.length, 15);
    decode("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", true, DECODE_TOO_LONG);
    /* 14 prefixes leave no room for ModRM, 9 none for the last immediate byte. */
    decode("3E 3E 3E 3E 3E 3E 3E 3E 3E 3E 3E 3E 3E 3E 00 00", true, DECODE_TOO_LONG);
    decode("3E 3E 3E 3E 3E 3E 81 05 0 0 0 0 0 0 0 0", true, DECODE_TOO_LONG);
    decode("3E 3E 3E 3E 3E 81 05 0 0 0 0 0 0 0 0", true, DECODE_OK);
    /* Fewer bytes at hand: more must be fetched before anything is known. */
    decode("66 66 66 66 66 66 66 66 66 66 66 66 66 66", true, DECODE_SHORT);
    decode("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66", true, DECODE_TOO_LONG);
}

/* SDM 2A, LOCK: only these instructions, and only with a memory destination. */
static void lock(void **state)
{
    static const char *const allowed[] = {
        "F0 00 00",    "F0 08 00",         "F0 11 00",       "F0 19 00",       "F0 21 00",
        "F0 29 00",    "F0 31 00",         "F0 80 00 01",    "F0 83 08 01",    "F0 FE 00",
        "F0 FF 08",    "F0 F6 10",         "F0 F7 18",       "F0 86 00",       "F0 87 00",
        "F0 0F AB 00", "F0 0F B3 00",      "F0 0F BB 00",    "F0 0F BA 28 01", "F0 0F BA 30 01",
        "F0 0F B0 00", "F0 0F B1 00",      "F0 0F C0 00",    "F0 0F C1 00",    "F0 0F C7 08",
        "F0 82 00 01", "F0 81 30 0 0 0 0", "F0 0F BA 38 01",
    };
    static const char *const refused[] = {
        "F0 90",          "F0 00 C0",    "F0 02 00", "F0 38 00",    "F0 3A 00",
        "F0 80 38 01",    "F0 80 C0 01", "F0 84 00", "F0 F6 00 01", "F0 F6 20",
        "F0 88 00",       "F0 8B 00",    "F0 86 C0", "F0 0F A3 00", "F0 0F BA 20 01",
        "F0 0F BA E8 01", "F0 40",       "F0 04 01", "F0 A4",       "F0 0F B0 C0",
        "F0 0F 40 00",    "F0 D0 00",    "F0 FF 30", "F0 8F 00",    "F0 E9 0 0 0 0",
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(allowed); i++)
        decode32(allowed[i]);
    for (unsigned i = 0; i < ARRAY_LENGTH(refused); i++)
        expect_undefined(refused[i]);
}

static void prefixes(void **state)
{
    struct insn insn = decode32("2E 36 26 8B 03");
    assert_int_equal(insn.segment, SEG_ES); /* the last one counts */
    assert_true(insn.flags & INSN_SEGMENT);
    insn = decode32("64 8B 04 24");
    assert_int_equal(insn.segment, SEG_FS);
    insn = decode32("F3 F2 A6");
    assert_int_equal(insn.flags & (INSN_REP | INSN_REPNE), INSN_REPNE);
    assert_true(insn.flags & INSN_JUMP);
    insn = decode32("A6");
    assert_false(insn.flags & INSN_JUMP);
    insn = decode32("66 67 8B 07");
    assert_int_equal(insn.flags & (INSN_OPERAND32 | INSN_ADDRESS32), 0);
    assert_int_equal(insn.base, REG_EBX);
    insn = decode16("66 67 8B 07");
    assert_int_equal(insn.base, REG_EDI);
    assert_int_equal(insn.flags & (INSN_OPERAND32 | INSN_ADDRESS32),
                     INSN_OPERAND32 | INSN_ADDRESS32);
    insn = decode32("F3 C3"); /* REP is ignored where it means nothing */
    assert_string_equal(mnemonic(&insn), "ret");
}

static void expect_address(const char *text, bool code32, unsigned base, unsigned index,
                           unsigned scale, uint32_t displacement, unsigned segment)
{
    struct insn insn = decode(text, code32, DECODE_OK);
    assert_true(insn.flags & INSN_MEMORY);
    assert_int_equal(insn.base, base);
    assert_int_equal(insn.index, index);
    assert_int_equal(insn.scale, scale);
    assert_int_equal(insn.displacement, displacement);
    assert_int_equal(insn.segment, segment);
}

/* SDM 2A table 2-1. */
static void addresses16(void **state)
{
    expect_address("8B 00", false, REG_EBX, REG_ESI, 0, 0, SEG_DS);
    expect_address("8B 01", false, REG_EBX, REG_EDI, 0, 0, SEG_DS);
    expect_address("8B 02", false, REG_EBP, REG_ESI, 0, 0, SEG_SS);
    expect_address("8B 03", false, REG_EBP, REG_EDI, 0, 0, SEG_SS);
    expect_address("8B 04", false, REG_ZERO, REG_ESI, 0, 0, SEG_DS);
    expect_address("8B 05", false, REG_ZERO, REG_EDI, 0, 0, SEG_DS);
    expect_address("8B 06 34 12", false, REG_ZERO, REG_ZERO, 0, 0x1234, SEG_DS);
    expect_address("8B 07", false, REG_EBX, REG_ZERO, 0, 0, SEG_DS);
    expect_address("8B 46 FE", false, REG_EBP, REG_ZERO, 0, 0xFFFFFFFE, SEG_SS);
    expect_address("8B 87 FE FF", false, REG_EBX, REG_ZERO, 0, 0xFFFE, SEG_DS);
    expect_address("3E 8B 46 01", false, REG_EBP, REG_ZERO, 0, 1, SEG_DS);
}

/* SDM 2A tables 2-2 and 2-3. */
static void addresses32(void **state)
{
    expect_address("8B 00", true, REG_EAX, REG_ZERO, 0, 0, SEG_DS);
    expect_address("8B 05 78 56 34 12", true, REG_ZERO, REG_ZERO, 0, 0x12345678, SEG_DS);
    expect_address("8B 45 80", true, REG_EBP, REG_ZERO, 0, 0xFFFFFF80, SEG_SS);
    expect_address("8B 04 24", true, REG_ESP, REG_ZERO, 0, 0, SEG_SS);
    expect_address("8B 04 E4", true, REG_ESP, REG_ZERO, 0, 0, SEG_SS);
    expect_address("8B 04 B5 04 00 00 00", true, REG_ZERO, REG_ESI, 2, 4, SEG_DS);
    expect_address("8B 44 F5 04", true, REG_EBP, REG_ESI, 3, 4, SEG_SS);
    expect_address("8B 84 4D 04 00 00 00", true, REG_EBP, REG_ECX, 1, 4, SEG_SS);
    expect_address("8B 04 6B", true, REG_EBX, REG_EBP, 1, 0, SEG_DS);
    assert_int_equal(decode32("A1 78 56 34 12").displacement, 0x12345678);
}

static void immediates(void **state)
{
    assert_int_equal(decode32("83 C0 80").immediate, 0xFFFFFF80);
    assert_int_equal(decode32("80 C0 80").immediate, 0x80);
    assert_int_equal(decode32("6A FF").immediate, 0xFFFFFFFF);
    assert_int_equal(decode32("66 68 FF FF").immediate, 0xFFFF);
    assert_int_equal(decode32("EB FE").immediate, 0xFFFFFFFE);
    assert_int_equal(decode16("E9 FE FF").immediate, 0xFFFFFFFE);
    struct insn insn = decode32("C8 34 12 05");
    assert_int_equal(insn.immediate, 0x1234);
    assert_int_equal(insn.immediate2, 5);
    insn = decode32("EA 78 56 34 12 BC 9A");
    assert_int_equal(insn.immediate, 0x12345678);
    assert_int_equal(insn.immediate2, 0x9ABC);
}

static void undefined(void **state)
{
    static const char *const cases[] = {
        "0F 04",         "0F 0A",    "0F 39 00", "0F 36", "0F 38 00", "0F 3A 00",
        "0F A6 00",      "0F C7 C8", "0F C7 10", "8D C0", "62 C0",    "C6 08 01",
        "C7 C8 0 0 0 0", "FE 10",    "FF 38",    "8F 08", "0F B8 00", "0F BA 00 01",
        "C4 C0",         "C5 C0",    "FF D8",    "FF E8",
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++)
        expect_undefined(cases[i]);
}

/* Instructions that came later are undefined on an earlier processor. */
static void models(void **state)
{
    static const struct {
        const char *text, *without, *with;
    } cases[] = {
        {"0F C8",    "386",     "486"     },
        {"0F B1 00", "386",     "486"     },
        {"0F C0 00", "386",     "486"     },
        {"0F C7 08", "486",     "pentium" },
        {"0F 44 00", "pentium", "pentium3"},
        {"0F 1F 00", "pentium", "pentium3"},
        {"0F 08",    "386",     "486"     },
        {"0F 01 38", "386",     "486"     },
        {"0F 31",    "486",     "pentium" },
        {"0F 34",    "pentium", "pentium3"},
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct decoder *without = decoder_new(cpu_model_find(cases[i].without));
        struct decoder *with = decoder_new(cpu_model_find(cases[i].with));
        uint8_t bytes[32];
        struct insn insn;
        unsigned count = parse_bytes(cases[i].text, bytes);
        assert_int_equal(decode_insn(without, bytes, count, true, &insn), DECODE_UNDEFINED);
        assert_int_equal(decode_insn(with, bytes, count, true, &insn), DECODE_OK);
        decoder_free(without);
        decoder_free(with);
    }
}

/* Every row is reachable: some byte sequence decodes to it on a model that has everything. */
static void no_row_is_hidden(void **state)
{
    static const struct cpu_model everything = {.features = UINT64_MAX};
    static const uint8_t prefix_bytes[] = {
        [P_ANY] = 0x3E, [P_NONE] = 0x3E, [P_66] = 0x66, [P_F2] = 0xF2, [P_F3] = 0xF3};
    struct decoder *all = decoder_new(&everything);
    for (unsigned row = 0; row < insn_row_count(); row++) {
        const struct insn_row *columns = insn_row(row);
        bool found = false;
        for (unsigned modrm = 0; modrm < 256 && !found; modrm++) {
            uint8_t bytes[15] = {prefix_bytes[columns->prefix]};
            struct insn insn;
            unsigned at = 1;
            if (columns->map != MAP_1)
                bytes[at++] = 0x0F;
            if (columns->map > MAP_0F)
                bytes[at++] = columns->map == MAP_0F38 ? 0x38 : 0x3A;
            bytes[at++] = columns->opcode;
            bytes[at] = (uint8_t)modrm;
            found =
                decode_insn(all, bytes, sizeof bytes, true, &insn) == DECODE_OK && insn.row == row;
        }
        if (!found)
            print_error("row %u: %s %s is hidden by another\n", row, columns->mnemonic,
                        columns->operands);
        assert_true(found);
    }
    decoder_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),     cmocka_unit_test(fifteen_bytes),
        cmocka_unit_test(lock),        cmocka_unit_test(prefixes),
        cmocka_unit_test(addresses16), cmocka_unit_test(addresses32),
        cmocka_unit_test(immediates),  cmocka_unit_test(undefined),
        cmocka_unit_test(models),      cmocka_unit_test(no_row_is_hidden),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
