/* The inside of the VGA, shared by the files vga*.c only.
 *
 * Video memory is one block of bytes. The 64 Ki addresses of the four planes are 64 Ki groups of
 * four bytes, plane 0 first, so that the latches are one 32-bit load. The order of the groups is
 * chosen so that chain-4 memory is linear: address a of the chain-4 window is byte a of the block,
 * which lets the processor write it directly, and is what a linear frame buffer shows. */
#ifndef DEVICES_VGA_INTERNAL_H
#define DEVICES_VGA_INTERNAL_H

#include "base/bits.h"
#include "devices/vga.h"

enum sequencer_register {
    SEQ_RESET = 0,
    SEQ_CLOCKING_MODE = 1,
    SEQ_MAP_MASK = 2,
    SEQ_CHARACTER_MAP = 3,
    SEQ_MEMORY_MODE = 4,
    SEQ_COUNT = 8,
    CLOCKING_8_DOTS = 1 << 0,
    CLOCKING_HALF = 1 << 3,
    CLOCKING_SCREEN_OFF = 1 << 5,
    MEMORY_SEQUENTIAL = 1 << 2, /* not odd/even */
    MEMORY_CHAIN_4 = 1 << 3,
};

enum crtc_register {
    CRTC_HORIZONTAL_TOTAL = 0x00,
    CRTC_HORIZONTAL_DISPLAY_END = 0x01,
    CRTC_HORIZONTAL_BLANK_START = 0x02,
    CRTC_HORIZONTAL_BLANK_END = 0x03,
    CRTC_HORIZONTAL_RETRACE_END = 0x05,
    CRTC_VERTICAL_TOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_PRESET_ROW_SCAN = 0x08,
    CRTC_MAXIMUM_SCAN_LINE = 0x09,
    CRTC_CURSOR_START = 0x0A,
    CRTC_CURSOR_END = 0x0B,
    CRTC_START_HIGH = 0x0C,
    CRTC_START_LOW = 0x0D,
    CRTC_CURSOR_HIGH = 0x0E,
    CRTC_CURSOR_LOW = 0x0F,
    CRTC_RETRACE_START = 0x10,
    CRTC_RETRACE_END = 0x11,
    CRTC_VERTICAL_DISPLAY_END = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_VERTICAL_BLANK_START = 0x15,
    CRTC_VERTICAL_BLANK_END = 0x16,
    CRTC_MODE_CONTROL = 0x17,
    CRTC_LINE_COMPARE = 0x18,
    CRTC_COUNT = 0x19,
    CRTC_READ_LATCH = 0x22,
    CRTC_READ_FLIP_FLOP = 0x24,
    RETRACE_END_PROTECT = 1 << 7,
    RETRACE_END_KEEP_INTERRUPT = 1 << 4, /* 0 clears the vertical interrupt */
    MAXIMUM_SCAN_DOUBLE = 1 << 7,
    UNDERLINE_COUNT_BY_4 = 1 << 5,
    UNDERLINE_DWORD = 1 << 6,
    MODE_CONTROL_MA13 = 1 << 0, /* 0: row scan bit 0 instead (CGA) */
    MODE_CONTROL_MA14 = 1 << 1,
    MODE_CONTROL_HALF_LINES = 1 << 2, /* vertical figures count pairs of lines */
    MODE_CONTROL_COUNT_BY_2 = 1 << 3,
    MODE_CONTROL_WRAP = 1 << 5,
    MODE_CONTROL_BYTE = 1 << 6,
    MODE_CONTROL_SYNC = 1 << 7, /* 0: no retraces, so no picture */
};

enum graphics_register {
    GC_SET_RESET = 0,
    GC_ENABLE_SET_RESET = 1,
    GC_COLOR_COMPARE = 2,
    GC_DATA_ROTATE = 3,
    GC_READ_MAP = 4,
    GC_MODE = 5,
    GC_MISCELLANEOUS = 6,
    GC_COLOR_DONT_CARE = 7,
    GC_BIT_MASK = 8,
    GC_COUNT = 9,
    MODE_READ_COMPARE = 1 << 3,
    MODE_ODD_EVEN = 1 << 4,
    MODE_SHIFT_INTERLEAVE = 1 << 5,
    MODE_SHIFT_256 = 1 << 6,
    MISC_GRAPHICS = 1 << 0,
};

enum attribute_register {
    ATTR_MODE = 0x10,
    ATTR_OVERSCAN = 0x11,
    ATTR_PLANE_ENABLE = 0x12,
    ATTR_PANNING = 0x13,
    ATTR_COLOR_SELECT = 0x14,
    ATTR_COUNT = 0x15,
    ATTR_INDEX_PAS = 1 << 5, /* in the index: palette address source, the screen is shown */
    MODE_GRAPHICS = 1 << 0,
    MODE_MONO = 1 << 1,
    MODE_LINE_GRAPHICS = 1 << 2,
    MODE_BLINK = 1 << 3,
    MODE_PANNING_COMPATIBLE = 1 << 5,
    MODE_8_BIT = 1 << 6,
    MODE_P54_SELECT = 1 << 7,
};

enum {
    MISC_COLOR = 1 << 0,
    MISC_ENABLE_RAM = 1 << 1,
};

enum dispi_register {
    DISPI_ID = 0,
    DISPI_XRES = 1,
    DISPI_YRES = 2,
    DISPI_BPP = 3,
    DISPI_ENABLE = 4,
    DISPI_BANK = 5,
    DISPI_VIRT_WIDTH = 6,
    DISPI_VIRT_HEIGHT = 7,
    DISPI_X_OFFSET = 8,
    DISPI_Y_OFFSET = 9,
    DISPI_VIDEO_MEMORY_64K = 10,
    DISPI_COUNT = 11,
    DISPI_ENABLED = 1 << 0,
    DISPI_GETCAPS = 1 << 1,
    DISPI_8BIT_DAC = 1 << 5,
    DISPI_LFB_ENABLED = 1 << 6,
    DISPI_NOCLEARMEM = 1 << 7,
};

struct vga {
    uint8_t misc, feature, enabled; /* 3C2h, 3DAh, 3C3h */
    uint8_t seq_index, seq[SEQ_COUNT];
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t gc_index, gc[GC_COUNT];
    uint8_t attr_index, attr[ATTR_COUNT];
    bool attr_data; /* flip-flop: the next write of 3C0h is data */
    uint8_t dac_mask, dac_read_index, dac_write_index, dac_component;
    bool dac_reading;
    uint8_t dac_latch[2];
    uint8_t dac[256 * 3];
    uint32_t latch;              /* the four read latches, plane 0 in the low byte */
    uint64_t interrupt_armed_ns; /* since when the vertical interrupt has not been cleared */
    uint16_t dispi_index, dispi[DISPI_COUNT];
    /* Start address and preset row scan take effect at the next vertical retrace: what was in force
     * when one of them was first written since the retrace with number start_retrace. */
    uint16_t old_start;
    uint8_t old_preset;
    uint64_t start_retrace;

    struct bus *bus;
    struct clock *clock;
    struct pci_function *function;
    uint8_t *memory;               /* VGA_MEMORY_SIZE */
    uint8_t *dirty;                /* a mark for each page of memory */
    unsigned window, frame_buffer; /* range handles: A0000h.., without PCI the frame buffer's */

    /* What has changed, for frames: changes are numbered. */
    uint64_t change;            /* the newest */
    uint64_t registers_changed; /* the last of a register or of the palette */
    uint64_t *page_changed;     /* for each page, the change with which its mark was collected */
};

/* Something changes that every line of the picture may depend on. */
static inline void vga_touch(struct vga *vga)
{
    vga->registers_changed = ++vga->change;
}

/* Group of four bytes that holds plane address offset: chain-4 addresses 4c..4c+3 have the plane
 * address (c << 2 | c >> 12) mod 64 Ki, and get group c. */
static inline uint32_t vga_group(uint32_t offset)
{
    uint32_t high = offset >> 2 & 0x3FFF;
    uint32_t turn = (offset - (high >> 12)) & 3;
    return (offset & ~UINT32_C(0xFFFF)) | turn << 14 | high;
}

static inline bool vga_dispi_on(const struct vga *vga)
{
    return vga->dispi[DISPI_ENABLE] & DISPI_ENABLED;
}

/* Byte offset that the DISPI bank adds to a window address. */
static inline uint32_t vga_bank_offset(const struct vga *vga)
{
    return vga_dispi_on(vga) ? (uint32_t)vga->dispi[DISPI_BANK] << 16 : 0;
}

/* vga_memory.c: window accesses, and where the window is. */
extern const struct io_ops vga_window_ops;
void vga_update_window(struct vga *vga);
/* The processor's next writes to the pages from first to last are to leave marks again. */
void vga_trap_pages(struct vga *vga, uint32_t first, uint32_t last);

/* vga_registers.c */
extern const struct io_ops vga_mono_ops, vga_mono_status_ops, vga_color_ops, vga_color_status_ops,
    vga_register_ops;

/* vga_timing.c: input status 1 bits 0 and 3, and vertical retraces begun up to ns. */
uint8_t vga_retrace_status(const struct vga *vga);
uint64_t vga_retraces(const struct vga *vga, uint64_t ns);
/* Vertical CRTC values, with their overflow bits, in scan lines. */
unsigned vga_display_lines(const struct vga *vga);
unsigned vga_line_compare(const struct vga *vga);
/* Lines or characters of border at the sides of the picture. */
struct vga_border {
    unsigned left, right; /* characters */
    unsigned top, bottom; /* scan lines */
};
void vga_get_border(const struct vga *vga, struct vga_border *border);

/* vga_scan.c: how the CRTC walks memory. */
struct vga_scan {
    unsigned start;  /* memory address count of the first row, byte panning included */
    unsigned preset; /* row scan of the first line */
    unsigned pitch;  /* counts from row to row */
    unsigned row_lines, double_scan; /* lines of a row; 1 when each is shown twice, else 0 */
    unsigned line_compare;           /* the last scan line before the split */
    unsigned pan, split_pan;         /* dots, before and after the split */
    unsigned count_shift;            /* log2 of the characters that share a count */
};
struct vga_scan_line {
    uint32_t count; /* of its first character */
    unsigned row_scan, pan;
};
/* CRTC 0Ch, 0Dh or 08h are about to be written. */
void vga_latch_start(struct vga *vga);
void vga_get_scan(const struct vga *vga, struct vga_scan *scan);
struct vga_scan_line vga_scan_line(const struct vga_scan *scan, unsigned line);
/* Plane address of a memory address count in byte, word and doubleword mode; with the row scan's
 * bits where the mode control register puts them (the banks of CGA and Hercules modes). */
uint32_t vga_plane_address(const struct vga *vga, uint32_t count, unsigned row_scan);
bool vga_is_blank(const struct vga *vga);
bool vga_is_text(const struct vga *vga);

/* vga_dispi.c */
extern const struct io_ops vga_dispi_ops;
void vga_dispi_reset(struct vga *vga);
/* What is wrong with the loaded figures of struct vga; NULL: nothing. */
field_misfit vga_dispi_misfit;
/* Bytes from one line to the next; of each plane for 4 bits a pixel. */
uint32_t vga_dispi_pitch(const struct vga *vga);

/* vga_render.c. A renderer draws the lines that its row is said to need. */
struct vga_picture {
    const struct vga *vga;
    struct frame *frame;
    uint32_t *line;         /* room for one line, and for two characters more */
    bool all;               /* every line, not only those whose memory has changed */
    uint64_t seen;          /* changes up to here are in the frame */
    uint32_t colors[256];   /* of DAC indices */
    uint32_t palette[16];   /* of attributes and of pixels of four bits */
    bool blink_off;         /* the phase in which blinking characters are not seen */
    uint32_t cursor;        /* memory address count, or VGA_NO_CURSOR */
    uint32_t old_cursor;    /* where the frame shows it */
    unsigned repeat;        /* scan lines for a line of the frame */
    bool block_changed[16]; /* 4 KiB of plane addresses each */
};
#define VGA_NO_CURSOR UINT32_MAX

/* Has anything changed in the plane addresses from first to last? */
bool vga_addresses_changed(const struct vga_picture *picture, uint32_t first, uint32_t last);
void vga_render_text(struct vga_picture *picture);
/* vga_render_graphics.c, vga_render_dispi.c */
unsigned vga_graphics_repeat(const struct vga *vga);
unsigned vga_graphics_character(const struct vga *vga); /* pixels */
/* Eight pixels from a fetch of the four planes. */
void vga_draw_planar(const struct vga_picture *picture, const uint8_t planes[4], uint32_t *pixels);
void vga_render_graphics(struct vga_picture *picture);
void vga_render_dispi(struct vga_picture *picture);

static inline uint8_t vga_plane_byte(const struct vga *vga, uint32_t plane_address, unsigned plane)
{
    return vga->memory[vga_group(plane_address & 0xFFFF) * 4 + plane];
}

#endif
