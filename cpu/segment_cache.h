/* The hidden part of a segment register (SDM 3A 3.4.3). */
#ifndef CPU_SEGMENT_CACHE_H
#define CPU_SEGMENT_CACHE_H

#include "snapshot/field.h"

#include <stdint.h>

/* Access rights as bits 8..23 of a descriptor's second doubleword, shifted down by 8. */
enum segment_access {
    SEGMENT_TYPE = 0x000F,
    SEGMENT_ACCESSED = 0x0001,    /* code and data */
    SEGMENT_WRITABLE = 0x0002,    /* data; readable for code */
    SEGMENT_EXPAND_DOWN = 0x0004, /* data; conforming for code */
    SEGMENT_CODE = 0x0008,
    SEGMENT_S = 0x0010, /* code or data; clear: system segment or gate */
    SEGMENT_DPL = 0x0060,
    SEGMENT_DPL_SHIFT = 5,
    SEGMENT_PRESENT = 0x0080,
    SEGMENT_AVL = 0x1000,
    SEGMENT_BIG = 0x4000, /* D/B */
    SEGMENT_GRANULAR = 0x8000,
};

/* What needs no check but offset + size - 1 <= limit (expand-up, present, permitted by type). */
enum segment_fast { SEGMENT_FAST_READ = 1, SEGMENT_FAST_WRITE = 2 };

struct segment {
    uint32_t base;
    uint32_t limit; /* in bytes, inclusive, granularity applied */
    uint16_t selector;
    uint16_t access; /* enum segment_access; 0 for a null selector in protected mode */
    uint32_t fast;   /* enum segment_fast; kept by segment_update_fast */
};
extern const struct field segment_fields[];

#endif
