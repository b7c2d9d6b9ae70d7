/* VBE function 15h (VBE/DDC): what the display is. The screen is whatever the emulator shows, so
 * the block describes a monitor that takes every mode there is. */
#include "bios/video/vbe.h"

/* clang-format off */
/* VESA EDID 1.3; the last byte makes the sum zero. */
static const u8 edid[127] = {
    0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00,
    0x05, 0xC1,                         /* manufacturer "ANA" */
    0x01, 0x00, 0x01, 0x00, 0x00, 0x00, /* product, serial number */
    0x01, 0x24, 0x01, 0x03,             /* week, year since 1990; version 1.3 */
    0x08, 32, 24, 0x78, 0xEA,           /* analog, separate syncs; cm; gamma 2.2; DPMS, colour, preferred timing */
    0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54, /* sRGB */
    0xA1, 0x08, 0x00,                   /* 720 x 400, 640 x 480, 800 x 600, 1024 x 768 */
    0x81, 0x80, 0xA9, 0x40, 0x71, 0x4F, 0x81, 0x40, /* 1280 x 1024, 1600 x 1200, 1152 x 864, 1280 x 960 */
    0x90, 0x40, 0x81, 0xC0, 0xD1, 0xC0, 0x01, 0x01, /* 1400 x 1050, 1280 x 720, 1920 x 1080 */
    /* 1024 x 768, 60 Hz: 65 MHz */
    0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0x00, 0x40, 0xF0, 0x10, 0x00, 0x00, 0x18,
    /* 50 to 90 Hz, 30 to 96 kHz, 200 MHz */
    0x00, 0x00, 0x00, 0xFD, 0x00, 50, 90, 30, 96, 20, 0x00, 0x0A, ' ', ' ', ' ', ' ', ' ', ' ',
    0x00, 0x00, 0x00, 0xFC, 0x00, 'A', 'n', 'a', 'c', 'h', 'r', 'o', 'n', 0x0A, ' ', ' ', ' ', ' ',
    0x00, 0x00, 0x00, 0x10, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0x00, /* no more blocks */
};
/* clang-format on */

u16 vbe_display_data(struct regs *r)
{
    u8 sum = 0;
    switch (r->bl) {
    case 0x00:
        r->bl = 0x02; /* DDC2 */
        r->bh = 0x01; /* seconds for a block */
        return VBE_OK;
    case 0x01:
        if (r->cx != 0 || r->dx != 0)
            return VBE_FAILED;
        for (u8 i = 0; i < sizeof edid; i++) {
            far_write8(r->es, (u16)(r->di + i), edid[i]);
            sum += edid[i];
        }
        far_write8(r->es, (u16)(r->di + sizeof edid), (u8)-sum);
        return VBE_OK;
    }
    return VBE_FAILED;
}
