/* The delivery of an event once more, in words: what cpu/event.c and cpu/far_frame.c check, in
 * their order, on the tables as they are. */
#include "base/bits.h"
#include "machine/internal.h"
#include "machine/look.h"

#include <string.h>

struct walkthrough {
    const struct look *look;
    const struct look_event *event;
    json_t *lines;
    struct cpu_fault *fault;
    uint32_t ext;
};

/* The handler, as the gate and its code segment give it. */
struct handler {
    struct segment cs;
    uint32_t eip;
    unsigned cpl;
    unsigned push_size;
};

/* All of these return true: the delivery ends here. */
static bool ends(struct walkthrough *w, enum vector vector, uint32_t error, const char *why)
{
    *w->fault = (struct cpu_fault){.vector = (uint8_t)vector, .has_error = true, .error = error};
    if (why)
        look_say(w->lines, "-> %s", why);
    return true;
}

static bool page_faults(struct walkthrough *w, uint32_t linear, struct look_access access,
                        const char *what)
{
    uint32_t error;
    if (look_translates(w->look, linear, access, &error))
        return false;
    look_say(w->lines, "%s at linear %08Xh:", what, linear);
    json_t *walk = look_walk(w->look, linear, &access);
    json_t *entry;
    size_t index;
    json_array_foreach(json_object_get(walk, "entries"), index, entry)
        look_say(w->lines, "%s", json_string_value(json_object_get(entry, "text")));
    json_decref(walk);
    return ends(w, VECTOR_PF, error, "a page fault");
}

static bool cannot_read(struct walkthrough *w, uint32_t linear, uint8_t *bytes, unsigned size,
                        const char *what)
{
    uint32_t missing;
    if (look_read(w->look, linear, bytes, size, &missing))
        return false;
    return page_faults(w, missing, (struct look_access){MMU_READ, false}, what);
}

/* A descriptor that the delivery reads; says what it is. */
static bool cannot_find(struct walkthrough *w, uint16_t selector, enum vector vector,
                        struct descriptor *descriptor)
{
    char text[LOOK_TEXT];
    bool in_ldt = selector & SELECTOR_TI;
    uint32_t base = in_ldt ? w->look->context.ldtr.base : w->look->context.gdtr_base;
    uint32_t limit = in_ldt ? w->look->context.ldtr.limit : w->look->context.gdtr_limit;
    bool is_there = !in_ldt || w->look->context.ldtr.access & SEGMENT_PRESENT;
    uint8_t bytes[8];
    if (is_there && (selector | 7u) <= limit &&
        cannot_read(w, base + (selector & ~7u), bytes, sizeof bytes,
                    in_ldt ? "the LDT" : "the GDT"))
        return true;
    if (!look_descriptor(w->look, selector, descriptor, text))
        return ends(w, vector, selector_error(selector, w->ext), text);
    look_selector_text(w->look, selector, text);
    look_say(w->lines, "%s", text);
    return false;
}

/* --- the stack --- */

/* Room and pages for so many pushes. */
static bool stack_ends(struct walkthrough *w, const struct segment *ss, uint32_t esp,
                       uint32_t error, unsigned size, unsigned pushes)
{
    uint32_t mask = ss->access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF;
    char text[LOOK_TEXT];
    if (look_is_protected(w->look) && !(ss->access & SEGMENT_PRESENT))
        return ends(w, VECTOR_SS, error, "SS holds no segment: nothing can be pushed");
    for (unsigned i = 1; i <= pushes; i++) {
        uint32_t offset = (esp - i * size) & mask;
        if (segment_contains(ss, offset, size))
            continue;
        snprintf(text, sizeof text,
                 "the frame does not fit the stack %04X:%08X: base %08Xh, limit %08Xh%s",
                 ss->selector, esp, ss->base, ss->limit,
                 ss->access & SEGMENT_EXPAND_DOWN ? ", expand-down" : "");
        return ends(w, VECTOR_SS, error, text);
    }
    return false;
}

static bool stack_pages_end(struct walkthrough *w, const struct segment *ss, uint32_t esp,
                            unsigned cpl, unsigned size, unsigned pushes)
{
    uint32_t mask = ss->access & SEGMENT_BIG ? 0xFFFFFFFF : 0xFFFF;
    const struct look_access access = {MMU_WRITE, cpl == 3};
    for (unsigned i = 1; i <= pushes; i++) {
        uint32_t linear = ss->base + ((esp - i * size) & mask);
        if (page_faults(w, linear, access, "the stack"))
            return true;
        if ((linear & PAGE_MASK) + size > PAGE_SIZE &&
            page_faults(w, linear + size - 1, access, "the stack"))
            return true;
    }
    return false;
}

/* SS and ESP that the TSS has for the handler's level. */
static bool inner_stack_ends(struct walkthrough *w, unsigned cpl, struct segment *ss, uint32_t *esp)
{
    const struct segment *tr = &w->look->context.tr;
    bool is_32 = access_system_type(tr->access) & 8;
    unsigned word = is_32 ? 4 : 2, offset = is_32 ? 4 + cpl * 8 : 2 + cpl * 4;
    uint8_t bytes[6];
    char text[LOOK_TEXT];
    if (offset + word + 1 > tr->limit) {
        snprintf(text, sizeof text, "TSS %04X at %08Xh has limit %08Xh, no room for SS%u",
                 tr->selector, tr->base, tr->limit, cpl);
        return ends(w, VECTOR_TS, selector_error(tr->selector, w->ext), text);
    }
    if (cannot_read(w, tr->base + offset, bytes, word + 2, "the TSS"))
        return true;
    uint16_t selector = load_le16(bytes + word);
    *esp = is_32 ? load_le32(bytes) : load_le16(bytes);
    look_say(w->lines, "TSS %04X at %08Xh: stack for CPL %u is %04X:%08X", tr->selector, tr->base,
             cpl, selector, *esp);
    struct descriptor descriptor;
    if (!selector_is_null(selector) && cannot_find(w, selector, VECTOR_TS, &descriptor))
        return true;
    const char *wrong = look_stack_wrong(w->look, selector, cpl, VECTOR_TS, w->ext, w->fault);
    if (wrong)
        return ends(w, w->fault->vector, w->fault->error, wrong);
    *ss = segment_from_descriptor(selector, &descriptor);
    return false;
}

static bool frame_ends(struct walkthrough *w, const struct handler *handler)
{
    const struct fault_context *context = &w->look->context;
    struct segment ss = context->ss;
    uint32_t esp = context->esp, error = w->ext;
    unsigned pushes = w->event->has_error ? 4 : 3, cpl = context->cpl;
    if (handler->cpl < context->cpl) {
        if (inner_stack_ends(w, handler->cpl, &ss, &esp))
            return true;
        pushes += look_is_v86(w->look) ? 6 : 2;
        error = selector_error(ss.selector, w->ext);
        cpl = handler->cpl;
    }
    if (stack_ends(w, &ss, esp, error, handler->push_size, pushes))
        return true;
    if (handler->eip > handler->cs.limit)
        return ends(w, VECTOR_GP, w->ext, "the handler is beyond the limit of its code segment");
    return stack_pages_end(w, &ss, esp, cpl, handler->push_size, pushes);
}

/* --- gates --- */

static bool handler_ends(struct walkthrough *w, const struct descriptor *gate)
{
    bool is_32 = access_system_type(descriptor_access(gate)) & 8;
    uint16_t selector = (uint16_t)(gate->low >> 16);
    uint32_t error = selector_error(selector, w->ext);
    unsigned cpl = w->look->context.cpl;
    struct descriptor code;
    if (selector_is_null(selector))
        return ends(w, VECTOR_GP, w->ext, "the gate's selector is null");
    if (cannot_find(w, selector, VECTOR_GP, &code))
        return true;
    uint16_t access = descriptor_access(&code);
    if (!access_is_code(access))
        return ends(w, VECTOR_GP, error, "the handler's segment is no code segment");
    if (access_dpl(access) > cpl)
        return ends(w, VECTOR_GP, error, "the handler's segment is less privileged than the CPL");
    if (!(access & SEGMENT_PRESENT))
        return ends(w, VECTOR_NP, error, "the handler's segment is not present");
    struct handler handler = {
        .cs = segment_from_descriptor(selector, &code),
        .eip = (gate->low & 0xFFFF) | (is_32 ? gate->high & 0xFFFF0000 : 0),
        .cpl = access_is_conforming(access) ? cpl : access_dpl(access),
        .push_size = is_32 ? 4 : 2,
    };
    if (look_is_v86(w->look) && handler.cpl != 0)
        return ends(w, VECTOR_GP, error, "a handler of V86 mode must have CPL 0");
    return frame_ends(w, &handler);
}

static bool task_ends(struct walkthrough *w, const struct descriptor *gate)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);
    uint32_t error = selector_error(selector, w->ext), missing = 0;
    const struct segment *old = &w->look->context.tr;
    struct descriptor tss;
    if (selector & SELECTOR_TI || selector_is_null(selector))
        return ends(w, VECTOR_GP, error, "the selector of the TSS is null, or of the LDT");
    if (cannot_find(w, selector, VECTOR_GP, &tss))
        return true;
    uint16_t access = descriptor_access(&tss);
    int type = access_system_type(access);
    if (type != TYPE_TSS16 && type != TYPE_TSS32)
        return ends(w, VECTOR_GP, error, "it is no available TSS");
    if (!(access & SEGMENT_PRESENT))
        return ends(w, VECTOR_NP, error, "the TSS is not present");
    uint32_t size = type == TYPE_TSS32 ? 0x68 : 0x2C, base = descriptor_base(&tss);
    if (descriptor_limit(&tss) < size - 1)
        return ends(w, VECTOR_TS, error, "the limit of the TSS is too small");
    uint8_t bytes[0x68];
    if (!look_read(w->look, base, bytes, size, &missing))
        return page_faults(w, missing, (struct look_access){MMU_READ, false}, "the new TSS");
    bool old_32 = access_system_type(old->access) & 8;
    if ((old_32 ? 0x5Fu : 0x29u) > old->limit)
        return ends(w, VECTOR_TS, selector_error(old->selector, w->ext),
                    "the present TSS has no room for the registers: its limit is too small");
    const struct look_access write = {MMU_WRITE, false};
    return page_faults(w, old->base + (old_32 ? 0x20 : 0x0E), write, "the present TSS") ||
           page_faults(w, old->base + (old_32 ? 0x5F : 0x29), write, "the present TSS") ||
           page_faults(w, base, write, "the new TSS") ||
           page_faults(w, w->look->context.gdtr_base + selector + 5, write, "the GDT");
}

static bool protected_ends(struct walkthrough *w)
{
    const struct fault_context *context = &w->look->context;
    unsigned vector = w->event->vector;
    uint32_t error = vector * 8u + 2 + w->ext, linear = context->idtr_base + vector * 8;
    uint8_t bytes[8];
    char text[LOOK_TEXT];
    if (vector * 8 + 7 > context->idtr_limit) {
        snprintf(text, sizeof text, "the IDT ends before entry %u: base %08Xh, limit %04Xh", vector,
                 context->idtr_base, context->idtr_limit);
        return ends(w, VECTOR_GP, error, text);
    }
    if (cannot_read(w, linear, bytes, sizeof bytes, "the IDT"))
        return true;
    const struct descriptor gate = {load_le32(bytes), load_le32(bytes + 4)};
    uint16_t access = descriptor_access(&gate);
    int type = access_system_type(access);
    look_gate_text(&gate, text);
    look_say(w->lines, "IDT[%u] at %08Xh: %08X%08Xh: %s", vector, linear, gate.high, gate.low,
             text);
    if (type != TYPE_TASK_GATE && type != TYPE_INTERRUPT_GATE16 && type != TYPE_TRAP_GATE16 &&
        type != TYPE_INTERRUPT_GATE32 && type != TYPE_TRAP_GATE32)
        return ends(w, VECTOR_GP, error, "it is no interrupt, trap or task gate");
    if (w->event->kind == DELIVERY_SOFTWARE && access_dpl(access) < context->cpl)
        return ends(w, VECTOR_GP, error, "its DPL is lower than the CPL of the INT n");
    if (!(access & SEGMENT_PRESENT))
        return ends(w, VECTOR_NP, error, "it is not present");
    return type == TYPE_TASK_GATE ? task_ends(w, &gate) : handler_ends(w, &gate);
}

/* Real mode: the table has a CS:IP for each vector. */
static bool real_ends(struct walkthrough *w)
{
    const struct fault_context *context = &w->look->context;
    unsigned vector = w->event->vector;
    uint32_t linear = context->idtr_base + vector * 4;
    uint8_t bytes[4];
    char text[LOOK_TEXT];
    if (vector * 4 + 3 > context->idtr_limit) {
        snprintf(text, sizeof text,
                 "the interrupt vector table ends before entry %u: base %08Xh, limit %04Xh", vector,
                 context->idtr_base, context->idtr_limit);
        return ends(w, VECTOR_GP, vector * 8u + 2 + w->ext, text);
    }
    if (cannot_read(w, linear, bytes, sizeof bytes, "the interrupt vector table"))
        return true;
    struct handler handler = {
        .cs = context->cs, .eip = load_le16(bytes), .cpl = context->cpl, .push_size = 2};
    look_say(w->lines, "vector %u at %08Xh: %04X:%04X", vector, linear, load_le16(bytes + 2),
             load_le16(bytes));
    struct segment ss = context->ss;
    uint32_t esp = context->esp;
    if (stack_ends(w, &ss, esp, 0, 2, 3))
        return true;
    if (handler.eip > handler.cs.limit)
        return ends(w, VECTOR_GP, 0, "the handler is beyond the limit of the code segment");
    return stack_pages_end(w, &ss, esp, context->cpl, 2, 3);
}

bool look_event(const struct look *look, const struct look_event *event, json_t *lines,
                struct cpu_fault *fault)
{
    struct walkthrough w = {look, event, lines, fault, event->kind != DELIVERY_SOFTWARE};
    if (!look_is_protected(look))
        return real_ends(&w);
    bool through_8086 = look_is_v86(look) && event->kind == DELIVERY_SOFTWARE;
    if (through_8086 && look->context.cr4 & CR4_VME)
        return false; /* by the redirection bitmap, which is not looked at */
    if (through_8086 && (look->context.eflags & FLAG_IOPL) != FLAG_IOPL)
        return ends(&w, VECTOR_GP, 0, "INT n in V86 mode needs IOPL 3");
    return protected_ends(&w);
}
