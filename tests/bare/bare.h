/* What a bare-metal test image is written with.
 *
 * An image is one C file in tests/bare that defines bare_tests(), linked with start.S and bare.c,
 * loaded at 1 MiB by multiboot in flat 32-bit protected mode, interrupts off. It says a line for
 * every failed check and at the end "N passed, M failed" on port E9h and COM1, and leaves through
 * the debug-exit port with 0 when nothing failed. Run one by hand:
 *
 *     anachron run --multiboot build/tests/bare/NAME.elf --display none --debugcon stdio
 *     qemu-system-i386 -kernel build/tests/bare/NAME.elf -display none -debugcon stdio \
 *         -device isa-debug-exit,iobase=0xf4
 */
#ifndef TESTS_BARE_BARE_H
#define TESTS_BARE_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The image's tests; returns when all are done. */
void bare_tests(void);

/* Counts a check. where names the manual and section, what the expectation. */
void bare_check(bool good, const char *where, const char *what);
#define CHECK(where, condition) bare_check((condition), (where), #condition)
/* The same for two values, which are printed when they differ. */
void bare_check_equal(uint32_t got, uint32_t want, const char *where, const char *what);
#define CHECK_EQUAL(where, got, want) bare_check_equal((got), (want), (where), #got " == " #want)

/* printf with %s %d %u %x %X %c %% only, and width with zeros ("%08x"). */
void bare_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the run at once with status 1. */
_Noreturn void bare_fail(const char *why);

/* --- random numbers: the same ones on every machine --- */

extern uint32_t bare_seed; /* not 0 */
/* 0 to count - 1. */
uint32_t bare_pick(uint32_t count);
/* True once in one_in. */
bool bare_chance(uint32_t one_in);

/* --- exceptions and interrupts --- */

struct trap_frame {
    uint32_t es, ds;
    uint32_t edi, esi, ebp, esp_at_trap, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
    uint32_t esp, ss;                        /* from an outer level only */
    uint32_t v86_es, v86_ds, v86_fs, v86_gs; /* from V86 mode only */
};

/* The last exception that bare_try caught. */
struct caught {
    uint32_t vector, error, eip, cs, eflags, cr2;
};
extern struct caught bare_caught;
/* The whole frame of that exception; what the processor did not push means nothing. */
extern struct trap_frame bare_frame;

/* Runs function(argument). False: it returned. True: it faulted, and bare_caught says how. Works
 * for faults at CPL 0 to 3 and from V86 mode. Not to be nested. */
bool bare_try(void (*function)(void *), void *argument);

/* Installs a handler for a vector instead of catching; it may change the frame. NULL removes it. */
typedef void bare_handler(struct trap_frame *frame);
void bare_set_handler(unsigned vector, bare_handler *handler);

/* The tables, for tests that change them. */
struct gate {
    uint16_t offset_low, selector, type, offset_high; /* type: bits 8..15 are P, DPL, type */
};
extern struct gate bare_idt[256];
extern uint64_t bare_gdt[128];
extern uint8_t bare_stubs[256][16];
extern uint32_t bare_multiboot_info;
extern uint8_t bare_stack_top[];
enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_USER_CODE = 0x1B, SEL_USER_DATA = 0x23 };

/* A code or data descriptor; access: type, S, DPL, P; flags: G, D/B, AVL in bits 3..0. */
static inline uint64_t bare_descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
    return (limit & 0xFFFFu) | (uint64_t)(base & 0xFFFFFFu) << 16 | (uint64_t)access << 40 |
           (uint64_t)(limit >> 16 & 0xF) << 48 | (uint64_t)flags << 52 |
           (uint64_t)(base >> 24) << 56;
}

/* --- chips --- */

/* Remaps the 8259 pair to vectors 20h..2Fh with everything masked. */
void bare_init_pic(void);

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
static inline void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
static inline void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
