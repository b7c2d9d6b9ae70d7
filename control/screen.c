#include "control/screen.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct screen_watcher {
    struct screen *screen;
    struct screen_watcher *next;
    unsigned wants; /* enum screen_want */
    unsigned fresh; /* what it has not taken yet */
    bool whole;     /* it has no frame of the present size */
    struct screen_damage damage;
    void (*news)(void *opaque);
    void *opaque;
};

struct screen {
    pthread_mutex_t lock;
    struct screen_watcher *watchers;
    /* Wants of watchers that have taken everything, so that the machine need not lock to see that
     * nobody wants anything. */
    atomic_uint wanted;
    struct frame frame;
    struct screen_text text;
    bool has_frame, has_text;
    bool closed;
    pthread_mutex_t status_lock;
    struct screen_status status;
};

struct screen *screen_new(void)
{
    struct screen *screen = mem_new(sizeof *screen);
    pthread_mutex_init(&screen->lock, NULL);
    pthread_mutex_init(&screen->status_lock, NULL);
    return screen;
}

void screen_free(struct screen *screen)
{
    if (!screen)
        return;
    pthread_mutex_destroy(&screen->status_lock);
    pthread_mutex_destroy(&screen->lock);
    frame_free(&screen->frame);
    mem_free(screen);
}

/* --- damage --- */

static void join(struct screen_rectangle *into, const struct screen_rectangle *other)
{
    unsigned right = into->x + into->width, bottom = into->y + into->height;
    if (other->x + other->width > right)
        right = other->x + other->width;
    if (other->y + other->height > bottom)
        bottom = other->y + other->height;
    into->x = other->x < into->x ? other->x : into->x;
    into->y = other->y < into->y ? other->y : into->y;
    into->width = right - into->x;
    into->height = bottom - into->y;
}

static bool is_inside(const struct screen_rectangle *small, const struct screen_rectangle *large)
{
    return small->x >= large->x && small->y >= large->y &&
           small->x + small->width <= large->x + large->width &&
           small->y + small->height <= large->y + large->height;
}

void screen_damage_add(struct screen_damage *damage, const struct screen_rectangle *rectangle)
{
    if (!rectangle->width || !rectangle->height)
        return;
    for (unsigned i = 0; i < damage->count; i++) {
        if (is_inside(rectangle, &damage->rectangle[i]))
            return;
    }
    if (damage->count < SCREEN_RECTANGLES) {
        damage->rectangle[damage->count++] = *rectangle;
        return;
    }
    for (unsigned i = 1; i < damage->count; i++)
        join(&damage->rectangle[0], &damage->rectangle[i]);
    join(&damage->rectangle[0], rectangle);
    damage->count = 1;
}

/* --- watchers --- */

static void update_wanted(struct screen *screen)
{
    unsigned wanted = 0;
    for (const struct screen_watcher *w = screen->watchers; w; w = w->next)
        wanted |= w->wants & ~w->fresh;
    atomic_store_explicit(&screen->wanted, wanted, memory_order_relaxed);
}

struct screen_watcher *screen_watch(struct screen *screen, unsigned wants,
                                    void (*news)(void *opaque), void *opaque)
{
    struct screen_watcher *watcher = mem_new(sizeof *watcher);
    *watcher = (struct screen_watcher){
        .screen = screen, .wants = wants, .whole = true, .news = news, .opaque = opaque};
    pthread_mutex_lock(&screen->lock);
    watcher->next = screen->watchers;
    screen->watchers = watcher;
    update_wanted(screen);
    if (screen->closed && news)
        news(opaque);
    pthread_mutex_unlock(&screen->lock);
    return watcher;
}

void screen_unwatch(struct screen_watcher *watcher)
{
    if (!watcher)
        return;
    struct screen *screen = watcher->screen;
    pthread_mutex_lock(&screen->lock);
    struct screen_watcher **link = &screen->watchers;
    while (*link != watcher)
        link = &(*link)->next;
    *link = watcher->next;
    update_wanted(screen);
    pthread_mutex_unlock(&screen->lock);
    mem_free(watcher);
}

static void copy_rectangle(const struct frame *from, struct frame *to,
                           const struct screen_rectangle *rectangle)
{
    size_t at = (size_t)rectangle->y * from->width + rectangle->x;
    for (unsigned y = 0; y < rectangle->height; y++, at += from->width)
        memcpy(to->pixels + at, from->pixels + at, rectangle->width * sizeof *to->pixels);
}

/* The whole frame; to keeps its memory. */
static void copy_frame(const struct frame *from, struct frame *to)
{
    size_t count = (size_t)from->width * from->height;
    uint32_t *pixels = to->pixels;
    size_t capacity = to->capacity;
    if (capacity < count) {
        pixels = mem_resize(pixels, count * sizeof *pixels);
        capacity = count;
    }
    *to = *from;
    to->pixels = pixels;
    to->capacity = capacity;
    if (count)
        memcpy(pixels, from->pixels, count * sizeof *pixels);
}

bool screen_take_frame(struct screen_watcher *watcher, struct frame *frame,
                       struct screen_damage *damage)
{
    struct screen *screen = watcher->screen;
    pthread_mutex_lock(&screen->lock);
    bool is_new = screen->has_frame && watcher->fresh & SCREEN_PIXELS;
    if (is_new && !frame) {
        watcher->whole = true;
        watcher->fresh &= ~(unsigned)SCREEN_PIXELS;
        update_wanted(screen);
    } else if (is_new) {
        if (watcher->whole || frame->width != screen->frame.width ||
            frame->height != screen->frame.height) {
            copy_frame(&screen->frame, frame);
            watcher->damage = (struct screen_damage){
                .count = 1, .rectangle = {{0, 0, frame->width, frame->height}}};
        } else {
            for (unsigned i = 0; i < watcher->damage.count; i++)
                copy_rectangle(&screen->frame, frame, &watcher->damage.rectangle[i]);
        }
        if (damage)
            *damage = watcher->damage;
        watcher->whole = false;
        watcher->damage.count = 0;
        watcher->fresh &= ~(unsigned)SCREEN_PIXELS;
        update_wanted(screen);
    }
    pthread_mutex_unlock(&screen->lock);
    return is_new;
}

bool screen_take_text(struct screen_watcher *watcher, struct screen_text *text)
{
    struct screen *screen = watcher->screen;
    pthread_mutex_lock(&screen->lock);
    bool is_new = screen->has_text && watcher->fresh & SCREEN_TEXT;
    if (is_new) {
        *text = screen->text;
        watcher->fresh &= ~(unsigned)SCREEN_TEXT;
        update_wanted(screen);
    }
    pthread_mutex_unlock(&screen->lock);
    return is_new;
}

void screen_get_status(struct screen *screen, struct screen_status *status)
{
    pthread_mutex_lock(&screen->status_lock);
    *status = screen->status;
    pthread_mutex_unlock(&screen->status_lock);
}

/* --- the machine's side --- */

static unsigned everything(const struct screen *screen)
{
    unsigned wants = 0;
    for (const struct screen_watcher *w = screen->watchers; w; w = w->next)
        wants |= w->wants;
    return wants;
}

unsigned screen_begin(struct screen *screen, bool last)
{
    if (last) {
        pthread_mutex_lock(&screen->lock);
        unsigned wants = everything(screen);
        if (!wants)
            pthread_mutex_unlock(&screen->lock);
        return wants;
    }
    unsigned wanted = atomic_load_explicit(&screen->wanted, memory_order_relaxed);
    if (!wanted || pthread_mutex_trylock(&screen->lock) != 0)
        return 0;
    wanted = atomic_load_explicit(&screen->wanted, memory_order_relaxed);
    if (!wanted)
        pthread_mutex_unlock(&screen->lock);
    return wanted;
}

struct frame *screen_frame(struct screen *screen)
{
    return &screen->frame;
}

struct screen_text *screen_text(struct screen *screen)
{
    return &screen->text;
}

static void tell(struct screen_watcher *watcher, unsigned fresh)
{
    bool had = watcher->fresh & fresh;
    watcher->fresh |= fresh;
    if (!had && watcher->news)
        watcher->news(watcher->opaque);
}

void screen_end(struct screen *screen, unsigned drawn, const struct screen_damage *damage)
{
    bool resized = !screen->has_frame || screen->frame.resized;
    screen->has_text |= (drawn & SCREEN_TEXT) != 0;
    screen->has_frame |= (drawn & SCREEN_PIXELS) != 0;
    for (struct screen_watcher *w = screen->watchers; w; w = w->next) {
        if (w->wants & drawn & SCREEN_PIXELS) {
            w->whole |= resized;
            for (unsigned i = 0; i < damage->count && !w->whole; i++)
                screen_damage_add(&w->damage, &damage->rectangle[i]);
            if (w->whole || w->damage.count)
                tell(w, SCREEN_PIXELS);
        }
        if (w->wants & drawn & SCREEN_TEXT)
            tell(w, SCREEN_TEXT);
    }
    update_wanted(screen);
    pthread_mutex_unlock(&screen->lock);
}

void screen_set_status(struct screen *screen, const struct screen_status *status)
{
    pthread_mutex_lock(&screen->status_lock);
    screen->status = *status;
    pthread_mutex_unlock(&screen->status_lock);
}

void screen_close(struct screen *screen)
{
    pthread_mutex_lock(&screen->status_lock);
    screen->status.ended = true;
    pthread_mutex_unlock(&screen->status_lock);
    pthread_mutex_lock(&screen->lock);
    screen->closed = true;
    for (struct screen_watcher *w = screen->watchers; w; w = w->next) {
        if (w->news)
            w->news(w->opaque);
    }
    pthread_mutex_unlock(&screen->lock);
}
