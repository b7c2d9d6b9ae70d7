/* Tests of the firmware's services, run in real mode from a boot sector. A test prints "ok NAME" or
 * "not ok NAME (line)" to port E9h, then "passed N failed M", and ends the machine through port
 * 501h with the number of failures. */
#ifndef TESTS_BIOS_BIOS_TEST_H
#define TESTS_BIOS_BIOS_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#define WORD(letter)                                                                               \
    union {                                                                                        \
        u32 e##letter##x;                                                                          \
        u16 letter##x;                                                                             \
        struct {                                                                                   \
            u8 letter##l, letter##h;                                                               \
        };                                                                                         \
    }

struct registers {
    union {
        u32 edi;
        u16 di;
    };
    union {
        u32 esi;
        u16 si;
    };
    union {
        u32 ebp;
        u16 bp;
    };
    WORD(b);
    WORD(d);
    WORD(c);
    WORD(a);
    u16 ds, es, flags;
};

#define CARRY 0x0001
#define ZERO  0x0040

extern u8 boot_drive;
extern volatile u32 hook_counts[4];
extern u32 hook_old[4];
void hook_0(void);
void hook_1(void);
void hook_2(void);
void hook_3(void);
void chain_0(void);

void bios_call(struct registers *r, unsigned number);

static inline bool carry(const struct registers *r)
{
    return r->flags & CARRY;
}

/* Each image has one. */
void test_main(void);
void test_end(void);
void test_check(bool good, const char *name, int line);
#define CHECK(name, condition) test_check(condition, name, __LINE__)
void test_note(const char *text, u32 value);

/* Memory anywhere below 1 MiB + 64 KiB. */
u8 peek8(u16 segment, u16 offset);
u16 peek16(u16 segment, u16 offset);
u32 peek32(u16 segment, u16 offset);
void poke8(u16 segment, u16 offset, u8 value);
void poke16(u16 segment, u16 offset, u16 value);
void poke32(u16 segment, u16 offset, u32 value);

/* Interrupt vectors; hook number n to one of the handlers above, keeping the old one for chain_0 or
 * restore. */
void vector_hook(u8 number, unsigned n, void (*handler)(void));
void vector_restore(u8 number, unsigned n);

/* Bytes equal. */
bool same(const void *a, const void *b, u32 count);

/* Ticks of 40:6C: waits at least n. */
void wait_ticks(u32 n);

static inline u8 inb(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void outb(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

#endif
