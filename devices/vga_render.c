/* The screen as pixels: the standard graphics modes and the extended ones. */
#include "base/memory.h"
#include "devices/vga_internal.h"

enum { MAX_CHARACTER_PIXELS = 8 };

uint32_t vga_dac_color(const struct vga *vga, uint8_t index)
{
    const uint8_t *color = vga->dac + 3 * (index & vga->dac_mask);
    uint32_t rgb = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t level = color[i];
        if (!(vga->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC))
            level = (level & 0x3F) << 2 | (level & 0x3F) >> 4;
        rgb = rgb << 8 | level;
    }
    return rgb;
}

uint32_t vga_attribute_color(const struct vga *vga, uint8_t pixel)
{
    uint8_t select = vga->attr[ATTR_COLOR_SELECT];
    unsigned index = vga->attr[pixel & vga->attr[ATTR_PLANE_ENABLE] & 0x0F] & 0x3F;
    if (vga->attr[ATTR_MODE] & MODE_P54_SELECT)
        index = (index & 0x0F) | (select & 3u) << 4;
    return vga_dac_color(vga, (uint8_t)(index | (select & 0x0Cu) << 4));
}

/* --- standard graphics modes --- */

struct graphics_state {
    uint32_t colors[256];
    bool shift_256, shift_interleave;
    unsigned character_pixels; /* for each memory address count */
    unsigned pan;
};

static void get_state(const struct vga *vga, struct graphics_state *state)
{
    state->shift_256 = vga->gc[GC_MODE] & MODE_SHIFT_256;
    state->shift_interleave = vga->gc[GC_MODE] & MODE_SHIFT_INTERLEAVE;
    state->character_pixels = state->shift_256 ? 4 : 8;
    state->pan = vga->attr[ATTR_PANNING] & 7;
    if (state->shift_256)
        state->pan /= 2;
    for (unsigned i = 0; i < 256; i++)
        state->colors[i] =
            state->shift_256 ? vga_dac_color(vga, (uint8_t)i) : vga_attribute_color(vga, i & 0x0F);
}

/* The pixels of one 32-bit fetch from the planes. */
static void draw_character(const struct graphics_state *state, const uint8_t planes[4],
                           uint32_t *pixels)
{
    if (state->shift_256) {
        for (unsigned i = 0; i < 4; i++)
            pixels[i] = state->colors[planes[i]];
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned color = 0;
        if (state->shift_interleave) {
            /* Two bits a pixel: the first four pixels are in planes 0 and 2, then 1 and 3. */
            unsigned shift = 6 - 2 * (i & 3);
            color = (planes[i / 4] >> shift & 3u) | (planes[2 + i / 4] >> shift & 3u) << 2;
        } else {
            for (unsigned plane = 0; plane < 4; plane++)
                color |= (planes[plane] >> (7 - i) & 1u) << plane;
        }
        pixels[i] = state->colors[color];
    }
}

/* Plane address of a memory address count in a row of scan lines, with the CGA's and Hercules'
 * banks of every second or fourth line. */
static uint32_t graphics_address(const struct vga *vga, uint32_t count, unsigned row_scan)
{
    uint32_t address = vga_plane_address(vga, count);
    if (!(vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_MA13))
        address = (address & ~(UINT32_C(1) << 13)) | (row_scan & 1) << 13;
    if (!(vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_MA14))
        address = (address & ~(UINT32_C(1) << 14)) | (row_scan >> 1 & 1) << 14;
    return address & 0xFFFF;
}

/* Scan lines that show the same pixels: one row of the picture. */
static unsigned lines_per_row(const struct vga *vga)
{
    unsigned lines = vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & MAXIMUM_SCAN_DOUBLE ? 2 : 1;
    unsigned banked = MODE_CONTROL_MA13 | MODE_CONTROL_MA14;
    if ((vga->crtc[CRTC_MODE_CONTROL] & banked) == banked)
        lines *= (vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & 0x1Fu) + 1;
    return lines;
}

static void draw_line(const struct vga *vga, const struct graphics_state *state, unsigned scan_line,
                      unsigned width, uint32_t *line)
{
    unsigned doubled = vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & MAXIMUM_SCAN_DOUBLE ? 1 : 0;
    unsigned row_lines = (vga->crtc[CRTC_MAXIMUM_SCAN_LINE] & 0x1Fu) + 1;
    unsigned line_compare = vga_line_compare(vga);
    bool split = scan_line > line_compare;
    unsigned scan = split ? (scan_line - line_compare - 1) >> doubled
                          : (scan_line >> doubled) + (vga->crtc[CRTC_PRESET_ROW_SCAN] & 0x1F);
    uint32_t count = scan / row_lines * 2u * vga->crtc[CRTC_OFFSET];
    if (!split)
        count += ((uint32_t)vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW]) +
                 (vga->crtc[CRTC_PRESET_ROW_SCAN] >> 5 & 3);
    for (unsigned x = 0; x < width; x += state->character_pixels) {
        uint32_t address = graphics_address(vga, count++, scan % row_lines);
        draw_character(state, vga->memory + 4 * vga_group(address), line + x);
    }
}

static void render_standard(const struct vga *vga, struct frame *frame)
{
    struct graphics_state state;
    get_state(vga, &state);
    unsigned repeat = lines_per_row(vga);
    uint32_t *line = mem_new((frame->width + 2 * MAX_CHARACTER_PIXELS) * sizeof(*line));
    for (unsigned y = 0; y < frame->height; y++) {
        unsigned scan_line = y * repeat;
        bool split = scan_line > vga_line_compare(vga);
        unsigned pan = split && (vga->attr[ATTR_MODE] & MODE_PANNING_COMPATIBLE) ? 0 : state.pan;
        draw_line(vga, &state, scan_line, frame->width + pan, line);
        memcpy(frame->pixels + (size_t)y * frame->width, line + pan, frame->width * sizeof(*line));
    }
    mem_free(line);
}

/* --- extended modes --- */

static uint32_t direct_color(unsigned bpp, const uint8_t *bytes)
{
    uint32_t value = load_le16(bytes);
    uint32_t red, green, blue;
    if (bpp >= 24)
        return value | (uint32_t)bytes[2] << 16;
    if (bpp == 15) {
        red = bits_get(value, 14, 10) << 3;
        green = bits_get(value, 9, 5) << 3;
        green |= green >> 5;
    } else {
        red = bits_get(value, 15, 11) << 3;
        green = bits_get(value, 10, 5) << 2;
        green |= green >> 6;
    }
    blue = bits_get(value, 4, 0) << 3;
    return (red | red >> 5) << 16 | green << 8 | blue | blue >> 5;
}

static void render_packed(const struct vga *vga, struct frame *frame)
{
    unsigned bpp = vga->dispi[DISPI_BPP];
    unsigned step = (bpp + 7) / 8;
    uint32_t pitch = vga_dispi_pitch(vga);
    uint32_t start = vga->dispi[DISPI_Y_OFFSET] * pitch + vga->dispi[DISPI_X_OFFSET] * step;
    for (unsigned y = 0; y < frame->height; y++) {
        uint32_t *line = frame->pixels + (size_t)y * frame->width;
        for (unsigned x = 0; x < frame->width; x++) {
            uint32_t at = (start + y * pitch + x * step) & (VGA_MEMORY_SIZE - 1);
            const uint8_t *bytes = vga->memory + at;
            if (at > VGA_MEMORY_SIZE - 4)
                line[x] = 0;
            else
                line[x] = bpp == 8 ? vga_dac_color(vga, bytes[0]) : direct_color(bpp, bytes);
        }
    }
}

static void render_planar(const struct vga *vga, struct frame *frame)
{
    uint32_t pitch = vga_dispi_pitch(vga);
    uint32_t start = vga->dispi[DISPI_Y_OFFSET] * pitch + vga->dispi[DISPI_X_OFFSET] / 8;
    for (unsigned y = 0; y < frame->height; y++) {
        uint32_t *line = frame->pixels + (size_t)y * frame->width;
        for (unsigned x = 0; x < frame->width; x++) {
            uint32_t offset = (start + y * pitch + x / 8) & (VGA_MEMORY_SIZE / 4 - 1);
            const uint8_t *planes = vga->memory + 4 * vga_group(offset);
            unsigned color = 0;
            for (unsigned plane = 0; plane < 4; plane++)
                color |= (planes[plane] >> (7 - (x & 7)) & 1u) << plane;
            line[x] = vga_attribute_color(vga, (uint8_t)color);
        }
    }
}

/* --- the frame --- */

static void set_size(const struct vga *vga, struct frame *frame)
{
    unsigned characters = vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u;
    if (vga_dispi_on(vga)) {
        frame->width = vga->dispi[DISPI_XRES];
        frame->height = vga->dispi[DISPI_YRES];
    } else if (vga_is_text(vga)) {
        frame->width = characters * (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS ? 8 : 9);
        frame->height = vga_display_lines(vga);
    } else {
        frame->width = characters * (vga->gc[GC_MODE] & MODE_SHIFT_256 ? 4 : 8);
        frame->height = vga_display_lines(vga) / lines_per_row(vga);
        if (frame->height == 0)
            frame->height = 1;
    }
    size_t pixels = (size_t)frame->width * frame->height;
    if (pixels > frame->capacity) {
        frame->pixels = mem_resize(frame->pixels, pixels * sizeof(*frame->pixels));
        frame->capacity = pixels;
    }
}

void vga_render(struct vga *vga, struct frame *frame)
{
    set_size(vga, frame);
    if (vga_dispi_on(vga)) {
        if (vga->dispi[DISPI_BPP] == 4)
            render_planar(vga, frame);
        else
            render_packed(vga, frame);
    } else if (vga_is_blank(vga)) {
        memset(frame->pixels, 0, (size_t)frame->width * frame->height * sizeof(*frame->pixels));
    } else if (vga_is_text(vga)) {
        vga_render_text(vga, frame);
    } else {
        render_standard(vga, frame);
    }
}
