/* National PC16550D UART: FIFOs with trigger levels and time-out, loopback, modem lines with
 * deltas, break, line errors, scratch, divisor latch. Characters go out and come in at the pace of
 * the divisor and frame length, on the virtual clock.
 *
 * Source: National Semiconductor PC16550D data sheet (TL/C/8652). */
#ifndef DEVICES_UART16550_H
#define DEVICES_UART16550_H

#include "bus/backend.h"
#include "bus/bus.h"

struct uart16550;

/* What the other end drives, for uart16550_set_modem; the values of the MSR's level bits. */
enum uart16550_modem {
    UART16550_CTS = 0x10,
    UART16550_DSR = 0x20,
    UART16550_RI = 0x40,
    UART16550_DCD = 0x80,
};

/* How a received character was wrong: the LSR's bits. */
enum uart16550_error {
    UART16550_PARITY_ERROR = 0x04,
    UART16550_FRAMING_ERROR = 0x08,
    UART16550_BREAK = 0x10,
};

/* Bytes that wait at the input door for the line to carry them. */
enum { UART16550_INPUT_SIZE = 65536 };

/* Eight ports from base_port (3F8h: COM1, IRQ 4; 2F8h: COM2, IRQ 3). irq is copied. output gets
 * what the guest sends; not owned; NULL: nothing is connected (no CTS, DSR, DCD either). */
struct uart16550 *uart16550_new(struct bus *bus, uint16_t base_port, const struct irq_line *irq,
                                struct char_backend *output);

/* The input door: count bytes arrive from outside. They queue beyond the FIFO and come in at the
 * line's pace when the receiver has room, so that a slow guest loses nothing. Returns how many were
 * taken, fewer than count only if the queue is full; uart16550_room says how many fit. */
size_t uart16550_receive(struct uart16550 *uart, const uint8_t *bytes, size_t count);
size_t uart16550_room(const struct uart16550 *uart);
/* A character with errors (enum uart16550_error) arrives at once, whether there is room or not. A
 * break is byte 0 with UART16550_BREAK. */
void uart16550_receive_error(struct uart16550 *uart, uint8_t byte, uint8_t errors);
/* Levels of the modem inputs (enum uart16550_modem). At first CTS, DSR and DCD with an output. */
void uart16550_set_modem(struct uart16550 *uart, uint8_t levels);

#endif
