/* SMBIOS 2.3: who made the machine, its processor, its memory. */
#include "bios/init32.h"
#include "bios/memory_map.h"
#include "bios/processor.h"
#include "bios/tables32.h"

#define TABLE_SIZE 0x280

static u8 *table, *next;
static u16 structures, largest;

/* Starts a structure; its strings follow by add_string. */
static u8 *begin(u8 type, u8 length, u16 handle)
{
    u8 *s = next;
    s[0] = type;
    s[1] = length;
    *(u16 *)(s + 2) = handle;
    next += length;
    structures++;
    return s;
}

static void add_string(const char *text)
{
    while (*text)
        *next++ = (u8)*text++;
    *next++ = 0;
}

/* Ends the structure that began at s: an empty string, or two when it had none. */
static void end(const u8 *s)
{
    if (next == s + s[1])
        next++;
    next++;
    if (next - s > largest)
        largest = (u16)(next - s);
}

static void add_bios(void)
{
    u8 *s = begin(0, 20, 0x0000);
    s[4] = 1;
    s[5] = 2;
    *(u16 *)(s + 6) = 0xE000;
    s[8] = 3;
    s[9] = 1; /* 128 KiB */
    /* PCI, shadowing, boot from CD, EDD, 5.25 and 3.5 inch floppy services, print screen, keyboard,
     * serial, printer, video. */
    *(u32 *)(s + 10) = 0x7FC89080;
    s[18] = 1; /* ACPI */
    add_string("Anachron");
    add_string(BIOS_VERSION);
    add_string("11/21/2026");
    end(s);
}

/* The VMware pointer is there and wants to be announced (devices/vmmouse.h). */
static bool vmware_pointer(void)
{
    u32 eax = 0x564D5868, ebx = 0, ecx = 10, edx = 0x5658;
    __asm__ volatile("inl %%dx, %%eax" : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx));
    return ebx == 0x564D5868 && ecx == 4;
}

static void add_system(void)
{
    bool vmware = vmware_pointer();
    u8 *s = begin(1, 25, 0x0100);
    s[4] = 1;
    s[5] = 2;
    s[6] = 3;
    s[7] = vmware ? 4 : 0; /* serial number */
    s[24] = 6;             /* woken by the power switch */
    add_string("Anachron");
    add_string("i440FX PC");
    add_string(BIOS_VERSION);
    /* Linux looks for a VMware pointer only where this has that word in it. */
    if (vmware)
        add_string("Anachron with VMware mouse");
    end(s);
}

static void add_enclosure(void)
{
    u8 *s = begin(3, 13, 0x0300);
    s[4] = 1;
    s[5] = 3;                 /* desktop */
    s[9] = s[10] = s[11] = 3; /* safe */
    s[12] = 2;
    add_string("Anachron");
    end(s);
}

static void add_processor(void)
{
    u8 *s = begin(4, 32, 0x0400);
    s[4] = 1;
    s[5] = 3; /* central processor */
    s[6] = 2;
    s[7] = 2;
    s[16] = 3;
    s[24] = 0x41; /* socket populated, enabled */
    s[25] = 2;
    *(u16 *)(s + 26) = *(u16 *)(s + 28) = *(u16 *)(s + 30) = 0xFFFF;
    add_string("CPU 1");
    add_string("Anachron");
    add_string(SHARED(processor_text));
    end(s);
}

static void add_memory(void)
{
    u32 kb = SHARED(extended_kb) + 1024;
    u8 *s = begin(16, 15, 0x1000);
    s[4] = 3; /* system board */
    s[5] = 3; /* system memory */
    s[6] = 3; /* no error correction */
    *(u32 *)(s + 7) = kb;
    *(u16 *)(s + 11) = 0xFFFE;
    *(u16 *)(s + 13) = 1;
    end(s);
    s = begin(17, 21, 0x1100);
    *(u16 *)(s + 4) = 0x1000;
    *(u16 *)(s + 6) = 0xFFFE;
    *(u16 *)(s + 8) = 64;
    *(u16 *)(s + 10) = 64;
    *(u16 *)(s + 12) = (u16)(kb >= 0x7FFF * 1u ? kb >> 10 : kb | 0x8000);
    s[14] = 9; /* DIMM */
    s[16] = 1;
    s[18] = 7; /* RAM */
    add_string("DIMM 0");
    end(s);
    s = begin(19, 15, 0x1300);
    *(u32 *)(s + 8) = kb - 1;
    *(u16 *)(s + 12) = 0x1000;
    s[14] = 1;
    end(s);
}

void smbios_build(void)
{
    u8 *entry = table_allocate(31, 16);
    table = next = table_allocate(TABLE_SIZE, 16);
    structures = largest = 0;
    add_bios();
    add_system();
    add_enclosure();
    add_processor();
    add_memory();
    u8 *s = begin(32, 11, 0x2000); /* no boot error */
    end(s);
    s = begin(127, 4, 0x7F00);
    end(s);
    memory_copy(entry, "_SM_", 4);
    entry[5] = 31;
    entry[6] = 2;
    entry[7] = 3;
    *(u16 *)(entry + 8) = largest;
    memory_copy(entry + 16, "_DMI_", 5);
    *(u16 *)(entry + 22) = (u16)(next - table);
    *(u32 *)(entry + 24) = (u32)table;
    *(u16 *)(entry + 28) = structures;
    entry[30] = 0x23;
    entry[21] = (u8)-checksum(entry + 16, 15);
    entry[4] = (u8)-checksum(entry, 31);
}
