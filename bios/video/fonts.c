/* INT 10h AH=11h: character generators. */
#include "bios/font.h"
#include "bios/video/video.h"

/* Opens plane 2 at A000h for the processor, and closes it again as text modes have it. */
static void font_access_begin(void)
{
    reg_write(VGA_SEQ, 0, 1);
    reg_write(VGA_SEQ, 2, 4);
    reg_write(VGA_SEQ, 4, 7);
    reg_write(VGA_SEQ, 0, 3);
    reg_write(VGA_GFX, 4, 2);
    reg_write(VGA_GFX, 5, 0);
    reg_write(VGA_GFX, 6, 4);
}

static void font_access_end(void)
{
    reg_write(VGA_SEQ, 0, 1);
    reg_write(VGA_SEQ, 2, 3);
    reg_write(VGA_SEQ, 4, 2);
    reg_write(VGA_SEQ, 0, 3);
    reg_write(VGA_GFX, 4, 0);
    reg_write(VGA_GFX, 5, 0x10);
    reg_write(VGA_GFX, 6, video_crtc() == 0x3D4 ? 0x0E : 0x0A);
}

void video_font_load(u8 block, u16 segment, u16 offset, u16 first, u16 count, u8 height)
{
    u16 to = (u16)((block & 3) << 14 | (block & 4) << 11);
    if (height > 32 || height == 0)
        return;
    font_access_begin();
    for (u16 i = 0; i < count && first + i < 256; i++) {
        u16 cell = (u16)(to + (first + i) * 32);
        far_copy(0xA000, cell, segment, (u16)(offset + i * height), height);
        far_fill(0xA000, (u16)(cell + height), 0, (u16)(32 - height));
    }
    font_access_end();
}

static u16 default_font(u8 height)
{
    return height == 8    ? (u16)(u32)font_8x8
           : height == 14 ? (u16)(u32)font_8x14
                          : (u16)(u32)font_8x16;
}

void video_font_default(u8 block, u8 height)
{
    video_font_load(block, SEG_DATA, default_font(height), 0, 256, height);
}

/* Functions 1xh: after the font, the rows change. */
static void recalculate(u8 height)
{
    u16 crtc = BDA->crtc_port, lines = video_text_lines();
    if (height == 0 || height > 32 || !video_is_text())
        return;
    u8 rows = (u8)(lines / height);
    u16 end = (u16)(rows * height);
    reg_write(crtc, 9, (u8)((reg_read(crtc, 9) & 0xE0) | (height - 1)));
    if (video_mode_now() == 7)
        reg_write(crtc, 0x14, (u8)((reg_read(crtc, 0x14) & 0xE0) | (height - 1)));
    if (reg_read(crtc, 9) & 0x80)
        end *= 2;
    end--;
    reg_write(crtc, 0x12, (u8)end);
    u8 overflow = reg_read(crtc, 7) & (u8)~0x42;
    reg_write(crtc, 7, (u8)(overflow | (end >> 7 & 2) | (end >> 3 & 0x40)));
    BDA->video_rows = (u8)(rows - 1);
    BDA->char_height = height;
    BDA->video_page_size = (u16)((rows * BDA->video_columns * 2 + 0xFF) & 0xFF00);
    cursor_set_shape(height > 8 ? 0x0607 : (u16)((height - 2) << 8 | (height - 1)));
}

static void load_text(struct regs *r)
{
    u8 height = r->al & 0x0F ? (u8)((r->al & 0x0F) == 1   ? 14
                                    : (r->al & 0x0F) == 2 ? 8
                                                          : 16)
                             : r->bh;
    if (r->al & 0x0F)
        video_font_default(r->bl, height);
    else
        video_font_load(r->bl, r->es, r->bp, r->dx, r->cx, height);
    if (r->al & 0x10)
        recalculate(height);
}

/* Functions 2xh: the font of graphics modes is a pointer; BL says how many rows there are. */
static void graphics_font(struct regs *r)
{
    static const u8 rows[4] = {0, 14, 25, 43};
    u8 height = r->al == 0x21 ? (u8)r->cx : r->al == 0x22 ? 14 : r->al == 0x23 ? 8 : 16;
    if (r->al == 0x21)
        vector_set(0x43, r->es, r->bp);
    else
        vector_set(0x43, SEG_DATA, default_font(height));
    BDA->char_height = height;
    u8 last = r->bl == 0 ? r->dl : r->bl < 4 ? rows[r->bl] : 0;
    if (last)
        BDA->video_rows = (u8)(last - 1);
}

static void font_information(struct regs *r)
{
    u32 pointer = (u32)SEG_DATA << 16;
    switch (r->bh) {
    case 0:
        pointer = vector_get(0x1F);
        break;
    case 1:
        pointer = vector_get(0x43);
        break;
    case 2:
    case 5:
        pointer |= (u16)(u32)font_8x14;
        break;
    case 3:
        pointer |= (u16)(u32)font_8x8;
        break;
    case 4:
        pointer |= (u16)(u32)&font_8x8[128];
        break;
    case 6:
    case 7:
        pointer |= (u16)(u32)font_8x16;
        break;
    default:
        return;
    }
    r->es = (u16)(pointer >> 16);
    r->bp = (u16)pointer;
    r->cx = BDA->char_height;
    r->dl = BDA->video_rows;
}

void video_font_service(struct regs *r)
{
    switch (r->al) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x04:
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x14:
        load_text(r);
        break;
    case 0x03:
    case 0x13:
        reg_write(VGA_SEQ, 0, 1);
        reg_write(VGA_SEQ, 3, r->bl);
        reg_write(VGA_SEQ, 0, 3);
        break;
    case 0x20:
        vector_set(0x1F, r->es, r->bp);
        break;
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
        graphics_font(r);
        break;
    case 0x30:
        font_information(r);
        break;
    }
}
