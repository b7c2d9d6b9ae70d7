/* Guest memory as instructions see it: segment and offset, little-endian, with every check.
 *
 * Each function first tries the fast path (plain segment, TLB hit, no page crossing) inline; the
 * slow path (cpu/access.c) does limits, types, expand-down, wrap-around, alignment checks, data
 * breakpoints, page walks and MMIO, and raises #GP, #SS, #AC or #PF.
 *
 * Read-modify-write instructions read through mem_rmw_*, which proves that the write will succeed,
 * compute, and then store with mem_rmw_store*, which cannot fault. */
#ifndef CPU_ACCESS_H
#define CPU_ACCESS_H

#include "base/bits.h"
#include "cpu/cpu.h"
#include "cpu/fault.h"

/* --- slow paths, any size 1..16 --- */
enum exec_result mem_read_slow(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                               void *bytes, unsigned size) MUST_CHECK;
enum exec_result mem_write_slow(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                const void *bytes, unsigned size) MUST_CHECK;
/* As mem_write_slow would, without writing: later writes of the same bytes cannot fault. */
enum exec_result mem_check_write(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                 unsigned size) MUST_CHECK;

/* Limit and type alone; size is not bounded. */
enum exec_result mem_check_segment(struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                   unsigned size, bool write) MUST_CHECK;

/* --- by linear address, with supervisor rights whatever the CPL: descriptor tables, TSS --- */
enum exec_result sys_read(struct cpu *cpu, uint32_t linear, void *bytes, unsigned size) MUST_CHECK;
enum exec_result sys_write(struct cpu *cpu, uint32_t linear, const void *bytes,
                           unsigned size) MUST_CHECK;

/* Host address for a plain access, or NULL for the slow path. */
static inline uint8_t *mem_fast(const struct cpu *cpu, enum segment_register seg, uint32_t offset,
                                unsigned size, enum mmu_access access)
{
    const struct segment *segment = &cpu->seg[seg];
    uint32_t need = access == MMU_WRITE ? SEGMENT_FAST_WRITE : SEGMENT_FAST_READ;
    if (UNLIKELY(!(segment->fast & need) || (uint64_t)offset + size - 1 > segment->limit))
        return NULL;
    return mmu_probe(cpu->mmu, segment->base + offset, size, access);
}

#define DEFINE_MEM_ACCESS(bits)                                                                    \
    static inline MUST_CHECK enum exec_result mem_read##bits(                                      \
        struct cpu *cpu, enum segment_register seg, uint32_t offset, uint##bits##_t *value)        \
    {                                                                                              \
        const uint8_t *host = mem_fast(cpu, seg, offset, sizeof *value, MMU_READ);                 \
        if (UNLIKELY(!host))                                                                       \
            return mem_read_slow(cpu, seg, offset, value, sizeof *value);                          \
        memcpy(value, host, sizeof *value);                                                        \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static inline MUST_CHECK enum exec_result mem_write##bits(                                     \
        struct cpu *cpu, enum segment_register seg, uint32_t offset, uint##bits##_t value)         \
    {                                                                                              \
        uint8_t *host = mem_fast(cpu, seg, offset, sizeof value, MMU_WRITE);                       \
        if (UNLIKELY(!host))                                                                       \
            return mem_write_slow(cpu, seg, offset, &value, sizeof value);                         \
        memcpy(host, &value, sizeof value);                                                        \
        return EXEC_OK;                                                                            \
    }

DEFINE_MEM_ACCESS(8)
DEFINE_MEM_ACCESS(16)
DEFINE_MEM_ACCESS(32)
DEFINE_MEM_ACCESS(64)

/* A location between its read and its write. host is NULL on the slow path. */
struct mem_rmw {
    uint8_t *host;
    enum segment_register seg;
    uint32_t offset;
};

/* The slow half of a store after a successful mem_rmw; cannot fault. */
void mem_rmw_store_slow(struct cpu *cpu, const struct mem_rmw *rmw, const void *bytes,
                        unsigned size);
enum exec_result mem_rmw_slow(struct cpu *cpu, struct mem_rmw *rmw, void *bytes,
                              unsigned size) MUST_CHECK;

#define DEFINE_MEM_RMW(bits)                                                                       \
    static inline MUST_CHECK enum exec_result mem_rmw##bits(                                       \
        struct cpu *cpu, enum segment_register seg, uint32_t offset, struct mem_rmw *rmw,          \
        uint##bits##_t *value)                                                                     \
    {                                                                                              \
        *rmw =                                                                                     \
            (struct mem_rmw){mem_fast(cpu, seg, offset, sizeof *value, MMU_WRITE), seg, offset};   \
        if (UNLIKELY(!rmw->host))                                                                  \
            return mem_rmw_slow(cpu, rmw, value, sizeof *value);                                   \
        memcpy(value, rmw->host, sizeof *value);                                                   \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static inline void mem_rmw_store##bits(struct cpu *cpu, const struct mem_rmw *rmw,             \
                                           uint##bits##_t value)                                   \
    {                                                                                              \
        if (LIKELY(rmw->host != NULL))                                                             \
            memcpy(rmw->host, &value, sizeof value);                                               \
        else                                                                                       \
            mem_rmw_store_slow(cpu, rmw, &value, sizeof value);                                    \
    }

DEFINE_MEM_RMW(8)
DEFINE_MEM_RMW(16)
DEFINE_MEM_RMW(32)

/* --- the stack: SS, ESP or SP by stack_mask --- */

static inline void stack_set_pointer(struct cpu *cpu, uint32_t esp)
{
    cpu->gpr[REG_ESP] = (cpu->gpr[REG_ESP] & ~cpu->stack_mask) | (esp & cpu->stack_mask);
}

#define DEFINE_STACK(bits)                                                                         \
    /* Pushes; ESP changes only if the write succeeded. */                                         \
    static inline MUST_CHECK enum exec_result stack_push##bits(struct cpu *cpu,                    \
                                                               uint##bits##_t value)               \
    {                                                                                              \
        uint32_t esp = cpu->gpr[REG_ESP] - (bits) / 8;                                             \
        if (mem_write##bits(cpu, SEG_SS, esp & cpu->stack_mask, value))                            \
            return EXEC_FAULT;                                                                     \
        stack_set_pointer(cpu, esp);                                                               \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    /* Reads the word `skip` bytes above the top; ESP does not change. */                          \
    static inline MUST_CHECK enum exec_result stack_peek##bits(struct cpu *cpu, uint32_t skip,     \
                                                               uint##bits##_t *value)              \
    {                                                                                              \
        return mem_read##bits(cpu, SEG_SS, (cpu->gpr[REG_ESP] + skip) & cpu->stack_mask, value);   \
    }

DEFINE_STACK(16)
DEFINE_STACK(32)

#endif
