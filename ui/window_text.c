#include "ui/window_text.h"

#include "bios/font.h"

#include <xxhash.h>

void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, uint32_t colour)
{
    for (int row = y < 0 ? 0 : y; row < y + height && row < canvas->height; row++) {
        for (int column = x < 0 ? 0 : x; column < x + width && column < canvas->width; column++)
            canvas->pixels[(size_t)row * (size_t)canvas->width + (size_t)column] = colour;
    }
}

uint64_t canvas_hash(const struct canvas *canvas)
{
    size_t size = (size_t)canvas->width * (size_t)canvas->height * sizeof *canvas->pixels;
    return XXH3_64bits(canvas->pixels, size);
}

static void draw_glyph(struct canvas *canvas, int x, int y, uint8_t character, uint32_t colour)
{
    for (int row = 0; row < GLYPH_HEIGHT; row++) {
        uint8_t bits = font_8x16[character][row];
        for (int column = 0; column < GLYPH_WIDTH; column++) {
            if (bits & 0x80 >> column)
                canvas_fill(canvas, x + column, y + row, 1, 1, colour);
        }
    }
}

int canvas_text(struct canvas *canvas, int x, int y, const char *text, uint32_t colour)
{
    for (; *text; text++, x += GLYPH_WIDTH)
        draw_glyph(canvas, x, y, (uint8_t)*text, colour);
    return x;
}
