/* INT 16h and IRQ 1: scan codes that the controller is told to deliver (command D2h) become words,
 * flags, and interrupts. */
#include "tests/bios/bios_test.h"

static struct registers r;

static void call(u16 ax, u16 bx, u16 cx)
{
    r = (struct registers){.ax = ax, .bx = bx, .cx = cx};
    bios_call(&r, 0x16);
}

static void controller_idle(void)
{
    while (inb(0x64) & 2)
        ;
}

/* One byte as if from the keyboard, and IRQ 1 served. */
static void scan(u8 code)
{
    while (inb(0x64) & 3)
        __asm__ volatile("sti; nop");
    outb(0x64, 0xD2);
    controller_idle();
    outb(0x60, code);
    controller_idle();
    for (u32 i = 0; i < 2000 && inb(0x64) & 1; i++)
        __asm__ volatile("sti; nop");
    for (volatile u32 i = 0; i < 2000; i++)
        ;
}

static void press(u8 code)
{
    scan(code);
    scan(code | 0x80);
}

static void press_extended(u8 code)
{
    scan(0xE0);
    scan(code);
    scan(0xE0);
    scan(code | 0x80);
}

/* The next word by function 10h; 0 when there is none. */
static u16 next(void)
{
    call(0x1100, 0, 0);
    if (r.flags & ZERO)
        return 0;
    call(0x1000, 0, 0);
    return r.ax;
}

static void empty(void)
{
    while (next())
        ;
}

#define SHIFT 0x2A
#define CTRL  0x1D
#define ALT   0x38

static u16 with(u8 modifier, u8 code)
{
    scan(modifier);
    press(code);
    scan(modifier | 0x80);
    return next();
}

static void test_words(void)
{
    static const struct {
        u8 code;
        u16 normal, shift, ctrl, alt;
    } keys[] = {
        {0x01, 0x011B, 0x011B, 0x011B, 0x0100},
        {0x02, 0x0231, 0x0221, 0,      0x7800},
        {0x03, 0x0332, 0x0340, 0x0300, 0x7900},
        {0x07, 0x0736, 0x075E, 0x071E, 0x7D00},
        {0x0C, 0x0C2D, 0x0C5F, 0x0C1F, 0x8200},
        {0x0E, 0x0E08, 0x0E08, 0x0E7F, 0x0E00},
        {0x0F, 0x0F09, 0x0F00, 0x9400, 0xA500},
        {0x10, 0x1071, 0x1051, 0x1011, 0x1000},
        {0x1A, 0x1A5B, 0x1A7B, 0x1A1B, 0x1A00},
        {0x1C, 0x1C0D, 0x1C0D, 0x1C0A, 0x1C00},
        {0x1E, 0x1E61, 0x1E41, 0x1E01, 0x1E00},
        {0x28, 0x2827, 0x2822, 0,      0x2800},
        {0x2B, 0x2B5C, 0x2B7C, 0x2B1C, 0x2B00},
        {0x32, 0x326D, 0x324D, 0x320D, 0x3200},
        {0x35, 0x352F, 0x353F, 0,      0x3500},
        {0x39, 0x3920, 0x3920, 0x3920, 0x3920},
        {0x3B, 0x3B00, 0x5400, 0x5E00, 0x6800},
        {0x44, 0x4400, 0x5D00, 0x6700, 0x7100},
        {0x57, 0x8500, 0x8700, 0x8900, 0x8B00},
        {0x58, 0x8600, 0x8800, 0x8A00, 0x8C00},
        {0x47, 0x4700, 0x4737, 0x7700, 0     },
        {0x4D, 0x4D00, 0x4D36, 0x7400, 0     },
        {0x4A, 0x4A2D, 0x4A2D, 0x8E00, 0x4A00},
        {0x4E, 0x4E2B, 0x4E2B, 0x9000, 0x4E00},
        {0x48, 0x4800, 0x4838, 0x8D00, 0     },
        {0x53, 0x5300, 0x532E, 0x9300, 0     },
    };
    for (u32 i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        test_note("key", keys[i].code);
        press(keys[i].code);
        CHECK("normal", next() == keys[i].normal);
        CHECK("shift", with(SHIFT, keys[i].code) == keys[i].shift);
        CHECK("ctrl", with(CTRL, keys[i].code) == keys[i].ctrl);
        if (keys[i].alt)
            CHECK("alt", with(ALT, keys[i].code) == keys[i].alt);
        empty();
    }
}

static void test_extended_keys(void)
{
    press_extended(0x48);
    CHECK("grey up, enhanced", next() == 0x48E0);
    press_extended(0x48);
    call(0x0000, 0, 0);
    CHECK("grey up, standard", r.ax == 0x4800);
    press_extended(0x1C);
    CHECK("keypad enter, enhanced", next() == 0xE00D);
    press_extended(0x35);
    call(0x0000, 0, 0);
    CHECK("keypad slash, standard", r.ax == 0x352F);
    scan(CTRL);
    press_extended(0x4B);
    scan(CTRL | 0x80);
    CHECK("ctrl grey left", next() == 0x73E0);
    press(0x57);
    press(0x1E);
    call(0x0000, 0, 0);
    CHECK("F11 is skipped by function 0", r.ax == 0x1E61);
    empty();
}

static void test_flags(void)
{
    scan(SHIFT);
    call(0x0200, 0, 0);
    CHECK("left shift", (r.al & 0x0F) == 0x02);
    scan(0x36);
    call(0x0200, 0, 0);
    CHECK("both shifts", (r.al & 0x0F) == 0x03);
    scan(SHIFT | 0x80);
    scan(0x36 | 0x80);
    scan(0xE0);
    scan(CTRL);
    call(0x1200, 0, 0);
    CHECK("right ctrl", (r.al & 0x04) && (r.ah & 0x04) && !(r.ah & 0x01));
    scan(0xE0);
    scan(CTRL | 0x80);
    scan(ALT);
    call(0x1200, 0, 0);
    CHECK("left alt", (r.al & 0x08) && (r.ah & 0x02));
    scan(ALT | 0x80);
    call(0x0200, 0, 0);
    CHECK("none", (r.al & 0x0F) == 0);
}

static void test_locks(void)
{
    call(0x0200, 0, 0);
    u8 before = r.al;
    press(0x3A);
    call(0x0200, 0, 0);
    CHECK("caps lock", (r.al ^ before) == 0x40);
    press(0x1E);
    CHECK("capital", next() == 0x1E41);
    CHECK("caps and shift", with(SHIFT, 0x1E) == 0x1E61);
    press(0x02);
    CHECK("caps leaves digits", next() == 0x0231);
    press(0x3A);
    if (!(before & 0x20))
        press(0x45);
    press(0x47);
    CHECK("num lock", next() == 0x4737);
    CHECK("num lock and shift", with(SHIFT, 0x47) == 0x4700);
    press(0x45);
    press(0x46);
    call(0x0200, 0, 0);
    CHECK("scroll lock", (r.al ^ before) & 0x10);
    press(0x46);
    press_extended(0x52);
    call(0x0200, 0, 0);
    CHECK("insert state", (r.al ^ before) & 0x80);
    CHECK("insert word", next() == 0x52E0);
    press_extended(0x52);
    empty();
}

static void test_special(void)
{
    scan(ALT);
    press(0x4B);
    press(0x4C);
    CHECK("nothing before alt is released", next() == 0);
    scan(ALT | 0x80);
    CHECK("alt and keypad 45", next() == 0x002D);
    vector_hook(0x1B, 0, hook_0);
    press(0x1E);
    scan(CTRL);
    scan(0xE0);
    scan(0x46);
    scan(0xE0);
    scan(0xC6);
    scan(CTRL | 0x80);
    CHECK("break interrupt", hook_counts[0] == 1);
    CHECK("break flag", peek8(0x40, 0x71) == 0x80);
    call(0x0100, 0, 0);
    CHECK("break empties the buffer", !(r.flags & ZERO) && r.ax == 0);
    call(0x0000, 0, 0);
    vector_restore(0x1B, 0);
    vector_hook(0x05, 0, hook_0);
    scan(0xE0);
    scan(0x2A);
    scan(0xE0);
    scan(0x37);
    scan(0xE0);
    scan(0xB7);
    scan(0xE0);
    scan(0xAA);
    CHECK("print screen", hook_counts[0] == 1 && next() == 0);
    vector_restore(0x05, 0);
    empty();
}

void late_key(void);

/* Pause stops everything but interrupts until a key, which gives no word. */
static void test_pause(void)
{
    empty();
    vector_hook(0x1C, 0, late_key);
    scan(0xE1);
    scan(0x1D);
    u32 before = peek32(0x40, 0x6C);
    hook_counts[0] = 0;
    scan(0x45);
    u32 passed = peek32(0x40, 0x6C) - before;
    vector_restore(0x1C, 0);
    test_note("ticks of pause", passed);
    CHECK("pause waits", passed >= 2);
    CHECK("the key that ends it is swallowed", next() == 0);
    scan(0x9E);
    scan(0xE1);
    scan(0x9D);
    scan(0xC5);
    press(0x1E);
    CHECK("keys go on", next() == 0x1E61);
    call(0x0300 | 5, 0x0000, 0);
    press(0x1F);
    CHECK("typematic rate is accepted", next() == 0x1F73);
}

static void test_buffer(void)
{
    empty();
    call(0x0100, 0, 0);
    CHECK("empty", r.flags & ZERO);
    call(0x0500, 0, 0x1234);
    CHECK("store", r.al == 0);
    call(0x0100, 0, 0);
    CHECK("peek", !(r.flags & ZERO) && r.ax == 0x1234);
    call(0x0000, 0, 0);
    CHECK("read", r.ax == 0x1234);
    u8 stored = 0;
    do {
        call(0x0500, 0, (u16)(0x1E00 | ('a' + stored)));
        stored += r.al == 0;
    } while (r.al == 0 && stored < 40);
    CHECK("fifteen fit", stored == 15);
    empty();
}

static void test_intercept(void)
{
    vector_hook(0x15, 0, chain_0);
    press(0x1E);
    CHECK("intercept is called", hook_counts[0] >= 2);
    vector_restore(0x15, 0);
    CHECK("and passes the key on", next() == 0x1E61);
    vector_hook(0x09, 0, chain_0);
    press(0x1F);
    CHECK("interrupt 9 chains", hook_counts[0] == 2 && next() == 0x1F73);
    vector_restore(0x09, 0);
}

void test_main(void)
{
    empty();
    test_words();
    test_extended_keys();
    test_flags();
    test_locks();
    test_buffer();
    test_intercept();
    test_special();
    test_pause();
}
