/* Real-address mode for tests: 16-bit snippets that run there and come back. */
#ifndef TESTS_BARE_REAL_H
#define TESTS_BARE_REAL_H

#include "rings.h"

/* What the snippet left: how it ended, and its registers then. */
struct real_state {
    uint32_t vector; /* REAL_RETURNED, or the vector of the interrupt or exception that ended it */
    uint16_t ip, cs, flags, sp; /* from the handler's frame; sp is what it was before the frame */
    uint32_t eax, ebx, ecx, edx, esi, edi;
} __attribute__((packed));
enum { REAL_RETURNED = 0xFFFF };

/* Where things are: CS = 0800h, SS:SP = 0900h:0FFCh, DS = FS = 0A00h, ES = GS = 0. */
enum { REAL_CODE = 0x8000, REAL_STACK = 0x9000, REAL_DATA = 0xA000, REAL_SP = 0xFFC };

/* Runs [code, end), which ends with RETF or by an interrupt. Vectors 0 to 31 and 60h end it; others
 * are the snippet's own. flat: ES has base 0 and limit 4 GiB ("big real mode"). */
struct real_state real_run(const uint8_t *code, const uint8_t *end, bool flat);
#define REAL(name) real_run(name, name##_end, false)

#define REAL_SNIPPET(name, text) SNIPPET(name, ".code16\n" text "\n.code32\n")

#endif
