/* The extended modes: VESA's numbers to 11Bh, and the usual numbers from 140h for 32 bits a pixel.
 */
#include "bios/video/vbe.h"

/* clang-format off */
const struct vbe_mode vbe_modes[] = {
    {0x100, 640, 400, 8},    {0x101, 640, 480, 8},    {0x103, 800, 600, 8},    {0x105, 1024, 768, 8},
    {0x107, 1280, 1024, 8},  {0x10D, 320, 200, 15},   {0x10E, 320, 200, 16},   {0x10F, 320, 200, 24},
    {0x110, 640, 480, 15},   {0x111, 640, 480, 16},   {0x112, 640, 480, 24},   {0x113, 800, 600, 15},
    {0x114, 800, 600, 16},   {0x115, 800, 600, 24},   {0x116, 1024, 768, 15},  {0x117, 1024, 768, 16},
    {0x118, 1024, 768, 24},  {0x119, 1280, 1024, 15}, {0x11A, 1280, 1024, 16}, {0x11B, 1280, 1024, 24},
    {0x140, 320, 200, 32},   {0x141, 640, 400, 32},   {0x142, 640, 480, 32},   {0x143, 800, 600, 32},
    {0x144, 1024, 768, 32},  {0x145, 1280, 1024, 32}, {0x146, 320, 200, 8},    {0x14C, 1152, 864, 32},
    {0, 0, 0, 0},
};
/* clang-format on */

const struct vbe_mode *vbe_find_mode(u16 number)
{
    for (const struct vbe_mode *m = vbe_modes; m->number; m++) {
        if (m->number == (number & 0x1FF))
            return m;
    }
    return NULL;
}
