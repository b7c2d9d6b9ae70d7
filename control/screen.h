/* The hand-off of pictures from the machine's thread to those who show them: window, remote screen,
 * terminal.
 *
 * The machine draws into one shared frame, at most about 70 times a second and only when a watcher
 * has taken what there was before. A watcher takes a copy of what has changed since it last did, at
 * its own pace. The machine never waits: while a watcher copies, it goes on and draws the next
 * time. So a slow watcher sees fewer pictures, and nothing else happens. */
#ifndef CONTROL_SCREEN_H
#define CONTROL_SCREEN_H

#include "bus/backend.h"

enum { SCREEN_RECTANGLES = 16 };

struct screen_rectangle {
    unsigned x, y, width, height; /* pixels */
};

/* Where a picture differs from the one before. */
struct screen_damage {
    unsigned count;
    struct screen_rectangle rectangle[SCREEN_RECTANGLES];
};

/* Adds a rectangle; when there is no room, rectangles are joined to their common bounds. */
void screen_damage_add(struct screen_damage *damage, const struct screen_rectangle *rectangle);

/* Lights on the case. */
enum screen_light { LIGHT_FLOPPY, LIGHT_DISK, LIGHT_CDROM, LIGHT_COUNT };

/* How the machine is doing, for status lines. Host times are of the monotonic clock. */
struct screen_status {
    bool paused;
    bool ended;
    bool absolute_pointer; /* the guest takes positions (gate_pointer), not movements */
    uint8_t keyboard_leds; /* bit 0 scroll lock, 1 num lock, 2 caps lock */
    uint64_t icount, virtual_ns;
    /* Over about the last half second: million instructions a second of host time, and virtual time
     * in per cent of host time. */
    double mips, percent;
    uint64_t
        sectors[LIGHT_COUNT]; /* read and written since power-on; a light is on while it moves */
};

struct screen;
struct screen_watcher;

struct screen *screen_new(void);
/* All watchers must have left. */
void screen_free(struct screen *screen);

/* --- for those who show it; any thread --- */

enum screen_want { SCREEN_PIXELS = 1 << 0, SCREEN_TEXT = 1 << 1 };

/* Begins to watch. news (may be NULL) is called when there is something to take, or the machine has
 * ended: on the machine's thread, under the screen's lock; it must only wake somebody up. It comes
 * once; the next one comes after a take. The watcher ends with screen_unwatch. */
struct screen_watcher *screen_watch(struct screen *screen, unsigned wants,
                                    void (*news)(void *opaque), void *opaque);
void screen_unwatch(struct screen_watcher *watcher);

/* Brings frame (zeroed at first, then kept by the watcher for this purpose; ended with
 * frame_free) up to date. damage (may be NULL) says where it changed: all of it when the size did.
 * frame NULL: the picture is not wanted, only that there was one. False: nothing new. */
bool screen_take_frame(struct screen_watcher *watcher, struct frame *frame,
                       struct screen_damage *damage);
/* The same for the text screen. */
bool screen_take_text(struct screen_watcher *watcher, struct screen_text *text);
void screen_get_status(struct screen *screen, struct screen_status *status);

/* --- for the machine --- */

/* What is wanted now (enum screen_want); 0: nothing, or a watcher is just copying. If it is not 0,
 * the screen is locked until screen_end. last: everything that anybody may want, after a copy that
 * is going on. */
unsigned screen_begin(struct screen *screen, bool last);
struct frame *screen_frame(struct screen *screen);
struct screen_text *screen_text(struct screen *screen);
/* drawn: what was brought up to date. damage: where the frame has changed since the last screen_end
 * with SCREEN_PIXELS; one with frame->resized set is new all over. */
void screen_end(struct screen *screen, unsigned drawn, const struct screen_damage *damage);
/* Never waits long: watchers only copy it. */
void screen_set_status(struct screen *screen, const struct screen_status *status);
/* Tells all watchers that there will be no more. The last picture stays to be taken. */
void screen_close(struct screen *screen);

#endif
