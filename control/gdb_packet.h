/* Packets of gdb's remote serial protocol: $payload#checksum, with escapes, acknowledgements and
 * the lone byte 03h that interrupts. Bytes may come from anybody: whatever they are, a decoder ends
 * up in a state it can go on from.
 *
 * Source: the gdb manual, appendix E.1 (Overview). */
#ifndef CONTROL_GDB_PACKET_H
#define CONTROL_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GDB_PAYLOAD_MAX = 16 << 10, /* bytes, escapes resolved; PacketSize in qSupported */
    GDB_FRAME_MAX = 2 * GDB_PAYLOAD_MAX + 4,
};

enum gdb_item {
    GDB_NOTHING,   /* more bytes are needed */
    GDB_PACKET,    /* payload and size are a packet's, until the next byte */
    GDB_BAD,       /* wrong checksum, too long, or broken off: to be asked for again */
    GDB_INTERRUPT, /* 03h */
    GDB_ACK,
    GDB_NAK,
};

/* The value of a hexadecimal digit, or -1. */
int gdb_hex_digit(char digit);

struct gdb_decoder {
    enum { GDB_OUTSIDE, GDB_INSIDE, GDB_ESCAPED, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    bool too_long, bad_digit;
    uint8_t sum, wanted;
    size_t size;
    char payload[GDB_PAYLOAD_MAX + 1]; /* terminated, but may hold any byte */
};

/* Takes one byte. A decoder begins as zeros. */
enum gdb_item gdb_decode(struct gdb_decoder *decoder, uint8_t byte);

/* A packet of size bytes (at most GDB_PAYLOAD_MAX) into frame, GDB_FRAME_MAX bytes; its length. */
size_t gdb_encode(const char *payload, size_t size, char *frame);

#endif
