/* The way through the 32-bit initialisation, and what its parts share. */
#include "bios/init32.h"
#include "bios/memory_map.h"

#define DEBUG_PORT 0x402

void debug_text(const char *text)
{
    while (*text)
        outb(DEBUG_PORT, (u8)*text++);
}

void debug_hex(u32 value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        outb(DEBUG_PORT, (u8) "0123456789ABCDEF"[value >> shift & 15]);
}

void *memory_copy(void *to, const void *from, u32 count)
{
    void *d = to;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(count) : : "memory");
    return to;
}

void *memory_set(void *to, u8 value, u32 count)
{
    void *d = to;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(count) : "a"(value) : "memory");
    return to;
}

u8 checksum(const void *bytes, u32 count)
{
    const u8 *b = bytes;
    u8 sum = 0;
    while (count--)
        sum += *b++;
    return sum;
}

static void add_range(u64 base, u64 length, u32 type)
{
    if (length == 0 || SHARED(memory_map_count) >= MEMORY_RANGES_MAX)
        return;
    struct memory_range *r = &SHARED(memory_map_ranges)[SHARED(memory_map_count)++];
    r->base = base;
    r->length = length;
    r->type = type;
}

/* Sizes as the CMOS has them: 15h-18h as on the AT, 30h-31h the same, 34h-35h 64 KiB blocks above
 * 16 MiB, 5Bh-5Dh above 4 GiB. */
void memory_initialise(void)
{
    u32 above_1m = cmos_read(0x30) | (u32)cmos_read(0x31) << 8;
    u32 at_style = cmos_read(0x17) | (u32)cmos_read(0x18) << 8;
    u32 above_16m = cmos_read(0x34) | (u32)cmos_read(0x35) << 8;
    u32 above_4g = cmos_read(0x5B) | (u32)cmos_read(0x5C) << 8 | (u32)cmos_read(0x5D) << 16;
    if (above_1m < at_style)
        above_1m = at_style;
    if (above_16m)
        above_1m = 15 * 1024 + above_16m * 64;
    SHARED(extended_kb) = above_1m;
    SHARED(memory_map_count) = 0;
    add_range(0, 0x9FC00, RANGE_RAM);
    add_range(0x9FC00, 0x400, RANGE_RESERVED);
    add_range(0xE0000, 0x20000, RANGE_RESERVED);
    add_range(0x100000, (u64)above_1m << 10, RANGE_RAM);
    add_range(0xFEC00000, 0x1000, RANGE_RESERVED);
    add_range(0xFEE00000, 0x1000, RANGE_RESERVED);
    add_range(0xFFFE0000, 0x20000, RANGE_RESERVED);
    add_range(0x100000000, (u64)above_4g << 16, RANGE_RAM);
}

void init32_main(void)
{
    processor_identify();
    memory_initialise();
    pci_initialise();
    roms_load();
    tables_build();
    u8 *header = (u8 *)(SEG_DATA * 16u);
    header[4] = 0;
    header[4] = (u8)-checksum(header, header[2] * 512u);
}
