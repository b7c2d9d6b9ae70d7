/* Inside the window: what its parts share. */
#ifndef UI_WINDOW_PRIVATE_H
#define UI_WINDOW_PRIVATE_H

#include "ui/window.h"
#include "ui/window_prompt.h"
#include "ui/window_text.h"
#include "ui/window_view.h"

#include <SDL.h>

enum {
    BAR_HEIGHT = 20, /* of the status line, host pixels */
    MESSAGE_SIZE = 200,
};

/* What takes the keyboard away from the guest. */
enum overlay { OVERLAY_NONE, OVERLAY_HELP, OVERLAY_PROMPT, OVERLAY_QUIT, OVERLAY_RESET };

struct window {
    const struct window_config *config;
    SDL_Window *sdl;
    SDL_Renderer *renderer;
    SDL_Texture *picture; /* of the frame's size */
    int picture_width, picture_height;
    SDL_Texture *bar, *panel; /* status line; prompts and help */
    struct canvas bar_canvas, panel_canvas;
    Uint32 event;     /* the window's own: code is enum window_event */
    bool stale;       /* something is to be presented */
    Uint32 presented; /* the status line was looked at, SDL ticks */
    uint64_t bar_hash;
    bool done;

    struct gate *gate;
    struct control *control;
    struct screen *screen;
    struct screen_watcher *watcher;
    void (*quit)(void *opaque);
    void *opaque;

    struct frame frame;
    struct view view;
    enum view_mode mode;
    unsigned scale; /* 0: what looks right */
    bool fullscreen, resized_by_hand;

    struct screen_status status;
    uint64_t seen_sectors[LIGHT_COUNT];
    Uint32 light_until[LIGHT_COUNT]; /* SDL ticks */
    char message[MESSAGE_SIZE];
    Uint32 message_until;

    /* Keyboard and mouse. */
    bool down[SDL_NUM_SCANCODES]; /* the guest knows of it */
    SDL_Scancode unsettled;       /* a modifier that may be an echo; SDL_SCANCODE_UNKNOWN: none */
    Uint32 unsettled_since;
    bool host_down, host_used; /* the host key, and whether another one came with it */
    bool grabbed;
    int dx, dy, wheel; /* not sent yet */
    unsigned buttons, sent_buttons;
    unsigned across, downward; /* the pointer's place in the picture */
    bool pointer_moved;

    enum overlay overlay;
    struct prompt prompt;
    unsigned prompt_drive;                      /* enum gate_drive */
    char medium[GATE_DRIVE_COUNT][PROMPT_SIZE]; /* what was put in last */
};

enum window_event {
    WINDOW_NEWS,    /* of the screen */
    WINDOW_MESSAGE, /* data1: text, to be freed with mem_free */
};

/* --- window.c --- */

/* Shows a line at the bottom for a few seconds. */
void window_say(struct window *window, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Posts a command to the machine; a failure is shown. success (may be NULL) is shown else. */
void window_command(struct window *window, const char *const *words, unsigned count,
                    const char *success);
void window_set_title(struct window *window);

/* --- window_draw.c --- */

bool draw_open(struct window *window, struct error *err);
void draw_close(struct window *window);
/* Brings the picture's texture up to date. */
void draw_take_frame(struct window *window);
/* The window's size for the frame, unless the person has chosen one. */
void draw_fit_window(struct window *window);
void draw_present(struct window *window);

/* --- window_input.c --- */

void input_key(struct window *window, const SDL_KeyboardEvent *event);
void input_mouse(struct window *window, const SDL_Event *event);
/* Whether input_flush is to be called again soon. */
bool input_is_unsettled(const struct window *window);
/* Sends what has come together since the last call. */
void input_flush(struct window *window);
/* No key and no button is held any more, as far as the guest knows. */
void input_release_all(struct window *window);
void input_grab(struct window *window, bool grab);

/* --- window_hot_keys.c --- */

/* A key that was pressed while the host key was held. */
void hot_key(struct window *window, SDL_Scancode scancode);
/* A key while an overlay is shown. */
void overlay_key(struct window *window, const SDL_KeyboardEvent *event);
void overlay_text(struct window *window, const char *text);
/* Asks whether to end the machine; when that is on the screen already, ends it. */
void window_ask_quit(struct window *window);
/* Lines of the help, in order; NULL at the end. Code page 437. */
const char *hot_key_help(unsigned line);

#endif
