/* A VGA as PCI function on a bare bus, and helpers to program it. */
#ifndef TESTS_DEVICE_VGA_RIG_H
#define TESTS_DEVICE_VGA_RIG_H

#include "tests/device/rig.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/vga.h"
#include "tests/device/vga_modes.h"

enum { VGA_ROM_SIZE = 0x8000 };

struct vga_rig {
    struct rig *rig;
    struct pci *pci;
    struct vga *vga;
    uint8_t rom[VGA_ROM_SIZE];
    struct frame frame;
    struct screen_text text;
};

static inline int vga_set_up(void **state)
{
    struct vga_rig *v = mem_new(sizeof(*v));
    v->rig = rig_new_empty();
    v->pci = pci_new(v->rig->bus);
    v->rom[0] = 0x55;
    v->vga = vga_new(v->rig->bus, v->pci, v->rom, VGA_ROM_SIZE);
    *state = v;
    return 0;
}

static inline int vga_tear_down(void **state)
{
    struct vga_rig *v = *state;
    rig_free(v->rig);
    frame_free(&v->frame);
    mem_free(v);
    return 0;
}

static inline void vga_seq(struct vga_rig *v, uint8_t index, uint8_t value)
{
    rig_out(v->rig, 0x3C4, index);
    rig_out(v->rig, 0x3C5, value);
}

static inline void vga_gc(struct vga_rig *v, uint8_t index, uint8_t value)
{
    rig_out(v->rig, 0x3CE, index);
    rig_out(v->rig, 0x3CF, value);
}

static inline void vga_crtc(struct vga_rig *v, uint8_t index, uint8_t value)
{
    rig_out(v->rig, 0x3D4, index);
    rig_out(v->rig, 0x3D5, value);
}

static inline uint8_t vga_crtc_get(struct vga_rig *v, uint8_t index)
{
    rig_out(v->rig, 0x3D4, index);
    return (uint8_t)rig_in(v->rig, 0x3D5);
}

static inline void vga_attr(struct vga_rig *v, uint8_t index, uint8_t value)
{
    rig_in(v->rig, 0x3DA);
    rig_out(v->rig, 0x3C0, index);
    rig_out(v->rig, 0x3C0, value);
}

static inline void vga_dac(struct vga_rig *v, uint8_t index, uint32_t rgb6)
{
    rig_out(v->rig, 0x3C8, index);
    for (int shift = 16; shift >= 0; shift -= 8)
        rig_out(v->rig, 0x3C9, rgb6 >> shift & 0x3F);
}

static inline void vga_dispi(struct vga_rig *v, uint16_t index, uint16_t value)
{
    bus_port_write(v->rig->bus, 0x1CE, index, 2);
    bus_port_write(v->rig->bus, 0x1CF, value, 2);
}

static inline uint16_t vga_dispi_get(struct vga_rig *v, uint16_t index)
{
    bus_port_write(v->rig->bus, 0x1CE, index, 2);
    return (uint16_t)bus_port_read(v->rig->bus, 0x1CF, 2);
}

static inline void vga_set_mode(struct vga_rig *v, const struct vga_mode *mode)
{
    rig_out(v->rig, 0x3C2, mode->misc);
    for (uint8_t i = 0; i < 4; i++)
        vga_seq(v, (uint8_t)(i + 1), mode->seq[i]);
    vga_crtc(v, 0x11, 0);
    for (uint8_t i = 0; i < 25; i++)
        vga_crtc(v, i, mode->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        vga_gc(v, i, mode->gc[i]);
    for (uint8_t i = 0; i < 20; i++)
        vga_attr(v, i, mode->attr[i]);
    vga_attr(v, 0x14, 0);
    rig_in(v->rig, 0x3DA);
    rig_out(v->rig, 0x3C0, 0x20);
    for (unsigned i = 0; i < 256; i++)
        vga_dac(v, (uint8_t)i, i & 0x3F); /* blue only: the index */
}

static inline uint32_t vga_pixel(struct vga_rig *v, unsigned x, unsigned y)
{
    return v->frame.pixels[(size_t)y * v->frame.width + x];
}

/* What vga_set_mode's palette makes of an index. */
static inline uint32_t vga_blue(unsigned index)
{
    return (index & 0x3F) << 2 | (index & 0x3F) >> 4;
}

#define VGA_CASE(test) cmocka_unit_test_setup_teardown(test, vga_set_up, vga_tear_down)

#endif
