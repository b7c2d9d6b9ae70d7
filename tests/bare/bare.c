#include "bare.h"

#include <stdarg.h>

enum { PORT_DEBUG_CONSOLE = 0xE9, PORT_COM1 = 0x3F8, PORT_EXIT_QEMU = 0xF4 };

struct gate bare_idt[256];
struct caught bare_caught;
struct trap_frame bare_frame;
uint32_t bare_multiboot_info;
uint32_t bare_seed = 1;

static bare_handler *handlers[256];
static bool catching;
static unsigned passed, failed;

int bare_try_raw(void (*function)(void *), void *argument);
void bare_recover(void);
void bare_trap(struct trap_frame *frame);
void bare_main(void);

void *memset(void *to, int value, size_t size)
{
    uint8_t *byte = to;
    while (size--)
        *byte++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    while (size--)
        *t++ = *f++;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; size--; x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

/* --- output --- */

static void put(char c)
{
    out8(PORT_DEBUG_CONSOLE, (uint8_t)c);
    for (unsigned tries = 0; tries < 100000 && !(in8(PORT_COM1 + 5) & 0x20); tries++)
        ;
    out8(PORT_COM1, (uint8_t)c);
}

static void put_number(uint32_t value, unsigned base, unsigned width, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[12];
    unsigned length = 0;
    do {
        text[length++] = digits[value % base];
        value /= base;
    } while (value);
    while (length < width && length < sizeof text)
        text[length++] = '0';
    while (length)
        put(text[--length]);
}

static void put_string(const char *text)
{
    while (*text)
        put(*text++);
}

static void put_signed(int32_t value)
{
    if (value < 0)
        put('-');
    put_number(value < 0 ? 0u - (uint32_t)value : (uint32_t)value, 10, 0, false);
}

void bare_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        unsigned width = 0;
        while (*++format >= '0' && *format <= '9')
            width = width * 10 + (unsigned)(*format - '0');
        switch (*format) {
        case 's':
            put_string(va_arg(args, const char *));
            break;
        case 'd':
            put_signed(va_arg(args, int));
            break;
        case 'u':
            put_number(va_arg(args, unsigned), 10, width, false);
            break;
        case 'x':
        case 'X':
            put_number(va_arg(args, unsigned), 16, width, *format == 'X');
            break;
        case 'c':
            put((char)va_arg(args, int));
            break;
        default:
            put(*format);
        }
    }
    va_end(args);
}

/* --- results --- */

void bare_check(bool good, const char *where, const char *what)
{
    if (good) {
        passed++;
        return;
    }
    failed++;
    bare_print("FAIL %s: %s\n", where, what);
}

void bare_check_equal(uint32_t got, uint32_t want, const char *where, const char *what)
{
    if (got != want)
        bare_print("got %08x, want %08x: ", got, want);
    bare_check(got == want, where, what);
}

static _Noreturn void leave(uint8_t status)
{
    out8(PORT_EXIT_QEMU, status);
    for (;;)
        __asm__ volatile("cli; hlt");
}

_Noreturn void bare_fail(const char *why)
{
    bare_print("FAIL %s\n", why);
    leave(1);
}

/* --- random numbers --- */

uint32_t bare_pick(uint32_t count)
{
    bare_seed ^= bare_seed << 13;
    bare_seed ^= bare_seed >> 17;
    bare_seed ^= bare_seed << 5;
    return (bare_seed >> 8) % count;
}

bool bare_chance(uint32_t one_in)
{
    return bare_pick(one_in) == 0;
}

/* --- exceptions --- */

void bare_set_handler(unsigned vector, bare_handler *handler)
{
    handlers[vector] = handler;
}

void bare_trap(struct trap_frame *frame)
{
    if (handlers[frame->vector]) {
        handlers[frame->vector](frame);
        return;
    }
    if (!catching) {
        bare_print("unexpected vector %u error %x at %x:%x\n", frame->vector, frame->error,
                   frame->cs, frame->eip);
        bare_fail("unexpected exception");
    }
    bare_frame = *frame;
    uint32_t cr2;
    __asm__ volatile("movl %%cr2, %0" : "=r"(cr2));
    bare_caught =
        (struct caught){frame->vector, frame->error, frame->eip, frame->cs, frame->eflags, cr2};
    frame->ds = frame->es = SEL_DATA;
    frame->cs = SEL_CODE;
    frame->eflags = 2;
    frame->eip = (uint32_t)bare_recover;
}

bool bare_try(void (*function)(void *), void *argument)
{
    catching = true;
    bool faulted = bare_try_raw(function, argument);
    catching = false;
    return faulted;
}

static void init_idt(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = {sizeof bare_idt - 1, (uint32_t)bare_idt};
    for (unsigned i = 0; i < 256; i++) {
        uint32_t stub = (uint32_t)bare_stubs[i];
        bare_idt[i] = (struct gate){(uint16_t)stub, SEL_CODE, 0x8E00, (uint16_t)(stub >> 16)};
    }
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void bare_init_pic(void)
{
    out8(0x20, 0x11);
    out8(0x21, 0x20);
    out8(0x21, 0x04);
    out8(0x21, 0x01);
    out8(0xA0, 0x11);
    out8(0xA1, 0x28);
    out8(0xA1, 0x02);
    out8(0xA1, 0x01);
    out8(0x21, 0xFF);
    out8(0xA1, 0xFF);
}

/* 115200 baud, 8 bits: a UART out of reset sends words of 5 bits. */
static void init_uart(void)
{
    out8(PORT_COM1 + 3, 0x80);
    out8(PORT_COM1 + 0, 1);
    out8(PORT_COM1 + 1, 0);
    out8(PORT_COM1 + 3, 0x03);
}

void bare_main(void)
{
    init_uart();
    init_idt();
    bare_tests();
    bare_print("%u passed, %u failed\n", passed, failed);
    leave(failed != 0 || passed == 0);
}
