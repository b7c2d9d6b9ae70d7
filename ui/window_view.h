/* Where the picture goes in the window, and which of its points is under the mouse. */
#ifndef UI_WINDOW_VIEW_H
#define UI_WINDOW_VIEW_H

#include "bus/frame.h"

enum view_mode {
    VIEW_SMOOTH,  /* as large as it fits in the right shape, filtered */
    VIEW_INTEGER, /* every pixel a whole number of host pixels, the shape as near as that allows */
    VIEW_MODE_COUNT
};

struct view {
    int x, y, width, height; /* of the picture in the window's area, host pixels */
};

/* The picture's size in host pixels at scale 1: in the right shape, and no pixel less than one. A
 * blank frame is as large as a text screen. */
void view_natural_size(const struct frame *frame, int *width, int *height);
/* Fits the picture into an area of width by height (at least 1 each), in its middle. */
void view_fit(const struct frame *frame, enum view_mode mode, int width, int height,
              struct view *view);
/* The point of the picture at (x, y) of the area, 0 to 65535 each; points beside the picture give
 * its edge. False: it is beside it. */
bool view_point(const struct view *view, int x, int y, unsigned *across, unsigned *down);

#endif
