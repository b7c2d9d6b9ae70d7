/* Keys, pointer and text from a viewer, on its thread. */
#include "base/memory.h"
#include "bus/keys.h"
#include "ui/paste.h"
#include "ui/vnc_keys.h"
#include "ui/vnc_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

enum {
    LED_CAPS_LOCK = 1 << 2, /* of screen_status.keyboard_leds */
    /* The protocol's buttons. */
    BUTTON_LEFT = 1 << 0,
    BUTTON_MIDDLE = 1 << 1,
    BUTTON_RIGHT = 1 << 2,
    BUTTON_WHEEL_UP = 1 << 3,
    BUTTON_WHEEL_DOWN = 1 << 4,
    /* The extended key event: message FFh, submessage 00h. */
    EXTENDED_KEY = 0,
};

static struct vnc_viewer *viewer_of(rfbClientPtr client)
{
    return client->screen->screenData;
}

/* --- keys --- */

static bool holds(const struct vnc_viewer *viewer, uint16_t code)
{
    for (unsigned i = 0; i < viewer->held_count; i++) {
        if (viewer->held[i].code == code)
            return true;
    }
    return false;
}

/* Text of the viewer's clipboard is typed on request only: many viewers send it unasked. */
static void paste(struct vnc_viewer *viewer)
{
    unsigned left_out;
    char *text = paste_as_keys(viewer->cut_text, viewer->cut_size, &left_out);
    struct command_word words[] = {
        {"type", 4,            false},
        {text,   strlen(text), false}
    };
    struct command_call call;
    struct error err;
    if (command_parse_words(control_table(viewer->vnc->control), words, 2, NULL, &call, &err))
        control_post(viewer->vnc->control, &call, NULL, NULL);
    mem_free(text);
}

/* The symbol is meant, not the key: Shift is put where it must be for it, unless the viewer holds
 * Ctrl or Alt, with which keys are meant. */
static void press(struct vnc_viewer *viewer, uint32_t keysym, uint16_t code, enum vnc_shift shift)
{
    struct gate *gate = viewer->vnc->gate;
    bool left = holds(viewer, KEY_LEFT_SHIFT), right = holds(viewer, KEY_RIGHT_SHIFT);
    bool wanted = shift == VNC_SHIFT_DOWN;
    struct screen_status status;
    screen_get_status(viewer->vnc->screen, &status);
    if (keysym < 0x7F && isalpha((int)keysym) && status.keyboard_leds & LED_CAPS_LOCK)
        wanted = !wanted;
    bool is_shortcut = holds(viewer, KEY_LEFT_CTRL) || holds(viewer, KEY_RIGHT_CTRL) ||
                       holds(viewer, KEY_LEFT_ALT) || holds(viewer, KEY_RIGHT_ALT);
    if (shift == VNC_SHIFT_ANY || is_shortcut || wanted == (left || right)) {
        gate_key(gate, code, true);
        return;
    }
    if (wanted)
        gate_key(gate, KEY_LEFT_SHIFT, true);
    if (left)
        gate_key(gate, KEY_LEFT_SHIFT, false);
    if (right)
        gate_key(gate, KEY_RIGHT_SHIFT, false);
    gate_key(gate, code, true);
    if (left)
        gate_key(gate, KEY_LEFT_SHIFT, true);
    if (right)
        gate_key(gate, KEY_RIGHT_SHIFT, true);
    if (wanted)
        gate_key(gate, KEY_LEFT_SHIFT, false);
}

/* Right Ctrl+V, as in the window. */
static bool is_paste(const struct vnc_viewer *viewer, uint32_t keysym)
{
    return (keysym == 'v' || keysym == 'V') && holds(viewer, KEY_RIGHT_CTRL);
}

static void key_down(struct vnc_viewer *viewer, uint32_t keysym, uint16_t code,
                     enum vnc_shift shift)
{
    if (is_paste(viewer, keysym)) {
        gate_key(viewer->vnc->gate, KEY_RIGHT_CTRL, false);
        paste(viewer);
        return;
    }
    if (!code)
        return;
    if (!holds(viewer, code)) {
        /* More keys than anybody has fingers: it could not be released. */
        if (viewer->held_count == VNC_HELD_KEYS)
            return;
        viewer->held[viewer->held_count++] = (struct vnc_held){keysym, code};
    }
    press(viewer, keysym, code, shift);
}

/* By keysym, or by code where the viewer says it. */
static void key_up(struct vnc_viewer *viewer, uint32_t keysym, uint16_t code)
{
    for (unsigned i = 0; i < viewer->held_count; i++) {
        if (code ? viewer->held[i].code != code : viewer->held[i].keysym != keysym)
            continue;
        gate_key(viewer->vnc->gate, viewer->held[i].code, false);
        viewer->held[i] = viewer->held[--viewer->held_count];
        return;
    }
}

void vnc_on_key(rfbBool down, rfbKeySym keysym, rfbClientPtr client)
{
    struct vnc_viewer *viewer = viewer_of(client);
    enum vnc_shift shift;
    uint16_t code = vnc_key(keysym, &shift);
    if (down)
        key_down(viewer, keysym, code, shift);
    else if (!is_paste(viewer, keysym))
        /* A letter may have changed its case since it was pressed: then it is found by its key. */
        key_up(viewer, keysym, code && holds(viewer, code) ? code : 0);
}

void vnc_on_release_keys(rfbClientPtr client)
{
    vnc_release_all(viewer_of(client));
}

/* Says, by a rectangle of that encoding in a picture without pixels, that it is understood. */
rfbBool vnc_on_encoding(rfbClientPtr client, void **data, int encoding)
{
    rfbFramebufferUpdateMsg update = {.type = rfbFramebufferUpdate, .nRects = htons(1)};
    rfbFramebufferUpdateRectHeader header = {.encoding = htonl((uint32_t)encoding)};
    if ((uint32_t)encoding != rfbEncodingQemuExtendedKeyEvent)
        return FALSE;
    return rfbWriteExact(client, (const char *)&update, sz_rfbFramebufferUpdateMsg) > 0 &&
           rfbWriteExact(client, (const char *)&header, sz_rfbFramebufferUpdateRectHeader) > 0;
}

rfbBool vnc_on_message(rfbClientPtr client, void *data, const rfbClientToServerMsg *message)
{
    struct vnc_viewer *viewer = viewer_of(client);
    rfbQemuExtendedKeyEventMsg event;
    if (message->type != rfbQemuEvent)
        return FALSE;
    if (rfbReadExact(client, (char *)&event + 1, sz_rfbQemuExtendedKeyEventMsg - 1) <= 0 ||
        event.subtype != EXTENDED_KEY) {
        rfbCloseClient(client);
        return TRUE;
    }
    uint32_t keysym = ntohl(event.keysym);
    uint16_t code = vnc_key_of_scan_code(ntohl(event.keycode));
    if (!code)
        vnc_on_key(event.down != 0, keysym, client);
    else if (event.down)
        key_down(viewer, keysym, code, VNC_SHIFT_ANY);
    else
        key_up(viewer, keysym, code);
    return TRUE;
}

/* --- pointer --- */

static void point(struct vnc_viewer *viewer, int wheel)
{
    unsigned last_x = viewer->frame.width > 1 ? viewer->frame.width - 1 : 1;
    unsigned last_y = viewer->frame.height > 1 ? viewer->frame.height - 1 : 1;
    unsigned x = viewer->x < last_x ? viewer->x : last_x;
    unsigned y = viewer->y < last_y ? viewer->y : last_y;
    unsigned b = viewer->buttons;
    gate_pointer(viewer->vnc->gate, x * UINT16_MAX / last_x, y * UINT16_MAX / last_y, wheel,
                 (b & BUTTON_LEFT ? 1u : 0) | (b & BUTTON_RIGHT ? 2u : 0) |
                     (b & BUTTON_MIDDLE ? 4u : 0));
}

void vnc_on_pointer(int buttons, int x, int y, rfbClientPtr client)
{
    struct vnc_viewer *viewer = viewer_of(client);
    unsigned pressed = (unsigned)buttons & ~viewer->buttons;
    viewer->buttons = (unsigned)buttons;
    viewer->x = (unsigned)x;
    viewer->y = (unsigned)y;
    point(viewer, (pressed & BUTTON_WHEEL_DOWN ? 1 : 0) - (pressed & BUTTON_WHEEL_UP ? 1 : 0));
}

void vnc_release_all(struct vnc_viewer *viewer)
{
    while (viewer->held_count)
        gate_key(viewer->vnc->gate, viewer->held[--viewer->held_count].code, false);
    if (viewer->buttons) {
        viewer->buttons = 0;
        point(viewer, 0);
    }
}

/* --- text --- */

void vnc_on_cut_text(char *text, int size, rfbClientPtr client)
{
    struct vnc_viewer *viewer = viewer_of(client);
    size_t kept = size < 0 ? 0 : size > VNC_CUT_TEXT_MAX ? VNC_CUT_TEXT_MAX : (size_t)size;
    mem_free(viewer->cut_text);
    viewer->cut_text = mem_new(kept + 1);
    memcpy(viewer->cut_text, text, kept);
    viewer->cut_size = kept;
}
