#include "ui/window_private.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 100, /* the status line is looked at so often */
    MESSAGE_MS = 5000,
};

/* --- opening --- */

static bool fail(struct error *err, const char *what)
{
    return error_set(err, "--display sdl: %s: %s; --display term and none need no screen", what,
                     SDL_GetError());
}

static bool open_window(struct window *window, struct error *err)
{
    int width, height;
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    /* SDL would be content with a screen that nobody sees. */
    if (!window_is_likely() && !getenv("SDL_VIDEODRIVER"))
        return error_set(err,
                         "--display sdl: neither DISPLAY nor WAYLAND_DISPLAY names a screen; "
                         "use --display term or none");
    if (SDL_Init(SDL_INIT_VIDEO) != 0)
        return fail(err, "SDL does not start");
    window->event = SDL_RegisterEvents(1);
    view_natural_size(&window->frame, &width, &height);
    Uint32 flags = SDL_WINDOW_RESIZABLE | (window->fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    window->sdl = SDL_CreateWindow("Anachron", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                   width, height + BAR_HEIGHT, flags);
    return window->sdl ? draw_open(window, err) : fail(err, "there is no window");
}

struct window *window_open(const struct window_config *config, struct error *err)
{
    struct window *window = mem_new(sizeof *window);
    window->config = config;
    window->scale = config->scale;
    window->fullscreen = config->fullscreen;
    if (open_window(window, err)) {
        SDL_StopTextInput();
        return window;
    }
    window_close(window);
    return NULL;
}

void window_close(struct window *window)
{
    if (!window)
        return;
    draw_close(window);
    if (window->sdl)
        SDL_DestroyWindow(window->sdl);
    SDL_Quit();
    frame_free(&window->frame);
    mem_free(window);
}

/* --- messages and commands --- */

void window_say(struct window *window, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(window->message, sizeof window->message, format, arguments);
    va_end(arguments);
    window->message_until = SDL_GetTicks() + MESSAGE_MS;
    window->stale = true;
}

struct command_note {
    Uint32 event;
    char *success; /* owned; NULL: nothing to say */
};

/* On the machine's thread. */
static void on_answer(void *opaque, const struct control_outcome *outcome)
{
    struct command_note *note = opaque;
    const char *text = outcome->result ? note->success : outcome->err->text;
    if (text) {
        SDL_Event event = {
            .user = {.type = note->event, .code = WINDOW_MESSAGE}
        };
        event.user.data1 = mem_string_copy(text);
        if (SDL_PushEvent(&event) <= 0)
            mem_free(event.user.data1);
    }
    mem_free(note->success);
    mem_free(note);
}

void window_command(struct window *window, const char *const *words, unsigned count,
                    const char *success)
{
    struct command_word parsed[COMMAND_WORDS] = {0};
    struct command_call call;
    struct error err;
    for (unsigned i = 0; i < count; i++)
        parsed[i] = (struct command_word){(char *)words[i], strlen(words[i]), false};
    if (!command_parse_words(control_table(window->control), parsed, count, NULL, &call, &err)) {
        window_say(window, "%s", err.text);
        return;
    }
    struct command_note *note = mem_new(sizeof *note);
    note->event = window->event;
    note->success = success ? mem_string_copy(success) : NULL;
    control_post(window->control, &call, on_answer, note);
}

void window_set_title(struct window *window)
{
    const char *how = window->status.absolute_pointer ? "Right Ctrl+H: help"
                      : window->grabbed               ? "Right Ctrl releases the mouse"
                                        : "click to use the mouse, Right Ctrl+H: help";
    char title[128];
    snprintf(title, sizeof title, "Anachron%s - %s", window->status.paused ? " (paused)" : "", how);
    SDL_SetWindowTitle(window->sdl, title);
}

/* --- the machine's news --- */

static void on_news(void *opaque)
{
    const struct window *window = opaque;
    SDL_Event event = {
        .user = {.type = window->event, .code = WINDOW_NEWS}
    };
    SDL_PushEvent(&event);
}

static void take_news(struct window *window)
{
    struct screen_status before = window->status;
    screen_get_status(window->screen, &window->status);
    draw_take_frame(window);
    if (window->status.absolute_pointer && window->grabbed)
        input_grab(window, false);
    if (before.paused != window->status.paused ||
        before.absolute_pointer != window->status.absolute_pointer)
        window_set_title(window);
    SDL_ShowCursor(window->status.absolute_pointer ? SDL_DISABLE : SDL_ENABLE);
    window->done |= window->status.ended;
}

/* --- events --- */

static void on_window_event(struct window *window, const SDL_WindowEvent *event)
{
    window->stale = true;
    switch (event->event) {
    case SDL_WINDOWEVENT_RESIZED:
        window->resized_by_hand = true;
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        window->host_down = false;
        input_release_all(window);
        input_grab(window, false);
        break;
    case SDL_WINDOWEVENT_CLOSE:
        window_ask_quit(window);
        break;
    default:
        break;
    }
}

static void on_own_event(struct window *window, const SDL_UserEvent *event)
{
    if (event->code == WINDOW_MESSAGE) {
        window_say(window, "%s", (const char *)event->data1);
        mem_free(event->data1);
    }
}

static void on_event(struct window *window, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_WINDOWEVENT:
        on_window_event(window, &event->window);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        input_key(window, &event->key);
        break;
    case SDL_TEXTINPUT:
        overlay_text(window, event->text.text);
        break;
    case SDL_MOUSEMOTION:
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
    case SDL_MOUSEWHEEL:
        input_mouse(window, event);
        break;
    default:
        if (event->type == window->event)
            on_own_event(window, &event->user);
        break;
    }
}

void window_show(struct window *window, struct gate *gate, struct control *control,
                 struct screen *screen, void (*quit)(void *opaque), void *opaque)
{
    SDL_Event event;
    window->gate = gate;
    window->control = control;
    window->screen = screen;
    window->quit = quit;
    window->opaque = opaque;
    window->watcher = screen_watch(screen, SCREEN_PIXELS, on_news, window);
    window_set_title(window);
    while (!window->done) {
        if (SDL_WaitEventTimeout(&event, input_is_unsettled(window) ? 1 : TICK_MS)) {
            do
                on_event(window, &event);
            while (SDL_PollEvent(&event));
        }
        input_flush(window);
        take_news(window);
        draw_present(window);
    }
    input_grab(window, false);
    screen_unwatch(window->watcher);
}
