/* INT 10h: modes, cursor, text, scrolling, pages, pixels, palette, fonts, state. */
#include "tests/bios/bios_test.h"

static struct registers r;

static void call(u16 ax, u16 bx, u16 cx, u16 dx)
{
    r = (struct registers){.ax = ax, .bx = bx, .cx = cx, .dx = dx};
    bios_call(&r, 0x10);
}

static void set_mode(u8 mode)
{
    call(mode, 0, 0, 0);
}

static void test_modes(void)
{
    static const struct {
        u8 mode, columns, rows, height;
        u16 width, lines;
        u8 colors;
    } modes[] = {
        {0x00, 40, 25, 16, 0,   0,   0  },
        {0x01, 40, 25, 16, 0,   0,   0  },
        {0x02, 80, 25, 16, 0,   0,   0  },
        {0x03, 80, 25, 16, 0,   0,   0  },
        {0x04, 40, 25, 8,  320, 200, 3  },
        {0x05, 40, 25, 8,  320, 200, 3  },
        {0x06, 80, 25, 8,  640, 200, 1  },
        {0x07, 80, 25, 16, 0,   0,   0  },
        {0x0D, 40, 25, 8,  320, 200, 15 },
        {0x0E, 80, 25, 8,  640, 200, 15 },
        {0x10, 80, 25, 14, 640, 350, 15 },
        {0x11, 80, 30, 16, 640, 480, 1  },
        {0x12, 80, 30, 16, 640, 480, 15 },
        {0x13, 40, 25, 8,  320, 200, 255},
    };
    for (u32 i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        test_note("mode", modes[i].mode);
        set_mode(modes[i].mode);
        call(0x0F00, 0, 0, 0);
        CHECK("get mode", r.al == modes[i].mode && r.ah == modes[i].columns && r.bh == 0);
        CHECK("data area of mode",
              peek8(0x40, 0x49) == modes[i].mode && peek16(0x40, 0x4A) == modes[i].columns &&
                  peek8(0x40, 0x84) == modes[i].rows - 1 && peek16(0x40, 0x85) == modes[i].height);
        call(0x0200, 0, 0, 0x0305);
        call(0x0300, 0, 0, 0);
        CHECK("cursor position", r.dx == 0x0305);
        call(0x0900 | 'A', modes[i].mode == 0x06 || modes[i].mode == 0x11 ? 0x01 : 0x03, 1, 0);
        call(0x0800, 0, 0, 0);
        CHECK("character back", r.al == 'A');
        if (modes[i].width) {
            u16 x = (u16)(modes[i].width - 3), y = (u16)(modes[i].lines - 2);
            call((u16)(0x0C00 | modes[i].colors), 0, x, y);
            call(0x0D00, 0, x, y);
            CHECK("pixel", r.al == modes[i].colors);
            call(0x0D00, 0, (u16)(x + 1), y);
            CHECK("pixel beside", r.al == 0);
            if (modes[i].colors != 255) {
                call((u16)(0x0C80 | modes[i].colors), 0, x, y);
                call(0x0D00, 0, x, y);
                CHECK("pixel exclusive or", r.al == 0);
            }
        }
    }
    set_mode(0x03);
    poke16(0xB800, 100, 0x1234);
    set_mode(0x83);
    CHECK("mode without clearing", peek16(0xB800, 100) == 0x1234);
    call(0x0F00, 0, 0, 0);
    CHECK("no-clear flag shows", r.al == 0x83);
    set_mode(0x03);
    CHECK("mode clears", peek16(0xB800, 100) == 0x0720);
}

static void test_text(void)
{
    set_mode(3);
    call(0x0200, 0, 0, 0x0000);
    call(0x0900 | 'x', 0x4E, 5, 0);
    CHECK("write with attribute", peek16(0xB800, 0) == 0x4E78 && peek16(0xB800, 8) == 0x4E78 &&
                                      peek16(0xB800, 10) == 0x0720);
    call(0x0A00 | 'y', 0x4E, 2, 0);
    CHECK("write character only", peek16(0xB800, 0) == 0x4E79 && peek16(0xB800, 2) == 0x4E79 &&
                                      peek16(0xB800, 4) == 0x4E78);
    call(0x0800, 0, 0, 0);
    CHECK("read cell", r.ax == 0x4E79);
    call(0x0E00 | 'z', 7, 0, 0);
    call(0x0300, 0, 0, 0);
    CHECK("teletype moves", r.dx == 0x0001 && peek8(0xB800, 0) == 'z');
    call(0x0E08, 7, 0, 0);
    call(0x0300, 0, 0, 0);
    CHECK("backspace", r.dx == 0x0000);
    call(0x0200, 0, 0, 0x184F);
    poke16(0xB800, 160, 0x1F41);
    call(0x0E00 | 'q', 7, 0, 0);
    call(0x0300, 0, 0, 0);
    CHECK("teletype scrolls",
          r.dx == 0x1800 && peek16(0xB800, 0) == 0x1F41 && peek8(0xB800, 23 * 160 + 158) == 'q');
    call(0x0E0A, 7, 0, 0);
    call(0x0E0D, 7, 0, 0);
    call(0x0300, 0, 0, 0);
    CHECK("line feed at the bottom", r.dx == 0x1800);
}

static void test_scroll(void)
{
    set_mode(3);
    for (u16 row = 0; row < 25; row++)
        poke16(0xB800, (u16)(row * 160 + 20), (u16)(0x0700 | ('a' + row)));
    call(0x0602, 0x1700, 0x0205, 0x0A14);
    CHECK("scroll up", peek8(0xB800, 2 * 160 + 20) == 'e' &&
                           peek16(0xB800, 9 * 160 + 20) == 0x1720 &&
                           peek8(0xB800, 11 * 160 + 20) == 'l' && peek8(0xB800, 160 + 20) == 'b');
    CHECK("outside the window", peek16(0xB800, 9 * 160 + 8) == 0x0720);
    call(0x0701, 0x2700, 0x0205, 0x0A14);
    CHECK("scroll down",
          peek8(0xB800, 3 * 160 + 20) == 'e' && peek16(0xB800, 2 * 160 + 20) == 0x2720);
    call(0x0600, 0x3000, 0x0000, 0x184F);
    CHECK("clear window", peek16(0xB800, 0) == 0x3020 && peek16(0xB800, 3998) == 0x3020);
}

static void test_pages_and_cursor(void)
{
    set_mode(3);
    call(0x0200, 0x0100, 0, 0x0A0B);
    call(0x0900 | 'P', 0x0107, 1, 0);
    CHECK("write to page 1", peek8(0xB800, 0x1000 + 10 * 160 + 22) == 'P');
    call(0x0501, 0, 0, 0);
    CHECK("page start", peek16(0x40, 0x4E) == 0x1000 && peek8(0x40, 0x62) == 1);
    outb(0x3D4, 0x0C);
    CHECK("start address register", inb(0x3D5) == 0x08);
    outb(0x3D4, 0x0E);
    u16 cursor = (u16)(inb(0x3D5) << 8);
    outb(0x3D4, 0x0F);
    cursor |= inb(0x3D5);
    CHECK("cursor register", cursor == 0x800 + 10 * 80 + 11);
    call(0x0F00, 0, 0, 0);
    CHECK("active page", r.bh == 1);
    call(0x0500, 0, 0, 0);
    call(0x0100, 0, 0x0607, 0);
    outb(0x3D4, 0x0A);
    CHECK("cursor shape scaled", inb(0x3D5) >= 12);
    call(0x0300, 0, 0, 0);
    CHECK("cursor shape reads back", r.cx == 0x0607);
    call(0x0100, 0, 0x2000, 0);
    outb(0x3D4, 0x0A);
    CHECK("cursor off", inb(0x3D5) & 0x20);
    call(0x0100, 0, 0x0607, 0);
}

static void write_string(u8 mode, const void *text, u16 count, u16 at)
{
    r = (struct registers){.ax = (u16)(0x1300 | mode), .bx = 0x001E, .cx = count, .dx = at};
    r.bp = (u16)(u32)text;
    bios_call(&r, 0x10);
}

static void test_string(void)
{
    set_mode(3);
    call(0x0200, 0, 0, 0x0101);
    write_string(0, "abc", 3, 0x0500);
    CHECK("string", peek16(0xB800, 5 * 160) == 0x1E61 && peek16(0xB800, 5 * 160 + 4) == 0x1E63);
    call(0x0300, 0, 0, 0);
    CHECK("cursor stays", r.dx == 0x0101);
    write_string(1, "d\r\ne", 4, 0x0600);
    call(0x0300, 0, 0, 0);
    CHECK("cursor moves", r.dx == 0x0701 && peek8(0xB800, 7 * 160) == 'e');
    write_string(2, "x\x4Ay\x2B", 2, 0x0800);
    CHECK("string with attributes",
          peek16(0xB800, 8 * 160) == 0x4A78 && peek16(0xB800, 8 * 160 + 2) == 0x2B79);
}

static u8 buffer[1024];

static void test_palette(void)
{
    set_mode(3);
    call(0x1000, 0x3F02, 0, 0);
    call(0x1007, 0x0002, 0, 0);
    CHECK("palette register", r.bh == 0x3F);
    call(0x1001, 0x0500, 0, 0);
    call(0x1008, 0, 0, 0);
    CHECK("border", r.bh == 5);
    r = (struct registers){.ax = 0x1009, .dx = (u16)(u32)buffer};
    bios_call(&r, 0x10);
    CHECK("all palette registers",
          buffer[0] == 0 && buffer[2] == 0x3F && buffer[6] == 0x14 && buffer[16] == 5);
    buffer[2] = 2;
    buffer[16] = 0;
    r = (struct registers){.ax = 0x1002, .dx = (u16)(u32)buffer};
    bios_call(&r, 0x10);
    call(0x1007, 0x0002, 0, 0);
    CHECK("set all palette registers", r.bh == 2);
    call(0x1010, 0x0030, 0x2A15, 0x3F00);
    call(0x1015, 0x0030, 0, 0);
    CHECK("DAC register", r.dh == 0x3F && r.ch == 0x2A && r.cl == 0x15);
    static const u8 colors[6] = {1, 2, 3, 4, 5, 6};
    r = (struct registers){.ax = 0x1012, .bx = 0x80, .cx = 2, .dx = (u16)(u32)colors};
    bios_call(&r, 0x10);
    r = (struct registers){.ax = 0x1017, .bx = 0x80, .cx = 2, .dx = (u16)(u32)buffer};
    bios_call(&r, 0x10);
    CHECK("DAC block", same(buffer, colors, 6));
    call(0x1003, 0x0000, 0, 0);
    inb(0x3DA);
    outb(0x3C0, 0x30);
    CHECK("blinking off", !(inb(0x3C1) & 8));
    call(0x1003, 0x0001, 0, 0);
    set_mode(0x13);
    call(0x1015, 0x0020, 0, 0);
    CHECK("colour 32 of mode 13h is blue", r.dh == 0 && r.ch == 0 && r.cl == 63);
    call(0x1015, 0x001F, 0, 0);
    CHECK("colour 31 is white", r.dh == 63 && r.ch == 63 && r.cl == 63);
    call(0x1015, 0x0006, 0, 0);
    CHECK("colour 6 is brown", r.dh == 42 && r.ch == 21 && r.cl == 0);
    set_mode(3);
}

static void test_fonts(void)
{
    set_mode(3);
    call(0x1112, 0, 0, 0);
    CHECK("50 rows", peek8(0x40, 0x84) == 49 && peek16(0x40, 0x85) == 8);
    call(0x0200, 0, 0, 0x3100);
    call(0x0E00 | 'k', 0, 0, 0);
    CHECK("row 49", peek8(0xB800, 49 * 160) == 'k');
    call(0x1111, 0, 0, 0);
    CHECK("28 rows", peek8(0x40, 0x84) == 27 && peek16(0x40, 0x85) == 14);
    call(0x1114, 0, 0, 0);
    CHECK("25 rows", peek8(0x40, 0x84) == 24 && peek16(0x40, 0x85) == 16);
    for (u16 which = 2; which <= 6; which++) {
        if (which == 5)
            continue;
        call(0x1130, (u16)(which << 8), 0, 0);
        u16 height = which == 2 ? 14 : which == 6 ? 16 : 8;
        u8 letter = which == 4 ? 0xDB - 128 : 0xDB;
        u16 glyph = (u16)(r.bp + (which == 3 ? 'H' : letter) * height);
        u8 middle = peek8(r.es, (u16)(glyph + height / 2 - 1));
        CHECK("font pointer",
              which == 3 ? middle == 0xFE || middle == 0xC6 || middle == 0xFC || middle == 0xCC
                         : middle == 0xFF);
    }
    call(0x1201, 0x0030, 0, 0);
    CHECK("select 350 lines", r.al == 0x12);
    set_mode(3);
    CHECK("350 line text", peek16(0x40, 0x85) == 14 && peek8(0x40, 0x84) == 24);
    call(0x1200, 0x0030, 0, 0);
    set_mode(3);
    CHECK("200 line text", peek16(0x40, 0x85) == 8 && peek8(0x40, 0x84) == 24);
    call(0x1202, 0x0030, 0, 0);
    set_mode(3);
    CHECK("400 line text", peek16(0x40, 0x85) == 16);
}

static void test_state(void)
{
    set_mode(3);
    call(0x1200, 0x0010, 0, 0);
    CHECK("EGA information", r.bh == 0 && r.bl == 3);
    call(0x1A00, 0, 0, 0);
    CHECK("display combination", r.al == 0x1A && r.bl == 8 && r.bh == 0);
    call(0x1A01, 0x0108, 0, 0);
    CHECK("set display combination", r.al == 0x1A);
    call(0x1A00, 0, 0, 0);
    CHECK("VGA with a second display", r.bl == 8 && r.bh == 1);
    call(0x1A01, 0x0404, 0, 0);
    CHECK("no such combination", r.al != 0x1A);
    call(0x1A01, 0x0008, 0, 0);
    CHECK("VGA alone again", r.al == 0x1A);
    r = (struct registers){.ax = 0x1B00, .di = (u16)(u32)buffer};
    bios_call(&r, 0x10);
    CHECK("state", r.al == 0x1B && buffer[4] == 3 && buffer[5] == 80 && buffer[0x22] == 25 &&
                       buffer[0x23] == 16 && buffer[0x2A] == 2);
    call(0x1C00, 0, 7, 0);
    CHECK("size of saved state", r.al == 0x1C && r.bx != 0 && r.bx <= sizeof buffer / 64);
    r = (struct registers){.ax = 0x1C01, .cx = 7, .bx = (u16)(u32)buffer};
    bios_call(&r, 0x10);
    set_mode(0x13);
    call(0x1010, 0x0007, 0x0102, 0x0300);
    r = (struct registers){.ax = 0x1C02, .cx = 7, .bx = (u16)(u32)buffer};
    bios_call(&r, 0x10);
    call(0x0F00, 0, 0, 0);
    CHECK("restored mode", r.al == 3);
    call(0x1015, 0x0007, 0, 0);
    CHECK("restored colour", r.dh == 42 && r.ch == 42 && r.cl == 42);
    outb(0x3CE, 6);
    CHECK("restored register", inb(0x3CF) == 0x0E);
    set_mode(3);
}

static void test_preserved(void)
{
    struct registers before = {.eax = 0x11110E41,
                               .ebx = 0x22220007,
                               .ecx = 0x33334444,
                               .edx = 0x55556666,
                               .esi = 0x77778888,
                               .edi = 0x9999AAAA,
                               .ebp = 0xBBBBCCCC,
                               .ds = 0x1234,
                               .es = 0x5678};
    r = before;
    bios_call(&r, 0x10);
    CHECK("teletype keeps registers", r.ebx == before.ebx && r.ecx == before.ecx &&
                                          r.edx == before.edx && r.esi == before.esi &&
                                          r.edi == before.edi && r.ebp == before.ebp &&
                                          r.ds == before.ds && r.es == before.es);
}

/* What X.Org and Windows look for before they call INT 10h. */
static void test_rom(void)
{
    u8 sum = 0;
    CHECK("video ROM", peek16(0xC000, 0) == 0xAA55 && peek8(0xC000, 2) >= 1);
    for (u16 i = 0; i < peek8(0xC000, 2) * 512u; i++)
        sum += peek8(0xC000, i);
    CHECK("video ROM's checksum", sum == 0);
    CHECK("video ROM's signature", peek16(0xC000, 0x1E) == 0x4249 && peek8(0xC000, 0x20) == 'M');
    u16 data = peek16(0xC000, 0x18);
    CHECK("video ROM's PCI data",
          peek16(0xC000, data) == 0x4350 && peek16(0xC000, data + 2) == 0x5249);
    poke8(0xC000, 0x1E, 'X');
    CHECK("video ROM is read-only", peek8(0xC000, 0x1E) == 'I');
}

void test_main(void)
{
    call(0x0F00, 0, 0, 0);
    CHECK("boot mode", (r.al & 0x7F) == 3 && r.ah == 80);
    test_rom();
    test_modes();
    test_text();
    test_scroll();
    test_pages_and_cursor();
    test_string();
    test_palette();
    test_fonts();
    test_state();
    test_preserved();
}
