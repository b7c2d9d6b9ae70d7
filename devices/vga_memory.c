/* Processor access to the planes: read and write modes, latches, odd/even, chain-4. */
#include "devices/vga_internal.h"

/* All bits of the planes whose bit is set in index. */
static const uint32_t plane_bits[16] = {
    0x00000000, 0x000000FF, 0x0000FF00, 0x0000FFFF, 0x00FF0000, 0x00FF00FF, 0x00FFFF00, 0x00FFFFFF,
    0xFF000000, 0xFF0000FF, 0xFF00FF00, 0xFF00FFFF, 0xFFFF0000, 0xFFFF00FF, 0xFFFFFF00, 0xFFFFFFFF,
};

static uint32_t all_planes(uint8_t byte)
{
    return byte * UINT32_C(0x01010101);
}

static uint32_t rotated(const struct vga *vga, uint8_t byte)
{
    unsigned count = vga->gc[GC_DATA_ROTATE] & 7;
    return all_planes((uint8_t)(byte >> count | byte << (8 - count)));
}

static uint32_t combine(const struct vga *vga, uint32_t data)
{
    switch (vga->gc[GC_DATA_ROTATE] >> 3 & 3) {
    case 1:
        return data & vga->latch;
    case 2:
        return data | vga->latch;
    case 3:
        return data ^ vga->latch;
    default:
        return data;
    }
}

/* What the graphics controller puts on the four planes for a byte from the processor. */
static uint32_t plane_data(const struct vga *vga, uint8_t byte)
{
    uint32_t mask = all_planes(vga->gc[GC_BIT_MASK]);
    uint32_t data;
    uint32_t forced;
    switch (vga->gc[GC_MODE] & 3) {
    case 0:
        forced = plane_bits[vga->gc[GC_ENABLE_SET_RESET] & 0xF];
        data = (rotated(vga, byte) & ~forced) | (plane_bits[vga->gc[GC_SET_RESET] & 0xF] & forced);
        break;
    case 1:
        return vga->latch;
    case 2:
        data = plane_bits[byte & 0xF];
        break;
    default:
        mask &= rotated(vga, byte);
        data = plane_bits[vga->gc[GC_SET_RESET] & 0xF];
        break;
    }
    return (combine(vga, data) & mask) | (vga->latch & ~mask);
}

/* Group of a byte of the window when addresses are odd/even: A0 selects the plane, and a higher
 * address bit takes its place. */
static uint32_t odd_even_group(uint32_t address)
{
    return vga_group((address & 0xFFFE) | (address >> 16 & 1));
}

static uint32_t sequential_group(const struct vga *vga, uint32_t address)
{
    uint32_t offset = (vga_bank_offset(vga) + (address & 0xFFFF)) & (VGA_MEMORY_SIZE / 4 - 1);
    return vga_group(offset);
}

static uint32_t chain_4_byte(const struct vga *vga, uint32_t address)
{
    return (vga_bank_offset(vga) + (address & 0xFFFF)) & (VGA_MEMORY_SIZE - 1);
}

static uint8_t read_planes(struct vga *vga, unsigned plane)
{
    if (!(vga->gc[GC_MODE] & MODE_READ_COMPARE))
        return (uint8_t)(vga->latch >> (8 * plane));
    uint32_t differs = (vga->latch ^ plane_bits[vga->gc[GC_COLOR_COMPARE] & 0xF]) &
                       plane_bits[vga->gc[GC_COLOR_DONT_CARE] & 0xF];
    differs |= differs >> 16;
    return (uint8_t) ~(differs | differs >> 8);
}

static uint8_t read_byte(struct vga *vga, uint32_t address)
{
    uint32_t group;
    unsigned plane = vga->gc[GC_READ_MAP] & 3;
    if (vga->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) {
        group = chain_4_byte(vga, address) / 4;
        plane = address & 3;
    } else if (vga->gc[GC_MODE] & MODE_ODD_EVEN) {
        group = odd_even_group(address);
        plane = (plane & 2) | (address & 1);
    } else {
        group = sequential_group(vga, address);
    }
    vga->latch = load_le32(vga->memory + 4 * group);
    return read_planes(vga, plane);
}

static void write_byte(struct vga *vga, uint32_t address, uint8_t byte)
{
    uint32_t group;
    unsigned planes = vga->seq[SEQ_MAP_MASK] & 0xF;
    if (vga->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) {
        group = chain_4_byte(vga, address) / 4;
        planes &= 1u << (address & 3);
    } else if (!(vga->seq[SEQ_MEMORY_MODE] & MEMORY_SEQUENTIAL)) {
        group = odd_even_group(address);
        planes &= address & 1 ? 0xA : 0x5;
    } else {
        group = sequential_group(vga, address);
    }
    uint8_t *bytes = vga->memory + 4 * group;
    uint32_t mask = plane_bits[planes];
    bus_before_write(vga->bus, bytes, sizeof mask);
    store_le32(bytes, (load_le32(bytes) & ~mask) | (plane_data(vga, byte) & mask));
    vga->dirty[4 * group >> 12] = 1;
}

static uint32_t window_read(void *device, uint32_t offset, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read_byte(device, offset + i) << (8 * i);
    return value;
}

static void window_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        write_byte(device, offset + i, (uint8_t)(value >> (8 * i)));
}

const struct io_ops vga_window_ops = {.read = window_read, .write = window_write};

/* Chain-4 with nothing between the processor and memory. Direct access does not load the latches,
 * which chain-4 programs cannot see. */
static bool is_plain_chain_4(const struct vga *vga)
{
    return (vga->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) && (vga->seq[SEQ_MAP_MASK] & 0xF) == 0xF &&
           vga->gc[GC_ENABLE_SET_RESET] == 0 && vga->gc[GC_DATA_ROTATE] == 0 &&
           (vga->gc[GC_MODE] & (MODE_READ_COMPARE | 3)) == 0 && vga->gc[GC_BIT_MASK] == 0xFF;
}

void vga_update_window(struct vga *vga)
{
    static const struct {
        uint32_t first, last;
    } maps[4] = {
        {0xA0000, 0xBFFFF},
        {0xA0000, 0xAFFFF},
        {0xB0000, 0xB7FFF},
        {0xB8000, 0xBFFFF},
    };
    unsigned map = vga->gc[GC_MISCELLANEOUS] >> 2 & 3;
    struct address_range range = *bus_range(vga->bus, vga->window);
    struct address_range old = range;
    range.first = maps[map].first;
    range.last = maps[map].last;
    range.enabled = (vga->misc & MISC_ENABLE_RAM) && (vga->enabled & 1);
    range.kind = RANGE_IO;
    range.memory = NULL;
    range.dirty = NULL;
    uint32_t bank = vga_bank_offset(vga);
    if (map == 1 && is_plain_chain_4(vga) && bank < VGA_MEMORY_SIZE) {
        range.kind = RANGE_MEMORY;
        range.memory = vga->memory + bank;
        range.dirty = vga->dirty + (bank >> 12);
    }
    if (range.first != old.first || range.last != old.last || range.enabled != old.enabled ||
        range.kind != old.kind || range.memory != old.memory)
        bus_change_range(vga->bus, vga->window, &range);
}

void vga_trap_pages(struct vga *vga, uint32_t first, uint32_t last)
{
    const struct address_range *window = bus_range(vga->bus, vga->window);
    uint32_t bank = vga_bank_offset(vga) >> 12;
    uint32_t window_last = bank + ((window->last - window->first) >> 12);
    if (window->dirty && first <= window_last && last >= bank) {
        uint32_t from = first > bank ? first : bank;
        uint32_t to = last < window_last ? last : window_last;
        bus_clear_dirty_pages(vga->bus, vga->window, from - bank, to - from + 1);
    }
    if (!vga->function)
        bus_clear_dirty_pages(vga->bus, vga->frame_buffer, first, last - first + 1);
    else if (pci_bar_address(vga->function, 0) != UINT32_MAX)
        bus_clear_dirty_pages(vga->bus, pci_bar_range(vga->function, 0), first, last - first + 1);
}
