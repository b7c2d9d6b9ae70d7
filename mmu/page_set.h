/* A set of physical pages, a bit each. */
#ifndef MMU_PAGE_SET_H
#define MMU_PAGE_SET_H

#include "mmu/physmem.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PAGE_SET_SIZE = 1 << (32 - PAGE_SHIFT - 3) }; /* bytes, from mem_map; zero: empty */

/* address: of any byte of the page. */
static inline void page_set_add(uint8_t *set, uint32_t address)
{
    set[address >> (PAGE_SHIFT + 3)] |= (uint8_t)(1 << (address >> PAGE_SHIFT & 7));
}

/* Takes the pages of [first, last] out of the set; returns false if none was in it. A range that is
 * neither one page nor everything stays as it is. */
static inline bool page_set_take(uint8_t *set, uint32_t first, uint32_t last)
{
    if (first >> PAGE_SHIFT == last >> PAGE_SHIFT) {
        uint8_t *byte = &set[first >> (PAGE_SHIFT + 3)], bit = 1 << (first >> PAGE_SHIFT & 7);
        bool was_in = *byte & bit;
        *byte &= (uint8_t)~bit;
        return was_in;
    }
    if (first == 0 && last == UINT32_MAX)
        memset(set, 0, PAGE_SET_SIZE);
    return true;
}

#endif
