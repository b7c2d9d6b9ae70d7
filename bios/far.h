/* 16-bit code only: memory of other segments. */
#ifndef BIOS_FAR_H
#define BIOS_FAR_H

#include "bios/bda.h"
#include "bios/bios.h"

#define FAR __seg_gs

static inline void set_gs(u16 segment)
{
    __asm__ volatile("movw %w0, %%gs" : : "r"(segment) : "memory");
}

static inline u8 far_read8(u16 segment, u16 offset)
{
    set_gs(segment);
    return *(volatile FAR u8 *)(u32)offset;
}

static inline u16 far_read16(u16 segment, u16 offset)
{
    set_gs(segment);
    return *(volatile FAR u16 *)(u32)offset;
}

static inline u32 far_read32(u16 segment, u16 offset)
{
    set_gs(segment);
    return *(volatile FAR u32 *)(u32)offset;
}

static inline void far_write8(u16 segment, u16 offset, u8 value)
{
    set_gs(segment);
    *(volatile FAR u8 *)(u32)offset = value;
}

static inline void far_write16(u16 segment, u16 offset, u16 value)
{
    set_gs(segment);
    *(volatile FAR u16 *)(u32)offset = value;
}

static inline void far_write32(u16 segment, u16 offset, u32 value)
{
    set_gs(segment);
    *(volatile FAR u32 *)(u32)offset = value;
}

/* Copies between any two segments; offsets wrap as the processor's do. */
void far_copy(u16 to_segment, u16 to, u16 from_segment, u16 from, u16 count);
void far_copy_words(u16 to_segment, u16 to, u16 from_segment, u16 from, u16 count);
void far_copy_down_words(u16 to_segment, u16 to, u16 from_segment, u16 from, u16 count);
void far_fill_words(u16 segment, u16 offset, u16 value, u16 count);
void far_fill(u16 segment, u16 offset, u8 value, u16 count);

/* Interrupt vectors. */
static inline u32 vector_get(u8 number)
{
    return far_read32(0, (u16)(number * 4));
}

static inline void vector_set(u8 number, u16 segment, u16 offset)
{
    far_write32(0, (u16)(number * 4), (u32)segment << 16 | offset);
}

/* Calls interrupt `number`, or far code at segment:offset as if by INT, with r loaded and stored
 * back. Interrupts may be served meanwhile. */
void call_interrupt(struct regs *r, u8 number);
void call_far(struct regs *r, u16 segment, u16 offset);

/* Lets pending interrupts in for a moment. */
void interrupt_window(void);
/* The same, and waits for one unless the processor runs a V86 monitor. */
void interrupt_wait(void);

#endif
