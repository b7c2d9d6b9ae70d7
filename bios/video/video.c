/* INT 10h for a VGA without an option ROM of its own. Functions as in the IBM PS/2 and Personal
 * Computer BIOS Interface Technical Reference. */
#include "bios/services.h"
#include "bios/video/vbe.h"

/* BH = 0: border and background, intensity; BH = 1: the palette of modes 4 and 5. */
static void set_color(const struct regs *r)
{
    u8 kind = video_info()->kind;
    if (r->bh == 0) {
        u8 color = (u8)((r->bl & 7) | (r->bl & 8) << 1);
        if (kind != KIND_TEXT)
            actl_write(0, color);
        actl_write(0x11, color);
        if (kind == KIND_CGA4) {
            for (u8 i = 1; i < 4; i++)
                actl_write(i, (u8)((actl_read(i) & ~0x10) | (r->bl & 0x10)));
        }
        BDA->crt_palette = (u8)((BDA->crt_palette & 0xE0) | (r->bl & 0x1F));
    } else if (r->bh == 1) {
        for (u8 i = 1; i < 4; i++) {
            u8 color = (u8)((actl_read(i) & 0x10) | i * 2 | (r->bl & 1));
            if (kind == KIND_CGA4)
                actl_write(i, color);
        }
        BDA->crt_palette = (u8)((BDA->crt_palette & 0xDF) | (r->bl & 1) << 5);
    }
    actl_enable();
}

static void write_string(struct regs *r)
{
    u16 pointer = r->bp, saved = BDA->cursor_position[r->bh & 7];
    u8 page = r->bh & 7;
    cursor_move(page, r->dx);
    for (u16 i = 0; i < r->cx; i++) {
        u8 character = far_read8(r->es, pointer++), attribute = r->bl;
        if (r->al & 2)
            attribute = far_read8(r->es, pointer++);
        video_teletype(character, attribute, page, true);
    }
    if (!(r->al & 1))
        cursor_move(page, saved);
}

static void set_mode(struct regs *r)
{
    u8 mode = r->al & 0x7F;
    video_set_mode(r->al);
    r->al = mode > 7 ? 0x20 : mode == 6 ? 0x3F : 0x30;
}

u16 video_active_combination(void)
{
    u16 pair = video_combination();
    u8 one = (u8)(pair >> 8), other = (u8)pair;
    bool mono = BDA->crtc_port == 0x3B4;
    /* A VGA that shows a monochrome mode is the same display by another name. */
    if ((one == 8 || one == 7) && !other)
        return mono ? 7 : 8;
    bool one_is_mono = one == 1 || one == 5 || one == 7;
    bool swapped = !one || (other && one_is_mono != mono);
    return swapped ? (u16)(one << 8 | other) : (u16)(other << 8 | one);
}

static void display_combination(struct regs *r)
{
    if (r->al == 0)
        r->bx = video_active_combination();
    else if (r->al != 1 || !video_set_combination(r->bl, r->bh))
        return;
    r->al = 0x1A;
}

static void read_cell(struct regs *r)
{
    u16 cell = video_read_cell(r->bh);
    r->al = (u8)cell;
    if (video_is_text())
        r->ah = (u8)(cell >> 8);
}

static void extended_service(struct regs *r)
{
    switch (r->ah) {
    case 0x10:
        video_palette_service(r);
        break;
    case 0x11:
        video_font_service(r);
        break;
    case 0x12:
        video_alternate_service(r);
        break;
    case 0x13:
        write_string(r);
        break;
    case 0x1A:
        display_combination(r);
        break;
    case 0x1B:
        video_state_service(r);
        break;
    case 0x1C:
        video_save_service(r);
        break;
    case 0x4F:
        vbe_service(r);
        break;
    }
}

void video_service(struct regs *r)
{
    switch (r->ah) {
    case 0x00:
        set_mode(r);
        break;
    case 0x01:
        cursor_set_shape(r->cx);
        break;
    case 0x02:
        cursor_move(r->bh, r->dx);
        break;
    case 0x03:
        r->cx = BDA->cursor_shape;
        r->dx = BDA->cursor_position[r->bh & 7];
        break;
    case 0x04:
        r->ah = 0;
        break;
    case 0x05:
        video_select_page(r->al);
        break;
    case 0x06:
    case 0x07:
        video_scroll(BDA->video_page, r->ah == 7, r->al, r->bh, r->cx, r->dx);
        break;
    case 0x08:
        read_cell(r);
        break;
    case 0x09:
    case 0x0A:
        video_write_cells(r->bh, r->al, r->bl, r->ah == 9, r->cx);
        break;
    case 0x0B:
        set_color(r);
        break;
    case 0x0C:
        pixel_write(r->cx, r->dx, r->al, r->bh);
        break;
    case 0x0D:
        r->al = pixel_read(r->cx, r->dx, r->bh);
        break;
    case 0x0E:
        video_teletype(r->al, r->bl, BDA->video_page, false);
        break;
    case 0x0F:
        r->al = (u8)(BDA->video_mode | (BDA->video_control & 0x80));
        r->ah = (u8)BDA->video_columns;
        r->bh = BDA->video_page;
        break;
    default:
        extended_service(r);
    }
}

/* For POST: takes over INT 10h. */
void video_initialise(void)
{
    vector_set(0x10, SEG_CODE, 0xF065);
    vector_set(0x42, SEG_CODE, 0xF065);
    vector_set(0x6D, SEG_CODE, 0xF065);
    u32 save = ((u32)SEG_DATA << 16) + (u32)video_save_table;
    BDA->video_save_pointer = save;
    BDA->video_control = 0x60;
    BDA->video_switches = 0xF9;
    BDA->video_flags = 0x11;
    BDA->video_dcc = 0x0B;
}
