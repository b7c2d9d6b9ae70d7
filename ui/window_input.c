/* Keyboard and mouse of the window, on their way to the guest. */
#include "ui/window_keys.h"
#include "ui/window_private.h"

#define HOST_KEY SDL_SCANCODE_RCTRL

enum { MOVE_MOST = 32767, WHEEL_MOST = 127 };

/* --- keyboard --- */

static void send_key(struct window *window, SDL_Scancode scancode, bool down)
{
    uint16_t key = window_key(scancode);
    if (!key || window->down[scancode] == down)
        return;
    window->down[scancode] = down;
    gate_key(window->gate, key, down);
}

void input_release_all(struct window *window)
{
    for (unsigned i = 0; i < SDL_NUM_SCANCODES; i++) {
        if (window->down[i])
            send_key(window, i, false);
    }
    window->buttons = 0;
    input_flush(window);
}

/* The host key alone releases the mouse, or takes it; with another key it is a command. Only when
 * it goes up is it known which. */
static void host_key(struct window *window, bool down)
{
    if (!down && window->host_down && !window->host_used && window->overlay == OVERLAY_NONE)
        input_grab(window, !window->grabbed && !window->status.absolute_pointer);
    window->host_down = down;
    window->host_used = false;
}

/* --- modifiers of which SDL is not sure --- */

/* SDL on X11 hears that a modifier is active before it hears which key it was, and takes the left
 * one for pressed; the right one follows at once, and is what the person did. So a left one waits a
 * moment. */
enum { MODIFIER_MS = 5, TO_THE_RIGHT = SDL_SCANCODE_RCTRL - SDL_SCANCODE_LCTRL };

static bool may_be_echo(SDL_Scancode scancode)
{
    return scancode >= SDL_SCANCODE_LCTRL && scancode <= SDL_SCANCODE_LGUI;
}

static void settle_modifier(struct window *window)
{
    SDL_Scancode scancode = window->unsettled;
    window->unsettled = SDL_SCANCODE_UNKNOWN;
    if (scancode)
        send_key(window, scancode, true);
}

bool input_is_unsettled(const struct window *window)
{
    return window->unsettled != SDL_SCANCODE_UNKNOWN;
}

void input_key(struct window *window, const SDL_KeyboardEvent *event)
{
    SDL_Scancode scancode = event->keysym.scancode;
    bool down = event->type == SDL_KEYDOWN;
    if (down && window->unsettled && scancode == window->unsettled + TO_THE_RIGHT)
        window->unsettled = SDL_SCANCODE_UNKNOWN;
    settle_modifier(window);
    if (scancode == HOST_KEY) {
        if (!event->repeat)
            host_key(window, down);
        return;
    }
    /* A release always reaches the guest that knows of the key. */
    if (!down) {
        send_key(window, scancode, false);
        return;
    }
    if (window->host_down) {
        window->host_used = true;
        if (!event->repeat)
            hot_key(window, scancode);
        return;
    }
    if (window->overlay != OVERLAY_NONE)
        overlay_key(window, event);
    else if (event->repeat) /* the guest's keyboard repeats by itself */
        return;
    else if (may_be_echo(scancode))
        window->unsettled = scancode, window->unsettled_since = SDL_GetTicks();
    else
        send_key(window, scancode, true);
}

/* --- mouse --- */

void input_grab(struct window *window, bool grab)
{
    if (grab == window->grabbed)
        return;
    window->grabbed = grab;
    SDL_SetRelativeMouseMode(grab ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowKeyboardGrab(window->sdl, grab ? SDL_TRUE : SDL_FALSE);
    if (!grab) {
        window->buttons = 0;
        input_flush(window);
    }
    window_set_title(window);
    window->stale = true;
}

/* Bits in the order of the gate. */
static unsigned button_bit(Uint8 button)
{
    static const uint8_t bits[] = {
        [SDL_BUTTON_LEFT] = 1, [SDL_BUTTON_RIGHT] = 2, [SDL_BUTTON_MIDDLE] = 4,
        [SDL_BUTTON_X1] = 8,   [SDL_BUTTON_X2] = 16,
    };
    return button < sizeof bits ? bits[button] : 0;
}

/* Where the pointer is, in the picture; false: beside it. */
static bool follow(struct window *window, int x, int y)
{
    bool inside = view_point(&window->view, x, y, &window->across, &window->downward);
    window->pointer_moved = true;
    return inside;
}

static void on_button(struct window *window, const SDL_MouseButtonEvent *event)
{
    bool down = event->type == SDL_MOUSEBUTTONDOWN;
    bool inside = !window->grabbed && follow(window, event->x, event->y);
    bool usable = window->grabbed || (inside && window->status.absolute_pointer);
    if (down && !usable) {
        /* The click that takes the mouse is not one for the guest. */
        if (inside && window->overlay == OVERLAY_NONE)
            input_grab(window, true);
        return;
    }
    input_flush(window); /* what came before the button was with the buttons before */
    if (down)
        window->buttons |= button_bit(event->button);
    else
        window->buttons &= ~button_bit(event->button);
    input_flush(window);
}

static int clamp(int value, int most)
{
    return value > most ? most : value < -most ? -most : value;
}

void input_mouse(struct window *window, const SDL_Event *event)
{
    bool usable = window->grabbed || window->status.absolute_pointer;
    switch (event->type) {
    case SDL_MOUSEMOTION:
        if (window->grabbed) {
            window->dx += event->motion.xrel;
            window->dy += event->motion.yrel;
        } else {
            follow(window, event->motion.x, event->motion.y);
        }
        break;
    case SDL_MOUSEWHEEL:
        /* SDL's positive direction is away from the person, the gate's towards. */
        if (usable)
            window->wheel -= event->wheel.y;
        break;
    default:
        on_button(window, &event->button);
        break;
    }
}

void input_flush(struct window *window)
{
    if (SDL_GetTicks() - window->unsettled_since >= MODIFIER_MS)
        settle_modifier(window);
    bool pressed = window->buttons != window->sent_buttons || window->wheel;
    int wheel = clamp(window->wheel, WHEEL_MOST);
    if (window->status.absolute_pointer) {
        if (window->pointer_moved || pressed)
            gate_pointer(window->gate, window->across, window->downward, wheel, window->buttons);
    } else if (window->dx || window->dy || pressed) {
        gate_mouse(window->gate, clamp(window->dx, MOVE_MOST), clamp(window->dy, MOVE_MOST), wheel,
                   window->buttons);
    }
    window->dx = window->dy = window->wheel = 0;
    window->pointer_moved = false;
    window->sent_buttons = window->buttons;
}
