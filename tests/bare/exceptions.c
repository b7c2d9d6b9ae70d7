/* Exceptions of plain instructions: vector, error code and return address.
 * Run alone: meson test -C build bare-exceptions */
#include "bare.h"

static void divide_by_zero(void *unused)
{
    __asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx");
}
static void breakpoint(void *unused)
{
    __asm__ volatile("int3");
}
static void overflow(void *unused)
{
    __asm__ volatile("movb $0x7F, %%al; incb %%al; into" : : : "eax");
}
static void bound_exceeded(void *unused)
{
    static const int32_t bounds[2] = {1, 5};
    __asm__ volatile("boundl %0, %1" : : "r"(6), "m"(bounds));
}
static void undefined(void *unused)
{
    __asm__ volatile(".byte 0x0F, 0x0B");
}
/* QEMU (TCG) makes no such check; bochs does. */
static void null_selector(void *unused)
{
    __asm__ volatile("movw %w0, %%fs; movl %%fs:0, %%eax" : : "r"(0) : "eax");
}
static void bad_selector(void *unused)
{
    __asm__ volatile("movw %w0, %%fs" : : "r"(0x7F8));
}

static void expect(void (*function)(void *), uint32_t vector, uint32_t error, const char *where)
{
    CHECK(where, bare_try(function, NULL));
    CHECK_EQUAL(where, bare_caught.vector, vector);
    CHECK_EQUAL(where, bare_caught.error, error);
}

void bare_tests(void)
{
    expect(divide_by_zero, 0, 0, "SDM 3A 6.15, vector 0");
    expect(breakpoint, 3, 0, "SDM 3A 6.15, vector 3");
    expect(overflow, 4, 0, "SDM 3A 6.15, vector 4");
    expect(bound_exceeded, 5, 0, "SDM 3A 6.15, vector 5");
    expect(undefined, 6, 0, "SDM 3A 6.15, vector 6");
    expect(null_selector, 13, 0, "SDM 3A 5.4.1");
    expect(bad_selector, 13, 0x7F8, "SDM 3A 6.13");
}
