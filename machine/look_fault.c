/* Why an instruction faulted, in words: by the error code, and where that says nothing by the
 * instruction's class and its memory operand. */
#include "base/bits.h"
#include "cpu/code.h"
#include "cpu/decode.h"
#include "machine/internal.h"
#include "machine/isa.h"
#include "machine/look.h"

#include <string.h>

const char *look_vector_name(unsigned vector)
{
    static const char *const names[] = {
        [VECTOR_DE] = "#DE divide error",
        [VECTOR_DB] = "#DB debug",
        [VECTOR_NMI] = "NMI",
        [VECTOR_BP] = "#BP breakpoint",
        [VECTOR_OF] = "#OF overflow",
        [VECTOR_BR] = "#BR bound",
        [VECTOR_UD] = "#UD invalid opcode",
        [VECTOR_NM] = "#NM device not available",
        [VECTOR_DF] = "#DF double fault",
        [VECTOR_TS] = "#TS invalid TSS",
        [VECTOR_NP] = "#NP segment not present",
        [VECTOR_SS] = "#SS stack fault",
        [VECTOR_GP] = "#GP general protection",
        [VECTOR_PF] = "#PF page fault",
        [VECTOR_MF] = "#MF x87 error",
        [VECTOR_AC] = "#AC alignment check",
        [VECTOR_MC] = "#MC machine check",
        [VECTOR_XM] = "#XM SIMD error",
    };
    return vector < ARRAY_LENGTH(names) && names[vector] ? names[vector] : "interrupt";
}

/* --- page faults --- */

static void say_page_fault(const struct look *look, const struct fault_record *record,
                           json_t *lines)
{
    uint32_t error = record->error;
    uint32_t from_eip = record->cr2 - (record->context.cs.base + record->context.eip);
    bool is_write = error & FAULT_WRITE;
    /* Without execute-disable the error code does not tell fetches. */
    bool is_fetch = !is_write && record->during == NOT_IN_DELIVERY && from_eip < INSN_MAX_LENGTH;
    const struct look_access access = {is_write   ? MMU_WRITE
                                       : is_fetch ? MMU_EXECUTE
                                                  : MMU_READ,
                                       error & FAULT_USER};
    look_say(lines, "%s %s linear %08Xh by %s: %s",
             is_write   ? "a write"
             : is_fetch ? "an instruction fetch"
                        : "a read",
             is_write ? "to" : "from", record->cr2, error & FAULT_USER ? "user mode" : "the system",
             error & FAULT_RESERVED     ? "an entry has a reserved bit set"
             : error & FAULT_PROTECTION ? "the page does not allow it"
                                        : "the page is not present");
    json_t *walk = look_walk(look, record->cr2, &access), *entry;
    size_t index;
    json_array_foreach(json_object_get(walk, "entries"), index, entry)
        look_say(lines, "%s", json_string_value(json_object_get(entry, "text")));
    json_decref(walk);
}

/* --- error codes that name a descriptor --- */

static const char *selector_wrong(const struct look *look, const struct fault_record *record,
                                  const struct descriptor *descriptor)
{
    uint16_t access = descriptor_access(descriptor);
    bool in_ldt = record->error & SELECTOR_TI;
    if (record->vector == VECTOR_NP || record->vector == VECTOR_SS)
        return access & SEGMENT_PRESENT ? "it is present, but the stack has no room"
                                        : "it is not present";
    const char *wrong = look_descriptor_wrong(descriptor, in_ldt);
    if (wrong)
        return wrong;
    if (look->context.cpl > access_dpl(access))
        return "its DPL is lower than the CPL";
    return "its type or privilege does not fit the use";
}

static void say_selector(const struct look *look, const struct fault_record *record, json_t *lines)
{
    uint16_t selector = (uint16_t)(record->error & ~3u);
    struct descriptor descriptor;
    char text[LOOK_TEXT];
    if (record->error & 2) {
        const struct look_event event = {(uint8_t)(record->error >> 3), DELIVERY_SOFTWARE, false};
        struct cpu_fault fault;
        look_say(lines, "the error code names entry %u of the IDT", event.vector);
        look_event(look, &event, lines, &fault);
        return;
    }
    if (!look_descriptor(look, selector, &descriptor, text)) {
        look_say(lines, "-> %s", text);
        return;
    }
    look_selector_text(look, selector, text);
    look_say(lines, "%s", text);
    look_say(lines, "-> %s", selector_wrong(look, record, &descriptor));
}

/* --- error code 0: the instruction itself --- */

/* Bytes of the segment that segment_contains must hold for the operand to be in it; what the
 * operand's size is does not matter for most mistakes. */
static const char *operand_wrong(const struct look *look, const struct segment *segment,
                                 uint32_t offset)
{
    if (look_is_protected(look) && !look_is_v86(look) && !(segment->access & SEGMENT_PRESENT))
        return "the segment register holds a null selector";
    if (!segment_contains(segment, offset, 1))
        return "the offset is beyond the limit of the segment";
    if (look_is_protected(look) && !access_is_readable(segment->access))
        return "the segment cannot be read";
    if (look_is_protected(look) && !access_is_writable(segment->access))
        return "the segment cannot be written";
    if (offset == segment->limit || !segment_contains(segment, offset, 4))
        return "the operand may reach beyond the limit of the segment";
    return NULL;
}

static void say_operand(const struct look *look, const struct insn *insn, json_t *lines)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    const struct cpu *cpu = look->machine->cpu;
    const struct segment *segment = &cpu->seg[insn->segment];
    uint32_t offset = insn_address(cpu, insn);
    const char *wrong = operand_wrong(look, segment, offset);
    if (wrong)
        look_say(lines, "-> operand %s:%08X: %s=%04X, base %08Xh, limit %08Xh: %s",
                 names[insn->segment], offset, names[insn->segment], segment->selector,
                 segment->base, segment->limit, wrong);
}

static void say_decoded(const struct look *look, const struct insn *insn, json_t *lines)
{
    const struct fault_context *context = &look->context;
    const struct insn_row *row = insn_row(insn->row);
    unsigned iopl = context->eflags >> 12 & 3;
    bool is_io = row->class == (PRIVILEGED | CONTROL | BEHAVIOUR);
    bool above_iopl = look_is_protected(look) && context->cpl > iopl;
    if (is_io && above_iopl)
        look_say(lines, "-> %s at CPL %u, the IOPL is %u, and the TSS does not allow the port",
                 row->mnemonic, context->cpl, iopl);
    else if (row->class & PRIVILEGED && !is_io && context->cpl)
        look_say(lines, "-> %s is for CPL 0, and the CPL is %u", row->mnemonic, context->cpl);
    else if (!is_io && above_iopl && !isa_is_user(row))
        look_say(lines, "-> %s at CPL %u, and the IOPL is %u", row->mnemonic, context->cpl, iopl);
    else if (insn->flags & INSN_MEMORY || strchr(row->operands, 'O'))
        say_operand(look, insn, lines);
}

static void say_instruction(const struct look *look, json_t *lines)
{
    const struct fault_context *context = &look->context;
    uint8_t bytes[INSN_MAX_LENGTH];
    unsigned count = 0;
    uint32_t missing;
    struct insn insn;
    if (context->eip > context->cs.limit) {
        look_say(lines, "-> eip %08Xh is beyond the limit of CS, %08Xh", context->eip,
                 context->cs.limit);
        return;
    }
    while (count < sizeof bytes &&
           look_read(look, context->cs.base + context->eip + count, &bytes[count], 1, &missing))
        count++;
    enum decode_result result = decode_insn(look->machine->cpu->code->decoder, bytes, count,
                                            context->cs.access & SEGMENT_BIG, &insn);
    if (result == DECODE_TOO_LONG)
        look_say(lines, "-> the instruction is longer than 15 bytes");
    else if (result == DECODE_OK)
        say_decoded(look, &insn, lines);
}

void look_fault(const struct look *look, const struct fault_record *record, json_t *lines)
{
    if (record->vector == VECTOR_PF)
        say_page_fault(look, record, lines);
    else if (record->has_error && record->error & ~1u)
        say_selector(look, record, lines);
    else if (record->vector == VECTOR_GP || record->vector == VECTOR_SS)
        say_instruction(look, lines);
    else if (record->vector == VECTOR_TS)
        look_say(lines, "-> a selector that must not be null is: CS=%04X, SS=%04X",
                 look->context.cs.selector, look->context.ss.selector);
}
