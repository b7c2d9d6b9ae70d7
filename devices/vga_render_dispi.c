/* The extended modes as pixels. */
#include "devices/vga_internal.h"

typedef void line_function(const struct vga_picture *picture, const uint8_t *bytes,
                           uint32_t *pixels, unsigned count);

static void draw_8(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels,
                   unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        pixels[i] = picture->colors[bytes[i]];
}

static void draw_15(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels,
                    unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t value = load_le16(bytes + 2 * i);
        uint32_t rgb = (value & 0x7C00) << 9 | (value & 0x03E0) << 6 | (value & 0x001F) << 3;
        pixels[i] = rgb | (rgb >> 5 & 0x070707);
    }
}

static void draw_16(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels,
                    unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t value = load_le16(bytes + 2 * i);
        uint32_t red_blue = (value & 0xF800) << 8 | (value & 0x001F) << 3;
        uint32_t green = (value & 0x07E0) << 5;
        pixels[i] = red_blue | (red_blue >> 5 & 0x070007) | green | (green >> 6 & 0x000300);
    }
}

static void draw_24(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels,
                    unsigned count)
{
    for (unsigned i = 0; i < count; i++, bytes += 3)
        pixels[i] = load_le16(bytes) | (uint32_t)bytes[2] << 16;
}

static void draw_32(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels,
                    unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        pixels[i] = load_le32(bytes + 4 * i) & 0x00FFFFFF;
}

static line_function *line_function_for(unsigned bpp)
{
    switch (bpp) {
    case 8:
        return draw_8;
    case 15:
        return draw_15;
    case 16:
        return draw_16;
    case 24:
        return draw_24;
    default:
        return draw_32;
    }
}

static bool pages_changed(const struct vga_picture *picture, uint32_t first, uint32_t last)
{
    for (uint32_t page = first >> 12; page <= last >> 12; page++) {
        if (picture->vga->page_changed[page] > picture->seen)
            return true;
    }
    return picture->all;
}

static void render_packed(struct vga_picture *picture)
{
    const struct vga *vga = picture->vga;
    struct frame *frame = picture->frame;
    unsigned bpp = vga->dispi[DISPI_BPP];
    uint32_t step = (bpp + 7) / 8;
    uint32_t pitch = vga_dispi_pitch(vga), bytes = frame->width * step;
    uint32_t start = vga->dispi[DISPI_Y_OFFSET] * pitch + vga->dispi[DISPI_X_OFFSET] * step;
    line_function *draw = line_function_for(bpp);
    for (unsigned y = 0; y < frame->height; y++, start += pitch) {
        if (start > VGA_MEMORY_SIZE - bytes) {
            /* Beyond the end of memory there is nothing. */
            memset(picture->line, 0, frame->width * sizeof(*picture->line));
        } else if (pages_changed(picture, start, start + bytes - 1)) {
            draw(picture, vga->memory + start, picture->line, frame->width);
        } else {
            continue;
        }
        frame_put_line(frame, y, picture->line);
    }
}

/* Four planes, as in the standard modes, but with more than 64 KiB each. A block of 64 Ki plane
 * addresses is 64 pages. */
static bool planes_changed(const struct vga_picture *picture, uint32_t first, uint32_t last)
{
    uint32_t page = (first >> 16) << 6, end = ((last >> 16) + 1) << 6;
    return pages_changed(picture, page << 12, (end << 12) - 1);
}

static void render_planar(struct vga_picture *picture)
{
    const struct vga *vga = picture->vga;
    struct frame *frame = picture->frame;
    uint32_t pitch = vga_dispi_pitch(vga);
    uint32_t start = vga->dispi[DISPI_Y_OFFSET] * pitch + vga->dispi[DISPI_X_OFFSET] / 8;
    for (unsigned y = 0; y < frame->height; y++, start += pitch) {
        if (start + frame->width / 8 >= VGA_MEMORY_SIZE / 4) {
            memset(picture->line, 0, frame->width * sizeof(*picture->line));
            frame_put_line(frame, y, picture->line);
            continue;
        }
        if (!planes_changed(picture, start, start + frame->width / 8))
            continue;
        for (unsigned x = 0; x < frame->width; x += 8)
            vga_draw_planar(picture, vga->memory + 4 * vga_group(start + x / 8), picture->line + x);
        frame_put_line(frame, y, picture->line);
    }
}

void vga_render_dispi(struct vga_picture *picture)
{
    if (picture->vga->dispi[DISPI_BPP] == 4)
        render_planar(picture);
    else
        render_packed(picture);
}
