/* The gdb stub: messages, packets by their letters, and answers. */
#include "base/memory.h"
#include "machine/gdb_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- reading packets --- */

bool gdb_take_char(struct gdb_text *text, char wanted)
{
    if (text->at == text->end || *text->at != wanted)
        return false;
    text->at++;
    return true;
}

bool gdb_take_word(struct gdb_text *text, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
        return false;
    text->at += length;
    return true;
}

bool gdb_take_hex(struct gdb_text *text, uint64_t *value)
{
    const char *begin = text->at;
    *value = 0;
    while (text->at < text->end && gdb_hex_digit(*text->at) >= 0 && text->at - begin < 16)
        *value = *value << 4 | (uint64_t)gdb_hex_digit(*text->at++);
    return text->at != begin;
}

bool gdb_take_byte(struct gdb_text *text, uint8_t *byte)
{
    if (text->end - text->at < 2 || gdb_hex_digit(text->at[0]) < 0 ||
        gdb_hex_digit(text->at[1]) < 0)
        return false;
    *byte = (uint8_t)(gdb_hex_digit(text->at[0]) << 4 | gdb_hex_digit(text->at[1]));
    text->at += 2;
    return true;
}

/* --- writing answers --- */

void gdb_put_raw(struct gdb *gdb, const char *bytes, size_t size)
{
    size_t room = GDB_PAYLOAD_MAX - gdb->out_size;
    if (size > room)
        size = room;
    memcpy(gdb->out + gdb->out_size, bytes, size);
    gdb->out_size += size;
    gdb->out[gdb->out_size] = 0;
}

void gdb_put(struct gdb *gdb, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gdb_put_raw(gdb, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

void gdb_put_bytes(struct gdb *gdb, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        gdb_put_raw(gdb, pair, 2);
    }
}

void gdb_send(struct gdb *gdb)
{
    debugger_send(gdb->debugger, gdb->out, gdb->out_size);
    gdb->out_size = 0;
    gdb->out[0] = 0;
}

void gdb_send_text(struct gdb *gdb, const char *text)
{
    gdb_put_raw(gdb, text, strlen(text));
    gdb_send(gdb);
}

void gdb_send_error(struct gdb *gdb, int number)
{
    gdb_put(gdb, "E%02x", (unsigned)number & 0xFF);
    gdb_send(gdb);
}

/* --- how a client comes and goes --- */

static bool is_16_bit(const struct machine *machine)
{
    return !(machine->cpu->seg[SEG_CS].access & SEGMENT_BIG);
}

/* gdb asks for the description once. One that names i8086 can be overruled by `set architecture
 * i386`, but not the other way round. */
static void come(struct gdb *gdb)
{
    gdb->is_connected = true;
    gdb->takes_reasons = gdb->is_physical = false;
    gdb->is_8086 = gdb->architecture == ARCHITECTURE_AUTO ? is_16_bit(gdb->machine)
                                                          : gdb->architecture == ARCHITECTURE_8086;
    mem_free(gdb->features);
    gdb->features = gdb_describe(gdb->is_8086);
    gdb->goal = GOAL_NONE;
    gdb->stop = (struct gdb_stop){.signal = GDB_SIGTRAP};
    machine_set_paused(gdb->machine, true);
}

/* The machine goes on if it ran, and stands if it stood, so that the next client finds it there. */
static void leave(struct gdb *gdb)
{
    gdb->is_connected = false;
    gdb->goal = GOAL_NONE;
    points_remove_all(gdb->points);
}

static void detach(struct gdb *gdb)
{
    gdb_send_text(gdb, "OK");
    leave(gdb);
    machine_set_paused(gdb->machine, false);
}

/* --- packets --- */

static void take_v_packet(struct gdb *gdb, struct gdb_text *text)
{
    if (gdb_take_word(text, "Cont?")) {
        gdb_send_text(gdb, "vCont;c;C;s;S;t;r");
    } else if (gdb_take_word(text, "Cont")) {
        gdb_resume(gdb, text);
    } else if (gdb_take_word(text, "Kill")) {
        gdb_send_text(gdb, "OK");
        machine_request_stop(gdb->machine, STOP_OUTSIDE, EXIT_STATUS_OK);
    } else {
        gdb_send(gdb);
    }
}

static void take_b_packet(struct gdb *gdb, struct gdb_text *text)
{
    if (gdb_take_word(text, "s") && text->at == text->end)
        gdb_go_back(gdb, true);
    else if (gdb_take_word(text, "c") && text->at == text->end)
        gdb_go_back(gdb, false);
    else
        gdb_send(gdb);
}

static void take_state_packet(struct gdb *gdb, struct gdb_text *text, char letter)
{
    switch (letter) {
    case 'g':
        gdb_read_registers(gdb);
        break;
    case 'G':
        gdb_write_registers(gdb, text);
        break;
    case 'p':
        gdb_read_register(gdb, text);
        break;
    case 'P':
        gdb_write_register(gdb, text);
        break;
    case 'm':
        gdb_read_memory(gdb, text);
        break;
    case 'M':
    case 'X':
        gdb_write_memory(gdb, text, letter == 'X');
        break;
    default:
        gdb_change_point(gdb, text, letter == 'Z');
    }
}

static void take_run_packet(struct gdb *gdb, struct gdb_text *text, char letter)
{
    switch (letter) {
    case '?':
        gdb_send_stop(gdb);
        break;
    case 'D':
        detach(gdb);
        break;
    case 'k':
        machine_request_stop(gdb->machine, STOP_OUTSIDE, EXIT_STATUS_OK);
        break;
    case 'b':
        take_b_packet(gdb, text);
        break;
    default:
        gdb_resume_old(gdb, text, letter);
    }
}

/* An empty answer says that the packet is not known. */
static void take_packet(struct gdb *gdb, const char *payload, size_t size)
{
    struct gdb_text text = {payload, payload + size};
    char letter = size ? *text.at++ : 0;
    if (letter && strchr("gGpPmMXzZ", letter))
        take_state_packet(gdb, &text, letter);
    else if (letter && strchr("?DkbcCsS", letter))
        take_run_packet(gdb, &text, letter);
    else if (letter == 'q')
        gdb_query(gdb, &text);
    else if (letter == 'Q')
        gdb_set(gdb, &text);
    else if (letter == 'v')
        take_v_packet(gdb, &text);
    else if (letter == 'H' || letter == 'T') /* there is one thread */
        gdb_send_text(gdb, "OK");
    else
        gdb_send(gdb);
}

static void take_message(struct gdb *gdb, const struct debugger_message *message)
{
    const struct gdb_stop interrupted = {.signal = GDB_SIGINT};
    switch (message->event) {
    case DEBUGGER_CAME:
        come(gdb);
        break;
    case DEBUGGER_LEFT:
        leave(gdb);
        break;
    case DEBUGGER_INTERRUPT:
        if (gdb->goal != GOAL_NONE)
            gdb_stop(gdb, &interrupted);
        break;
    case DEBUGGER_PACKET:
        take_packet(gdb, message->payload, message->size);
        break;
    }
}

void gdb_serve(struct gdb *gdb)
{
    const struct machine *machine = gdb->machine;
    struct gdb_stop by_others = {.signal = GDB_SIGTRAP};
    struct debugger_message *message;
    while (debugger_pending(gdb->debugger) && !gdb->machine->stop &&
           (message = debugger_take(gdb->debugger))) {
        take_message(gdb, message);
        mem_free(message);
    }
    if (machine->player.is_on && !machine->replay.has_record)
        by_others.log = LOG_ENDS;
    if (gdb->goal != GOAL_NONE && machine->paused)
        gdb_stop(gdb, &by_others);
}

/* --- construction --- */

struct gdb *gdb_new(struct machine *machine)
{
    struct gdb *gdb = mem_new(sizeof *gdb);
    gdb->machine = machine;
    gdb->debugger = debugger_new(machine->gate);
    gdb->points = points_new(machine->cpu);
    gdb_listen(gdb);
    return gdb;
}

void gdb_free(struct gdb *gdb)
{
    if (!gdb)
        return;
    points_free(gdb->points);
    debugger_free(gdb->debugger);
    mem_free(gdb->features);
    mem_free(gdb);
}

void gdb_abandon(struct gdb *gdb)
{
    points_remove_all(gdb->points);
    points_set_listener(gdb->points, NULL, NULL);
}

struct debugger *gdb_debugger(struct gdb *gdb)
{
    return gdb->debugger;
}

void gdb_end(struct gdb *gdb, int status)
{
    if (gdb->is_connected && gdb->goal != GOAL_NONE) {
        gdb_put(gdb, "W%02x", (unsigned)status & 0xFF);
        gdb_send(gdb);
    }
    debugger_close(gdb->debugger);
}
