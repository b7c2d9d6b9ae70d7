/* Descriptors, and the loading of segment registers.
 *
 * Error codes: a selector's index and TI bit, with EXT (1 or 0) as the lowest bit, given by the
 * caller (SDM 3A 6.13).
 *
 * Source: Intel SDM volume 3A, chapters 3 and 5. */
#ifndef CPU_SEGMENT_H
#define CPU_SEGMENT_H

#include "cpu/cpu.h"
#include "cpu/fault.h"
#include "cpu/system.h"

/* Eight bytes of a descriptor table. */
struct descriptor {
    uint32_t low, high;
};

/* Type field of system descriptors (S = 0), SDM 3A table 3-2. */
enum system_type {
    TYPE_TSS16 = 1,
    TYPE_LDT = 2,
    TYPE_TSS16_BUSY = 3,
    TYPE_CALL_GATE16 = 4,
    TYPE_TASK_GATE = 5,
    TYPE_INTERRUPT_GATE16 = 6,
    TYPE_TRAP_GATE16 = 7,
    TYPE_TSS32 = 9,
    TYPE_TSS32_BUSY = 11,
    TYPE_CALL_GATE32 = 12,
    TYPE_INTERRUPT_GATE32 = 14,
    TYPE_TRAP_GATE32 = 15,
};

enum { SELECTOR_RPL = 3, SELECTOR_TI = 4 };

/* Segment access bits of a descriptor: enum segment_access. */
static inline uint16_t descriptor_access(const struct descriptor *descriptor)
{
    return descriptor->high >> 8 & 0xF0FF;
}

static inline uint32_t descriptor_base(const struct descriptor *descriptor)
{
    return descriptor->low >> 16 | (descriptor->high & 0xFF) << 16 |
           (descriptor->high & 0xFF000000);
}

/* In bytes, granularity applied. */
static inline uint32_t descriptor_limit(const struct descriptor *descriptor)
{
    uint32_t limit = (descriptor->low & 0xFFFF) | (descriptor->high & 0xF0000);
    return descriptor_access(descriptor) & SEGMENT_GRANULAR ? limit << 12 | 0xFFF : limit;
}

static inline unsigned access_dpl(uint16_t access)
{
    return (access & SEGMENT_DPL) >> SEGMENT_DPL_SHIFT;
}

static inline bool access_is_code(uint16_t access)
{
    return (access & (SEGMENT_S | SEGMENT_CODE)) == (SEGMENT_S | SEGMENT_CODE);
}

static inline bool access_is_conforming(uint16_t access)
{
    return access_is_code(access) && access & SEGMENT_EXPAND_DOWN;
}

/* Data, or code that can be read. */
static inline bool access_is_readable(uint16_t access)
{
    return access & SEGMENT_S && (!(access & SEGMENT_CODE) || access & SEGMENT_WRITABLE);
}

static inline bool access_is_writable(uint16_t access)
{
    return (access & (SEGMENT_S | SEGMENT_CODE | SEGMENT_WRITABLE)) ==
           (SEGMENT_S | SEGMENT_WRITABLE);
}

/* Type of a system descriptor; -1 for code and data. */
static inline int access_system_type(uint16_t access)
{
    return access & SEGMENT_S ? -1 : access & SEGMENT_TYPE;
}

static inline bool selector_is_null(uint16_t selector)
{
    return !(selector & ~SELECTOR_RPL);
}

static inline uint32_t selector_error(uint16_t selector, uint32_t ext)
{
    return (selector & ~3u) | ext;
}

/* Linear address of the selector's descriptor; false when it is outside its table. */
bool descriptor_locate(const struct cpu *cpu, uint16_t selector, uint32_t *linear);
/* Reads a descriptor. Outside of the table: vector(selector + ext). The selector is not null. */
enum exec_result descriptor_read(struct cpu *cpu, uint16_t selector, struct descriptor *descriptor,
                                 enum vector vector, uint32_t ext) MUST_CHECK;
/* The same for a selector that may name nothing: *found is false, without a fault, when it is null
 * or outside of its table. Faults only where the table itself cannot be read. */
enum exec_result descriptor_find(struct cpu *cpu, uint16_t selector, struct descriptor *descriptor,
                                 bool *found) MUST_CHECK;

struct segment segment_from_descriptor(uint16_t selector, const struct descriptor *descriptor);
/* A register as 8086-style loading leaves it, from its present contents. */
struct segment segment_from_real(const struct cpu *cpu, enum segment_register seg,
                                 uint16_t selector);

/* Sets the accessed bit of a code or data segment that is about to be loaded, in its descriptor and
 * in *segment: behind all checks, since a load that faults leaves the bit alone. */
enum exec_result segment_mark_accessed(struct cpu *cpu, struct segment *segment) MUST_CHECK;

/* Installs a cache, and what depends on it (fast bits, stack mask). */
void segment_set(struct cpu *cpu, enum segment_register seg, const struct segment *segment);
/* Null selector in protected mode. */
void segment_set_null(struct cpu *cpu, enum segment_register seg, uint16_t selector);
/* Recomputes the segment's fast bits for the present mode, and cpu->code_mode. */
void segment_update_fast(struct cpu *cpu, enum segment_register seg);

/* MOV, POP, LDS and so on to ES, SS, DS, FS, GS in every mode: all checks, then the load. */
enum exec_result segment_load(struct cpu *cpu, enum segment_register seg,
                              uint16_t selector) MUST_CHECK;

/* A stack segment for CPL cpl: reads and checks; faults are vector(selector + ext), #SS(selector +
 * ext) when not present. Does not mark it accessed. */
enum exec_result segment_check_stack(struct cpu *cpu, uint16_t selector, unsigned cpl,
                                     enum vector vector, uint32_t ext,
                                     struct segment *segment) MUST_CHECK;

/* Whether [offset, offset + size) lies within the segment: limit only, expand-down too. */
bool segment_contains(const struct segment *segment, uint32_t offset, uint32_t size);

#endif
