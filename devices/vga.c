#include "devices/vga.h"

#include "base/memory.h"
#include "devices/vga_internal.h"

enum { MARK_COUNT = VGA_MEMORY_SIZE >> 12 };

#define ISA_FRAME_BUFFER UINT32_C(0xE0000000)

static const struct field vga_fields[] = {
    FIELD(struct vga, misc),
    FIELD(struct vga, feature),
    FIELD(struct vga, enabled),
    FIELD(struct vga, seq_index),
    FIELD_ARRAY(struct vga, seq, uint8_t),
    FIELD(struct vga, crtc_index),
    FIELD_ARRAY(struct vga, crtc, uint8_t),
    FIELD(struct vga, gc_index),
    FIELD_ARRAY(struct vga, gc, uint8_t),
    FIELD_MOST(struct vga, attr_index, 0x3F),
    FIELD_ARRAY(struct vga, attr, uint8_t),
    FIELD(struct vga, attr_data),
    FIELD(struct vga, dac_mask),
    FIELD(struct vga, dac_read_index),
    FIELD(struct vga, dac_write_index),
    FIELD_MOST(struct vga, dac_component, 2),
    FIELD(struct vga, dac_reading),
    FIELD_ARRAY(struct vga, dac_latch, uint8_t),
    FIELD_ARRAY(struct vga, dac, uint8_t),
    FIELD(struct vga, latch),
    FIELD(struct vga, interrupt_armed_ns),
    FIELD(struct vga, dispi_index),
    FIELD_ARRAY(struct vga, dispi, uint16_t),
    FIELD(struct vga, old_start),
    FIELD(struct vga, old_preset),
    FIELD(struct vga, start_retrace),
    FIELD_CHECK(vga_dispi_misfit),
    FIELD_TRANSIENT(struct vga, bus),
    FIELD_TRANSIENT(struct vga, clock),
    FIELD_TRANSIENT(struct vga, function),
    FIELD_TRANSIENT(struct vga, memory),
    FIELD_TRANSIENT(struct vga, dirty),
    FIELD_TRANSIENT(struct vga, window),
    FIELD_TRANSIENT(struct vga, frame_buffer),
    FIELD_TRANSIENT(struct vga, change),
    FIELD_TRANSIENT(struct vga, registers_changed),
    FIELD_TRANSIENT(struct vga, page_changed),
    FIELD_END,
};

uint8_t *vga_memory(struct vga *vga)
{
    return vga->memory;
}

static void vga_reset(void *device, enum reset_kind kind)
{
    struct vga *vga = device;
    vga->misc = vga->feature = 0;
    vga->enabled = 1;
    vga->seq_index = vga->crtc_index = vga->gc_index = vga->attr_index = 0;
    memset(vga->seq, 0, sizeof(vga->seq));
    memset(vga->crtc, 0, sizeof(vga->crtc));
    memset(vga->gc, 0, sizeof(vga->gc));
    memset(vga->attr, 0, sizeof(vga->attr));
    vga->attr_data = false;
    vga->dac_mask = 0xFF;
    vga->dac_read_index = vga->dac_write_index = vga->dac_component = 0;
    vga->dac_reading = false;
    memset(vga->dac_latch, 0, sizeof(vga->dac_latch));
    memset(vga->dac, 0, sizeof(vga->dac));
    vga->latch = 0;
    vga->interrupt_armed_ns = 0;
    vga->old_start = vga->old_preset = 0;
    vga->start_retrace = UINT64_MAX;
    vga_dispi_reset(vga);
    if (kind == RESET_POWER_ON) {
        bus_before_write(vga->bus, vga->memory, VGA_MEMORY_SIZE);
        mem_map_clear(vga->memory, VGA_MEMORY_SIZE);
        memset(vga->dirty, 1, MARK_COUNT);
    }
    vga_touch(vga);
    vga_update_window(vga);
}

static void vga_after_load(void *device)
{
    struct vga *vga = device;
    memset(vga->dirty, 1, MARK_COUNT);
    vga_touch(vga);
    vga_update_window(vga);
}

static void vga_free(void *device)
{
    struct vga *vga = device;
    mem_unmap(vga->memory, VGA_MEMORY_SIZE);
    mem_free(vga->dirty);
    mem_free(vga->page_changed);
    mem_free(vga);
}

static const struct device_class vga_class = {
    .name = "vga",
    .size = sizeof(struct vga),
    .fields = vga_fields,
    .reset = vga_reset,
    .after_load = vga_after_load,
    .free = vga_free,
};

static void add_ranges(struct vga *vga, bool isa)
{
    struct address_range window = {
        .first = 0xA0000,
        .last = 0xAFFFF,
        .priority = 10,
        .kind = RANGE_IO,
        .ops = &vga_window_ops,
        .device = vga,
    };
    vga->window = bus_add_range(vga->bus, &window);
    if (!isa)
        return;
    struct address_range frame_buffer = {
        .first = ISA_FRAME_BUFFER,
        .last = ISA_FRAME_BUFFER + VGA_MEMORY_SIZE - 1,
        .priority = -1, /* as a PCI BAR: DRAM answers first */
        .kind = RANGE_MEMORY,
        .enabled = true,
        .memory = vga->memory,
        .dirty = vga->dirty,
    };
    vga->frame_buffer = bus_add_range(vga->bus, &frame_buffer);
}

static void claim_ports(struct vga *vga)
{
    bus_claim_ports(vga->bus, 0x3B4, 2, &vga_mono_ops, vga);
    bus_claim_ports(vga->bus, 0x3BA, 1, &vga_mono_status_ops, vga);
    bus_claim_ports(vga->bus, 0x3C0, 16, &vga_register_ops, vga);
    bus_claim_ports(vga->bus, 0x3D4, 2, &vga_color_ops, vga);
    bus_claim_ports(vga->bus, 0x3DA, 1, &vga_color_status_ops, vga);
    bus_claim_ports(vga->bus, 0x1CE, 3, &vga_dispi_ops, vga);
}

static void add_function(struct vga *vga, struct pci *pci, uint8_t *rom, uint32_t rom_size)
{
    struct pci_function_config config = {
        .vendor_id = 0x1234,
        .device_id = 0x1111,
        .revision = 0x02,
        .base_class = 0x03, /* display, VGA compatible */
        .command_mask = PCI_COMMAND_IO | PCI_COMMAND_MEMORY,
        .bar[0] = {.kind = PCI_BAR_MEMORY,
                   .size = VGA_MEMORY_SIZE,
                   .prefetchable = true,
                   .memory = vga->memory,
                   .dirty = vga->dirty},
    };
    if (rom_size)
        config.bar[PCI_ROM_BAR] =
            (struct pci_bar_config){.kind = PCI_BAR_MEMORY, .size = rom_size, .memory = rom};
    vga->function = pci_add_function(pci, 2, 0, &config, vga);
}

struct vga *vga_new(struct bus *bus, struct pci *pci, uint8_t *rom, uint32_t rom_size)
{
    struct vga *vga = mem_new(sizeof(*vga));
    vga->bus = bus;
    vga->clock = bus_clock(bus);
    vga->memory = mem_map(VGA_MEMORY_SIZE);
    bus_add_block(bus, vga->memory, VGA_MEMORY_SIZE);
    vga->dirty = mem_new(MARK_COUNT);
    vga->page_changed = mem_new(MARK_COUNT * sizeof(*vga->page_changed));
    add_ranges(vga, pci == NULL);
    claim_ports(vga);
    bus_add_device(bus, &vga_class, vga);
    if (pci)
        add_function(vga, pci, rom, rom_size);
    vga_reset(vga, RESET_HARD); /* new memory is zero as it is */
    return vga;
}
