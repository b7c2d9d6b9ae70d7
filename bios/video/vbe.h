/* VESA BIOS extensions 2.0 on the Bochs display interface (ports 1CEh and 1CFh). */
#ifndef BIOS_VIDEO_VBE_H
#define BIOS_VIDEO_VBE_H

#include "bios/video/video.h"

#define DISPI_INDEX 0x1CE
#define DISPI_DATA  0x1CF

enum dispi_register {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY
};

#define DISPI_ENABLED    0x01
#define DISPI_8BIT_DAC   0x20
#define DISPI_LFB        0x40
#define DISPI_NOCLEARMEM 0x80

struct vbe_mode {
    u16 number, width, height;
    u8 bits;
};

extern const struct vbe_mode vbe_modes[]; /* ends with number 0 */
const struct vbe_mode *vbe_find_mode(u16 number);

static inline u16 dispi_read(enum dispi_register index)
{
    outw(DISPI_INDEX, index);
    return inw(DISPI_DATA);
}

static inline void dispi_write(enum dispi_register index, u16 value)
{
    outw(DISPI_INDEX, index);
    outw(DISPI_DATA, value);
}

/* 4Fxx; does nothing when the adapter has no such interface. */
void vbe_service(struct regs *r);
/* Leaves an extended mode, before a standard one is set. */
void vbe_off(void);

#endif
