/* Text as pixels, with the fonts that the guest loaded into plane 2. */
#include "base/memory.h"
#include "devices/vga_internal.h"

enum { MAX_CELL_WIDTH = 9, FONT_PLANE = 2, GLYPH_BYTES = 32 };

struct text_state {
    struct vga_text_layout layout;
    uint32_t colors[16];
    uint32_t font[2]; /* plane addresses of the character maps for attribute bit 3 = 0, 1 */
    uint64_t frame;   /* for blinking */
    unsigned cursor;  /* memory address count, or UINT32_MAX when not shown */
    unsigned cursor_first, cursor_last;
    bool blinks, line_graphics, underlines;
    unsigned underline_row;
};

/* Character map select: the 8 KiB blocks of plane 2 in the order 0, 2, 4, 6, 1, 3, 5, 7. */
static uint32_t font_address(unsigned select)
{
    return (select & 3) << 14 | (select & 4) << 11;
}

static void get_state(const struct vga *vga, struct text_state *state)
{
    uint8_t select = vga->seq[SEQ_CHARACTER_MAP];
    vga_get_text_layout(vga, &state->layout);
    for (unsigned i = 0; i < 16; i++)
        state->colors[i] = vga_attribute_color(vga, (uint8_t)i);
    state->font[0] = font_address((select & 3u) | (select >> 2 & 4u));
    state->font[1] = font_address((select >> 2 & 3u) | (select >> 3 & 4u));
    state->frame = vga_retraces(vga, clock_now(vga->clock));
    state->blinks = vga->attr[ATTR_MODE] & MODE_BLINK;
    state->line_graphics = vga->attr[ATTR_MODE] & MODE_LINE_GRAPHICS;
    state->underlines = vga->attr[ATTR_MODE] & MODE_MONO;
    state->underline_row = vga->crtc[CRTC_UNDERLINE] & 0x1F;
    state->cursor_first = vga->crtc[CRTC_CURSOR_START] & 0x1F;
    state->cursor_last = vga->crtc[CRTC_CURSOR_END] & 0x1F;
    state->cursor = (unsigned)vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
    state->cursor += vga->crtc[CRTC_CURSOR_END] >> 5 & 3; /* skew */
    /* The cursor blinks with a period of 16 frames, characters with 32. */
    if ((vga->crtc[CRTC_CURSOR_START] & 0x20) || (state->frame & 8))
        state->cursor = UINT32_MAX;
}

/* Nine dots of a cell's row, the leftmost in bit 8. */
static unsigned glyph_dots(const struct vga *vga, const struct text_state *state, uint32_t count,
                           uint8_t character, uint8_t attribute, unsigned row)
{
    uint32_t font = state->font[attribute >> 3 & 1];
    unsigned dots = (unsigned)vga_plane_byte(vga, font + character * GLYPH_BYTES + row, FONT_PLANE)
                    << 1;
    if (state->line_graphics && character >= 0xC0 && character <= 0xDF)
        dots |= dots >> 1 & 1;
    if (state->underlines && (attribute & 7) == 1 && row == state->underline_row)
        dots = 0x1FF;
    if (state->blinks && (attribute & 0x80) && (state->frame & 16))
        dots = 0;
    if (count == state->cursor && row >= state->cursor_first && row <= state->cursor_last)
        dots = 0x1FF;
    return dots;
}

static void draw_cell(const struct vga *vga, const struct text_state *state, uint32_t count,
                      unsigned row, uint32_t *pixels)
{
    uint32_t address = vga_plane_address(vga, count);
    uint8_t character = vga_plane_byte(vga, address, 0);
    uint8_t attribute = vga_plane_byte(vga, address, 1);
    unsigned dots = glyph_dots(vga, state, count, character, attribute, row);
    uint32_t foreground = state->colors[attribute & 0x0F];
    uint32_t background = state->colors[attribute >> 4 & (state->blinks ? 7 : 15)];
    for (unsigned i = 0; i < state->layout.cell_width; i++)
        pixels[i] = dots << i & 0x100 ? foreground : background;
}

/* Dots by which the attribute controller shifts the picture to the left. */
static unsigned panning(const struct vga *vga, unsigned cell_width)
{
    unsigned value = vga->attr[ATTR_PANNING] & 0x0F;
    if (cell_width == 9)
        return value >= 8 ? 0 : value + 1;
    return value & 7;
}

void vga_render_text(const struct vga *vga, struct frame *frame)
{
    struct text_state state;
    get_state(vga, &state);
    unsigned cell_width = state.layout.cell_width;
    unsigned doubled = vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & MAXIMUM_SCAN_DOUBLE ? 1 : 0;
    unsigned cell_rows = (vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & 0x1Fu) + 1;
    unsigned line_compare = vga_line_compare(vga);
    uint32_t *line = mem_new((frame->width + 2 * MAX_CELL_WIDTH) * sizeof(*line));
    for (unsigned y = 0; y < frame->height; y++) {
        bool split = y > line_compare;
        unsigned scan = split ? (y - line_compare - 1) >> doubled
                              : (y >> doubled) + (vga->crtc[CRTC_PRESET_ROW_SCAN] & 0x1F);
        unsigned pan = split && (vga->attr[ATTR_MODE] & MODE_PANNING_COMPATIBLE)
                           ? 0
                           : panning(vga, cell_width);
        uint32_t count = (split ? 0 : state.layout.start) + scan / cell_rows * state.layout.pitch +
                         (split ? 0 : vga->crtc[CRTC_PRESET_ROW_SCAN] >> 5 & 3);
        for (unsigned x = 0; x < frame->width + pan; x += cell_width)
            draw_cell(vga, &state, count++, scan % cell_rows, line + x);
        memcpy(frame->pixels + (size_t)y * frame->width, line + pan, frame->width * sizeof(*line));
    }
    mem_free(line);
}
