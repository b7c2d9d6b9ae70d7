/* Characters and pixels in graphics modes. */
#include "bios/video/vbe.h"

/* Latches to memory unchanged: write mode 1. */
void planar_copy_begin(void)
{
    reg_write(VGA_SEQ, 2, 0x0F);
    reg_write(VGA_GFX, 5, 0x01);
}

/* Every byte written becomes eight pixels of color, through set/reset. */
void planar_fill_begin(u8 color)
{
    reg_write(VGA_SEQ, 2, 0x0F);
    reg_write(VGA_GFX, 5, 0x00);
    reg_write(VGA_GFX, 0, color & 0x0F);
    reg_write(VGA_GFX, 1, 0x0F);
}

/* Back to what the mode tables set. */
void planar_end(void)
{
    reg_write(VGA_SEQ, 2, 0x0F);
    reg_write(VGA_GFX, 0, 0x00);
    reg_write(VGA_GFX, 1, 0x00);
    reg_write(VGA_GFX, 3, 0x00);
    reg_write(VGA_GFX, 4, 0x00);
    reg_write(VGA_GFX, 5, 0x00);
    reg_write(VGA_GFX, 8, 0xFF);
}

/* Line `line` of a character's picture. CGA modes keep the upper 128 at INT 1Fh. */
static u8 glyph_line(const struct surface *s, u8 character, u8 line)
{
    bool cga = s->kind == KIND_CGA4 || s->kind == KIND_CGA2;
    u32 font = vector_get(cga && character >= 128 ? 0x1F : 0x43);
    u8 height = cga ? 8 : (u8)BDA->char_height;
    if (cga)
        character &= 0x7F;
    return far_read8((u16)(font >> 16), (u16)(font + character * height + line));
}

static u8 cell_height(const struct surface *s)
{
    return s->kind == KIND_CGA4 || s->kind == KIND_CGA2 ? 8 : (u8)BDA->char_height;
}

/* Background is not drawn where the colour is turned over. */
static void draw_extended(u16 x, u16 y, u8 bits, u8 color)
{
    for (u8 i = 0; i < 8; i++) {
        if (bits >> (7 - i) & 1)
            vbe_pixel_write((u16)(x + i), y, color);
        else if (!(color & 0x80))
            vbe_pixel_write((u16)(x + i), y, 0);
    }
}

static u16 cga_address(u16 line)
{
    return (u16)((line >> 1) * 80 + (line & 1) * 0x2000);
}

/* Eight bits to eight pixels of two bits each. */
static u16 spread(u8 bits, u8 color)
{
    u16 pixels = 0;
    for (u8 i = 0; i < 8; i++)
        pixels = (u16)(pixels << 2 | (bits >> (7 - i) & 1 ? color & 3 : 0));
    return pixels;
}

static void draw_cga(const struct surface *s, u16 line, u8 column, u8 bits, u8 color)
{
    u16 address = (u16)(cga_address(line) + column * s->cell_bytes);
    if (s->kind == KIND_CGA2) {
        u8 old = color & 0x80 ? far_read8(0xB800, address) : 0;
        far_write8(0xB800, address, bits ^ old);
        return;
    }
    u16 pixels = spread(bits, color);
    pixels = (u16)(pixels << 8 | pixels >> 8);
    u16 old = color & 0x80 ? far_read16(0xB800, address) : 0;
    far_write16(0xB800, address, pixels ^ old);
}

static void draw_planar(u16 address, u8 bits, u8 color)
{
    if (color & 0x80) {
        reg_write(VGA_GFX, 3, 0x18);
        reg_write(VGA_SEQ, 2, color & 0x0F);
        far_read8(0xA000, address);
        far_write8(0xA000, address, bits);
        return;
    }
    reg_write(VGA_SEQ, 2, 0x0F);
    far_write8(0xA000, address, 0);
    reg_write(VGA_SEQ, 2, color & 0x0F);
    far_write8(0xA000, address, bits);
}

void graphics_draw(const struct surface *s, u8 row, u8 column, u8 character, u8 color)
{
    u8 height = cell_height(s);
    for (u8 i = 0; i < height; i++) {
        u8 bits = glyph_line(s, character, i);
        u16 line = (u16)(row * height + i);
        if (s->kind == KIND_EXTENDED) {
            draw_extended((u16)(column * 8), line, bits, color);
        } else if (s->kind == KIND_PLANAR) {
            draw_planar((u16)(s->offset + line * s->line_bytes + column), bits, color);
        } else if (s->kind == KIND_LINEAR) {
            u16 address = (u16)(line * 320 + column * 8);
            for (u8 x = 0; x < 8; x++)
                far_write8(0xA000, (u16)(address + x), bits >> (7 - x) & 1 ? color : 0);
        } else {
            draw_cga(s, line, column, bits, color);
        }
    }
    if (s->kind == KIND_PLANAR)
        planar_end();
}

/* A line of a cell as bits: set where a pixel is not background. */
static u8 read_line(const struct surface *s, u16 line, u8 column)
{
    u8 bits = 0;
    if (s->kind == KIND_EXTENDED) {
        for (u8 x = 0; x < 8; x++)
            bits = (u8)(bits << 1 | (vbe_pixel_read((u16)(column * 8 + x), line) != 0));
    } else if (s->kind == KIND_PLANAR) {
        /* Read mode 1 tells which pixels equal the colour, here 0. */
        reg_write(VGA_GFX, 2, 0);
        reg_write(VGA_GFX, 7, 0x0F);
        reg_write(VGA_GFX, 5, 0x08);
        bits = (u8)~far_read8(0xA000, (u16)(s->offset + line * s->line_bytes + column));
        reg_write(VGA_GFX, 5, 0x00);
    } else if (s->kind == KIND_LINEAR) {
        for (u8 x = 0; x < 8; x++)
            bits = (u8)(bits << 1 | (far_read8(0xA000, (u16)(line * 320 + column * 8 + x)) != 0));
    } else if (s->kind == KIND_CGA2) {
        bits = far_read8(0xB800, (u16)(cga_address(line) + column));
    } else {
        u16 pixels = far_read16(0xB800, (u16)(cga_address(line) + column * 2));
        pixels = (u16)(pixels << 8 | pixels >> 8);
        for (u8 x = 0; x < 8; x++)
            bits = (u8)(bits << 1 | ((pixels >> (14 - x * 2) & 3) != 0));
    }
    return bits;
}

/* The character whose picture is in the cell; 0 if none is. */
u8 graphics_read(const struct surface *s, u8 row, u8 column)
{
    u8 lines[32];
    u8 height = cell_height(s);
    if (height > 32)
        height = 32;
    for (u8 i = 0; i < height; i++)
        lines[i] = read_line(s, (u16)(row * height + i), column);
    for (u16 character = 0; character < 256; character++) {
        u8 i = 0;
        while (i < height && glyph_line(s, (u8)character, i) == lines[i])
            i++;
        if (i == height)
            return (u8)character;
    }
    return 0;
}

static void pixel_planar(u16 x, u16 y, u8 color, u8 page)
{
    u16 address = (u16)(page * BDA->video_page_size + y * BDA->video_columns + x / 8);
    reg_write(VGA_GFX, 8, (u8)(0x80 >> (x & 7)));
    if (color & 0x80) {
        reg_write(VGA_GFX, 3, 0x18);
        reg_write(VGA_SEQ, 2, color & 0x0F);
        far_read8(0xA000, address);
        far_write8(0xA000, address, 0xFF);
    } else {
        planar_fill_begin(color);
        far_read8(0xA000, address);
        far_write8(0xA000, address, 0xFF);
    }
    planar_end();
}

void pixel_write(u16 x, u16 y, u8 color, u8 page)
{
    u8 kind = video_info()->kind;
    if (kind == KIND_EXTENDED) {
        vbe_pixel_write(x, y, color);
    } else if (kind == KIND_PLANAR) {
        pixel_planar(x, y, color, page);
    } else if (kind == KIND_LINEAR) {
        far_write8(0xA000, (u16)(y * 320 + x), color);
    } else if (kind == KIND_CGA4 || kind == KIND_CGA2) {
        u8 bits = kind == KIND_CGA4 ? 2 : 1, per_byte = (u8)(8 / bits);
        u8 shift = (u8)((per_byte - 1 - x % per_byte) * bits), mask = (u8)((1 << bits) - 1);
        u16 address = (u16)(cga_address(y) + x / per_byte);
        u8 old = far_read8(0xB800, address), pixel = (u8)((color & mask) << shift);
        far_write8(0xB800, address,
                   color & 0x80 ? old ^ pixel : (u8)((old & ~(mask << shift)) | pixel));
    }
}

u8 pixel_read(u16 x, u16 y, u8 page)
{
    u8 kind = video_info()->kind, color = 0;
    if (kind == KIND_EXTENDED) {
        color = vbe_pixel_read(x, y);
    } else if (kind == KIND_PLANAR) {
        u16 address = (u16)(page * BDA->video_page_size + y * BDA->video_columns + x / 8);
        for (u8 plane = 0; plane < 4; plane++) {
            reg_write(VGA_GFX, 4, plane);
            if (far_read8(0xA000, address) << (x & 7) & 0x80)
                color |= (u8)(1 << plane);
        }
        reg_write(VGA_GFX, 4, 0);
    } else if (kind == KIND_LINEAR) {
        color = far_read8(0xA000, (u16)(y * 320 + x));
    } else if (kind == KIND_CGA4 || kind == KIND_CGA2) {
        u8 bits = kind == KIND_CGA4 ? 2 : 1, per_byte = (u8)(8 / bits);
        u8 shift = (u8)((per_byte - 1 - x % per_byte) * bits);
        color = (u8)(far_read8(0xB800, (u16)(cga_address(y) + x / per_byte)) >> shift &
                     ((1 << bits) - 1));
    }
    return color;
}
