/* VBE functions 04h to 0Ah and 10h: state, windows, line length, display start, palette. */
#include "bios/video/vbe.h"

extern const u8 vbe_protected_table[], vbe_protected_end[];

/* Pixels lie in display memory as modes of eight bits and more have them. */
static const struct vbe_mode *graphics_mode(void)
{
    const struct vbe_mode *m = vbe_current_mode();
    return m && m->bits ? m : NULL;
}

static void wait_retrace(void)
{
    u16 status = (u16)(video_crtc() + 6);
    while (inb(status) & 8) {
    }
    while (!(inb(status) & 8)) {
    }
}

/* Function 04h: what INT 10h AH=1Ch keeps, and our mode, bank and offsets in a block of 64 bytes
 * before it. */
u16 vbe_save_state(struct regs *r)
{
    static const enum dispi_register kept[8] = {DISPI_XRES,     DISPI_YRES,    DISPI_BPP,
                                                DISPI_ENABLE,   DISPI_BANK,    DISPI_VIRT_WIDTH,
                                                DISPI_X_OFFSET, DISPI_Y_OFFSET};
    struct regs inner = *r;
    inner.ax = 0x1C00 | r->dl;
    inner.bx = r->dl ? (u16)(r->bx + 64) : r->bx;
    u16 s = r->es, o = r->bx;
    if (r->dl > 2)
        return VBE_FAILED;
    if (r->dl == 1) {
        far_write16(s, o, vbe_current());
        for (u8 i = 0; i < 8; i++)
            far_write16(s, (u16)(o + 2 + i * 2), dispi_read(kept[i]));
    }
    if (r->dl == 2)
        dispi_write(DISPI_ENABLE, 0);
    video_save_service(&inner);
    if (r->dl == 2) {
        vbe_set_current(far_read16(s, o));
        for (u8 i = 0; i < 8; i++) {
            u16 value = far_read16(s, (u16)(o + 2 + i * 2));
            dispi_write(kept[i], kept[i] == DISPI_ENABLE ? value | DISPI_NOCLEARMEM : value);
        }
    }
    if (r->dl == 0)
        r->bx = (u16)(inner.bx + 1);
    return VBE_OK;
}

u16 vbe_window(struct regs *r)
{
    if (r->bl != 0 || r->bh > 1)
        return VBE_FAILED;
    if (vbe_current() & VBE_MODE_LFB || !graphics_mode())
        return VBE_BAD_STATE;
    if (r->bh == 1)
        r->dx = dispi_read(DISPI_BANK);
    else if (r->dx >= vbe_memory_blocks())
        return VBE_FAILED;
    else
        dispi_write(DISPI_BANK, r->dx);
    return VBE_OK;
}

/* Function 06h: BL 0 and 2 set in pixels and bytes, 1 gets, 3 tells the largest. */
u16 vbe_line_length(struct regs *r)
{
    const struct vbe_mode *m = graphics_mode();
    if (!m)
        return VBE_BAD_STATE;
    if (r->bl > 3)
        return VBE_FAILED;
    /* Of one plane, where there are planes. */
    u32 memory = ((u32)vbe_memory_blocks() << 16) / (m->bits == 4 ? 4 : 1);
    u32 most = memory / m->height;
    u16 eight = (u16)vbe_line_bytes(m, 8); /* bytes of eight pixels */
    u32 width = r->cx;
    if (r->bl == 2)
        width = (u32)r->cx * 8 / eight;
    if (r->bl == 3)
        width = most / eight * 8 > 0x3FF8 ? 0x3FF8 : most / eight * 8;
    if (r->bl == 0 || r->bl == 2) {
        width = (width + 7) & ~7u;
        if (width < m->width || width > 0x3FF8 || width / 8 * eight > most)
            return VBE_NOT_HARDWARE;
        dispi_write(DISPI_VIRT_WIDTH, (u16)width);
    }
    if (r->bl != 3)
        width = dispi_read(DISPI_VIRT_WIDTH);
    u32 bytes = width / 8 * eight;
    r->cx = (u16)width;
    r->bx = (u16)bytes;
    r->dx = (u16)(memory / bytes > 0xFFFF ? 0xFFFF : memory / bytes);
    return VBE_OK;
}

/* The first pixel as its offset in bytes, as VBE 3.0 has it. */
static u16 start_by_offset(const struct vbe_mode *m, u32 offset)
{
    u32 pitch = vbe_line_bytes(m, dispi_read(DISPI_VIRT_WIDTH));
    u16 y = (u16)(offset / pitch), x = (u16)(offset % pitch * 8 / vbe_line_bytes(m, 8));
    dispi_write(DISPI_X_OFFSET, x);
    dispi_write(DISPI_Y_OFFSET, y);
    return dispi_read(DISPI_X_OFFSET) == x && dispi_read(DISPI_Y_OFFSET) == y ? VBE_OK : VBE_FAILED;
}

/* Function 07h: BL 0 sets, 1 gets, 2 sets by offset, 4 tells whether that has happened; bit 7 waits
 * for the retrace. */
u16 vbe_display_start(struct regs *r)
{
    const struct vbe_mode *m = graphics_mode();
    if (!m)
        return VBE_BAD_STATE;
    if (r->bl & 0x80)
        wait_retrace();
    switch (r->bl) {
    case 0x00:
    case 0x80:
        dispi_write(DISPI_X_OFFSET, r->cx);
        dispi_write(DISPI_Y_OFFSET, r->dx);
        return dispi_read(DISPI_X_OFFSET) == r->cx && dispi_read(DISPI_Y_OFFSET) == r->dx
                   ? VBE_OK
                   : VBE_FAILED;
    case 0x01:
        r->bh = 0;
        r->cx = dispi_read(DISPI_X_OFFSET);
        r->dx = dispi_read(DISPI_Y_OFFSET);
        return VBE_OK;
    case 0x02:
    case 0x82:
        return start_by_offset(m, r->ecx);
    case 0x04:
        r->cx = 1;
        return VBE_OK;
    }
    return VBE_FAILED;
}

u16 vbe_dac_width(struct regs *r)
{
    const struct vbe_mode *m = graphics_mode();
    u16 enable = dispi_read(DISPI_ENABLE);
    if (r->bl > 1)
        return VBE_FAILED;
    if (m && m->bits > 8)
        return VBE_BAD_STATE;
    if (r->bl == 0) {
        enable = r->bh >= 8 ? enable | DISPI_8BIT_DAC : enable & (u16)~DISPI_8BIT_DAC;
        dispi_write(DISPI_ENABLE, enable | DISPI_NOCLEARMEM);
    }
    r->bh = dispi_read(DISPI_ENABLE) & DISPI_8BIT_DAC ? 8 : 6;
    return VBE_OK;
}

/* Function 09h: entries of blue, green, red and a filler. There is no secondary palette. */
u16 vbe_palette(struct regs *r)
{
    u16 o = r->di;
    if (r->bl == 2 || r->bl == 3)
        return VBE_NOT_HARDWARE;
    if ((r->bl > 1 && r->bl != 0x80) || r->cx > 256)
        return VBE_FAILED;
    if (r->bl & 0x80)
        wait_retrace();
    for (u16 i = 0; i < r->cx; i++, o += 4) {
        u8 index = (u8)(r->dx + i), rgb[3];
        if (r->bl == 1) {
            dac_read(index, rgb);
            far_write32(r->es, o, (u32)rgb[0] << 16 | (u32)rgb[1] << 8 | rgb[2]);
        } else {
            u32 color = far_read32(r->es, o);
            dac_write(index, (u8)(color >> 16), (u8)(color >> 8), (u8)color);
        }
    }
    return VBE_OK;
}

/* Function 0Ah: code for protected mode, to be copied to wherever the caller wants it. */
u16 vbe_protected_mode(struct regs *r)
{
    if (r->bl != 0)
        return VBE_FAILED;
    r->es = SEG_CODE;
    r->di = (u16)(u32)vbe_protected_table;
    r->cx = (u16)(vbe_protected_end - vbe_protected_table);
    return VBE_OK;
}

/* Function 10h (VBE/PM): on, stand-by, suspended, off; a screen that is not on is black. */
u16 vbe_power(struct regs *r)
{
    u8 clocking = reg_read(VGA_SEQ, 1);
    switch (r->bl) {
    case 0x00:
        r->bl = 0x10; /* version 1.0 */
        r->bh = 0x07;
        return VBE_OK;
    case 0x01:
        if (r->bh != 0 && r->bh != 1 && r->bh != 2 && r->bh != 4)
            return VBE_FAILED;
        reg_write(VGA_SEQ, 1, r->bh ? clocking | 0x20 : clocking & (u8)~0x20);
        return VBE_OK;
    case 0x02:
        r->bh = clocking & 0x20 ? 4 : 0;
        return VBE_OK;
    }
    return VBE_FAILED;
}
