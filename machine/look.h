/* What the processor looks at when it translates an address or delivers an event, in words: page
 * tables, descriptor tables, task states. By the registers as they are now, or as they were when a
 * fault was raised. Nothing is changed, chips' registers are not read.
 *
 * Results are JSON for programs; where an object has a member "text", that is the same for people,
 * without a newline. Addresses and values are integers; entries wider than 32 bits, whose 64 bits
 * JSON cannot hold, are strings of hexadecimal digits. */
#ifndef MACHINE_LOOK_H
#define MACHINE_LOOK_H

#include "cpu/segment.h"
#include "machine/machine.h"
#include "mmu/walk.h"

#include <jansson.h>

struct look {
    struct machine *machine;
    struct fault_context context;
    struct mmu mmu; /* for walks by context; it has no TLB of its own */
};

/* By the present registers, and by those of a moment. */
void look_now(struct look *look, struct machine *machine);
void look_at(struct look *look, struct machine *machine, const struct fault_context *context);

static inline bool look_is_protected(const struct look *look)
{
    return look->context.cr0 & CR0_PE;
}

static inline bool look_is_v86(const struct look *look)
{
    return look->context.eflags & FLAG_VM;
}

/* --- memory (look_memory.c) --- */

/* Reads size bytes of linear memory as the system does; false (*missing has the address) when a
 * page is not mapped. */
bool look_read(const struct look *look, uint32_t linear, void *bytes, unsigned size,
               uint32_t *missing);

/* An access that is made or was refused. */
struct look_access {
    enum mmu_access access;
    bool user;
};
/* Whether it succeeds at linear; and if not, with which error code. */
bool look_translates(const struct look *look, uint32_t linear, struct look_access access,
                     uint32_t *error);
/* The walk of one address: "linear", "paging", "entries" (each "name", "index", "address", "value",
 * "flags", "wrong": null or why the walk ends there), "mapped", and "physical", "page_size",
 * "user", "supervisor" (rights: some of "rwx"). access (may be NULL): what is wrong for it, too. */
json_t *look_walk(const struct look *look, uint32_t linear, const struct look_access *access);
/* Ranges of equal rights from linear on, at most count: "ranges", and "next", where to go on. */
json_t *look_ranges(const struct look *look, uint32_t linear, unsigned count);

/* --- descriptors (look_tables.c) --- */

enum { LOOK_TEXT = 200 };

/* "code, 32-bit, base 00000000h, limit FFFFFFFFh, DPL 0, present, readable, accessed" */
void look_descriptor_text(const struct descriptor *descriptor, char text[LOOK_TEXT]);
/* The same for an entry of the IDT, where code and data mean nothing. */
void look_gate_text(const struct descriptor *gate, char text[LOOK_TEXT]);
/* What makes a descriptor of the GDT or LDT unfit for any use; NULL: nothing. */
const char *look_descriptor_wrong(const struct descriptor *descriptor, bool in_ldt);
/* The descriptor that a selector names. False: there is none; why (NULL: not wanted) says so. */
bool look_descriptor(const struct look *look, uint16_t selector, struct descriptor *descriptor,
                     char why[LOOK_TEXT]);
/* "GDT[2] at 00001010h: 00CF92000000FFFFh: data, ..." */
void look_selector_text(const struct look *look, uint16_t selector, char text[LOOK_TEXT]);
/* What keeps selector from being loaded as a stack segment for cpl, by the processor's order of
 * checks; NULL: nothing. */
const char *look_stack_wrong(const struct look *look, uint16_t selector, unsigned cpl,
                             enum vector vector, uint32_t ext, struct cpu_fault *fault);

/* Rows of the tables: "entries", each with "text" and "wrong" (null: nothing); empty ones are left
 * out. only: -1, or the selector or vector that is wanted. */
json_t *look_gdt(const struct look *look, int only);
json_t *look_ldt(const struct look *look, int only);
json_t *look_idt(const struct look *look, int only);
/* The task state segment of TR, or that a selector names. NULL: why says that it is none. */
json_t *look_tss(const struct look *look, int selector, char why[LOOK_TEXT]);

/* --- events (look_event.c) --- */

/* How the delivery of an event ends, step by step, by the same checks and in the same order as the
 * processor's: adds lines to an array of strings. fault gets the one that it ends with; false: it
 * succeeds, as far as can be seen. */
struct look_event {
    uint8_t vector;
    enum delivery_kind kind;
    bool has_error;
};
bool look_event(const struct look *look, const struct look_event *event, json_t *lines,
                struct cpu_fault *fault);

/* --- faults (look_fault.c) --- */

/* "#GP general protection"; "interrupt" for those that are no exceptions. */
const char *look_vector_name(unsigned vector);
/* Why an instruction raised the fault: adds lines. look is by the record's context. */
void look_fault(const struct look *look, const struct fault_record *record, json_t *lines);

/* Adds a line, as printf makes it. */
void look_say(json_t *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
