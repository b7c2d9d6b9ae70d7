/* The parts of the built-in video services (INT 10h) for a VGA: what they share. */
#ifndef BIOS_VIDEO_VIDEO_H
#define BIOS_VIDEO_VIDEO_H

#include "bios/far.h"

#define VGA_ACTL        0x3C0
#define VGA_MISC_WRITE  0x3C2
#define VGA_MISC_READ   0x3CC
#define VGA_SEQ         0x3C4
#define VGA_PEL_MASK    0x3C6
#define VGA_DAC_READ    0x3C7
#define VGA_DAC_WRITE   0x3C8
#define VGA_DAC_DATA    0x3C9
#define VGA_GFX         0x3CE
#define VGA_MODE_COUNT  0x14
#define VGA_TABLE_COUNT 29

/* An entry of the video parameter table that 40:A8 leads to (IBM VGA technical reference). */
struct mode_table {
    u8 columns, last_row, char_height;
    u16 page_size;
    u8 seq[4]; /* registers 1 to 4 */
    u8 misc;
    u8 crtc[25];
    u8 actl[20];
    u8 gfx[9];
} __attribute__((packed));

enum mode_kind {
    KIND_NONE,
    KIND_TEXT,
    KIND_CGA4,
    KIND_CGA2,
    KIND_PLANAR,
    KIND_LINEAR,
    KIND_EXTENDED, /* graphics of VBE */
};
enum dac_kind { DAC_MONO, DAC_CGA, DAC_EGA, DAC_256 };

struct mode_info {
    u8 kind;
    u8 table200, table350, table400; /* indices of mode_tables by scan lines of text modes */
    u8 dac;
    u8 pages;
    u16 colors;
};

extern const struct mode_table mode_tables[VGA_TABLE_COUNT];
extern const struct mode_info mode_infos[VGA_MODE_COUNT];
extern const u32 video_save_table[7];
/* The display combination code in force: two codes, 0 for no display; and setting it. */
u16 video_combination(void);
bool video_set_combination(u8 active, u8 alternate);
/* The same, the active display's in the low byte. */
u16 video_active_combination(void);

/* How characters lie in display memory. */
struct surface {
    u16 segment;
    u16 offset;     /* of the page */
    u16 line_bytes; /* of one scan line, or of one text row */
    u8 cell_bytes;  /* of one character in a line */
    u8 cell_lines;  /* lines of one character in a bank */
    u8 banks;       /* 8 KiB banks in which lines are interleaved */
    u8 kind;
};

/* The BIOS mode now in force, 0 to 13h; its information. */
u8 video_mode_now(void);
const struct mode_info *video_info(void);
const struct mode_table *video_table(u8 mode);
bool video_is_text(void);
/* Scan lines of text modes: 200, 350 or 400. */
u16 video_text_lines(void);
void video_surface(struct surface *s, u8 page);
void video_set_mode(u8 mode_and_flag);
void video_load_default_dac(u8 kind);
/* Points INT 43h and 1Fh to our fonts. */
void video_graphics_font(u8 char_height);

/* Registers. The CRTC is at 3B4h or 3D4h, as the mode has it. */
static inline void reg_write(u16 port, u8 index, u8 value)
{
    outw(port, (u16)(value << 8 | index));
}

static inline u8 reg_read(u16 port, u8 index)
{
    outb(port, index);
    return inb((u16)(port + 1));
}

u16 video_crtc(void);
void actl_reset(void);
u8 actl_read(u8 index);
void actl_write(u8 index, u8 value);
void actl_enable(void);
void dac_write(u8 index, u8 red, u8 green, u8 blue);
void dac_read(u8 index, u8 rgb[3]);
void dac_gray(u8 first, u16 count);

/* Text and characters. */
void cursor_set_shape(u16 shape);
void cursor_move(u8 page, u16 position);
void video_select_page(u8 page);
void video_scroll(u8 page, bool down, u8 lines, u8 attribute, u16 top_left, u16 bottom_right);
void video_write_cells(u8 page, u8 character, u8 attribute, bool use_attribute, u16 count);
u16 video_read_cell(u8 page);
void video_teletype(u8 character, u8 color, u8 page, bool use_attribute);

/* Graphics. */
void graphics_draw(const struct surface *s, u8 row, u8 column, u8 character, u8 color);
u8 graphics_read(const struct surface *s, u8 row, u8 column);
void pixel_write(u16 x, u16 y, u8 color, u8 page);
u8 pixel_read(u16 x, u16 y, u8 page);
void planar_fill_begin(u8 color);
void planar_copy_begin(void);
void planar_end(void);

/* Function groups. */
void video_palette_service(struct regs *r);
void video_font_service(struct regs *r);
void video_alternate_service(struct regs *r);
void video_state_service(struct regs *r);
void video_save_service(struct regs *r);
void video_font_load(u8 block, u16 segment, u16 offset, u16 first, u16 count, u8 height);
void video_font_default(u8 block, u8 height);

#endif
