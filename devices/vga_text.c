/* A snapshot of the text screen's characters. */
#include "devices/vga_internal.h"

struct layout {
    struct vga_scan scan;
    unsigned columns, rows;
};

static void get_layout(const struct vga *vga, struct layout *layout)
{
    vga_get_scan(vga, &layout->scan);
    layout->columns = vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u;
    layout->rows = (vga_display_lines(vga) >> layout->scan.double_scan) / layout->scan.row_lines;
    if (layout->columns > SCREEN_MAX_COLUMNS)
        layout->columns = SCREEN_MAX_COLUMNS;
    if (layout->rows > SCREEN_MAX_ROWS)
        layout->rows = SCREEN_MAX_ROWS;
}

static void get_cell(const struct vga *vga, uint32_t count, struct screen_cell *cell)
{
    uint32_t address = vga_plane_address(vga, count, 0);
    uint8_t attribute = vga_plane_byte(vga, address, 1);
    bool blinks = vga->attr[ATTR_MODE] & MODE_BLINK;
    cell->character = vga_plane_byte(vga, address, 0);
    cell->foreground = attribute & 0x0F;
    cell->background = attribute >> 4 & (blinks ? 0x07 : 0x0F);
    cell->blink = blinks && (attribute & 0x80);
}

static void get_cursor(const struct vga *vga, const struct layout *layout, struct screen_text *text)
{
    unsigned at = (unsigned)vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
    unsigned first = vga->crtc[CRTC_CURSOR_START] & 0x1F;
    unsigned last = vga->crtc[CRTC_CURSOR_END] & 0x1F;
    unsigned from_start = (at - layout->scan.start) & 0xFFFF;
    if ((vga->crtc[CRTC_CURSOR_START] & 0x20) || first > last || !layout->scan.pitch)
        return;
    text->cursor_row = from_start / layout->scan.pitch;
    text->cursor_column = from_start % layout->scan.pitch;
    text->cursor_visible = text->cursor_row < layout->rows && text->cursor_column < layout->columns;
}

void vga_text(struct vga *vga, struct screen_text *text)
{
    struct layout layout;
    text->columns = text->rows = 0;
    text->cursor_visible = false;
    text->cursor_column = text->cursor_row = 0;
    if (vga_is_blank(vga) || !vga_is_text(vga))
        return;
    get_layout(vga, &layout);
    text->columns = layout.columns;
    text->rows = layout.rows;
    /* Row by row as the picture has them, so that a split screen is read as it is shown. */
    unsigned row_lines = layout.scan.row_lines << layout.scan.double_scan;
    for (unsigned row = 0; row < layout.rows; row++) {
        uint32_t count = vga_scan_line(&layout.scan, row * row_lines).count;
        for (unsigned column = 0; column < layout.columns; column++)
            get_cell(vga, count + (column >> layout.scan.count_shift), &text->cells[row][column]);
    }
    get_cursor(vga, &layout, text);
}
