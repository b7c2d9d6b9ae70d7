/* Text as pixels, with the fonts that the guest loaded into plane 2. */
#include "devices/vga_internal.h"

enum { FONT_PLANE = 2, GLYPH_BYTES = 32, DOTS_ALL = 0x1FF };

struct text_state {
    const struct vga *vga;
    const uint32_t *palette;
    struct vga_scan scan;
    unsigned columns, cell_width;
    uint32_t font[2]; /* plane addresses of the character maps for attribute bit 3 = 0, 1 */
    uint32_t cursor;
    unsigned cursor_first, cursor_last;
    bool blinks, blink_off, line_graphics, underlines;
    unsigned underline_row;
};

/* Character map select: the 8 KiB blocks of plane 2 in the order 0, 2, 4, 6, 1, 3, 5, 7. */
static uint32_t font_address(unsigned select)
{
    return (select & 3) << 14 | (select & 4) << 11;
}

static void get_state(const struct vga_picture *picture, struct text_state *state)
{
    const struct vga *vga = picture->vga;
    uint8_t select = vga->seq[SEQ_CHARACTER_MAP];
    state->vga = vga;
    state->palette = picture->palette;
    vga_get_scan(vga, &state->scan);
    state->columns = vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u;
    state->cell_width = vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS ? 8 : 9;
    state->font[0] = font_address((select & 3u) | (select >> 2 & 4u));
    state->font[1] = font_address((select >> 2 & 3u) | (select >> 3 & 4u));
    state->cursor = picture->cursor;
    state->cursor_first = vga->crtc[CRTC_CURSOR_START] & 0x1F;
    state->cursor_last = vga->crtc[CRTC_CURSOR_END] & 0x1F;
    state->blinks = vga->attr[ATTR_MODE] & MODE_BLINK;
    state->blink_off = picture->blink_off;
    state->line_graphics = vga->attr[ATTR_MODE] & MODE_LINE_GRAPHICS;
    state->underlines = vga->attr[ATTR_MODE] & MODE_MONO;
    state->underline_row = vga->crtc[CRTC_UNDERLINE] & 0x1F;
}

/* Nine dots of a cell's row, the leftmost in bit 8. */
static unsigned glyph_dots(const struct text_state *state, uint32_t count, uint8_t character,
                           uint8_t attribute, unsigned row)
{
    uint32_t font = state->font[attribute >> 3 & 1] + character * GLYPH_BYTES + row;
    unsigned dots = (unsigned)vga_plane_byte(state->vga, font, FONT_PLANE) << 1;
    if (state->line_graphics && character >= 0xC0 && character <= 0xDF)
        dots |= dots >> 1 & 1;
    if (state->underlines && (attribute & 7) == 1 && row == state->underline_row)
        dots = DOTS_ALL;
    if (state->blink_off && (attribute & 0x80))
        dots = 0;
    if (count == state->cursor && row >= state->cursor_first && row <= state->cursor_last)
        dots = DOTS_ALL;
    return dots;
}

static void draw_cell(const struct text_state *state, uint32_t count, unsigned row,
                      uint32_t *pixels)
{
    uint32_t address = vga_plane_address(state->vga, count, row);
    uint8_t character = vga_plane_byte(state->vga, address, 0);
    uint8_t attribute = vga_plane_byte(state->vga, address, 1);
    unsigned dots = glyph_dots(state, count & 0xFFFF, character, attribute, row);
    uint32_t foreground = state->palette[attribute & 0x0F];
    uint32_t background = state->palette[attribute >> 4 & (state->blinks ? 7 : 15)];
    /* All nine: the next cell, or the room behind the line, takes what is too much. */
    for (unsigned i = 0; i < 9; i++)
        pixels[i] = dots << i & 0x100 ? foreground : background;
}

/* Is a count among those of the row's characters? */
static bool row_has(const struct text_state *state, uint32_t first, uint32_t count)
{
    return count != VGA_NO_CURSOR &&
           ((count - first) & 0xFFFF) <= state->columns >> state->scan.count_shift;
}

static bool needs_drawing(const struct vga_picture *picture, const struct text_state *state,
                          const struct vga_scan_line *at)
{
    uint32_t last = at->count + ((state->columns + 1) >> state->scan.count_shift);
    if (picture->all)
        return true;
    if (picture->cursor != picture->old_cursor && (row_has(state, at->count, picture->cursor) ||
                                                   row_has(state, at->count, picture->old_cursor)))
        return true;
    return vga_addresses_changed(picture, vga_plane_address(state->vga, at->count, at->row_scan),
                                 vga_plane_address(state->vga, last, at->row_scan));
}

void vga_render_text(struct vga_picture *picture)
{
    struct text_state state;
    get_state(picture, &state);
    /* A character generator that changes may be seen everywhere. */
    for (unsigned map = 0; map < 2; map++)
        picture->all |= vga_addresses_changed(picture, state.font[map],
                                              state.font[map] + 256 * GLYPH_BYTES - 1);
    unsigned width = picture->frame->width;
    for (unsigned y = 0; y < picture->frame->height; y++) {
        struct vga_scan_line at = vga_scan_line(&state.scan, y);
        if (!needs_drawing(picture, &state, &at))
            continue;
        for (unsigned x = 0, column = 0; x < width + at.pan; x += state.cell_width, column++)
            draw_cell(&state, at.count + (column >> state.scan.count_shift), at.row_scan,
                      picture->line + x);
        frame_put_line(picture->frame, y, picture->line + at.pan);
    }
}
