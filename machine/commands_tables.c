/* Commands: what the processor looks at, and what it did lately. None of them changes the guest. */
#include "base/bits.h"
#include "base/memory.h"
#include "cpu/cpu.h"
#include "cpu/names.h"
#include "machine/commands.h"
#include "machine/crash.h"
#include "machine/internal.h"
#include "machine/look.h"

#include <string.h>

enum { RANGES_DEFAULT = 1000, INTERRUPTS_DEFAULT = 32, STACK_DEFAULT = 16 };

/* --- page tables --- */

enum command_outcome command_pages(struct machine *machine, struct job *job)
{
    const struct command_value *address = job_argument(job, "address");
    const struct command_value *from = job_argument(job, "from");
    const struct command_value *count = job_argument(job, "count");
    struct look look;
    look_now(&look, machine);
    if (address->given)
        return job_done(job, look_walk(&look, (uint32_t)address->number, NULL));
    return job_done(job, look_ranges(&look, from->given ? (uint32_t)from->number : 0,
                                     count->given ? (unsigned)count->number : RANGES_DEFAULT));
}

/* --- descriptor tables --- */

enum command_outcome command_table(struct machine *machine, struct job *job)
{
    enum table_variant kind = job->call.command->variant;
    const struct command_value *wanted =
        job_argument(job, kind == TABLE_IDT ? "vector" : "selector");
    int only = wanted->given ? (int)wanted->number : -1;
    char why[LOOK_TEXT];
    struct look look;
    json_t *result;
    look_now(&look, machine);
    if (kind == TABLE_TSS)
        result = look_tss(&look, only, why);
    else if (kind == TABLE_IDT)
        result = look_idt(&look, only);
    else
        result = kind == TABLE_GDT ? look_gdt(&look, only) : look_ldt(&look, only);
    if (!result)
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", why);
    if (kind != TABLE_TSS && only >= 0 && !json_array_size(json_object_get(result, "entries"))) {
        json_decref(result);
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "the table has no entry %X", (unsigned)only);
    }
    return job_done(job, result);
}

/* --- registers, decoded --- */

static const struct bit_name cr0_names[] = {
    {CR0_PE, "PE"},
    {CR0_MP, "MP"},
    {CR0_EM, "EM"},
    {CR0_TS, "TS"},
    {CR0_ET, "ET"},
    {CR0_NE, "NE"},
    {CR0_WP, "WP"},
    {CR0_AM, "AM"},
    {CR0_NW, "NW"},
    {CR0_CD, "CD"},
    {CR0_PG, "PG"},
    {0,      NULL},
};
static const struct bit_name cr4_names[] = {
    {CR4_VME,        "VME"       },
    {CR4_PVI,        "PVI"       },
    {CR4_TSD,        "TSD"       },
    {CR4_DE,         "DE"        },
    {CR4_PSE,        "PSE"       },
    {CR4_PAE,        "PAE"       },
    {CR4_MCE,        "MCE"       },
    {CR4_PGE,        "PGE"       },
    {CR4_PCE,        "PCE"       },
    {CR4_OSFXSR,     "OSFXSR"    },
    {CR4_OSXMMEXCPT, "OSXMMEXCPT"},
    {0,              NULL        },
};
static const struct bit_name efer_names[] = {
    {EFER_NXE, "NXE"},
    {0,        NULL },
};

static json_t *decode(const char *name, uint32_t value, const struct bit_name *names)
{
    char text[LOOK_TEXT];
    json_t *flags = json_array();
    int used = snprintf(text, sizeof text, "%-6s %08X", name, value);
    for (; names->name; names++) {
        unsigned field = (value & names->mask) / (names->mask & (0 - names->mask));
        bool is_wide = names->mask & (names->mask - 1);
        if (!field)
            continue;
        char flag[16];
        snprintf(flag, sizeof flag, is_wide ? "%s=%u" : "%s", names->name, field);
        json_array_append_new(flags, json_string(flag));
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%s",
                         json_array_size(flags) == 1 ? "  " : " ", flag);
    }
    return json_pack("{s:s, s:I, s:o, s:s}", "name", name, "value", (json_int_t)value, "flags",
                     flags, "text", text);
}

static json_t *describe_segment(const char *name, const struct segment *segment)
{
    char text[2 * LOOK_TEXT], words[LOOK_TEXT];
    /* As a descriptor that would load so. */
    uint32_t limit = segment->access & SEGMENT_GRANULAR ? segment->limit >> 12 : segment->limit;
    const struct descriptor descriptor = {(limit & 0xFFFF) | segment->base << 16,
                                          (segment->base >> 16 & 0xFF) |
                                              (uint32_t)(segment->access & 0xF0FF) << 8 |
                                              (limit & 0xF0000) | (segment->base & 0xFF000000)};
    if (segment->access)
        look_descriptor_text(&descriptor, words);
    else
        snprintf(words, sizeof words, "null");
    snprintf(text, sizeof text, "%-6s %04X  %s", name, segment->selector, words);
    return json_pack("{s:s, s:i, s:I, s:I, s:i, s:s}", "name", name, "selector",
                     (int)segment->selector, "base", (json_int_t)segment->base, "limit",
                     (json_int_t)segment->limit, "access", (int)segment->access, "text", text);
}

static json_t *describe_table(const char *name, uint32_t base, uint32_t limit)
{
    char text[LOOK_TEXT];
    snprintf(text, sizeof text, "%-6s base %08Xh, limit %04Xh", name, base, limit);
    return json_pack("{s:s, s:I, s:I, s:s}", "name", name, "base", (json_int_t)base, "limit",
                     (json_int_t)limit, "text", text);
}

static json_t *describe_value(const char *name, uint64_t value, int digits)
{
    char text[LOOK_TEXT];
    snprintf(text, sizeof text, "%-6s %0*llX", name, digits, (unsigned long long)value);
    return json_pack("{s:s, s:I, s:s}", "name", name, "value", (json_int_t)value, "text", text);
}

enum command_outcome command_registers(struct machine *machine, struct job *job)
{
    static const char *const debug[] = {"dr0", "dr1", "dr2", "dr3", NULL, NULL, "dr6", "dr7"};
    const struct cpu *cpu = machine->cpu;
    json_t *list = json_array();
    for (unsigned i = 0; i < ARRAY_LENGTH(cpu_gpr_names); i++)
        json_array_append_new(list, describe_value(cpu_gpr_names[i], cpu->gpr[i], 8));
    json_array_append_new(list, describe_value("eip", cpu->eip, 8));
    json_array_append_new(list, decode("eflags", cpu_get_eflags(cpu), cpu_eflags_names));
    json_array_append_new(list, describe_value("cpl", cpu->cpl, 1));
    for (unsigned i = 0; i < SEG_COUNT; i++)
        json_array_append_new(list, describe_segment(cpu_segment_names[i], &cpu->seg[i]));
    json_array_append_new(list, describe_segment("ldtr", &cpu->ldtr));
    json_array_append_new(list, describe_segment("tr", &cpu->tr));
    json_array_append_new(list, describe_table("gdtr", cpu->gdtr_base, cpu->gdtr_limit));
    json_array_append_new(list, describe_table("idtr", cpu->idtr_base, cpu->idtr_limit));
    json_array_append_new(list, decode("cr0", cpu->cr0, cr0_names));
    json_array_append_new(list, describe_value("cr2", cpu->cr2, 8));
    json_array_append_new(list, describe_value("cr3", cpu->cr3, 8));
    json_array_append_new(list, decode("cr4", cpu->cr4, cr4_names));
    json_array_append_new(list, decode("efer", (uint32_t)cpu->efer, efer_names));
    for (unsigned i = 0; i < ARRAY_LENGTH(debug); i++) {
        if (debug[i])
            json_array_append_new(list, describe_value(debug[i], cpu->dr[i], 8));
    }
    return job_done(job, json_pack("{s:o}", "registers", list));
}

/* --- the stack --- */

enum command_outcome command_stack(struct machine *machine, struct job *job)
{
    const struct command_value *count = job_argument(job, "count");
    const struct segment *ss = &machine->cpu->seg[SEG_SS];
    unsigned word = machine->cpu->seg[SEG_CS].access & SEGMENT_BIG ? 4 : 2;
    uint32_t mask = machine->cpu->stack_mask, missing;
    json_t *words = json_array();
    struct look look;
    look_now(&look, machine);
    for (uint64_t i = 0; i < (count->given ? count->number : STACK_DEFAULT); i++) {
        uint8_t bytes[4] = {0};
        char text[LOOK_TEXT];
        uint32_t offset = (machine->cpu->gpr[REG_ESP] + (uint32_t)i * word) & mask;
        uint32_t linear = ss->base + offset;
        if (!look_read(&look, linear, bytes, word, &missing))
            break;
        snprintf(text, sizeof text, "%04X:%08X  %0*X", ss->selector, offset, (int)word * 2,
                 load_le32(bytes));
        json_array_append_new(words, json_pack("{s:I, s:I, s:I, s:s}", "offset", (json_int_t)offset,
                                               "linear", (json_int_t)linear, "value",
                                               (json_int_t)load_le32(bytes), "text", text));
    }
    return job_done(job, json_pack("{s:i, s:i, s:o}", "ss", (int)ss->selector, "word_size",
                                   (int)word, "words", words));
}

/* --- what happened --- */

enum command_outcome command_interrupts(struct machine *machine, struct job *job)
{
    const struct command_value *count = job_argument(job, "count");
    unsigned wanted = count->given ? (unsigned)count->number : INTERRUPTS_DEFAULT;
    return job_done(job,
                    json_pack("{s:o}", "interrupts", crash_deliveries(machine, wanted, false)));
}

enum command_outcome command_crash(struct machine *machine, struct job *job)
{
    if (!machine->crash)
        return job_done(job, json_pack("{s:s, s:n}", "text",
                                       "the guest has not crashed or reset the machine", "cause"));
    return job_done(job, json_incref(machine->crash));
}
