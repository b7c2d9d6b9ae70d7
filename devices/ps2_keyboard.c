#include "devices/ps2_keyboard.h"

#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"
#include "devices/ps2_scancodes.h"

#include <assert.h>

enum {
    BUFFER_SIZE = 16,
    REPLY_SIZE = 4,
    NO_KEY = 0xFF,
    ACK = 0xFA,
    RESEND = 0xFE,
    ECHO = 0xEE,
    BAT_PASSED = 0xAA,
    FIRST_COMMAND = 0xED, /* argument bytes are below */
    LED_NUM_LOCK = 1 << 1,
    LED_BITS = 7,
    TYPEMATIC_BITS = 0x7F,
    TYPEMATIC_DEFAULT = 0x2B, /* 500 ms, 10.9 characters a second */
};

enum command {
    CMD_SET_LEDS = 0xED,
    CMD_ECHO = 0xEE,
    CMD_SCAN_SET = 0xF0,
    CMD_IDENTIFY = 0xF2,
    CMD_TYPEMATIC = 0xF3,
    CMD_ENABLE = 0xF4,
    CMD_DEFAULT_DISABLE = 0xF5,
    CMD_DEFAULT = 0xF6,
    CMD_ALL_TYPEMATIC = 0xF7,
    CMD_ALL_BREAK = 0xF8,
    CMD_ALL_MAKE = 0xF9,
    CMD_ALL_TYPEMATIC_BREAK = 0xFA,
    CMD_KEY_TYPEMATIC = 0xFB,
    CMD_KEY_BREAK = 0xFC,
    CMD_KEY_MAKE = 0xFD,
    CMD_RESEND = 0xFE,
    CMD_RESET = 0xFF,
};

/* The basic assurance test takes 300 to 500 ms on IBM's keyboard; others are much faster, and every
 * driver waits for the answer. */
#define BAT_TIME_NS (UINT64_C(10) * NS_PER_MILLISECOND)

struct ps2_keyboard {
    uint8_t replies[REPLY_SIZE]; /* answers to commands, oldest first; sent before keys */
    uint8_t reply_count;
    uint8_t buffer[BUFFER_SIZE + 1]; /* scan codes, oldest first; one more place for overrun */
    uint8_t buffer_count;
    bool overrun; /* the overrun code is in the buffer */
    uint8_t last_sent;
    uint8_t awaited; /* command whose argument is to come, or 0 */
    bool scanning;
    uint8_t scan_set; /* 1..3 */
    uint8_t typematic;
    uint8_t leds;
    uint8_t mode[PS2_KEY_COUNT]; /* set 3: enum ps2_key_mode */
    bool pressed[PS2_KEY_COUNT];
    uint8_t repeating; /* index of the key that repeats, or NO_KEY */
    struct timer repeat;
    struct timer self_test;

    struct clock *clock;
    struct ps2_port port;
    void (*ready)(void *controller);
    void *controller;
};

static const char *ps2_keyboard_misfit(const void *base)
{
    const struct ps2_keyboard *keyboard = base;
    if (keyboard->buffer_count > BUFFER_SIZE && !keyboard->overrun)
        return "the last place of the buffer holds no overrun code";
    if (timer_armed(&keyboard->self_test) && keyboard->reply_count == REPLY_SIZE)
        return "there is no place for the answer of the self-test";
    return NULL;
}

static const struct field ps2_keyboard_fields[] = {
    FIELD_ARRAY(struct ps2_keyboard, replies, uint8_t),
    FIELD_MOST(struct ps2_keyboard, reply_count, REPLY_SIZE),
    FIELD_ARRAY(struct ps2_keyboard, buffer, uint8_t),
    FIELD_MOST(struct ps2_keyboard, buffer_count, BUFFER_SIZE + 1),
    FIELD(struct ps2_keyboard, overrun),
    FIELD(struct ps2_keyboard, last_sent),
    FIELD(struct ps2_keyboard, awaited),
    FIELD(struct ps2_keyboard, scanning),
    FIELD_RANGE(struct ps2_keyboard, scan_set, 1, 3),
    FIELD_MOST(struct ps2_keyboard, typematic, TYPEMATIC_BITS),
    FIELD_MOST(struct ps2_keyboard, leds, LED_BITS),
    FIELD_ARRAY_MOST(struct ps2_keyboard, mode, uint8_t, PS2_KEY_TYPEMATIC | PS2_KEY_BREAK),
    FIELD_ARRAY(struct ps2_keyboard, pressed, bool),
    FIELD(struct ps2_keyboard, repeating),
    FIELD_STRUCT(struct ps2_keyboard, repeat, timer_fields),
    FIELD_STRUCT(struct ps2_keyboard, self_test, timer_fields),
    FIELD_CHECK(ps2_keyboard_misfit),
    FIELD_TRANSIENT(struct ps2_keyboard, clock),
    FIELD_TRANSIENT(struct ps2_keyboard, port),
    FIELD_TRANSIENT(struct ps2_keyboard, ready),
    FIELD_TRANSIENT(struct ps2_keyboard, controller),
    FIELD_END,
};

static void tell_controller(struct ps2_keyboard *keyboard)
{
    if (keyboard->ready)
        keyboard->ready(keyboard->controller);
}

static void reply(struct ps2_keyboard *keyboard, uint8_t byte)
{
    assert(keyboard->reply_count < REPLY_SIZE);
    keyboard->replies[keyboard->reply_count++] = byte;
    tell_controller(keyboard);
}

/* --- scan codes --- */

/* The bytes of one event, put into the buffer whole or not at all. */
struct sequence {
    uint8_t bytes[16];
    unsigned count;
};

static void add_byte(struct sequence *sequence, uint8_t byte)
{
    assert(sequence->count < sizeof(sequence->bytes));
    sequence->bytes[sequence->count++] = byte;
}

/* A make or break code in set 1 or 2, given its code in both. */
static void add_code(const struct ps2_keyboard *keyboard, struct sequence *sequence, bool grey,
                     uint8_t set1, uint8_t set2, bool down)
{
    if (grey)
        add_byte(sequence, 0xE0);
    if (keyboard->scan_set == 1) {
        add_byte(sequence, down ? set1 : set1 | 0x80);
        return;
    }
    if (!down)
        add_byte(sequence, 0xF0);
    add_byte(sequence, set2);
}

static bool is_down(const struct ps2_keyboard *keyboard, enum key key)
{
    return keyboard->pressed[ps2_key_index(key)];
}

static bool left_shift_down(const struct ps2_keyboard *keyboard)
{
    return is_down(keyboard, KEY_LEFT_SHIFT);
}

static bool right_shift_down(const struct ps2_keyboard *keyboard)
{
    return is_down(keyboard, KEY_RIGHT_SHIFT);
}

static bool ctrl_down(const struct ps2_keyboard *keyboard)
{
    return is_down(keyboard, KEY_LEFT_CTRL) || is_down(keyboard, KEY_RIGHT_CTRL);
}

static bool alt_down(const struct ps2_keyboard *keyboard)
{
    return is_down(keyboard, KEY_LEFT_ALT) || is_down(keyboard, KEY_RIGHT_ALT);
}

/* The grey cursor keys do what the white ones do without Num Lock and Shift; the keyboard makes a
 * driver that knows only the white ones believe that by pretending shift changes around them. */
static bool is_grey_cursor_key(uint16_t key)
{
    return key >= KEY_HOME && key <= KEY_DELETE;
}

/* Shift changes before a grey key goes down (undo false) or after it came up (undo true). */
static void add_fake_shifts(const struct ps2_keyboard *keyboard, struct sequence *sequence,
                            uint16_t key, bool undo)
{
    bool shifted = left_shift_down(keyboard) || right_shift_down(keyboard);
    bool num_lock = keyboard->leds & LED_NUM_LOCK;
    if (key == KEY_KEYPAD_SLASH ? shifted : is_grey_cursor_key(key) && shifted && !num_lock) {
        if (left_shift_down(keyboard))
            add_code(keyboard, sequence, true, 0x2A, 0x12, undo);
        if (right_shift_down(keyboard))
            add_code(keyboard, sequence, true, 0x36, 0x59, undo);
    } else if (is_grey_cursor_key(key) && num_lock && !shifted) {
        add_code(keyboard, sequence, true, 0x2A, 0x12, !undo);
    }
}

/* Print Screen is keypad * with a pretended shift, and System Request with Alt. */
static void add_print_screen(const struct ps2_keyboard *keyboard, struct sequence *sequence,
                             bool down)
{
    bool shifted = left_shift_down(keyboard) || right_shift_down(keyboard);
    if (alt_down(keyboard)) {
        add_code(keyboard, sequence, false, 0x54, 0x84, down);
        return;
    }
    bool plain = !shifted && !ctrl_down(keyboard);
    if (plain && down)
        add_code(keyboard, sequence, true, 0x2A, 0x12, true);
    add_code(keyboard, sequence, true, 0x37, 0x7C, down);
    if (plain && !down)
        add_code(keyboard, sequence, true, 0x2A, 0x12, false);
}

/* Pause sends make and break at once when it goes down; with Ctrl it is Break. */
static void add_pause(const struct ps2_keyboard *keyboard, struct sequence *sequence, bool down)
{
    if (!down)
        return;
    for (int make = 1; make >= 0; make--) {
        if (ctrl_down(keyboard)) {
            add_code(keyboard, sequence, true, 0x46, 0x7E, make);
        } else {
            add_byte(sequence, 0xE1);
            add_code(keyboard, sequence, false, 0x1D, 0x14, make);
            add_code(keyboard, sequence, false, 0x45, 0x77, make);
        }
    }
}

static void add_set3(const struct ps2_keyboard *keyboard, struct sequence *sequence, int index,
                     bool down)
{
    if (!down && !(keyboard->mode[index] & PS2_KEY_BREAK))
        return;
    if (!down)
        add_byte(sequence, 0xF0);
    add_byte(sequence, ps2_scancodes[index].set3);
}

static void add_key(const struct ps2_keyboard *keyboard, struct sequence *sequence, int index,
                    bool down)
{
    const struct ps2_scancode *codes = &ps2_scancodes[index];
    if (keyboard->scan_set == 3) {
        add_set3(keyboard, sequence, index, down);
    } else if (codes->key == KEY_PAUSE) {
        add_pause(keyboard, sequence, down);
    } else if (codes->key == KEY_PRINT_SCREEN) {
        add_print_screen(keyboard, sequence, down);
    } else {
        if (down)
            add_fake_shifts(keyboard, sequence, codes->key, false);
        add_code(keyboard, sequence, codes->key >= 0xE000, (uint8_t)codes->key, codes->set2, down);
        if (!down)
            add_fake_shifts(keyboard, sequence, codes->key, true);
    }
}

static void send_key(struct ps2_keyboard *keyboard, int index, bool down)
{
    struct sequence sequence = {.count = 0};
    add_key(keyboard, &sequence, index, down);
    if (sequence.count == 0 || keyboard->overrun)
        return;
    if (keyboard->buffer_count + sequence.count > BUFFER_SIZE) {
        keyboard->overrun = true;
        keyboard->buffer[keyboard->buffer_count++] = keyboard->scan_set == 1 ? 0xFF : 0x00;
    } else {
        memcpy(keyboard->buffer + keyboard->buffer_count, sequence.bytes, sequence.count);
        keyboard->buffer_count = (uint8_t)(keyboard->buffer_count + sequence.count);
    }
    tell_controller(keyboard);
}

/* --- typematic repeat --- */

static uint64_t repeat_delay_ns(const struct ps2_keyboard *keyboard)
{
    return (1 + bits_get(keyboard->typematic, 6, 5)) * 250 * NS_PER_MILLISECOND;
}

/* (8 + A) * 2^B * 4.17 ms; A is bits 2:0, B bits 4:3. */
static uint64_t repeat_period_ns(const struct ps2_keyboard *keyboard)
{
    uint64_t steps = (uint64_t)(8 + bits_get(keyboard->typematic, 2, 0))
                     << bits_get(keyboard->typematic, 4, 3);
    return steps * 4170 * NS_PER_MICROSECOND;
}

static bool repeats(const struct ps2_keyboard *keyboard, int index)
{
    if (keyboard->scan_set == 3)
        return keyboard->mode[index] & PS2_KEY_TYPEMATIC;
    return ps2_scancodes[index].key != KEY_PAUSE;
}

static void stop_repeating(struct ps2_keyboard *keyboard)
{
    keyboard->repeating = NO_KEY;
    timer_cancel(&keyboard->repeat);
}

static void repeat_expired(void *device)
{
    struct ps2_keyboard *keyboard = device;
    if (keyboard->repeating >= PS2_KEY_COUNT)
        return;
    /* A held key is stored once only while the host does not take codes. */
    if (keyboard->scanning && keyboard->buffer_count == 0)
        send_key(keyboard, keyboard->repeating, true);
    timer_arm(&keyboard->repeat, clock_now(keyboard->clock) + repeat_period_ns(keyboard));
}

void ps2_keyboard_key(struct ps2_keyboard *keyboard, enum key code, bool pressed)
{
    int index = ps2_key_index(code);
    if (index < 0 || keyboard->pressed[index] == pressed)
        return;
    keyboard->pressed[index] = pressed;
    if (!pressed && keyboard->repeating == index)
        stop_repeating(keyboard);
    if (!keyboard->scanning)
        return;
    send_key(keyboard, index, pressed);
    if (pressed && repeats(keyboard, index)) {
        keyboard->repeating = (uint8_t)index;
        timer_arm(&keyboard->repeat, clock_now(keyboard->clock) + repeat_delay_ns(keyboard));
    }
}

uint8_t ps2_keyboard_leds(const struct ps2_keyboard *keyboard)
{
    return keyboard->leds;
}

unsigned ps2_keyboard_room(const struct ps2_keyboard *keyboard)
{
    return keyboard->reply_count || keyboard->buffer_count ? 0 : BUFFER_SIZE;
}

/* --- commands --- */

static void clear_buffer(struct ps2_keyboard *keyboard)
{
    keyboard->buffer_count = 0;
    keyboard->overrun = false;
    stop_repeating(keyboard);
}

static void set_defaults(struct ps2_keyboard *keyboard)
{
    clear_buffer(keyboard);
    keyboard->scan_set = 2;
    keyboard->typematic = TYPEMATIC_DEFAULT;
    for (int i = 0; i < PS2_KEY_COUNT; i++)
        keyboard->mode[i] = ps2_scancodes[i].mode;
}

static void start_self_test(struct ps2_keyboard *keyboard)
{
    set_defaults(keyboard);
    keyboard->leds = 0;
    keyboard->scanning = false;
    timer_arm(&keyboard->self_test, clock_now(keyboard->clock) + BAT_TIME_NS);
}

static void self_test_done(void *device)
{
    struct ps2_keyboard *keyboard = device;
    keyboard->scanning = true;
    reply(keyboard, BAT_PASSED);
}

static void set_all_modes(struct ps2_keyboard *keyboard, uint8_t mode)
{
    clear_buffer(keyboard);
    memset(keyboard->mode, mode, sizeof(keyboard->mode));
}

static uint8_t command_mode(uint8_t command)
{
    switch (command) {
    case CMD_ALL_TYPEMATIC:
    case CMD_KEY_TYPEMATIC:
        return PS2_KEY_TYPEMATIC;
    case CMD_ALL_BREAK:
    case CMD_KEY_BREAK:
        return PS2_KEY_BREAK;
    case CMD_ALL_TYPEMATIC_BREAK:
        return PS2_KEY_TYPEMATIC | PS2_KEY_BREAK;
    default:
        return PS2_KEY_MAKE;
    }
}

static void do_command(struct ps2_keyboard *keyboard, uint8_t command)
{
    switch (command) {
    case CMD_ECHO:
        reply(keyboard, ECHO);
        return;
    case CMD_RESEND:
        reply(keyboard, keyboard->last_sent);
        return;
    case CMD_SET_LEDS:
    case CMD_SCAN_SET:
    case CMD_TYPEMATIC:
        keyboard->awaited = command;
        break;
    case CMD_KEY_TYPEMATIC:
    case CMD_KEY_BREAK:
    case CMD_KEY_MAKE:
        clear_buffer(keyboard);
        keyboard->awaited = command;
        break;
    case CMD_IDENTIFY:
        reply(keyboard, ACK);
        reply(keyboard, 0xAB);
        reply(keyboard, 0x83);
        return;
    case CMD_ENABLE:
        clear_buffer(keyboard);
        keyboard->scanning = true;
        break;
    case CMD_DEFAULT_DISABLE:
    case CMD_DEFAULT:
        set_defaults(keyboard);
        keyboard->scanning = command == CMD_DEFAULT;
        break;
    case CMD_ALL_TYPEMATIC:
    case CMD_ALL_BREAK:
    case CMD_ALL_MAKE:
    case CMD_ALL_TYPEMATIC_BREAK:
        set_all_modes(keyboard, command_mode(command));
        break;
    case CMD_RESET:
        start_self_test(keyboard);
        break;
    default:
        reply(keyboard, RESEND);
        return;
    }
    reply(keyboard, ACK);
}

static void select_scan_set(struct ps2_keyboard *keyboard, uint8_t set)
{
    if (set > 3) {
        reply(keyboard, RESEND);
        return;
    }
    reply(keyboard, ACK);
    if (set == 0) {
        reply(keyboard, keyboard->scan_set);
        return;
    }
    clear_buffer(keyboard);
    keyboard->scan_set = set;
}

static void take_argument(struct ps2_keyboard *keyboard, uint8_t byte)
{
    uint8_t command = keyboard->awaited;
    int index;
    switch (command) {
    case CMD_SET_LEDS:
        keyboard->leds = byte & LED_BITS;
        break;
    case CMD_TYPEMATIC:
        keyboard->typematic = byte & TYPEMATIC_BITS;
        break;
    case CMD_SCAN_SET:
        keyboard->awaited = 0;
        select_scan_set(keyboard, byte);
        return;
    default: /* one key's mode in set 3; stays in force for further codes */
        index = ps2_set3_index(byte);
        if (index < 0) {
            reply(keyboard, RESEND);
            return;
        }
        keyboard->mode[index] = command_mode(command);
        reply(keyboard, ACK);
        return;
    }
    keyboard->awaited = 0;
    reply(keyboard, ACK);
}

/* --- the wire --- */

/* A command ends the self-test early, and what had not been sent of the answer before it. */
static void wire_write(void *device, uint8_t byte)
{
    struct ps2_keyboard *keyboard = device;
    keyboard->reply_count = 0;
    if (timer_armed(&keyboard->self_test)) {
        timer_cancel(&keyboard->self_test);
        keyboard->scanning = true;
    }
    if (keyboard->awaited && byte < FIRST_COMMAND) {
        take_argument(keyboard, byte);
    } else {
        keyboard->awaited = 0;
        do_command(keyboard, byte);
    }
}

static bool wire_waiting(void *device)
{
    const struct ps2_keyboard *keyboard = device;
    return keyboard->reply_count || (keyboard->buffer_count && !keyboard->awaited);
}

static uint8_t take_first(uint8_t *bytes, uint8_t *count)
{
    uint8_t first = bytes[0];
    --*count;
    memmove(bytes, bytes + 1, *count);
    return first;
}

static bool wire_take(void *device, uint8_t *byte)
{
    struct ps2_keyboard *keyboard = device;
    if (!wire_waiting(device))
        return false;
    if (keyboard->reply_count) {
        *byte = take_first(keyboard->replies, &keyboard->reply_count);
    } else {
        *byte = take_first(keyboard->buffer, &keyboard->buffer_count);
        if (keyboard->buffer_count == 0)
            keyboard->overrun = false;
    }
    keyboard->last_sent = *byte;
    return true;
}

static void wire_connect(void *device, void (*ready)(void *controller), void *controller)
{
    struct ps2_keyboard *keyboard = device;
    keyboard->ready = ready;
    keyboard->controller = controller;
}

const struct ps2_port *ps2_keyboard_port(struct ps2_keyboard *keyboard)
{
    return &keyboard->port;
}

static void ps2_keyboard_reset(void *device, enum reset_kind kind)
{
    struct ps2_keyboard *keyboard = device;
    /* RESET# does not reach the keyboard, but firmware resets it, and the power-on test does the
     * same. Which keys are down is the world's business. */
    keyboard->reply_count = 0;
    keyboard->awaited = 0;
    keyboard->last_sent = 0;
    start_self_test(keyboard);
}

static const struct device_class ps2_keyboard_class = {
    .name = "ps2_keyboard",
    .size = sizeof(struct ps2_keyboard),
    .fields = ps2_keyboard_fields,
    .reset = ps2_keyboard_reset,
};

struct ps2_keyboard *ps2_keyboard_new(struct bus *bus)
{
    struct ps2_keyboard *keyboard = mem_new(sizeof(*keyboard));
    keyboard->clock = bus_clock(bus);
    keyboard->port = (struct ps2_port){
        .device = keyboard,
        .write = wire_write,
        .take = wire_take,
        .waiting = wire_waiting,
        .connect = wire_connect,
    };
    timer_init(&keyboard->repeat, keyboard->clock, repeat_expired, keyboard);
    timer_init(&keyboard->self_test, keyboard->clock, self_test_done, keyboard);
    bus_add_device(bus, &ps2_keyboard_class, keyboard);
    ps2_keyboard_reset(keyboard, RESET_POWER_ON);
    return keyboard;
}
