/* INT 10h AH=4Fh (VESA VBE core functions 3.0): information, modes, and the way to the rest. */
#include "bios/video/vbe.h"

/* Mode attributes: in hardware, with information, with output functions, in colour, ... */
#define ATTRIBUTES_TEXT     0x000F
#define ATTRIBUTES_GRAPHICS 0x009F /* ... graphics, linear frame buffer */
#define ATTRIBUTES_PLANAR   0x001F

void vbe_window_entry(void);

/* The extended mode in force with its flags, or 0. */
static u16 current;

u16 vbe_current(void)
{
    return current;
}

void vbe_set_current(u16 mode)
{
    current = mode;
}

const struct vbe_mode *vbe_current_mode(void)
{
    return current ? vbe_find_mode(current) : NULL;
}

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

u16 vbe_memory_blocks(void)
{
    u16 blocks = dispi_read(DISPI_MEMORY);
    return blocks ? blocks : 64;
}

u32 vbe_line_bytes(const struct vbe_mode *m, u16 width)
{
    return m->bits == 4 ? width / 8 : (u32)width * ((m->bits + 7) / 8);
}

/* Pictures that fit into display memory. */
static u32 images(const struct vbe_mode *m)
{
    u32 size = vbe_line_bytes(m, m->width) * m->height * (m->bits == 4 ? 4 : 1);
    return ((u32)vbe_memory_blocks() << 16) / size;
}

static bool fits(const struct vbe_mode *m)
{
    return m->bits == 0 || images(m);
}

void vbe_off(void)
{
    if (present())
        dispi_write(DISPI_ENABLE, 0);
    current = 0;
}

/* --- information --- */

static void write_far_pointer(u16 s, u16 o, const char *text)
{
    far_write32(s, o, ((u32)SEG_DATA << 16) + (u32)text);
}

/* Function 00h: the information block; its list of modes goes into its reserved part, its text is
 * ours. */
static u16 controller_information(struct regs *r)
{
    static const char name[] = "Anachron VGA", vendor[] = "Anachron", revision[] = BIOS_VERSION;
    u16 s = r->es, o = r->di;
    bool two = far_read32(s, o) == 0x32454256;
    far_fill(s, o, 0, two ? 512 : 256);
    far_write32(s, o, 0x41534556);
    far_write16(s, (u16)(o + 4), two ? 0x0300 : 0x0102);
    write_far_pointer(s, (u16)(o + 6), name);
    far_write32(s, (u16)(o + 10), 1);
    far_write32(s, (u16)(o + 14), (u32)s << 16 | (u16)(o + 0x22));
    far_write16(s, (u16)(o + 18), vbe_memory_blocks());
    if (two) {
        far_write16(s, (u16)(o + 20), 0x0001);
        write_far_pointer(s, (u16)(o + 22), vendor);
        write_far_pointer(s, (u16)(o + 26), name);
        write_far_pointer(s, (u16)(o + 30), revision);
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

static void text_information(const struct vbe_mode *m, u16 s, u16 o)
{
    far_write16(s, o, ATTRIBUTES_TEXT);
    far_write16(s, (u16)(o + 4), 32);
    far_write16(s, (u16)(o + 6), 32);
    far_write16(s, (u16)(o + 8), 0xB800);
    far_write16(s, (u16)(o + 16), m->width * 2);
    far_write8(s, (u16)(o + 23), m->height > 25 ? 8 : 16);
    far_write8(s, (u16)(o + 24), 4);
    far_write8(s, (u16)(o + 25), 4);
    far_write8(s, (u16)(o + 50), m->width * 2);
}

static void graphics_information(const struct vbe_mode *m, u16 s, u16 o)
{
    u16 pitch = (u16)vbe_line_bytes(m, m->width);
    u8 more = (u8)(images(m) > 256 ? 255 : images(m) - 1);
    bool planar = m->bits == 4;
    far_write16(s, o, planar ? ATTRIBUTES_PLANAR : ATTRIBUTES_GRAPHICS);
    far_write16(s, (u16)(o + 4), 64);
    far_write16(s, (u16)(o + 6), 64);
    far_write16(s, (u16)(o + 8), 0xA000);
    far_write32(s, (u16)(o + 12), (u32)SEG_CODE << 16 | (u16)(u32)vbe_window_entry);
    far_write16(s, (u16)(o + 16), pitch);
    far_write8(s, (u16)(o + 23), 16);
    far_write8(s, (u16)(o + 24), planar ? 4 : 1);
    far_write8(s, (u16)(o + 25), m->bits);
    far_write8(s, (u16)(o + 27), planar ? 3 : m->bits == 8 ? 4 : 6);
    far_write8(s, (u16)(o + 29), more);
    if (m->bits > 8)
        write_masks(s, (u16)(o + 31), m->bits);
    if (m->bits == 32)
        far_write8(s, (u16)(o + 39), 2);
    far_write32(s, (u16)(o + 40), planar ? 0 : framebuffer());
    far_write16(s, (u16)(o + 50), pitch);
    far_write8(s, (u16)(o + 52), more);
    far_write8(s, (u16)(o + 53), more);
    if (m->bits > 8)
        write_masks(s, (u16)(o + 54), m->bits);
}

static u16 mode_information(struct regs *r)
{
    const struct vbe_mode *m = vbe_find_mode(r->cx);
    u16 s = r->es, o = r->di;
    if (!m || !fits(m))
        return VBE_FAILED;
    far_fill(s, o, 0, 256);
    far_write8(s, (u16)(o + 2), 7);
    far_write16(s, (u16)(o + 18), m->width);
    far_write16(s, (u16)(o + 20), m->height);
    far_write8(s, (u16)(o + 22), 8);
    far_write8(s, (u16)(o + 26), 1);
    far_write8(s, (u16)(o + 30), 1);
    if (m->bits)
        graphics_information(m, s, o);
    else
        text_information(m, s, o);
    return VBE_OK;
}

/* --- modes --- */

static void set_graphics(const struct vbe_mode *m, u16 request)
{
    /* The registers of a standard mode below it; the interface changes what it needs. */
    video_set_mode((m->bits == 4 ? 0x12 : 0x13) | 0x80);
    dispi_write(DISPI_XRES, m->width);
    dispi_write(DISPI_YRES, m->height);
    dispi_write(DISPI_BPP, m->bits);
    dispi_write(DISPI_ENABLE, (u16)(DISPI_ENABLED | (request & VBE_MODE_LFB ? DISPI_LFB : 0) |
                                    (request & VBE_MODE_NO_CLEAR ? DISPI_NOCLEARMEM : 0)));
    BDA->video_columns = m->width / 8;
    BDA->video_rows = (u8)(m->height / 16 - 1);
    BDA->char_height = 16;
    BDA->video_page_size = 0;
    video_graphics_font(16);
}

/* A request for own timing (bit 11) is met with the mode's: the adapter has no other. */
static u16 set_mode(u16 request)
{
    if (!(request & 0x0100)) {
        video_set_mode((u8)((request & 0x7F) | (request & VBE_MODE_NO_CLEAR ? 0x80 : 0)));
        return VBE_OK;
    }
    const struct vbe_mode *m = vbe_find_mode(request);
    bool linear = request & VBE_MODE_LFB;
    if (!m || !fits(m) || (linear && (m->bits == 0 || m->bits == 4)))
        return VBE_FAILED;
    if (m->bits)
        set_graphics(m, request);
    else
        vbe_set_text(m, request & VBE_MODE_NO_CLEAR);
    current = request & (VBE_MODE_LFB | VBE_MODE_NO_CLEAR | 0x1FF);
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
        return vbe_save_state(r);
    case 0x05:
        return vbe_window(r);
    case 0x06:
        return vbe_line_length(r);
    case 0x07:
        return vbe_display_start(r);
    case 0x08:
        return vbe_dac_width(r);
    case 0x09:
        return vbe_palette(r);
    case 0x0A:
        return vbe_protected_mode(r);
    case 0x10:
        return vbe_power(r);
    case 0x15:
        return vbe_display_data(r);
    }
    return 0;
}

void vbe_service(struct regs *r)
{
    u16 result = present() ? vbe_function(r) : 0;
    if (result)
        r->ax = result;
}
