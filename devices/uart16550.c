/* PC16550D: registers, interrupts, modem lines. */
#include "devices/uart16550_private.h"

#include "base/memory.h"

enum {
    DEFAULT_DIVISOR = 12, /* 9600 baud; the chip's own power-up value is undefined */
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

/* --- interrupts --- */

static unsigned trigger_level(const struct uart16550 *uart)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return uart_has_fifos(uart) ? levels[uart->fcr >> 6] : 1;
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
void uart_update_irq(struct uart16550 *uart)
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
    uart_update_irq(uart);
}

void uart16550_set_modem(struct uart16550 *uart, uint8_t levels)
{
    uart->modem_inputs = levels & MSR_LEVELS;
    update_modem(uart);
}

/* --- registers --- */

static uint8_t read_iir(struct uart16550 *uart)
{
    uint8_t source = interrupt_source(uart);
    if (source == IIR_THRE) {
        uart->thre_pending = false;
        uart_update_irq(uart);
    }
    return source | (uart_has_fifos(uart) ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct uart16550 *uart)
{
    uint8_t lsr = uart->errors | (uart->rx_count ? LSR_DATA : 0);
    if (!uart->tx_count)
        lsr |= LSR_THRE | (uart->shifting ? 0 : LSR_TEMT);
    if (uart_has_fifos(uart)) {
        for (unsigned i = 0; i < uart->rx_count; i++) {
            if (uart->rx_errors[(uart->rx_first + i) % FIFO_SIZE])
                lsr |= LSR_FIFO_ERROR;
        }
    }
    uart->errors = 0;
    if (uart->rx_count)
        uart->rx_errors[uart->rx_first] = 0;
    uart_update_irq(uart);
    return lsr;
}

static uint8_t read_msr(struct uart16550 *uart)
{
    uint8_t msr = uart->msr;
    uart->msr &= MSR_LEVELS;
    uart_update_irq(uart);
    return msr;
}

static void write_ier(struct uart16550 *uart, uint8_t value)
{
    uint8_t risen = value & (uint8_t)~uart->ier;
    uart->ier = value & IER_ALL;
    if ((risen & IER_THRE) && !uart->tx_count)
        uart->thre_pending = true;
    uart_update_irq(uart);
}

/* The other bits count only together with the enable bit. */
static void write_fcr(struct uart16550 *uart, uint8_t value)
{
    bool toggled = (value ^ uart->fcr) & FCR_ENABLE;
    if (!(value & FCR_ENABLE))
        value = 0;
    uart->fcr = value & (uint8_t) ~(FCR_RESET_RECEIVER | FCR_RESET_TRANSMITTER);
    if (toggled || (value & FCR_RESET_RECEIVER))
        uart_reset_receiver(uart);
    if (toggled || (value & FCR_RESET_TRANSMITTER))
        uart_reset_transmitter(uart);
    uart_update_irq(uart);
}

static void write_lcr(struct uart16550 *uart, uint8_t value)
{
    bool break_begins = (value & ~uart->lcr) & LCR_BREAK;
    uart->lcr = value;
    uart->framed = true;
    if (break_begins && (uart->mcr & MCR_LOOP))
        uart_accept(uart, 0, UART16550_BREAK | UART16550_FRAMING_ERROR);
}

static void write_mcr(struct uart16550 *uart, uint8_t value)
{
    uart->mcr = value & MCR_ALL;
    update_modem(uart);
    uart_next_arrival(uart);
}

static uint32_t uart16550_read(void *device, uint32_t offset, unsigned size)
{
    struct uart16550 *uart = device;
    bool dlab = uart->lcr & LCR_DLAB;
    switch (offset) {
    case 0:
        return dlab ? uart->divisor & 0xFF : uart_read_buffer(uart);
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
            uart_write_holding(uart, byte);
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
    uart_reset_receiver(uart);
    uart->msr = uart->modem_inputs;
    if (kind == RESET_POWER_ON) {
        uart->divisor = DEFAULT_DIVISOR;
        uart->scratch = uart->rx_last = 0;
    }
    uart_update_irq(uart);
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
    uart_init_timers(uart);
    uart16550_reset(uart, RESET_POWER_ON);
    bus_claim_ports(bus, base_port, 8, &uart16550_ops, uart);
    bus_add_device(bus, &uart16550_class, uart);
    return uart;
}
