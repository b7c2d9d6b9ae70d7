/* What a person wants to know when a guest crashes, or resets the machine: the chain of faults with
 * what led to each, the code, and the stack. The report is made when it happens, for the tables
 * change soon after. */
#include "machine/crash.h"
#include "base/bits.h"
#include "base/memory.h"
#include "machine/disassemble.h"
#include "machine/look.h"

#include <stdlib.h>

enum { CODE_BYTES = 15, CODE_INSNS = 3, STACK_WORDS = 16, STACK_PER_LINE = 8, EXCEPTIONS = 4 };

static const char *kind_text(uint8_t kind)
{
    static const char *const names[] = {
        [DELIVERY_EXCEPTION] = "exception",
        [DELIVERY_SOFTWARE] = "software interrupt",
        [DELIVERY_NMI] = "NMI",
        [DELIVERY_INTERRUPT] = "interrupt",
        [DELIVERY_INIT] = "INIT",
        [DELIVERY_RESET] = "RESET",
        [DELIVERY_LOAD] = "load",
    };
    return names[kind];
}

/* "exception 14 #PF page fault", "software interrupt 80h", "RESET" */
static void event_text(uint8_t kind, uint8_t vector, char text[LOOK_TEXT])
{
    if (kind == DELIVERY_EXCEPTION)
        snprintf(text, LOOK_TEXT, "exception %u %s", vector, look_vector_name(vector));
    else if (kind == DELIVERY_SOFTWARE || kind == DELIVERY_INTERRUPT)
        snprintf(text, LOOK_TEXT, "%s %02Xh", kind_text(kind), vector);
    else
        snprintf(text, LOOK_TEXT, "%s", kind_text(kind));
}

/* --- one fault --- */

static void fault_text(const struct fault_record *record, char text[LOOK_TEXT])
{
    const struct fault_context *context = &record->context;
    char error[32] = "", cr2[24] = "";
    if (record->has_error)
        snprintf(error, sizeof error, ", error code %04Xh", record->error);
    if (record->vector == VECTOR_PF)
        snprintf(cr2, sizeof cr2, ", cr2 %08Xh", record->cr2);
    snprintf(text, LOOK_TEXT,
             "vector %u (%s)%s%s, at cs:eip %04X:%08X, ss:esp %04X:%08X, instruction %llu",
             record->vector, look_vector_name(record->vector), error, cr2, context->cs.selector,
             context->eip, context->ss.selector, context->esp, (unsigned long long)record->icount);
}

void crash_print_fault(const struct fault_record *record, FILE *stream)
{
    char text[LOOK_TEXT];
    fault_text(record, text);
    fprintf(stream, "%s\n", text);
}

/* By the same checks as the processor's, as long as the tables still say what they said then. */
static void explain_delivery(const struct look *look, const struct fault_record *record,
                             bool has_error, json_t *lines)
{
    const struct look_event event = {(uint8_t)record->during, record->during_kind, has_error};
    struct cpu_fault fault;
    char what[LOOK_TEXT];
    event_text(record->during_kind, (uint8_t)record->during, what);
    look_say(lines, "while %s was delivered:", what);
    if (record->in_new_task) {
        look_say(lines,
                 "the task was switched to TSS %04X, at %08Xh, limit %08Xh; in the new task:",
                 record->context.tr.selector, record->context.tr.base, record->context.tr.limit);
        look_fault(look, record, lines);
        return;
    }
    if (!look_event(look, &event, lines, &fault) || fault.vector != record->vector ||
        fault.error != record->error)
        look_say(lines, "(the tables show another reason now, or none)");
}

static json_t *describe_fault(struct machine *machine, const struct fault_record *record,
                              const struct fault_record *previous)
{
    char text[LOOK_TEXT + 8], fault[LOOK_TEXT];
    json_t *lines = json_array();
    struct look look;
    look_at(&look, machine, &record->context);
    fault_text(record, fault);
    snprintf(text, sizeof text, "%s: %s", previous ? "then" : "first", fault);
    if (record->is_combined)
        look_say(lines, "a double fault: the two before it cannot be handled one after the other");
    else if (record->during != NOT_IN_DELIVERY)
        explain_delivery(&look, record, previous && previous->has_error, lines);
    else
        look_fault(&look, record, lines);
    return json_pack("{s:s, s:I, s:i, s:s, s:o, s:o, s:i, s:I, s:i, s:I, s:o, s:o}", "text", text,
                     "icount", (json_int_t)record->icount, "vector", (int)record->vector, "name",
                     look_vector_name(record->vector), "error",
                     record->has_error ? json_integer(record->error) : json_null(), "cr2",
                     record->vector == VECTOR_PF ? json_integer(record->cr2) : json_null(), "cs",
                     (int)record->context.cs.selector, "eip", (json_int_t)record->context.eip, "ss",
                     (int)record->context.ss.selector, "esp", (json_int_t)record->context.esp,
                     "during",
                     record->during == NOT_IN_DELIVERY ? json_null() : json_integer(record->during),
                     "lines", lines);
}

/* --- code, stack, registers --- */

/* Instructions from cs:eip on; the first may be the one that is to blame. */
static json_t *describe_code(const struct look *look)
{
    const struct fault_context *context = &look->context;
    json_t *lines = json_array();
    struct disassembler *disassembler = disassembler_new();
    uint32_t eip = context->eip, missing;
    for (unsigned i = 0; i < CODE_INSNS && disassembler; i++) {
        uint8_t bytes[CODE_BYTES];
        char text[DISASSEMBLY_SIZE], hexadecimal[3 * CODE_BYTES + 1] = "";
        unsigned size = 0;
        while (size < CODE_BYTES &&
               look_read(look, context->cs.base + eip + size, &bytes[size], 1, &missing))
            size++;
        if (!size) {
            look_say(lines, "linear %08Xh is not mapped", context->cs.base + eip);
            break;
        }
        unsigned length =
            disassemble(disassembler, bytes, size, eip, context->cs.access & SEGMENT_BIG, text);
        for (unsigned byte = 0; byte < length && byte < size; byte++)
            snprintf(hexadecimal + 3 * byte, 4, "%02X ", bytes[byte]);
        look_say(lines, "%04X:%08X  %-24s %s", context->cs.selector, eip, hexadecimal, text);
        eip += length;
    }
    disassembler_free(disassembler);
    return json_pack("{s:s, s:o}", "text", "code:", "lines", lines);
}

static json_t *describe_stack(const struct look *look)
{
    const struct fault_context *context = &look->context;
    uint32_t mask = context->ss.access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF, missing;
    unsigned word = context->cs.access & SEGMENT_BIG ? 4 : 2;
    json_t *lines = json_array();
    for (unsigned i = 0; i < STACK_WORDS; i += STACK_PER_LINE) {
        char line[LOOK_TEXT];
        int used = 0;
        for (unsigned k = i; k < i + STACK_PER_LINE; k++) {
            uint8_t bytes[4] = {0};
            uint32_t linear = context->ss.base + ((context->esp + k * word) & mask);
            if (!look_read(look, linear, bytes, word, &missing))
                break;
            used += snprintf(line + used, sizeof line - (size_t)used, " %0*X", (int)word * 2,
                             load_le32(bytes));
        }
        if (used)
            look_say(lines, "%04X:%08X %s", context->ss.selector, (context->esp + i * word) & mask,
                     line);
        else
            look_say(lines, "linear %08Xh is not mapped",
                     context->ss.base + ((context->esp + i * word) & mask));
        if (!used)
            break;
    }
    return json_pack("{s:s, s:o}", "text", "stack:", "lines", lines);
}

static json_t *describe_registers(struct machine *machine)
{
    const struct cpu *cpu = machine->cpu;
    json_t *lines = json_array();
    look_say(lines, "eax %08X ebx %08X ecx %08X edx %08X esi %08X edi %08X ebp %08X esp %08X",
             cpu->gpr[REG_EAX], cpu->gpr[REG_EBX], cpu->gpr[REG_ECX], cpu->gpr[REG_EDX],
             cpu->gpr[REG_ESI], cpu->gpr[REG_EDI], cpu->gpr[REG_EBP], cpu->gpr[REG_ESP]);
    look_say(lines, "cr0 %08X cr2 %08X cr3 %08X cr4 %08X eflags %08X cpl %u", cpu->cr0, cpu->cr2,
             cpu->cr3, cpu->cr4, cpu_get_eflags(cpu), cpu->cpl);
    look_say(lines, "idt %08X+%04X gdt %08X+%04X ldt %04X %08X+%04X tr %04X %08X+%04X",
             cpu->idtr_base, cpu->idtr_limit, cpu->gdtr_base, cpu->gdtr_limit, cpu->ldtr.selector,
             cpu->ldtr.base, cpu->ldtr.limit, cpu->tr.selector, cpu->tr.base, cpu->tr.limit);
    return json_pack("{s:s, s:o}", "text", "registers:", "lines", lines);
}

/* --- what went before --- */

static json_t *describe_delivery(const struct delivery *delivery)
{
    char text[2 * LOOK_TEXT], what[LOOK_TEXT], error[32] = "", cr2[24] = "";
    bool is_page_fault = delivery->kind == DELIVERY_EXCEPTION && delivery->vector == VECTOR_PF;
    bool has_vector = delivery->kind < DELIVERY_INIT;
    event_text(delivery->kind, delivery->vector, what);
    if (delivery->has_error)
        snprintf(error, sizeof error, ", error code %04Xh", delivery->error);
    if (is_page_fault)
        snprintf(cr2, sizeof cr2, ", cr2 %08Xh", delivery->cr2);
    snprintf(text, sizeof text, "%12llu  %04X:%08X  %s%s%s%s", (unsigned long long)delivery->icount,
             delivery->cs, delivery->eip, what, error, cr2,
             delivery->done ? "" : ": could not be delivered");
    return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:i, s:I, s:i, s:I, s:b}", "text", text,
                     "icount", (json_int_t)delivery->icount, "kind", kind_text(delivery->kind),
                     "vector", has_vector ? json_integer(delivery->vector) : json_null(), "error",
                     delivery->has_error ? json_integer(delivery->error) : json_null(), "cr2",
                     is_page_fault ? json_integer(delivery->cr2) : json_null(), "cs",
                     (int)delivery->cs, "eip", (json_int_t)delivery->eip, "ss", (int)delivery->ss,
                     "esp", (json_int_t)delivery->esp, "delivered", (int)delivery->done);
}

json_t *crash_deliveries(const struct machine *machine, unsigned count, bool only_exceptions)
{
    const struct delivery_ring *ring = &machine->cpu->deliveries;
    json_t *list = json_array();
    uint64_t kept = ring->count - delivery_oldest(ring);
    for (uint64_t age = 1; age <= kept && json_array_size(list) < count; age++) {
        const struct delivery *delivery = &ring->entry[(ring->count - age) % DELIVERIES];
        if (!only_exceptions || delivery->kind == DELIVERY_EXCEPTION)
            json_array_insert_new(list, 0, describe_delivery(delivery));
    }
    return list;
}

/* --- reports --- */

static void keep(struct machine *machine, json_t *report)
{
    json_decref(machine->crash);
    machine->crash = report;
}

static void add_surroundings(struct machine *machine, json_t *report, const struct look *look)
{
    json_t *around = json_array();
    json_array_append_new(around, describe_code(look));
    json_array_append_new(around, describe_stack(look));
    json_array_append_new(around, describe_registers(machine));
    json_object_set_new(report, "around", around);
}

void crash_note_triple_fault(struct machine *machine)
{
    const struct fault_chain *chain = &machine->cpu->fault_chain;
    char text[LOOK_TEXT];
    struct look look;
    json_t *faults = json_array();
    for (unsigned i = 0; i < chain->count; i++)
        json_array_append_new(
            faults, describe_fault(machine, &chain->fault[i], i ? &chain->fault[i - 1] : NULL));
    snprintf(text, sizeof text, "triple fault after %llu instructions",
             (unsigned long long)machine_icount(machine));
    json_t *report = json_pack("{s:s, s:s, s:I, s:o}", "text", text, "cause", "triple fault",
                               "icount", (json_int_t)machine_icount(machine), "faults", faults);
    look_at(&look, machine, &chain->fault[0].context);
    add_surroundings(machine, report, &look);
    keep(machine, report);
}

void crash_note_reset(struct machine *machine, const char *cause, uint32_t eip)
{
    struct look look;
    char text[LOOK_TEXT];
    look_now(&look, machine);
    look.context.eip = eip;
    snprintf(text, sizeof text, "reset by %s at cs:eip %04X:%08X after %llu instructions", cause,
             look.context.cs.selector, look.context.eip,
             (unsigned long long)machine_icount(machine));
    json_t *report = json_pack("{s:s, s:s, s:I, s:o}", "text", text, "cause", cause, "icount",
                               (json_int_t)machine_icount(machine), "exceptions",
                               crash_deliveries(machine, EXCEPTIONS, true));
    add_surroundings(machine, report, &look);
    keep(machine, report);
}

void crash_print(const struct machine *machine, FILE *stream)
{
    char *text = command_told_text(machine->crash);
    fprintf(stream, "anachron: the guest crashed: %s", text);
    mem_free(text);
}

void crash_print_line(const struct machine *machine, FILE *stream)
{
    fprintf(stream, "anachron: the guest's machine was %s\n",
            json_string_value(json_object_get(machine->crash, "text")));
}
