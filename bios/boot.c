/* INT 19h and 18h: what to boot from, in which order. */
#include "bios/boot_order.h"
#include "bios/disk.h"

#define BOOT_SECTOR 0x7C00

static u8 position;

u8 boot_order[BOOT_ORDER_MAX];
u8 boot_order_count;

/* The old way: three nibbles in CMOS, 3Dh first and second, 38h third; 1 floppy, 2 hard disk, 3 CD,
 * 4 network. */
void boot_order_from_cmos(void)
{
    u8 low = cmos_read(0x3D), high = cmos_read(0x38);
    u8 order[3] = {low & 15, low >> 4, high >> 4};
    boot_order_count = 0;
    for (u8 i = 0; i < 3; i++) {
        if (order[i] >= BOOT_FLOPPY && order[i] <= BOOT_NETWORK)
            boot_order[boot_order_count++] = order[i];
    }
    if (boot_order_count == 0) {
        boot_order[0] = BOOT_FLOPPY;
        boot_order[1] = BOOT_DISK;
        boot_order[2] = BOOT_CD;
        boot_order_count = 3;
    }
}

static bool read_boot_sector(u8 drive)
{
    for (u8 attempt = 0; attempt < 4; attempt++) {
        struct regs r = {.ax = 0x0201, .bx = BOOT_SECTOR, .cx = 1, .dx = drive};
        call_interrupt(&r, 0x13);
        if (!(r.flags & FLAG_CF))
            return true;
        if (r.ah == DISK_TIMEOUT && drive == 0)
            return false;
        r.ax = 0;
        call_interrupt(&r, 0x13);
    }
    return false;
}

static bool has_signature(void)
{
    return far_read16(0, BOOT_SECTOR + 510) == 0xAA55;
}

/* A diskette boots with or without a signature, as long as it does not look empty. */
static bool looks_empty(void)
{
    u16 first = far_read16(0, BOOT_SECTOR);
    for (u16 i = 2; i < 32; i += 2) {
        if (far_read16(0, (u16)(BOOT_SECTOR + i)) != first)
            return false;
    }
    return true;
}

static void try_floppy(void)
{
    if (!floppy_count())
        return;
    print("Booting from floppy... ");
    if (!read_boot_sector(0x00))
        print("no diskette.\n");
    else if (!has_signature() && looks_empty())
        print("not bootable.\n");
    else {
        print("\n");
        boot_jump(0, BOOT_SECTOR, 0x00);
    }
}

static void try_disk(void)
{
    if (!hard_disk_count)
        return;
    print("Booting from hard disk... ");
    if (!read_boot_sector(0x80))
        print("read error.\n");
    else if (!has_signature())
        print("not bootable.\n");
    else {
        print("\n");
        boot_jump(0, BOOT_SECTOR, 0x80);
    }
}

static void try_cd(void)
{
    u16 segment;
    u8 drive;
    for (u8 i = 0; i < cd_count; i++) {
        print("Booting from CD... ");
        if (cd_boot(i, &segment, &drive)) {
            print("\n");
            /* 0:7C00 is how boot sectors expect the default segment. */
            if (segment == 0x07C0)
                boot_jump(0, BOOT_SECTOR, drive);
            boot_jump(segment, 0, drive);
        }
        print("not bootable.\n");
    }
}

/* Boot entries of option ROMs (BIOS Boot Specification): vectors that POST found. */
static void try_rom(void)
{
    for (u8 i = 0; i < boot_vector_count; i++) {
        struct regs r = {0};
        print("Booting from option ROM...\n");
        call_far(&r, (u16)(boot_vectors[i] >> 16), (u16)boot_vectors[i]);
    }
}

void boot_next(void)
{
    while (position < boot_order_count) {
        switch (boot_order[position++]) {
        case BOOT_FLOPPY:
            try_floppy();
            break;
        case BOOT_DISK:
            try_disk();
            break;
        case BOOT_CD:
            try_cd();
            break;
        case BOOT_NETWORK:
            try_rom();
            break;
        }
    }
    print("\nNo bootable device. Press a key to try again.\n");
    struct regs r = {0};
    call_interrupt(&r, 0x16);
    reboot();
}

void boot_start(void)
{
    position = 0;
    boot_next();
}
