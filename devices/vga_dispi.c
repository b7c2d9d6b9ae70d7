/* The Bochs display interface: ports 1CEh (index) and 1CFh (data), 16 bits each. */
#include "devices/vga_internal.h"

enum {
    ID_FIRST = 0xB0C0,
    ID_LAST = 0xB0C5,
    MAX_XRES = 2560,
    MAX_YRES = 1600,
    MAX_BPP = 32,
};

static bool bpp_is_valid(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

static uint32_t bytes_per_pixel(const struct vga *vga)
{
    return (vga->dispi[DISPI_BPP] + 7u) / 8;
}

uint32_t vga_dispi_pitch(const struct vga *vga)
{
    uint32_t width = vga->dispi[DISPI_VIRT_WIDTH];
    return vga->dispi[DISPI_BPP] == 4 ? width / 8 : width * bytes_per_pixel(vga);
}

/* Lines of the virtual width that fit into memory. */
static uint16_t virtual_height(const struct vga *vga)
{
    uint32_t pitch = vga_dispi_pitch(vga) * (vga->dispi[DISPI_BPP] == 4 ? 4 : 1);
    uint32_t lines = pitch ? VGA_MEMORY_SIZE / pitch : 0;
    return (uint16_t)(lines > 0xFFFF ? 0xFFFF : lines);
}

/* Makes the figures consistent: the virtual screen holds the visible one, wherever that is. */
static void fix_geometry(struct vga *vga)
{
    uint16_t *dispi = vga->dispi;
    if (dispi[DISPI_VIRT_WIDTH] < dispi[DISPI_XRES])
        dispi[DISPI_VIRT_WIDTH] = dispi[DISPI_XRES];
    dispi[DISPI_VIRT_HEIGHT] = virtual_height(vga);
    if (dispi[DISPI_X_OFFSET] + dispi[DISPI_XRES] > dispi[DISPI_VIRT_WIDTH])
        dispi[DISPI_X_OFFSET] = (uint16_t)(dispi[DISPI_VIRT_WIDTH] - dispi[DISPI_XRES]);
    if (dispi[DISPI_Y_OFFSET] + dispi[DISPI_YRES] > dispi[DISPI_VIRT_HEIGHT])
        dispi[DISPI_Y_OFFSET] = dispi[DISPI_VIRT_HEIGHT] > dispi[DISPI_YRES]
                                    ? (uint16_t)(dispi[DISPI_VIRT_HEIGHT] - dispi[DISPI_YRES])
                                    : 0;
}

/* The VGA registers as the extended modes have them: graphics, the window at A0000h, chain-4 from
 * 8 bits a pixel on. */
static void set_vga_registers(struct vga *vga)
{
    vga->gc[GC_MISCELLANEOUS] = 0x05;
    vga->gc[GC_MODE] &= 0x0F;
    vga->crtc[CRTC_MODE_CONTROL] |= MODE_CONTROL_MA13 | MODE_CONTROL_MA14;
    vga->crtc[CRTC_MAXIMUM_SCAN_LINE] &= 0x60;
    if (vga->dispi[DISPI_BPP] == 4) {
        vga->seq[SEQ_MEMORY_MODE] = MEMORY_SEQUENTIAL | 2;
        return;
    }
    vga->seq[SEQ_MEMORY_MODE] = MEMORY_CHAIN_4 | MEMORY_SEQUENTIAL | 2;
    vga->seq[SEQ_MAP_MASK] = 0x0F;
    vga->gc[GC_MODE] |= MODE_SHIFT_256;
}

static void switch_on(struct vga *vga, uint16_t value)
{
    uint16_t *dispi = vga->dispi;
    dispi[DISPI_VIRT_WIDTH] = dispi[DISPI_XRES];
    dispi[DISPI_X_OFFSET] = dispi[DISPI_Y_OFFSET] = 0;
    dispi[DISPI_BANK] = 0;
    fix_geometry(vga);
    set_vga_registers(vga);
    if (value & DISPI_NOCLEARMEM)
        return;
    uint64_t size = (uint64_t)vga_dispi_pitch(vga) * dispi[DISPI_YRES];
    /* Planes are spread over blocks of 64 Ki addresses, see vga_group(). */
    if (dispi[DISPI_BPP] == 4)
        size = ((size >> 16) + 1) << 18;
    if (size > VGA_MEMORY_SIZE)
        size = VGA_MEMORY_SIZE;
    bus_before_write(vga->bus, vga->memory, size);
    memset(vga->memory, 0, size);
    memset(vga->dirty, 1, VGA_MEMORY_SIZE >> 12);
}

/* The DAC's contents are converted when its width changes. */
static void set_dac_width(struct vga *vga, bool eight)
{
    bool is_eight = vga->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC;
    if (is_eight == eight)
        return;
    for (unsigned i = 0; i < sizeof(vga->dac); i++)
        vga->dac[i] = (uint8_t)(eight ? vga->dac[i] << 2 : vga->dac[i] >> 2);
}

/* There is a picture, and video memory holds it. */
static bool fits(const struct vga *vga)
{
    uint64_t pixels = (uint64_t)vga->dispi[DISPI_XRES] * vga->dispi[DISPI_YRES];
    return pixels && pixels * vga->dispi[DISPI_BPP] / 8 <= VGA_MEMORY_SIZE;
}

static void write_enable(struct vga *vga, uint16_t value)
{
    bool was_on = vga_dispi_on(vga);
    if (!fits(vga))
        value &= (uint16_t)~DISPI_ENABLED;
    set_dac_width(vga, value & DISPI_8BIT_DAC);
    vga->dispi[DISPI_ENABLE] = value;
    if ((value & DISPI_ENABLED) && !was_on)
        switch_on(vga, value);
    if (!(value & DISPI_ENABLED))
        vga->dispi[DISPI_BANK] = 0;
}

static void write_size(struct vga *vga, unsigned index, uint16_t value, unsigned max)
{
    if (!vga_dispi_on(vga) && value <= max)
        vga->dispi[index] = index == DISPI_XRES ? value & 0xFFF8 : value;
}

static void dispi_register_write(struct vga *vga, uint16_t value)
{
    uint16_t *dispi = vga->dispi;
    switch (vga->dispi_index) {
    case DISPI_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            dispi[DISPI_ID] = value;
        break;
    case DISPI_XRES:
        write_size(vga, DISPI_XRES, value, MAX_XRES);
        break;
    case DISPI_YRES:
        write_size(vga, DISPI_YRES, value, MAX_YRES);
        break;
    case DISPI_BPP:
        /* Zero means 8, as in the first version of the interface. */
        if (!vga_dispi_on(vga) && (value == 0 || bpp_is_valid(value)))
            dispi[DISPI_BPP] = value ? value : 8;
        break;
    case DISPI_ENABLE:
        write_enable(vga, value);
        break;
    case DISPI_BANK:
        if (value < VGA_MEMORY_SIZE >> 16)
            dispi[DISPI_BANK] = value;
        break;
    case DISPI_VIRT_WIDTH:
        if (value >= dispi[DISPI_XRES]) {
            dispi[DISPI_VIRT_WIDTH] = value & 0xFFF8;
            fix_geometry(vga);
        }
        break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        dispi[vga->dispi_index] = value;
        fix_geometry(vga);
        break;
    default: /* virtual height and memory size are read-only */
        break;
    }
    if (vga->dispi_index != DISPI_BANK)
        vga_touch(vga);
    vga_update_window(vga);
}

/* The picture that is shown, and what a guest may make of the figures before it is. */
const char *vga_dispi_misfit(const void *base)
{
    const struct vga *vga = base;
    const uint16_t *dispi = vga->dispi;
    if (dispi[DISPI_XRES] > MAX_XRES || dispi[DISPI_YRES] > MAX_YRES ||
        !bpp_is_valid(dispi[DISPI_BPP]))
        return "there is no such resolution or depth";
    if (dispi[DISPI_BANK] >= VGA_MEMORY_SIZE >> 16)
        return "the bank lies beyond the end of video memory";
    if (!vga_dispi_on(vga))
        return NULL;
    if (!fits(vga))
        return "the picture is larger than video memory";
    if (dispi[DISPI_X_OFFSET] + dispi[DISPI_XRES] > dispi[DISPI_VIRT_WIDTH] ||
        dispi[DISPI_Y_OFFSET] > virtual_height(vga))
        return "the picture lies outside of the virtual screen";
    return NULL;
}

static uint16_t dispi_register_read(const struct vga *vga)
{
    if (vga->dispi_index >= DISPI_COUNT)
        return 0;
    if (vga->dispi[DISPI_ENABLE] & DISPI_GETCAPS) {
        switch (vga->dispi_index) {
        case DISPI_XRES:
            return MAX_XRES;
        case DISPI_YRES:
            return MAX_YRES;
        case DISPI_BPP:
            return MAX_BPP;
        default:
            break;
        }
    }
    return vga->dispi[vga->dispi_index];
}

/* Offset 0 is the index port, 1 the data port; their second bytes overlap. */
static uint32_t dispi_read(void *device, uint32_t offset, unsigned size)
{
    const struct vga *vga = device;
    return offset == 0 ? vga->dispi_index : dispi_register_read(vga);
}

static void dispi_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct vga *vga = device;
    if (offset == 0)
        vga->dispi_index = (uint16_t)value;
    else if (offset == 1)
        dispi_register_write(vga, (uint16_t)value);
}

const struct io_ops vga_dispi_ops = {.read = dispi_read, .write = dispi_write};

void vga_dispi_reset(struct vga *vga)
{
    vga->dispi_index = 0;
    memset(vga->dispi, 0, sizeof(vga->dispi));
    vga->dispi[DISPI_ID] = ID_LAST;
    vga->dispi[DISPI_BPP] = 8;
    vga->dispi[DISPI_VIDEO_MEMORY_64K] = VGA_MEMORY_SIZE >> 16;
}
