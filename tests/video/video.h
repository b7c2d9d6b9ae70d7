/* The guest that shows what a VGA can do: registers, and drawing in every memory layout. Pictures
 * are made with the program's own fonts and colours wherever the firmware's are not the point. */
#ifndef TESTS_VIDEO_VIDEO_H
#define TESTS_VIDEO_VIDEO_H

#include "tests/bios/bios_test.h"
#include "tests/device/vga_modes.h"

extern const u8 font_8x8[256][8];

/* Memory above the program, for what does not fit below 64 KiB: the font of 16 lines (of 8, each
 * twice), and room for answers of the firmware. */
#define FAR_SEGMENT 0x1000
#define FAR_FONT_16 0x0000
#define FAR_ANSWER  0x1000
void make_font_16(void);

/* One picture to look at. Numbers and names are what hashes.txt goes by. */
struct effect {
    const char *name;
    void (*show)(void);
};
extern const struct effect bios_effects[], text_effects[], control_effects[], planar_effects[],
    linear_effects[], scroll_effects[], vbe_effects[];

/* --- hardware.c: registers --- */

static inline void outw(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline u16 inw(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void seq(u8 index, u8 value);
void gc(u8 index, u8 value);
void crtc(u8 index, u8 value);
u8 crtc_get(u8 index);
void crtc_word(u8 index, u16 value); /* high byte at index, low byte at the next */
void attr(u8 index, u8 value);
void dac(u8 index, u8 red, u8 green, u8 blue);
void dispi(u16 index, u16 value);
/* Line compare with its two bits elsewhere; the vertical figures of a CRTC are unlocked. */
void set_line_compare(u16 line);
void wait_retraces(unsigned count);
/* INT 10h. */
struct registers video_call(u16 ax, u16 bx, u16 cx, u16 dx);

/* Sets every register, with memory off meanwhile; clears all four planes; loads the colours. */
void set_registers(const struct vga_mode *mode);
/* The 64 colours of the EGA, and 256 colours of three, three and two bits. */
void load_colors_64(void);
void load_colors_256(void);
/* Changes of set_registers that several effects share: unchained 256 colours; 480 lines. */
void unchain(void);
void set_480_lines(void);
void set_360_columns(void);
/* Memory as far as 4 GiB: copies count bytes, or fills with value, at address. */
void far_memory_fill(u32 address, u32 value, u32 dwords);
u32 pci_frame_buffer(void);

/* --- draw.c --- */

enum layout {
    LAYOUT_CGA4,
    LAYOUT_CGA2,
    LAYOUT_PLANAR,
    LAYOUT_LINEAR,
    LAYOUT_UNCHAINED,
    LAYOUT_VBE
};

struct surface {
    enum layout layout;
    u16 width, height;
    u16 pitch; /* bytes of a line, of one plane where there are planes */
    u16 start; /* offset in the segment */
    u8 bits;   /* of a pixel, for LAYOUT_VBE */
    u16 bank;  /* that is set now */
    u8 white;  /* the card's brightest colour, if it is not the last one */
};

extern struct surface surface;
void surface_set(enum layout layout, u16 width, u16 height, u16 pitch);
void pixel(u16 x, u16 y, u32 color);
void bar(u16 x, u16 y, u16 width, u16 height, u32 color);
void label(u16 x, u16 y, const char *text, u32 color);
/* A frame at the very edge, diagonals, all the colours, and a name. */
void card(const char *name, u32 colors);
u32 direct_color(u8 bits, u8 red, u8 green, u8 blue);

/* --- text.c --- */

void text_put(u16 cell, const char *text, u8 attribute);
void text_fill(u16 cell, u16 count, u8 character, u8 attribute);
/* All characters, all attributes, and a name. */
void text_card(const char *name, u16 columns);
/* Text registers, font and colours for one of the effects: no cursor, no blinking. */
void set_text(const struct vga_mode *mode, u8 height);
void font_load(u8 block, u8 height);
u8 font_row(u8 character, u8 row, u8 height);
void font_glyph(u8 block, u8 character, const u8 *rows, u8 height);
extern u16 text_segment;

#endif
