/* PC16550D: receiver and transmitter.
 *
 * A byte that the guest sends reaches the host when it enters the transmitter, and not a frame
 * later, so that nothing is lost when the machine stops right after its last message; what the
 * guest can see (THRE, TEMT, interrupts, loopback) keeps the pace of the line. */
#include "devices/uart16550_private.h"

#include "base/time128.h"

#include <string.h>

#define CRYSTAL_HERTZ UINT64_C(1843200)

enum { TIMEOUT_FRAMES = 4 };

/* --- timing --- */

/* Small programs print without having set up the line. A reset makes LCR 0 (words of five bits) and
 * leaves the divisor undefined, so that nothing sensible can be connected: what is connected here
 * takes whole bytes, at once, until the guest chooses a format. */
#define UNFRAMED_NS 100

static unsigned word_length(const struct uart16550 *uart)
{
    return uart->framed ? 5 + (uart->lcr & 3) : 8;
}

static uint8_t word_mask(const struct uart16550 *uart)
{
    return (uint8_t)((1u << word_length(uart)) - 1);
}

/* Half bits of a stop: 1, or 1.5 for words of five bits, or 2. */
static unsigned stop_half_bits(const struct uart16550 *uart)
{
    if (!(uart->lcr & LCR_TWO_STOPS))
        return 2;
    return word_length(uart) == 5 ? 3 : 4;
}

static uint64_t half_bits_ns(const struct uart16550 *uart, unsigned half_bits)
{
    uint64_t divisor = uart->divisor ? uart->divisor : 1;
    return muldiv64_up(half_bits * divisor * 8, NS_PER_SECOND, CRYSTAL_HERTZ);
}

static unsigned frame_half_bits(const struct uart16550 *uart)
{
    return 2 * (1 + word_length(uart) + (uart->lcr & LCR_PARITY ? 1 : 0)) + stop_half_bits(uart);
}

static uint64_t frame_ns(const struct uart16550 *uart)
{
    return uart->framed ? half_bits_ns(uart, frame_half_bits(uart)) : UNFRAMED_NS;
}

static void arm_after(struct uart16550 *uart, struct timer *timer, uint64_t ns)
{
    timer_arm(timer, clock_now(uart->clock) + ns);
}

/* --- receiver --- */

static unsigned rx_capacity(const struct uart16550 *uart)
{
    return uart_has_fifos(uart) ? FIFO_SIZE : 1;
}

/* LSR shows the errors of the character at the top of the FIFO. */
static void show_top_errors(struct uart16550 *uart)
{
    if (uart->rx_count)
        uart->errors |= uart->rx_errors[uart->rx_first];
}

static void restart_timeout(struct uart16550 *uart)
{
    uart->timeout_pending = false;
    if (uart_has_fifos(uart) && uart->rx_count)
        arm_after(uart, &uart->receiver, TIMEOUT_FRAMES * frame_ns(uart));
    else
        timer_cancel(&uart->receiver);
}

void uart_accept(struct uart16550 *uart, uint8_t byte, uint8_t errors)
{
    if (uart->rx_count == rx_capacity(uart)) {
        uart->errors |= LSR_OVERRUN;
        if (!uart_has_fifos(uart)) { /* the new one overwrites; a full FIFO keeps the old ones */
            uart->rx[uart->rx_first] = byte & word_mask(uart);
            uart->rx_errors[uart->rx_first] = errors;
            show_top_errors(uart);
        }
    } else {
        unsigned slot = (uart->rx_first + uart->rx_count++) % FIFO_SIZE;
        uart->rx[slot] = byte & word_mask(uart);
        uart->rx_errors[slot] = errors;
        if (uart->rx_count == 1)
            show_top_errors(uart);
    }
    restart_timeout(uart);
    uart_update_irq(uart);
}

void uart_next_arrival(struct uart16550 *uart)
{
    if (timer_armed(&uart->arrival) || !uart->input_count || (uart->mcr & MCR_LOOP) ||
        uart->rx_count == rx_capacity(uart))
        return;
    arm_after(uart, &uart->arrival, frame_ns(uart));
}

static void arrival_expired(void *device)
{
    struct uart16550 *uart = device;
    if (!uart->input_count || (uart->mcr & MCR_LOOP) || uart->rx_count == rx_capacity(uart))
        return; /* waits until the guest has made room */
    uint8_t byte = uart->input[uart->input_first];
    uart->input_first = (uart->input_first + 1) % UART16550_INPUT_SIZE;
    uart->input_count--;
    uart_accept(uart, byte, 0);
    uart_next_arrival(uart);
}

size_t uart16550_room(const struct uart16550 *uart)
{
    return UART16550_INPUT_SIZE - uart->input_count;
}

size_t uart16550_receive(struct uart16550 *uart, const uint8_t *bytes, size_t count)
{
    size_t room = uart16550_room(uart);
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++)
        uart->input[(uart->input_first + uart->input_count++) % UART16550_INPUT_SIZE] = bytes[i];
    uart_next_arrival(uart);
    return count;
}

void uart16550_receive_error(struct uart16550 *uart, uint8_t byte, uint8_t errors)
{
    errors &= UART16550_PARITY_ERROR | UART16550_FRAMING_ERROR | UART16550_BREAK;
    if (!(uart->mcr & MCR_LOOP))
        uart_accept(uart, byte, errors);
}

static void receiver_expired(void *device)
{
    struct uart16550 *uart = device;
    uart->timeout_pending = uart->rx_count != 0;
    uart_update_irq(uart);
}

uint8_t uart_read_buffer(struct uart16550 *uart)
{
    if (uart->rx_count) {
        uart->rx_last = uart->rx[uart->rx_first];
        uart->rx_errors[uart->rx_first] = 0;
        uart->rx_first = (uint8_t)((uart->rx_first + 1) % FIFO_SIZE);
        uart->rx_count--;
        show_top_errors(uart);
    }
    restart_timeout(uart);
    uart_next_arrival(uart);
    uart_update_irq(uart);
    return uart->rx_last;
}

void uart_reset_receiver(struct uart16550 *uart)
{
    uart->rx_count = uart->rx_first = 0;
    memset(uart->rx_errors, 0, sizeof uart->rx_errors);
    restart_timeout(uart);
    uart_next_arrival(uart);
}

/* --- transmitter --- */

/* The transmit FIFO has become empty. If it never held two bytes, the interrupt waits for a frame
 * without its stop bits, so that the guest is not interrupted for each byte it writes. */
static void transmitter_empty(struct uart16550 *uart)
{
    if (!uart_has_fifos(uart) || uart->tx_filled) {
        uart->thre_pending = true;
    } else {
        unsigned half_bits = frame_half_bits(uart) - stop_half_bits(uart);
        arm_after(uart, &uart->thre, half_bits_ns(uart, half_bits));
    }
    uart->tx_filled = false;
}

static void start_shifting(struct uart16550 *uart)
{
    if (uart->shifting || !uart->tx_count)
        return;
    uart->shift = uart->tx[uart->tx_first];
    uart->tx_first = (uint8_t)((uart->tx_first + 1) % FIFO_SIZE);
    uart->tx_count--;
    uart->shifting = true;
    arm_after(uart, &uart->sent, frame_ns(uart));
    if (!uart->tx_count)
        transmitter_empty(uart);
}

static void sent_expired(void *device)
{
    struct uart16550 *uart = device;
    uart->shifting = false;
    if (uart->mcr & MCR_LOOP)
        uart_accept(uart, uart->shift, 0);
    start_shifting(uart);
    uart_update_irq(uart);
}

static void thre_expired(void *device)
{
    struct uart16550 *uart = device;
    uart->thre_pending = uart->tx_count == 0;
    uart_update_irq(uart);
}

void uart_write_holding(struct uart16550 *uart, uint8_t value)
{
    unsigned capacity = uart_has_fifos(uart) ? FIFO_SIZE : 1;
    uint8_t byte = value & word_mask(uart);

    uart->thre_pending = false;
    timer_cancel(&uart->thre);
    uart_update_irq(uart);
    if (uart->tx_count == capacity) {
        if (uart_has_fifos(uart))
            return; /* a full FIFO takes no more; the holding register is overwritten */
        uart->tx_count = 0;
    }
    uart->tx[(uart->tx_first + uart->tx_count++) % FIFO_SIZE] = byte;
    if (uart->tx_count >= 2)
        uart->tx_filled = true;
    if (!(uart->mcr & MCR_LOOP) && uart->output)
        uart->output->ops->write(uart->output, &byte, 1);
    start_shifting(uart);
    uart_update_irq(uart);
}

void uart_reset_transmitter(struct uart16550 *uart)
{
    if (uart->tx_count)
        uart->thre_pending = true;
    uart->tx_count = uart->tx_first = 0;
    uart->tx_filled = false;
}

void uart_init_timers(struct uart16550 *uart)
{
    timer_init(&uart->sent, uart->clock, sent_expired, uart);
    timer_init(&uart->thre, uart->clock, thre_expired, uart);
    timer_init(&uart->arrival, uart->clock, arrival_expired, uart);
    timer_init(&uart->receiver, uart->clock, receiver_expired, uart);
}
