/* The boot order that the machine's owner asked for, by way of fw_cfg: a file "bootorder" of Open
 * Firmware paths, one a line. Format: QEMU's fw_cfg specification (docs/specs/fw_cfg). */
#include "bios/boot_order.h"
#include "bios/disk.h"

#define FW_CFG_SELECT    0x510
#define FW_CFG_DATA      0x511
#define FW_CFG_SIGNATURE 0x0000
#define FW_CFG_FILES     0x0019

#define LINE_MAX 128

static u32 read_big(u8 bytes)
{
    u32 value = 0;
    while (bytes--)
        value = value << 8 | inb(FW_CFG_DATA);
    return value;
}

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Selects the file; returns its size, or 0. */
static u32 open_file(const char *wanted)
{
    outw(FW_CFG_SELECT, FW_CFG_SIGNATURE);
    if (read_big(4) != 0x51454D55)
        return 0;
    outw(FW_CFG_SELECT, FW_CFG_FILES);
    u32 count = read_big(4);
    for (u32 i = 0; i < count && i < 64; i++) {
        char name[57];
        u32 size = read_big(4);
        u16 key = (u16)(read_big(4) >> 16);
        for (u8 c = 0; c < 56; c++)
            name[c] = (char)inb(FW_CFG_DATA);
        name[56] = 0;
        if (same_text(name, wanted)) {
            outw(FW_CFG_SELECT, key);
            return size;
        }
    }
    return 0;
}

/* What comes after `part` in path; NULL if it is not there. */
static const char *after(const char *path, const char *part)
{
    for (; *path; path++) {
        u8 i = 0;
        while (part[i] && path[i] == part[i])
            i++;
        if (!part[i])
            return path + i;
    }
    return NULL;
}

/* Moves the entry for a drive to the place of the list where the next chosen one goes. */
static bool promote(u8 *list, u8 count, u8 *chosen, u8 drive)
{
    for (u8 i = *chosen; i < count; i++) {
        if (list[i] != drive)
            continue;
        for (; i > *chosen; i--)
            list[i] = list[i - 1];
        list[(*chosen)++] = drive;
        return true;
    }
    return false;
}

static void add(u8 kind)
{
    for (u8 i = 0; i < boot_order_count; i++) {
        if (boot_order[i] == kind)
            return;
    }
    if (boot_order_count < BOOT_ORDER_MAX)
        boot_order[boot_order_count++] = kind;
}

/* The first disk named becomes 80h, and so on; kinds of devices are tried in the order of their
 * first. */
static void use_line(const char *path, u8 *disks, u8 *cds)
{
    const char *channel = after(path, "drive@"), *unit = after(path, "disk@");
    if (after(path, "floppy@")) {
        add(BOOT_FLOPPY);
    } else if (after(path, "ide@") && channel && unit) {
        u8 drive = (u8)((*channel & 1) * 2 + (*unit & 1));
        if (promote(hard_disks, hard_disk_count, disks, drive))
            add(BOOT_DISK);
        else if (promote(cd_drives, cd_count, cds, drive))
            add(BOOT_CD);
    } else if (after(path, "ethernet@") || after(path, "rom@")) {
        add(BOOT_NETWORK);
    }
}

bool boot_order_from_fw_cfg(void)
{
    char line[LINE_MAX];
    u8 length = 0, disks = 0, cds = 0;
    u32 size = open_file("bootorder");
    if (size == 0)
        return false;
    boot_order_count = 0;
    for (; size; size--) {
        char c = (char)inb(FW_CFG_DATA);
        if (c == '\n' || c == 0) {
            line[length] = 0;
            use_line(line, &disks, &cds);
            length = 0;
        } else if (length < LINE_MAX - 1) {
            line[length++] = c;
        }
    }
    return boot_order_count != 0;
}
