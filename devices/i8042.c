#include "devices/i8042.h"

#include "base/memory.h"
#include "base/time128.h"

#include <string.h>

enum {
    DATA_PORT = 0x60,
    COMMAND_PORT = 0x64,
    RAM_SIZE = 32,
    REPLY_SIZE = 32,
};

enum status {
    STATUS_OBF = 1 << 0,
    STATUS_SYSTEM = 1 << 2,
    STATUS_COMMAND = 1 << 3,
    STATUS_NOT_LOCKED = 1 << 4,
    STATUS_AUX_OBF = 1 << 5,
    STATUS_TIMEOUT = 1 << 6,
};

/* The command byte, RAM location 0. */
enum command_byte {
    CCB_INTERRUPT = 1 << 0,
    CCB_AUX_INTERRUPT = 1 << 1,
    CCB_SYSTEM = 1 << 2,
    CCB_DISABLE_KEYBOARD = 1 << 4,
    CCB_DISABLE_AUX = 1 << 5,
    CCB_TRANSLATE = 1 << 6,
};

enum output_port {
    OUTPUT_NO_RESET = 1 << 0,
    OUTPUT_A20 = 1 << 1,
    OUTPUT_IRQ1 = 1 << 4,
    OUTPUT_IRQ12 = 1 << 5,
    OUTPUT_CLOCK = 1 << 6,
    OUTPUT_DATA = 1 << 7,
};

enum command {
    CMD_READ_RAM = 0x20,
    CMD_WRITE_RAM = 0x60,
    CMD_PASSWORD_INSTALLED = 0xA4,
    CMD_LOAD_PASSWORD = 0xA5,
    CMD_ENABLE_PASSWORD = 0xA6,
    CMD_DISABLE_AUX = 0xA7,
    CMD_ENABLE_AUX = 0xA8,
    CMD_TEST_AUX = 0xA9,
    CMD_SELF_TEST = 0xAA,
    CMD_TEST_KEYBOARD = 0xAB,
    CMD_DIAGNOSTIC_DUMP = 0xAC,
    CMD_DISABLE_KEYBOARD = 0xAD,
    CMD_ENABLE_KEYBOARD = 0xAE,
    CMD_READ_INPUT = 0xC0,
    CMD_POLL_INPUT_LOW = 0xC1,
    CMD_POLL_INPUT_HIGH = 0xC2,
    CMD_READ_OUTPUT = 0xD0,
    CMD_WRITE_OUTPUT = 0xD1,
    CMD_WRITE_KEYBOARD_BUFFER = 0xD2,
    CMD_WRITE_AUX_BUFFER = 0xD3,
    CMD_WRITE_AUX = 0xD4,
    CMD_DISABLE_A20 = 0xDD,
    CMD_ENABLE_A20 = 0xDF,
    CMD_READ_TEST_INPUTS = 0xE0,
    CMD_PULSE_OUTPUT = 0xF0,
};

/* P1: keyboard not locked (7), colour display (6 clear), no manufacturing jumper (5), RAM (4). */
enum { INPUT_PORT = 0xB0 };

enum source { FROM_KEYBOARD, FROM_AUX, FROM_TIMEOUT };

/* Eleven bits on the wire at about 12.5 kHz. */
#define BYTE_TIME_NS (UINT64_C(880) * NS_PER_MICROSECOND)

struct i8042 {
    uint8_t ram[RAM_SIZE]; /* [0] is the command byte */
    uint8_t status;        /* OBF, COMMAND, AUX_OBF, TIMEOUT */
    uint8_t data;          /* output buffer */
    uint8_t pending;       /* command whose data byte is to come, or 0 */
    uint8_t poll;          /* CMD_POLL_INPUT_LOW or _HIGH in force, or 0 */
    uint8_t outputs;       /* P2 latches that lead nowhere else: clock and data */
    bool break_seen;       /* translation: F0h went before */
    bool irq1_level, irq12_level;
    uint8_t replies[REPLY_SIZE], reply_sources[REPLY_SIZE];
    uint8_t reply_count;
    struct timer deliver;

    struct bus *bus;
    struct clock *clock;
    struct a20_gate *a20;
    struct irq_line irq1, irq12;
    struct ps2_port keyboard, aux; /* write NULL: not plugged in */
};

static const struct field i8042_fields[] = {
    FIELD_ARRAY(struct i8042, ram, uint8_t),
    FIELD(struct i8042, status),
    FIELD(struct i8042, data),
    FIELD(struct i8042, pending),
    FIELD(struct i8042, poll),
    FIELD(struct i8042, outputs),
    FIELD(struct i8042, break_seen),
    FIELD(struct i8042, irq1_level),
    FIELD(struct i8042, irq12_level),
    FIELD_ARRAY(struct i8042, replies, uint8_t),
    FIELD_ARRAY_MOST(struct i8042, reply_sources, uint8_t, FROM_TIMEOUT),
    FIELD_MOST(struct i8042, reply_count, REPLY_SIZE),
    FIELD_STRUCT(struct i8042, deliver, timer_fields),
    FIELD_TRANSIENT(struct i8042, bus),
    FIELD_TRANSIENT(struct i8042, clock),
    FIELD_TRANSIENT(struct i8042, a20),
    FIELD_TRANSIENT(struct i8042, irq1),
    FIELD_TRANSIENT(struct i8042, irq12),
    FIELD_TRANSIENT(struct i8042, keyboard),
    FIELD_TRANSIENT(struct i8042, aux),
    FIELD_END,
};

/* Scan set 2 to set 1, as the controller's firmware translates; 80h and above pass unchanged but
 * for F7 and System Request. */
static const uint8_t translation[128] = {
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,
    0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,
    0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,
    0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,
    0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,
    0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,
};

static uint8_t translate(uint8_t code)
{
    if (code < 0x80)
        return translation[code];
    return code == 0x83 ? 0x41 : code == 0x84 ? 0x54 : code;
}

/* --- the output buffer --- */

static void update_irqs(struct i8042 *chip)
{
    bool full = chip->status & STATUS_OBF;
    bool aux = chip->status & STATUS_AUX_OBF;
    bool irq1 = full && !aux && (chip->ram[0] & CCB_INTERRUPT);
    bool irq12 = full && aux && (chip->ram[0] & CCB_AUX_INTERRUPT);
    if (irq1 != chip->irq1_level) {
        chip->irq1_level = irq1;
        irq_set(&chip->irq1, irq1);
    }
    if (irq12 != chip->irq12_level) {
        chip->irq12_level = irq12;
        irq_set(&chip->irq12, irq12);
    }
}

static void fill_output(struct i8042 *chip, uint8_t byte, enum source source)
{
    chip->data = byte;
    chip->status &= (uint8_t) ~(STATUS_AUX_OBF | STATUS_TIMEOUT);
    chip->status |= STATUS_OBF;
    if (source == FROM_AUX)
        chip->status |= STATUS_AUX_OBF;
    if (source == FROM_TIMEOUT)
        chip->status |= STATUS_TIMEOUT;
    update_irqs(chip);
}

static bool keyboard_wants(const struct i8042 *chip)
{
    return chip->keyboard.write && !(chip->ram[0] & CCB_DISABLE_KEYBOARD) &&
           chip->keyboard.waiting(chip->keyboard.device);
}

static bool aux_wants(const struct i8042 *chip)
{
    return chip->aux.write && !(chip->ram[0] & CCB_DISABLE_AUX) &&
           chip->aux.waiting(chip->aux.device);
}

/* Gets the next byte going when the output buffer is free: answers of the controller itself at
 * once, bytes of the devices after their time on the wire. */
static void schedule(struct i8042 *chip)
{
    if (chip->status & STATUS_OBF)
        return;
    if (chip->reply_count) {
        uint8_t byte = chip->replies[0];
        enum source source = chip->reply_sources[0];
        chip->reply_count--;
        memmove(chip->replies, chip->replies + 1, chip->reply_count);
        memmove(chip->reply_sources, chip->reply_sources + 1, chip->reply_count);
        fill_output(chip, byte, source);
    } else if (!timer_armed(&chip->deliver) && (keyboard_wants(chip) || aux_wants(chip))) {
        timer_arm(&chip->deliver, clock_now(chip->clock) + BYTE_TIME_NS);
    }
}

static void keyboard_byte(struct i8042 *chip, uint8_t byte)
{
    if (!(chip->ram[0] & CCB_TRANSLATE)) {
        chip->break_seen = false;
        fill_output(chip, byte, FROM_KEYBOARD);
    } else if (byte == 0xF0) {
        chip->break_seen = true;
    } else {
        uint8_t code = translate(byte);
        fill_output(chip, chip->break_seen ? code | 0x80 : code, FROM_KEYBOARD);
        chip->break_seen = false;
    }
}

static void deliver_expired(void *device)
{
    struct i8042 *chip = device;
    uint8_t byte;
    if (chip->status & STATUS_OBF)
        return;
    if (keyboard_wants(chip)) {
        if (chip->keyboard.take(chip->keyboard.device, &byte))
            keyboard_byte(chip, byte);
    } else if (aux_wants(chip)) {
        if (chip->aux.take(chip->aux.device, &byte))
            fill_output(chip, byte, FROM_AUX);
    }
    schedule(chip);
}

static void device_ready(void *controller)
{
    schedule(controller);
}

static void reply(struct i8042 *chip, uint8_t byte, enum source source)
{
    if (chip->reply_count < REPLY_SIZE) {
        chip->replies[chip->reply_count] = byte;
        chip->reply_sources[chip->reply_count++] = (uint8_t)source;
    }
    schedule(chip);
}

/* --- bytes to the devices; sending switches the interface on --- */

static void send_to(struct i8042 *chip, const struct ps2_port *port, uint8_t disable_bit,
                    enum source source, uint8_t byte)
{
    chip->ram[0] &= (uint8_t)~disable_bit;
    if (port->write) {
        port->write(port->device, byte);
        schedule(chip);
    } else {
        reply(chip, 0xFE, source == FROM_AUX ? FROM_AUX : FROM_TIMEOUT);
    }
}

/* --- commands --- */

static uint8_t read_output_port(const struct i8042 *chip)
{
    return (uint8_t)(OUTPUT_NO_RESET | chip->outputs |
                     (a20_gate_enabled(chip->a20) ? OUTPUT_A20 : 0) |
                     (chip->irq1_level ? OUTPUT_IRQ1 : 0) | (chip->irq12_level ? OUTPUT_IRQ12 : 0));
}

static void write_output_port(struct i8042 *chip, uint8_t value)
{
    chip->outputs = value & (OUTPUT_CLOCK | OUTPUT_DATA);
    a20_gate_set(chip->a20, value & OUTPUT_A20);
    if (!(value & OUTPUT_NO_RESET))
        bus_request_reset(chip->bus, true, "the keyboard controller's output port");
}

static void write_ram(struct i8042 *chip, unsigned index, uint8_t value)
{
    chip->ram[index] = value;
    if (index != 0)
        return;
    update_irqs(chip);
    schedule(chip);
}

static void data_for_command(struct i8042 *chip, uint8_t value)
{
    uint8_t command = chip->pending;
    if (command == CMD_LOAD_PASSWORD && value != 0)
        return; /* the password ends with a zero */
    chip->pending = 0;
    switch (command) {
    case CMD_WRITE_OUTPUT:
        write_output_port(chip, value);
        break;
    case CMD_WRITE_KEYBOARD_BUFFER:
        reply(chip, value, FROM_KEYBOARD);
        break;
    case CMD_WRITE_AUX_BUFFER:
        reply(chip, value, FROM_AUX);
        break;
    case CMD_WRITE_AUX:
        send_to(chip, &chip->aux, CCB_DISABLE_AUX, FROM_AUX, value);
        break;
    default:
        if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + RAM_SIZE)
            write_ram(chip, command - CMD_WRITE_RAM, value);
        break;
    }
}

/* Sixteen bytes of RAM, the two ports and the status word. */
static void diagnostic_dump(struct i8042 *chip)
{
    for (unsigned i = 0; i < 16; i++)
        reply(chip, chip->ram[i], FROM_KEYBOARD);
    reply(chip, INPUT_PORT, FROM_KEYBOARD);
    reply(chip, read_output_port(chip), FROM_KEYBOARD);
    reply(chip, chip->status, FROM_KEYBOARD);
}

static void set_command_bit(struct i8042 *chip, uint8_t bit, bool on)
{
    write_ram(chip, 0, on ? chip->ram[0] | bit : chip->ram[0] & (uint8_t)~bit);
}

/* Commands with an answer; false: not one of them. */
static bool answer_command(struct i8042 *chip, uint8_t command)
{
    switch (command) {
    case CMD_PASSWORD_INSTALLED:
        reply(chip, 0xF1, FROM_KEYBOARD);
        return true;
    case CMD_TEST_AUX:
    case CMD_TEST_KEYBOARD:
        reply(chip, 0x00, FROM_KEYBOARD);
        return true;
    case CMD_SELF_TEST:
        chip->ram[0] |= CCB_SYSTEM;
        reply(chip, 0x55, FROM_KEYBOARD);
        return true;
    case CMD_DIAGNOSTIC_DUMP:
        diagnostic_dump(chip);
        return true;
    case CMD_READ_INPUT:
        reply(chip, INPUT_PORT, FROM_KEYBOARD);
        return true;
    case CMD_READ_OUTPUT:
        reply(chip, read_output_port(chip), FROM_KEYBOARD);
        return true;
    case CMD_READ_TEST_INPUTS: /* T0 keyboard clock, T1 auxiliary clock: idle high */
        reply(chip,
              (uint8_t)((chip->ram[0] & CCB_DISABLE_KEYBOARD ? 0 : 1) |
                        (chip->ram[0] & CCB_DISABLE_AUX ? 0 : 2)),
              FROM_KEYBOARD);
        return true;
    default:
        if (command < CMD_READ_RAM || command >= CMD_READ_RAM + RAM_SIZE)
            return false;
        reply(chip, chip->ram[command - CMD_READ_RAM], FROM_KEYBOARD);
        return true;
    }
}

static void do_command(struct i8042 *chip, uint8_t command)
{
    chip->pending = 0;
    chip->poll = 0;
    if (answer_command(chip, command))
        return;
    switch (command) {
    case CMD_LOAD_PASSWORD:
    case CMD_WRITE_OUTPUT:
    case CMD_WRITE_KEYBOARD_BUFFER:
    case CMD_WRITE_AUX_BUFFER:
    case CMD_WRITE_AUX:
        chip->pending = command;
        break;
    case CMD_DISABLE_AUX:
    case CMD_ENABLE_AUX:
        set_command_bit(chip, CCB_DISABLE_AUX, command == CMD_DISABLE_AUX);
        break;
    case CMD_DISABLE_KEYBOARD:
    case CMD_ENABLE_KEYBOARD:
        set_command_bit(chip, CCB_DISABLE_KEYBOARD, command == CMD_DISABLE_KEYBOARD);
        break;
    case CMD_POLL_INPUT_LOW:
    case CMD_POLL_INPUT_HIGH:
        chip->poll = command;
        break;
    case CMD_DISABLE_A20: /* not IBM's, but common since the HP Vectra */
    case CMD_ENABLE_A20:
        a20_gate_set(chip->a20, command == CMD_ENABLE_A20);
        break;
    default:
        if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + RAM_SIZE) {
            chip->pending = command;
        } else if (command >= CMD_PULSE_OUTPUT) {
            /* Bits 3:0 clear pulse their output low; bit 0 is the processor's reset. */
            if (!(command & OUTPUT_NO_RESET))
                bus_request_reset(chip->bus, true,
                                  "the keyboard controller (a pulse of its output)");
        } else {
            log_unimplemented(bus_log(chip->bus), "i8042", command, "command %02Xh", command);
        }
        break;
    }
}

/* --- ports --- */

static uint32_t data_read(void *device, uint32_t offset, unsigned size)
{
    struct i8042 *chip = device;
    chip->status &= (uint8_t) ~(STATUS_OBF | STATUS_AUX_OBF | STATUS_TIMEOUT);
    update_irqs(chip);
    uint8_t byte = chip->data;
    schedule(chip);
    return byte;
}

static void data_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct i8042 *chip = device;
    chip->status &= (uint8_t)~STATUS_COMMAND;
    if (chip->pending)
        data_for_command(chip, (uint8_t)value);
    else
        send_to(chip, &chip->keyboard, CCB_DISABLE_KEYBOARD, FROM_KEYBOARD, (uint8_t)value);
}

static uint32_t status_read(void *device, uint32_t offset, unsigned size)
{
    const struct i8042 *chip = device;
    uint32_t status = chip->status | STATUS_NOT_LOCKED;
    if (chip->ram[0] & CCB_SYSTEM)
        status |= STATUS_SYSTEM;
    if (chip->poll)
        status = (status & 0x0F) |
                 (chip->poll == CMD_POLL_INPUT_LOW ? (INPUT_PORT & 0x0F) << 4 : INPUT_PORT & 0xF0);
    return status;
}

static void command_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct i8042 *chip = device;
    chip->status |= STATUS_COMMAND;
    do_command(chip, (uint8_t)value);
}

static const struct io_ops data_ops = {.read = data_read, .write = data_write, .max_size = 1};
static const struct io_ops command_ops = {
    .read = status_read,
    .write = command_write,
    .max_size = 1,
};

/* --- the device --- */

static void i8042_reset(void *device, enum reset_kind kind)
{
    struct i8042 *chip = device;
    memset(chip->ram, 0, sizeof(chip->ram));
    chip->ram[0] = CCB_DISABLE_KEYBOARD | CCB_DISABLE_AUX;
    chip->status = 0;
    chip->data = 0;
    chip->pending = 0;
    chip->poll = 0;
    chip->outputs = OUTPUT_CLOCK | OUTPUT_DATA;
    chip->break_seen = false;
    chip->reply_count = 0;
    timer_cancel(&chip->deliver);
    update_irqs(chip);
}

static const struct device_class i8042_class = {
    .name = "i8042",
    .size = sizeof(struct i8042),
    .fields = i8042_fields,
    .reset = i8042_reset,
};

static void plug_in(struct i8042 *chip, struct ps2_port *socket, const struct ps2_port *plug)
{
    if (!plug)
        return;
    *socket = *plug;
    plug->connect(plug->device, device_ready, chip);
}

struct i8042 *i8042_new(struct bus *bus, struct a20_gate *a20, const struct irq_line *irq1,
                        const struct irq_line *irq12, const struct ps2_port *keyboard,
                        const struct ps2_port *mouse)
{
    struct i8042 *chip = mem_new(sizeof(*chip));
    chip->bus = bus;
    chip->clock = bus_clock(bus);
    chip->a20 = a20;
    chip->irq1 = *irq1;
    chip->irq12 = *irq12;
    timer_init(&chip->deliver, chip->clock, deliver_expired, chip);
    plug_in(chip, &chip->keyboard, keyboard);
    plug_in(chip, &chip->aux, mouse);
    bus_claim_ports(bus, DATA_PORT, 1, &data_ops, chip);
    bus_claim_ports(bus, COMMAND_PORT, 1, &command_ops, chip);
    bus_add_device(bus, &i8042_class, chip);
    i8042_reset(chip, RESET_POWER_ON);
    return chip;
}
