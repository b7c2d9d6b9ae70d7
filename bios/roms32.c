/* Option ROMs of PCI devices to C0000 and up; shadow RAM for them. */
#include "bios/init32.h"
#include "bios/memory_map.h"
#include "bios/option_roms.h"

#define ROM_BAR    0x30
#define ROM_FIRST  0xC0000u
#define ROM_OTHERS 0xC8000u
#define ROM_END    0xE0000u

/* The image for PCs in a ROM: each has a data structure "PCIR" that says its type and how long it
 * is. */
static const u8 *find_image(const u8 *rom, u32 size)
{
    u32 at = 0;
    while (at + 0x20 < size && rom[at] == 0x55 && rom[at + 1] == 0xAA) {
        const u8 *data = rom + at + (rom[at + 0x18] | rom[at + 0x19] << 8);
        if (data + 24 > rom + size || data[0] != 'P' || data[1] != 'C' || data[2] != 'I' ||
            data[3] != 'R')
            return NULL;
        if (data[20] == 0)
            return rom + at;
        if (data[21] & 0x80)
            return NULL;
        at += (u32)(data[16] | data[17] << 8) * 512;
    }
    return NULL;
}

static u32 load_rom(u8 devfn, u32 at, bool vga)
{
    u32 bar = pci_read32(0, devfn, ROM_BAR), length = 0;
    bool is_vga = pci_read16(0, devfn, 0x0A) == 0x0300;
    if (is_vga != vga || !(bar & 0xFFFFF800) || (pci_read8(0, devfn, 0x0E) & 0x7F))
        return at;
    pci_write32(0, devfn, ROM_BAR, 0xFFFFF800);
    u32 mask = pci_read32(0, devfn, ROM_BAR) & 0xFFFFF800;
    pci_write32(0, devfn, ROM_BAR, bar | 1);
    u16 command = pci_read16(0, devfn, 0x04);
    pci_write16(0, devfn, 0x04, command | 2);
    const u8 *image = find_image((const u8 *)(bar & 0xFFFFF800), ~mask + 1);
    if (image)
        length = image[2] * 512u;
    if (length && at + length <= ROM_END && SHARED(option_rom_count) < OPTION_ROMS_MAX) {
        memory_copy((void *)at, image, length);
        struct option_rom *rom = &SHARED(option_roms)[SHARED(option_rom_count)++];
        rom->segment = (u16)(at >> 4);
        rom->device = devfn;
        at = (at + length + 0x7FF) & ~0x7FFu;
    }
    pci_write32(0, devfn, ROM_BAR, bar & ~1u);
    pci_write16(0, devfn, 0x04, command);
    return at;
}

static u32 load_roms(u32 at, bool vga)
{
    for (u16 devfn = 0; devfn < 256; devfn++) {
        if (pci_read16(0, (u8)devfn, 0) != 0xFFFF)
            at = load_rom((u8)devfn, at, vga);
    }
    return at;
}

/* A ROM to look at where the card has none; it drives nothing, and so is not in option_roms. */
static u32 place_video_rom(void)
{
    extern const u8 video_rom[], video_rom_end[];
    u8 *rom = (u8 *)ROM_FIRST, sum = 0;
    u32 size = (u32)(video_rom_end - video_rom);
    memory_copy(rom, video_rom, size);
    for (u32 i = 0; i < size; i++)
        sum += rom[i];
    rom[size - 1] -= sum;
    return ROM_FIRST + size;
}

/* Read and write, in the nibbles of PAM 1 to 4 (16 KiB each), where there are ROMs between first
 * and end; they initialise in RAM. The bus elsewhere. */
static u32 pam_bits(u32 first, u32 end)
{
    u32 pam = 0;
    for (u32 block = 0; block < 8; block++) {
        u32 base = ROM_FIRST + block * 0x4000;
        if (base < end && base + 0x4000 > first && first < end)
            pam |= 3u << block * 4;
    }
    return pam;
}

/* Video at C0000, the others after it, or at C8000 where they are on boards with built-in video. */
void roms_load(void)
{
    SHARED(option_rom_count) = 0;
    pci_write16(0, 0, 0x5A, 0x3333);
    pci_write16(0, 0, 0x5C, 0x3333);
    memory_set((void *)ROM_FIRST, 0, ROM_END - ROM_FIRST);
    u32 video_end = load_roms(ROM_FIRST, true);
    u32 first = video_end > ROM_FIRST ? video_end : ROM_OTHERS;
    if (video_end == ROM_FIRST)
        video_end = place_video_rom();
    u32 pam = pam_bits(ROM_FIRST, video_end) | pam_bits(first, load_roms(first, false));
    pci_write16(0, 0, 0x5A, (u16)pam);
    pci_write16(0, 0, 0x5C, (u16)(pam >> 16));
    SHARED(option_rom_pam) = pam & 0x11111111;
}
