/* How the CRTC walks memory: addressing modes, start address, split screen, panning. */
#include "devices/vga_internal.h"

bool vga_is_blank(const struct vga *vga)
{
    bool no_sync = !vga_dispi_on(vga) && !(vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_SYNC);
    return no_sync || !(vga->attr_index & ATTR_INDEX_PAS) ||
           (vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_SCREEN_OFF);
}

bool vga_is_text(const struct vga *vga)
{
    return !vga_dispi_on(vga) && !(vga->gc[GC_MISCELLANEOUS] & MISC_GRAPHICS) &&
           !(vga->attr[ATTR_MODE] & MODE_GRAPHICS);
}

uint32_t vga_plane_address(const struct vga *vga, uint32_t count, unsigned row_scan)
{
    uint8_t mode = vga->crtc[CRTC_MODE_CONTROL];
    uint32_t address = count;
    if (vga->crtc[CRTC_UNDERLINE] & UNDERLINE_DWORD)
        address = (count << 2) | (count >> 12 & 3);
    else if (!(mode & MODE_CONTROL_BYTE))
        address = (count << 1) | (count >> (mode & MODE_CONTROL_WRAP ? 15 : 13) & 1);
    if (!(mode & MODE_CONTROL_MA13))
        address = (address & ~(UINT32_C(1) << 13)) | (row_scan & 1) << 13;
    if (!(mode & MODE_CONTROL_MA14))
        address = (address & ~(UINT32_C(1) << 14)) | (row_scan >> 1 & 1) << 14;
    return address & 0xFFFF;
}

static uint16_t start_register(const struct vga *vga)
{
    return (uint16_t)(vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW]);
}

/* Has there been no retrace since the start address was written? */
static bool start_is_old(const struct vga *vga)
{
    return vga->start_retrace == vga_retraces(vga, clock_now(vga->clock));
}

void vga_latch_start(struct vga *vga)
{
    if (start_is_old(vga))
        return;
    vga->old_start = start_register(vga);
    vga->old_preset = vga->crtc[CRTC_PRESET_ROW_SCAN];
    vga->start_retrace = vga_retraces(vga, clock_now(vga->clock));
}

/* Dots by which the attribute controller shifts the picture to the left. */
static unsigned panning(const struct vga *vga)
{
    unsigned value = vga->attr[ATTR_PANNING] & 0x0F;
    if (vga_is_text(vga) && !(vga->seq[SEQ_CLOCKING_MODE] & CLOCKING_8_DOTS))
        return value >= 8 ? 0 : value + 1;
    value &= 7;
    return vga->attr[ATTR_MODE] & MODE_8_BIT ? value / 2 : value;
}

void vga_get_scan(const struct vga *vga, struct vga_scan *scan)
{
    bool old = start_is_old(vga);
    uint8_t preset = old ? vga->old_preset : vga->crtc[CRTC_PRESET_ROW_SCAN];
    uint8_t maximum = vga->crtc[CRTC_MAXIMUM_SCAN_LINE];
    scan->start = (old ? vga->old_start : start_register(vga)) + (preset >> 5 & 3u);
    scan->preset = preset & 0x1F;
    scan->pitch = 2u * vga->crtc[CRTC_OFFSET];
    scan->row_lines = (maximum & 0x1Fu) + 1;
    scan->double_scan = maximum & MAXIMUM_SCAN_DOUBLE ? 1 : 0;
    scan->line_compare = vga_line_compare(vga);
    scan->pan = panning(vga);
    scan->split_pan = vga->attr[ATTR_MODE] & MODE_PANNING_COMPATIBLE ? 0 : scan->pan;
    scan->count_shift = vga->crtc[CRTC_UNDERLINE] & UNDERLINE_COUNT_BY_4         ? 2
                        : vga->crtc[CRTC_MODE_CONTROL] & MODE_CONTROL_COUNT_BY_2 ? 1
                                                                                 : 0;
}

struct vga_scan_line vga_scan_line(const struct vga_scan *scan, unsigned line)
{
    bool split = line > scan->line_compare;
    unsigned at = split ? (line - scan->line_compare - 1) >> scan->double_scan
                        : (line >> scan->double_scan) + scan->preset;
    struct vga_scan_line result = {
        .count = at / scan->row_lines * scan->pitch + (split ? 0 : scan->start),
        .row_scan = at % scan->row_lines,
        .pan = split ? scan->split_pan : scan->pan,
    };
    return result;
}
