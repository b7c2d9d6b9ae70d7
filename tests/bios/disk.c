/* INT 13h: the diskette that this was booted from (1.44 MB), and the first hard disk by CHS and by
 * block. */
#include "tests/bios/bios_test.h"

static struct registers r;
static u8 buffer[512 * 20] __attribute__((aligned(16)));
static u8 other[512 * 2];

/* Where tests write: sectors far from the image's own. */
#define SCRATCH_CYLINDER 70

static u8 call(u16 ax, u16 cx, u16 dx, const void *memory)
{
    r = (struct registers){.ax = ax, .bx = (u16)(u32)memory, .cx = cx, .dx = dx};
    bios_call(&r, 0x13);
    return carry(&r) ? r.ah : 0;
}

static void fill(u8 *to, u32 count, u8 seed)
{
    for (u32 i = 0; i < count; i++)
        to[i] = (u8)(seed + i * 7 + (i >> 8));
}

static void test_floppy_reads(void)
{
    CHECK("reset", call(0x0000, 0, 0, NULL) == 0);
    CHECK("read sector 1", call(0x0201, 0x0001, 0x0000, buffer) == 0 && r.ax == 0x0001);
    CHECK("it is the boot sector", buffer[510] == 0x55 && buffer[511] == 0xAA);
    CHECK("verify", call(0x0412, 0x0001, 0x0000, NULL) == 0);
    CHECK("status of last operation", call(0x0100, 0, 0, NULL) == 0 && r.ah == 0);
    CHECK("no sector 0", call(0x0201, 0x0000, 0x0000, buffer) != 0);
    CHECK("no sector 19", call(0x0201, 0x0013, 0x0000, buffer) == 0x04);
    CHECK("status after failure", call(0x0100, 0, 0, NULL) == 0x04);
    call(0x0000, 0, 0, NULL);
    r = (struct registers){.ax = 0x0202, .bx = 0xFF00, .cx = 0x0001, .es = 0x1000};
    bios_call(&r, 0x13);
    CHECK("DMA boundary", carry(&r) && r.ah == 0x09);
}

static void test_floppy_writes(void)
{
    u16 at = SCRATCH_CYLINDER << 8 | 17;
    fill(buffer, 512 * 4, 3);
    CHECK("write two", call(0x0302, at, 0x0000, buffer) == 0 && r.al == 2);
    CHECK("write on the other side",
          call(0x0302, SCRATCH_CYLINDER << 8 | 1, 0x0100, buffer + 1024) == 0);
    fill(buffer + 512 * 4, 512 * 4, 99);
    CHECK("read across the heads", call(0x0204, at, 0x0000, buffer + 512 * 4) == 0 && r.al == 4);
    CHECK("what was written", same(buffer, buffer + 512 * 4, 512 * 4));
}

static void test_floppy_format(void)
{
    u8 table[18 * 4];
    for (u8 i = 0; i < 18; i++) {
        table[i * 4] = SCRATCH_CYLINDER + 1;
        table[i * 4 + 1] = 1;
        table[i * 4 + 2] = (u8)(i + 1);
        table[i * 4 + 3] = 2;
    }
    CHECK("set media type", call(0x1800, 0x4F12, 0x0000, NULL) == 0 && r.ah == 0);
    CHECK("media table", peek8(r.es, (u16)(r.di + 4)) == 18);
    CHECK("format", call(0x0512, (SCRATCH_CYLINDER + 1) << 8, 0x0100, table) == 0);
    CHECK("read formatted", call(0x0201, (SCRATCH_CYLINDER + 1) << 8 | 7, 0x0100, buffer) == 0);
    CHECK("fill byte", buffer[0] == 0xF6 && buffer[511] == 0xF6);
}

static void test_floppy_parameters(void)
{
    CHECK("parameters",
          call(0x0800, 0, 0, NULL) == 0 && r.cx == 0x4F12 && r.dh == 1 && r.dl >= 1 && r.bl == 4);
    CHECK("parameter table",
          peek8(r.es, (u16)(r.di + 3)) == 2 && peek8(r.es, (u16)(r.di + 4)) == 18);
    CHECK("type", call(0x1500, 0, 0, NULL) == 0 && r.ah == 2);
    CHECK("change line", call(0x1600, 0, 0, NULL) == 0 && r.ah == 0);
    CHECK("no such function", call(0x7700, 0, 0, NULL) == 0x01);
    call(0x1500, 0, 0x0001, NULL);
    CHECK("drive B is absent", r.ah == 0 || carry(&r));
    CHECK("interrupt 1Eh", peek8(peek16(0, 0x7A), (u16)(peek16(0, 0x78) + 3)) == 2);
}

static struct {
    u8 size, reserved;
    u16 count, offset, segment;
    u32 low, high;
} packet;

static u8 extended(u16 ax, u32 lba, u16 count, void *memory)
{
    packet.size = 16;
    packet.count = count;
    packet.offset = (u16)(u32)memory;
    packet.segment = 0;
    packet.low = lba;
    packet.high = 0;
    r = (struct registers){.ax = ax, .si = (u16)(u32)&packet, .dx = 0x80};
    bios_call(&r, 0x13);
    return carry(&r) ? r.ah : 0;
}

static u8 heads, sectors;
static u16 cylinders;

static void test_disk_geometry(void)
{
    CHECK("disk parameters", call(0x0800, 0, 0x0080, NULL) == 0 && r.dl >= 1);
    heads = (u8)(r.dh + 1);
    sectors = r.cl & 0x3F;
    cylinders = (u16)((r.ch | (r.cl & 0xC0) << 2) + 1);
    test_note("cylinders", cylinders);
    test_note("heads", heads);
    test_note("sectors", sectors);
    CHECK("type", call(0x1500, 0, 0x0080, NULL) == 0 && r.ah == 3);
    u32 blocks = (u32)r.cx << 16 | r.dx;
    CHECK("type tells the size",
          blocks >= (u32)cylinders * heads * sectors - (u32)heads * sectors &&
              blocks <= (u32)(cylinders + 1) * heads * sectors);
    CHECK("ready", call(0x1000, 0, 0x0080, NULL) == 0);
    CHECK("recalibrate", call(0x1100, 0, 0x0080, NULL) == 0);
    CHECK("seek", call(0x0C00, 0x0101, 0x0080, NULL) == 0);
    CHECK("reset", call(0x0000, 0, 0x0080, NULL) == 0);
    CHECK("data area", peek8(0x40, 0x75) >= 1);
    CHECK("no disk 87h", call(0x0201, 1, 0x0087, buffer) != 0);
    u16 table = peek16(0, 0x41 * 4), segment = peek16(0, 0x41 * 4 + 2);
    CHECK("interrupt 41h", peek8(segment, (u16)(table + 2)) == heads &&
                               peek8(segment, (u16)(table + 14)) == sectors);
}

static void test_disk_transfers(void)
{
    fill(buffer, 1024, 41);
    CHECK("write", call(0x0302, 0x0203, 0x0180, buffer) == 0 && r.al == 2);
    u32 lba = (2u * heads + 1) * sectors + 2;
    CHECK("extended read", extended(0x4200, lba, 2, other) == 0 && packet.count == 2);
    CHECK("same block", same(buffer, other, 1024));
    fill(buffer, 1024, 77);
    CHECK("extended write", extended(0x4300, lba + 5, 2, buffer) == 0);
    CHECK("read", call(0x0202, 0x0208, 0x0180, other) == 0);
    CHECK("same sector", same(buffer, other, 1024));
    CHECK("verify", call(0x0404, 0x0201, 0x0180, NULL) == 0);
    CHECK("extended verify", extended(0x4400, lba, 4, NULL) == 0);
    CHECK("extended seek", extended(0x4700, lba, 1, NULL) == 0);
    CHECK("beyond the end", extended(0x4200, 0x7FFFFFFF, 1, other) != 0);
    CHECK("bad sector number", call(0x0201, 0x0000, 0x0080, buffer) != 0);
    CHECK("bad head", call(0x0201, 0x0001, (u16)(heads << 8 | 0x80), buffer) != 0 || heads == 255);
    /* A buffer that does not fit in its segment from where it starts. */
    r = (struct registers){.ax = 0x0204, .bx = 0xFFF0, .es = 0x2000, .cx = 0x0203, .dx = 0x0180};
    bios_call(&r, 0x13);
    bool good = !carry(&r) && call(0x0204, 0x0203, 0x0180, buffer) == 0;
    for (u16 i = 0; i < 2048; i++)
        good = good && peek8(0x2FFF, i) == buffer[i];
    CHECK("buffer over the end of a segment", good);
}

static void test_disk_extensions(void)
{
    static u8 result[74];
    r = (struct registers){.ax = 0x4100, .bx = 0x55AA, .dx = 0x80};
    bios_call(&r, 0x13);
    CHECK("extensions present", !carry(&r) && r.bx == 0xAA55 && r.ah >= 0x21 && (r.cx & 5) == 5);
    result[0] = 30;
    r = (struct registers){.ax = 0x4800, .si = (u16)(u32)result, .dx = 0x80};
    bios_call(&r, 0x13);
    CHECK("extended parameters",
          !carry(&r) && *(u16 *)result == 30 && *(u16 *)(result + 24) == 512);
    CHECK("size in blocks", *(u32 *)(result + 16) >= 1000);
    u32 table = *(u32 *)(result + 26);
    u8 sum = 0;
    for (u16 i = 0; i < 16; i++)
        sum += peek8((u16)(table >> 16), (u16)(table + i));
    CHECK("device parameter table", sum == 0 && peek16((u16)(table >> 16), (u16)table) == 0x1F0);
    result[0] = 10;
    r = (struct registers){.ax = 0x4800, .si = (u16)(u32)result, .dx = 0x80};
    bios_call(&r, 0x13);
    CHECK("too small a buffer", carry(&r));
}

static void test_preserved(void)
{
    r = (struct registers){.eax = 0xAAAA0201,
                           .ebx = 0xBBBB0000 | (u16)(u32)buffer,
                           .ecx = 0xCCCC0001,
                           .edx = 0xDDDD0000,
                           .esi = 0x12345678,
                           .edi = 0x23456789,
                           .ebp = 0x3456789A,
                           .ds = 0x1111};
    struct registers before = r;
    bios_call(&r, 0x13);
    CHECK("read keeps registers", r.ebx == before.ebx && r.ecx == before.ecx &&
                                      r.edx == before.edx && r.esi == before.esi &&
                                      r.edi == before.edi && r.ebp == before.ebp &&
                                      r.ds == before.ds && r.es == before.es);
}

void test_main(void)
{
    test_floppy_reads();
    test_floppy_writes();
    test_floppy_format();
    test_floppy_parameters();
    test_disk_geometry();
    test_disk_transfers();
    test_disk_extensions();
    test_preserved();
}
