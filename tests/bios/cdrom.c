/* A CD that stands in for a diskette or a hard disk (El Torito), and the CD drive by its own
 * number. run.py --cd boots this image from such a CD; image sector n (512 bytes) from 256 on
 * begins with the word n. */
#include "tests/bios/bios_test.h"

static struct registers r;
static u8 buffer[2048 * 2] __attribute__((aligned(16)));

static u8 call(u16 ax, u16 cx, u16 dx, const void *memory)
{
    r = (struct registers){.ax = ax, .bx = (u16)(u32)memory, .cx = cx, .dx = dx};
    bios_call(&r, 0x13);
    return carry(&r) ? r.ah : 0;
}

static struct {
    u8 size, reserved;
    u16 count, offset, segment;
    u32 low, high;
} packet;

static u8 extended(u16 ax, u8 drive, u32 lba, u16 count)
{
    packet.size = 16;
    packet.count = count;
    packet.offset = (u16)(u32)buffer;
    packet.segment = 0;
    packet.low = lba;
    packet.high = 0;
    r = (struct registers){.ax = ax, .si = (u16)(u32)&packet, .dx = drive};
    bios_call(&r, 0x13);
    return carry(&r) ? r.ah : 0;
}

/* What function 41h says is there, is there. */
static void test_emulated_extensions(u8 drive, u16 sectors, u16 heads)
{
    static u8 result[26];
    r = (struct registers){.ax = 0x4100, .bx = 0x55AA, .dx = drive};
    bios_call(&r, 0x13);
    CHECK("extensions of the emulated disk",
          !carry(&r) && r.bx == 0xAA55 && r.ah == 0x30 && r.cx == 1);
    r = (struct registers){.ax = 0x4100, .bx = 0x1234, .dx = drive};
    bios_call(&r, 0x13);
    CHECK("only for who asks with 55AAh", carry(&r) && r.bx == 0x1234);
    result[0] = 26;
    r = (struct registers){.ax = 0x4800, .si = (u16)(u32)result, .dx = drive};
    bios_call(&r, 0x13);
    CHECK("its parameters", !carry(&r) && *(u16 *)result == 26 && *(u16 *)(result + 24) == 512);
    CHECK("its geometry", *(u32 *)(result + 8) == heads && *(u32 *)(result + 12) == sectors &&
                              *(u32 *)(result + 16) == *(u32 *)(result + 4) * heads * sectors);
}

static void test_emulated(void)
{
    u8 drive = boot_drive;
    CHECK("parameters", call(0x0800, 0, drive, NULL) == 0);
    u8 sectors = r.cl & 0x3F, heads = (u8)(r.dh + 1);
    test_note("sectors", sectors);
    test_note("heads", heads);
    CHECK("geometry",
          drive ? sectors == 63 && heads == 16 : sectors == 18 && heads == 2 && r.ch == 79);
    u16 last = (u16)(300 / sectors / heads);
    u16 at = (u16)(300 % sectors + 1);
    u8 head = (u8)(300 / sectors % heads);
    CHECK("read",
          call(0x0201, (u16)(last << 8 | at), (u16)(head << 8 | drive), buffer) == 0 && r.al == 1);
    CHECK("sector 300", *(u16 *)buffer == 300);
    CHECK("read several",
          call(0x0205, (u16)(last << 8 | at), (u16)(head << 8 | drive), buffer) == 0 && r.al == 5);
    CHECK("in order", *(u16 *)(buffer + 512) == 301 && *(u16 *)(buffer + 2048) == 304);
    CHECK("write-protected", call(0x0301, 0x0001, drive, buffer) == 0x03);
    CHECK("verify", call(0x0401, 0x0001, drive, NULL) == 0);
    CHECK("no such sector", call(0x0201, (u16)(sectors + 1), drive, buffer) != 0);
    CHECK("type", call(0x1500, 0, drive, NULL) == 0 && r.ah == (drive ? 3 : 1));
    if (drive) {
        CHECK("extended read", extended(0x4200, drive, 302, 2) == 0 && *(u16 *)buffer == 302);
        test_emulated_extensions(drive, sectors, heads);
    } else {
        r = (struct registers){.ax = 0x4100, .bx = 0x55AA, .dx = drive};
        bios_call(&r, 0x13);
        CHECK("no extensions of a diskette", carry(&r));
    }
}

static void test_status(void)
{
    static u8 specification[0x13];
    specification[0] = 0x13;
    r = (struct registers){.ax = 0x4B01, .dx = boot_drive, .si = (u16)(u32)specification};
    bios_call(&r, 0x13);
    CHECK("status of emulation",
          !carry(&r) && specification[0] == 0x13 && specification[2] == boot_drive);
    CHECK("media type", (specification[1] & 15) == (boot_drive ? 4 : 2));
    CHECK("image block", *(u32 *)(specification + 4) == 20);
}

static void test_drive(void)
{
    u8 drive = 0;
    for (u16 d = 0x80; d < 0x100 && !drive; d++) {
        r = (struct registers){.ax = 0x4100, .bx = 0x55AA, .dx = d};
        bios_call(&r, 0x13);
        if (carry(&r) || r.bx != 0xAA55 || !(r.cx & 2))
            continue;
        drive = (u8)d;
    }
    test_note("CD drive", drive);
    CHECK("the drive itself", drive >= 0x80);
    CHECK("volume descriptor", extended(0x4200, drive, 16, 1) == 0 && same(buffer + 1, "CD001", 5));
    CHECK("two blocks",
          extended(0x4200, drive, 16, 2) == 0 && same(buffer + 2048 + 7, "EL TORITO", 9));
    r = (struct registers){.ax = 0x4100, .bx = 0x55AA, .dx = drive};
    bios_call(&r, 0x13);
    CHECK("extensions of the drive", !carry(&r) && r.ah == 0x30 && r.cx == 7);
    r = (struct registers){.ax = 0x4E01, .dx = drive};
    bios_call(&r, 0x13);
    CHECK("hardware configuration", !carry(&r) && r.al == 0);
    static u8 result[30];
    result[0] = 30;
    r = (struct registers){.ax = 0x4800, .si = (u16)(u32)result, .dx = drive};
    bios_call(&r, 0x13);
    CHECK("block size", !carry(&r) && *(u16 *)(result + 24) == 2048 && (*(u16 *)(result + 2) & 4));
    CHECK("no writing", extended(0x4300, drive, 16, 1) != 0);
    CHECK("past the end", extended(0x4200, drive, 0x100000, 1) != 0);
}

static void test_others(void)
{
    u8 real = boot_drive ? 0x81 : 0x01;
    if (boot_drive)
        CHECK("the hard disk moved up",
              call(0x0201, 0x0001, real, buffer) == 0 && *(u16 *)buffer == 0x4448);
    else
        CHECK("the diskette moved up",
              call(0x0201, 0x0001, real, buffer) == 0 && *(u16 *)buffer == 0x4446);
}

void test_main(void)
{
    test_emulated();
    test_status();
    test_drive();
    test_others();
    r = (struct registers){.ax = 0x4B00, .dx = boot_drive, .si = (u16)(u32)buffer};
    bios_call(&r, 0x13);
    CHECK("end of emulation", !carry(&r));
    u16 wanted = boot_drive ? 0x4448 : 0x4446;
    CHECK("the real drive is back",
          call(0x0201, 0x0001, boot_drive, buffer) == 0 && *(u16 *)buffer == wanted);
}
