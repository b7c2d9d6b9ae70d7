/* VESA BIOS extensions 3.0 on the Bochs display interface (ports 1CEh and 1CFh). */
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

/* Answers in AX. */
#define VBE_OK           0x004F
#define VBE_FAILED       0x014F
#define VBE_NOT_HARDWARE 0x024F
#define VBE_BAD_STATE    0x034F

/* Bits of a mode's number in a request. */
#define VBE_MODE_LFB      0x4000
#define VBE_MODE_NO_CLEAR 0x8000

struct vbe_mode {
    u16 number, width, height; /* pixels; characters of text modes */
    u8 bits;                   /* of a pixel; 0: text */
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

/* vbe.c: 4Fxx; does nothing when the adapter has no such interface. */
void vbe_service(struct regs *r);
/* Leaves an extended mode, before a standard one is set. */
void vbe_off(void);
/* The extended mode in force with its flags, or 0; and its row: NULL for a standard mode. */
u16 vbe_current(void);
void vbe_set_current(u16 mode);
const struct vbe_mode *vbe_current_mode(void);
/* Blocks of 64 KiB of display memory. */
u16 vbe_memory_blocks(void);
/* Bytes of a line of width pixels; of one plane for modes of four bits. */
u32 vbe_line_bytes(const struct vbe_mode *m, u16 width);

/* vbe_control.c: functions 04h to 0Ah and 10h. */
u16 vbe_save_state(struct regs *r);
u16 vbe_window(struct regs *r);
u16 vbe_line_length(struct regs *r);
u16 vbe_display_start(struct regs *r);
u16 vbe_dac_width(struct regs *r);
u16 vbe_palette(struct regs *r);
u16 vbe_protected_mode(struct regs *r);
u16 vbe_power(struct regs *r);

/* vbe_edid.c: function 15h. */
u16 vbe_display_data(struct regs *r);

/* vbe_text.c */
void vbe_set_text(const struct vbe_mode *m, bool keep);

/* vbe_draw.c: characters and pixels in extended graphics modes, colours 0 to 15 as text has them.
 */
void vbe_pixel_write(u16 x, u16 y, u8 color);
u8 vbe_pixel_read(u16 x, u16 y);
void vbe_scroll(u16 top, u16 left, u16 width, u16 lines, u16 distance, bool down, u8 color);

#endif
