/* The standard graphics modes as pixels: planes through the shift registers and the attribute
 * controller. Each character clock gives eight pixels of four bits, or four of eight bits. */
#include "devices/vga_internal.h"

unsigned vga_graphics_character(const struct vga *vga)
{
    return vga->attr[ATTR_MODE] & MODE_8_BIT ? 4 : 8;
}

unsigned vga_graphics_repeat(const struct vga *vga)
{
    struct vga_scan scan;
    vga_get_scan(vga, &scan);
    unsigned repeat = 1u << scan.double_scan;
    unsigned unbanked = MODE_CONTROL_MA13 | MODE_CONTROL_MA14;
    if ((vga->crtc[CRTC_MODE_CONTROL] & unbanked) == unbanked)
        repeat *= scan.row_lines;
    unsigned lines = vga_display_lines(vga);
    bool cut_at_split = scan.line_compare + 1 < lines && (scan.line_compare + 1) % repeat;
    bool cut_at_top = repeat >> scan.double_scan > 1 && scan.preset % scan.row_lines;
    return cut_at_split || cut_at_top || lines % repeat ? 1 : repeat;
}

/* One byte for each bit of byte, the highest bit's lowest. */
static uint64_t spread(uint8_t byte)
{
    uint64_t bits = (byte * UINT64_C(0x0101010101010101)) & UINT64_C(0x0102040810204080);
    return (bits + UINT64_C(0x7F7F7F7F7F7F7F7F)) >> 7 & UINT64_C(0x0101010101010101);
}

/* Eight pixels of four bits of one fetch from the planes, the first in the lowest byte. */
static uint64_t planar_pixels(const uint8_t planes[4])
{
    return spread(planes[0]) | spread(planes[1]) << 1 | spread(planes[2]) << 2 |
           spread(planes[3]) << 3;
}

/* Shift registers interleaved: two bits a pixel and plane, the first four pixels from planes 0 and
 * 2, the rest from 1 and 3. */
static uint64_t interleaved_pixels(const uint8_t planes[4])
{
    uint64_t pixels = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned shift = 6 - 2 * (i & 3);
        unsigned pixel = (planes[i / 4] >> shift & 3u) | (planes[2 + i / 4] >> shift & 3u) << 2;
        pixels |= (uint64_t)pixel << (8 * i);
    }
    return pixels;
}

/* Two pixels of four bits from each plane in turn. */
static uint64_t packed_pixels(const uint8_t planes[4])
{
    uint64_t pixels = 0;
    for (unsigned i = 0; i < 4; i++)
        pixels |= (uint64_t)(planes[i] >> 4 | (planes[i] & 0x0F) << 8) << (16 * i);
    return pixels;
}

void vga_draw_planar(const struct vga_picture *picture, const uint8_t planes[4], uint32_t *pixels)
{
    uint8_t mode = picture->vga->gc[GC_MODE];
    uint64_t values = mode & MODE_SHIFT_256          ? packed_pixels(planes)
                      : mode & MODE_SHIFT_INTERLEAVE ? interleaved_pixels(planes)
                                                     : planar_pixels(planes);
    for (unsigned i = 0; i < 8; i++)
        pixels[i] = picture->palette[values >> (8 * i) & 0x0F];
}

/* Two successive values of four bits make one of eight, the first the high half. */
static void draw_eight_bits(const struct vga_picture *picture, const uint8_t planes[4],
                            uint32_t *pixels)
{
    uint8_t mode = picture->vga->gc[GC_MODE];
    if (mode & MODE_SHIFT_256) {
        for (unsigned i = 0; i < 4; i++)
            pixels[i] = picture->colors[planes[i]];
        return;
    }
    uint64_t values =
        mode & MODE_SHIFT_INTERLEAVE ? interleaved_pixels(planes) : planar_pixels(planes);
    for (unsigned i = 0; i < 4; i++, values >>= 16)
        pixels[i] = picture->colors[(values & 0x0F) << 4 | (values >> 8 & 0x0F)];
}

static void draw_line(const struct vga_picture *picture, const struct vga_scan *scan,
                      const struct vga_scan_line *at, unsigned width)
{
    const struct vga *vga = picture->vga;
    unsigned step = vga_graphics_character(vga);
    for (unsigned x = 0, character = 0; x < width; x += step, character++) {
        uint32_t count = at->count + (character >> scan->count_shift);
        uint32_t address = vga_plane_address(vga, count, at->row_scan);
        const uint8_t *planes = vga->memory + 4 * vga_group(address);
        if (step == 4)
            draw_eight_bits(picture, planes, picture->line + x);
        else
            vga_draw_planar(picture, planes, picture->line + x);
    }
}

void vga_render_graphics(struct vga_picture *picture)
{
    const struct vga *vga = picture->vga;
    struct frame *frame = picture->frame;
    struct vga_scan scan;
    vga_get_scan(vga, &scan);
    unsigned characters = vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 2u;
    for (unsigned y = 0; y < frame->height; y++) {
        struct vga_scan_line at = vga_scan_line(&scan, y * picture->repeat);
        uint32_t first = vga_plane_address(vga, at.count, at.row_scan);
        uint32_t last = vga_plane_address(vga, at.count + characters, at.row_scan);
        if (!picture->all && !vga_addresses_changed(picture, first, last))
            continue;
        draw_line(picture, &scan, &at, frame->width + at.pan);
        frame_put_line(frame, y, picture->line + at.pan);
    }
}
