/* The inside of the UART, shared by these files only.
 *
 *     uart16550.c       registers, interrupts, modem lines
 *     uart16550_line.c  receiver and transmitter, at the pace of the line */
#ifndef DEVICES_UART16550_PRIVATE_H
#define DEVICES_UART16550_PRIVATE_H

#include "devices/uart16550.h"

enum {
    FIFO_SIZE = 16,

    IER_RECEIVED = 0x01,
    IER_THRE = 0x02,
    IER_LINE = 0x04,
    IER_MODEM = 0x08,
    IER_ALL = 0x0F,

    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THRE = 0x02,
    IIR_RECEIVED = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0C,
    IIR_FIFOS = 0xC0,

    FCR_ENABLE = 0x01,
    FCR_RESET_RECEIVER = 0x02,
    FCR_RESET_TRANSMITTER = 0x04,

    LCR_TWO_STOPS = 0x04,
    LCR_PARITY = 0x08,
    LCR_BREAK = 0x40,
    LCR_DLAB = 0x80,

    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08, /* on a PC: connects the interrupt */
    MCR_LOOP = 0x10,
    MCR_ALL = 0x1F,

    LSR_DATA = 0x01,
    LSR_OVERRUN = 0x02,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,

    MSR_LEVELS = 0xF0,
    MSR_DELTAS = 0x0F,
    MSR_TERI = 0x04,
};

struct uart16550 {
    uint8_t ier, fcr, lcr, mcr, scratch;
    uint8_t errors; /* LSR bits 1..4 */
    uint8_t msr;
    uint8_t modem_inputs; /* what the other end drives */
    uint16_t divisor;
    bool thre_pending; /* the THRE interrupt */
    bool timeout_pending;
    bool shifting;  /* the transmit shift register holds a byte */
    bool tx_filled; /* two bytes were in the transmit FIFO since it was last empty */
    bool irq_level;
    bool framed; /* LCR has been written since the reset */
    uint8_t shift;
    uint8_t tx[FIFO_SIZE], tx_count, tx_first;
    uint8_t rx[FIFO_SIZE], rx_errors[FIFO_SIZE], rx_count, rx_first;
    uint8_t rx_last; /* what an empty receiver buffer reads */
    uint32_t input_first, input_count;
    uint8_t input[UART16550_INPUT_SIZE];
    struct timer sent;     /* the shift register is done */
    struct timer thre;     /* a delayed THRE interrupt */
    struct timer arrival;  /* the next byte of input is complete */
    struct timer receiver; /* character time-out */
    struct clock *clock;
    struct irq_line irq;
    struct char_backend *output;
};

static inline bool uart_has_fifos(const struct uart16550 *uart)
{
    return uart->fcr & FCR_ENABLE;
}

/* --- uart16550.c --- */

/* To be called after whatever may change IIR. */
void uart_update_irq(struct uart16550 *uart);

/* --- uart16550_line.c --- */

void uart_init_timers(struct uart16550 *uart);
/* A whole character is in the receive shift register; errors: bits of LSR. */
void uart_accept(struct uart16550 *uart, uint8_t byte, uint8_t errors);
/* Lets the line carry the next byte of input, when there is one and room for it. */
void uart_next_arrival(struct uart16550 *uart);
/* The guest takes a byte from the receiver, and gives one to the transmitter. */
uint8_t uart_read_buffer(struct uart16550 *uart);
void uart_write_holding(struct uart16550 *uart, uint8_t value);
void uart_reset_receiver(struct uart16550 *uart);
void uart_reset_transmitter(struct uart16550 *uart);

#endif
