/* What assembly and C must agree on about segments. */
#ifndef BIOS_SEGMENTS_H
#define BIOS_SEGMENTS_H

#define SEG_BDA  0x0040
#define SEG_EBDA 0x9FC0
#define SEG_CODE 0xF000
#define SEG_DATA 0xE000

/* Top of the firmware's stack, an offset in SEG_DATA. */
/* The PCI interrupt routing table, at a multiple of 16 in SEG_CODE. */
#define PIR_OFFSET 0xE100

#define STACK_TOP 0xFFF0
/* When less is left, handlers have kept what they were called on (by never coming back): the stack
 * starts anew. */
#define STACK_FLOOR 0xDC00
/* What a caller's interrupt handler may use of that stack before it calls the firmware again. */
#define STACK_RESERVE 1024

#endif
