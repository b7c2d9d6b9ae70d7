/* Text in pictures of the window: status line, prompts. */
#ifndef UI_WINDOW_TEXT_H
#define UI_WINDOW_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { GLYPH_WIDTH = 8, GLYPH_HEIGHT = 16 };

/* A picture to draw in, 00RRGGBBh. */
struct canvas {
    uint32_t *pixels;
    int width, height;
};

void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, uint32_t colour);
/* Equal pictures have equal hashes. */
uint64_t canvas_hash(const struct canvas *canvas);
/* Code page 437; what does not fit is cut off. Returns the x behind it. */
int canvas_text(struct canvas *canvas, int x, int y, const char *text, uint32_t colour);

#endif
