/* INT 10h AH=12h, 1Ah, 1Bh, 1Ch: configuration, display code, state, save and restore. */
#include "bios/video/video.h"

/* Function 1230h: scan lines of text modes after the next mode set. */
static void select_lines(struct regs *r)
{
    static const u8 flags[3] = {0x80, 0x00, 0x10}, switches[3] = {8, 9, 9};
    if (r->al > 2)
        return;
    BDA->video_flags = (u8)((BDA->video_flags & ~0x90) | flags[r->al]);
    BDA->video_switches = (u8)((BDA->video_switches & 0xF0) | switches[r->al]);
    r->al = 0x12;
}

static void set_flag(struct regs *r, u8 flag, bool on)
{
    if (on)
        BDA->video_flags |= flag;
    else
        BDA->video_flags &= (u8)~flag;
    r->al = 0x12;
}

void video_alternate_service(struct regs *r)
{
    u8 misc = inb(VGA_MISC_READ);
    switch (r->bl) {
    case 0x10:
        r->bh = BDA->crtc_port == 0x3B4;
        r->bl = 3;
        r->ch = BDA->video_switches >> 4;
        r->cl = BDA->video_switches & 15;
        break;
    case 0x20:
        vector_set(5, SEG_CODE, 0xFF54);
        break;
    case 0x30:
        select_lines(r);
        break;
    case 0x31:
        set_flag(r, 0x08, r->al & 1);
        break;
    case 0x32:
        outb(VGA_MISC_WRITE, r->al & 1 ? misc & (u8)~2 : misc | 2);
        r->al = 0x12;
        break;
    case 0x33:
        set_flag(r, 0x02, !(r->al & 1));
        break;
    case 0x34:
        BDA->video_control = (u8)((BDA->video_control & ~1) | (r->al & 1));
        r->al = 0x12;
        break;
    case 0x36:
        reg_write(VGA_SEQ, 1, (u8)((reg_read(VGA_SEQ, 1) & ~0x20) | (r->al & 1) << 5));
        r->al = 0x12;
        break;
    }
}

/* Static functionality table: modes 0-7 and D-13h, 200/350/400 lines, 8 font blocks of which 2
 * show, all functions. */
static const u8 functionality[16] = {0xFF, 0xE0, 0x0F, 0,    0, 0, 0,    7,
                                     2,    8,    0xFF, 0x0E, 0, 0, 0x3F, 0};

void video_state_service(struct regs *r)
{
    u8 state[64] = {0};
    u32 pointer = ((u32)SEG_DATA << 16) + (u32)functionality;
    const struct mode_info *info = video_info();
    for (u8 i = 0; i < 4; i++)
        state[i] = (u8)(pointer >> i * 8);
    for (u8 i = 0; i < 30; i++)
        state[4 + i] = far_read8(SEG_BDA, (u16)(0x49 + i));
    state[0x22] = (u8)(BDA->video_rows + 1);
    state[0x23] = (u8)BDA->char_height;
    state[0x24] = (u8)(BDA->char_height >> 8);
    state[0x25] = (u8)video_active_combination();
    state[0x26] = (u8)(video_active_combination() >> 8);
    state[0x27] = (u8)info->colors;
    state[0x28] = (u8)(info->colors >> 8);
    state[0x29] = info->pages;
    u16 lines = (u16)((BDA->video_rows + 1) * BDA->char_height);
    state[0x2A] = lines <= 200 ? 0 : lines <= 350 ? 1 : lines <= 400 ? 2 : 3;
    state[0x2D] = (u8)((BDA->video_flags & 0x0F) | 0x21);
    state[0x31] = 3;
    for (u8 i = 0; i < 64; i++)
        far_write8(r->es, (u16)(r->di + i), state[i]);
    r->al = 0x1B;
}

/* A sink or source of bytes in the caller's memory. */
struct stream {
    u16 segment, offset;
    bool restore;
};

static u8 stream_byte(struct stream *s, u8 value)
{
    if (s->restore)
        value = far_read8(s->segment, s->offset);
    else
        far_write8(s->segment, s->offset, value);
    s->offset++;
    return value;
}

static void stream_bank(struct stream *s, u16 port, u8 first, u8 count)
{
    for (u8 i = first; i < first + count; i++) {
        u8 value = stream_byte(s, reg_read(port, i));
        if (s->restore)
            reg_write(port, i, value);
    }
}

static void stream_hardware(struct stream *s)
{
    u8 misc = stream_byte(s, inb(VGA_MISC_READ));
    if (s->restore)
        outb(VGA_MISC_WRITE, misc);
    stream_bank(s, VGA_SEQ, 1, 4);
    u16 crtc = video_crtc();
    if (s->restore)
        reg_write(crtc, 0x11, 0);
    stream_bank(s, crtc, 0, 25);
    for (u8 i = 0; i < 21; i++) {
        u8 value = stream_byte(s, actl_read(i));
        if (s->restore)
            actl_write(i, value);
    }
    actl_enable();
    stream_bank(s, VGA_GFX, 0, 9);
}

static void stream_data_area(struct stream *s)
{
    for (u16 i = 0x49; i <= 0x66; i++)
        far_write8(SEG_BDA, i, stream_byte(s, far_read8(SEG_BDA, i)));
    for (u16 i = 0x84; i <= 0x8A; i++)
        far_write8(SEG_BDA, i, stream_byte(s, far_read8(SEG_BDA, i)));
    for (u16 i = 0xA8; i <= 0xAB; i++)
        far_write8(SEG_BDA, i, stream_byte(s, far_read8(SEG_BDA, i)));
    static const u8 vectors[3] = {0x1D, 0x1F, 0x43};
    for (u8 v = 0; v < 3; v++) {
        for (u16 i = 0; i < 4; i++) {
            u16 address = (u16)(vectors[v] * 4 + i);
            far_write8(0, address, stream_byte(s, far_read8(0, address)));
        }
    }
    u16 equipment = BDA->equipment;
    u8 display = stream_byte(s, equipment & 0x30);
    if (s->restore)
        BDA->equipment = (u16)((equipment & ~0x30) | (display & 0x30));
}

static void stream_dac(struct stream *s)
{
    u8 mask = stream_byte(s, inb(VGA_PEL_MASK));
    if (s->restore)
        outb(VGA_PEL_MASK, mask);
    for (u16 i = 0; i < 256; i++) {
        u8 rgb[3];
        dac_read((u8)i, rgb);
        for (u8 c = 0; c < 3; c++)
            rgb[c] = stream_byte(s, rgb[c]);
        if (s->restore)
            dac_write((u8)i, rgb[0], rgb[1], rgb[2]);
    }
}

void video_save_service(struct regs *r)
{
    if (r->al == 0) {
        r->bx =
            (u16)(((r->cx & 1 ? 60 : 0) + (r->cx & 2 ? 54 : 0) + (r->cx & 4 ? 769 : 0) + 63) / 64);
        r->al = 0x1C;
    } else if (r->al <= 2) {
        struct stream s = {r->es, r->bx, r->al == 2};
        if (r->cx & 1)
            stream_hardware(&s);
        if (r->cx & 2)
            stream_data_area(&s);
        if (r->cx & 4)
            stream_dac(&s);
        r->al = 0x1C;
    }
}
