/* The screen as pixels: what has changed since a frame was drawn, and its size and shape.
 *
 * Video memory has a mark for each page that was written. Before a frame is drawn, the marks of the
 * memory that is shown are collected: the page gets the number of a new change, and is trapped
 * again. A frame remembers the number that it was drawn with; so any number of frames can be kept
 * up to date side by side. Registers and palette have one number for all of them; what changes all
 * the time (cursor, blinking, start address) is compared by value, as the frame's phase. */
#include "base/memory.h"
#include "devices/vga_internal.h"

enum {
    PAGE_SHIFT = 12,
    BLOCK_COUNT = 16,      /* 4 KiB of plane addresses each */
    STANDARD_PAGES = 64,   /* the VGA's 256 KiB */
    LINE_ROOM = 4 * 9,     /* pixels that a renderer may write behind a line */
    CURSOR_BLINK = 1 << 3, /* bits of the count of frames: cursor and characters are off */
    CHARACTER_BLINK = 1 << 4,
};

/* Low half of a frame's phase: what concerns the whole picture. High half: the cursor. */
#define PHASE_PICTURE   UINT64_C(0xFFFFFFFF)
#define PHASE_BLINK_OFF (UINT64_C(1) << 31)

/* --- colours --- */

static void get_dac_colors(const struct vga *vga, uint32_t colors[256])
{
    bool eight = vga->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC;
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t *color = vga->dac + 3 * (i & vga->dac_mask);
        uint32_t rgb = (uint32_t)color[0] << 16 | (uint32_t)color[1] << 8 | color[2];
        colors[i] = eight ? rgb : (rgb & 0x3F3F3F) << 2 | (rgb >> 4 & 0x030303);
    }
}

/* DAC index of a value of four bits: internal palette and colour select. */
static uint8_t attribute_index(const struct vga *vga, unsigned value)
{
    uint8_t select = vga->attr[ATTR_COLOR_SELECT];
    unsigned index = vga->attr[value] & 0x3F;
    if (vga->attr[ATTR_MODE] & MODE_P54_SELECT)
        index = (index & 0x0F) | (select & 3u) << 4;
    return (uint8_t)(index | (select & 0x0Cu) << 4);
}

/* In graphics modes blinking turns bit 3 of all pixels over, as monochrome mode 0Fh uses it. */
static void get_palette(struct vga_picture *picture)
{
    const struct vga *vga = picture->vga;
    unsigned turn = picture->blink_off && !vga_is_text(vga) ? 8 : 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned value = (i & vga->attr[ATTR_PLANE_ENABLE] & 0x0Fu) ^ turn;
        picture->palette[i] = picture->colors[attribute_index(vga, value)];
    }
}

/* --- what has changed --- */

/* Collects the marks of count pages from first: true when one was set. */
static bool collect_marks(struct vga *vga, uint32_t first, uint32_t count)
{
    const uint8_t *mark = memchr(vga->dirty + first, 1, count);
    if (!mark)
        return false;
    vga->change++;
    uint32_t end = first + count, last = first = (uint32_t)(mark - vga->dirty);
    for (uint32_t page = first; page < end; page++) {
        if (!vga->dirty[page])
            continue;
        vga->page_changed[page] = vga->change;
        last = page;
    }
    memset(vga->dirty + first, 0, last - first + 1);
    vga_trap_pages(vga, first, last);
    return true;
}

static void collect_shown(struct vga *vga)
{
    uint32_t first = 0, count = STANDARD_PAGES, pages = VGA_MEMORY_SIZE >> PAGE_SHIFT;
    if (vga_dispi_on(vga)) {
        uint32_t planes = vga->dispi[DISPI_BPP] == 4 ? 4 : 1;
        uint64_t pitch = vga_dispi_pitch(vga) * planes;
        uint64_t start = vga->dispi[DISPI_Y_OFFSET] * pitch;
        first = planes == 4 ? 0 : (uint32_t)(start >> PAGE_SHIFT);
        uint64_t end = (start + pitch * (vga->dispi[DISPI_YRES] + 1u)) >> PAGE_SHIFT;
        /* Planes are spread over whole blocks of 64 Ki addresses. */
        end = planes == 4 ? (end | (STANDARD_PAGES - 1)) + 1 : end + 1;
        count = end > pages ? pages - first : (uint32_t)end - first;
    }
    if (first < pages)
        collect_marks(vga, first, count);
}

bool vga_addresses_changed(const struct vga_picture *picture, uint32_t first, uint32_t last)
{
    if (first > last)
        return vga_addresses_changed(picture, first, 0xFFFF) ||
               vga_addresses_changed(picture, 0, last);
    for (uint32_t block = first >> PAGE_SHIFT; block <= last >> PAGE_SHIFT; block++) {
        if (picture->block_changed[block & (BLOCK_COUNT - 1)])
            return true;
    }
    return false;
}

/* A block of plane addresses is in four pages, see vga_group(). */
static void get_blocks(struct vga_picture *picture)
{
    for (unsigned page = 0; page < STANDARD_PAGES; page++) {
        if (picture->vga->page_changed[page] > picture->seen)
            picture->block_changed[page % BLOCK_COUNT] = true;
    }
}

static bool any_page_changed(const struct vga_picture *picture)
{
    /* Only pages that are shown have been collected just now. */
    return picture->vga->change > picture->seen;
}

/* --- phase --- */

static uint64_t cursor_phase(const struct vga *vga, uint64_t frames)
{
    uint8_t start = vga->crtc[CRTC_CURSOR_START], end = vga->crtc[CRTC_CURSOR_END];
    if ((start & 0x20) || (frames & CURSOR_BLINK) || (start & 0x1F) > (end & 0x1F))
        return 0;
    uint32_t at = (uint32_t)vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
    at += end >> 5 & 3; /* skew */
    uint32_t shape = (start & 0x1Fu) << 5 | (end & 0x1Fu);
    return (uint64_t)(1u << 31 | shape << 16 | (at & 0xFFFF)) << 32;
}

static uint32_t cursor_of_phase(uint64_t phase)
{
    return phase >> 63 ? phase >> 32 & 0xFFFF : VGA_NO_CURSOR;
}

static uint64_t phase_now(const struct vga *vga)
{
    if (vga_dispi_on(vga) || vga_is_blank(vga))
        return 0;
    struct vga_scan scan;
    vga_get_scan(vga, &scan);
    uint64_t frames = vga_retraces(vga, clock_now(vga->clock));
    uint64_t phase = scan.start | scan.preset << 20;
    if ((vga->attr[ATTR_MODE] & MODE_BLINK) && (frames & CHARACTER_BLINK))
        phase |= PHASE_BLINK_OFF;
    return vga_is_text(vga) ? phase | cursor_phase(vga, frames) : phase;
}

/* --- size and shape --- */

/* The sides of a pixel by the dot clock and, as monitors do it, by the polarity of the
 * synchronisation pulses: 350, 400 or 480 lines fill the screen. */
static void set_standard_shape(const struct vga *vga, struct frame *frame, unsigned dots,
                               unsigned lines)
{
    static const unsigned screen_lines[4] = {480, 400, 350, 480};
    static const unsigned clock_dots[4] = {640, 720, 1056, 640};
    unsigned screen_dots = clock_dots[vga->misc >> 2 & 3];
    if (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_HALF)
        screen_dots /= 2;
    frame_set_aspect(frame, 4 * dots * screen_lines[vga->misc >> 6], 3 * lines * screen_dots);
}

static void set_border(const struct vga_picture *picture, unsigned character)
{
    const struct vga *vga = picture->vga;
    struct frame *frame = picture->frame;
    struct vga_border border = {0};
    uint32_t color = 0;
    if (!vga_dispi_on(vga) && !vga_is_blank(vga)) {
        vga_get_border(vga, &border);
        color = picture->colors[vga->attr[ATTR_OVERSCAN]];
    }
    border.left *= character;
    border.right *= character;
    border.top /= picture->repeat;
    border.bottom /= picture->repeat;
    frame->resized |= color != frame->border_color || border.left != frame->border_left ||
                      border.right != frame->border_right || border.top != frame->border_top ||
                      border.bottom != frame->border_bottom;
    frame->border_color = color;
    frame->border_left = border.left;
    frame->border_right = border.right;
    frame->border_top = border.top;
    frame->border_bottom = border.bottom;
}

/* Pixels of a character clock. */
static unsigned character_width(const struct vga *vga)
{
    if (!vga_is_text(vga))
        return vga_graphics_character(vga);
    return vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS ? 8 : 9;
}

void vga_size(const struct vga *vga, unsigned *width, unsigned *height)
{
    if (vga_dispi_on(vga)) {
        *width = vga->dispi[DISPI_XRES];
        *height = vga->dispi[DISPI_YRES];
        return;
    }
    *width = (vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u) * character_width(vga);
    *height = vga_display_lines(vga) / (vga_is_text(vga) ? 1 : vga_graphics_repeat(vga));
}

static void set_size(struct vga_picture *picture)
{
    const struct vga *vga = picture->vga;
    struct frame *frame = picture->frame;
    unsigned width, height;
    vga_size(vga, &width, &height);
    frame_start(frame, width, height);
    picture->repeat = 1;
    if (vga_dispi_on(vga)) {
        frame_set_aspect(frame, 1, 1);
        set_border(picture, 1);
        return;
    }
    if (vga_is_text(vga)) {
        set_standard_shape(vga, frame, 1, 1);
    } else {
        picture->repeat = vga_graphics_repeat(vga);
        set_standard_shape(vga, frame, 8 / character_width(vga), picture->repeat);
    }
    set_border(picture, character_width(vga));
}

/* --- the frame --- */

static void draw(struct vga_picture *picture)
{
    struct frame *frame = picture->frame;
    const struct vga *vga = picture->vga;
    picture->line = mem_new((frame->width + LINE_ROOM) * sizeof(*picture->line));
    if (vga_is_blank(vga)) {
        for (unsigned y = 0; y < frame->height; y++)
            frame_put_line(frame, y, picture->line);
    } else if (vga_dispi_on(vga)) {
        vga_render_dispi(picture);
    } else if (vga_is_text(vga)) {
        vga_render_text(picture);
    } else {
        vga_render_graphics(picture);
    }
    mem_free(picture->line);
}

void vga_render(struct vga *vga, struct frame *frame)
{
    struct vga_picture picture = {.vga = vga, .frame = frame};
    bool is_new = frame->drawer != vga;
    collect_shown(vga);
    uint64_t phase = phase_now(vga);
    picture.seen = is_new ? 0 : frame->seen;
    if (!is_new && !any_page_changed(&picture) && phase == frame->phase) {
        frame->resized = false;
        frame->band_count = 0;
        return;
    }
    picture.blink_off = phase & PHASE_BLINK_OFF;
    picture.cursor = cursor_of_phase(phase);
    picture.old_cursor = cursor_of_phase(frame->phase);
    get_dac_colors(vga, picture.colors);
    get_palette(&picture);
    get_blocks(&picture);
    set_size(&picture);
    picture.all = is_new || frame->resized || vga->registers_changed > picture.seen ||
                  ((phase ^ frame->phase) & PHASE_PICTURE);
    /* Only the shape of the cursor has changed: its lines are drawn all the same. */
    if (picture.cursor == picture.old_cursor && phase != frame->phase)
        picture.all = true;
    draw(&picture);
    frame_finish(frame);
    frame->drawer = vga;
    frame->seen = vga->change;
    frame->phase = phase;
}
