#include "ui/window_view.h"

enum { BLANK_WIDTH = 720, BLANK_HEIGHT = 400, POSITION_MOST = 65535 };

struct shape {
    uint64_t width, height; /* pixels */
    uint64_t across, down;  /* the shape of one */
};

static struct shape shape_of(const struct frame *frame)
{
    if (!frame->width || !frame->height)
        return (struct shape){BLANK_WIDTH, BLANK_HEIGHT, 1, 1};
    bool known = frame->aspect_x && frame->aspect_y;
    return (struct shape){frame->width, frame->height, known ? frame->aspect_x : 1,
                          known ? frame->aspect_y : 1};
}

static int at_least_1(uint64_t value)
{
    return value ? (int)value : 1;
}

void view_natural_size(const struct frame *frame, int *width, int *height)
{
    struct shape shape = shape_of(frame);
    bool is_tall = shape.down > shape.across;
    *width = at_least_1(is_tall ? shape.width : shape.width * shape.across / shape.down);
    *height = at_least_1(is_tall ? shape.height * shape.down / shape.across : shape.height);
}

static void fit_smoothly(const struct shape *shape, int width, int height, struct view *view)
{
    uint64_t across = shape->width * shape->across, down = shape->height * shape->down;
    bool is_wide = across * (uint64_t)height > down * (uint64_t)width;
    view->width = is_wide ? width : at_least_1((uint64_t)height * across / down);
    view->height = is_wide ? at_least_1((uint64_t)width * down / across) : height;
}

static uint64_t largest(uint64_t room, uint64_t size)
{
    return room / size ? room / size : 1;
}

/* The factor of one axis follows from the other's and the shape, rounded, as far as there is room.
 */
static void fit_whole(const struct shape *shape, int width, int height, struct view *view)
{
    uint64_t most_across = largest((uint64_t)width, shape->width);
    uint64_t most_down = largest((uint64_t)height, shape->height);
    uint64_t across = most_across,
             down = (2 * across * shape->down + shape->across) / (2 * shape->across);
    if (down > most_down) {
        down = most_down;
        across = (2 * down * shape->across + shape->down) / (2 * shape->down);
    }
    across = across > most_across ? most_across : across ? across : 1;
    view->width = (int)(across * shape->width);
    view->height = (int)((down ? down : 1) * shape->height);
}

void view_fit(const struct frame *frame, enum view_mode mode, int width, int height,
              struct view *view)
{
    struct shape shape = shape_of(frame);
    bool fits = (uint64_t)width >= shape.width && (uint64_t)height >= shape.height;
    if (mode == VIEW_INTEGER && fits)
        fit_whole(&shape, width, height, view);
    else
        fit_smoothly(&shape, width, height, view);
    view->x = (width - view->width) / 2;
    view->y = (height - view->height) / 2;
}

static unsigned scale_position(int at, int size)
{
    if (at <= 0 || size < 2)
        return 0;
    return at >= size - 1 ? POSITION_MOST : (unsigned)((int64_t)at * POSITION_MOST / (size - 1));
}

bool view_point(const struct view *view, int x, int y, unsigned *across, unsigned *down)
{
    *across = scale_position(x - view->x, view->width);
    *down = scale_position(y - view->y, view->height);
    return x >= view->x && x < view->x + view->width && y >= view->y && y < view->y + view->height;
}
