/* INT 10h AH=4Fh: VBE 3.0 core functions, VBE/DDC, VBE/PM, the protected-mode interface, and what
 * INT 10h draws in extended modes. */
#include "tests/bios/bios_test.h"

struct protected_registers {
    u32 ebx, ecx, edx, edi, eax;
};
void protected_call(u32 address, struct protected_registers *r);

static struct registers r;
static u8 buffer[2048];
static u16 modes[128], mode_count;

static void call(u16 ax, u16 bx, u16 cx, u16 dx)
{
    r = (struct registers){.ax = ax, .bx = bx, .cx = cx, .dx = dx, .di = (u16)(u32)buffer};
    bios_call(&r, 0x10);
}

static u16 word(u16 offset)
{
    return *(u16 *)(buffer + offset);
}

static u32 dword(u16 offset)
{
    return *(u32 *)(buffer + offset);
}

static u16 dispi(u16 index)
{
    u16 value;
    __asm__ volatile("outw %0, %1" : : "a"(index), "Nd"((u16)0x1CE));
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"((u16)0x1CF));
    return value;
}

static bool far_text_is(u16 offset, const char *text)
{
    u16 at = word(offset), segment = word((u16)(offset + 2));
    while (*text) {
        if (peek8(segment, at++) != (u8)*text++)
            return false;
    }
    return true;
}

static void test_information(void)
{
    for (u16 i = 0; i < sizeof buffer; i++)
        buffer[i] = 0xEE;
    buffer[0] = 'V', buffer[1] = 'B', buffer[2] = 'E', buffer[3] = '2';
    call(0x4F00, 0, 0, 0);
    CHECK("VBE information", r.ax == 0x004F && same(buffer, "VESA", 4) && word(4) == 0x0300);
    CHECK("memory", word(18) == dispi(10) && word(18) >= 256);
    CHECK("names", far_text_is(6, "Anachron VGA") && far_text_is(22, "Anachron"));
    CHECK("512 bytes and no more", buffer[511] == 0 && buffer[512] == 0xEE);
    u16 list = word(14), segment = word(16);
    for (; mode_count < 128 && peek16(segment, list) != 0xFFFF; list += 2)
        modes[mode_count++] = peek16(segment, list);
    CHECK("modes", mode_count > 50 && mode_count < 112);
    for (u16 i = 0; i < sizeof buffer; i++)
        buffer[i] = 0xEE;
    call(0x4F00, 0, 0, 0);
    CHECK("VBE 1.2 information", word(4) == 0x0102 && buffer[255] == 0 && buffer[256] == 0xEE);
}

/* What a mode's information says about its size, and that setting it does that. */
static void check_graphics(u16 number)
{
    u16 width = word(18), height = word(20), pitch = word(16), attributes = word(0);
    u8 bits = buffer[25], planes = buffer[24], model = buffer[27];
    u32 size = (u32)pitch * height * planes;
    CHECK("model", model == (bits == 4 ? 3 : bits == 8 ? 4 : 6) && planes == (bits == 4 ? 4 : 1));
    CHECK("pitch",
          pitch == (bits == 4 ? width / 8 : width * ((bits + 7) / 8)) && word(50) == pitch);
    CHECK("fits", size <= (u32)dispi(10) << 16 && (buffer[29] + 1u) * size <= (u32)dispi(10) << 16);
    CHECK("masks", bits < 15 || buffer[31] + buffer[33] + buffer[35] + buffer[37] ==
                                    (bits == 15 ? 16 : bits));
    CHECK("window", word(4) == 64 && word(6) == 64 && word(8) == 0xA000 && dword(12) != 0);
    bool linear = attributes & 0x80;
    CHECK("linear frame buffer", linear == (bits != 4) && (dword(40) >= 0xC0000000) == linear);
    call(0x4F02, number, 0, 0);
    CHECK("set", r.ax == 0x004F);
    call(0x4F03, 0, 0, 0);
    CHECK("get", r.ax == 0x004F && r.bx == number);
    CHECK("DISPI",
          dispi(1) == width && dispi(2) == height && dispi(3) == bits && (dispi(4) & 0x41) == 1);
    CHECK("data area", peek16(0x40, 0x4A) == width / 8 && peek8(0x40, 0x84) == height / 16 - 1);
    call(0x0C0E, 0, (u16)(width - 2), (u16)(height - 3));
    call(0x0D00, 0, (u16)(width - 2), (u16)(height - 3));
    CHECK("pixel", r.al == 14);
    call(0x0D00, 0, (u16)(width - 1), (u16)(height - 3));
    CHECK("pixel beside it", r.al == 0);
    if (!linear)
        return;
    call(0x4F02, 0x4000 | number, 0, 0);
    CHECK("set with linear frame buffer", r.ax == 0x004F && (dispi(4) & 0x41) == 0x41);
    call(0x4F05, 0, 0, 0);
    CHECK("no window then", r.ax == 0x034F);
}

static void check_text(u16 number)
{
    u16 columns = word(18), rows = word(20);
    CHECK("text",
          word(0) == 0x000F && word(8) == 0xB800 && buffer[27] == 0 && word(16) == columns * 2);
    call(0x4F02, number, 0, 0);
    CHECK("set", r.ax == 0x004F);
    call(0x4F03, 0, 0, 0);
    CHECK("get", r.bx == number);
    CHECK("data area", peek16(0x40, 0x4A) == columns && peek8(0x40, 0x84) == rows - 1 &&
                           peek8(0x40, 0x85) == buffer[23]);
    u16 last = (u16)((rows - 1) * columns + columns - 1);
    call(0x0200, 0, 0, (u16)((rows - 1) << 8 | (columns - 1)));
    call(0x0900 | 'Z', 0x0017, 1, 0);
    CHECK("last cell", peek16(0xB800, (u16)(last * 2)) == 0x175A);
    call(0x4F05, 0, 0, 0);
    CHECK("no window", r.ax == 0x034F);
}

static void test_modes(void)
{
    for (u16 i = 0; i < mode_count; i++) {
        test_note("mode", modes[i]);
        call(0x4F01, 0, modes[i], 0);
        CHECK("mode information", r.ax == 0x004F && (word(0) & 0x0F) == 0x0F);
        if (word(0) & 0x10)
            check_graphics(modes[i]);
        else
            check_text(modes[i]);
    }
    call(0x4F01, 0, 0x1FE, 0);
    CHECK("no such mode", r.ax == 0x014F);
    call(0x4F02, 0x01FE, 0, 0);
    CHECK("cannot be set", r.ax == 0x014F);
    call(0x4F02, 0x0003, 0, 0);
    call(0x4F03, 0, 0, 0);
    CHECK("back to text", r.bx == 3 && peek16(0xB800, 0) == 0x0720);
}

static void test_windows(void)
{
    call(0x4F02, 0x0101, 0, 0);
    call(0x4F05, 0, 0, 3);
    CHECK("set bank", r.ax == 0x004F);
    poke8(0xA000, 5, 0x77);
    call(0x4F05, 0, 0, 0);
    CHECK("other bank", peek8(0xA000, 5) == 0);
    call(0x4F05, 0, 0, 3);
    CHECK("the bank again", peek8(0xA000, 5) == 0x77);
    call(0x4F05, 0x0100, 0, 0);
    CHECK("get bank", r.dx == 3);
    call(0x4F05, 0, 0, 4096);
    CHECK("no such bank", r.ax == 0x014F);
    call(0x4F02, 0x8101, 0, 0);
    call(0x4F05, 0, 0, 3);
    CHECK("set without clearing", peek8(0xA000, 5) == 0x77);
    call(0x4F02, 0x0101, 0, 0);
    call(0x4F05, 0, 0, 3);
    CHECK("set with clearing", peek8(0xA000, 5) == 0);
}

static void test_scrolling(void)
{
    call(0x4F02, 0x0112, 0, 0); /* 640 x 480 x 24 */
    call(0x4F06, 0x0001, 0, 0);
    CHECK("line length", r.ax == 0x004F && r.bx == 1920 && r.cx == 640);
    call(0x4F06, 0x0000, 1021, 0);
    CHECK("longer line", r.ax == 0x004F && r.bx == 3072 && r.cx == 1024 && r.dx >= 480);
    call(0x4F06, 0x0002, 2400, 0);
    CHECK("line in bytes", r.ax == 0x004F && r.bx == 2400 && r.cx == 800);
    call(0x4F06, 0x0000, 320, 0);
    CHECK("too short", r.ax == 0x024F);
    call(0x4F06, 0x0003, 0, 0);
    u16 most = r.cx;
    CHECK("longest line", r.ax == 0x004F && most >= 8000);
    call(0x4F06, 0x0000, most, 0);
    CHECK("longest line can be set", r.ax == 0x004F && r.cx == most && r.dx >= 480);
    call(0x4F06, 0x0000, 1024, 0);
    call(0x4F07, 0, 8, 16);
    call(0x4F07, 1, 0, 0);
    CHECK("display start", r.ax == 0x004F && r.cx == 8 && r.dx == 16);
    call(0x4F07, 0x80, 16, 20);
    CHECK("display start at the retrace", r.ax == 0x004F && dispi(8) == 16 && dispi(9) == 20);
    r = (struct registers){.ax = 0x4F07, .bx = 2, .ecx = 3072 * 40 + 24 * 3};
    bios_call(&r, 0x10);
    CHECK("display start by offset", r.ax == 0x004F && dispi(8) == 24 && dispi(9) == 40);
    call(0x4F07, 4, 0, 0);
    CHECK("that has happened", r.ax == 0x004F && r.cx == 1);
    call(0x4F07, 0, 2000, 0);
    CHECK("display start outside", r.ax == 0x014F);
}

static void test_palette(void)
{
    call(0x4F08, 0x0800, 0, 0);
    CHECK("no palette in direct colour", r.ax == 0x034F);
    call(0x4F02, 0x0101, 0, 0);
    call(0x4F08, 0x0800, 0, 0);
    CHECK("wide DAC", r.ax == 0x004F && r.bh == 8);
    for (u16 i = 0; i < 1024; i++)
        buffer[i] = (u8)(i * 7);
    call(0x4F09, 0x0000, 256, 0);
    CHECK("set palette", r.ax == 0x004F);
    outb(0x3C7, 100);
    u8 red = inb(0x3C9), green = inb(0x3C9), blue = inb(0x3C9);
    CHECK("red, green, blue",
          red == (u8)(402 * 7) && green == (u8)(401 * 7) && blue == (u8)(400 * 7));
    call(0x4F09, 0x0001, 2, 50);
    CHECK("get palette", r.ax == 0x004F && buffer[0] == (u8)(200 * 7) &&
                             buffer[1] == (u8)(201 * 7) && buffer[4] == (u8)(204 * 7));
    call(0x4F09, 0x0002, 2, 50);
    CHECK("no secondary palette", r.ax == 0x024F);
    call(0x4F08, 0x0001, 0, 0);
    CHECK("get DAC width", r.bh == 8);
    call(0x4F08, 0x0600, 0, 0);
    CHECK("narrow DAC", r.ax == 0x004F && r.bh == 6);
}

static void test_state(void)
{
    call(0x4F02, 0x0113, 0, 0); /* 800 x 600 x 15 */
    call(0x4F05, 0, 0, 5);
    call(0x4F07, 0, 0, 10);
    poke8(0xA000, 9, 0x99);
    call(0x4F04, 0, 0x0F, 0);
    CHECK("size of the state", r.ax == 0x004F && r.bx * 64u <= sizeof buffer);
    call(0x4F04, (u16)(u32)buffer, 0x0F, 1);
    CHECK("save state", r.ax == 0x004F);
    call(0x4F02, 0x0003, 0, 0);
    call(0x4F04, (u16)(u32)buffer, 0x0F, 2);
    CHECK("restore state", r.ax == 0x004F);
    call(0x4F03, 0, 0, 0);
    CHECK("the mode is back", r.bx == 0x113 && dispi(1) == 800 && dispi(3) == 15 && dispi(5) == 5);
    CHECK("the picture is back", dispi(9) == 10 && peek8(0xA000, 9) == 0x99);
    CHECK("the data area is back", peek16(0x40, 0x4A) == 100);
}

/* The code is copied elsewhere, as its users do. */
static void test_protected_mode(void)
{
    static u8 copy[512];
    call(0x4F02, 0x0144, 0, 0); /* 1024 x 768 x 32 */
    call(0x4F0A, 0, 0, 0);
    u16 size = r.cx;
    CHECK("protected-mode interface", r.ax == 0x004F && size > 16 && size <= sizeof copy);
    for (u16 i = 0; i < size; i++)
        copy[i] = peek8(r.es, (u16)(r.di + i));
    const u16 *offsets = (const u16 *)(const void *)copy;
    CHECK("offsets",
          offsets[0] < size && offsets[1] < size && offsets[2] < size && offsets[3] < size);
    const u16 *ports = (const u16 *)(const void *)(copy + offsets[3]);
    CHECK("ports", ports[0] == 0x1CE && ports[1] == 0x1CF);
    u32 base = (u32)copy;
    struct protected_registers p = {.ebx = 0, .edx = 7, .eax = 0x4F05};
    protected_call(base + offsets[0], &p);
    CHECK("window", (u16)p.eax == 0x004F && dispi(5) == 7 && p.edx == 7);
    call(0x4F06, 0x0000, 1280, 0);
    u32 start = (1280 * 30 + 50) * 4 / 4;
    p = (struct protected_registers){.ecx = start & 0xFFFF, .edx = start >> 16, .eax = 0x4F07};
    protected_call(base + offsets[1], &p);
    CHECK("display start", (u16)p.eax == 0x004F && dispi(8) == 50 && dispi(9) == 30);
    start = 1280 * 60;
    p = (struct protected_registers){
        .ebx = 0x80, .ecx = start & 0xFFFF, .edx = start >> 16, .eax = 0x4F07};
    protected_call(base + offsets[1], &p);
    CHECK("display start at the retrace", dispi(8) == 0 && dispi(9) == 60);
    for (u8 i = 0; i < 8; i++)
        buffer[i] = (u8)(i + 1);
    p = (struct protected_registers){.ecx = 2, .edx = 9, .edi = (u32)buffer, .eax = 0x4F09};
    protected_call(base + offsets[2], &p);
    outb(0x3C7, 10);
    u8 red = inb(0x3C9), green = inb(0x3C9), blue = inb(0x3C9);
    CHECK("palette", (u16)p.eax == 0x004F && red == 7 && green == 6 && blue == 5);
}

static void test_display(void)
{
    u8 sum = 0;
    call(0x4F15, 0, 0, 0);
    CHECK("DDC", r.ax == 0x004F && (r.bl & 2));
    call(0x4F15, 1, 0, 0);
    for (u8 i = 0; i < 128; i++)
        sum += buffer[i];
    CHECK("EDID", r.ax == 0x004F && same(buffer, "\0\xFF\xFF\xFF\xFF\xFF\xFF\0", 8) && sum == 0 &&
                      buffer[18] == 1 && buffer[19] == 3 && buffer[126] == 0);
    call(0x4F15, 1, 0, 1);
    CHECK("one block only", r.ax == 0x014F);
    call(0x4F10, 0, 0, 0);
    CHECK("power states", r.ax == 0x004F && r.bl >= 0x10 && (r.bh & 4));
    call(0x4F10, 0x0401, 0, 0);
    outb(0x3C4, 1);
    CHECK("display off", r.ax == 0x004F && (inb(0x3C5) & 0x20));
    call(0x4F10, 0x0002, 0, 0);
    CHECK("is off", r.bh == 4);
    call(0x4F10, 0x0001, 0, 0);
    outb(0x3C4, 1);
    CHECK("display on", !(inb(0x3C5) & 0x20));
}

/* Characters in each depth: written, read back, scrolled; the program's bank stays. */
static void test_characters(void)
{
    static const u16 numbers[] = {0x102, 0x101, 0x110, 0x114, 0x112, 0x142};
    for (u16 i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        test_note("mode", numbers[i]);
        call(0x4F02, numbers[i], 0, 0);
        call(0x4F05, 0, 0, 1);
        call(0x0200, 0, 0, 0x1C10);
        call(0x0900 | 'B', 0x000C, 2, 0);
        call(0x0800, 0, 0, 0);
        CHECK("character", r.al == 'B' && dispi(5) == 1);
        call(0x0601, 0x0000, 0x1A00, 0x1D20);
        call(0x0200, 0, 0, 0x1B11);
        call(0x0800, 0, 0, 0);
        CHECK("scrolled up", r.al == 'B');
        call(0x0702, 0x0000, 0x1A00, 0x1D20);
        call(0x0200, 0, 0, 0x1D11);
        call(0x0800, 0, 0, 0);
        CHECK("scrolled down", r.al == 'B');
        call(0x0E00 | 'q', 0x0009, 0, 0);
        call(0x0300, 0, 0, 0);
        CHECK("teletype", r.dx == 0x1D12);
    }
}

void test_main(void)
{
    test_information();
    test_modes();
    test_windows();
    test_scrolling();
    test_palette();
    test_state();
    test_protected_mode();
    test_display();
    test_characters();
    call(0x0003, 0, 0, 0);
}
