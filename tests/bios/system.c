/* INT 11h, 12h, 15h, 1Ah: memory, A20, moves, waits, clock, PCI, tables. */
#include "tests/bios/bios_test.h"

static struct registers r;

static void call(u8 number, u16 ax, u16 bx, u16 cx, u16 dx)
{
    r = (struct registers){.ax = ax, .bx = bx, .cx = cx, .dx = dx};
    bios_call(&r, number);
}

static u32 extended_kb;

static void test_memory(void)
{
    call(0x12, 0, 0, 0, 0);
    u16 base = r.ax;
    CHECK("base memory", base == 639 && base == peek16(0x40, 0x13));
    call(0x11, 0, 0, 0, 0);
    CHECK("equipment", r.ax == peek16(0x40, 0x10) && (r.ax & 1) && (r.ax & 0x30) == 0x20);
    call(0x15, 0xE801, 0, 0, 0);
    CHECK("E801", !carry(&r) && r.ax == r.cx && r.bx == r.dx && r.ax <= 0x3C00);
    extended_kb = r.ax + r.bx * 64u;
    call(0x15, 0x8800, 0, 0, 0);
    CHECK("88", !carry(&r) && r.ax == (extended_kb > 0xFC00 ? 0xFC00 : extended_kb));
    static struct {
        u32 base, base_high, length, length_high, type;
    } range;
    u32 total = 0, next = 0, count = 0;
    bool low = false, reserved = false;
    do {
        r = (struct registers){
            .eax = 0xE820, .edx = 0x534D4150, .ecx = 20, .ebx = next, .di = (u16)(u32)&range};
        bios_call(&r, 0x15);
        if (carry(&r) || r.eax != 0x534D4150 || r.ecx != 20)
            break;
        next = r.ebx;
        count++;
        if (range.type == 1 && range.base == 0)
            low = range.length == base * 1024u;
        if (range.type == 1 && range.base >= 0x100000)
            total += range.length;
        if (range.type == 2 && range.base <= 0xF0000 && range.base + range.length == 0x100000)
            reserved = true;
    } while (next && count < 20);
    CHECK("E820 ends", next == 0 && count >= 3);
    CHECK("E820 low memory", low);
    CHECK("E820 firmware", reserved);
    CHECK("E820 and E801 agree", total / 1024 <= extended_kb && total / 1024 + 1024 >= extended_kb);
    r = (struct registers){.eax = 0xE820, .edx = 0, .ecx = 20, .di = (u16)(u32)&range};
    bios_call(&r, 0x15);
    CHECK("E820 needs SMAP", carry(&r));
}

static void test_a20(void)
{
    call(0x15, 0x2403, 0, 0, 0);
    CHECK("A20 support", !carry(&r) && r.ah == 0 && (r.bx & 2));
    poke32(0, 0x500, 0x12345678);
    call(0x15, 0x2401, 0, 0, 0);
    CHECK("A20 on", !carry(&r));
    poke32(0xFFFF, 0x510, 0x9ABCDEF0);
    CHECK("no wrap", peek32(0, 0x500) == 0x12345678);
    call(0x15, 0x2402, 0, 0, 0);
    CHECK("A20 status on", r.al == 1);
    call(0x15, 0x2400, 0, 0, 0);
    CHECK("A20 off", !carry(&r));
    CHECK("wrap", peek32(0xFFFF, 0x510) == 0x12345678);
    call(0x15, 0x2402, 0, 0, 0);
    CHECK("A20 status off", r.al == 0);
    call(0x15, 0x2401, 0, 0, 0);
    CHECK("high memory kept", peek32(0xFFFF, 0x510) == 0x9ABCDEF0);
}

static u8 gdt[64];

static void descriptor(u8 index, u32 base, u16 limit)
{
    u8 *d = gdt + index * 8;
    *(u16 *)d = limit;
    *(u32 *)(d + 2) = base;
    d[5] = 0x93;
    d[6] = 0;
    d[7] = (u8)(base >> 24);
}

static bool move(u32 from, u32 to, u16 words)
{
    descriptor(2, from, (u16)(words * 2 - 1));
    descriptor(3, to, (u16)(words * 2 - 1));
    r = (struct registers){.ax = 0x8700, .cx = words, .si = (u16)(u32)gdt};
    bios_call(&r, 0x15);
    return !carry(&r) && r.ah == 0;
}

static void test_block_move(void)
{
    static u8 source[512], back[512];
    for (u16 i = 0; i < 512; i++)
        source[i] = (u8)(i * 3 + 1);
    CHECK("move up", move((u32)source, 0x180000, 256));
    CHECK("move down", move(0x180000, (u32)back, 256));
    CHECK("moved right", same(source, back, 512));
    CHECK("interrupts still work", (wait_ticks(1), true));
    /* A GDT of a program that runs in unreal mode keeps its segments: FS and GS stay untouched. */
    r = (struct registers){.ax = 0x8700, .cx = 1, .esi = (u32)gdt, .ebx = 0xABCD1234};
    bios_call(&r, 0x15);
    CHECK("move keeps registers", r.ebx == 0xABCD1234 && r.esi == (u32)gdt);
}

static void test_waits(void)
{
    u32 start = peek32(0x40, 0x6C);
    call(0x15, 0x8600, 0, 0x0003, 0x0D40);
    u32 ticks = peek32(0x40, 0x6C) - start;
    test_note("ticks in 200 ms", ticks);
    CHECK("wait", !carry(&r) && ticks >= 2 && ticks <= 6);
    static volatile u8 flag;
    flag = 0;
    r = (struct registers){.ax = 0x8300, .bx = (u16)(u32)&flag, .cx = 0, .dx = 50000};
    bios_call(&r, 0x15);
    CHECK("event wait starts", !carry(&r) && !(flag & 0x80));
    r = (struct registers){.ax = 0x8300, .bx = (u16)(u32)&flag, .cx = 0, .dx = 50000};
    bios_call(&r, 0x15);
    CHECK("only one at a time", carry(&r));
    wait_ticks(3);
    CHECK("event wait ends", flag & 0x80);
    r = (struct registers){.ax = 0x8300, .bx = (u16)(u32)&flag, .cx = 0x10, .dx = 0};
    bios_call(&r, 0x15);
    call(0x15, 0x8301, 0, 0, 0);
    CHECK("event wait cancelled", !carry(&r) && !(peek8(0x40, 0xA0) & 1));
}

static void test_configuration(void)
{
    call(0x15, 0xC000, 0, 0, 0);
    CHECK("configuration table", !carry(&r) && r.ah == 0 && peek16(r.es, r.bx) >= 8 &&
                                     peek8(r.es, (u16)(r.bx + 2)) == 0xFC);
    CHECK("model byte", peek8(0xF000, 0xFFFE) == 0xFC);
    CHECK("date", peek8(0xF000, 0xFFF7) == '/' && peek8(0xF000, 0xFFFA) == '/');
    CHECK("reset jump", peek8(0xF000, 0xFFF0) == 0xEA && peek16(0xF000, 0xFFF3) == 0xF000);
    call(0x15, 0xC100, 0, 0, 0);
    CHECK("extended data area", !carry(&r) && r.es == peek16(0x40, 0x0E) && peek8(r.es, 0) >= 1);
    call(0x15, 0x9000, 0, 0, 0);
    CHECK("device busy", !carry(&r) && r.ah == 0);
    call(0x15, 0x4F1E, 0, 0, 0);
    CHECK("keyboard intercept", r.al == 0x1E && carry(&r));
    call(0x15, 0xBF00, 0, 0, 0);
    CHECK("unknown function", carry(&r) && r.ah == 0x86);
}

/* APM 1.2 specification 4.6. */
static void test_apm(void)
{
    call(0x15, 0x5300, 0, 0, 0);
    CHECK("APM", !carry(&r) && r.ah == 1 && r.bx == 0x504D);
    call(0x15, 0x5304, 0, 0, 0);
    CHECK("APM is not connected", carry(&r) && r.ah == 3);
    call(0x15, 0x5301, 0, 0, 0);
    CHECK("APM connects", !carry(&r));
    call(0x15, 0x5301, 0, 0, 0);
    CHECK("APM is connected already", carry(&r) && r.ah == 2);
    call(0x15, 0x5307, 1, 9, 0);
    CHECK("APM: no such power state", carry(&r) && r.ah == 0x0A);
    call(0x15, 0x530B, 0, 0, 0);
    CHECK("APM: no event", carry(&r) && r.ah == 0x80);
    call(0x15, 0x53FF, 0, 0, 0);
    CHECK("APM: no such function", carry(&r) && r.ah == 0x0C);
    call(0x15, 0x5304, 0, 0, 0);
    CHECK("APM disconnects", !carry(&r));
}

static bool bcd(u8 value)
{
    return (value & 15) < 10 && value >> 4 < 10;
}

static void test_clock(void)
{
    call(0x1A, 0x0000, 0, 0, 0);
    u32 before = (u32)r.cx << 16 | r.dx;
    wait_ticks(3);
    call(0x1A, 0x0000, 0, 0, 0);
    u32 after = (u32)r.cx << 16 | r.dx;
    CHECK("ticks", after - before >= 3 && after - before <= 5);
    vector_hook(0x1C, 0, hook_0);
    wait_ticks(3);
    CHECK("interrupt 1Ch", hook_counts[0] >= 3);
    vector_restore(0x1C, 0);
    call(0x1A, 0x0100, 0, 0x0018, 0x00AE);
    u32 patience = 0;
    while (peek32(0x40, 0x6C) > 16 && ++patience < 100)
        __asm__ volatile("sti; hlt");
    call(0x1A, 0x0000, 0, 0, 0);
    CHECK("midnight", r.al == 1 && r.cx == 0 && r.dx < 16);
    call(0x1A, 0x0000, 0, 0, 0);
    CHECK("midnight is told once", r.al == 0);
    call(0x1A, 0x0200, 0, 0, 0);
    CHECK("time", !carry(&r) && bcd(r.ch) && bcd(r.cl) && bcd(r.dh) && r.ch <= 0x23 &&
                      r.cl <= 0x59 && r.dh <= 0x59);
    call(0x1A, 0x0400, 0, 0, 0);
    CHECK("date", !carry(&r) && (r.ch == 0x20 || r.ch == 0x19) && bcd(r.cl) && r.dh >= 1 &&
                      r.dh <= 0x12 && r.dl >= 1);
    call(0x1A, 0x0300, 0, 0x1234, 0x5600);
    call(0x1A, 0x0200, 0, 0, 0);
    CHECK("set time", r.ch == 0x12 && r.cl == 0x34 && r.dh >= 0x56);
    call(0x1A, 0x0500, 0, 0x1999, 0x1231);
    call(0x1A, 0x0400, 0, 0, 0);
    CHECK("set date", r.cx == 0x1999 && r.dx == 0x1231);
    vector_hook(0x4A, 0, hook_0);
    call(0x1A, 0x0300, 0, 0x1000, 0x0000);
    call(0x1A, 0x0600, 0, 0x1000, 0x0200);
    CHECK("set alarm", !carry(&r));
    call(0x1A, 0x0600, 0, 0x1000, 0x0300);
    CHECK("one alarm at a time", carry(&r));
    wait_ticks(50);
    CHECK("alarm", hook_counts[0] == 1);
    call(0x1A, 0x0700, 0, 0, 0);
    CHECK("alarm off", !carry(&r));
    vector_restore(0x4A, 0);
}

static void test_pci(void)
{
    r = (struct registers){.ax = 0xB101};
    bios_call(&r, 0x1A);
    CHECK("PCI BIOS", !carry(&r) && r.ah == 0 && r.edx == 0x20494350 && r.bx >= 0x0200);
    call(0x1A, 0xB102, 0, 0x1237, 0x8086);
    CHECK("host bridge", !carry(&r) && r.bx == 0);
    call(0x1A, 0xB102, 0, 0x7777, 0x8086);
    CHECK("absent device", carry(&r) && r.ah == 0x86);
    r = (struct registers){.ax = 0xB103, .ecx = 0x030000};
    bios_call(&r, 0x1A);
    CHECK("display by class", !carry(&r));
    u16 vga = r.bx;
    r = (struct registers){.ax = 0xB10A, .bx = vga, .di = 8};
    bios_call(&r, 0x1A);
    CHECK("read dword", r.ecx >> 8 == 0x030000);
    r = (struct registers){.ax = 0xB109, .bx = 0, .di = 0};
    bios_call(&r, 0x1A);
    CHECK("read word", r.cx == 0x8086);
    r = (struct registers){.ax = 0xB108, .bx = 0, .di = 3};
    bios_call(&r, 0x1A);
    CHECK("read byte", r.cl == 0x12);
    r = (struct registers){.ax = 0xB109, .bx = 0, .di = 1};
    bios_call(&r, 0x1A);
    CHECK("odd word", carry(&r) && r.ah == 0x87);
    r = (struct registers){.ax = 0xB108, .bx = vga, .di = 0x3C};
    bios_call(&r, 0x1A);
    u8 line = r.cl;
    r = (struct registers){.ax = 0xB10B, .bx = vga, .di = 0x3C, .cx = 0x5A};
    bios_call(&r, 0x1A);
    r = (struct registers){.ax = 0xB108, .bx = vga, .di = 0x3C};
    bios_call(&r, 0x1A);
    CHECK("write byte", r.cl == 0x5A);
    r = (struct registers){.ax = 0xB10B, .bx = vga, .di = 0x3C, .cx = line};
    bios_call(&r, 0x1A);
}

/* A structure at a 16-byte boundary of F0000-FFFFF with this signature and, if length is not 0, sum
 * 0. */
static u16 find_table(u32 signature, u16 length)
{
    for (u32 at = 0; at < 0x10000; at += 16) {
        if (peek32(0xF000, (u16)at) != signature)
            continue;
        u8 sum = 0;
        for (u16 i = 0; i < length; i++)
            sum += peek8(0xF000, (u16)(at + i));
        if (sum == 0)
            return (u16)(at + 1);
    }
    return 0;
}

/* The flag ID can be changed, and CPUID shows an APIC. */
static bool has_apic(void)
{
    u32 before, after, features = 1, ignored;
    __asm__ volatile(
        "pushfl; popl %0; movl %0, %1; xorl $0x200000, %1; pushl %1; popfl; pushfl; popl %1"
        : "=&r"(before), "=&r"(after));
    if (!((before ^ after) & 0x200000))
        return false;
    __asm__ volatile("cpuid" : "=a"(ignored), "=d"(features) : "a"(1) : "ebx", "ecx");
    return features & 0x200;
}

static void test_tables(void)
{
    CHECK("BIOS32", find_table(0x5F32335F, 16) != 0);
    CHECK("RSDP", find_table(0x20445352, 20) != 0);
    u16 pir = find_table(0x52495024, 0);
    CHECK("PIR", pir != 0);
    CHECK("PIR sum", find_table(0x52495024, peek16(0xF000, (u16)(pir - 1 + 6))) != 0);
    CHECK("MP table where there is a local APIC", (find_table(0x5F504D5F, 16) != 0) == has_apic());
    CHECK("SMBIOS", find_table(0x5F4D535F, 31) != 0);
}

static void test_vectors(void)
{
    static const struct {
        u8 number;
        u16 offset;
    } fixed[] = {
        {0x05, 0xFF54},
        {0x08, 0xFEA5},
        {0x09, 0xE987},
        {0x0E, 0xEF57},
        {0x11, 0xF84D},
        {0x12, 0xF841},
        {0x14, 0xE739},
        {0x15, 0xF859},
        {0x16, 0xE82E},
        {0x17, 0xEFD2},
        {0x19, 0xE6F2},
        {0x1A, 0xFE6E},
        {0x1E, 0xEFC7}
    };
    for (u32 i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        test_note("vector", fixed[i].number);
        CHECK("fixed address",
              peek32(0, (u16)(fixed[i].number * 4)) == (0xF0000000 | fixed[i].offset));
    }
    u8 sum = 0;
    for (u16 i = 0; i < 0xC000; i++)
        sum += peek8(0xE000, i);
    CHECK("E0000 looks like a ROM to memory managers",
          peek16(0xE000, 0) == 0xAA55 && peek8(0xE000, 2) == 0x60 && sum == 0);
    poke8(0xF000, 0xFFFE, 0);
    CHECK("firmware is write-protected", peek8(0xF000, 0xFFFE) == 0xFC);
    CHECK("font at F000:FA6E",
          peek32(0xF000, 0xFA6E + 8 * 8) == 0xBD81A57E || peek32(0xF000, 0xFA6E + 'H' * 8) != 0);
}

void test_main(void)
{
    test_vectors();
    test_memory();
    test_a20();
    test_block_move();
    test_waits();
    test_configuration();
    test_apm();
    test_clock();
    test_pci();
    test_tables();
}
