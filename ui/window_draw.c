/* What the window shows: the picture, the status line, and what is asked. */
#include "base/memory.h"
#include "ui/window_private.h"

#include <stdio.h>
#include <string.h>

enum {
    BAR_WIDTH = 1024, /* drawn once, and cut to the window's width */
    PANEL_WIDTH = 480,
    PANEL_HEIGHT = 300,
    MARGIN = 8,
    USUAL_WIDTH = 640, /* what looks right: about so wide at least */
    LIGHT_MS = 150,
    STATUS_MS = 100,
    PROMPT_COLUMNS = PANEL_WIDTH / GLYPH_WIDTH - 4,
};

enum colour {
    COLOUR_BAR = 0x202428,
    COLOUR_TEXT = 0xC8CCD0,
    COLOUR_DIM = 0x60686E,
    COLOUR_LIGHT = 0x40E060,
    COLOUR_WARN = 0xFFC040,
    COLOUR_PANEL = 0x10284A,
};

static SDL_Texture *new_texture(struct window *window, int width, int height)
{
    return SDL_CreateTexture(window->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                             width, height);
}

static struct canvas new_canvas(int width, int height)
{
    return (struct canvas){mem_new((size_t)width * (size_t)height * sizeof(uint32_t)), width,
                           height};
}

bool draw_open(struct window *window, struct error *err)
{
    window->renderer = SDL_CreateRenderer(window->sdl, -1, 0);
    if (!window->renderer)
        window->renderer = SDL_CreateRenderer(window->sdl, -1, SDL_RENDERER_SOFTWARE);
    if (!window->renderer)
        return error_set(err, "--display sdl: nothing can draw in the window: %s", SDL_GetError());
    window->bar = new_texture(window, BAR_WIDTH, BAR_HEIGHT);
    window->panel = new_texture(window, PANEL_WIDTH, PANEL_HEIGHT);
    window->bar_canvas = new_canvas(BAR_WIDTH, BAR_HEIGHT);
    window->panel_canvas = new_canvas(PANEL_WIDTH, PANEL_HEIGHT);
    window->stale = true;
    return (window->bar && window->panel) ||
           error_set(err, "--display sdl: nothing can draw in the window: %s", SDL_GetError());
}

void draw_close(struct window *window)
{
    if (window->renderer)
        SDL_DestroyRenderer(window->renderer); /* with its textures */
    mem_free(window->bar_canvas.pixels);
    mem_free(window->panel_canvas.pixels);
}

/* --- the picture --- */

void draw_fit_window(struct window *window)
{
    int width, height;
    SDL_Rect room;
    if (window->fullscreen || window->resized_by_hand)
        return;
    view_natural_size(&window->frame, &width, &height);
    int scale = (int)window->scale;
    if (!scale)
        scale = width < USUAL_WIDTH ? (USUAL_WIDTH + width / 2) / width : 1;
    if (SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(window->sdl), &room) == 0) {
        while (scale > 1 && (width * scale > room.w || height * scale + BAR_HEIGHT > room.h))
            scale--;
    }
    SDL_SetWindowSize(window->sdl, width * scale, height * scale + BAR_HEIGHT);
    window->resized_by_hand = false;
    window->stale = true;
}

/* A texture of the frame's size. */
static void renew_picture(struct window *window)
{
    int width = (int)window->frame.width, height = (int)window->frame.height;
    if (window->picture && window->picture_width == width && window->picture_height == height)
        return;
    if (window->picture)
        SDL_DestroyTexture(window->picture);
    window->picture = width && height ? new_texture(window, width, height) : NULL;
    window->picture_width = width;
    window->picture_height = height;
}

void draw_take_frame(struct window *window)
{
    struct screen_damage damage;
    struct frame *frame = &window->frame;
    unsigned width = frame->width, height = frame->height;
    unsigned aspect_x = frame->aspect_x, aspect_y = frame->aspect_y;
    if (!screen_take_frame(window->watcher, frame, &damage))
        return;
    window->stale = true;
    renew_picture(window);
    if (frame->width != width || frame->height != height || frame->aspect_x != aspect_x ||
        frame->aspect_y != aspect_y)
        draw_fit_window(window);
    for (unsigned i = 0; window->picture && i < damage.count; i++) {
        const struct screen_rectangle *at = &damage.rectangle[i];
        SDL_Rect place = {(int)at->x, (int)at->y, (int)at->width, (int)at->height};
        SDL_UpdateTexture(window->picture, &place,
                          frame->pixels + (size_t)at->y * frame->width + at->x,
                          (int)(frame->width * sizeof *frame->pixels));
    }
}

static void show_picture(struct window *window, int width, int height)
{
    view_fit(&window->frame, window->mode, width, height, &window->view);
    SDL_Rect place = {window->view.x, window->view.y, window->view.width, window->view.height};
    if (!window->picture)
        return;
    SDL_SetTextureScaleMode(window->picture, window->mode == VIEW_INTEGER ? SDL_ScaleModeNearest
                                                                          : SDL_ScaleModeLinear);
    SDL_RenderCopy(window->renderer, window->picture, NULL, &place);
}

/* --- the status line --- */

/* Sectors that have moved since the last look keep a light on for a moment. */
static bool is_lit(struct window *window, enum screen_light light)
{
    Uint32 now = SDL_GetTicks();
    if (window->status.sectors[light] != window->seen_sectors[light]) {
        window->seen_sectors[light] = window->status.sectors[light];
        window->light_until[light] = now + LIGHT_MS;
    }
    return (Sint32)(window->light_until[light] - now) > 0;
}

static void speed_text(const struct screen_status *status, char *text, size_t size)
{
    if (status->paused)
        snprintf(text, size, "paused");
    else
        snprintf(text, size, "%.0f MIPS  %.0f %%", status->mips, status->percent);
}

/* Whether it is another one than before. */
static bool draw_bar(struct window *window)
{
    static const char *const lights[LIGHT_COUNT] = {"FD", "HD", "CD"};
    static const char *const leds[] = {"SCROLL", "NUM", "CAPS"};
    const struct screen_status *status = &window->status;
    struct canvas *canvas = &window->bar_canvas;
    const int y = (BAR_HEIGHT - GLYPH_HEIGHT) / 2;
    char text[64];
    canvas_fill(canvas, 0, 0, BAR_WIDTH, BAR_HEIGHT, COLOUR_BAR);
    int x = MARGIN;
    for (unsigned i = 0; i < LIGHT_COUNT; i++)
        x = canvas_text(canvas, x, y, lights[i], is_lit(window, i) ? COLOUR_LIGHT : COLOUR_DIM) +
            MARGIN;
    x += MARGIN;
    speed_text(status, text, sizeof text);
    x = canvas_text(canvas, x, y, text, status->paused ? COLOUR_WARN : COLOUR_TEXT) + 2 * MARGIN;
    for (unsigned i = 0; i < 3; i++) {
        if (status->keyboard_leds >> i & 1)
            x = canvas_text(canvas, x, y, leds[i], COLOUR_LIGHT) + MARGIN;
    }
    if ((Sint32)(window->message_until - SDL_GetTicks()) > 0)
        canvas_text(canvas, x, y, window->message, COLOUR_WARN);
    else if (window->grabbed)
        canvas_text(canvas, x, y, "Right Ctrl releases the mouse", COLOUR_DIM);
    else
        canvas_text(canvas, x, y, "Right Ctrl+H: help", COLOUR_DIM);
    uint64_t hash = canvas_hash(canvas);
    bool is_new = hash != window->bar_hash;
    window->bar_hash = hash;
    if (is_new)
        SDL_UpdateTexture(window->bar, NULL, canvas->pixels, BAR_WIDTH * (int)sizeof(uint32_t));
    return is_new;
}

static void show_bar(struct window *window, int width, int y)
{
    int shown = width < BAR_WIDTH ? width : BAR_WIDTH;
    SDL_Rect from = {0, 0, shown, BAR_HEIGHT}, to = {0, y, shown, BAR_HEIGHT};
    draw_bar(window);
    SDL_RenderCopy(window->renderer, window->bar, &from, &to);
    if (width > shown) {
        SDL_Rect rest = {shown, y, width - shown, BAR_HEIGHT};
        SDL_SetRenderDrawColor(window->renderer, COLOUR_BAR >> 16, COLOUR_BAR >> 8 & 0xFF,
                               COLOUR_BAR & 0xFF, SDL_ALPHA_OPAQUE);
        SDL_RenderFillRect(window->renderer, &rest);
    }
}

/* --- panels --- */

/* Draws a line, and returns where the next one goes. */
static int panel_line(struct window *window, int y, const char *text, uint32_t colour)
{
    canvas_text(&window->panel_canvas, MARGIN, y, text, colour);
    return y + GLYPH_HEIGHT + 2;
}

static int draw_help(struct window *window)
{
    int y = MARGIN;
    const char *line;
    for (unsigned i = 0; (line = hot_key_help(i)); i++)
        y = panel_line(window, y, line, COLOUR_TEXT);
    return y;
}

static int draw_prompt(struct window *window)
{
    static const char *const names[] = {"Floppy in drive A", "Floppy in drive B", "CD"};
    char line[PROMPT_COLUMNS + 2];
    const char *text = window->prompt.text;
    size_t size = window->prompt.size;
    /* The end is what is being typed. */
    if (size > PROMPT_COLUMNS - 1)
        text += size - (PROMPT_COLUMNS - 1);
    snprintf(line, sizeof line, "%.*s\xDB", PROMPT_COLUMNS - 1, text);
    int y = panel_line(window, MARGIN, names[window->prompt_drive], COLOUR_WARN);
    y = panel_line(window, y, line, COLOUR_TEXT);
    return panel_line(window, y, "Tab completes, Enter inserts, nothing ejects, Esc leaves",
                      COLOUR_DIM);
}

static int draw_kept_question(struct window *window)
{
    char line[PROMPT_COLUMNS + 1];
    snprintf(line, sizeof line, "End %.40s?", window->config->kept_name);
    int y = panel_line(window, MARGIN, line, COLOUR_WARN);
    y = panel_line(window, y, "K: keep its state, and go on from there the next time", COLOUR_TEXT);
    y = panel_line(window, y, "D: drop it: disk and state are as they were saved last",
                   COLOUR_TEXT);
    return panel_line(window, y, "any other key: go on", COLOUR_DIM);
}

static int draw_question(struct window *window)
{
    if (window->overlay == OVERLAY_QUIT && window->config->kept_name)
        return draw_kept_question(window);
    bool is_quit = window->overlay == OVERLAY_QUIT;
    int y = panel_line(window, MARGIN,
                       is_quit ? "End the machine? What is in its memory is lost."
                               : "Press the reset button?",
                       COLOUR_WARN);
    return panel_line(window, y, "Y: yes, any other key: no", COLOUR_TEXT);
}

static void show_panel(struct window *window, int width, int height)
{
    struct canvas *canvas = &window->panel_canvas;
    canvas_fill(canvas, 0, 0, PANEL_WIDTH, PANEL_HEIGHT, COLOUR_PANEL);
    int used = window->overlay == OVERLAY_HELP     ? draw_help(window)
               : window->overlay == OVERLAY_PROMPT ? draw_prompt(window)
                                                   : draw_question(window);
    used += MARGIN;
    SDL_UpdateTexture(window->panel, NULL, canvas->pixels, PANEL_WIDTH * (int)sizeof(uint32_t));
    SDL_Rect from = {0, 0, PANEL_WIDTH, used};
    SDL_Rect to = {(width - PANEL_WIDTH) / 2, (height - used) / 2, PANEL_WIDTH, used};
    SDL_RenderCopy(window->renderer, window->panel, &from, &to);
}

/* --- all of it --- */

void draw_present(struct window *window)
{
    int width, height;
    Uint32 now = SDL_GetTicks();
    /* The status line changes by itself, but not often. */
    if (now - window->presented >= STATUS_MS) {
        window->stale |= draw_bar(window);
        window->presented = now;
    }
    if (!window->stale)
        return;
    SDL_GetRendererOutputSize(window->renderer, &width, &height);
    bool has_bar = !window->fullscreen || window->overlay != OVERLAY_NONE ||
                   (Sint32)(window->message_until - now) > 0;
    int room = height - (window->fullscreen ? 0 : BAR_HEIGHT);
    SDL_SetRenderDrawColor(window->renderer, 0, 0, 0, SDL_ALPHA_OPAQUE);
    SDL_RenderClear(window->renderer);
    show_picture(window, width > 0 ? width : 1, room > 0 ? room : 1);
    if (has_bar)
        show_bar(window, width, height - BAR_HEIGHT);
    if (window->overlay != OVERLAY_NONE)
        show_panel(window, width, room);
    SDL_RenderPresent(window->renderer);
    window->stale = false;
}
