/* See control/gdb_packet.h. */
#include "control/gdb_packet.h"

#include <assert.h>

enum { INTERRUPT_BYTE = 3, ESCAPE = '}', ESCAPE_BIT = 0x20 };

int gdb_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void begin(struct gdb_decoder *decoder)
{
    decoder->state = GDB_INSIDE;
    decoder->too_long = decoder->bad_digit = false;
    decoder->sum = decoder->wanted = 0;
    decoder->size = 0;
}

static void append(struct gdb_decoder *decoder, uint8_t byte)
{
    if (decoder->size == GDB_PAYLOAD_MAX)
        decoder->too_long = true;
    else
        decoder->payload[decoder->size++] = (char)byte;
}

static enum gdb_item decode_outside(struct gdb_decoder *decoder, uint8_t byte)
{
    switch (byte) {
    case '$':
        begin(decoder);
        return GDB_NOTHING;
    case '+':
        return GDB_ACK;
    case '-':
        return GDB_NAK;
    case INTERRUPT_BYTE:
        return GDB_INTERRUPT;
    default:
        return GDB_NOTHING;
    }
}

/* A '$' cannot stand in a packet: the last one was broken off. */
static enum gdb_item decode_inside(struct gdb_decoder *decoder, uint8_t byte)
{
    if (byte == '$') {
        begin(decoder);
        return GDB_BAD;
    }
    if (byte == '#') {
        decoder->state = GDB_SUM_HIGH;
        return GDB_NOTHING;
    }
    decoder->sum += byte;
    if (decoder->state == GDB_ESCAPED) {
        append(decoder, byte ^ ESCAPE_BIT);
        decoder->state = GDB_INSIDE;
    } else if (byte == ESCAPE) {
        decoder->state = GDB_ESCAPED;
    } else {
        append(decoder, byte);
    }
    return GDB_NOTHING;
}

static enum gdb_item decode_sum(struct gdb_decoder *decoder, uint8_t byte)
{
    int digit = gdb_hex_digit((char)byte);
    decoder->bad_digit |= digit < 0;
    decoder->wanted = (uint8_t)(decoder->wanted << 4 | (digit & 15));
    if (decoder->state == GDB_SUM_HIGH) {
        decoder->state = GDB_SUM_LOW;
        return GDB_NOTHING;
    }
    decoder->state = GDB_OUTSIDE;
    decoder->payload[decoder->size] = 0;
    bool ok = !decoder->bad_digit && !decoder->too_long && decoder->sum == decoder->wanted;
    return ok ? GDB_PACKET : GDB_BAD;
}

enum gdb_item gdb_decode(struct gdb_decoder *decoder, uint8_t byte)
{
    switch (decoder->state) {
    case GDB_OUTSIDE:
        return decode_outside(decoder, byte);
    case GDB_INSIDE:
    case GDB_ESCAPED:
        return decode_inside(decoder, byte);
    default:
        return decode_sum(decoder, byte);
    }
}

/* '*' begins a run length in what a stub sends. */
static bool must_escape(char byte)
{
    return byte == '$' || byte == '#' || byte == ESCAPE || byte == '*';
}

size_t gdb_encode(const char *payload, size_t size, char *frame)
{
    static const char digits[] = "0123456789abcdef";
    assert(size <= GDB_PAYLOAD_MAX);
    char *out = frame;
    uint8_t sum = 0;
    *out++ = '$';
    for (size_t i = 0; i < size; i++) {
        char byte = payload[i];
        if (must_escape(byte)) {
            *out++ = ESCAPE;
            sum += (uint8_t)ESCAPE;
            byte ^= ESCAPE_BIT;
        }
        *out++ = byte;
        sum += (uint8_t)byte;
    }
    *out++ = '#';
    *out++ = digits[sum >> 4];
    *out++ = digits[sum & 15];
    return (size_t)(out - frame);
}
