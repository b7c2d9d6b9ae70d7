#include "devices/vmmouse.h"

#include "base/memory.h"

#include <string.h>

enum {
    PORT = 0x5658,
    MAGIC = 0x564D5868,
    VERSION = 6,
    PRODUCT_WORKSTATION = 4,
    POINTER_ID = 0x3442554A,
    STATUS_ERROR = 0xFFFF0000,
    PACKET = 4,     /* words: flags and buttons, x, y, wheel */
    QUEUE = 1 << 8, /* words, a power of two */
    READ_MOST = 4,
};

/* In CX. */
enum function {
    GET_VERSION = 10,
    POINTER_DATA = 39,
    POINTER_STATUS = 40,
    POINTER_COMMAND = 41,
    POINTER_RESTRICT = 86, /* to privileged code; the I/O privilege already does that here */
};

/* In EBX, for POINTER_COMMAND. */
enum pointer_command {
    POINTER_ENABLE = 0x45414552,
    POINTER_DISABLE = 0x000000F5,
    POINTER_RELATIVE = 0x4C455252,
    POINTER_ABSOLUTE = 0x53424152,
};

enum packet_flag {
    PACKET_MIDDLE = 1 << 3,
    PACKET_RIGHT = 1 << 4,
    PACKET_LEFT = 1 << 5,
    PACKET_RELATIVE = 1 << 16,
};

struct vmmouse {
    uint32_t queue[QUEUE];
    uint32_t first, count; /* words */
    bool enabled, absolute, failed, announced;
    uint32_t x, y; /* where the pointer was last */
    bool placed;   /* x and y say something */

    struct ps2_mouse *mouse;
    struct vmmouse_processor processor;
    struct log *log;
};

static const struct field vmmouse_fields[] = {
    FIELD_ARRAY(struct vmmouse, queue, uint32_t),
    FIELD_MOST(struct vmmouse, first, QUEUE - 1),
    FIELD_MOST(struct vmmouse, count, QUEUE),
    FIELD(struct vmmouse, enabled),
    FIELD(struct vmmouse, absolute),
    FIELD(struct vmmouse, failed),
    FIELD_TRANSIENT(struct vmmouse, announced),
    FIELD_MOST(struct vmmouse, x, UINT16_MAX),
    FIELD_MOST(struct vmmouse, y, UINT16_MAX),
    FIELD(struct vmmouse, placed),
    FIELD_TRANSIENT(struct vmmouse, mouse),
    FIELD_TRANSIENT(struct vmmouse, processor),
    FIELD_TRANSIENT(struct vmmouse, log),
    FIELD_END,
};

/* --- the queue --- */

static uint32_t *queue_word(struct vmmouse *vmmouse, uint32_t index)
{
    return &vmmouse->queue[(vmmouse->first + index) % QUEUE];
}

static void put_word(struct vmmouse *vmmouse, uint32_t word)
{
    *queue_word(vmmouse, vmmouse->count++) = word;
}

static uint32_t take_word(struct vmmouse *vmmouse)
{
    uint32_t word = vmmouse->queue[vmmouse->first];
    vmmouse->first = (vmmouse->first + 1) % QUEUE;
    vmmouse->count--;
    return word;
}

static void clear_queue(struct vmmouse *vmmouse)
{
    vmmouse->first = vmmouse->count = 0;
}

/* A position replaces one that nobody has fetched, if buttons and wheel did not change; so only
 * clicks can fill the queue, and then the newest is lost. */
static void put_packet(struct vmmouse *vmmouse, const uint32_t packet[PACKET])
{
    if (vmmouse->count >= PACKET && !(packet[0] & PACKET_RELATIVE) && !packet[3]) {
        uint32_t last = vmmouse->count - PACKET;
        if (*queue_word(vmmouse, last) == packet[0] && !*queue_word(vmmouse, last + 3))
            vmmouse->count = last;
    }
    if (vmmouse->count + PACKET <= QUEUE) {
        for (unsigned i = 0; i < PACKET; i++)
            put_word(vmmouse, packet[i]);
    }
    ps2_mouse_nudge(vmmouse->mouse);
}

/* --- the pointer --- */

static uint32_t packet_flags(unsigned buttons)
{
    return (buttons & MOUSE_LEFT ? (uint32_t)PACKET_LEFT : 0) |
           (buttons & MOUSE_RIGHT ? (uint32_t)PACKET_RIGHT : 0) |
           (buttons & MOUSE_MIDDLE ? (uint32_t)PACKET_MIDDLE : 0);
}

bool vmmouse_is_absolute(const struct vmmouse *vmmouse)
{
    return vmmouse->enabled && vmmouse->absolute;
}

void vmmouse_move(struct vmmouse *vmmouse, int dx, int dy, int dz, unsigned buttons)
{
    if (!vmmouse_is_absolute(vmmouse)) {
        ps2_mouse_move(vmmouse->mouse, dx, dy, dz, buttons);
        return;
    }
    put_packet(vmmouse, (uint32_t[PACKET]){packet_flags(buttons) | PACKET_RELATIVE, (uint32_t)dx,
                                           (uint32_t)dy, (uint32_t)dz});
}

/* The pixel that a position is on, of a line or column of that many. */
static int pixel(uint32_t position, unsigned size)
{
    uint64_t last = size ? size - 1 : 0;
    return (int)((position * last + UINT16_MAX / 2) / UINT16_MAX);
}

void vmmouse_point(struct vmmouse *vmmouse, unsigned x, unsigned y, unsigned screen_width,
                   unsigned screen_height, int dz, unsigned buttons)
{
    int dx = 0, dy = 0;
    x = x > UINT16_MAX ? UINT16_MAX : x;
    y = y > UINT16_MAX ? UINT16_MAX : y;
    if (vmmouse->placed) {
        dx = pixel(x, screen_width) - pixel(vmmouse->x, screen_width);
        dy = pixel(y, screen_height) - pixel(vmmouse->y, screen_height);
    }
    vmmouse->x = x;
    vmmouse->y = y;
    vmmouse->placed = true;
    if (vmmouse_is_absolute(vmmouse))
        put_packet(vmmouse, (uint32_t[PACKET]){packet_flags(buttons), x, y, (uint32_t)dz});
    else
        ps2_mouse_move(vmmouse->mouse, dx, -dy, dz, buttons);
}

/* --- the port --- */

static void fail(struct vmmouse *vmmouse)
{
    clear_queue(vmmouse);
    vmmouse->failed = true;
}

static void do_command(struct vmmouse *vmmouse, uint32_t command)
{
    switch (command) {
    case POINTER_ENABLE:
        clear_queue(vmmouse);
        put_word(vmmouse, POINTER_ID);
        vmmouse->enabled = true;
        vmmouse->failed = false;
        break;
    case POINTER_DISABLE:
        clear_queue(vmmouse);
        vmmouse->enabled = vmmouse->absolute = false;
        break;
    case POINTER_RELATIVE:
    case POINTER_ABSOLUTE:
        vmmouse->absolute = command == POINTER_ABSOLUTE;
        break;
    default:
        log_unimplemented(vmmouse->log, "vmmouse", command, "command %08Xh", command);
    }
}

/* What was not read stays in the queue, which a driver empties whole packets at a time. */
static void read_words(struct vmmouse *vmmouse, struct vmmouse_registers *r)
{
    uint32_t wanted = r->ebx;
    if (wanted > READ_MOST || wanted > vmmouse->count) {
        fail(vmmouse);
        r->eax = STATUS_ERROR;
        return;
    }
    uint32_t *const answer[READ_MOST] = {&r->eax, &r->ebx, &r->ecx, &r->edx};
    for (uint32_t i = 0; i < wanted; i++)
        *answer[i] = take_word(vmmouse);
}

static void call(struct vmmouse *vmmouse, struct vmmouse_registers *r)
{
    switch (r->ecx & 0xFFFF) {
    case GET_VERSION:
        r->eax = VERSION;
        r->ebx = MAGIC;
        r->ecx = vmmouse->announced ? PRODUCT_WORKSTATION : 0;
        break;
    case POINTER_DATA:
        read_words(vmmouse, r);
        break;
    case POINTER_STATUS:
        r->eax = vmmouse->failed || !vmmouse->enabled ? STATUS_ERROR : vmmouse->count;
        break;
    case POINTER_COMMAND:
        do_command(vmmouse, r->ebx);
        break;
    case POINTER_RESTRICT:
        break;
    default: /* what a host answers that does not know the function */
        r->eax = r->ebx = UINT32_MAX;
    }
}

static uint32_t vmmouse_read(void *device, uint32_t offset, unsigned size)
{
    struct vmmouse *vmmouse = device;
    struct vmmouse_registers registers;
    if (size != 4 || !vmmouse->processor.get(vmmouse->processor.opaque, &registers) ||
        registers.eax != MAGIC)
        return UINT32_MAX;
    call(vmmouse, &registers);
    vmmouse->processor.set(vmmouse->processor.opaque, &registers);
    return registers.eax;
}

static void vmmouse_reset(void *device, enum reset_kind kind)
{
    struct vmmouse *vmmouse = device;
    clear_queue(vmmouse);
    vmmouse->enabled = vmmouse->absolute = vmmouse->failed = vmmouse->placed = false;
}

static const struct device_class vmmouse_class = {
    .name = "vmmouse",
    .size = sizeof(struct vmmouse),
    .fields = vmmouse_fields,
    .reset = vmmouse_reset,
};

static const struct io_ops vmmouse_ops = {.read = vmmouse_read, .max_size = 4};

struct vmmouse *vmmouse_new(struct bus *bus, struct ps2_mouse *mouse,
                            const struct vmmouse_processor *processor, bool announced)
{
    struct vmmouse *vmmouse = mem_new(sizeof *vmmouse);
    vmmouse->mouse = mouse;
    vmmouse->processor = *processor;
    vmmouse->announced = announced;
    vmmouse->log = bus_log(bus);
    bus_claim_ports(bus, PORT, 4, &vmmouse_ops, vmmouse);
    bus_add_device(bus, &vmmouse_class, vmmouse);
    return vmmouse;
}
