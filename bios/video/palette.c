/* INT 10h AH=10h: palette registers and DAC. */
#include "bios/video/video.h"

static void set_all(const struct regs *r)
{
    for (u8 i = 0; i < 16; i++)
        actl_write(i, far_read8(r->es, (u16)(r->dx + i)));
    actl_write(0x11, far_read8(r->es, (u16)(r->dx + 16)));
    actl_enable();
}

static void get_all(const struct regs *r)
{
    for (u8 i = 0; i < 16; i++)
        far_write8(r->es, (u16)(r->dx + i), actl_read(i));
    far_write8(r->es, (u16)(r->dx + 16), actl_read(0x11));
    actl_enable();
}

static void dac_block(const struct regs *r, bool read)
{
    u16 pointer = r->dx;
    for (u16 i = 0; i < r->cx; i++, pointer += 3) {
        u8 rgb[3], index = (u8)(r->bx + i);
        if (read)
            dac_read(index, rgb);
        for (u8 c = 0; c < 3; c++) {
            if (read)
                far_write8(r->es, (u16)(pointer + c), rgb[c]);
            else
                rgb[c] = far_read8(r->es, (u16)(pointer + c));
        }
        if (!read)
            dac_write(index, rgb[0], rgb[1], rgb[2]);
    }
}

/* BL = 0: BH = 1 selects pages of 16 colours, 0 of 64; BL = 1: the page is BH. */
static void select_color_page(const struct regs *r)
{
    u8 mode = actl_read(0x10);
    if (!(r->bl & 1)) {
        actl_write(0x10, (u8)((mode & 0x7F) | r->bh << 7));
    } else {
        u8 page = mode & 0x80 ? r->bh : (u8)(r->bh << 2);
        actl_write(0x14, page & 0x0F);
    }
    actl_enable();
}

static void get_color_page(struct regs *r)
{
    u8 mode = actl_read(0x10), page = actl_read(0x14) & 0x0F;
    actl_enable();
    r->bl = mode >> 7;
    r->bh = r->bl ? page : page >> 2;
}

static void set_blink(bool blink)
{
    u8 mode = actl_read(0x10);
    actl_write(0x10, blink ? mode | 8 : mode & (u8)~8);
    actl_enable();
    if (blink)
        BDA->crt_mode_register |= 0x20;
    else
        BDA->crt_mode_register &= (u8)~0x20;
}

static void palette_dac(struct regs *r)
{
    u8 rgb[3];
    switch (r->al) {
    case 0x10:
        dac_write(r->bl, r->dh, r->ch, r->cl);
        break;
    case 0x12:
        dac_block(r, false);
        break;
    case 0x13:
        select_color_page(r);
        break;
    case 0x15:
        dac_read(r->bl, rgb);
        r->dh = rgb[0];
        r->ch = rgb[1];
        r->cl = rgb[2];
        break;
    case 0x17:
        dac_block(r, true);
        break;
    case 0x18:
        outb(VGA_PEL_MASK, r->bl);
        break;
    case 0x19:
        r->bl = inb(VGA_PEL_MASK);
        break;
    case 0x1A:
        get_color_page(r);
        break;
    case 0x1B:
        dac_gray((u8)r->bx, r->cx);
        break;
    }
}

void video_palette_service(struct regs *r)
{
    switch (r->al) {
    case 0x00:
        if (r->bl <= 0x14)
            actl_write(r->bl, r->bh);
        actl_enable();
        break;
    case 0x01:
        actl_write(0x11, r->bh);
        actl_enable();
        break;
    case 0x02:
        set_all(r);
        break;
    case 0x03:
        set_blink(r->bl & 1);
        break;
    case 0x07:
        if (r->bl <= 0x14)
            r->bh = actl_read(r->bl);
        actl_enable();
        break;
    case 0x08:
        r->bh = actl_read(0x11);
        actl_enable();
        break;
    case 0x09:
        get_all(r);
        break;
    default:
        palette_dac(r);
    }
}
