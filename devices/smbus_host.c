#include "devices/smbus_host.h"

#include "base/time128.h"

#include <string.h>

enum {
    SMBHSTSTS = 0x0,
    SMBSLVSTS = 0x1,
    SMBHSTCNT = 0x2,
    SMBHSTCMD = 0x3,
    SMBHSTADD = 0x4,
    SMBHSTDAT0 = 0x5,
    SMBHSTDAT1 = 0x6,
    SMBBLKDAT = 0x7,
    SMBSLVCNT = 0x8,
    SMBSHDWCMD = 0x9,
    SMBSLVEVT = 0xA,
};

enum {
    STATUS_BUSY = 1 << 0,
    STATUS_INTERRUPT = 1 << 1,
    STATUS_DEVICE_ERROR = 1 << 2,
    STATUS_COLLISION = 1 << 3,
    STATUS_FAILED = 1 << 4,
    STATUS_CLEARABLE = 0x1E,
    CONTROL_INTERRUPT_ENABLE = 1 << 0,
    CONTROL_KILL = 1 << 1,
    CONTROL_START = 1 << 6,
    CONTROL_KEPT = 0x1F,
};

/* Start condition, address byte and the missing acknowledge at 16 kHz, the chip's SMBus clock. */
#define ADDRESS_TIME_NS (UINT64_C(600) * NS_PER_MICROSECOND)

const struct field smbus_host_fields[] = {
    FIELD(struct smbus_host, status),
    FIELD(struct smbus_host, control),
    FIELD(struct smbus_host, command),
    FIELD(struct smbus_host, address),
    FIELD(struct smbus_host, data0),
    FIELD(struct smbus_host, data1),
    FIELD(struct smbus_host, slave_control),
    FIELD(struct smbus_host, shadow_command),
    FIELD(struct smbus_host, slave_event),
    FIELD_ARRAY(struct smbus_host, block, uint8_t),
    FIELD_MOST(struct smbus_host, block_index, SMBUS_BLOCK_SIZE),
    FIELD(struct smbus_host, interrupt),
    FIELD_STRUCT(struct smbus_host, done, timer_fields),
    FIELD_TRANSIENT(struct smbus_host, clock),
    FIELD_TRANSIENT(struct smbus_host, line),
    FIELD_END,
};

static void update_interrupt(struct smbus_host *host)
{
    bool pending = (host->status & STATUS_CLEARABLE) && (host->control & CONTROL_INTERRUPT_ENABLE);
    if (pending == host->interrupt)
        return;
    host->interrupt = pending;
    irq_set(&host->line, pending);
}

static void transaction_done(void *device)
{
    struct smbus_host *host = device;
    host->status = (uint8_t)((host->status & ~STATUS_BUSY) | STATUS_DEVICE_ERROR);
    update_interrupt(host);
}

static void control_write(struct smbus_host *host, uint8_t value)
{
    host->control = value & CONTROL_KEPT;
    if (value & CONTROL_KILL) {
        if (host->status & STATUS_BUSY) {
            timer_cancel(&host->done);
            host->status = (uint8_t)((host->status & ~STATUS_BUSY) | STATUS_FAILED);
        }
    } else if ((value & CONTROL_START) && !(host->status & STATUS_BUSY)) {
        host->status |= STATUS_BUSY;
        timer_arm(&host->done, clock_now(host->clock) + ADDRESS_TIME_NS);
    }
    update_interrupt(host);
}

static uint32_t smbus_read(void *device, uint32_t offset, unsigned size)
{
    struct smbus_host *host = device;
    switch (offset) {
    case SMBHSTSTS:
        return host->status;
    case SMBHSTCNT:
        host->block_index = 0;
        return host->control;
    case SMBHSTCMD:
        return host->command;
    case SMBHSTADD:
        return host->address;
    case SMBHSTDAT0:
        return host->data0;
    case SMBHSTDAT1:
        return host->data1;
    case SMBBLKDAT:
        host->block_index %= SMBUS_BLOCK_SIZE;
        return host->block[host->block_index++];
    case SMBSLVCNT:
        return host->slave_control;
    case SMBSHDWCMD:
        return host->shadow_command;
    case SMBSLVEVT:
        return host->slave_event & 0xFF;
    case SMBSLVEVT + 1:
        return host->slave_event >> 8;
    default:
        return 0; /* slave status and slave data: no master ever addressed the chip */
    }
}

static void smbus_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct smbus_host *host = device;
    uint8_t byte = (uint8_t)value;
    switch (offset) {
    case SMBHSTSTS:
        host->status &= (uint8_t) ~(byte & STATUS_CLEARABLE);
        update_interrupt(host);
        break;
    case SMBHSTCNT:
        control_write(host, byte);
        break;
    case SMBHSTCMD:
        host->command = byte;
        break;
    case SMBHSTADD:
        host->address = byte;
        break;
    case SMBHSTDAT0:
        host->data0 = byte;
        break;
    case SMBHSTDAT1:
        host->data1 = byte;
        break;
    case SMBBLKDAT:
        host->block_index %= SMBUS_BLOCK_SIZE;
        host->block[host->block_index++] = byte;
        break;
    case SMBSLVCNT:
        host->slave_control = byte & 0x0F;
        break;
    case SMBSHDWCMD:
        host->shadow_command = byte;
        break;
    case SMBSLVEVT:
        host->slave_event = (uint16_t)((host->slave_event & 0xFF00) | byte);
        break;
    case SMBSLVEVT + 1:
        host->slave_event = (uint16_t)((host->slave_event & 0x00FF) | byte << 8);
        break;
    default:
        break;
    }
}

const struct io_ops smbus_host_ops = {.read = smbus_read, .write = smbus_write, .max_size = 1};

void smbus_host_init(struct smbus_host *host, struct bus *bus, const struct irq_line *line)
{
    host->clock = bus_clock(bus);
    host->line = *line;
    timer_init(&host->done, host->clock, transaction_done, host);
}

void smbus_host_reset(struct smbus_host *host)
{
    timer_cancel(&host->done);
    host->status = host->control = host->command = host->address = 0;
    host->data0 = host->data1 = host->slave_control = host->shadow_command = 0;
    host->slave_event = 0;
    memset(host->block, 0, sizeof(host->block));
    host->block_index = 0;
    update_interrupt(host);
}
