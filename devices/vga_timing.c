/* Where the beam is, from the CRTC's figures and the virtual clock. */
#include "base/time128.h"
#include "devices/vga_internal.h"

#define DOT_CLOCK_640 UINT64_C(25175000)
#define DOT_CLOCK_720 UINT64_C(28322000)
/* What other boards have behind the clock select's external inputs: for 132 columns. */
#define DOT_CLOCK_1056 UINT64_C(40000000)

/* One frame, in character clocks and lines. */
struct timing {
    uint64_t characters_per_second;
    uint32_t line; /* characters in a line, borders and retrace included */
    uint32_t lines;
    uint32_t retrace_start, retrace_lines;
};

static unsigned overflow_bit(const struct vga *vga, unsigned from, unsigned to)
{
    return (unsigned)(vga->crtc[CRTC_OVERFLOW] >> from & 1) << to;
}

/* Some modes count pairs of lines. */
static unsigned line_shift(const struct vga *vga)
{
    return vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_HALF_LINES ? 1 : 0;
}

unsigned vga_display_lines(const struct vga *vga)
{
    unsigned last =
        vga->crtc[CRTC_VERTICAL_DISPLAY_END] | overflow_bit(vga, 1, 8) | overflow_bit(vga, 6, 9);
    return (last + 1) << line_shift(vga);
}

unsigned vga_line_compare(const struct vga *vga)
{
    unsigned line = vga->crtc[CRTC_LINE_COMPARE] | overflow_bit(vga, 4, 8) |
                    (unsigned)(vga->crtc[CRTC_MAXIMUM_SCAN_LINE] >> 6 & 1) << 9;
    return ((line + 1) << line_shift(vga)) - 1;
}

static unsigned total_lines(const struct vga *vga)
{
    return 2 + (vga->crtc[CRTC_VERTICAL_TOTAL] | overflow_bit(vga, 0, 8) | overflow_bit(vga, 5, 9));
}

/* Blanking lies inside the time that is not shown; what is left of that is border. The horizontal
 * position of the picture in it is the monitor's affair: both sides are the same here. */
void vga_get_border(const struct vga *vga, struct vga_border *border)
{
    unsigned total = vga->crtc[CRTC_HORIZONTAL_TOTAL] + 5u;
    unsigned start = vga->crtc[CRTC_HORIZONTAL_BLANK_START];
    unsigned end = (vga->crtc[CRTC_HORIZONTAL_BLANK_END] & 0x1Fu) |
                   (vga->crtc[CRTC_HORIZONTAL_RETRACE_END] >> 2 & 0x20u);
    unsigned blank = (end - start) & 0x3F, shown = vga->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u;
    if (total > shown + blank && start >= shown)
        border->left = border->right = (total - shown - blank) / 2;
    unsigned lines = vga_display_lines(vga) >> line_shift(vga);
    start = (vga->crtc[CRTC_VERTICAL_BLANK_START] | overflow_bit(vga, 3, 8) |
             (unsigned)(vga->crtc[CRTC_MAXIMUM_SCAN_LINE] >> 5 & 1) << 9);
    blank = (vga->crtc[CRTC_VERTICAL_BLANK_END] - start) & 0xFF;
    if (start >= lines && start + blank <= total_lines(vga)) {
        border->bottom = (start - lines) << line_shift(vga);
        border->top = (total_lines(vga) - start - blank) << line_shift(vga);
    }
}

static void get_timing(const struct vga *vga, struct timing *timing)
{
    static const uint64_t clocks[4] = {DOT_CLOCK_640, DOT_CLOCK_720, DOT_CLOCK_1056, DOT_CLOCK_640};
    uint64_t dots = clocks[vga->misc >> 2 & 3];
    if (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_HALF)
        dots /= 2;
    timing->characters_per_second = dots / (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS ? 8 : 9);
    timing->line = vga->crtc[CRTC_HORIZONTAL_TOTAL] + 5u;
    timing->lines = total_lines(vga);
    timing->retrace_start =
        vga->crtc[CRTC_RETRACE_START] | overflow_bit(vga, 2, 8) | overflow_bit(vga, 7, 9);
    timing->retrace_lines = (vga->crtc[CRTC_RETRACE_END] - timing->retrace_start) & 0xF;
    if (timing->retrace_start >= timing->lines)
        timing->retrace_start = timing->lines - 1; /* so that there is one */
    if (timing->retrace_lines == 0)
        timing->retrace_lines = 16;
    timing->lines <<= line_shift(vga);
    timing->retrace_start <<= line_shift(vga);
    timing->retrace_lines <<= line_shift(vga);
}

uint8_t vga_retrace_status(const struct vga *vga)
{
    struct timing timing;
    get_timing(vga, &timing);
    uint64_t characters = clock_ticks(vga->clock, timing.characters_per_second);
    uint32_t at = (uint32_t)(characters % ((uint64_t)timing.line * timing.lines));
    uint32_t line = at / timing.line;
    uint32_t character = at % timing.line;
    uint8_t status = 0;
    if (line >= vga_display_lines(vga) || character > vga->crtc[CRTC_HORIZONTAL_DISPLAY_END])
        status |= 0x01;
    if (line >= timing.retrace_start && line < timing.retrace_start + timing.retrace_lines)
        status |= 0x08;
    return status;
}

uint64_t vga_retraces(const struct vga *vga, uint64_t ns)
{
    struct timing timing;
    get_timing(vga, &timing);
    uint64_t frame = (uint64_t)timing.line * timing.lines;
    uint64_t characters = muldiv64(ns, timing.characters_per_second, NS_PER_SECOND);
    return (characters + frame - (uint64_t)timing.line * timing.retrace_start) / frame;
}
