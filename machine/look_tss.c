/* A task state segment, in words (SDM 3A 7.2.1, 7.6). */
#include "base/bits.h"
#include "machine/internal.h"
#include "machine/look.h"

#include <string.h>

struct tss_field {
    const char *name;
    uint8_t offset, size;
};

static const struct tss_field fields32[] = {
    {"link",    0x00, 2},
    {"esp0",    0x04, 4},
    {"ss0",     0x08, 2},
    {"esp1",    0x0C, 4},
    {"ss1",     0x10, 2},
    {"esp2",    0x14, 4},
    {"ss2",     0x18, 2},
    {"cr3",     0x1C, 4},
    {"eip",     0x20, 4},
    {"eflags",  0x24, 4},
    {"eax",     0x28, 4},
    {"ecx",     0x2C, 4},
    {"edx",     0x30, 4},
    {"ebx",     0x34, 4},
    {"esp",     0x38, 4},
    {"ebp",     0x3C, 4},
    {"esi",     0x40, 4},
    {"edi",     0x44, 4},
    {"es",      0x48, 2},
    {"cs",      0x4C, 2},
    {"ss",      0x50, 2},
    {"ds",      0x54, 2},
    {"fs",      0x58, 2},
    {"gs",      0x5C, 2},
    {"ldt",     0x60, 2},
    {"trap",    0x64, 2},
    {"io_base", 0x66, 2},
};
static const struct tss_field fields16[] = {
    {"link",  0x00, 2},
    {"sp0",   0x02, 2},
    {"ss0",   0x04, 2},
    {"sp1",   0x06, 2},
    {"ss1",   0x08, 2},
    {"sp2",   0x0A, 2},
    {"ss2",   0x0C, 2},
    {"ip",    0x0E, 2},
    {"flags", 0x10, 2},
    {"ax",    0x12, 2},
    {"cx",    0x14, 2},
    {"dx",    0x16, 2},
    {"bx",    0x18, 2},
    {"sp",    0x1A, 2},
    {"bp",    0x1C, 2},
    {"si",    0x1E, 2},
    {"di",    0x20, 2},
    {"es",    0x22, 2},
    {"cs",    0x24, 2},
    {"ss",    0x26, 2},
    {"ds",    0x28, 2},
    {"ldt",   0x2A, 2},
};

/* What keeps a stack of the TSS from being used. A null selector means that the level is not. */
static const char *stack_wrong(const struct look *look, const char *name, uint32_t value)
{
    struct cpu_fault fault;
    bool is_stack = name[0] == 's' && name[1] == 's' && name[2];
    if (!is_stack || (selector_is_null((uint16_t)value) && name[2] != '0'))
        return NULL;
    return look_stack_wrong(look, (uint16_t)value, (unsigned)name[2] - '0', VECTOR_TS, 0, &fault);
}

static void add_field(json_t *tss, const struct look *look, const struct tss_field *field,
                      const uint8_t *bytes)
{
    char text[LOOK_TEXT];
    uint32_t value = field->size == 2 ? load_le16(bytes) : load_le32(bytes);
    const char *wrong = stack_wrong(look, field->name, value);
    snprintf(text, sizeof text, "%-8s %0*X%s%s", field->name, field->size * 2, value,
             wrong ? "  <- " : "", wrong ? wrong : "");
    json_array_append_new(json_object_get(tss, "fields"),
                          json_pack("{s:s, s:I, s:o, s:s}", "name", field->name, "value",
                                    (json_int_t)value, "wrong",
                                    wrong ? json_string(wrong) : json_null(), "text", text));
}

static json_t *tss_json(const struct look *look, const struct segment *tr)
{
    bool is_32 = access_system_type(tr->access) & 8;
    const struct tss_field *fields = is_32 ? fields32 : fields16;
    unsigned count = is_32 ? ARRAY_LENGTH(fields32) : ARRAY_LENGTH(fields16);
    char text[LOOK_TEXT];
    uint32_t missing;
    const char *wrong = tr->limit < (is_32 ? 0x67u : 0x2Bu) ? "the limit is too small" : NULL;
    snprintf(text, sizeof text, "TSS %04X, %s-bit, at %08Xh, limit %08Xh%s%s", tr->selector,
             is_32 ? "32" : "16", tr->base, tr->limit, wrong ? "  <- " : "", wrong ? wrong : "");
    json_t *tss = json_pack("{s:s, s:i, s:i, s:I, s:I, s:o, s:[]}", "text", text, "selector",
                            (int)tr->selector, "bits", is_32 ? 32 : 16, "base",
                            (json_int_t)tr->base, "limit", (json_int_t)tr->limit, "wrong",
                            wrong ? json_string(wrong) : json_null(), "fields");
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[4];
        if (fields[i].offset + fields[i].size - 1u > tr->limit)
            break;
        if (look_read(look, tr->base + fields[i].offset, bytes, fields[i].size, &missing))
            add_field(tss, look, &fields[i], bytes);
    }
    return tss;
}

json_t *look_tss(const struct look *look, int selector, char why[LOOK_TEXT])
{
    struct segment segment = look->context.tr;
    if (selector >= 0) {
        struct descriptor descriptor;
        if (!look_descriptor(look, (uint16_t)selector, &descriptor, why))
            return NULL;
        segment = segment_from_descriptor((uint16_t)selector, &descriptor);
    }
    int type = access_system_type(segment.access);
    bool is_tss = type == TYPE_TSS16 || type == TYPE_TSS16_BUSY || type == TYPE_TSS32 ||
                  type == TYPE_TSS32_BUSY;
    if (is_tss && (selector >= 0 || !selector_is_null(segment.selector)))
        return tss_json(look, &segment);
    if (selector >= 0)
        look_selector_text(look, (uint16_t)selector, why);
    else
        snprintf(why, LOOK_TEXT, "there is no task: TR holds a null selector");
    return NULL;
}
