/* The register ports 3B4h..3DAh. */
#include "devices/vga_internal.h"

enum { UNUSED_PORT = 0xFF, STATUS_READ_NS = 720 };

/* --- CRTC --- */

static const uint8_t crtc_masks[CRTC_COUNT] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x3F, 0x7F, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xEF, 0xFF,
};

static uint8_t crtc_read(const struct vga *vga)
{
    if (vga->crtc_index < CRTC_COUNT)
        return vga->crtc[vga->crtc_index];
    if (vga->crtc_index == CRTC_READ_LATCH)
        return (uint8_t)(vga->latch >> (8 * (vga->gc[GC_READ_MAP] & 3)));
    if (vga->crtc_index == CRTC_READ_FLIP_FLOP)
        return (uint8_t)(vga->attr_data ? 0x80 : 0);
    return UNUSED_PORT;
}

static void crtc_write(struct vga *vga, uint8_t value)
{
    unsigned index = vga->crtc_index;
    if (index >= CRTC_COUNT)
        return;
    if (index <= CRTC_OVERFLOW && (vga->crtc[CRTC_RETRACE_END] & RETRACE_END_PROTECT)) {
        /* Only line compare bit 8 can be changed. */
        if (index == CRTC_OVERFLOW)
            vga->crtc[index] = (uint8_t)((vga->crtc[index] & ~0x10) | (value & 0x10));
        vga_touch(vga);
        return;
    }
    value &= crtc_masks[index];
    if (value == vga->crtc[index] && index != CRTC_RETRACE_END)
        return;
    if (index == CRTC_START_HIGH || index == CRTC_START_LOW || index == CRTC_PRESET_ROW_SCAN)
        vga_latch_start(vga);
    else if (index < CRTC_CURSOR_START || index > CRTC_CURSOR_LOW)
        vga_touch(vga);
    if (index == CRTC_RETRACE_END && (value & RETRACE_END_KEEP_INTERRUPT) &&
        !(vga->crtc[index] & RETRACE_END_KEEP_INTERRUPT))
        vga->interrupt_armed_ns = clock_now(vga->clock);
    vga->crtc[index] = value;
}

/* --- sequencer, graphics controller --- */

static void seq_write(struct vga *vga, uint8_t value)
{
    static const uint8_t masks[SEQ_COUNT] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
    if (vga->seq_index >= SEQ_COUNT)
        return;
    value &= masks[vga->seq_index];
    if (value == vga->seq[vga->seq_index])
        return;
    vga->seq[vga->seq_index] = value;
    /* Map mask and memory mode concern the processor's side only. */
    if (vga->seq_index == SEQ_CLOCKING_MODE || vga->seq_index == SEQ_CHARACTER_MAP)
        vga_touch(vga);
    vga_update_window(vga);
}

static void gc_write(struct vga *vga, uint8_t value)
{
    static const uint8_t masks[GC_COUNT] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
    if (vga->gc_index >= GC_COUNT)
        return;
    value &= masks[vga->gc_index];
    uint8_t changed = value ^ vga->gc[vga->gc_index];
    if (!changed)
        return;
    vga->gc[vga->gc_index] = value;
    if ((vga->gc_index == GC_MODE && (changed & (MODE_SHIFT_INTERLEAVE | MODE_SHIFT_256))) ||
        (vga->gc_index == GC_MISCELLANEOUS && (changed & MISC_GRAPHICS)))
        vga_touch(vga);
    vga_update_window(vga);
}

/* --- attribute controller --- */

static void attr_data_write(struct vga *vga, uint8_t value)
{
    static const uint8_t masks[] = {0xEF, 0xFF, 0x3F, 0x0F, 0x0F};
    unsigned index = vga->attr_index & 0x1F;
    if (index >= ATTR_COUNT)
        return;
    value &= index < ATTR_MODE ? 0x3F : masks[index - ATTR_MODE];
    if (value == vga->attr[index])
        return;
    vga->attr[index] = value;
    vga_touch(vga);
}

static void attr_write(struct vga *vga, uint8_t value)
{
    if (vga->attr_data) {
        attr_data_write(vga, value);
    } else {
        if ((vga->attr_index ^ value) & ATTR_INDEX_PAS)
            vga_touch(vga);
        vga->attr_index = value & 0x3F;
    }
    vga->attr_data = !vga->attr_data;
}

static uint8_t attr_read(const struct vga *vga)
{
    unsigned index = vga->attr_index & 0x1F;
    return index < ATTR_COUNT ? vga->attr[index] : 0;
}

/* --- DAC --- */

static uint8_t dac_bits(const struct vga *vga)
{
    return vga->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC ? 0xFF : 0x3F;
}

static uint8_t dac_data_read(struct vga *vga)
{
    uint8_t value = vga->dac[3 * vga->dac_read_index + vga->dac_component];
    if (++vga->dac_component == 3) {
        vga->dac_component = 0;
        vga->dac_read_index++;
    }
    return value;
}

/* A colour changes when its third byte is written. */
static void dac_data_write(struct vga *vga, uint8_t value)
{
    value &= dac_bits(vga);
    if (vga->dac_component < 2) {
        vga->dac_latch[vga->dac_component++] = value;
        return;
    }
    uint8_t *color = vga->dac + 3 * vga->dac_write_index++;
    vga_touch(vga);
    color[0] = vga->dac_latch[0];
    color[1] = vga->dac_latch[1];
    color[2] = value;
    vga->dac_component = 0;
}

/* --- status --- */

static uint8_t input_status_0(const struct vga *vga)
{
    /* Bit 4: the monitor's sense line, of a colour display. Bit 7: vertical interrupt pending. */
    uint8_t status = 0x10;
    if (vga->crtc[CRTC_RETRACE_END] & RETRACE_END_KEEP_INTERRUPT) {
        uint64_t since = vga_retraces(vga, vga->interrupt_armed_ns);
        if (vga_retraces(vga, clock_now(vga->clock)) > since)
            status |= 0x80;
    }
    return status;
}

/* A read takes as long as on an 8-bit ISA bus: six clocks of 8.33 MHz. Besides being so, it makes
 * programs that wait for the retrace cost the host little. */
static uint8_t input_status_1(struct vga *vga)
{
    clock_stall(vga->clock, STATUS_READ_NS);
    vga->attr_data = false;
    return vga_retrace_status(vga);
}

/* --- ports 3C0h..3CFh --- */

static uint32_t register_read(void *device, uint32_t offset, unsigned size)
{
    struct vga *vga = device;
    if (offset != 0x3 && !(vga->enabled & 1))
        return UNUSED_PORT;
    switch (offset) {
    case 0x0:
        return vga->attr_index;
    case 0x1:
        return attr_read(vga);
    case 0x2:
        return input_status_0(vga);
    case 0x3:
        return vga->enabled;
    case 0x4:
        return vga->seq_index;
    case 0x5:
        return vga->seq_index < SEQ_COUNT ? vga->seq[vga->seq_index] : UNUSED_PORT;
    case 0x6:
        return vga->dac_mask;
    case 0x7:
        return vga->dac_reading ? 3 : 0;
    case 0x8:
        return vga->dac_write_index;
    case 0x9:
        return dac_data_read(vga);
    case 0xA:
        return vga->feature;
    case 0xC:
        return vga->misc;
    case 0xE:
        return vga->gc_index;
    case 0xF:
        return vga->gc_index < GC_COUNT ? vga->gc[vga->gc_index] : UNUSED_PORT;
    default:
        return UNUSED_PORT;
    }
}

static void dac_select(struct vga *vga, uint8_t index, bool reading)
{
    vga->dac_reading = reading;
    vga->dac_component = 0;
    if (reading)
        vga->dac_read_index = index;
    else
        vga->dac_write_index = index;
}

static void register_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct vga *vga = device;
    uint8_t byte = (uint8_t)value;
    if (offset != 0x3 && !(vga->enabled & 1))
        return;
    switch (offset) {
    case 0x0:
    case 0x1:
        attr_write(vga, byte);
        break;
    case 0x2:
        vga->misc = byte & 0xEF;
        vga_touch(vga);
        vga_update_window(vga);
        break;
    case 0x3:
        vga->enabled = byte & 1;
        vga_update_window(vga);
        break;
    case 0x4:
        vga->seq_index = byte;
        break;
    case 0x5:
        seq_write(vga, byte);
        break;
    case 0x6:
        vga->dac_mask = byte;
        vga_touch(vga);
        break;
    case 0x7:
    case 0x8:
        dac_select(vga, byte, offset == 0x7);
        break;
    case 0x9:
        dac_data_write(vga, byte);
        break;
    case 0xE:
        vga->gc_index = byte;
        break;
    case 0xF:
        gc_write(vga, byte);
        break;
    default:
        break;
    }
}

const struct io_ops vga_register_ops = {
    .read = register_read,
    .write = register_write,
    .max_size = 1,
};

/* --- CRTC and status ports, at 3Bxh or 3Dxh --- */

static bool answers(const struct vga *vga, bool color)
{
    return (vga->enabled & 1) && !!(vga->misc & MISC_COLOR) == color;
}

static uint32_t crtc_port_read(struct vga *vga, uint32_t offset, bool color)
{
    if (!answers(vga, color))
        return UNUSED_PORT;
    return offset == 0 ? vga->crtc_index : crtc_read(vga);
}

static void crtc_port_write(struct vga *vga, uint32_t offset, uint32_t value, bool color)
{
    if (!answers(vga, color))
        return;
    if (offset == 0)
        vga->crtc_index = (uint8_t)value;
    else
        crtc_write(vga, (uint8_t)value);
}

static uint32_t mono_read(void *device, uint32_t offset, unsigned size)
{
    return crtc_port_read(device, offset, false);
}

static void mono_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    crtc_port_write(device, offset, value, false);
}

static uint32_t color_read(void *device, uint32_t offset, unsigned size)
{
    return crtc_port_read(device, offset, true);
}

static void color_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    crtc_port_write(device, offset, value, true);
}

static uint32_t mono_status_read(void *device, uint32_t offset, unsigned size)
{
    return answers(device, false) ? input_status_1(device) : UNUSED_PORT;
}

static uint32_t color_status_read(void *device, uint32_t offset, unsigned size)
{
    return answers(device, true) ? input_status_1(device) : UNUSED_PORT;
}

static void feature_write(struct vga *vga, uint32_t value, bool color)
{
    if (answers(vga, color))
        vga->feature = value & 0x0B;
}

static void mono_status_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    feature_write(device, value, false);
}

static void color_status_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    feature_write(device, value, true);
}

const struct io_ops vga_mono_ops = {.read = mono_read, .write = mono_write, .max_size = 1};
const struct io_ops vga_color_ops = {.read = color_read, .write = color_write, .max_size = 1};
const struct io_ops vga_mono_status_ops = {
    .read = mono_status_read,
    .write = mono_status_write,
    .max_size = 1,
};
const struct io_ops vga_color_status_ops = {
    .read = color_status_read,
    .write = color_status_write,
    .max_size = 1,
};
