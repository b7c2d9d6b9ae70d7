/* MOVS, CMPS, STOS, LODS, SCAS.
 *
 * A step function does one iteration with every check. Where both operands are plain memory, a bulk
 * function does many at once: as far as the page, the segment and the address size go, in either
 * direction. It may stop early; a step follows, and finds the fault, if any.
 *
 * Source: Intel SDM volume 2. The source segment may be overridden, the destination is ES. */
#include "cpu/alu.h"
#include "cpu/exec.h"
#include "cpu/repeat.h"

/* A run of elements in plain memory, from the one at host on, in the direction of DF. */
struct run {
    uint8_t *host;
    uint64_t count; /* 0: take a step */
};

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline struct run find_run(const struct cpu *cpu, const struct insn *insn,
                                  enum segment_register seg, enum gpr reg, uint32_t size,
                                  enum mmu_access access)
{
    struct run run = {0};
    uint32_t offset = string_register(cpu, insn, reg);
    uint32_t last = insn->flags & INSN_ADDRESS32 ? cpu->seg[seg].limit
                                                 : (uint32_t)smaller(cpu->seg[seg].limit, 0xFFFF);
    if ((uint64_t)offset + size - 1 > last)
        return run;
    run.host = mem_fast(cpu, seg, offset, size, access);
    if (!run.host)
        return run;
    uint32_t in_page = (cpu->seg[seg].base + offset) & PAGE_MASK;
    if (cpu->eflags & FLAG_DF)
        run.count = smaller(in_page, offset) / size + 1;
    else
        run.count = smaller(PAGE_SIZE - in_page, (uint64_t)last - offset + 1) / size;
    return run;
}

/* Moves the registers past count elements. */
static inline void advance(struct cpu *cpu, const struct insn *insn, bool source, bool destination,
                           uint32_t size, uint64_t count)
{
    uint32_t delta = string_delta(cpu, size) * (uint32_t)count;
    if (source)
        string_add(cpu, insn, REG_ESI, delta);
    if (destination)
        string_add(cpu, insn, REG_EDI, delta);
}

/* Copies count elements one after the other, as if overlap were not noticed. */
static inline void copy_elements(uint8_t *to, const uint8_t *from, uint32_t size, uint64_t count,
                                 bool down)
{
    uint64_t bytes = count * size;
    ptrdiff_t distance = to - from;
    if (down ? distance >= 0 || distance <= -(ptrdiff_t)bytes
             : distance <= 0 || distance >= (ptrdiff_t)bytes) {
        size_t back = down ? bytes - size : 0;
        memmove(to - back, from - back, bytes);
        return;
    }
    ptrdiff_t step = down ? -(ptrdiff_t)size : (ptrdiff_t)size;
    for (; count > 0; count--, to += step, from += step)
        memmove(to, from, size);
}

#define DEFINE_STRINGS(bits)                                                                       \
    static enum exec_result movs_step##bits(struct cpu *cpu, const struct insn *insn)              \
    {                                                                                              \
        UINT(bits) value;                                                                          \
        if (mem_read##bits(cpu, insn->segment, string_register(cpu, insn, REG_ESI), &value) ||     \
            mem_write##bits(cpu, SEG_ES, string_register(cpu, insn, REG_EDI), value))              \
            return EXEC_FAULT;                                                                     \
        advance(cpu, insn, true, true, (bits) / 8, 1);                                             \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static uint64_t movs_bulk##bits(struct cpu *cpu, const struct insn *insn, uint64_t count)      \
    {                                                                                              \
        const uint32_t size = (bits) / 8;                                                          \
        struct run from = find_run(cpu, insn, insn->segment, REG_ESI, size, MMU_READ);             \
        struct run to = find_run(cpu, insn, SEG_ES, REG_EDI, size, MMU_WRITE);                     \
        count = smaller(count, smaller(from.count, to.count));                                     \
        if (count == 0)                                                                            \
            return 0;                                                                              \
        copy_elements(to.host, from.host, size, count, cpu->eflags &FLAG_DF);                      \
        advance(cpu, insn, true, true, size, count);                                               \
        return count;                                                                              \
    }                                                                                              \
    static enum exec_result stos_step##bits(struct cpu *cpu, const struct insn *insn)              \
    {                                                                                              \
        if (mem_write##bits(cpu, SEG_ES, string_register(cpu, insn, REG_EDI),                      \
                            reg##bits(cpu, REG_EAX)))                                              \
            return EXEC_FAULT;                                                                     \
        advance(cpu, insn, false, true, (bits) / 8, 1);                                            \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static uint64_t stos_bulk##bits(struct cpu *cpu, const struct insn *insn, uint64_t count)      \
    {                                                                                              \
        const uint32_t size = (bits) / 8;                                                          \
        UINT(bits) value = reg##bits(cpu, REG_EAX);                                                \
        struct run to = find_run(cpu, insn, SEG_ES, REG_EDI, size, MMU_WRITE);                     \
        count = smaller(count, to.count);                                                          \
        if (count == 0)                                                                            \
            return 0;                                                                              \
        uint8_t *lowest = cpu->eflags & FLAG_DF ? to.host - (count - 1) * size : to.host;          \
        for (uint64_t i = 0; i < count; i++)                                                       \
            memcpy(lowest + i * size, &value, size);                                               \
        advance(cpu, insn, false, true, size, count);                                              \
        return count;                                                                              \
    }                                                                                              \
    static enum exec_result lods_step##bits(struct cpu *cpu, const struct insn *insn)              \
    {                                                                                              \
        UINT(bits) value;                                                                          \
        if (mem_read##bits(cpu, insn->segment, string_register(cpu, insn, REG_ESI), &value))       \
            return EXEC_FAULT;                                                                     \
        set_reg##bits(cpu, REG_EAX, value);                                                        \
        advance(cpu, insn, true, false, (bits) / 8, 1);                                            \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static uint64_t lods_bulk##bits(struct cpu *cpu, const struct insn *insn, uint64_t count)      \
    {                                                                                              \
        const uint32_t size = (bits) / 8;                                                          \
        UINT(bits) value;                                                                          \
        struct run from = find_run(cpu, insn, insn->segment, REG_ESI, size, MMU_READ);             \
        count = smaller(count, from.count);                                                        \
        if (count == 0)                                                                            \
            return 0;                                                                              \
        /* Only the last one remains. */                                                           \
        memcpy(&value, from.host + (int64_t)(count - 1) * (int32_t)string_delta(cpu, size), size); \
        set_reg##bits(cpu, REG_EAX, value);                                                        \
        advance(cpu, insn, true, false, size, count);                                              \
        return count;                                                                              \
    }                                                                                              \
    static enum exec_result scas_step##bits(struct cpu *cpu, const struct insn *insn)              \
    {                                                                                              \
        UINT(bits) value;                                                                          \
        if (mem_read##bits(cpu, SEG_ES, string_register(cpu, insn, REG_EDI), &value))              \
            return EXEC_FAULT;                                                                     \
        alu_sub##bits(cpu, reg##bits(cpu, REG_EAX), value);                                        \
        advance(cpu, insn, false, true, (bits) / 8, 1);                                            \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static uint64_t scas_bulk##bits(struct cpu *cpu, const struct insn *insn, uint64_t count)      \
    {                                                                                              \
        const uint32_t size = (bits) / 8;                                                          \
        bool while_equal = insn->flags & INSN_REP;                                                 \
        UINT(bits) value = 0, wanted = reg##bits(cpu, REG_EAX);                                    \
        struct run from = find_run(cpu, insn, SEG_ES, REG_EDI, size, MMU_READ);                    \
        ptrdiff_t step = (int32_t)string_delta(cpu, size);                                         \
        uint64_t done = 0;                                                                         \
        count = smaller(count, from.count);                                                        \
        for (bool go_on = true; go_on && done < count; done++, from.host += step) {                \
            memcpy(&value, from.host, size);                                                       \
            go_on = (value == wanted) == while_equal;                                              \
        }                                                                                          \
        if (done == 0)                                                                             \
            return 0;                                                                              \
        alu_sub##bits(cpu, wanted, value);                                                         \
        advance(cpu, insn, false, true, size, done);                                               \
        return done;                                                                               \
    }                                                                                              \
    static enum exec_result cmps_step##bits(struct cpu *cpu, const struct insn *insn)              \
    {                                                                                              \
        UINT(bits) a, b;                                                                           \
        /* Processors read the second operand first. */                                            \
        if (mem_read##bits(cpu, SEG_ES, string_register(cpu, insn, REG_EDI), &b) ||                \
            mem_read##bits(cpu, insn->segment, string_register(cpu, insn, REG_ESI), &a))           \
            return EXEC_FAULT;                                                                     \
        alu_sub##bits(cpu, a, b);                                                                  \
        advance(cpu, insn, true, true, (bits) / 8, 1);                                             \
        return EXEC_OK;                                                                            \
    }                                                                                              \
    static uint64_t cmps_bulk##bits(struct cpu *cpu, const struct insn *insn, uint64_t count)      \
    {                                                                                              \
        const uint32_t size = (bits) / 8;                                                          \
        bool while_equal = insn->flags & INSN_REP;                                                 \
        UINT(bits) a = 0, b = 0;                                                                   \
        struct run left = find_run(cpu, insn, insn->segment, REG_ESI, size, MMU_READ);             \
        struct run right = find_run(cpu, insn, SEG_ES, REG_EDI, size, MMU_READ);                   \
        ptrdiff_t step = (int32_t)string_delta(cpu, size);                                         \
        uint64_t done = 0;                                                                         \
        count = smaller(count, smaller(left.count, right.count));                                  \
        for (bool go_on = true; go_on && done < count; done++) {                                   \
            memcpy(&a, left.host, size);                                                           \
            memcpy(&b, right.host, size);                                                          \
            left.host += step;                                                                     \
            right.host += step;                                                                    \
            go_on = (a == b) == while_equal;                                                       \
        }                                                                                          \
        if (done == 0)                                                                             \
            return 0;                                                                              \
        alu_sub##bits(cpu, a, b);                                                                  \
        advance(cpu, insn, true, true, size, done);                                                \
        return done;                                                                               \
    }

FOR_EACH_SIZE(DEFINE_STRINGS)

#define DEFINE_STRING_EXEC(bits, s)                                                                \
    EXEC(exec_movs##s)                                                                             \
    {                                                                                              \
        return string_repeat_bulk(cpu, insn, movs_step##bits, movs_bulk##bits, false);             \
    }                                                                                              \
    EXEC(exec_stos##s)                                                                             \
    {                                                                                              \
        return string_repeat_bulk(cpu, insn, stos_step##bits, stos_bulk##bits, false);             \
    }                                                                                              \
    EXEC(exec_lods##s)                                                                             \
    {                                                                                              \
        return string_repeat_bulk(cpu, insn, lods_step##bits, lods_bulk##bits, false);             \
    }                                                                                              \
    EXEC(exec_scas##s)                                                                             \
    {                                                                                              \
        return string_repeat_bulk(cpu, insn, scas_step##bits, scas_bulk##bits, true);              \
    }                                                                                              \
    EXEC(exec_cmps##s)                                                                             \
    {                                                                                              \
        return string_repeat_bulk(cpu, insn, cmps_step##bits, cmps_bulk##bits, true);              \
    }

DEFINE_STRING_EXEC(8, b)
DEFINE_STRING_EXEC(16, v16)
DEFINE_STRING_EXEC(32, v32)
