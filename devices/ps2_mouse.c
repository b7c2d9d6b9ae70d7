#include "devices/ps2_mouse.h"

#include "base/memory.h"
#include "base/time128.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPLY_SIZE = 8,
    PACKET_SIZE = 4,
    ACK = 0xFA,
    RESEND = 0xFE,
    ERROR = 0xFC,
    BAT_PASSED = 0xAA,
    ID_STANDARD = 0,
    ID_WHEEL = 3,
    ID_FIVE_BUTTONS = 4,
    DEFAULT_RATE = 100,
    LEAST_RATE = 10,
    MOST_RATE = 200,
    DEFAULT_RESOLUTION = 2, /* 4 counts per millimetre */
    MOST_RESOLUTION = 3,
    /* Movement is kept in units of an eighth of a count at 8 counts per millimetre. */
    UNITS_PER_COUNT = 2,
    COUNT_MAX = 255,
    ACCUMULATED_MAX = 1 << 20,
};

enum command {
    CMD_SCALE_1_1 = 0xE6,
    CMD_SCALE_2_1 = 0xE7,
    CMD_RESOLUTION = 0xE8,
    CMD_STATUS = 0xE9,
    CMD_STREAM = 0xEA,
    CMD_READ_DATA = 0xEB,
    CMD_END_WRAP = 0xEC,
    CMD_WRAP = 0xEE,
    CMD_REMOTE = 0xF0,
    CMD_IDENTIFY = 0xF2,
    CMD_RATE = 0xF3,
    CMD_ENABLE = 0xF4,
    CMD_DISABLE = 0xF5,
    CMD_DEFAULT = 0xF6,
    CMD_RESEND = 0xFE,
    CMD_RESET = 0xFF,
};

enum {
    PACKET_ALWAYS_ONE = 1 << 3,
    PACKET_X_NEGATIVE = 1 << 4,
    PACKET_Y_NEGATIVE = 1 << 5,
};

#define BAT_TIME_NS (UINT64_C(10) * NS_PER_MILLISECOND)

struct ps2_mouse {
    uint8_t replies[REPLY_SIZE];
    uint8_t reply_count;
    uint8_t packet[PACKET_SIZE]; /* movement report on its way */
    uint8_t packet_size, packet_sent;
    uint8_t last[REPLY_SIZE]; /* last answer or report, for CMD_RESEND */
    uint8_t last_count;
    uint8_t awaited; /* command whose argument is to come, or 0 */
    uint8_t errors;  /* wrong bytes in a row */
    bool enabled, remote, wrap, scale_2_1;
    uint8_t rate, resolution, id;
    uint8_t rates[3]; /* the last three sample rates set, oldest first: the knock */
    uint8_t buttons, reported_buttons;
    bool nudged;        /* an empty report is wanted */
    uint8_t clicked;    /* went down since the last report: a short click is not lost between two */
    int32_t dx, dy, dz; /* not yet reported; dx, dy in 1/8 of the count at resolution 3 */
    struct timer sample;
    struct timer self_test;

    struct clock *clock;
    struct ps2_port port;
    void (*ready)(void *controller);
    void *controller;
};

static bool is_gathered(int32_t counts)
{
    return counts >= -ACCUMULATED_MAX && counts <= ACCUMULATED_MAX;
}

static const char *ps2_mouse_misfit(const void *base)
{
    enum { SELF_TEST_ANSWER = 2 };
    const struct ps2_mouse *mouse = base;
    if (mouse->packet_size ? mouse->packet_sent >= mouse->packet_size : mouse->packet_sent)
        return "more of a report has been sent than there is";
    if (timer_armed(&mouse->self_test) && mouse->reply_count > REPLY_SIZE - SELF_TEST_ANSWER)
        return "there is no place for the answer of the self-test";
    if (!is_gathered(mouse->dx) || !is_gathered(mouse->dy) || !is_gathered(mouse->dz))
        return "the mouse has moved further than it can count";
    return NULL;
}

static const struct field ps2_mouse_fields[] = {
    FIELD_ARRAY(struct ps2_mouse, replies, uint8_t),
    FIELD_MOST(struct ps2_mouse, reply_count, REPLY_SIZE),
    FIELD_ARRAY(struct ps2_mouse, packet, uint8_t),
    FIELD_MOST(struct ps2_mouse, packet_size, PACKET_SIZE),
    FIELD_MOST(struct ps2_mouse, packet_sent, PACKET_SIZE - 1),
    FIELD_ARRAY(struct ps2_mouse, last, uint8_t),
    FIELD_MOST(struct ps2_mouse, last_count, REPLY_SIZE),
    FIELD(struct ps2_mouse, awaited),
    FIELD(struct ps2_mouse, errors),
    FIELD(struct ps2_mouse, enabled),
    FIELD(struct ps2_mouse, remote),
    FIELD(struct ps2_mouse, wrap),
    FIELD(struct ps2_mouse, scale_2_1),
    FIELD_RANGE(struct ps2_mouse, rate, LEAST_RATE, MOST_RATE),
    FIELD_MOST(struct ps2_mouse, resolution, MOST_RESOLUTION),
    FIELD_MOST(struct ps2_mouse, id, ID_FIVE_BUTTONS),
    FIELD_ARRAY(struct ps2_mouse, rates, uint8_t),
    FIELD(struct ps2_mouse, buttons),
    FIELD(struct ps2_mouse, reported_buttons),
    FIELD(struct ps2_mouse, nudged),
    FIELD(struct ps2_mouse, clicked),
    FIELD(struct ps2_mouse, dx),
    FIELD(struct ps2_mouse, dy),
    FIELD(struct ps2_mouse, dz),
    FIELD_STRUCT(struct ps2_mouse, sample, timer_fields),
    FIELD_STRUCT(struct ps2_mouse, self_test, timer_fields),
    FIELD_CHECK(ps2_mouse_misfit),
    FIELD_TRANSIENT(struct ps2_mouse, clock),
    FIELD_TRANSIENT(struct ps2_mouse, port),
    FIELD_TRANSIENT(struct ps2_mouse, ready),
    FIELD_TRANSIENT(struct ps2_mouse, controller),
    FIELD_END,
};

static void tell_controller(struct ps2_mouse *mouse)
{
    if (mouse->ready)
        mouse->ready(mouse->controller);
}

static void reply(struct ps2_mouse *mouse, uint8_t byte)
{
    assert(mouse->reply_count < REPLY_SIZE);
    mouse->replies[mouse->reply_count++] = byte;
    tell_controller(mouse);
}

/* --- movement reports --- */

/* Takes whole counts out of an accumulator: at most COUNT_MAX, the rest stays. */
static int take_counts(int32_t *accumulated, unsigned resolution)
{
    int32_t unit = 8 >> resolution;
    int32_t counts = *accumulated / unit;
    if (counts > COUNT_MAX)
        counts = COUNT_MAX;
    if (counts < -COUNT_MAX)
        counts = -COUNT_MAX;
    *accumulated -= counts * unit;
    return (int)counts;
}

static int scaled_2_1(int counts)
{
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    int size = abs(counts);
    int scaled = size < (int)sizeof(small) ? small[size] : 2 * size;
    if (scaled > COUNT_MAX)
        scaled = COUNT_MAX;
    return counts < 0 ? -scaled : scaled;
}

static int take_wheel(struct ps2_mouse *mouse)
{
    int low = mouse->id == ID_STANDARD ? 0 : -8;
    int high = mouse->id == ID_STANDARD ? 0 : 7;
    int dz = mouse->dz < low ? low : mouse->dz > high ? high : (int)mouse->dz;
    mouse->dz = mouse->id == ID_STANDARD ? 0 : mouse->dz - dz;
    return dz;
}

/* Fills bytes with a report of what has gathered, and returns its size. */
static unsigned make_report(struct ps2_mouse *mouse, uint8_t bytes[PACKET_SIZE], bool scale)
{
    int dx = take_counts(&mouse->dx, mouse->resolution);
    int dy = take_counts(&mouse->dy, mouse->resolution);
    int dz = take_wheel(mouse);
    if (scale) {
        dx = scaled_2_1(dx);
        dy = scaled_2_1(dy);
    }
    unsigned buttons = mouse->reported_buttons = mouse->buttons | mouse->clicked;
    mouse->clicked = 0;
    mouse->nudged = false;
    bytes[0] = (uint8_t)(PACKET_ALWAYS_ONE | (buttons & 7) | (dx < 0 ? PACKET_X_NEGATIVE : 0) |
                         (dy < 0 ? PACKET_Y_NEGATIVE : 0));
    bytes[1] = (uint8_t)dx;
    bytes[2] = (uint8_t)dy;
    bytes[3] = (uint8_t)dz;
    if (mouse->id == ID_FIVE_BUTTONS)
        bytes[3] = (uint8_t)((dz & 0x0F) | (buttons >> 3 & 3) << 4);
    return mouse->id == ID_STANDARD ? 3 : 4;
}

static unsigned seen_buttons(const struct ps2_mouse *mouse)
{
    return mouse->id == ID_FIVE_BUTTONS ? 0x1F : 0x07;
}

static bool has_news(const struct ps2_mouse *mouse)
{
    int32_t unit = 8 >> mouse->resolution;
    return mouse->nudged || mouse->dx / unit || mouse->dy / unit ||
           (mouse->id != ID_STANDARD && mouse->dz) ||
           (((mouse->buttons | mouse->clicked) ^ mouse->reported_buttons) & seen_buttons(mouse));
}

/* In stream mode, starts a report if there is something to say and the sample interval is over. */
static void report(struct ps2_mouse *mouse)
{
    if (!mouse->enabled || mouse->remote || mouse->wrap || mouse->packet_size ||
        timer_armed(&mouse->sample) || !has_news(mouse))
        return;
    mouse->packet_size = (uint8_t)make_report(mouse, mouse->packet, mouse->scale_2_1);
    mouse->packet_sent = 0;
    timer_arm(&mouse->sample, clock_now(mouse->clock) + NS_PER_SECOND / mouse->rate);
    tell_controller(mouse);
}

static void sample_expired(void *device)
{
    report(device);
}

static int32_t accumulate(int32_t accumulated, int counts)
{
    int64_t sum = accumulated + (int64_t)counts * UNITS_PER_COUNT;
    if (sum > ACCUMULATED_MAX)
        sum = ACCUMULATED_MAX;
    if (sum < -ACCUMULATED_MAX)
        sum = -ACCUMULATED_MAX;
    return (int32_t)sum;
}

void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned buttons)
{
    mouse->dx = accumulate(mouse->dx, dx);
    mouse->dy = accumulate(mouse->dy, dy);
    mouse->dz = accumulate(mouse->dz * UNITS_PER_COUNT, dz) / UNITS_PER_COUNT;
    mouse->clicked |= (uint8_t)(buttons & 0x1F & ~(unsigned)mouse->buttons);
    mouse->buttons = buttons & 0x1F;
    report(mouse);
}

void ps2_mouse_nudge(struct ps2_mouse *mouse)
{
    mouse->nudged = true;
    report(mouse);
}

static void clear_movement(struct ps2_mouse *mouse)
{
    mouse->nudged = false;
    mouse->dx = mouse->dy = mouse->dz = 0;
    mouse->clicked = 0;
    mouse->packet_size = mouse->packet_sent = 0;
}

/* --- commands --- */

static void set_defaults(struct ps2_mouse *mouse)
{
    clear_movement(mouse);
    timer_cancel(&mouse->sample);
    mouse->enabled = mouse->remote = mouse->wrap = mouse->scale_2_1 = false;
    mouse->rate = DEFAULT_RATE;
    mouse->resolution = DEFAULT_RESOLUTION;
}

static void start_self_test(struct ps2_mouse *mouse)
{
    set_defaults(mouse);
    mouse->id = ID_STANDARD;
    memset(mouse->rates, 0, sizeof(mouse->rates));
    timer_arm(&mouse->self_test, clock_now(mouse->clock) + BAT_TIME_NS);
}

static void self_test_done(void *device)
{
    struct ps2_mouse *mouse = device;
    reply(mouse, BAT_PASSED);
    reply(mouse, mouse->id);
}

static void send_status(struct ps2_mouse *mouse)
{
    unsigned buttons = mouse->buttons;
    /* Here the order is left, middle, right from bit 2 down. */
    unsigned reordered = (buttons & MOUSE_LEFT ? 4u : 0) | (buttons & MOUSE_MIDDLE ? 2u : 0) |
                         (buttons & MOUSE_RIGHT ? 1u : 0);
    reply(mouse, (uint8_t)(reordered | (mouse->scale_2_1 ? 0x10u : 0) |
                           (mouse->enabled ? 0x20u : 0) | (mouse->remote ? 0x40u : 0)));
    reply(mouse, mouse->resolution);
    reply(mouse, mouse->rate);
}

static void send_data(struct ps2_mouse *mouse)
{
    uint8_t bytes[PACKET_SIZE];
    unsigned size = make_report(mouse, bytes, false);
    for (unsigned i = 0; i < size; i++)
        reply(mouse, bytes[i]);
}

static void wrong_byte(struct ps2_mouse *mouse)
{
    reply(mouse, mouse->errors ? ERROR : RESEND);
    mouse->errors = 1;
}

/* Commands that change a mode; false: not one of them. */
static bool do_mode_command(struct ps2_mouse *mouse, uint8_t command)
{
    switch (command) {
    case CMD_SCALE_1_1:
    case CMD_SCALE_2_1:
        mouse->scale_2_1 = command == CMD_SCALE_2_1;
        return true;
    case CMD_STREAM:
    case CMD_REMOTE:
        mouse->remote = command == CMD_REMOTE;
        clear_movement(mouse);
        return true;
    case CMD_WRAP:
        mouse->wrap = true;
        clear_movement(mouse);
        return true;
    case CMD_END_WRAP: /* ends wrap mode, which wire_write deals with; else no effect */
        return true;
    case CMD_ENABLE:
    case CMD_DISABLE:
        mouse->enabled = command == CMD_ENABLE;
        clear_movement(mouse);
        return true;
    case CMD_DEFAULT:
        set_defaults(mouse);
        return true;
    default:
        return false;
    }
}

static void do_command(struct ps2_mouse *mouse, uint8_t command)
{
    if (command == CMD_RESEND) {
        for (unsigned i = 0; i < mouse->last_count; i++)
            reply(mouse, mouse->last[i]);
        return;
    }
    if (do_mode_command(mouse, command)) {
        reply(mouse, ACK);
        mouse->errors = 0;
        return;
    }
    switch (command) {
    case CMD_RESOLUTION:
    case CMD_RATE:
        reply(mouse, ACK);
        mouse->awaited = command;
        break;
    case CMD_STATUS:
        reply(mouse, ACK);
        send_status(mouse);
        break;
    case CMD_READ_DATA:
        reply(mouse, ACK);
        send_data(mouse);
        break;
    case CMD_IDENTIFY:
        reply(mouse, ACK);
        reply(mouse, mouse->id);
        break;
    case CMD_RESET:
        reply(mouse, ACK);
        start_self_test(mouse);
        break;
    default:
        wrong_byte(mouse);
        return;
    }
    mouse->errors = 0;
}

/* Setting the rate to 200, 100, 80 turns on the wheel; 200, 200, 80 five buttons. */
static void knock(struct ps2_mouse *mouse, uint8_t rate)
{
    mouse->rates[0] = mouse->rates[1];
    mouse->rates[1] = mouse->rates[2];
    mouse->rates[2] = rate;
    if (mouse->rates[0] != 200 || mouse->rates[2] != 80)
        return;
    if (mouse->rates[1] == 100 && mouse->id == ID_STANDARD)
        mouse->id = ID_WHEEL;
    else if (mouse->rates[1] == 200)
        mouse->id = ID_FIVE_BUTTONS;
}

static bool rate_is_valid(uint8_t rate)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};
    return memchr(rates, rate, sizeof(rates)) != NULL;
}

static void take_argument(struct ps2_mouse *mouse, uint8_t byte)
{
    bool is_rate = mouse->awaited == CMD_RATE;
    if (is_rate ? !rate_is_valid(byte) : byte > MOST_RESOLUTION) {
        /* After a second wrong argument the command is given up. */
        if (mouse->errors)
            mouse->awaited = 0;
        wrong_byte(mouse);
        return;
    }
    if (is_rate) {
        mouse->rate = byte;
        knock(mouse, byte);
    } else {
        mouse->resolution = byte;
    }
    mouse->awaited = 0;
    mouse->errors = 0;
    reply(mouse, ACK);
}

/* --- the wire --- */

static void wire_write(void *device, uint8_t byte)
{
    struct ps2_mouse *mouse = device;
    mouse->reply_count = 0;
    mouse->packet_size = mouse->packet_sent = 0;
    timer_cancel(&mouse->self_test);
    if (mouse->wrap && byte != CMD_END_WRAP && byte != CMD_RESET) {
        reply(mouse, byte);
        return;
    }
    mouse->wrap = false;
    if (mouse->awaited && byte != CMD_RESET)
        take_argument(mouse, byte);
    else
        do_command(mouse, byte);
    if (byte == CMD_RESET)
        mouse->awaited = 0;
    if (byte != CMD_RESEND) {
        memcpy(mouse->last, mouse->replies, sizeof(mouse->last));
        mouse->last_count = mouse->reply_count;
    }
}

static bool wire_waiting(void *device)
{
    const struct ps2_mouse *mouse = device;
    return mouse->reply_count || mouse->packet_size;
}

static bool wire_take(void *device, uint8_t *byte)
{
    struct ps2_mouse *mouse = device;
    if (mouse->reply_count) {
        *byte = mouse->replies[0];
        mouse->reply_count--;
        memmove(mouse->replies, mouse->replies + 1, mouse->reply_count);
        return true;
    }
    if (!mouse->packet_size)
        return false;
    *byte = mouse->packet[mouse->packet_sent++];
    if (mouse->packet_sent == mouse->packet_size) {
        memcpy(mouse->last, mouse->packet, mouse->packet_size);
        mouse->last_count = mouse->packet_size;
        mouse->packet_size = mouse->packet_sent = 0;
        report(mouse);
    }
    return true;
}

static void wire_connect(void *device, void (*ready)(void *controller), void *controller)
{
    struct ps2_mouse *mouse = device;
    mouse->ready = ready;
    mouse->controller = controller;
}

const struct ps2_port *ps2_mouse_port(struct ps2_mouse *mouse)
{
    return &mouse->port;
}

static void ps2_mouse_reset(void *device, enum reset_kind kind)
{
    struct ps2_mouse *mouse = device;
    mouse->reply_count = 0;
    mouse->last_count = 0;
    mouse->awaited = 0;
    mouse->errors = 0;
    start_self_test(mouse);
}

static const struct device_class ps2_mouse_class = {
    .name = "ps2_mouse",
    .size = sizeof(struct ps2_mouse),
    .fields = ps2_mouse_fields,
    .reset = ps2_mouse_reset,
};

struct ps2_mouse *ps2_mouse_new(struct bus *bus)
{
    struct ps2_mouse *mouse = mem_new(sizeof(*mouse));
    mouse->clock = bus_clock(bus);
    mouse->port = (struct ps2_port){
        .device = mouse,
        .write = wire_write,
        .take = wire_take,
        .waiting = wire_waiting,
        .connect = wire_connect,
    };
    timer_init(&mouse->sample, mouse->clock, sample_expired, mouse);
    timer_init(&mouse->self_test, mouse->clock, self_test_done, mouse);
    bus_add_device(bus, &ps2_mouse_class, mouse);
    ps2_mouse_reset(mouse, RESET_POWER_ON);
    return mouse;
}
