/* Messages to the screen and to the debug port. */
#include "bios/services.h"

#define DEBUG_PORT 0x402

void print_char(char c)
{
    struct regs r = {0};
    outb(DEBUG_PORT, (u8)c);
    if (c == '\n') {
        r.ax = 0x0E0D;
        r.bx = 7;
        call_interrupt(&r, 0x10);
    }
    r.ax = (u16)(0x0E00 | (u8)c);
    r.bx = 7;
    call_interrupt(&r, 0x10);
}

void print(const char *text)
{
    while (*text)
        print_char(*text++);
}

void print_decimal(u32 value)
{
    char digits[11];
    u8 i = 10;
    digits[10] = 0;
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    print(digits + i);
}

void print_hex(u32 value, u8 digits)
{
    while (digits--) {
        u8 nibble = value >> digits * 4 & 15;
        print_char((char)(nibble < 10 ? '0' + nibble : 'A' + nibble - 10));
    }
}
