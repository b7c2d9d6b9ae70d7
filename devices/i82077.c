/* Intel 82077AA: registers, resets, and the phases of a command (data sheet, chapters 2 to 5). */
#include "devices/i82077.h"

#include "base/memory.h"
#include "devices/i82077_private.h"

#include <assert.h>
#include <string.h>

enum {
    FIRST_PORT = 0x3F0,
    PORT_COUNT = 6,
    DIR_PORT = 0x3F7, /* CCR in writing */

    REG_SRA = 0,
    REG_SRB = 1,
    REG_DOR = 2,
    REG_TDR = 3,
    REG_MSR = 4, /* DSR in writing */
    REG_FIFO = 5,

    MSR_RQM = 0x80,
    MSR_DIO = 0x40,
    MSR_NON_DMA = 0x20,
    MSR_BUSY = 0x10,

    DSR_RESET = 0x80,
    DSR_RATE = 0x03,
    DSR_DEFAULT = 0x02, /* 250 kbit/s */

    CONFIGURATION_NO_POLLING = 0x10,
    NS_RESET = 100000, /* until the first poll of the drives is over */
};

struct fdc_command {
    uint8_t mask, code, length;
    void (*execute)(struct i82077 *fdc);
};

/* MT, MFM and SK are don't-care bits of the codes that have them. */
static const struct fdc_command commands[] = {
    {0x1F, 0x06, 9, fdc_read           },
    {0x1F, 0x0C, 9, fdc_read           },
    {0x3F, 0x05, 9, fdc_write          },
    {0x3F, 0x09, 9, fdc_write          },
    {0xBF, 0x02, 9, fdc_read_track     },
    {0x1F, 0x16, 9, fdc_verify         },
    {0x1F, 0x11, 9, fdc_scan           },
    {0x1F, 0x19, 9, fdc_scan           },
    {0x1F, 0x1D, 9, fdc_scan           },
    {0xBF, 0x0D, 6, fdc_format_track   },
    {0xBF, 0x0A, 2, fdc_read_id        },
    {0xFF, 0x07, 2, fdc_recalibrate    },
    {0xFF, 0x08, 1, fdc_sense_interrupt},
    {0xFF, 0x03, 3, fdc_specify        },
    {0xFF, 0x04, 2, fdc_sense_drive    },
    {0xFF, 0x0F, 3, fdc_seek           },
    {0xBF, 0x8F, 3, fdc_relative_seek  },
    {0xFF, 0x10, 1, fdc_version        },
    {0xFF, 0x13, 4, fdc_configure      },
    {0xFF, 0x0E, 1, fdc_dump_registers },
    {0xFF, 0x12, 2, fdc_perpendicular  },
    {0x7F, 0x14, 1, fdc_lock           },
};

static const struct fdc_command *find_command(uint8_t code)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if ((code & commands[i].mask) == commands[i].code)
            return &commands[i];
    }
    return NULL;
}

/* Bytes of a command are taken until there are as many as it has. */
static bool command_is_begun(const struct i82077 *fdc)
{
    const struct fdc_command *command = find_command(fdc->parameters[0]);
    return fdc->parameter_count == 0 || (command && fdc->parameter_count < command->length);
}

static const char *i82077_misfit(const void *base)
{
    const struct i82077 *fdc = base;
    bool moves = fdc->phase == PHASE_FROM_HOST || fdc->phase == PHASE_TO_HOST;
    bool executes = moves || fdc->phase == PHASE_EXECUTION;
    if (fdc->phase == PHASE_COMMAND ? !command_is_begun(fdc) : !executes && fdc->parameter_count)
        return "it has more bytes of a command than the command has";
    if (fdc->phase == PHASE_RESULT && fdc->result_position >= fdc->result_count)
        return "it has given more results than there are";
    if (moves && fdc->transfer.position >= fdc->transfer.size)
        return "it moves more bytes than a sector has";
    if ((fdc->step == FDC_STEP_RESET_DONE) != (fdc->phase == PHASE_RESET) &&
        fdc->step != FDC_STEP_NONE)
        return "it does something else than its phase says";
    return NULL;
}

static const struct field i82077_fields[] = {
    FIELD_STRUCTS(struct i82077, drive, floppy_drive_fields),
    FIELD_STRUCT(struct i82077, transfer, fdc_transfer_fields),
    FIELD_FIXED(struct i82077, interface),
    FIELD(struct i82077, dor),
    FIELD(struct i82077, tdr),
    FIELD(struct i82077, dsr),
    FIELD_MOST(struct i82077, rate, FLOPPY_RATE_1M),
    FIELD(struct i82077, no_precompensation),
    FIELD_MOST(struct i82077, phase, PHASE_RESULT),
    FIELD_MOST(struct i82077, parameter_count, FDC_MAX_PARAMETERS),
    FIELD_MOST(struct i82077, parameter_need, FDC_MAX_PARAMETERS),
    FIELD_ARRAY(struct i82077, parameters, uint8_t),
    FIELD_MOST(struct i82077, result_count, FDC_MAX_RESULTS),
    FIELD_MOST(struct i82077, result_position, FDC_MAX_RESULTS),
    FIELD_ARRAY(struct i82077, results, uint8_t),
    FIELD(struct i82077, srt_hut),
    FIELD(struct i82077, hlt_nd),
    FIELD(struct i82077, configuration),
    FIELD(struct i82077, precompensation_track),
    FIELD(struct i82077, perpendicular),
    FIELD(struct i82077, lock),
    FIELD(struct i82077, last_sc_eot),
    FIELD(struct i82077, reset_pending),
    FIELD(struct i82077, result_interrupt),
    FIELD(struct i82077, stalled),
    FIELD(struct i82077, interrupt),
    FIELD(struct i82077, irq_level),
    FIELD(struct i82077, write_toggle),
    FIELD(struct i82077, read_toggle),
    FIELD(struct i82077, gate_toggle),
    FIELD_MOST(struct i82077, step, FDC_STEP_FORMAT),
    FIELD_STRUCT(struct i82077, timer, timer_fields),
    FIELD_CHECK(i82077_misfit),
    FIELD_TRANSIENT(struct i82077, bus),
    FIELD_TRANSIENT(struct i82077, dma),
    FIELD_TRANSIENT(struct i82077, irq),
    FIELD_END,
};

/* --- INT --- */

static void update_irq(struct i82077 *fdc)
{
    bool gate = fdc->interface == I82077_PS2 || (fdc->dor & DOR_DMA_GATE);
    bool level = fdc->interrupt && gate;
    if (level == fdc->irq_level)
        return;
    fdc->irq_level = level;
    irq_set(&fdc->irq, level);
}

void fdc_set_interrupt(struct i82077 *fdc, bool level)
{
    fdc->interrupt = level;
    update_irq(fdc);
}

void fdc_schedule(struct i82077 *fdc, enum fdc_step step, uint64_t ns)
{
    fdc->step = (uint8_t)step;
    timer_arm(&fdc->timer, clock_now(bus_clock(fdc->bus)) + ns);
}

/* --- resets --- */

/* Stops everything and enters the reset state. Registers survive as the data sheet's 4.0 says. */
static void enter_reset(struct i82077 *fdc)
{
    timer_cancel(&fdc->timer);
    fdc->step = FDC_STEP_NONE;
    fdc->phase = PHASE_RESET;
    fdc->parameter_count = fdc->result_count = fdc->result_position = 0;
    fdc->reset_pending = 0;
    fdc->result_interrupt = fdc->stalled = false;
    fdc->perpendicular &= (uint8_t)~0x03; /* GAP, WGATE */
    if (!fdc->lock)
        fdc_default_configuration(fdc);
    for (unsigned i = 0; i < I82077_DRIVES; i++) {
        timer_cancel(&fdc->drive[i].seek_timer);
        fdc->drive[i].seeking = fdc->drive[i].interrupt = false;
    }
    if (fdc->dma)
        i8237_set_request(fdc->dma, FDC_DMA_CHANNEL, false);
    fdc_set_interrupt(fdc, false);
}

static void leave_reset(struct i82077 *fdc)
{
    fdc_schedule(fdc, FDC_STEP_RESET_DONE, NS_RESET);
}

static void reset_done(struct i82077 *fdc)
{
    fdc->phase = PHASE_COMMAND;
    if (fdc->configuration & CONFIGURATION_NO_POLLING)
        return;
    fdc->reset_pending = 0x0F;
    fdc_set_interrupt(fdc, true);
}

static void write_dor(struct i82077 *fdc, uint8_t value)
{
    uint8_t changed = fdc->dor ^ value;
    fdc->dor = value;
    if (changed & DOR_NOT_RESET) {
        enter_reset(fdc);
        if (value & DOR_NOT_RESET)
            leave_reset(fdc);
    }
    update_irq(fdc);
    fdc_resume(fdc);
}

static void write_dsr(struct i82077 *fdc, uint8_t value)
{
    fdc->dsr = value & 0x7F;
    fdc->rate = value & DSR_RATE;
    if (value & DSR_RESET) { /* clears itself */
        enter_reset(fdc);
        if (fdc->dor & DOR_NOT_RESET)
            leave_reset(fdc);
    }
}

/* --- command and result phases --- */

void fdc_finish(struct i82077 *fdc, const uint8_t *results, unsigned count, bool interrupt)
{
    assert(count <= FDC_MAX_RESULTS);
    if (count)
        memcpy(fdc->results, results, count);
    fdc->result_count = (uint8_t)count;
    fdc->result_position = 0;
    fdc->parameter_count = 0;
    fdc->phase = count ? PHASE_RESULT : PHASE_COMMAND;
    fdc->result_interrupt = interrupt;
    if (interrupt)
        fdc_set_interrupt(fdc, true);
}

void fdc_invalid(struct i82077 *fdc)
{
    const uint8_t st0 = ST0_INVALID;
    fdc_finish(fdc, &st0, 1, false);
}

static void take_parameter(struct i82077 *fdc, uint8_t value)
{
    fdc->parameters[fdc->parameter_count++] = value;
    const struct fdc_command *command = find_command(fdc->parameters[0]);
    if (!command) {
        fdc_invalid(fdc);
        return;
    }
    fdc->parameter_need = command->length;
    if (fdc->parameter_count == command->length)
        command->execute(fdc);
}

/* The interrupt of the result phase goes when its first byte is read. */
static uint8_t give_result(struct i82077 *fdc)
{
    if (fdc->result_interrupt) {
        fdc->result_interrupt = false;
        fdc_set_interrupt(fdc, false);
    }
    uint8_t value = fdc->results[fdc->result_position++];
    if (fdc->result_position == fdc->result_count) {
        fdc->result_count = 0;
        fdc->phase = PHASE_COMMAND;
    }
    return value;
}

static uint8_t read_fifo(struct i82077 *fdc)
{
    struct fdc_transfer *transfer = &fdc->transfer;
    if (fdc->phase == PHASE_RESULT)
        return give_result(fdc);
    if (fdc->phase != PHASE_TO_HOST)
        return 0;
    fdc_set_interrupt(fdc, false);
    uint8_t value = transfer->buffer[transfer->position++];
    if (transfer->position == transfer->size)
        fdc_buffer_done(fdc);
    return value;
}

static void write_fifo(struct i82077 *fdc, uint8_t value)
{
    struct fdc_transfer *transfer = &fdc->transfer;
    if (fdc->phase == PHASE_COMMAND) {
        take_parameter(fdc, value);
    } else if (fdc->phase == PHASE_FROM_HOST) {
        fdc_set_interrupt(fdc, false);
        transfer->buffer[transfer->position++] = value;
        if (transfer->position == transfer->size)
            fdc_buffer_done(fdc);
    }
}

static uint8_t main_status(const struct i82077 *fdc)
{
    uint8_t status = 0;
    for (unsigned i = 0; i < I82077_DRIVES; i++) {
        if (fdc->drive[i].seeking)
            status |= (uint8_t)(1u << i);
    }
    switch ((enum fdc_phase)fdc->phase) {
    case PHASE_COMMAND:
        return status | MSR_RQM | (fdc->parameter_count ? MSR_BUSY : 0);
    case PHASE_EXECUTION:
        return status | MSR_BUSY | (fdc_is_non_dma(fdc) ? MSR_NON_DMA : 0);
    case PHASE_FROM_HOST:
        return status | MSR_RQM | MSR_NON_DMA | MSR_BUSY;
    case PHASE_TO_HOST:
        return status | MSR_RQM | MSR_DIO | MSR_NON_DMA | MSR_BUSY;
    case PHASE_RESULT:
        return status | MSR_RQM | MSR_DIO | MSR_BUSY;
    default:
        return 0;
    }
}

/* --- the status registers of the three interfaces (data sheet, 2.1) --- */

static const struct floppy_drive *selected_drive(const struct i82077 *fdc)
{
    return &fdc->drive[fdc->dor & DOR_DRIVE];
}

static bool at_index(const struct i82077 *fdc, const struct floppy_drive *drive)
{
    uint64_t revolution = fdc_revolution_time(drive);
    return fdc_drive_turns(fdc, drive) &&
           clock_now(bus_clock(fdc->bus)) % revolution < revolution / 50;
}

/* PS/2 mode: DRV2#, TRK0#, INDX# and WP# are active low; Model 30 shows them inverted. */
static uint8_t read_sra(const struct i82077 *fdc)
{
    const struct floppy_drive *drive = selected_drive(fdc);
    bool track_0 = drive->type != FLOPPY_DRIVE_NONE && drive->track == 0;
    bool second = fdc->drive[1].type != FLOPPY_DRIVE_NONE;
    bool write_protected = fdc_drive_write_protected(drive), index = at_index(fdc, drive);
    bool head = fdc->transfer.head;
    if (fdc->interface == I82077_PC_AT)
        return 0xFF; /* not decoded */
    if (fdc->interface == I82077_PS2)
        return (uint8_t)(fdc->interrupt << 7 | !second << 6 | !track_0 << 4 | head << 3 |
                         !index << 2 | !write_protected << 1);
    bool request = fdc->dma && i8237_acknowledged(fdc->dma, FDC_DMA_CHANNEL);
    return (uint8_t)(fdc->interrupt << 7 | request << 6 | track_0 << 4 | !head << 3 | index << 2 |
                     write_protected << 1 | 1);
}

static uint8_t read_srb(struct i82077 *fdc)
{
    unsigned motors = fdc->dor >> 4 & 3, selected = fdc->dor & DOR_DRIVE;
    if (fdc->interface == I82077_PC_AT)
        return 0xFF;
    if (fdc->interface == I82077_PS2)
        return (uint8_t)(0xC0 | (selected & 1) << 5 | fdc->write_toggle << 4 |
                         fdc->read_toggle << 3 | fdc->gate_toggle << 2 | motors);
    uint8_t value =
        (uint8_t)((fdc->drive[1].type == FLOPPY_DRIVE_NONE) << 7 | (selected != 1) << 6 |
                  (selected != 0) << 5 | fdc->write_toggle << 4 | fdc->read_toggle << 3 |
                  fdc->gate_toggle << 2 | (selected != 3) << 1 | (selected != 2));
    fdc->write_toggle = fdc->read_toggle = fdc->gate_toggle = false; /* latches, in this mode */
    return value;
}

static uint8_t read_dir(const struct i82077 *fdc)
{
    const struct floppy_drive *drive = selected_drive(fdc);
    /* The first 5.25 inch drives have no change line; an empty place pulls none. */
    bool changed = drive->changed && drive->type != FLOPPY_DRIVE_NONE &&
                   drive->type != FLOPPY_DRIVE_360K &&
                   (fdc->dor >> (4 + (fdc->dor & DOR_DRIVE)) & 1);
    bool high_density = fdc->rate == FLOPPY_RATE_500K || fdc->rate == FLOPPY_RATE_1M;
    switch ((enum i82077_interface)fdc->interface) {
    case I82077_PS2:
        return (uint8_t)(changed << 7 | 0x78 | fdc->rate << 1 | !high_density);
    case I82077_MODEL_30:
        return (uint8_t)(!changed << 7 | (fdc->dor & DOR_DMA_GATE) | fdc->no_precompensation << 2 |
                         fdc->rate);
    default:
        return (uint8_t)(changed << 7 | 0x7F); /* the other bits float */
    }
}

static void write_ccr(struct i82077 *fdc, uint8_t value)
{
    fdc->rate = value & DSR_RATE;
    fdc->no_precompensation = value & 0x04;
}

/* --- ports --- */

static uint32_t fdc_port_read(void *device, uint32_t offset, unsigned size)
{
    struct i82077 *fdc = device;
    switch (offset) {
    case REG_SRA:
        return read_sra(fdc);
    case REG_SRB:
        return read_srb(fdc);
    case REG_DOR:
        return fdc->dor;
    case REG_TDR:
        return fdc->tdr | 0xFC;
    case REG_MSR:
        return main_status(fdc);
    default:
        return read_fifo(fdc);
    }
}

static void fdc_port_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct i82077 *fdc = device;
    switch (offset) {
    case REG_DOR:
        write_dor(fdc, (uint8_t)value);
        break;
    case REG_TDR:
        fdc->tdr = value & 3;
        break;
    case REG_MSR:
        write_dsr(fdc, (uint8_t)value);
        break;
    case REG_FIFO:
        write_fifo(fdc, (uint8_t)value);
        break;
    default: /* SRA and SRB cannot be written */
        break;
    }
}

static uint32_t dir_port_read(void *device, uint32_t offset, unsigned size)
{
    return read_dir(device);
}

static void ccr_port_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    write_ccr(device, (uint8_t)value);
}

static const struct io_ops fdc_ops = {fdc_port_read, fdc_port_write, .max_size = 1, .min_size = 1};
static const struct io_ops dir_ops = {dir_port_read, ccr_port_write, .max_size = 1, .min_size = 1};

/* --- the device --- */

static void fdc_expired(void *device)
{
    struct i82077 *fdc = device;
    enum fdc_step step = fdc->step;
    fdc->step = FDC_STEP_NONE;
    switch (step) {
    case FDC_STEP_RESET_DONE:
        reset_done(fdc);
        break;
    case FDC_STEP_SECTOR:
        fdc_transfer_step(fdc);
        break;
    case FDC_STEP_FAIL:
        fdc_transfer_fail(fdc);
        break;
    case FDC_STEP_READ_ID:
        fdc_read_id_step(fdc);
        break;
    case FDC_STEP_FORMAT:
        fdc_format_step(fdc);
        break;
    default:
        break;
    }
}

static void i82077_reset(void *device, enum reset_kind kind)
{
    struct i82077 *fdc = device;
    fdc->lock = false;
    fdc->perpendicular = 0;
    fdc->srt_hut = fdc->hlt_nd = 0;
    fdc->last_sc_eot = 0;
    fdc->tdr = 0;
    fdc->dsr = DSR_DEFAULT;
    fdc->rate = FLOPPY_RATE_250K;
    fdc->no_precompensation = false;
    fdc->write_toggle = fdc->read_toggle = fdc->gate_toggle = false;
    memset(&fdc->transfer, 0, sizeof fdc->transfer);
    fdc->dor = 0; /* holds the controller in reset until the firmware lets go */
    enter_reset(fdc);
    if (kind != RESET_POWER_ON)
        return;
    for (unsigned i = 0; i < I82077_DRIVES; i++) {
        fdc->drive[i].track = 0;
        fdc->drive[i].pcn = 0;
        fdc->drive[i].changed = true;
    }
}

static const struct device_class i82077_class = {
    .name = "i82077",
    .size = sizeof(struct i82077),
    .fields = i82077_fields,
    .reset = i82077_reset,
};

void i82077_set_interface(struct i82077 *fdc, enum i82077_interface interface)
{
    fdc->interface = (uint8_t)interface;
    update_irq(fdc);
}

struct i82077 *i82077_new(struct bus *bus, struct irq_line irq6, struct i8237 *dma)
{
    struct i82077 *fdc = mem_new(sizeof *fdc);
    fdc->bus = bus;
    fdc->irq = irq6;
    fdc->dma = dma;
    timer_init(&fdc->timer, bus_clock(bus), fdc_expired, fdc);
    for (unsigned i = 0; i < I82077_DRIVES; i++) {
        fdc->drive[i].fdc = fdc;
        timer_init(&fdc->drive[i].seek_timer, bus_clock(bus), fdc_seek_expired, &fdc->drive[i]);
    }
    bus_claim_ports(bus, FIRST_PORT, PORT_COUNT, &fdc_ops, fdc);
    bus_claim_ports(bus, DIR_PORT, 1, &dir_ops, fdc);
    bus_add_device(bus, &i82077_class, fdc);
    i82077_reset(fdc, RESET_POWER_ON);
    return fdc;
}
