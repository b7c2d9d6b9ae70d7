/* Reads the whole diskette in drive A, whatever its format: run.py --format makes one whose first
 * sector has a DOS parameter block and whose sectors begin with their numbers. Booted from the hard
 * disk. */
#include "tests/bios/bios_test.h"

static struct registers r;
static u8 buffer[512 * 36] __attribute__((aligned(512)));

static u8 read(u8 cylinder, u8 head, u8 sector, u8 count)
{
    for (u8 attempt = 0; attempt < 3; attempt++) {
        r = (struct registers){.ax = (u16)(0x0200 | count),
                               .es = 0x2000,
                               .cx = (u16)(cylinder << 8 | sector),
                               .dx = (u16)(head << 8)};
        bios_call(&r, 0x13);
        if (!carry(&r))
            break;
        u8 status = r.ah;
        r = (struct registers){.ax = 0};
        bios_call(&r, 0x13);
        r.ah = status;
        r.flags |= CARRY;
    }
    for (u16 i = 0; i < count * 512; i++)
        buffer[i] = peek8(0x2000, i);
    return carry(&r) ? r.ah : 0;
}

/* As DOS does: a table of its own, with this diskette's last sector. */
static void set_table(u8 sectors)
{
    static u8 table[11];
    u16 offset = peek16(0, 0x78), segment = peek16(0, 0x7A);
    for (u8 i = 0; i < 11; i++)
        table[i] = peek8(segment, (u16)(offset + i));
    table[4] = sectors;
    poke32(0, 0x78, (u32)table);
}

void test_main(void)
{
    u8 status = read(0, 0, 1, 1);
    test_note("status", status);
    CHECK("first sector", status == 0);
    u16 sectors = *(u16 *)(buffer + 0x18), heads = *(u16 *)(buffer + 0x1A),
        total = *(u16 *)(buffer + 0x13);
    test_note("sectors a track", sectors);
    test_note("heads", heads);
    test_note("sectors", total);
    r = (struct registers){.ax = 0x0800};
    bios_call(&r, 0x13);
    test_note("drive type", r.bl);
    set_table((u8)sectors);
    u16 cylinders = total / sectors / heads;
    u32 bad = 0;
    for (u16 c = 0; c < cylinders; c++) {
        for (u8 h = 0; h < heads; h++) {
            u8 failed = read((u8)c, h, 1, (u8)sectors);
            u16 first = (u16)((c * heads + h) * sectors);
            for (u16 s = 0; s < sectors; s++)
                bad += failed || *(u16 *)(buffer + s * 512 + 2) != (u16)(first + s);
            if (failed || bad)
                test_note("track", (u32)failed << 16 | c << 8 | h);
            if (bad > 100)
                break;
        }
        if (bad > 100)
            break;
    }
    CHECK("every sector", bad == 0);
    if (heads == 2) {
        status = read(3, 0, (u8)sectors, 2);
        CHECK("across the heads", status == 0 && *(u16 *)(buffer + 514) == (u16)(7 * sectors));
    }
}
