/* Characters: cursor, pages, scrolling, reading and writing cells, teletype. */
#include "bios/services.h"
#include "bios/video/vbe.h"

void video_surface(struct surface *s, u8 page)
{
    const struct mode_info *info = video_info();
    u16 columns = BDA->video_columns;
    s->kind = info->kind;
    s->segment = 0xB800;
    s->offset = (u16)(page * BDA->video_page_size);
    s->banks = 1;
    s->cell_bytes = 1;
    s->cell_lines = (u8)BDA->char_height;
    s->line_bytes = columns;
    switch (info->kind) {
    case KIND_TEXT:
        if (video_mode_now() == 7)
            s->segment = 0xB000;
        s->cell_bytes = 2;
        s->cell_lines = 1;
        s->line_bytes = (u16)(columns * 2);
        break;
    case KIND_CGA4:
    case KIND_CGA2:
        s->offset = 0;
        s->cell_bytes = info->kind == KIND_CGA4 ? 2 : 1;
        s->cell_lines = 4;
        s->banks = 2;
        s->line_bytes = 80;
        break;
    case KIND_LINEAR:
        s->segment = 0xA000;
        s->offset = 0;
        s->cell_bytes = 8;
        s->line_bytes = 320;
        break;
    default:
        s->segment = 0xA000;
    }
}

/* CGA programs give the cursor's lines for characters of 8; taller ones are scaled (40:87 bit 0
 * turns that off). Lines near the bottom stay there. */
static u8 scale_cursor_line(u8 line, u8 height)
{
    return line >= 5 ? (u8)(height - 9 + line) : (u8)(line * height / 8);
}

void cursor_set_shape(u16 shape)
{
    u8 start = (u8)(shape >> 8), end = (u8)shape & 0x1F, height = (u8)BDA->char_height;
    BDA->cursor_shape = shape;
    if (!(BDA->video_control & 1) && height > 8 && end < 8 && start < 8 && video_is_text()) {
        start = scale_cursor_line(start, height);
        end = scale_cursor_line(end, height);
    }
    u16 crtc = BDA->crtc_port;
    reg_write(crtc, 0x0A, start);
    reg_write(crtc, 0x0B, end);
}

static void crtc_write_word(u8 index, u16 value)
{
    u16 crtc = BDA->crtc_port;
    reg_write(crtc, index, (u8)(value >> 8));
    reg_write(crtc, (u8)(index + 1), (u8)value);
}

void cursor_move(u8 page, u16 position)
{
    page &= 7;
    BDA->cursor_position[page] = position;
    if (page != BDA->video_page || !video_is_text())
        return;
    u16 cell = (u16)((position >> 8) * BDA->video_columns + (position & 0xFF));
    crtc_write_word(0x0E, (u16)(BDA->video_page_start / 2 + cell));
}

void video_select_page(u8 page)
{
    u8 kind = video_info()->kind;
    if (page >= video_info()->pages)
        return;
    u16 start = (u16)(page * BDA->video_page_size);
    BDA->video_page = page;
    BDA->video_page_start = start;
    crtc_write_word(0x0C, kind == KIND_PLANAR ? start : (u16)(start / 2));
    cursor_move(page, BDA->cursor_position[page]);
}

static void fill_line(const struct surface *s, u16 offset, u16 bytes, u8 attribute)
{
    if (s->kind == KIND_TEXT)
        far_fill_words(s->segment, offset, (u16)(attribute << 8 | ' '), bytes / 2);
    else
        far_fill(s->segment, offset, attribute, bytes);
}

/* Moves `keep` lines of a bank by `distance` lines, and blanks the rest of the window. */
static void scroll_bank(const struct surface *s, u16 base, u16 bytes, u16 keep, u16 distance,
                        bool down, u8 attribute)
{
    u16 pitch = s->line_bytes, shift = (u16)(distance * pitch);
    if (s->kind == KIND_PLANAR)
        planar_copy_begin();
    for (u16 i = 0; i < keep; i++) {
        u16 line = down ? (u16)(keep - 1 - i) : i;
        u16 upper = (u16)(base + line * pitch), lower = (u16)(upper + shift);
        far_copy(s->segment, down ? lower : upper, s->segment, down ? upper : lower, bytes);
        /* Moving a graphics screen takes longer than interrupts can wait. */
        if (s->kind != KIND_TEXT)
            interrupt_window();
    }
    u16 blank = down ? base : (u16)(base + keep * pitch);
    if (s->kind == KIND_PLANAR)
        planar_fill_begin(attribute);
    for (u16 i = 0; i < distance; i++, blank += pitch)
        fill_line(s, blank, bytes, attribute);
    if (s->kind == KIND_PLANAR)
        planar_end();
}

void video_scroll(u8 page, bool down, u8 lines, u8 attribute, u16 top_left, u16 bottom_right)
{
    struct surface s;
    video_surface(&s, page);
    u8 top = (u8)(top_left >> 8), left = (u8)top_left;
    u8 bottom = (u8)(bottom_right >> 8), right = (u8)bottom_right;
    if (bottom > BDA->video_rows)
        bottom = BDA->video_rows;
    if (right >= BDA->video_columns)
        right = (u8)(BDA->video_columns - 1);
    if (top > bottom || left > right)
        return;
    u8 rows = (u8)(bottom - top + 1);
    if (lines == 0 || lines > rows)
        lines = rows;
    if (s.kind == KIND_EXTENDED) {
        u8 height = s.cell_lines;
        vbe_scroll((u16)(top * height), (u16)(left * 8), (u16)((right - left + 1) * 8),
                   (u16)(rows * height), (u16)(lines * height), down, attribute);
        return;
    }
    u16 bytes = (u16)((right - left + 1) * s.cell_bytes);
    u16 base = (u16)(s.offset + top * s.cell_lines * s.line_bytes + left * s.cell_bytes);
    for (u8 bank = 0; bank < s.banks; bank++, base += 0x2000)
        scroll_bank(&s, base, bytes, (u16)((rows - lines) * s.cell_lines),
                    (u16)(lines * s.cell_lines), down, attribute);
}

static u16 cell_offset(const struct surface *s, u16 position)
{
    return (u16)(s->offset + (position >> 8) * s->line_bytes + (position & 0xFF) * 2);
}

static u8 page_in_range(u8 page)
{
    return page < video_info()->pages ? page : 0;
}

u16 video_read_cell(u8 page)
{
    struct surface s;
    page = page_in_range(page);
    video_surface(&s, page);
    u16 position = BDA->cursor_position[page];
    if (s.kind == KIND_TEXT)
        return far_read16(s.segment, cell_offset(&s, position));
    return graphics_read(&s, (u8)(position >> 8), (u8)position);
}

void video_write_cells(u8 page, u8 character, u8 attribute, bool use_attribute, u16 count)
{
    struct surface s;
    /* In mode 13h the page register holds the background; there is one page. */
    u8 cursor_page = page_in_range(page);
    video_surface(&s, cursor_page);
    u16 position = BDA->cursor_position[cursor_page];
    u8 row = (u8)(position >> 8), column = (u8)position;
    if (s.kind == KIND_TEXT) {
        u16 offset = cell_offset(&s, position);
        for (; count; count--, offset += 2) {
            far_write8(s.segment, offset, character);
            if (use_attribute)
                far_write8(s.segment, (u16)(offset + 1), attribute);
        }
        return;
    }
    for (; count && row <= BDA->video_rows; count--) {
        graphics_draw(&s, row, column, character, attribute);
        if (++column >= BDA->video_columns) {
            column = 0;
            row++;
        }
    }
}

/* The speaker at 900 Hz for an eighth of a second. */
static void bell(void)
{
    u8 gate = inb(0x61);
    outb(0x43, 0xB6);
    outb(0x42, 0x2E);
    outb(0x42, 0x05);
    outb(0x61, gate | 3);
    delay_ms(120);
    outb(0x61, gate & 0xFC);
}

void video_teletype(u8 character, u8 color, u8 page, bool use_attribute)
{
    u16 position = BDA->cursor_position[page & 7];
    u8 row = (u8)(position >> 8), column = (u8)position;
    switch (character) {
    case 7:
        bell();
        return;
    case 8:
        if (column)
            column--;
        break;
    case 13:
        column = 0;
        break;
    case 10:
        row++;
        break;
    default:
        video_write_cells(page, character, color, use_attribute || !video_is_text(), 1);
        if (++column >= BDA->video_columns) {
            column = 0;
            row++;
        }
    }
    if (row > BDA->video_rows) {
        row = BDA->video_rows;
        u8 attribute = 0;
        if (video_is_text()) {
            cursor_move(page, (u16)(row << 8 | (character == 10 ? column : 0)));
            attribute = (u8)(video_read_cell(page) >> 8);
        }
        video_scroll(page, false, 1, attribute, 0, (u16)(row << 8 | (u8)(BDA->video_columns - 1)));
    }
    cursor_move(page, (u16)(row << 8 | column));
}
