/* A picture of the screen, and what has changed in it since the same holder last had it drawn.
 *
 * Each consumer (a window, a remote screen, a script) has a frame of its own: it starts zeroed, is
 * handed to the drawing function again and again, and ends with frame_free. Drawing touches only
 * what differs from what the frame already holds, so a screen on which nothing happens costs next
 * to nothing. The pixels belong to the frame; between two drawings the consumer only reads them. */
#ifndef BUS_FRAME_H
#define BUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAX_BANDS = 16 };

struct frame_rectangle {
    unsigned x, y, width, height; /* pixels */
};

struct frame {
    unsigned width, height;
    uint32_t *pixels; /* rows from the top without gaps, 00RRGGBBh each */
    size_t capacity;  /* pixels allocated */

    /* The shape of a pixel on a 4:3 monitor: aspect_x units wide, aspect_y units high, in least
     * terms; 5 and 6 for 320 x 200, 20 and 27 for text with cells of nine dots. The picture is to
     * be shown width * aspect_x by height * aspect_y. */
    unsigned aspect_x, aspect_y;
    /* The border (overscan): its colour, and its width around the picture in pixels of this frame,
     * as the registers make it. The pixels above do not contain it. */
    uint32_t border_color;
    unsigned border_left, border_right, border_top, border_bottom;

    /* What the last drawing changed. resized: size, shape or border are not what they were, and
     * everything is to be shown anew (one band covers the picture then). Else band_count rectangles
     * from the top that do not share lines; 0: nothing changed. */
    bool resized;
    unsigned band_count;
    struct frame_rectangle band[FRAME_MAX_BANDS];

    /* The drawer's own: who drew it, and up to which change. */
    const void *drawer;
    uint64_t seen, phase;
};

void frame_free(struct frame *frame);

/* XXH3 of the size and the pixels: equal pictures have equal hashes on every host. */
uint64_t frame_hash(const struct frame *frame);

/* --- for who draws --- */

/* Nothing has changed yet; true when the size is another one than before, in which case the pixels
 * are black and resized is set. Sizes may be 0. */
bool frame_start(struct frame *frame, unsigned width, unsigned height);
/* Sets the shape of pixels, in any terms that are not 0, and notes whether it has changed. */
void frame_set_aspect(struct frame *frame, unsigned aspect_x, unsigned aspect_y);
/* Replaces line y by pixels, width of them, and adds what differs to the bands. */
void frame_put_line(struct frame *frame, unsigned y, const uint32_t *pixels);
/* After the last line: a resized frame is one band. */
void frame_finish(struct frame *frame);

#endif
