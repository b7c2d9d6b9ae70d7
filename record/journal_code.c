/* See record/journal_code.h. */
#include "record/journal_code.h"

#include "base/memory.h"
#include "bus/clock.h"

#include <string.h>

enum { TAG_MARK = 0x40, NS_PER_INSN = 10 };

/* --- writing --- */

struct writer {
    uint8_t *at;
};

static void put_byte(struct writer *writer, unsigned value)
{
    *writer->at++ = (uint8_t)value;
}

static void put_number(struct writer *writer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(writer, (unsigned)(value & 0x7F) | 0x80);
    put_byte(writer, (unsigned)value);
}

static void put_signed(struct writer *writer, int64_t value)
{
    put_number(writer, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_bytes(struct writer *writer, const void *bytes, size_t size)
{
    memcpy(writer->at, bytes, size);
    writer->at += size;
}

static void put_text(struct writer *writer, const char *text)
{
    size_t size = text ? strnlen(text, SPECIFICATION_MAX) : 0;
    put_number(writer, size);
    put_bytes(writer, text ? text : "", size);
}

static void put_position(struct writer *writer, int64_t x, int64_t y, int wheel, unsigned buttons)
{
    put_signed(writer, x);
    put_signed(writer, y);
    put_signed(writer, wheel);
    put_byte(writer, buttons);
}

static void put_event(struct writer *writer, const struct gate_event *event)
{
    switch (event->kind) {
    case GATE_KEY:
        put_number(writer, (uint64_t)event->u.key.code << 1 | event->u.key.down);
        break;
    case GATE_MOUSE:
        put_position(writer, event->u.mouse.dx, event->u.mouse.dy, event->u.mouse.wheel,
                     event->u.mouse.buttons);
        break;
    case GATE_POINTER:
        put_position(writer, event->u.pointer.x, event->u.pointer.y, event->u.pointer.wheel,
                     event->u.pointer.buttons);
        break;
    case GATE_SERIAL:
        put_byte(writer, event->u.serial.port);
        put_byte(writer, event->u.serial.size);
        put_bytes(writer, event->u.serial.bytes, event->u.serial.size);
        break;
    case GATE_MEDIA:
        put_byte(writer, event->u.media.drive);
        put_text(writer, event->u.media.specification);
        break;
    case GATE_RATE:
        put_number(writer, event->u.picoseconds_per_insn);
        break;
    case GATE_WALL_CLOCK:
        put_signed(writer, event->u.wall_seconds);
        break;
    case GATE_POKE:
        put_text(writer, event->u.poke.name);
        put_number(writer, event->u.poke.low);
        put_number(writer, event->u.poke.high);
        put_byte(writer, event->u.poke.digits);
        break;
    case GATE_MEMORY:
        put_number(writer, event->u.memory.address);
        put_byte(writer, event->u.memory.size);
        put_bytes(writer, event->u.memory.bytes, event->u.memory.size);
        break;
    case GATE_POWER_BUTTON:
    case GATE_RESET_BUTTON:
    case GATE_NMI_BUTTON:
    case GATE_KIND_COUNT:
        break;
    }
}

size_t journal_encode(const struct journal_record *record, const struct journal_stamp *before,
                      uint8_t *bytes)
{
    struct writer writer = {bytes};
    bool is_event = record->kind == JOURNAL_EVENT;
    uint64_t insns = record->stamp.icount - before->icount;
    put_byte(&writer, is_event ? record->event.kind : TAG_MARK | record->kind);
    put_number(&writer, insns);
    put_signed(&writer, (int64_t)(record->stamp.time_ns - before->time_ns - insns * NS_PER_INSN));
    put_number(&writer, record->stamp.order);
    if (is_event)
        put_event(&writer, &record->event);
    else
        put_bytes(&writer, &record->hash, sizeof record->hash);
    return (size_t)(writer.at - bytes);
}

/* --- reading --- */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static unsigned get_byte(struct reader *reader)
{
    if (reader->at == reader->end) {
        reader->bad = true;
        return 0;
    }
    return *reader->at++;
}

static uint64_t get_number(struct reader *reader, uint64_t most)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = get_byte(reader);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte & 0x80)
            continue;
        reader->bad |= value > most || (shift == 63 && byte > 1);
        return value;
    }
    reader->bad = true;
    return 0;
}

static int64_t get_any_signed(struct reader *reader)
{
    uint64_t value = get_number(reader, UINT64_MAX);
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static int64_t get_signed(struct reader *reader, int64_t least, int64_t most)
{
    int64_t value = get_any_signed(reader);
    reader->bad |= value < least || value > most;
    return value;
}

static void get_bytes(struct reader *reader, void *bytes, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->bad = true;
        return;
    }
    memcpy(bytes, reader->at, size);
    reader->at += size;
}

/* A text in memory of its own; NULL: it is empty. */
static char *get_text(struct reader *reader)
{
    size_t size = (size_t)get_number(reader, SPECIFICATION_MAX);
    if (reader->bad || !size || (size_t)(reader->end - reader->at) < size) {
        reader->bad |= size > 0;
        return NULL;
    }
    char *text = mem_new(size + 1);
    get_bytes(reader, text, size);
    return text;
}

static void get_register_name(struct reader *reader, char name[GATE_REGISTER_MAX])
{
    size_t size = (size_t)get_number(reader, GATE_REGISTER_MAX - 1);
    if (!reader->bad)
        get_bytes(reader, name, size);
}

static void get_block(struct reader *reader, uint8_t *size, uint8_t bytes[GATE_SERIAL_MAX])
{
    *size = (uint8_t)get_byte(reader);
    if (*size > GATE_SERIAL_MAX)
        reader->bad = true;
    else
        get_bytes(reader, bytes, *size);
}

static void get_mouse(struct reader *reader, struct gate_event *event)
{
    event->u.mouse.dx = (int16_t)get_signed(reader, INT16_MIN, INT16_MAX);
    event->u.mouse.dy = (int16_t)get_signed(reader, INT16_MIN, INT16_MAX);
    event->u.mouse.wheel = (int8_t)get_signed(reader, INT8_MIN, INT8_MAX);
    event->u.mouse.buttons = (uint8_t)get_byte(reader);
}

static void get_pointer(struct reader *reader, struct gate_event *event)
{
    event->u.pointer.x = (uint16_t)get_signed(reader, 0, UINT16_MAX);
    event->u.pointer.y = (uint16_t)get_signed(reader, 0, UINT16_MAX);
    event->u.pointer.wheel = (int8_t)get_signed(reader, INT8_MIN, INT8_MAX);
    event->u.pointer.buttons = (uint8_t)get_byte(reader);
}

static void get_event(struct reader *reader, struct gate_event *event)
{
    uint64_t number;
    switch (event->kind) {
    case GATE_KEY:
        number = get_number(reader, UINT16_MAX << 1 | 1);
        event->u.key.code = (uint16_t)(number >> 1);
        event->u.key.down = number & 1;
        break;
    case GATE_MOUSE:
        get_mouse(reader, event);
        break;
    case GATE_POINTER:
        get_pointer(reader, event);
        break;
    case GATE_SERIAL:
        event->u.serial.port = (uint8_t)get_byte(reader);
        get_block(reader, &event->u.serial.size, event->u.serial.bytes);
        break;
    case GATE_MEDIA:
        event->u.media.drive = (uint8_t)get_byte(reader);
        reader->bad |= event->u.media.drive >= GATE_DRIVE_COUNT;
        event->u.media.specification = get_text(reader);
        break;
    case GATE_RATE:
        event->u.picoseconds_per_insn = get_number(reader, CLOCK_MOST_PS_PER_INSN);
        reader->bad |= event->u.picoseconds_per_insn == 0;
        break;
    case GATE_WALL_CLOCK:
        event->u.wall_seconds = get_any_signed(reader);
        break;
    case GATE_POKE:
        get_register_name(reader, event->u.poke.name);
        event->u.poke.low = get_number(reader, UINT64_MAX);
        event->u.poke.high = get_number(reader, UINT64_MAX);
        event->u.poke.digits = (uint8_t)get_byte(reader);
        break;
    case GATE_MEMORY:
        event->u.memory.address = (uint32_t)get_number(reader, UINT32_MAX);
        get_block(reader, &event->u.memory.size, event->u.memory.bytes);
        break;
    case GATE_POWER_BUTTON:
    case GATE_RESET_BUTTON:
    case GATE_NMI_BUTTON:
    case GATE_KIND_COUNT:
        break;
    }
}

static void get_tag(struct reader *reader, struct journal_record *record)
{
    unsigned tag = get_byte(reader);
    if (tag & TAG_MARK) {
        record->kind = tag & ~(unsigned)TAG_MARK;
        reader->bad |= record->kind != JOURNAL_MARK_CHIPS && record->kind != JOURNAL_MARK_ALL;
    } else {
        record->kind = JOURNAL_EVENT;
        record->event.kind = tag;
        reader->bad |= tag >= GATE_KIND_COUNT;
    }
}

static void get_stamp(struct reader *reader, const struct journal_stamp *before,
                      struct journal_stamp *stamp)
{
    uint64_t insns = get_number(reader, UINT64_MAX - before->icount);
    stamp->icount = before->icount + insns;
    stamp->time_ns = before->time_ns + insns * NS_PER_INSN + (uint64_t)get_any_signed(reader);
    stamp->order = (uint32_t)get_number(reader, UINT32_MAX);
    reader->bad |= stamp->time_ns < before->time_ns ||
                   (insns == 0 && journal_stamp_compare(stamp, before) < 0);
}

size_t journal_decode(const uint8_t *bytes, size_t size, const struct journal_stamp *before,
                      struct journal_stamp *stamp, struct journal_record *record)
{
    struct reader reader = {bytes, bytes + size, false};
    struct journal_record read = {0};
    get_tag(&reader, &read);
    get_stamp(&reader, before, &read.stamp);
    read.event.icount = read.stamp.icount;
    if (!reader.bad && read.kind == JOURNAL_EVENT)
        get_event(&reader, &read.event);
    else if (!reader.bad)
        get_bytes(&reader, &read.hash, sizeof read.hash);
    *stamp = read.stamp;
    if (record && !reader.bad)
        *record = read;
    else if (read.kind == JOURNAL_EVENT)
        gate_event_free(&read.event);
    return reader.bad ? 0 : (size_t)(reader.at - bytes);
}
