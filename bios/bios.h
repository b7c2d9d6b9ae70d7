/* What every part of the firmware shares: types, port access, memory of other segments, the
 * registers of a caller.
 *
 * The 16-bit services run with CS = F000h and DS = ES = SS = E000h. The upper 16 KiB of that
 * segment (EC000h-EFFFFh) are shadow RAM that stays writable: the firmware's own variables and
 * stack. The lower 48 KiB hold constants and the 32-bit initialisation code. FS is the BIOS data
 * area (40h), GS is free for the memory of callers. ARCHITECTURE of the segments: bios.ld, stubs.S.
 */
#ifndef BIOS_BIOS_H
#define BIOS_BIOS_H

#include "bios/segments.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIOS_VERSION "0.1"

#define FLAG_CF 0x0001
#define FLAG_PF 0x0004
#define FLAG_ZF 0x0040
#define FLAG_TF 0x0100
#define FLAG_IF 0x0200

#define REGISTER(letter)                                                                           \
    union {                                                                                        \
        u32 e##letter##x;                                                                          \
        u16 letter##x;                                                                             \
        struct {                                                                                   \
            u8 letter##l, letter##h;                                                               \
        };                                                                                         \
    }
#define INDEX(name)                                                                                \
    union {                                                                                        \
        u32 e##name;                                                                               \
        u16 name;                                                                                  \
    }

/* The caller's registers; stubs.S fills it and puts it back. The offsets are fixed there. */
struct regs {
    INDEX(di);   /* 0 */
    INDEX(si);   /* 4 */
    INDEX(bp);   /* 8 */
    REGISTER(b); /* 12 */
    REGISTER(d); /* 16 */
    REGISTER(c); /* 20 */
    REGISTER(a); /* 24 */
    u16 ds, es;  /* 28, 30 */
    u16 fs, gs;  /* 32, 34 */
    u32 stack;   /* 36: ESP at the interrupt frame, for a service called by INT */
    u16 ss;      /* 40 */
    u16 handler; /* 42 */
    u16 flags;   /* 44: the FLAGS image that IRET will load */
    u16 ip, cs;  /* 46, 48: where the caller goes on */
    u16 again;   /* 50: the service has to be called again after the next interrupt */
};

static inline u8 inb(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u16 inw(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u32 inl(u16 port)
{
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void outb(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/* An ISA delay of about a microsecond: a write to the POST port, which nothing decodes. */
static inline void io_delay(void)
{
    outb(0xED, 0);
}

static inline u8 cmos_read(u8 index)
{
    outb(0x70, index | 0x80);
    u8 value = inb(0x71);
    outb(0x70, 0x0D);
    return value;
}

static inline void cmos_write(u8 index, u8 value)
{
    outb(0x70, index | 0x80);
    outb(0x71, value);
    outb(0x70, 0x0D);
}

static inline u8 from_bcd(u8 value)
{
    return (u8)((value >> 4) * 10 + (value & 15));
}

static inline u8 to_bcd(u8 value)
{
    return (u8)(value / 10 << 4 | value % 10);
}

#endif
