/* Descriptor tables, in words (SDM 3A chapters 3, 5 and 6). */
#include "base/bits.h"
#include "machine/internal.h"
#include "machine/look.h"

#include <string.h>

static const char *system_type_name(int type)
{
    static const char *const names[16] = {
        [TYPE_TSS16] = "16-bit TSS (available)",
        [TYPE_LDT] = "LDT",
        [TYPE_TSS16_BUSY] = "16-bit TSS (busy)",
        [TYPE_CALL_GATE16] = "16-bit call gate",
        [TYPE_TASK_GATE] = "task gate",
        [TYPE_INTERRUPT_GATE16] = "16-bit interrupt gate",
        [TYPE_TRAP_GATE16] = "16-bit trap gate",
        [TYPE_TSS32] = "32-bit TSS (available)",
        [TYPE_TSS32_BUSY] = "32-bit TSS (busy)",
        [TYPE_CALL_GATE32] = "32-bit call gate",
        [TYPE_INTERRUPT_GATE32] = "32-bit interrupt gate",
        [TYPE_TRAP_GATE32] = "32-bit trap gate",
    };
    return names[type];
}

static bool is_gate(int type)
{
    return type >= TYPE_CALL_GATE16 && type != TYPE_TSS32 && type != TYPE_TSS32_BUSY;
}

static bool is_tss(int type)
{
    return type == TYPE_TSS16 || type == TYPE_TSS16_BUSY || type == TYPE_TSS32 ||
           type == TYPE_TSS32_BUSY;
}

static uint32_t gate_offset(const struct descriptor *gate)
{
    bool is_32 = access_system_type(descriptor_access(gate)) & 8;
    return (gate->low & 0xFFFF) | (is_32 ? gate->high & 0xFFFF0000 : 0);
}

static const char *presence(uint16_t access)
{
    return access & SEGMENT_PRESENT ? "" : ", not present";
}

static void segment_text(const struct descriptor *descriptor, char text[LOOK_TEXT])
{
    uint16_t access = descriptor_access(descriptor);
    bool code = access_is_code(access);
    char extent[64];
    snprintf(extent, sizeof extent, "base %08Xh, limit %08Xh, DPL %u", descriptor_base(descriptor),
             descriptor_limit(descriptor), access_dpl(access));
    if (code)
        snprintf(text, LOOK_TEXT, "code, %s-bit, %s, %s%s%s%s", access & SEGMENT_BIG ? "32" : "16",
                 extent, access & SEGMENT_WRITABLE ? "execute and read" : "execute only",
                 access & SEGMENT_EXPAND_DOWN ? ", conforming" : "",
                 access & SEGMENT_ACCESSED ? ", accessed" : "", presence(access));
    else
        snprintf(text, LOOK_TEXT, "data, %s-bit, %s, %s%s%s%s", access & SEGMENT_BIG ? "32" : "16",
                 extent, access & SEGMENT_WRITABLE ? "read and write" : "read only",
                 access & SEGMENT_EXPAND_DOWN ? ", expand-down" : "",
                 access & SEGMENT_ACCESSED ? ", accessed" : "", presence(access));
}

void look_descriptor_text(const struct descriptor *descriptor, char text[LOOK_TEXT])
{
    uint16_t access = descriptor_access(descriptor);
    int type = access_system_type(access);
    unsigned selector = descriptor->low >> 16;
    if (type < 0)
        segment_text(descriptor, text);
    else if (!system_type_name(type))
        snprintf(text, LOOK_TEXT, "system type %d (reserved)%s", type, presence(access));
    else if (type == TYPE_TASK_GATE)
        snprintf(text, LOOK_TEXT, "task gate to TSS %04X, DPL %u%s", selector, access_dpl(access),
                 presence(access));
    else if (is_gate(type))
        snprintf(text, LOOK_TEXT, "%s to %04X:%08X, DPL %u%s", system_type_name(type), selector,
                 gate_offset(descriptor), access_dpl(access), presence(access));
    else
        snprintf(text, LOOK_TEXT, "%s, base %08Xh, limit %08Xh, DPL %u%s", system_type_name(type),
                 descriptor_base(descriptor), descriptor_limit(descriptor), access_dpl(access),
                 presence(access));
}

void look_gate_text(const struct descriptor *gate, char text[LOOK_TEXT])
{
    uint16_t access = descriptor_access(gate);
    if (access_system_type(access) < 0)
        snprintf(text, LOOK_TEXT, "access byte %02Xh: no gate", access & 0xFFu);
    else
        look_descriptor_text(gate, text);
}

const char *look_descriptor_wrong(const struct descriptor *descriptor, bool in_ldt)
{
    uint16_t access = descriptor_access(descriptor);
    int type = access_system_type(access);
    if (type < 0)
        return access & SEGMENT_PRESENT ? NULL : "not present";
    if (!system_type_name(type))
        return "a reserved type";
    if (type == TYPE_INTERRUPT_GATE16 || type == TYPE_TRAP_GATE16 ||
        type == TYPE_INTERRUPT_GATE32 || type == TYPE_TRAP_GATE32)
        return "belongs into the IDT";
    if (in_ldt && (type == TYPE_LDT || is_tss(type)))
        return "belongs into the GDT";
    if (!(access & SEGMENT_PRESENT))
        return "not present";
    uint32_t least = type & 8 ? 0x67 : 0x2B;
    if (is_tss(type) && descriptor_limit(descriptor) < least)
        return "the limit is too small for a TSS";
    return NULL;
}

/* --- looking up --- */

static void table_of(const struct look *look, uint16_t selector, uint32_t *base, uint32_t *limit)
{
    bool in_ldt = selector & SELECTOR_TI;
    *base = in_ldt ? look->context.ldtr.base : look->context.gdtr_base;
    *limit = in_ldt ? look->context.ldtr.limit : look->context.gdtr_limit;
}

bool look_descriptor(const struct look *look, uint16_t selector, struct descriptor *descriptor,
                     char why[LOOK_TEXT])
{
    bool in_ldt = selector & SELECTOR_TI;
    const char *name = in_ldt ? "LDT" : "GDT";
    uint32_t base, limit, missing;
    uint8_t bytes[8];
    char unwanted[LOOK_TEXT];
    why = why ? why : unwanted;
    table_of(look, selector, &base, &limit);
    *descriptor = (struct descriptor){0};
    if (in_ldt && !(look->context.ldtr.access & SEGMENT_PRESENT)) {
        snprintf(why, LOOK_TEXT, "selector %04X is of the LDT, and there is none", selector);
        return false;
    }
    if ((selector | 7u) > limit) {
        snprintf(why, LOOK_TEXT, "selector %04X is beyond the limit of the %s, %04Xh", selector,
                 name, limit);
        return false;
    }
    if (!look_read(look, base + (selector & ~7u), bytes, sizeof bytes, &missing)) {
        snprintf(why, LOOK_TEXT, "%s[%u] at %08Xh: the page is not mapped", name, selector >> 3,
                 missing);
        return false;
    }
    *descriptor = (struct descriptor){load_le32(bytes), load_le32(bytes + 4)};
    return true;
}

void look_selector_text(const struct look *look, uint16_t selector, char text[LOOK_TEXT])
{
    struct descriptor descriptor;
    uint32_t base, limit;
    char words[LOOK_TEXT];
    if (!look_descriptor(look, selector, &descriptor, text))
        return;
    table_of(look, selector, &base, &limit);
    look_descriptor_text(&descriptor, words);
    snprintf(text, LOOK_TEXT, "%s[%u] at %08Xh: %08X%08Xh: %.140s",
             selector & SELECTOR_TI ? "LDT" : "GDT", selector >> 3, base + (selector & ~7u),
             descriptor.high, descriptor.low, words);
}

static const char *refuse(struct cpu_fault *fault, enum vector vector, uint32_t error,
                          const char *why)
{
    *fault = (struct cpu_fault){.vector = (uint8_t)vector, .has_error = true, .error = error};
    return why;
}

const char *look_stack_wrong(const struct look *look, uint16_t selector, unsigned cpl,
                             enum vector vector, uint32_t ext, struct cpu_fault *fault)
{
    uint32_t error = selector_error(selector, ext);
    struct descriptor descriptor;
    if (selector_is_null(selector))
        return refuse(fault, vector, ext, "a null selector");
    if (!look_descriptor(look, selector, &descriptor, NULL))
        return refuse(fault, vector, error, "there is no such descriptor");
    uint16_t access = descriptor_access(&descriptor);
    if ((selector & SELECTOR_RPL) != cpl)
        return refuse(fault, vector, error, "the selector's RPL is not the privilege level");
    if (access_dpl(access) != cpl)
        return refuse(fault, vector, error, "the DPL is not the privilege level");
    if (!access_is_writable(access))
        return refuse(fault, vector, error, "not writable data");
    if (!(access & SEGMENT_PRESENT))
        return refuse(fault, VECTOR_SS, error, "not present");
    return NULL;
}

/* --- whole tables --- */

static json_t *table_json(uint32_t base, uint32_t limit, const char *name)
{
    char text[LOOK_TEXT];
    snprintf(text, sizeof text, "%s at %08Xh, limit %04Xh", name, base, limit);
    return json_pack("{s:s, s:I, s:I, s:[]}", "text", text, "base", (json_int_t)base, "limit",
                     (json_int_t)limit, "entries");
}

static void add_row(json_t *table, const char *number, int index, const struct descriptor *value,
                    const char *words, const char *wrong)
{
    char text[2 * LOOK_TEXT], hexadecimal[20];
    snprintf(hexadecimal, sizeof hexadecimal, "%08X%08X", value->high, value->low);
    snprintf(text, sizeof text, "%s  %s  %s%s%s", number, hexadecimal, words, wrong ? "  <- " : "",
             wrong ? wrong : "");
    json_array_append_new(json_object_get(table, "entries"),
                          json_pack("{s:i, s:s, s:s, s:o, s:s}", "index", index, "value",
                                    hexadecimal, "description", words, "wrong",
                                    wrong ? json_string(wrong) : json_null(), "text", text));
}

/* Once a page; last is the page that was said last. */
static void add_unmapped(json_t *table, uint32_t linear, uint32_t *last)
{
    char text[LOOK_TEXT];
    if (*last == linear >> PAGE_SHIFT)
        return;
    *last = linear >> PAGE_SHIFT;
    snprintf(text, sizeof text, "linear %08Xh is not mapped", linear);
    json_array_append_new(json_object_get(table, "entries"), json_pack("{s:s}", "text", text));
}

static json_t *descriptor_table(const struct look *look, json_t *table, bool is_ldt, int only)
{
    uint16_t ti = is_ldt ? SELECTOR_TI : 0;
    uint32_t base, limit, missing, unmapped = UINT32_MAX;
    table_of(look, ti, &base, &limit);
    if (limit > 0xFFFF)
        limit = 0xFFFF; /* more than selectors can name */
    for (uint32_t offset = 0; offset + 7 <= limit; offset += 8) {
        uint8_t bytes[8];
        if (only >= 0 && (uint32_t)only >> 3 != offset >> 3)
            continue;
        if (!look_read(look, base + offset, bytes, sizeof bytes, &missing)) {
            add_unmapped(table, missing, &unmapped);
            continue;
        }
        struct descriptor descriptor = {load_le32(bytes), load_le32(bytes + 4)};
        char words[LOOK_TEXT], number[8];
        if (only < 0 && !descriptor.low && !descriptor.high)
            continue;
        look_descriptor_text(&descriptor, words);
        snprintf(number, sizeof number, "%04X", (unsigned)offset | ti);
        bool is_null = !is_ldt && offset == 0;
        add_row(table, number, (int)(offset | ti), &descriptor,
                is_null ? "the null descriptor" : words,
                is_null ? NULL : look_descriptor_wrong(&descriptor, is_ldt));
    }
    return table;
}

json_t *look_gdt(const struct look *look, int only)
{
    return descriptor_table(
        look, table_json(look->context.gdtr_base, look->context.gdtr_limit, "GDT"), false, only);
}

json_t *look_ldt(const struct look *look, int only)
{
    const struct segment *ldtr = &look->context.ldtr;
    if (!(ldtr->access & SEGMENT_PRESENT) || selector_is_null(ldtr->selector))
        return json_pack("{s:s, s:[]}", "text", "there is no LDT: LDTR holds a null selector",
                         "entries");
    char name[32];
    snprintf(name, sizeof name, "LDT %04X", ldtr->selector);
    return descriptor_table(look, table_json(ldtr->base, ldtr->limit, name), true, only);
}

/* --- the IDT --- */

/* What an interrupt from outside would find wrong at the present privilege level. */
static const char *handler_wrong(const struct look *look, const struct descriptor *gate)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);
    struct descriptor code;
    if (selector_is_null(selector))
        return "a null selector";
    if (!look_descriptor(look, selector, &code, NULL))
        return "the selector names no descriptor";
    uint16_t access = descriptor_access(&code);
    if (!access_is_code(access))
        return "the selector names no code segment";
    if (!(access & SEGMENT_PRESENT))
        return "the code segment is not present";
    if (gate_offset(gate) > descriptor_limit(&code))
        return "the offset is beyond the limit of the code segment";
    return NULL;
}

static const char *task_wrong(const struct look *look, const struct descriptor *gate)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);
    struct descriptor tss;
    if (selector & SELECTOR_TI || selector_is_null(selector))
        return "the selector is null, or of the LDT";
    if (!look_descriptor(look, selector, &tss, NULL))
        return "the selector names no descriptor";
    int type = access_system_type(descriptor_access(&tss));
    if (type == TYPE_TSS16_BUSY || type == TYPE_TSS32_BUSY)
        return "the TSS is busy";
    return is_tss(type) ? look_descriptor_wrong(&tss, false) : "the selector names no TSS";
}

static const char *gate_wrong(const struct look *look, const struct descriptor *gate)
{
    uint16_t access = descriptor_access(gate);
    int type = access_system_type(access);
    if (type < TYPE_TASK_GATE || !is_gate(type) || type == TYPE_CALL_GATE32 ||
        !system_type_name(type))
        return "no gate for the IDT";
    if (!(access & SEGMENT_PRESENT))
        return "not present";
    return type == TYPE_TASK_GATE ? task_wrong(look, gate) : handler_wrong(look, gate);
}

static void add_vector(json_t *table, unsigned vector, const uint8_t bytes[4])
{
    char text[LOOK_TEXT];
    unsigned cs = load_le16(bytes + 2), ip = load_le16(bytes);
    snprintf(text, sizeof text, "%3u  %04X:%04X", vector, cs, ip);
    json_array_append_new(json_object_get(table, "entries"),
                          json_pack("{s:i, s:i, s:i, s:n, s:s}", "index", (int)vector, "cs",
                                    (int)cs, "ip", (int)ip, "wrong", "text", text));
}

json_t *look_idt(const struct look *look, int only)
{
    bool is_protected = look_is_protected(look);
    unsigned size = is_protected ? 8 : 4;
    uint32_t base = look->context.idtr_base, limit = look->context.idtr_limit;
    uint32_t missing, unmapped = UINT32_MAX;
    json_t *table = table_json(base, limit, is_protected ? "IDT" : "interrupt vector table");
    for (unsigned vector = 0; vector < 256 && vector * size + size - 1 <= limit; vector++) {
        uint8_t bytes[8] = {0};
        if (only >= 0 && (unsigned)only != vector)
            continue;
        if (!look_read(look, base + vector * size, bytes, size, &missing)) {
            add_unmapped(table, missing, &unmapped);
            continue;
        }
        struct descriptor gate = {load_le32(bytes), load_le32(bytes + 4)};
        char words[LOOK_TEXT], number[8];
        if (only < 0 && !gate.low && !gate.high)
            continue;
        if (!is_protected) {
            add_vector(table, vector, bytes);
            continue;
        }
        look_gate_text(&gate, words);
        snprintf(number, sizeof number, "%3u", vector);
        add_row(table, number, (int)vector, &gate, words, gate_wrong(look, &gate));
    }
    return table;
}
