/* See cpu/points.h. */
#include "cpu/points.h"

#include "base/memory.h"
#include "cpu/code.h"

struct points {
    struct cpu *cpu;
    point_listener *hit;
    void *opaque;
    struct point list[POINTS_MAX];
    unsigned count;
    bool has_stopped;
    /* points_pass: where and when. */
    uint32_t passed_linear;
    uint64_t passed_icount;
    bool has_passed;
    /* Places in a page where blocks are cut. They stay when a breakpoint is removed: debuggers set
     * theirs again and again, and cutting throws blocks away. */
    uint64_t cuts[PAGE_SIZE / 64];
    unsigned cut_count;
};

enum { CUTS_MAX = 64 }; /* then the ones without a breakpoint are forgotten */

struct points *points_new(struct cpu *cpu)
{
    struct points *points = mem_new(sizeof *points);
    points->cpu = cpu;
    cpu->points = points;
    return points;
}

void points_free(struct points *points)
{
    if (!points)
        return;
    points_remove_all(points);
    points->cpu->points = NULL;
    if (points->cut_count)
        code_flush(points->cpu->code);
    mem_free(points);
}

void points_set_listener(struct points *points, point_listener *hit, void *opaque)
{
    points->hit = hit;
    points->opaque = opaque;
}

/* --- cutting blocks --- */

static void cut(struct points *points, uint32_t linear)
{
    uint32_t place = linear & PAGE_MASK;
    if (points->cuts[place / 64] >> place % 64 & 1)
        return;
    points->cuts[place / 64] |= UINT64_C(1) << place % 64;
    points->cut_count++;
    code_forget_place(points->cpu->code, place);
}

/* The blocks that were cut in vain grow whole again when they are decoded the next time. */
static void forget_cuts(struct points *points)
{
    memset(points->cuts, 0, sizeof points->cuts);
    points->cut_count = 0;
    code_flush(points->cpu->code);
    for (unsigned i = 0; i < points->count; i++)
        if (points->list[i].kind == POINT_EXECUTE)
            cut(points, points->list[i].linear);
}

bool points_cut(const struct points *points, uint32_t physical)
{
    uint32_t place = physical & PAGE_MASK;
    return points && points->cuts[place / 64] >> place % 64 & 1;
}

/* --- watching pages --- */

static unsigned slow_accesses(enum point_kind kind)
{
    const unsigned write = 1u << MMU_WRITE, read = 1u << MMU_READ;
    switch (kind) {
    case POINT_WRITE:
        return write;
    case POINT_READ:
        return read;
    case POINT_ACCESS:
        return read | write;
    default:
        return 0;
    }
}

static bool touches_page(const struct point *point, uint32_t page)
{
    uint32_t first = point->linear >> PAGE_SHIFT;
    uint32_t last = (point->linear + point->size - 1) >> PAGE_SHIFT;
    return first <= last ? page >= first && page <= last : page >= first || page <= last;
}

static void watch_page(struct points *points, uint32_t page)
{
    unsigned slow = 0;
    for (unsigned i = 0; i < points->count; i++)
        if (touches_page(&points->list[i], page))
            slow |= slow_accesses(points->list[i].kind);
    mmu_watch_page(points->cpu->mmu, page << PAGE_SHIFT, slow);
}

static void watch_pages(struct points *points, const struct point *point)
{
    if (point->kind == POINT_EXECUTE)
        return;
    uint32_t page = point->linear >> PAGE_SHIFT;
    uint32_t last = (point->linear + point->size - 1) >> PAGE_SHIFT;
    for (watch_page(points, page); page != last;) {
        page = (page + 1) & (UINT32_MAX >> PAGE_SHIFT);
        watch_page(points, page);
    }
}

/* --- the list --- */

bool points_add(struct points *points, const struct point *point)
{
    if (points->count == POINTS_MAX || !point->size)
        return false;
    points->list[points->count++] = *point;
    if (point->kind == POINT_EXECUTE) {
        if (points->cut_count >= CUTS_MAX && !points_cut(points, point->linear))
            forget_cuts(points);
        cut(points, point->linear);
    }
    watch_pages(points, point);
    return true;
}

bool points_remove(struct points *points, const struct point *point)
{
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *one = &points->list[i];
        if (one->kind != point->kind || one->linear != point->linear || one->size != point->size ||
            one->tag != point->tag)
            continue;
        points->list[i] = points->list[--points->count];
        watch_pages(points, point);
        return true;
    }
    return false;
}

void points_remove_all(struct points *points)
{
    while (points->count) {
        struct point last = points->list[--points->count];
        watch_pages(points, &last);
    }
}

bool points_watch_data(const struct points *points)
{
    for (unsigned i = 0; i < points->count; i++)
        if (points->list[i].kind != POINT_EXECUTE)
            return true;
    return false;
}

/* --- hits --- */

static bool tell(struct points *points, const struct point *point, uint32_t linear)
{
    struct point_hit hit = {*point, linear, cpu_icount(points->cpu)};
    if (!points->hit || !points->hit(points->opaque, &hit))
        return false;
    points->cpu->attention |= ATTENTION_STOP;
    return true;
}

void points_pass(struct points *points, bool goes_on)
{
    const struct cpu *cpu = points->cpu;
    points->passed_linear = cpu->seg[SEG_CS].base + cpu->eip;
    points->passed_icount = cpu_icount(cpu);
    points->has_passed = goes_on;
}

static bool is_passed(const struct points *points, uint32_t linear)
{
    const struct cpu *cpu = points->cpu;
    return points->has_passed && points->passed_linear == linear &&
           points->passed_icount == cpu_icount(cpu);
}

bool points_stop_here(struct points *points)
{
    const struct cpu *cpu = points->cpu;
    uint32_t linear = cpu->seg[SEG_CS].base + cpu->eip;
    /* Where a slice of the run ends between two iterations must not be seen. */
    if (cpu->repeating || !points->hit)
        return false;
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *point = &points->list[i];
        if (point->kind != POINT_EXECUTE || point->linear != linear || is_passed(points, linear))
            continue;
        points->has_stopped = tell(points, point, linear);
        return points->has_stopped;
    }
    return false;
}

bool points_take_stop(struct points *points)
{
    bool has_stopped = points && points->has_stopped;
    if (has_stopped)
        points->has_stopped = false;
    return has_stopped;
}

static bool watches(enum point_kind kind, bool write)
{
    return kind == POINT_ACCESS || (write ? kind == POINT_WRITE : kind == POINT_READ);
}

void points_note_data(struct points *points, uint32_t linear, unsigned size, bool write)
{
    for (unsigned i = 0; i < points->count; i++) {
        const struct point *point = &points->list[i];
        /* Distances, so that ranges may touch the end of the address space. */
        bool overlaps = linear - point->linear < point->size || point->linear - linear < size;
        if (!overlaps || !watches(point->kind, write))
            continue;
        tell(points, point, linear - point->linear < point->size ? linear : point->linear);
    }
}
