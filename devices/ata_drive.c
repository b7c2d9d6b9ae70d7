/* A hard disk: the ATA/ATAPI-6 general and power-management feature sets. Transfers are in
 * ata_transfer.c. CHS commands and INITIALIZE DEVICE PARAMETERS follow ATA-1 to ATA-5, as
 * controllers of the AT did it. */
#include "devices/ide_private.h"

#include <string.h>

enum {
    ATA_NOP = 0x00,
    ATA_RECALIBRATE = 0x10, /* to 1Fh: the low nibble was a step rate */
    ATA_READ_SECTORS = 0x20,
    ATA_READ_SECTORS_ONCE = 0x21,
    ATA_READ_SECTORS_EXT = 0x24,
    ATA_READ_DMA_EXT = 0x25,
    ATA_READ_NATIVE_MAX_EXT = 0x27,
    ATA_READ_MULTIPLE_EXT = 0x29,
    ATA_WRITE_SECTORS = 0x30,
    ATA_WRITE_SECTORS_ONCE = 0x31,
    ATA_WRITE_SECTORS_EXT = 0x34,
    ATA_WRITE_DMA_EXT = 0x35,
    ATA_SET_MAX_EXT = 0x37,
    ATA_WRITE_MULTIPLE_EXT = 0x39,
    ATA_WRITE_VERIFY = 0x3C,
    ATA_VERIFY_SECTORS = 0x40,
    ATA_VERIFY_SECTORS_ONCE = 0x41,
    ATA_VERIFY_SECTORS_EXT = 0x42,
    ATA_SEEK = 0x70, /* to 7Fh */
    ATA_INITIALIZE_PARAMETERS = 0x91,
    ATA_STANDBY_IMMEDIATE_OLD = 0x94,
    ATA_IDLE_IMMEDIATE_OLD = 0x95,
    ATA_STANDBY_OLD = 0x96,
    ATA_IDLE_OLD = 0x97,
    ATA_CHECK_POWER_OLD = 0x98,
    ATA_SLEEP_OLD = 0x99,
    ATA_READ_MULTIPLE = 0xC4,
    ATA_WRITE_MULTIPLE = 0xC5,
    ATA_SET_MULTIPLE = 0xC6,
    ATA_READ_DMA = 0xC8,
    ATA_READ_DMA_ONCE = 0xC9,
    ATA_WRITE_DMA = 0xCA,
    ATA_WRITE_DMA_ONCE = 0xCB,
    ATA_STANDBY_IMMEDIATE = 0xE0,
    ATA_IDLE_IMMEDIATE = 0xE1,
    ATA_STANDBY = 0xE2,
    ATA_IDLE = 0xE3,
    ATA_READ_BUFFER = 0xE4,
    ATA_CHECK_POWER = 0xE5,
    ATA_SLEEP = 0xE6,
    ATA_FLUSH_CACHE = 0xE7,
    ATA_WRITE_BUFFER = 0xE8,
    ATA_FLUSH_CACHE_EXT = 0xEA,
    ATA_IDENTIFY = 0xEC,
    ATA_SET_FEATURES = 0xEF,
    ATA_READ_NATIVE_MAX = 0xF8,
    ATA_SET_MAX = 0xF9,

    FEATURE_WRITE_CACHE_ON = 0x02,
    FEATURE_TRANSFER_MODE = 0x03,
    FEATURE_LOOK_AHEAD_OFF = 0x55,
    FEATURE_KEEP_OVER_RESET = 0x66,
    FEATURE_WRITE_CACHE_OFF = 0x82,
    FEATURE_LOOK_AHEAD_ON = 0xAA,
    FEATURE_REVERT_AT_RESET = 0xCC,

    POWER_MODE_STANDBY = 0x00,
    POWER_MODE_IDLE = 0x80,
    POWER_MODE_ACTIVE = 0xFF,
};

const struct field ata_fields[] = {
    FIELD(struct ata_state, lba),
    FIELD_MOST(struct ata_state, remaining, ATA_MAX_COUNT),
    FIELD_MOST(struct ata_state, block, IDE_BLOCK_SECTORS),
    FIELD_MOST(struct ata_state, block_limit, IDE_BLOCK_SECTORS),
    FIELD(struct ata_state, extended),
    FIELD(struct ata_state, max_sectors),
    FIELD(struct ata_state, max_volatile),
    FIELD(struct ata_state, max_set_permanently),
    FIELD(struct ata_state, native_max_read),
    FIELD_MOST(struct ata_state, heads, ATA_MAX_HEADS),
    FIELD(struct ata_state, sectors),
    FIELD(struct ata_state, cylinders),
    FIELD_MOST(struct ata_state, multiple, ATA_MAX_MULTIPLE),
    FIELD(struct ata_state, write_cache),
    FIELD(struct ata_state, look_ahead),
    FIELD(struct ata_state, keep_over_reset),
    FIELD(struct ata_state, pio_mode),
    FIELD(struct ata_state, dma_mode),
    FIELD_MOST(struct ata_state, power, ATA_POWER_SLEEP),
    FIELD(struct ata_state, standby_code),
    FIELD(struct ata_state, standby_at),
    FIELD_ARRAY(struct ata_state, sector_buffer, uint8_t),
    FIELD_END,
};

/* The sectors that a WRITE's block goes to, when the host has given its data. */
static bool block_is_inside(const struct ide_drive *drive)
{
    const struct ide_channel *channel = drive->channel;
    const struct ata_state *ata = &drive->ata;
    bool waits = channel->step == STEP_ATA_WRITE && channel->step_unit == drive->unit;
    bool open = channel->transfer == TRANSFER_OUT && channel->transfer_unit == drive->unit &&
                drive->command != ATA_WRITE_BUFFER;
    return (!waits && !open) || (ata->block <= ata->remaining && ata->lba <= ata->max_sectors &&
                                 ata->block <= ata->max_sectors - ata->lba);
}

const char *ata_misfit(const struct ide_drive *drive)
{
    const struct ata_state *ata = &drive->ata;
    if (!ata->heads || !ata->sectors)
        return "a disk has no heads or no sectors";
    if (!ata->max_sectors || ata->max_sectors > drive->disk->sector_count)
        return "a disk has more sectors than its image, or none";
    if (!block_is_inside(drive))
        return "a block of sectors lies beyond its command or the end of the disk";
    if (ata->standby_at > CLOCK_LATEST && ata->standby_at != CLOCK_NEVER)
        return "a disk waits for a moment later than any";
    return NULL;
}

void ata_finish(struct ide_drive *drive)
{
    ide_complete(drive, ATA_DRDY | ATA_DSC, 0, true);
}

void ata_fail(struct ide_drive *drive, uint8_t error)
{
    ide_complete(drive, ATA_DRDY | ATA_DSC | ATA_ERR, error, true);
}

static void finish_later(struct ide_drive *drive)
{
    ide_schedule(drive, STEP_ATA_FINISH, IDE_NS_COMMAND);
}

/* --- reset state --- */

static void set_translation(struct ide_drive *drive, uint32_t heads, uint32_t sectors)
{
    uint64_t cylinders = drive->disk->sector_count / (heads * sectors);
    drive->ata.heads = (uint8_t)heads;
    drive->ata.sectors = (uint8_t)sectors;
    drive->ata.cylinders = (uint16_t)(cylinders > 65535 ? 65535 : cylinders);
}

static void set_defaults(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    struct disk_geometry native = ata_native_geometry(drive);
    set_translation(drive, native.heads, native.sectors);
    ata->cylinders = (uint16_t)native.cylinders;
    ata->multiple = 0;
    ata->write_cache = true;
    ata->look_ahead = true;
}

void ata_reset(struct ide_drive *drive, bool hardware, bool power_on)
{
    struct ata_state *ata = &drive->ata;
    if (power_on) {
        ata->max_sectors = drive->disk->sector_count;
        ata->max_set_permanently = false;
        memset(ata->sector_buffer, 0, sizeof ata->sector_buffer);
    } else if (hardware && ata->max_volatile) {
        ata->max_sectors = drive->disk->sector_count;
    }
    if (hardware) {
        ata->max_volatile = false;
        ata->keep_over_reset = false;
        ata->pio_mode = 0;
        ata->dma_mode = 0x22; /* multiword DMA mode 2 */
        ata->standby_code = 0;
        ata->standby_at = CLOCK_NEVER;
    }
    if (hardware || !ata->keep_over_reset)
        set_defaults(drive);
    ata->native_max_read = false;
    if (hardware || ata->power == ATA_POWER_SLEEP)
        ata->power = hardware ? ATA_POWER_ACTIVE : ATA_POWER_STANDBY;
}

/* --- power management --- */

/* The period that a STANDBY or IDLE command's count means (ATA/ATAPI-6, table 26). */
static uint64_t standby_period(uint8_t code)
{
    const uint64_t second = UINT64_C(1000000000), minute = 60 * second;
    if (code <= 240)
        return code * 5 * second;
    if (code <= 251)
        return (uint64_t)(code - 240) * 30 * minute;
    if (code == 252)
        return 21 * minute;
    return code == 255 ? 21 * minute + 15 * second : 8 * 60 * minute;
}

static void restart_standby_timer(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    ata->standby_at = ata->standby_code
                          ? clock_now(ide_clock(drive)) + standby_period(ata->standby_code)
                          : CLOCK_NEVER;
}

enum ata_power ata_power_now(const struct ide_drive *drive)
{
    if (drive->ata.power != ATA_POWER_SLEEP && clock_now(ide_clock(drive)) >= drive->ata.standby_at)
        return ATA_POWER_STANDBY;
    return drive->ata.power;
}

static void set_power(struct ide_drive *drive, enum ata_power power, bool with_timer)
{
    if (with_timer)
        drive->ata.standby_code = drive->task.count[0];
    restart_standby_timer(drive);
    drive->ata.power = (uint8_t)power;
    finish_later(drive);
}

static void check_power(struct ide_drive *drive)
{
    static const uint8_t codes[] = {
        [ATA_POWER_ACTIVE] = POWER_MODE_ACTIVE,
        [ATA_POWER_IDLE] = POWER_MODE_IDLE,
        [ATA_POWER_STANDBY] = POWER_MODE_STANDBY,
        [ATA_POWER_SLEEP] = POWER_MODE_STANDBY,
    };
    drive->task.count[0] = codes[ata_power_now(drive)];
    finish_later(drive);
}

/* --- settings --- */

static void initialize_parameters(struct ide_drive *drive)
{
    uint32_t sectors = drive->task.count[0], heads = (drive->task.device & 0x0F) + 1u;
    if (sectors == 0 || drive->disk->sector_count < heads * sectors) {
        ata_fail(drive, ATA_ABRT);
        return;
    }
    set_translation(drive, heads, sectors);
    finish_later(drive);
}

static void set_multiple(struct ide_drive *drive)
{
    uint8_t count = drive->task.count[0];
    if (count > ATA_MAX_MULTIPLE || (count & (count - 1))) {
        drive->ata.multiple = 0;
        ata_fail(drive, ATA_ABRT);
        return;
    }
    drive->ata.multiple = count;
    finish_later(drive);
}

static bool set_transfer_mode(struct ata_state *ata, uint8_t mode)
{
    uint8_t number = mode & 7;
    switch (mode >> 3) {
    case 0: /* default PIO mode, with or without IORDY */
        ata->pio_mode = 0;
        return number <= 1;
    case 1:
        ata->pio_mode = number;
        return number <= 4;
    case 4: /* multiword DMA */
        if (number <= 2)
            ata->dma_mode = mode;
        return number <= 2;
    case 8: /* Ultra DMA */
        if (number <= 5)
            ata->dma_mode = mode;
        return number <= 5;
    default:
        return false;
    }
}

static void set_features(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    bool known = true;
    switch (drive->task.features[0]) {
    case FEATURE_WRITE_CACHE_ON:
        ata->write_cache = true;
        break;
    case FEATURE_WRITE_CACHE_OFF:
        ata->write_cache = false;
        ide_schedule(drive, STEP_ATA_FLUSH, IDE_NS_COMMAND);
        return;
    case FEATURE_LOOK_AHEAD_ON:
    case FEATURE_LOOK_AHEAD_OFF:
        ata->look_ahead = drive->task.features[0] == FEATURE_LOOK_AHEAD_ON;
        break;
    case FEATURE_KEEP_OVER_RESET:
    case FEATURE_REVERT_AT_RESET:
        ata->keep_over_reset = drive->task.features[0] == FEATURE_KEEP_OVER_RESET;
        break;
    case FEATURE_TRANSFER_MODE:
        known = set_transfer_mode(ata, drive->task.count[0]);
        break;
    default:
        known = false;
        break;
    }
    if (known)
        finish_later(drive);
    else
        ata_fail(drive, ATA_ABRT);
}

/* --- host protected area --- */

static void read_native_max(struct ide_drive *drive, bool extended)
{
    uint64_t max = drive->disk->sector_count - 1;
    if (!extended && max > 0x0FFFFFFF)
        max = 0x0FFFFFFF;
    if (extended && !(drive->task.device & ATA_DEVICE_LBA)) {
        ata_fail(drive, ATA_ABRT);
        return;
    }
    ata_put_address(drive, max, extended);
    drive->ata.native_max_read = true;
    finish_later(drive);
}

static void set_max(struct ide_drive *drive, bool extended, bool after_read_native)
{
    struct ata_state *ata = &drive->ata;
    bool is_volatile = drive->task.count[0] & 1;
    uint64_t max;
    if (!after_read_native || (extended && !(drive->task.device & ATA_DEVICE_LBA))) {
        ata_fail(drive, ATA_ABRT);
        return;
    }
    if (!ata_get_address(drive, extended, &max) || max >= drive->disk->sector_count ||
        (!is_volatile && ata->max_set_permanently)) {
        ata_fail(drive, ATA_IDNF);
        return;
    }
    ata->max_sectors = max + 1;
    ata->max_volatile = is_volatile;
    if (!is_volatile)
        ata->max_set_permanently = true;
    finish_later(drive);
}

/* --- dispatch --- */

/* NOP and everything that a disk of this kind does not do: packet commands, READ LONG, SMART,
 * security, queued commands, CFA, media status. */
static void refuse(struct ide_drive *drive)
{
    ata_fail(drive, ATA_ABRT);
}

static bool power_command(struct ide_drive *drive, uint8_t command)
{
    switch (command) {
    case ATA_STANDBY_IMMEDIATE_OLD:
    case ATA_STANDBY_IMMEDIATE:
        set_power(drive, ATA_POWER_STANDBY, false);
        return true;
    case ATA_STANDBY_OLD:
    case ATA_STANDBY:
        set_power(drive, ATA_POWER_STANDBY, true);
        return true;
    case ATA_IDLE_IMMEDIATE_OLD:
    case ATA_IDLE_IMMEDIATE:
        set_power(drive, ATA_POWER_IDLE, false);
        return true;
    case ATA_IDLE_OLD:
    case ATA_IDLE:
        set_power(drive, ATA_POWER_IDLE, true);
        return true;
    case ATA_SLEEP_OLD:
    case ATA_SLEEP:
        set_power(drive, ATA_POWER_SLEEP, false);
        return true;
    case ATA_CHECK_POWER_OLD:
    case ATA_CHECK_POWER:
        check_power(drive);
        return true;
    default:
        return false;
    }
}

/* A command that moves the heads ends idle and standby. */
static void wake(struct ide_drive *drive)
{
    drive->ata.power = ATA_POWER_ACTIVE;
    restart_standby_timer(drive);
}

static bool transfer_command(struct ide_drive *drive, uint8_t command)
{
    switch (command) {
    case ATA_READ_SECTORS:
    case ATA_READ_SECTORS_ONCE:
    case ATA_READ_SECTORS_EXT:
        ata_begin_read(drive, command == ATA_READ_SECTORS_EXT, ATA_BY_PIO);
        return true;
    case ATA_READ_MULTIPLE:
    case ATA_READ_MULTIPLE_EXT:
        ata_begin_read(drive, command == ATA_READ_MULTIPLE_EXT, ATA_BY_MULTIPLE);
        return true;
    case ATA_READ_DMA:
    case ATA_READ_DMA_ONCE:
    case ATA_READ_DMA_EXT:
        ata_begin_read(drive, command == ATA_READ_DMA_EXT, ATA_BY_DMA);
        return true;
    case ATA_WRITE_SECTORS:
    case ATA_WRITE_SECTORS_ONCE:
    case ATA_WRITE_SECTORS_EXT:
    case ATA_WRITE_VERIFY:
        ata_begin_write(drive, command == ATA_WRITE_SECTORS_EXT, ATA_BY_PIO);
        return true;
    case ATA_WRITE_MULTIPLE:
    case ATA_WRITE_MULTIPLE_EXT:
        ata_begin_write(drive, command == ATA_WRITE_MULTIPLE_EXT, ATA_BY_MULTIPLE);
        return true;
    case ATA_WRITE_DMA:
    case ATA_WRITE_DMA_ONCE:
    case ATA_WRITE_DMA_EXT:
        ata_begin_write(drive, command == ATA_WRITE_DMA_EXT, ATA_BY_DMA);
        return true;
    case ATA_VERIFY_SECTORS:
    case ATA_VERIFY_SECTORS_ONCE:
    case ATA_VERIFY_SECTORS_EXT:
        ata_begin_verify(drive, command == ATA_VERIFY_SECTORS_EXT);
        return true;
    default:
        if ((command & 0xF0) != ATA_SEEK)
            return false;
        ata_begin_seek(drive);
        return true;
    }
}

static void write_buffer(struct ide_drive *drive)
{
    ide_open_port(drive, TRANSFER_OUT, 0, DISK_SECTOR_SIZE);
}

static void other_command(struct ide_drive *drive, uint8_t command, bool after_read_native)
{
    switch (command) {
    case ATA_INITIALIZE_PARAMETERS:
        initialize_parameters(drive);
        break;
    case ATA_SET_MULTIPLE:
        set_multiple(drive);
        break;
    case ATA_SET_FEATURES:
        set_features(drive);
        break;
    case ATA_IDENTIFY:
        ide_schedule(drive, STEP_ATA_IDENTIFY, IDE_NS_COMMAND);
        break;
    case ATA_READ_BUFFER:
        ide_schedule(drive, STEP_ATA_READ_BUFFER, IDE_NS_COMMAND);
        break;
    case ATA_WRITE_BUFFER:
        write_buffer(drive);
        break;
    case ATA_FLUSH_CACHE:
    case ATA_FLUSH_CACHE_EXT:
        ide_schedule(drive, STEP_ATA_FLUSH, IDE_NS_BLOCK);
        break;
    case ATA_READ_NATIVE_MAX:
    case ATA_READ_NATIVE_MAX_EXT:
        read_native_max(drive, command == ATA_READ_NATIVE_MAX_EXT);
        break;
    case ATA_SET_MAX:
    case ATA_SET_MAX_EXT:
        set_max(drive, command == ATA_SET_MAX_EXT, after_read_native);
        break;
    default:
        if ((command & 0xF0) == ATA_RECALIBRATE)
            finish_later(drive);
        else
            refuse(drive);
        break;
    }
}

void ata_command(struct ide_drive *drive, uint8_t command)
{
    bool after_read_native = drive->ata.native_max_read;
    drive->ata.native_max_read = false;
    drive->error = 0;
    drive->status = ATA_DRDY | ATA_DSC;
    if (power_command(drive, command))
        return;
    if (transfer_command(drive, command))
        wake(drive);
    else
        other_command(drive, command, after_read_native);
}

static void send_buffer(struct ide_drive *drive)
{
    ide_open_port(drive, TRANSFER_IN, 0, DISK_SECTOR_SIZE);
    ide_set_irq(drive, true);
}

static void flush(struct ide_drive *drive)
{
    struct error err;
    if (drive->disk->ops->flush(drive->disk, &err)) {
        ata_finish(drive);
        return;
    }
    log_line(ide_log(drive), LOG_ERROR, "ide: %s", err.text);
    ide_complete(drive, ATA_DRDY | ATA_DF | ATA_ERR, ATA_ABRT, true);
}

void ata_step(struct ide_drive *drive, enum ide_step step)
{
    uint8_t *buffer = drive->channel->buffer;
    drive->status = ATA_DRDY | ATA_DSC;
    switch (step) {
    case STEP_ATA_FINISH:
        ata_finish(drive);
        break;
    case STEP_ATA_FLUSH:
        flush(drive);
        break;
    case STEP_ATA_IDENTIFY:
        ata_identify(drive, buffer);
        send_buffer(drive);
        break;
    case STEP_ATA_READ_BUFFER:
        memcpy(buffer, drive->ata.sector_buffer, DISK_SECTOR_SIZE);
        send_buffer(drive);
        break;
    default:
        ata_transfer_step(drive, step);
        break;
    }
}

void ata_port_done(struct ide_drive *drive, bool to_host)
{
    switch (drive->command) {
    case ATA_IDENTIFY:
    case ATA_READ_BUFFER:
        break; /* the interrupt came with the data */
    case ATA_WRITE_BUFFER:
        memcpy(drive->ata.sector_buffer, drive->channel->buffer, DISK_SECTOR_SIZE);
        finish_later(drive);
        break;
    default:
        ata_transfer_port_done(drive, to_host);
        break;
    }
}
