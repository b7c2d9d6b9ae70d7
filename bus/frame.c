#include "bus/frame.h"

#include "base/memory.h"

#include <string.h>
#include <xxhash.h>

/* Changed lines that are so near to each other are one band. */
enum { BAND_GAP = 4 };

void frame_free(struct frame *frame)
{
    mem_free(frame->pixels);
    *frame = (struct frame){0};
}

uint64_t frame_hash(const struct frame *frame)
{
    size_t bytes = (size_t)frame->width * frame->height * sizeof(*frame->pixels);
    XXH64_hash_t seed = (uint64_t)frame->width << 32 | frame->height;
    return XXH3_64bits_withSeed(frame->pixels, bytes, seed);
}

bool frame_start(struct frame *frame, unsigned width, unsigned height)
{
    size_t pixels = (size_t)width * height;
    frame->resized = frame->width != width || frame->height != height || !frame->pixels;
    frame->band_count = 0;
    if (!frame->resized)
        return false;
    if (pixels > frame->capacity || !frame->pixels) {
        frame->capacity = pixels ? pixels : 1;
        frame->pixels = mem_resize(frame->pixels, frame->capacity * sizeof(*frame->pixels));
    }
    frame->width = width;
    frame->height = height;
    memset(frame->pixels, 0, pixels * sizeof(*frame->pixels));
    return true;
}

void frame_set_aspect(struct frame *frame, unsigned aspect_x, unsigned aspect_y)
{
    unsigned a = aspect_x, b = aspect_y;
    while (b) {
        unsigned rest = a % b;
        a = b;
        b = rest;
    }
    aspect_x /= a;
    aspect_y /= a;
    frame->resized |= frame->aspect_x != aspect_x || frame->aspect_y != aspect_y;
    frame->aspect_x = aspect_x;
    frame->aspect_y = aspect_y;
}

static void add_to_bands(struct frame *frame, unsigned y, unsigned first, unsigned last)
{
    struct frame_rectangle *band = frame->band;
    if (frame->band_count)
        band += frame->band_count - 1;
    if (!frame->band_count ||
        (y > band->y + band->height + BAND_GAP && frame->band_count < FRAME_MAX_BANDS)) {
        frame->band[frame->band_count++] =
            (struct frame_rectangle){.x = first, .y = y, .width = last - first + 1, .height = 1};
        return;
    }
    unsigned right = band->x + band->width - 1;
    if (first > band->x)
        first = band->x;
    if (last < right)
        last = right;
    band->x = first;
    band->width = last - first + 1;
    band->height = y - band->y + 1;
}

void frame_put_line(struct frame *frame, unsigned y, const uint32_t *pixels)
{
    uint32_t *line = frame->pixels + (size_t)y * frame->width;
    if (memcmp(line, pixels, frame->width * sizeof(*line)) == 0)
        return;
    unsigned first = 0, last = frame->width - 1;
    while (line[first] == pixels[first])
        first++;
    while (line[last] == pixels[last])
        last--;
    memcpy(line + first, pixels + first, (last - first + 1) * sizeof(*line));
    add_to_bands(frame, y, first, last);
}

void frame_finish(struct frame *frame)
{
    if (!frame->resized)
        return;
    frame->band_count = frame->width && frame->height;
    frame->band[0] = (struct frame_rectangle){.width = frame->width, .height = frame->height};
}
