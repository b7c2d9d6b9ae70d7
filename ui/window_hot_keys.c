/* Right Ctrl with another key, and what is asked in the window. */
#include "base/bits.h"
#include "base/memory.h"
#include "ui/paste.h"
#include "ui/window_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SCREENSHOTS_MOST = 10000 };

static void toggle_help(struct window *window)
{
    window->overlay = window->overlay == OVERLAY_HELP ? OVERLAY_NONE : OVERLAY_HELP;
}

static void pause_or_go_on(struct window *window)
{
    const char *word = window->status.paused ? "cont" : "pause";
    window_command(window, &word, 1, NULL);
}

/* The first name that is free, in the directory that the program was started in. */
static void screenshot(struct window *window)
{
    char path[64], text[96];
    for (unsigned i = 1; i < SCREENSHOTS_MOST; i++) {
        snprintf(path, sizeof path, "anachron-%03u.png", i);
        if (access(path, F_OK) != 0)
            break;
    }
    snprintf(text, sizeof text, "screenshot written: %s", path);
    window_command(window, (const char *[]){"screenshot", path}, 2, text);
}

static void ctrl_alt_del(struct window *window)
{
    window_command(window, (const char *[]){"type", "{ctrl-alt-del}"}, 2, NULL);
}

static void power(struct window *window)
{
    window_command(window, (const char *[]){"power-button"}, 1, "power button pressed");
}

static void ask_reset(struct window *window)
{
    window->overlay = OVERLAY_RESET;
}

void window_ask_quit(struct window *window)
{
    if (window->overlay == OVERLAY_QUIT)
        window->quit(window->opaque);
    window->overlay = OVERLAY_QUIT;
    window->stale = true;
}

static void toggle_fullscreen(struct window *window)
{
    window->fullscreen = !window->fullscreen;
    SDL_SetWindowFullscreen(window->sdl, window->fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
}

static void next_mode(struct window *window)
{
    static const char *const names[] = {
        [VIEW_SMOOTH] = "the right shape, smooth", [VIEW_INTEGER] = "whole pixels"};
    window->mode = (window->mode + 1) % VIEW_MODE_COUNT;
    window_say(window, "%s", names[window->mode]);
}

static void original_size(struct window *window)
{
    window->resized_by_hand = false;
    draw_fit_window(window);
}

static void larger(struct window *window)
{
    window->scale = window->scale % 4 + 1;
    original_size(window);
    window_say(window, "%u host pixel%s a pixel", window->scale, window->scale > 1 ? "s" : "");
}

/* --- media --- */

static void ask_medium(struct window *window, enum gate_drive drive, const char *first)
{
    input_release_all(window);
    input_grab(window, false);
    window->overlay = OVERLAY_PROMPT;
    window->prompt_drive = drive;
    const char *last = window->medium[drive];
    prompt_set(&window->prompt, *last ? last : first ? first : "");
    SDL_StartTextInput();
}

static void floppy(struct window *window)
{
    ask_medium(window, GATE_FLOPPY_A, window->config->floppy);
}

static void second_floppy(struct window *window)
{
    ask_medium(window, GATE_FLOPPY_B, NULL);
}

static void cdrom(struct window *window)
{
    ask_medium(window, GATE_CDROM, window->config->cdrom);
}

static void change_medium(struct window *window)
{
    static const char *const drives[] = {"floppy", "floppy2", "cdrom"};
    const char *drive = drives[window->prompt_drive];
    char text[MESSAGE_SIZE];
    snprintf(text, sizeof text, "%s: %.150s", drive,
             window->prompt.size ? window->prompt.text : "empty");
    if (window->prompt.size) {
        snprintf(window->medium[window->prompt_drive], PROMPT_SIZE, "%s", window->prompt.text);
        window_command(window, (const char *[]){"change", drive, window->prompt.text}, 3, text);
    } else {
        window_command(window, (const char *[]){"eject", drive}, 2, text);
    }
}

/* --- pasting --- */

static void paste(struct window *window)
{
    unsigned left_out;
    char *clipboard = SDL_GetClipboardText();
    char *text =
        paste_as_keys(clipboard ? clipboard : "", clipboard ? strlen(clipboard) : 0, &left_out);
    SDL_free(clipboard);
    if (*text)
        window_command(window, (const char *[]){"type", text}, 2, NULL);
    if (left_out)
        window_say(window, "%u character%s that no key types", left_out, left_out > 1 ? "s" : "");
    else
        window_say(window, *text ? "typing %zu characters" : "nothing to paste", strlen(text));
    mem_free(text);
}

/* --- the table --- */

static const struct hot_key_row {
    SDL_Scancode scancode;
    void (*act)(struct window *window);
    const char *help;
} rows[] = {
    {SDL_SCANCODE_UNKNOWN, NULL,              "Right Ctrl     take or release the mouse"    },
    {SDL_SCANCODE_H,       toggle_help,       "Right Ctrl+H   this list"                    },
    {SDL_SCANCODE_P,       pause_or_go_on,    "Right Ctrl+P   pause, go on"                 },
    {SDL_SCANCODE_RETURN,  toggle_fullscreen, "Right Ctrl+Enter full screen"                },
    {SDL_SCANCODE_M,       next_mode,         "Right Ctrl+M   smooth, or whole pixels"      },
    {SDL_SCANCODE_N,       larger,            "Right Ctrl+N   next size of the window"      },
    {SDL_SCANCODE_S,       screenshot,        "Right Ctrl+S   screenshot"                   },
    {SDL_SCANCODE_V,       paste,             "Right Ctrl+V   paste the clipboard by typing"},
    {SDL_SCANCODE_F,       floppy,            "Right Ctrl+F   change the floppy in drive A" },
    {SDL_SCANCODE_B,       second_floppy,     "Right Ctrl+B   change the floppy in drive B" },
    {SDL_SCANCODE_C,       cdrom,             "Right Ctrl+C   change the CD"                },
    {SDL_SCANCODE_D,       ctrl_alt_del,      "Right Ctrl+D   Ctrl-Alt-Del"                 },
    {SDL_SCANCODE_R,       ask_reset,         "Right Ctrl+R   reset button"                 },
    {SDL_SCANCODE_O,       power,             "Right Ctrl+O   power button"                 },
    {SDL_SCANCODE_Q,       window_ask_quit,   "Right Ctrl+Q   end the machine"              },
};

const char *hot_key_help(unsigned line)
{
    return line < ARRAY_LENGTH(rows) ? rows[line].help : NULL;
}

static void close_overlay(struct window *window)
{
    window->overlay = OVERLAY_NONE;
    SDL_StopTextInput();
}

void hot_key(struct window *window, SDL_Scancode scancode)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (!rows[i].act || rows[i].scancode != scancode)
            continue;
        if (window->overlay == OVERLAY_PROMPT)
            close_overlay(window);
        rows[i].act(window);
        window->stale = true;
        return;
    }
    window_say(window, "Right Ctrl+H lists the keys");
}

/* --- overlays --- */

static void prompt_key(struct window *window, const SDL_KeyboardEvent *event)
{
    bool ctrl = event->keysym.mod & KMOD_CTRL;
    switch (event->keysym.scancode) {
    case SDL_SCANCODE_RETURN:
    case SDL_SCANCODE_KP_ENTER:
        close_overlay(window);
        change_medium(window);
        break;
    case SDL_SCANCODE_ESCAPE:
        close_overlay(window);
        break;
    case SDL_SCANCODE_BACKSPACE:
        prompt_erase(&window->prompt, ctrl);
        break;
    case SDL_SCANCODE_TAB:
        if (!prompt_complete(&window->prompt))
            window_say(window, "no file begins like that");
        break;
    case SDL_SCANCODE_U:
        if (ctrl)
            prompt_set(&window->prompt, "");
        break;
    default:
        break;
    }
}

/* A machine that is kept by name ends by a command: if it cannot be saved, it goes on. */
static void kept_question_key(struct window *window, const SDL_KeyboardEvent *event)
{
    close_overlay(window);
    if (event->keysym.sym == SDLK_k)
        window_command(window, (const char *[]){"stop", "keep"}, 2, NULL);
    else if (event->keysym.sym == SDLK_d)
        window_command(window, (const char *[]){"stop", "drop"}, 2, NULL);
}

static void question_key(struct window *window, const SDL_KeyboardEvent *event)
{
    bool is_quit = window->overlay == OVERLAY_QUIT;
    /* Yes is the letter that the host's layout says it is. */
    bool yes = event->keysym.sym == SDLK_y || event->keysym.scancode == SDL_SCANCODE_RETURN;
    close_overlay(window);
    if (yes && is_quit)
        window->quit(window->opaque);
    else if (yes)
        window_command(window, (const char *[]){"reset"}, 1, "reset");
}

void overlay_key(struct window *window, const SDL_KeyboardEvent *event)
{
    window->stale = true;
    if (window->overlay == OVERLAY_PROMPT)
        prompt_key(window, event);
    else if (event->repeat)
        return;
    else if (window->overlay == OVERLAY_HELP)
        close_overlay(window);
    else if (window->overlay == OVERLAY_QUIT && window->config->kept_name)
        kept_question_key(window, event);
    else
        question_key(window, event);
}

void overlay_text(struct window *window, const char *text)
{
    /* The hot key that opened the prompt gives a character, too. */
    if (window->overlay != OVERLAY_PROMPT || window->host_down)
        return;
    prompt_add(&window->prompt, text);
    window->stale = true;
}
