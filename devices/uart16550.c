/* PC16550D.
 *
 * A byte that the guest sends reaches the host when it enters the transmitter, and not a frame
 * later, so that nothing is lost when the machine stops right after its last message; what the
 * guest can see (THRE, TEMT, interrupts, loopback) keeps the pace of the line. */
#include "devices/uart16550.h"

#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"

#define CRYSTAL_HERTZ UINT64_C(1843200)

enum {
    FIFO_SIZE = 16,
    TIMEOUT_FRAMES = 4,

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
    LSR_ERRORS = 0x1E,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,

    MSR_LEVELS = 0xF0,
    MSR_DELTAS = 0x0F,
    MSR_TERI = 0x04,

    DEFAULT_DIVISOR = 12, /* 9600 baud; the chip's own power-up value is undefined */
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

static const char *uart16550_misfit(const void *base)
{
    const struct uart16550 *uart = base;
    unsigned capacity = uart->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
    return uart->rx_count > capacity || uart->tx_count > capacity
               ? "there are bytes in a FIFO that is off"
               : NULL;
}

static const struct field uart16550_fields[] = {
    FIELD(struct uart16550, ier),
    FIELD(struct uart16550, fcr),
    FIELD(struct uart16550, lcr),
    FIELD(struct uart16550, mcr),
    FIELD(struct uart16550, scratch),
    FIELD(struct uart16550, errors),
    FIELD(struct uart16550, msr),
    FIELD(struct uart16550, modem_inputs),
    FIELD(struct uart16550, divisor),
    FIELD(struct uart16550, framed),
    FIELD(struct uart16550, thre_pending),
    FIELD(struct uart16550, timeout_pending),
    FIELD(struct uart16550, shifting),
    FIELD(struct uart16550, tx_filled),
    FIELD(struct uart16550, irq_level),
    FIELD(struct uart16550, shift),
    FIELD_ARRAY(struct uart16550, tx, uint8_t),
    FIELD_MOST(struct uart16550, tx_count, FIFO_SIZE),
    FIELD_MOST(struct uart16550, tx_first, FIFO_SIZE - 1),
    FIELD_ARRAY(struct uart16550, rx, uint8_t),
    FIELD_ARRAY(struct uart16550, rx_errors, uint8_t),
    FIELD_MOST(struct uart16550, rx_count, FIFO_SIZE),
    FIELD_MOST(struct uart16550, rx_first, FIFO_SIZE - 1),
    FIELD(struct uart16550, rx_last),
    FIELD_MOST(struct uart16550, input_first, UART16550_INPUT_SIZE - 1),
    FIELD_MOST(struct uart16550, input_count, UART16550_INPUT_SIZE),
    FIELD_ARRAY(struct uart16550, input, uint8_t),
    FIELD_STRUCT(struct uart16550, sent, timer_fields),
    FIELD_STRUCT(struct uart16550, thre, timer_fields),
    FIELD_STRUCT(struct uart16550, arrival, timer_fields),
    FIELD_STRUCT(struct uart16550, receiver, timer_fields),
    FIELD_CHECK(uart16550_misfit),
    FIELD_TRANSIENT(struct uart16550, clock),
    FIELD_TRANSIENT(struct uart16550, irq),
    FIELD_TRANSIENT(struct uart16550, output),
    FIELD_END,
};

/* --- timing --- */

static bool fifos_enabled(const struct uart16550 *uart)
{
    return uart->fcr & FCR_ENABLE;
}

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

/* --- interrupts --- */

static unsigned trigger_level(const struct uart16550 *uart)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return fifos_enabled(uart) ? levels[uart->fcr >> 6] : 1;
}

/* The interrupt that IIR shows, in the data sheet's order of priority. */
static uint8_t interrupt_source(const struct uart16550 *uart)
{
    if ((uart->ier & IER_LINE) && uart->errors)
        return IIR_LINE;
    if ((uart->ier & IER_RECEIVED) && uart->rx_count >= trigger_level(uart))
        return IIR_RECEIVED;
    if ((uart->ier & IER_RECEIVED) && uart->timeout_pending)
        return IIR_TIMEOUT;
    if ((uart->ier & IER_THRE) && uart->thre_pending)
        return IIR_THRE;
    if ((uart->ier & IER_MODEM) && (uart->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

/* In loopback OUT2's pin is inactive, and the interrupt disconnected. */
static void update_irq(struct uart16550 *uart)
{
    bool level =
        interrupt_source(uart) != IIR_NONE && (uart->mcr & MCR_OUT2) && !(uart->mcr & MCR_LOOP);
    if (level != uart->irq_level) {
        uart->irq_level = level;
        irq_set(&uart->irq, level);
    }
}

/* --- modem lines --- */

static uint8_t modem_levels(const struct uart16550 *uart)
{
    if (!(uart->mcr & MCR_LOOP))
        return uart->modem_inputs;
    return (uint8_t)((uart->mcr & MCR_RTS ? UART16550_CTS : 0) |
                     (uart->mcr & MCR_DTR ? UART16550_DSR : 0) |
                     (uart->mcr & MCR_OUT1 ? UART16550_RI : 0) |
                     (uart->mcr & MCR_OUT2 ? UART16550_DCD : 0));
}

/* Notes changes of the inputs as deltas. RI counts only when it goes away (TERI). */
static void update_modem(struct uart16550 *uart)
{
    uint8_t levels = modem_levels(uart);
    uint8_t deltas = (uint8_t)((uart->msr ^ levels) & MSR_LEVELS) >> 4;
    if (levels & UART16550_RI)
        deltas &= (uint8_t)~MSR_TERI;
    uart->msr = (uint8_t)(levels | (uart->msr & MSR_DELTAS) | deltas);
    update_irq(uart);
}

void uart16550_set_modem(struct uart16550 *uart, uint8_t levels)
{
    uart->modem_inputs = levels & MSR_LEVELS;
    update_modem(uart);
}

/* --- receiver --- */

static unsigned rx_capacity(const struct uart16550 *uart)
{
    return fifos_enabled(uart) ? FIFO_SIZE : 1;
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
    if (fifos_enabled(uart) && uart->rx_count)
        arm_after(uart, &uart->receiver, TIMEOUT_FRAMES * frame_ns(uart));
    else
        timer_cancel(&uart->receiver);
}

/* A whole character is in the receive shift register. */
static void rx_accept(struct uart16550 *uart, uint8_t byte, uint8_t errors)
{
    if (uart->rx_count == rx_capacity(uart)) {
        uart->errors |= LSR_OVERRUN;
        if (!fifos_enabled(uart)) { /* the new one overwrites; a full FIFO keeps the old ones */
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
    update_irq(uart);
}

/* Lets the line carry the next byte of input, when there is one and room for it. */
static void next_arrival(struct uart16550 *uart)
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
    rx_accept(uart, byte, 0);
    next_arrival(uart);
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
    next_arrival(uart);
    return count;
}

void uart16550_receive_error(struct uart16550 *uart, uint8_t byte, uint8_t errors)
{
    errors &= UART16550_PARITY_ERROR | UART16550_FRAMING_ERROR | UART16550_BREAK;
    if (!(uart->mcr & MCR_LOOP))
        rx_accept(uart, byte, errors);
}

static void receiver_expired(void *device)
{
    struct uart16550 *uart = device;
    uart->timeout_pending = uart->rx_count != 0;
    update_irq(uart);
}

static uint8_t read_buffer(struct uart16550 *uart)
{
    if (uart->rx_count) {
        uart->rx_last = uart->rx[uart->rx_first];
        uart->rx_errors[uart->rx_first] = 0;
        uart->rx_first = (uint8_t)((uart->rx_first + 1) % FIFO_SIZE);
        uart->rx_count--;
        show_top_errors(uart);
    }
    restart_timeout(uart);
    next_arrival(uart);
    update_irq(uart);
    return uart->rx_last;
}

static void reset_receiver(struct uart16550 *uart)
{
    uart->rx_count = uart->rx_first = 0;
    memset(uart->rx_errors, 0, sizeof uart->rx_errors);
    restart_timeout(uart);
    next_arrival(uart);
}

/* --- transmitter --- */

/* The transmit FIFO has become empty. If it never held two bytes, the interrupt waits for a frame
 * without its stop bits, so that the guest is not interrupted for each byte it writes. */
static void transmitter_empty(struct uart16550 *uart)
{
    if (!fifos_enabled(uart) || uart->tx_filled) {
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
        rx_accept(uart, uart->shift, 0);
    start_shifting(uart);
    update_irq(uart);
}

static void thre_expired(void *device)
{
    struct uart16550 *uart = device;
    uart->thre_pending = uart->tx_count == 0;
    update_irq(uart);
}

static void write_holding(struct uart16550 *uart, uint8_t value)
{
    unsigned capacity = fifos_enabled(uart) ? FIFO_SIZE : 1;
    uint8_t byte = value & word_mask(uart);

    uart->thre_pending = false;
    timer_cancel(&uart->thre);
    update_irq(uart);
    if (uart->tx_count == capacity) {
        if (fifos_enabled(uart))
            return; /* a full FIFO takes no more; the holding register is overwritten */
        uart->tx_count = 0;
    }
    uart->tx[(uart->tx_first + uart->tx_count++) % FIFO_SIZE] = byte;
    if (uart->tx_count >= 2)
        uart->tx_filled = true;
    if (!(uart->mcr & MCR_LOOP) && uart->output)
        uart->output->ops->write(uart->output, &byte, 1);
    start_shifting(uart);
    update_irq(uart);
}

static void reset_transmitter(struct uart16550 *uart)
{
    if (uart->tx_count)
        uart->thre_pending = true;
    uart->tx_count = uart->tx_first = 0;
    uart->tx_filled = false;
}

/* --- registers --- */

static uint8_t read_iir(struct uart16550 *uart)
{
    uint8_t source = interrupt_source(uart);
    if (source == IIR_THRE) {
        uart->thre_pending = false;
        update_irq(uart);
    }
    return source | (fifos_enabled(uart) ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct uart16550 *uart)
{
    uint8_t lsr = uart->errors | (uart->rx_count ? LSR_DATA : 0);
    if (!uart->tx_count)
        lsr |= LSR_THRE | (uart->shifting ? 0 : LSR_TEMT);
    if (fifos_enabled(uart)) {
        for (unsigned i = 0; i < uart->rx_count; i++) {
            if (uart->rx_errors[(uart->rx_first + i) % FIFO_SIZE])
                lsr |= LSR_FIFO_ERROR;
        }
    }
    uart->errors = 0;
    if (uart->rx_count)
        uart->rx_errors[uart->rx_first] = 0;
    update_irq(uart);
    return lsr;
}

static uint8_t read_msr(struct uart16550 *uart)
{
    uint8_t msr = uart->msr;
    uart->msr &= MSR_LEVELS;
    update_irq(uart);
    return msr;
}

static void write_ier(struct uart16550 *uart, uint8_t value)
{
    uint8_t risen = value & (uint8_t)~uart->ier;
    uart->ier = value & IER_ALL;
    if ((risen & IER_THRE) && !uart->tx_count)
        uart->thre_pending = true;
    update_irq(uart);
}

/* The other bits count only together with the enable bit. */
static void write_fcr(struct uart16550 *uart, uint8_t value)
{
    bool toggled = (value ^ uart->fcr) & FCR_ENABLE;
    if (!(value & FCR_ENABLE))
        value = 0;
    uart->fcr = value & (uint8_t) ~(FCR_RESET_RECEIVER | FCR_RESET_TRANSMITTER);
    if (toggled || (value & FCR_RESET_RECEIVER))
        reset_receiver(uart);
    if (toggled || (value & FCR_RESET_TRANSMITTER))
        reset_transmitter(uart);
    update_irq(uart);
}

static void write_lcr(struct uart16550 *uart, uint8_t value)
{
    bool break_begins = (value & ~uart->lcr) & LCR_BREAK;
    uart->lcr = value;
    uart->framed = true;
    if (break_begins && (uart->mcr & MCR_LOOP))
        rx_accept(uart, 0, UART16550_BREAK | UART16550_FRAMING_ERROR);
}

static void write_mcr(struct uart16550 *uart, uint8_t value)
{
    uart->mcr = value & MCR_ALL;
    update_modem(uart);
    next_arrival(uart);
}

static uint32_t uart16550_read(void *device, uint32_t offset, unsigned size)
{
    struct uart16550 *uart = device;
    bool dlab = uart->lcr & LCR_DLAB;
    switch (offset) {
    case 0:
        return dlab ? uart->divisor & 0xFF : read_buffer(uart);
    case 1:
        return dlab ? uart->divisor >> 8 : uart->ier;
    case 2:
        return read_iir(uart);
    case 3:
        return uart->lcr;
    case 4:
        return uart->mcr;
    case 5:
        return read_lsr(uart);
    case 6:
        return read_msr(uart);
    default:
        return uart->scratch;
    }
}

static void uart16550_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct uart16550 *uart = device;
    uint8_t byte = (uint8_t)value;
    bool dlab = uart->lcr & LCR_DLAB;
    switch (offset) {
    case 0:
        if (dlab)
            uart->divisor = (uint16_t)((uart->divisor & 0xFF00) | byte);
        else
            write_holding(uart, byte);
        break;
    case 1:
        if (dlab)
            uart->divisor = (uint16_t)((uart->divisor & 0x00FF) | byte << 8);
        else
            write_ier(uart, byte);
        break;
    case 2:
        write_fcr(uart, byte);
        break;
    case 3:
        write_lcr(uart, byte);
        break;
    case 4:
        write_mcr(uart, byte);
        break;
    case 7:
        uart->scratch = byte;
        break;
    default: /* writes to LSR and MSR are for factory tests */
        break;
    }
}

/* --- the device --- */

/* MR: input that waits outside stays; divisor, scratch and buffers are not affected on the chip. */
static void uart16550_reset(void *device, enum reset_kind kind)
{
    struct uart16550 *uart = device;
    uart->ier = uart->fcr = uart->lcr = uart->mcr = 0;
    uart->framed = false;
    uart->errors = 0;
    uart->thre_pending = uart->timeout_pending = false;
    uart->shifting = uart->tx_filled = false;
    uart->tx_count = uart->tx_first = 0;
    timer_cancel(&uart->sent);
    timer_cancel(&uart->thre);
    reset_receiver(uart);
    uart->msr = uart->modem_inputs;
    if (kind == RESET_POWER_ON) {
        uart->divisor = DEFAULT_DIVISOR;
        uart->scratch = uart->rx_last = 0;
    }
    update_irq(uart);
}

static const struct device_class uart16550_class = {
    .name = "uart16550",
    .size = sizeof(struct uart16550),
    .fields = uart16550_fields,
    .reset = uart16550_reset,
};

static const struct io_ops uart16550_ops = {uart16550_read, uart16550_write, .max_size = 1};

struct uart16550 *uart16550_new(struct bus *bus, uint16_t base_port, const struct irq_line *irq,
                                struct char_backend *output)
{
    struct uart16550 *uart = mem_new(sizeof *uart);
    uart->clock = bus_clock(bus);
    uart->irq = *irq;
    uart->output = output;
    if (output)
        uart->modem_inputs = UART16550_CTS | UART16550_DSR | UART16550_DCD;
    timer_init(&uart->sent, uart->clock, sent_expired, uart);
    timer_init(&uart->thre, uart->clock, thre_expired, uart);
    timer_init(&uart->arrival, uart->clock, arrival_expired, uart);
    timer_init(&uart->receiver, uart->clock, receiver_expired, uart);
    uart16550_reset(uart, RESET_POWER_ON);
    bus_claim_ports(bus, base_port, 8, &uart16550_ops, uart);
    bus_add_device(bus, &uart16550_class, uart);
    return uart;
}
