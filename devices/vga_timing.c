/* Where the beam is, from the CRTC's figures and the virtual clock. */
#include "base/time128.h"
#include "devices/vga_internal.h"

#define DOT_CLOCK_640 UINT64_C(25175000)
#define DOT_CLOCK_720 UINT64_C(28322000)

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

unsigned vga_display_lines(const struct vga *vga)
{
    return 1 + (vga->crtc[CRTC_VERTICAL_DISPLAY_END] | overflow_bit(vga, 1, 8) |
                overflow_bit(vga, 6, 9));
}

unsigned vga_line_compare(const struct vga *vga)
{
    return vga->crtc[CRTC_LINE_COMPARE] | overflow_bit(vga, 4, 8) |
           (unsigned)(vga->crtc[CRTC_MAXIMUM_SCAN_LINE] >> 6 & 1) << 9;
}

static void get_timing(const struct vga *vga, struct timing *timing)
{
    uint64_t dots = (vga->misc >> 2 & 3) == 1 ? DOT_CLOCK_720 : DOT_CLOCK_640;
    if (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_HALF)
        dots /= 2;
    timing->characters_per_second = dots / (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS ? 8 : 9);
    timing->line = vga->crtc[CRTC_HORIZONTAL_TOTAL] + 5u;
    timing->lines =
        2 + (vga->crtc[CRTC_VERTICAL_TOTAL] | overflow_bit(vga, 0, 8) | overflow_bit(vga, 5, 9));
    timing->retrace_start =
        vga->crtc[CRTC_RETRACE_START] | overflow_bit(vga, 2, 8) | overflow_bit(vga, 7, 9);
    timing->retrace_lines = (vga->crtc[CRTC_RETRACE_END] - timing->retrace_start) & 0xF;
    if (timing->retrace_start >= timing->lines)
        timing->retrace_start = timing->lines - 1; /* so that there is one */
    if (timing->retrace_lines == 0)
        timing->retrace_lines = 16;
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
