/* Setting a mode: registers, palette, character generator, display memory, data area. */
#include "bios/font.h"
#include "bios/video/vbe.h"

u8 video_mode_now(void)
{
    u8 mode = BDA->video_mode & 0x7F;
    return mode < VGA_MODE_COUNT && mode_infos[mode].kind ? mode : 3;
}

const struct mode_info *video_info(void)
{
    static const struct mode_info extended = {.kind = KIND_EXTENDED, .pages = 1, .colors = 256};
    const struct vbe_mode *m = vbe_current_mode();
    return m && m->bits ? &extended : &mode_infos[video_mode_now()];
}

bool video_is_text(void)
{
    return video_info()->kind == KIND_TEXT;
}

u16 video_crtc(void)
{
    return inb(VGA_MISC_READ) & 1 ? 0x3D4 : 0x3B4;
}

/* Scan lines of text modes as function 1230h chose them, from 40:89. */
u16 video_text_lines(void)
{
    u8 flags = BDA->video_flags & 0x90;
    return flags == 0x80 ? 200 : flags == 0x10 ? 400 : 350;
}

const struct mode_table *video_table(u8 mode)
{
    const struct mode_info *info = &mode_infos[mode];
    if (info->kind != KIND_TEXT)
        return &mode_tables[info->table400];
    u16 lines = video_text_lines();
    return &mode_tables[lines == 200   ? info->table200
                        : lines == 350 ? info->table350
                                       : info->table400];
}

static void load_registers(const struct mode_table *t)
{
    u16 crtc = t->misc & 1 ? 0x3D4 : 0x3B4;
    actl_reset();
    for (u8 i = 0; i < 20; i++)
        actl_write(i, t->actl[i]);
    actl_write(0x14, 0);
    reg_write(VGA_SEQ, 0, 1);
    reg_write(VGA_SEQ, 1, t->seq[0] | 0x20);
    for (u8 i = 1; i < 4; i++)
        reg_write(VGA_SEQ, (u8)(i + 1), t->seq[i]);
    outb(VGA_MISC_WRITE, t->misc);
    reg_write(VGA_SEQ, 0, 3);
    for (u8 i = 0; i < 9; i++)
        reg_write(VGA_GFX, i, t->gfx[i]);
    reg_write(crtc, 0x11, 0);
    for (u8 i = 0; i < 25; i++)
        reg_write(crtc, i, t->crtc[i]);
    outb(VGA_PEL_MASK, 0xFF);
}

static void clear_memory(const struct mode_info *info, u8 mode)
{
    if (info->kind == KIND_TEXT)
        far_fill_words(mode == 7 ? 0xB000 : 0xB800, 0, 0x0720, 0x4000);
    else if (info->kind == KIND_CGA4 || info->kind == KIND_CGA2)
        far_fill_words(0xB800, 0, 0, 0x4000);
    else
        far_fill_words(0xA000, 0, 0, 0x8000);
}

/* What programs read at 40:49 to 40:66 and 40:84 to 40:8A. */
static void update_data_area(u8 mode, const struct mode_table *t)
{
    static const u8 mode_register[8] = {0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29};
    BDA->video_mode = mode;
    BDA->video_columns = t->columns;
    BDA->video_page_size = t->page_size;
    BDA->video_page_start = 0;
    for (u8 i = 0; i < 8; i++)
        BDA->cursor_position[i] = 0;
    BDA->cursor_shape = mode == 7 ? 0x0B0C : 0x0607;
    BDA->video_page = 0;
    BDA->crtc_port = t->misc & 1 ? 0x3D4 : 0x3B4;
    BDA->video_rows = t->last_row;
    BDA->char_height = t->char_height;
    if (mode < 8)
        BDA->crt_mode_register = mode_register[mode];
    BDA->crt_palette = mode == 6 ? 0x3F : 0x30;
    if (mode == 7 || mode == 0x0F)
        BDA->equipment |= 0x30;
    else
        BDA->equipment = (u16)((BDA->equipment & ~0x30) | 0x20);
}

void video_graphics_font(u8 char_height)
{
    vector_set(0x1F, SEG_DATA, (u16)(u32)&font_8x8[128]);
    switch (char_height) {
    case 14:
        vector_set(0x43, SEG_DATA, (u16)(u32)font_8x14);
        break;
    case 16:
        vector_set(0x43, SEG_DATA, (u16)(u32)font_8x16);
        break;
    default:
        vector_set(0x43, SEG_DATA, (u16)(u32)font_8x8);
    }
}

void video_set_mode(u8 mode_and_flag)
{
    u8 mode = mode_and_flag & 0x7F;
    if (mode >= VGA_MODE_COUNT || mode_infos[mode].kind == KIND_NONE)
        return;
    const struct mode_info *info = &mode_infos[mode];
    const struct mode_table *t = video_table(mode);
    vbe_off();
    load_registers(t);
    if (!(BDA->video_flags & 0x08))
        video_load_default_dac(
            info->kind == KIND_TEXT && mode != 7 && t->char_height == 8 ? DAC_CGA : info->dac);
    BDA->video_control = (u8)((BDA->video_control & 0x7F) | (mode_and_flag & 0x80));
    if (!(mode_and_flag & 0x80))
        clear_memory(info, mode);
    update_data_area(mode, t);
    if (info->kind == KIND_TEXT)
        video_font_default(0, t->char_height);
    video_graphics_font(t->char_height);
    reg_write(VGA_SEQ, 1, t->seq[0]);
    actl_enable();
}
