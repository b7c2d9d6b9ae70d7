/* CD-ROM: El Torito boot without emulation and as floppy or hard disk (El Torito 1.0), and the
 * extended functions on the drive itself. */
#include "bios/disk.h"

#define BLOCK 2048

/* What is emulated, and where. */
static struct {
    u8 active, media, drive, cd;
    u32 image; /* first block of the image */
    u16 load_segment, load_count;
    u16 cylinders;
    u8 heads, sectors;
    u32 catalog;
} emulation;

static u8 block_buffer[BLOCK];
static u32 buffered_block;
static u8 buffered_cd = 0xFF;

u8 cd_shift_floppies(void)
{
    return emulation.active && emulation.drive == 0x00;
}

u8 cd_shift_disks(void)
{
    return emulation.active && emulation.drive == 0x80;
}

static bool same(const u8 *bytes, const char *text, u8 length)
{
    for (u8 i = 0; i < length; i++) {
        if (bytes[i] != (u8)text[i])
            return false;
    }
    return true;
}

static u8 read_block(u8 cd, u32 block)
{
    u16 done;
    if (cd == buffered_cd && block == buffered_block)
        return DISK_OK;
    buffered_cd = 0xFF;
    u8 status =
        cd_read(&ide_drives[cd_drives[cd]], block, 1, SEG_DATA, (u16)(u32)block_buffer, &done);
    if (status == DISK_OK) {
        buffered_cd = cd;
        buffered_block = block;
    }
    return status;
}

static u16 word_at(const u8 *bytes)
{
    return (u16)(bytes[0] | bytes[1] << 8);
}

static u32 dword_at(const u8 *bytes)
{
    return word_at(bytes) | (u32)word_at(bytes + 2) << 16;
}

/* `count` sectors of 512 bytes of the image. */
static u8 read_sectors(u32 sector, u16 count, u16 segment, u16 offset, u16 *done)
{
    for (*done = 0; *done < count; (*done)++, sector++) {
        u8 status = read_block(emulation.cd, emulation.image + sector / 4);
        if (status != DISK_OK)
            return status;
        u32 to = ((u32)segment << 4) + offset + ((u32)*done << 9);
        far_copy_words((u16)(to >> 4), to & 15, SEG_DATA,
                       (u16)((u32)block_buffer + (sector & 3) * 512), 256);
    }
    return DISK_OK;
}

/* Media types of the boot entry: 1.2, 1.44, 2.88 MB, or a disk whose partition table tells its
 * size. */
static bool set_geometry(void)
{
    static const u8 sectors[4] = {0, 15, 18, 36};
    emulation.cylinders = 80;
    emulation.heads = 2;
    if (emulation.media >= 1 && emulation.media <= 3) {
        emulation.sectors = sectors[emulation.media];
        emulation.drive = 0x00;
        return true;
    }
    if (emulation.media != 4 || read_block(emulation.cd, emulation.image) != DISK_OK)
        return false;
    const u8 *partition = block_buffer + 446;
    emulation.drive = 0x80;
    emulation.heads = (u8)(partition[5] + 1);
    emulation.sectors = partition[6] & 0x3F;
    emulation.cylinders = (u16)((partition[7] | (partition[6] & 0xC0) << 2) + 1);
    return emulation.sectors != 0;
}

static bool find_entry(u8 cd)
{
    if (read_block(cd, 17) != DISK_OK || block_buffer[0] != 0 ||
        !same(block_buffer + 1, "CD001", 5) ||
        !same(block_buffer + 7, "EL TORITO SPECIFICATION", 23))
        return false;
    emulation.catalog = dword_at(block_buffer + 0x47);
    if (read_block(cd, emulation.catalog) != DISK_OK || block_buffer[0] != 1 ||
        block_buffer[0x1E] != 0x55 || block_buffer[0x1F] != 0xAA || block_buffer[0x20] != 0x88)
        return false;
    emulation.media = block_buffer[0x21] & 15;
    emulation.load_segment = word_at(block_buffer + 0x22);
    emulation.load_count = word_at(block_buffer + 0x26);
    emulation.image = dword_at(block_buffer + 0x28);
    emulation.cd = cd;
    if (!emulation.load_segment)
        emulation.load_segment = 0x07C0;
    if (!emulation.load_count)
        emulation.load_count = 1;
    return true;
}

bool cd_boot(u8 cd, u16 *segment, u8 *drive)
{
    u16 done;
    emulation.active = 0;
    buffered_cd = 0xFF;
    if (!cd_ready(&ide_drives[cd_drives[cd]]) || !find_entry(cd))
        return false;
    *segment = emulation.load_segment;
    if (emulation.media == 0) {
        u16 blocks = (u16)((emulation.load_count + 3) / 4);
        emulation.drive = *drive = (u8)(0xE0 + cd);
        return cd_read(&ide_drives[cd_drives[cd]], emulation.image, blocks, *segment, 0, &done) ==
               DISK_OK;
    }
    if (!set_geometry() || read_sectors(0, emulation.load_count, *segment, 0, &done) != DISK_OK)
        return false;
    emulation.active = 1;
    *drive = emulation.drive;
    return true;
}

static void emulated_transfer(struct regs *r)
{
    u16 cylinder = (u16)(r->ch | (r->cl & 0xC0) << 2), done = 0;
    u8 sector = r->cl & 0x3F, status = DISK_OK;
    if (sector == 0 || sector > emulation.sectors || r->dh >= emulation.heads ||
        cylinder >= emulation.cylinders) {
        r->al = 0;
        disk_result(r, DISK_NO_SECTOR);
        return;
    }
    u32 lba = ((u32)cylinder * emulation.heads + r->dh) * emulation.sectors + sector - 1;
    if (r->ah == 2) {
        status = read_sectors(lba, r->al, r->es, r->bx, &done);
        r->al = (u8)done;
    }
    disk_result(r, status);
}

static void emulated_parameters(struct regs *r)
{
    static const u8 types[4] = {0, 2, 4, 6};
    u16 last = (u16)(emulation.cylinders - 1);
    r->ch = (u8)last;
    r->cl = (u8)((last >> 2 & 0xC0) | emulation.sectors);
    r->dh = (u8)(emulation.heads - 1);
    r->dl = (u8)(emulation.drive ? hard_disk_count + 1 : floppy_count() + 1);
    r->ax = 0;
    if (!emulation.drive) {
        u32 table = vector_get(0x1E);
        r->bx = types[emulation.media & 3];
        r->es = (u16)(table >> 16);
        r->di = (u16)table;
    }
    disk_result(r, DISK_OK);
}

static void emulated_extended(struct regs *r)
{
    struct edd_packet p;
    u16 done = 0;
    if (!edd_packet_read(r, &p)) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    u8 status =
        r->ah == 0x42 ? read_sectors(p.lba_low, p.count, p.segment, p.offset, &done) : DISK_OK;
    if (r->ah == 0x42)
        far_write8(r->ds, (u16)(r->si + 2), (u8)done);
    disk_result(r, status);
}

/* A fixed disk with a geometry; a diskette has no such function. */
static void emulated_extended_parameters(struct regs *r)
{
    enum { RESULT_SIZE = 26, HAS_GEOMETRY = 2 };
    u16 s = r->ds, o = r->si;
    if (!emulation.drive || far_read16(s, o) < RESULT_SIZE) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    far_write16(s, o, RESULT_SIZE);
    far_write16(s, (u16)(o + 2), HAS_GEOMETRY);
    far_write32(s, (u16)(o + 4), emulation.cylinders);
    far_write32(s, (u16)(o + 8), emulation.heads);
    far_write32(s, (u16)(o + 12), emulation.sectors);
    far_write32(s, (u16)(o + 16), (u32)emulation.cylinders * emulation.heads * emulation.sectors);
    far_write32(s, (u16)(o + 20), 0);
    far_write16(s, (u16)(o + 24), 512);
    disk_result(r, DISK_OK);
}

static void emulated_drive(struct regs *r)
{
    switch (r->ah) {
    case 0x00:
    case 0x09:
    case 0x0C:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x16:
        disk_result(r, DISK_OK);
        break;
    case 0x02:
    case 0x04:
        emulated_transfer(r);
        break;
    case 0x03:
    case 0x05:
    case 0x43:
        disk_result(r, DISK_WRITE_PROTECTED);
        break;
    case 0x08:
        emulated_parameters(r);
        break;
    case 0x15:
        r->ah = emulation.drive ? 3 : 1;
        carry_clear(r);
        if (emulation.drive) {
            u32 blocks = (u32)emulation.cylinders * emulation.heads * emulation.sectors;
            r->cx = (u16)(blocks >> 16);
            r->dx = (u16)blocks;
        }
        break;
    case 0x41:
        if (emulation.drive)
            edd_check(r, EDD_ACCESS);
        else
            disk_result(r, DISK_BAD_COMMAND);
        break;
    case 0x42:
    case 0x44:
    case 0x47:
        emulated_extended(r);
        break;
    case 0x48:
        emulated_extended_parameters(r);
        break;
    default:
        disk_result(r, DISK_BAD_COMMAND);
    }
}

/* Functions 4Ah to 4Ch: the specification packet at DS:SI. */
static void write_specification(const struct regs *r)
{
    u16 s = r->ds, o = r->si;
    far_write8(s, o, 0x13);
    far_write8(s, (u16)(o + 1), emulation.media);
    far_write8(s, (u16)(o + 2), emulation.drive);
    far_write8(s, (u16)(o + 3), (u8)(cd_drives[emulation.cd] >> 1));
    far_write32(s, (u16)(o + 4), emulation.image);
    far_write16(s, (u16)(o + 8), cd_drives[emulation.cd] & 1);
    far_write16(s, (u16)(o + 10), 0);
    far_write16(s, (u16)(o + 12), emulation.load_segment);
    far_write16(s, (u16)(o + 14), emulation.load_count);
    far_write8(s, (u16)(o + 16), (u8)emulation.cylinders);
    far_write8(s, (u16)(o + 17), (u8)((emulation.cylinders >> 2 & 0xC0) | emulation.sectors));
    far_write8(s, (u16)(o + 18), (u8)(emulation.heads - 1));
}

static void start_emulation(struct regs *r, bool boot)
{
    u16 s = r->ds, o = r->si, done;
    u8 cd = 0;
    while (cd < cd_count &&
           cd_drives[cd] != (far_read8(s, (u16)(o + 3)) << 1 | (far_read8(s, (u16)(o + 8)) & 1)))
        cd++;
    emulation.media = far_read8(s, (u16)(o + 1)) & 15;
    emulation.cd = cd;
    emulation.image = far_read32(s, (u16)(o + 4));
    emulation.load_segment = far_read16(s, (u16)(o + 12));
    emulation.load_count = far_read16(s, (u16)(o + 14));
    if (!emulation.load_segment)
        emulation.load_segment = 0x07C0;
    if (cd >= cd_count || emulation.media == 0 || !set_geometry()) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    emulation.active = 1;
    disk_result(r, DISK_OK);
    if (boot && read_sectors(0, emulation.load_count, emulation.load_segment, 0, &done) == DISK_OK)
        boot_jump(emulation.load_segment, 0, emulation.drive);
}

static void catalog_service(struct regs *r)
{
    u16 s = r->ds, o = r->si, done;
    u8 count = far_read8(s, (u16)(o + 1));
    u16 offset = far_read16(s, (u16)(o + 2)), segment = far_read16(s, (u16)(o + 4));
    u16 first = far_read16(s, (u16)(o + 6));
    u32 image = emulation.image;
    emulation.image = emulation.catalog;
    u8 status = read_sectors((u32)first * 4, (u16)(count * 4), segment, offset, &done);
    emulation.image = image;
    disk_result(r, status);
}

bool cd_emulation_service(struct regs *r)
{
    bool own = emulation.drive == r->dl && (emulation.active || r->dl >= 0xE0);
    if (r->ah == 0x4B && (own || r->dl == 0x7F) && emulation.image) {
        write_specification(r);
        if (r->al == 0)
            emulation.active = 0;
        disk_result(r, DISK_OK);
        return true;
    }
    if ((r->ah == 0x4A || r->ah == 0x4C) && cd_count) {
        start_emulation(r, r->ah == 0x4C);
        return true;
    }
    if (r->ah == 0x4D && cd_count) {
        catalog_service(r);
        return true;
    }
    if (!emulation.active || r->dl != emulation.drive)
        return false;
    emulated_drive(r);
    return true;
}

static void eject(struct ide_drive *d)
{
    const u8 packet[12] = {0x1B, 0, 0, 0, 2};
    u32 length = 0;
    atapi_command(d, packet, SEG_DATA, 0, &length);
}

static void extended_read(struct regs *r, struct ide_drive *d)
{
    struct edd_packet p;
    u16 done = 0;
    if (!edd_packet_read(r, &p) || p.lba_high) {
        disk_result(r, DISK_BAD_COMMAND);
        return;
    }
    u8 status = cd_read(d, p.lba_low, p.count, p.segment, p.offset, &done);
    far_write8(r->ds, (u16)(r->si + 2), (u8)done);
    disk_result(r, status);
}

/* The drive itself, E0h and up. */
void cd_service(struct regs *r, u8 cd)
{
    struct ide_drive *d = &ide_drives[cd_drives[cd]];
    switch (r->ah) {
    case 0x00:
    case 0x0D:
    case 0x09:
    case 0x0C:
    case 0x11:
    case 0x14:
    case 0x44:
    case 0x47:
        disk_result(r, DISK_OK);
        break;
    case 0x10:
        disk_result(r, cd_ready(d) ? DISK_OK : DISK_NOT_READY);
        break;
    case 0x15:
        disk_result(r, DISK_NOT_READY);
        r->ah = 2;
        break;
    case 0x03:
    case 0x05:
    case 0x43:
        disk_result(r, DISK_WRITE_PROTECTED);
        break;
    case 0x41:
        edd_check(r, EDD_ACCESS | EDD_LOCKING | EDD_TABLES);
        break;
    case 0x42:
        extended_read(r, d);
        break;
    case 0x45:
        r->al = 0;
        disk_result(r, DISK_OK);
        break;
    case 0x46:
        eject(d);
        disk_result(r, DISK_OK);
        break;
    case 0x48:
        edd_parameters(r, d, true);
        break;
    case 0x49:
        disk_result(r, DISK_CHANGED);
        break;
    case 0x4E:
        edd_configure(r);
        break;
    default:
        disk_result(r, DISK_BAD_COMMAND);
    }
}
