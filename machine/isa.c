#include "machine/isa.h"

#include "base/bits.h"
#include "cpu/model.h"
#include "cpu/names.h"

#include <jansson.h>
#include <string.h>

/* --- columns --- */

const char *isa_feature_text(unsigned feature)
{
    static const char *const names[FEAT_COUNT] = {
        [FEAT_I386] = "386",    [FEAT_I486] = "486",        [FEAT_CPUID] = "cpuid",
        [FEAT_FPU] = "fpu",     [FEAT_TSC] = "tsc",         [FEAT_MSR] = "msr",
        [FEAT_CX8] = "cx8",     [FEAT_VME] = "vme",         [FEAT_DE] = "de",
        [FEAT_PSE] = "pse",     [FEAT_PAE] = "pae",         [FEAT_PGE] = "pge",
        [FEAT_PSE36] = "pse36", [FEAT_MCE] = "mce",         [FEAT_MTRR] = "mtrr",
        [FEAT_PAT] = "pat",     [FEAT_APIC] = "apic",       [FEAT_SEP] = "sep",
        [FEAT_PMC] = "pmc",     [FEAT_CMOV] = "cmov",       [FEAT_P6] = "p6",
        [FEAT_MMX] = "mmx",     [FEAT_FXSR] = "fxsr",       [FEAT_SSE] = "sse",
        [FEAT_SSE2] = "sse2",   [FEAT_CLFLUSH] = "clflush", [FEAT_SSE3] = "sse3",
        [FEAT_SSSE3] = "ssse3", [FEAT_NX] = "nx",
    };
    return names[feature];
}

void isa_opcode_text(const struct insn_row *row, char text[ISA_TEXT_SIZE])
{
    static const char *const prefixes[] = {"", "", "66 ", "F2 ", "F3 "};
    static const char *const maps[] = {"", "0F ", "0F 38 ", "0F 3A "};
    char modrm[8] = "";
    unsigned digit = row->modrm & 0xFF;
    switch (row->modrm & 0xFF00) {
    case M_ANY:
    case M_MEM:
    case M_REG:
        strcpy(modrm, " /r");
        break;
    case M_DIGIT(0):
    case M_DIGIT_MEM(0):
    case M_DIGIT_REG(0):
        snprintf(modrm, sizeof modrm, " /%u", digit & 7);
        break;
    case M_BYTE(0):
        snprintf(modrm, sizeof modrm, " %02X", digit);
        break;
    }
    snprintf(text, ISA_TEXT_SIZE, "%s%s%02X%s", prefixes[row->prefix], maps[row->map], row->opcode,
             modrm);
}

/* The letters as the manuals print them, OF first, then the rest; NULL behind the last one. */
static const struct bit_name *flag_at(unsigned i)
{
    const struct bit_name *flag =
        &cpu_eflags_names[i < EFLAGS_ONE_LETTER ? EFLAGS_ONE_LETTER - 1 - i : i];
    return flag->name ? flag : NULL;
}

void isa_flags_text(uint32_t flags, char text[ISA_TEXT_SIZE])
{
    const struct bit_name *flag;
    size_t used = 0;
    for (unsigned i = 0; (flag = flag_at(i)); i++) {
        if (!(flags & flag->mask))
            continue;
        if (i < EFLAGS_ONE_LETTER)
            text[used++] = flag->name[0];
        else
            used += (size_t)snprintf(text + used, ISA_TEXT_SIZE - used, "%s%s", used ? "," : "",
                                     flag->name);
    }
    if (!used)
        text[used++] = '-';
    text[used] = 0;
}

static const struct {
    unsigned class;
    const char *name;
} class_names[] = {
    {PRIVILEGED, "privileged"},
    {CONTROL,    "control"   },
    {BEHAVIOUR,  "behaviour" },
};

void isa_class_text(unsigned class, char text[ISA_TEXT_SIZE])
{
    strcpy(text, class == INNOCUOUS ? "innocuous" : "");
    for (size_t i = 0; i < ARRAY_LENGTH(class_names); i++) {
        if (!(class & class_names[i].class))
            continue;
        strcat(text, *text ? "," : "");
        strcat(text, class_names[i].name);
    }
}

bool isa_is_user(const struct insn_row *row)
{
    bool is_iopl = strcmp(row->mnemonic, "cli") == 0 || strcmp(row->mnemonic, "sti") == 0;
    return !(row->class & PRIVILEGED) && !is_iopl;
}

/* --- engines --- */

#ifdef __x86_64__
#define HAS_TRANSLATOR true
#else
#define HAS_TRANSLATOR false
#endif

static const struct isa_engine engines[] = {
    {"interp", ENGINE_INTERP, true          },
    {"jit",    ENGINE_JIT,    HAS_TRANSLATOR},
};

const char *isa_treatment(const struct isa_engine *engine, const struct lifts *lifts, unsigned row)
{
    if (engine->engine == ENGINE_INTERP)
        return "exec";
    bool innocuous = insn_row(row)->class == INNOCUOUS;
    if (lifts_has(lifts, row))
        return innocuous ? "lift" : "checked, else helper (sensitive)";
    return innocuous ? "helper" : "helper (sensitive)";
}

const struct isa_engine *isa_engine_at(unsigned index)
{
    return index < ARRAY_LENGTH(engines) ? &engines[index] : NULL;
}

const struct isa_engine *isa_engine_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        if (engines[i].is_available && strcmp(engines[i].name, name) == 0)
            return &engines[i];
    return NULL;
}

/* --- the table --- */

static json_t *flags_to_json(uint32_t flags)
{
    json_t *list = json_array();
    const struct bit_name *flag;
    for (unsigned i = 0; (flag = flag_at(i)); i++)
        if (flags & flag->mask)
            json_array_append_new(list, json_string(flag->name));
    return list;
}

static json_t *row_to_json(const struct lifts *lifts, unsigned index)
{
    const struct insn_row *row = insn_row(index);
    char opcode[ISA_TEXT_SIZE];
    isa_opcode_text(row, opcode);
    json_t *engine_list = json_object();
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        json_object_set_new(engine_list, engines[i].name,
                            json_string(isa_treatment(&engines[i], lifts, index)));
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:s, s:b, s:o}",
                     "opcode", opcode, "mnemonic", row->mnemonic, "operands", row->operands,
                     "privileged", (row->class & PRIVILEGED) != 0, "control_sensitive",
                     (row->class & CONTROL) != 0, "behaviour_sensitive",
                     (row->class & BEHAVIOUR) != 0, "innocuous", row->class == INNOCUOUS, "user",
                     isa_is_user(row), "flags_read", flags_to_json(row->flags_read),
                     "flags_written", flags_to_json(row->flags_written), "flags_undefined",
                     flags_to_json(row->flags_undefined), "feature", isa_feature_text(row->feature),
                     "undocumented", (row->attributes & A_ALIAS) != 0, "engines", engine_list);
}

static void print_json(const struct lifts *lifts, FILE *stream)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < insn_row_count(); i++)
        json_array_append_new(list, row_to_json(lifts, i));
    json_dumpf(list, stream, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    fputc('\n', stream);
    json_decref(list);
}

static void print_row(const struct lifts *lifts, unsigned index, FILE *stream)
{
    const struct insn_row *row = insn_row(index);
    char opcode[ISA_TEXT_SIZE], read[ISA_TEXT_SIZE], written[ISA_TEXT_SIZE];
    char undefined[ISA_TEXT_SIZE], class[ISA_TEXT_SIZE];
    isa_opcode_text(row, opcode);
    isa_flags_text(row->flags_read, read);
    isa_flags_text(row->flags_written, written);
    isa_flags_text(row->flags_undefined, undefined);
    isa_class_text(row->class, class);
    fprintf(stream, "%-16s %-12s %-14s %-8s %-28s", opcode, row->mnemonic, row->operands,
            isa_feature_text(row->feature), class);
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        fprintf(stream, " %-18s", isa_treatment(&engines[i], lifts, index));
    fprintf(stream, " %-10s %-10s %s\n", undefined, read, written);
}

static void print_table(const struct lifts *lifts, FILE *stream)
{
    fprintf(stream, "%-16s %-12s %-14s %-8s %-28s", "opcode", "mnemonic", "operands", "feature",
            "class");
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        fprintf(stream, " %-18s", engines[i].name);
    fprintf(stream, " %-10s %-10s %s\n", "undefined", "read", "written");
    for (unsigned i = 0; i < insn_row_count(); i++)
        print_row(lifts, i, stream);
}

void isa_print(FILE *stream, bool json)
{
    struct lifts *lifts = lifts_new(cpu_model_find(CPU_MODEL_DEFAULT));
    if (json)
        print_json(lifts, stream);
    else
        print_table(lifts, stream);
    lifts_free(lifts);
}
