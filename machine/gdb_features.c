/* The gdb stub: the target description (gdb manual, appendix G), made from the table of registers.
 */
#include "base/bits.h"
#include "base/memory.h"
#include "machine/gdb_private.h"

#include <stdio.h>
#include <string.h>

struct text {
    char *bytes;
    size_t size, room;
};

static void add(struct text *text, const char *piece)
{
    size_t length = strlen(piece);
    if (text->size + length >= text->room) {
        text->room = (text->size + length) * 2 + 1;
        text->bytes = mem_resize(text->bytes, text->room);
    }
    memcpy(text->bytes + text->size, piece, length + 1);
    text->size += length;
}

struct flag {
    const char *name;
    uint8_t bit;
};

struct flags {
    const char *id;
    uint8_t bytes, feature;
    const struct flag *flags; /* ends with a NULL name */
};

static const struct flag eflags[] = {
    {"CF",  0 },
    {"PF",  2 },
    {"AF",  4 },
    {"ZF",  6 },
    {"SF",  7 },
    {"TF",  8 },
    {"IF",  9 },
    {"DF",  10},
    {"OF",  11},
    {"NT",  14},
    {"RF",  16},
    {"VM",  17},
    {"AC",  18},
    {"VIF", 19},
    {"VIP", 20},
    {"ID",  21},
    {NULL,  0 },
};
static const struct flag mxcsr[] = {
    {"IE",  0 },
    {"DE",  1 },
    {"ZE",  2 },
    {"OE",  3 },
    {"UE",  4 },
    {"PE",  5 },
    {"DAZ", 6 },
    {"IM",  7 },
    {"DM",  8 },
    {"ZM",  9 },
    {"OM",  10},
    {"UM",  11},
    {"PM",  12},
    {"FZ",  15},
    {NULL,  0 },
};
static const struct flag cr0[] = {
    {"PE", 0 },
    {"MP", 1 },
    {"EM", 2 },
    {"TS", 3 },
    {"ET", 4 },
    {"NE", 5 },
    {"WP", 16},
    {"AM", 18},
    {"NW", 29},
    {"CD", 30},
    {"PG", 31},
    {NULL, 0 },
};
static const struct flag cr4[] = {
    {"VME",        0 },
    {"PVI",        1 },
    {"TSD",        2 },
    {"DE",         3 },
    {"PSE",        4 },
    {"PAE",        5 },
    {"MCE",        6 },
    {"PGE",        7 },
    {"PCE",        8 },
    {"OSFXSR",     9 },
    {"OSXMMEXCPT", 10},
    {NULL,         0 },
};
static const struct flag efer[] = {
    {"NXE", 11},
    {NULL,  0 },
};

static const struct flags flag_types[] = {
    {"i386_eflags", 4, FEATURE_CORE,   eflags},
    {"i386_mxcsr",  4, FEATURE_SSE,    mxcsr },
    {"i386_cr0",    4, FEATURE_SYSTEM, cr0   },
    {"i386_cr4",    4, FEATURE_SYSTEM, cr4   },
    {"i386_efer",   8, FEATURE_SYSTEM, efer  },
};

static void add_flags(struct text *text, const struct flags *type)
{
    char line[128];
    snprintf(line, sizeof line, "<flags id=\"%s\" size=\"%u\">", type->id, type->bytes);
    add(text, line);
    for (const struct flag *flag = type->flags; flag->name; flag++) {
        snprintf(line, sizeof line, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", flag->name,
                 flag->bit, flag->bit);
        add(text, line);
    }
    add(text, "</flags>\n");
}

/* The ways to look at an XMM register. */
static void add_vectors(struct text *text)
{
    static const struct view {
        const char *name, *type;
        unsigned count;
    } views[] = {
        {"v4_float",  "ieee_single", 4 },
        {"v2_double", "ieee_double", 2 },
        {"v16_int8",  "int8",        16},
        {"v8_int16",  "int16",       8 },
        {"v4_int32",  "int32",       4 },
        {"v2_int64",  "int64",       2 },
    };
    char line[128];
    for (unsigned i = 0; i < ARRAY_LENGTH(views); i++) {
        snprintf(line, sizeof line, "<vector id=\"of_%s\" type=\"%s\" count=\"%u\"/>\n",
                 views[i].name, views[i].type, views[i].count);
        add(text, line);
    }
    add(text, "<union id=\"vec128\">");
    for (unsigned i = 0; i < ARRAY_LENGTH(views); i++) {
        snprintf(line, sizeof line, "<field name=\"%s\" type=\"of_%s\"/>", views[i].name,
                 views[i].name);
        add(text, line);
    }
    add(text, "<field name=\"uint128\" type=\"uint128\"/></union>\n");
}

/* gdb takes the x87's registers from the core's feature by these names, and shows them together. */
static void add_register(struct text *text, const struct gdb_register *reg, unsigned number)
{
    char line[192];
    bool is_float = reg->feature == FEATURE_CORE && number >= 16;
    const char *group = reg->feature == FEATURE_SYSTEM ? " group=\"system\""
                        : is_float                     ? " group=\"float\""
                                                       : "";
    snprintf(line, sizeof line, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>\n",
             reg->name, reg->bits, reg->type, number, group);
    add(text, line);
}

char *gdb_describe(bool is_8086)
{
    static const char *const names[GDB_FEATURES] = {"org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse",
                                                    "org.anachron.i386.system"};
    struct text text = {0};
    char line[128];
    add(&text,
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
        "<target version=\"1.0\">\n");
    /* Without an ABI that is none, gdb takes its own host's, and warns. */
    snprintf(line, sizeof line, "<architecture>%s</architecture>\n<osabi>none</osabi>\n",
             is_8086 ? "i8086" : "i386");
    add(&text, line);
    for (unsigned feature = 0; feature < GDB_FEATURES; feature++) {
        snprintf(line, sizeof line, "<feature name=\"%s\">\n", names[feature]);
        add(&text, line);
        for (unsigned i = 0; i < ARRAY_LENGTH(flag_types); i++)
            if (flag_types[i].feature == feature)
                add_flags(&text, &flag_types[i]);
        if (feature == FEATURE_SSE)
            add_vectors(&text);
        const struct gdb_register *reg;
        for (unsigned i = 0; (reg = gdb_register(i)); i++)
            if (reg->feature == feature)
                add_register(&text, reg, i);
        add(&text, "</feature>\n");
    }
    add(&text, "</target>\n");
    return text.bytes;
}
