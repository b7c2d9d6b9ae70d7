/* INT 10h AH=4Fh (VESA VBE core functions 2.0). */
#include "bios/video/vbe.h"

#define VBE_OK           0x004F
#define VBE_FAILED       0x014F
#define VBE_NOT_HARDWARE 0x024F
#define VBE_BAD_STATE    0x034F

#define MODE_LFB      0x4000
#define MODE_NO_CLEAR 0x8000

void vbe_window_entry(void);

/* The extended mode in force with its flags, or 0. */
static u16 current;

static bool present(void)
{
    return (dispi_read(DISPI_ID) & 0xFFF0) == 0xB0C0;
}

static u32 framebuffer(void)
{
    for (u16 devfn = 0; devfn < 256; devfn += 8) {
        outl(0xCF8, 0x80000008 | (u32)devfn << 8);
        if (inl(0xCFC) >> 16 == 0x0300) {
            outl(0xCF8, 0x80000010 | (u32)devfn << 8);
            return inl(0xCFC) & 0xFFFFFFF0;
        }
    }
    return 0xE0000000;
}

/* Blocks of 64 KiB of display memory. */
static u16 memory_blocks(void)
{
    u16 blocks = dispi_read(DISPI_MEMORY);
    return blocks ? blocks : 64;
}

static u16 pixel_bytes(const struct vbe_mode *m)
{
    return (u16)((m->bits + 7) / 8);
}

static u32 line_bytes(const struct vbe_mode *m)
{
    return (u32)m->width * pixel_bytes(m);
}

static bool fits(const struct vbe_mode *m)
{
    return line_bytes(m) * m->height <= (u32)memory_blocks() << 16;
}

void vbe_off(void)
{
    if (present())
        dispi_write(DISPI_ENABLE, 0);
    current = 0;
}

static void fill(const struct regs *r, u16 count)
{
    far_fill(r->es, r->di, 0, count);
}

/* Function 00h: the information block; its list of modes goes into its reserved part, its text is
 * ours. */
static u16 controller_information(struct regs *r)
{
    static const char name[] = "Anachron VGA";
    u16 s = r->es, o = r->di;
    bool two = far_read32(s, o) == 0x32454256;
    fill(r, two ? 512 : 256);
    far_write32(s, o, 0x41534556);
    far_write16(s, (u16)(o + 4), two ? 0x0200 : 0x0102);
    far_write32(s, (u16)(o + 6), ((u32)SEG_DATA << 16) + (u32)name);
    far_write32(s, (u16)(o + 10), 1);
    far_write32(s, (u16)(o + 14), (u32)s << 16 | (u16)(o + 0x22));
    far_write16(s, (u16)(o + 18), memory_blocks());
    if (two) {
        far_write16(s, (u16)(o + 20), 0x0001);
        for (u16 i = 0; i < 3; i++)
            far_write32(s, (u16)(o + 22 + i * 4), ((u32)SEG_DATA << 16) + (u32)name);
    }
    u16 list = (u16)(o + 0x22);
    for (const struct vbe_mode *m = vbe_modes; m->number; m++) {
        if (!fits(m))
            continue;
        far_write16(s, list, m->number);
        list += 2;
    }
    far_write16(s, list, 0xFFFF);
    return VBE_OK;
}

/* Sizes and positions of red, green, blue and reserved. */
static void write_masks(u16 s, u16 o, u8 bits)
{
    static const u8 masks[4][8] = {
        {5, 10, 5, 5, 5, 0, 1, 15},
        {5, 11, 6, 5, 5, 0, 0, 0 },
        {8, 16, 8, 8, 8, 0, 0, 0 },
        {8, 16, 8, 8, 8, 0, 8, 24}
    };
    u8 which = bits == 15 ? 0 : bits == 16 ? 1 : bits == 24 ? 2 : 3;
    for (u8 i = 0; i < 8; i++)
        far_write8(s, (u16)(o + i), masks[which][i]);
}

static u16 mode_information(struct regs *r)
{
    const struct vbe_mode *m = vbe_find_mode(r->cx);
    u16 s = r->es, o = r->di;
    if (!m || !fits(m))
        return VBE_FAILED;
    fill(r, 256);
    u16 pitch = (u16)line_bytes(m);
    u32 images = ((u32)memory_blocks() << 16) / (line_bytes(m) * m->height);
    far_write16(s, o, 0x009B); /* colour graphics, LFB too */
    far_write8(s, (u16)(o + 2), 7);
    far_write16(s, (u16)(o + 4), 64);
    far_write16(s, (u16)(o + 6), 64);
    far_write16(s, (u16)(o + 8), 0xA000);
    far_write32(s, (u16)(o + 12), (u32)SEG_CODE << 16 | (u16)(u32)vbe_window_entry);
    far_write16(s, (u16)(o + 16), pitch);
    far_write16(s, (u16)(o + 18), m->width);
    far_write16(s, (u16)(o + 20), m->height);
    far_write8(s, (u16)(o + 22), 8);
    far_write8(s, (u16)(o + 23), 16);
    far_write8(s, (u16)(o + 24), 1);
    far_write8(s, (u16)(o + 25), m->bits);
    far_write8(s, (u16)(o + 26), 1);
    far_write8(s, (u16)(o + 27), m->bits == 8 ? 4 : 6);
    far_write8(s, (u16)(o + 29), (u8)(images > 256 ? 255 : images - 1));
    far_write8(s, (u16)(o + 30), 1);
    if (m->bits > 8)
        write_masks(s, (u16)(o + 31), m->bits);
    if (m->bits == 32)
        far_write8(s, (u16)(o + 39), 2);
    far_write32(s, (u16)(o + 40), framebuffer());
    return VBE_OK;
}

static u16 set_mode(u16 request)
{
    if (!(request & 0x0100)) {
        video_set_mode((u8)((request & 0x7F) | (request & MODE_NO_CLEAR ? 0x80 : 0)));
        return VBE_OK;
    }
    const struct vbe_mode *m = vbe_find_mode(request);
    if (!m || !fits(m) || request & 0x0800)
        return VBE_FAILED;
    /* The registers of mode 13h below it; the interface changes what it needs. */
    video_set_mode(0x13 | 0x80);
    dispi_write(DISPI_XRES, m->width);
    dispi_write(DISPI_YRES, m->height);
    dispi_write(DISPI_BPP, m->bits);
    dispi_write(DISPI_ENABLE, (u16)(DISPI_ENABLED | (request & MODE_LFB ? DISPI_LFB : 0) |
                                    (request & MODE_NO_CLEAR ? DISPI_NOCLEARMEM : 0)));
    current = request & (MODE_LFB | MODE_NO_CLEAR | 0x1FF);
    BDA->video_columns = m->width / 8;
    BDA->video_rows = (u8)(m->height / 16 - 1);
    BDA->char_height = 16;
    return VBE_OK;
}

static u16 window(struct regs *r)
{
    if (r->bl != 0 || r->bh > 1)
        return VBE_FAILED;
    if (current & MODE_LFB || !current)
        return VBE_BAD_STATE;
    if (r->bh == 1)
        r->dx = dispi_read(DISPI_BANK);
    else if (r->dx >= memory_blocks())
        return VBE_FAILED;
    else
        dispi_write(DISPI_BANK, r->dx);
    return VBE_OK;
}

/* Function 06h: BL 0 and 2 set in pixels and bytes, 1 gets, 3 tells the largest. */
static u16 line_length(struct regs *r)
{
    const struct vbe_mode *m = vbe_find_mode(current);
    if (!current || !m)
        return VBE_BAD_STATE;
    u16 bytes = pixel_bytes(m);
    u32 memory = (u32)memory_blocks() << 16;
    if (r->bl > 3)
        return VBE_FAILED;
    u16 width = r->bl == 2 ? r->cx / bytes : r->cx;
    if (r->bl == 3)
        width =
            (u16)(memory / m->height / bytes > 16376 ? 16376 : (memory / m->height / bytes) & ~7u);
    if (r->bl == 0 || r->bl == 2) {
        width = (u16)((width + 7) & ~7);
        if (width < m->width || (u32)width * bytes * m->height > memory)
            return VBE_NOT_HARDWARE;
        dispi_write(DISPI_VIRT_WIDTH, width);
    }
    if (r->bl != 3)
        width = dispi_read(DISPI_VIRT_WIDTH);
    r->cx = width;
    r->bx = (u16)(width * bytes);
    r->dx = (u16)(memory / ((u32)width * bytes));
    return VBE_OK;
}

static u16 display_start(struct regs *r)
{
    if (!current)
        return VBE_BAD_STATE;
    if (r->bl == 1) {
        r->bh = 0;
        r->cx = dispi_read(DISPI_X_OFFSET);
        r->dx = dispi_read(DISPI_Y_OFFSET);
        return VBE_OK;
    }
    if (r->bl != 0 && r->bl != 0x80)
        return VBE_FAILED;
    dispi_write(DISPI_X_OFFSET, r->cx);
    dispi_write(DISPI_Y_OFFSET, r->dx);
    return dispi_read(DISPI_X_OFFSET) == r->cx && dispi_read(DISPI_Y_OFFSET) == r->dx ? VBE_OK
                                                                                      : VBE_FAILED;
}

static u16 dac_width(struct regs *r)
{
    u16 enable = dispi_read(DISPI_ENABLE);
    if (r->bl > 1)
        return VBE_FAILED;
    if (r->bl == 0) {
        enable = r->bh >= 8 ? enable | DISPI_8BIT_DAC : enable & (u16)~DISPI_8BIT_DAC;
        dispi_write(DISPI_ENABLE, enable | DISPI_NOCLEARMEM);
    }
    r->bh = dispi_read(DISPI_ENABLE) & DISPI_8BIT_DAC ? 8 : 6;
    return VBE_OK;
}

/* Function 09h: entries of blue, green, red and a filler. */
static u16 palette(struct regs *r)
{
    u16 o = r->di;
    if ((r->bl > 1 && r->bl != 0x80) || r->cx > 256)
        return VBE_FAILED;
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

/* Function 04h: what INT 10h AH=1Ch keeps, and our mode, bank and offsets in a block of 64 bytes
 * before it. */
static u16 save_state(struct regs *r)
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
        far_write16(s, o, current);
        for (u8 i = 0; i < 8; i++)
            far_write16(s, (u16)(o + 2 + i * 2), dispi_read(kept[i]));
    }
    if (r->dl == 2)
        dispi_write(DISPI_ENABLE, 0);
    video_save_service(&inner);
    if (r->dl == 2) {
        current = far_read16(s, o);
        for (u8 i = 0; i < 8; i++) {
            u16 value = far_read16(s, (u16)(o + 2 + i * 2));
            dispi_write(kept[i], kept[i] == DISPI_ENABLE ? value | DISPI_NOCLEARMEM : value);
        }
    }
    if (r->dl == 0)
        r->bx = (u16)(inner.bx + 1);
    return VBE_OK;
}

static u16 vbe_function(struct regs *r)
{
    switch (r->al) {
    case 0x00:
        return controller_information(r);
    case 0x01:
        return mode_information(r);
    case 0x02:
        return set_mode(r->bx);
    case 0x03:
        r->bx = current ? current : BDA->video_mode;
        return VBE_OK;
    case 0x04:
        return save_state(r);
    case 0x05:
        return window(r);
    case 0x06:
        return line_length(r);
    case 0x07:
        return display_start(r);
    case 0x08:
        return dac_width(r);
    case 0x09:
        return palette(r);
    }
    return 0;
}

void vbe_service(struct regs *r)
{
    u16 result = present() ? vbe_function(r) : 0;
    if (result)
        r->ax = result;
}
