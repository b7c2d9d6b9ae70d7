/* The text screen: how the CRTC walks memory, and a snapshot of the characters. */
#include "devices/vga_internal.h"

bool vga_is_blank(const struct vga *vga)
{
    return !(vga->attr_index & ATTR_INDEX_PAS) ||
           (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_SCREEN_OFF);
}

bool vga_is_text(const struct vga *vga)
{
    return !vga_dispi_on(vga) && !(vga->gc[GC_MISCELLANEOUS] & MISC_GRAPHICS) &&
           !(vga->attr[ATTR_MODE] & MODE_GRAPHICS);
}

uint32_t vga_plane_address(const struct vga *vga, uint32_t count)
{
    if (vga->crtc[CRTC_UNDERLINE] & UNDERLINE_DWORD)
        return (count << 2) | (count >> 12 & 3);
    if (vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_BYTE)
        return count;
    unsigned wrap = vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_WRAP ? 15 : 13;
    return (count << 1) | (count >> wrap & 1);
}

void vga_get_text_layout(const struct vga *vga, struct vga_text_layout *layout)
{
    unsigned doubled = vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & MAXIMUM_SCAN_DOUBLE ? 2 : 1;
    layout->cell_width = vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS ? 8 : 9;
    layout->cell_height = ((vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & 0x1Fu) + 1) * doubled;
    layout->columns = vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u;
    layout->rows = vga_display_lines(vga) / layout->cell_height;
    layout->start = (unsigned)vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW];
    layout->pitch = 2u * vga->crtc[CRTC_OFFSET];
    if (layout->columns > SCREEN_MAX_COLUMNS)
        layout->columns = SCREEN_MAX_COLUMNS;
    if (layout->rows > SCREEN_MAX_ROWS)
        layout->rows = SCREEN_MAX_ROWS;
}

static void get_cell(const struct vga *vga, uint32_t count, struct screen_cell *cell)
{
    uint32_t address = vga_plane_address(vga, count);
    uint8_t attribute = vga_plane_byte(vga, address, 1);
    bool blinks = vga->attr[ATTR_MODE] & MODE_BLINK;
    cell->character = vga_plane_byte(vga, address, 0);
    cell->foreground = attribute & 0x0F;
    cell->background = attribute >> 4 & (blinks ? 0x07 : 0x0F);
    cell->blink = blinks && (attribute & 0x80);
}

static void get_cursor(const struct vga *vga, const struct vga_text_layout *layout,
                       struct screen_text *text)
{
    unsigned at = (unsigned)vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
    unsigned first = vga->crtc[CRTC_CURSOR_START] & 0x1F;
    unsigned last = vga->crtc[CRTC_CURSOR_END] & 0x1F;
    unsigned from_start = (at - layout->start) & 0xFFFF;
    if ((vga->crtc[CRTC_CURSOR_START] & 0x20) || first > last || !layout->pitch)
        return;
    text->cursor_row = from_start / layout->pitch;
    text->cursor_column = from_start % layout->pitch;
    text->cursor_visible = text->cursor_row < layout->rows && text->cursor_column < layout->columns;
}

void vga_text(struct vga *vga, struct screen_text *text)
{
    struct vga_text_layout layout;
    text->columns = text->rows = 0;
    text->cursor_visible = false;
    text->cursor_column = text->cursor_row = 0;
    if (vga_is_blank(vga) || !vga_is_text(vga))
        return;
    vga_get_text_layout(vga, &layout);
    text->columns = layout.columns;
    text->rows = layout.rows;
    for (unsigned row = 0; row < layout.rows; row++) {
        for (unsigned column = 0; column < layout.columns; column++)
            get_cell(vga, layout.start + row * layout.pitch + column, &text->cells[row][column]);
    }
    get_cursor(vga, &layout, text);
}
