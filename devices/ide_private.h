/* The inside of the IDE controller, shared by ide*.c, ata*.c and atapi*.c only.
 *
 *     ide.c             the device: ports, PCI function, drives
 *     ide_channel.c     one cable: task file, selection, INTRQ, reset, data port
 *     ide_bus_master.c  registers of BAR 4, PRD tables
 *     ata_*.c           hard disk: commands; transfers; IDENTIFY DEVICE
 *     atapi_*.c         CD-ROM: packet protocol; commands by family
 *
 * A drive is busy (BSY) from a command until its channel's timer has run out and the step that was
 * scheduled is taken; steps are numbers, so that a snapshot can hold one that is pending. */
#ifndef DEVICES_IDE_PRIVATE_H
#define DEVICES_IDE_PRIVATE_H

#include "base/bits.h"
#include "devices/ide.h"
#include "devices/pci.h"

enum ata_status {
    ATA_ERR = 0x01, /* CHK for packet devices */
    ATA_DRQ = 0x08,
    ATA_DSC = 0x10,
    ATA_DF = 0x20,
    ATA_DRDY = 0x40,
    ATA_BSY = 0x80,
};

enum ata_error {
    ATA_ABRT = 0x04,
    ATA_IDNF = 0x10,
    ATA_UNC = 0x40,
    ATA_WP = 0x40, /* of writes */
};

enum ata_device_register { ATA_DEVICE_DEV = 0x10, ATA_DEVICE_LBA = 0x40 };
enum ata_control { ATA_NIEN = 0x02, ATA_SRST = 0x04, ATA_HOB = 0x80 };

/* Commands that more than one file has to know. */
enum ata_shared_command {
    ATA_DEVICE_RESET = 0x08,
    ATA_EXECUTE_DIAGNOSTIC = 0x90,
    ATA_PACKET = 0xA0,
    ATA_IDENTIFY_PACKET = 0xA1,
};

/* Interrupt reason register of packet devices. */
enum atapi_reason { ATAPI_CD = 0x01, ATAPI_IO = 0x02 };

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CDROM };

/* Where a drive goes on when its time has come. */
enum ide_step {
    STEP_NONE,
    STEP_RESET,      /* both drives: end of reset or of EXECUTE DEVICE DIAGNOSTIC */
    STEP_DIAGNOSED,  /* the same with an interrupt */
    STEP_ATA_FINISH, /* command done, nothing more to do */
    STEP_ATA_READ,
    STEP_ATA_WRITE,
    STEP_ATA_READ_DMA,
    STEP_ATA_WRITE_DMA,
    STEP_ATA_VERIFY,
    STEP_ATA_FLUSH,
    STEP_ATA_IDENTIFY,
    STEP_ATA_READ_BUFFER,
    STEP_PACKET,     /* execute the command packet */
    STEP_PACKET_IN,  /* offer the next block of data */
    STEP_PACKET_DMA, /* move the next part by DMA */
    STEP_PACKET_OUT, /* digest the data that the host sent */
    STEP_PACKET_END, /* status phase */
};

enum {
    IDE_NS_COMMAND = 2000, /* from a command to its first reaction */
    IDE_NS_BLOCK = 8000,   /* to find a block on the medium */
    IDE_NS_PER_BYTE = 15,  /* by DMA: 66 MB/s */
    IDE_NS_RESET = 50000,  /* from the end of SRST to the signature */
    IDE_BLOCK_MAX = 65536, /* data in one go */
    CD_BLOCK_SIZE = 2048,
    CD_SECTOR_MAX = 2352 + 296 + 96, /* with C2 and block error bytes, and sub-channel */
    IDE_BUFFER_SIZE = IDE_BLOCK_MAX + CD_SECTOR_MAX,
    ATA_MAX_MULTIPLE = 16,
    ATA_MAX_HEADS = 16,
    ATA_MAX_COUNT = 65536, /* sectors of a command */
    IDE_BLOCK_SECTORS = IDE_BLOCK_MAX / DISK_SECTOR_SIZE,
};

struct ide_channel;

/* [0] is the last value written, [1] the one before ("previous content", for LBA48). */
struct ide_taskfile {
    uint8_t features[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
    uint8_t device;
};

struct ata_state {
    uint64_t lba;             /* of the transfer */
    uint32_t remaining;       /* sectors still to do */
    uint32_t block;           /* sectors of the block in the buffer */
    uint32_t block_limit;     /* 1, or the multiple count */
    bool extended;            /* LBA48 form of the command */
    uint64_t max_sectors;     /* after SET MAX; the native size otherwise */
    bool max_volatile;        /* goes back at the next hardware reset */
    bool max_set_permanently; /* only once between power-ons */
    bool native_max_read;     /* the last command was READ NATIVE MAX (EXT) */
    uint8_t heads, sectors;   /* current translation */
    uint16_t cylinders;
    uint8_t multiple; /* 0: READ and WRITE MULTIPLE are disabled */
    bool write_cache, look_ahead;
    bool keep_over_reset; /* SET FEATURES 66h */
    uint8_t pio_mode;
    uint8_t dma_mode; /* 20h+n, 40h+n; 0 none */
    uint8_t power;    /* enum ata_power */
    uint8_t standby_code;
    uint64_t standby_at; /* ns; CLOCK_NEVER when the timer is off */
    uint8_t sector_buffer[DISK_SECTOR_SIZE];
};

enum ata_power { ATA_POWER_ACTIVE, ATA_POWER_IDLE, ATA_POWER_STANDBY, ATA_POWER_SLEEP };

enum { ATAPI_PACKET_SIZE = 12 };

enum atapi_media_event { MEDIA_NO_CHANGE, MEDIA_EJECT_REQUEST, MEDIA_NEW, MEDIA_REMOVAL };

struct atapi_state {
    uint8_t packet[ATAPI_PACKET_SIZE];
    bool awaits_packet;
    bool uses_dma;
    uint16_t byte_limit; /* of one block of data by PIO */
    /* Data in: fixed bytes are in the buffer; sectors are fetched as the buffer runs empty. */
    uint32_t sector_lba, sectors_left, sector_size;
    uint8_t read_flags, read_subchannel; /* READ CD bytes 9 and 10 */
    uint32_t out_expected;               /* bytes that the command wants from the host */
    uint32_t data_end;                   /* of what the buffer holds, while the port is open */
    uint8_t sense_key, asc, ascq;        /* of the last command */
    uint8_t attention_asc, attention_ascq;
    bool attention; /* a unit attention condition is pending */
    bool tray_open, locked;
    uint8_t event; /* enum atapi_media_event, for GET EVENT STATUS NOTIFICATION */
    uint8_t pio_mode, dma_mode;
    uint8_t power;
    uint16_t speed; /* kB/s */
    uint8_t error_recovery, audio_ports[8];
};

struct ide_drive {
    uint8_t kind;
    uint8_t unit;
    uint8_t status, error;
    bool irq_pending;
    uint8_t command; /* that is being executed, or was last */
    struct ide_taskfile task;
    struct ata_state ata;
    struct atapi_state atapi;
    struct disk_backend *disk; /* NULL: no disc */
    struct ide_channel *channel;
};

/* Who has the data port, or waits for the bus master. */
enum ide_transfer { TRANSFER_NONE, TRANSFER_IN, TRANSFER_OUT, TRANSFER_DMA };

struct ide_bus_master {
    uint8_t command, status;
    uint32_t table;      /* PRD table address as written */
    uint32_t next_entry; /* address of the next PRD */
    uint32_t address, left;
    bool last; /* the entry in hand has EOT */
};

struct ide_channel {
    struct ide_drive drive[IDE_UNITS];
    struct ide_bus_master master;
    uint8_t number, selected, control;
    bool irq_level;
    uint8_t step, step_unit;
    uint8_t transfer, transfer_unit;
    uint8_t dma_step;       /* to take when the bus master has been started */
    uint32_t position, end; /* in buffer, of the transfer */
    struct timer timer;
    uint8_t buffer[IDE_BUFFER_SIZE];
    struct irq_line irq;
    struct ide *ide;
};

struct ide {
    struct ide_channel channel[IDE_CHANNELS];
    bool decoded[IDE_CHANNELS]; /* ports are claimed; follows from PCI configuration space */
    struct bus *bus;
    struct pci_function *function; /* NULL: plain ISA */
};

/* --- ide_channel.c --- */

extern const struct field ide_channel_fields[];
void ide_channel_init(struct ide_channel *channel, struct ide *ide, unsigned number,
                      struct irq_line irq);
void ide_channel_reset(struct ide_channel *channel, enum reset_kind kind);
uint32_t ide_channel_read(struct ide_channel *channel, uint32_t offset, unsigned size);
void ide_channel_write(struct ide_channel *channel, uint32_t offset, uint32_t value, unsigned size);
uint8_t ide_channel_alternate_status(struct ide_channel *channel);
void ide_channel_control(struct ide_channel *channel, uint8_t value);

static inline bool ide_present(const struct ide_drive *drive)
{
    return drive->kind != IDE_NONE;
}

/* BSY until ns have passed, then step. */
void ide_schedule(struct ide_drive *drive, enum ide_step step, uint64_t ns);
/* Sets or clears the drive's interrupt request. */
void ide_set_irq(struct ide_drive *drive, bool pending);
/* Opens the data port for size bytes of the buffer from position on; DRQ is set. */
void ide_open_port(struct ide_drive *drive, enum ide_transfer direction, uint32_t position,
                   uint32_t size);
void ide_close_port(struct ide_drive *drive);
/* DRQ is set, and step is taken each time the bus master is ready to move data. */
void ide_request_dma(struct ide_drive *drive, enum ide_step step);
/* Ends a command: BSY and DRQ clear; interrupt. */
void ide_complete(struct ide_drive *drive, uint8_t status, uint8_t error, bool interrupt);
/* The drive's signature in its task file (ATA/ATAPI-6, 9.12). */
void ide_set_signature(struct ide_drive *drive);
struct clock *ide_clock(const struct ide_drive *drive);
struct log *ide_log(const struct ide_drive *drive);

/* --- ide_bus_master.c --- */

extern const struct field ide_bus_master_fields[];
extern const struct io_ops ide_bus_master_ops; /* the device is struct ide */
void ide_bus_master_reset(struct ide_channel *channel);
bool ide_bus_master_running(const struct ide_channel *channel);
/* Moves up to size bytes between bytes and guest memory along the PRD table; returns how many. Less
 * than size: the table is at its end, or faulty, and the bus master has stopped. */
uint32_t ide_bus_master_move(struct ide_channel *channel, uint8_t *bytes, uint32_t size,
                             bool to_memory);

/* --- ata_drive.c: what a channel asks of a hard disk --- */

extern const struct field ata_fields[];
/* What is wrong with a loaded drive of kind IDE_DISK; NULL: nothing. */
const char *ata_misfit(const struct ide_drive *drive);
void ata_reset(struct ide_drive *drive, bool hardware, bool power_on);
void ata_command(struct ide_drive *drive, uint8_t command);
void ata_step(struct ide_drive *drive, enum ide_step step);
/* The block in the buffer has been read (to_host) or written through the data port. */
void ata_port_done(struct ide_drive *drive, bool to_host);
void ata_finish(struct ide_drive *drive);
void ata_fail(struct ide_drive *drive, uint8_t error);
struct disk_geometry ata_native_geometry(const struct ide_drive *drive);
enum ata_power ata_power_now(const struct ide_drive *drive);

/* --- ata_transfer.c --- */

enum ata_method { ATA_BY_PIO, ATA_BY_MULTIPLE, ATA_BY_DMA };
void ata_begin_read(struct ide_drive *drive, bool extended, enum ata_method method);
void ata_begin_write(struct ide_drive *drive, bool extended, enum ata_method method);
void ata_begin_verify(struct ide_drive *drive, bool extended);
void ata_begin_seek(struct ide_drive *drive);
void ata_transfer_step(struct ide_drive *drive, enum ide_step step);
void ata_transfer_port_done(struct ide_drive *drive, bool to_host);
void ata_put_address(struct ide_drive *drive, uint64_t lba, bool extended);
bool ata_get_address(const struct ide_drive *drive, bool extended, uint64_t *lba);

/* --- ata_identify.c --- */

void ata_identify(const struct ide_drive *drive, uint8_t data[DISK_SECTOR_SIZE]);
void ide_put_text(uint8_t *words, const char *text, unsigned size);
void ide_put_word(uint8_t *data, unsigned word, uint16_t value);
/* Word 255, when all others stand: the signature A5h, and the byte that makes the sum zero. */
void ide_seal_identify(uint8_t *data);

/* --- atapi_drive.c: what a channel asks of a CD-ROM --- */

extern const struct field atapi_fields[];
/* What is wrong with a loaded drive of kind IDE_CDROM; NULL: nothing. */
const char *atapi_misfit(const struct ide_drive *drive);
void atapi_reset(struct ide_drive *drive, bool hardware, bool power_on);
void atapi_command(struct ide_drive *drive, uint8_t command);
void atapi_step(struct ide_drive *drive, enum ide_step step);
void atapi_port_done(struct ide_drive *drive, bool to_host);
bool atapi_insert(struct ide_drive *drive, struct disk_backend *disc, bool force);

/* How a packet command's handler ends; each leads to the next phase. */
void atapi_good(struct ide_drive *drive);
void atapi_check(struct ide_drive *drive, uint8_t key, uint8_t asc, uint8_t ascq);
/* size bytes are in channel->buffer, of which the host has room for allocation. */
void atapi_reply(struct ide_drive *drive, uint32_t size, uint32_t allocation);
/* count sectors from lba follow, each of size bytes, made by atapi_fetch_sector. */
void atapi_send_sectors(struct ide_drive *drive, uint32_t lba, uint32_t count, uint32_t size);
/* The command wants size bytes from the host, and is called again (atapi_digest) with them. */
void atapi_receive(struct ide_drive *drive, uint32_t size);

/* --- atapi_commands.c, atapi_toc.c, atapi_mode.c, atapi_read.c, atapi_features.c --- */

enum { SENSE_NOT_READY = 2, SENSE_MEDIUM = 3, SENSE_ILLEGAL = 5, SENSE_ATTENTION = 6 };

void atapi_execute(struct ide_drive *drive);
void atapi_digest(struct ide_drive *drive, uint32_t size);
uint32_t atapi_block_count(const struct ide_drive *drive); /* of 2048 bytes; 0 without a disc */
bool atapi_disc_is_dvd(const struct ide_drive *drive);
void atapi_read_toc(struct ide_drive *drive);
void atapi_read_subchannel(struct ide_drive *drive);
void atapi_read_disc_information(struct ide_drive *drive);
void atapi_read_track_information(struct ide_drive *drive);
void atapi_read_header(struct ide_drive *drive);
void atapi_read_dvd_structure(struct ide_drive *drive);
void atapi_mode_sense(struct ide_drive *drive);
void atapi_mode_select(struct ide_drive *drive);
void atapi_mode_select_data(struct ide_drive *drive, uint32_t size);
void atapi_get_configuration(struct ide_drive *drive);
void atapi_get_event_status(struct ide_drive *drive);
void atapi_mechanism_status(struct ide_drive *drive);
void atapi_read_blocks(struct ide_drive *drive, uint32_t lba, uint32_t count);
void atapi_read_cd(struct ide_drive *drive, uint32_t lba, uint32_t count);
/* Bytes of a sector as read_flags and read_subchannel want it. */
uint32_t atapi_sector_size(const struct atapi_state *atapi);
/* Makes the sector at lba as the running read command wants it. False: a host error. */
bool atapi_fetch_sector(struct ide_drive *drive, uint32_t lba, uint8_t *bytes);

/* Big-endian numbers, as packet commands have them. */
static inline uint32_t be16(const uint8_t *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}
static inline uint32_t be24(const uint8_t *b)
{
    return (uint32_t)b[0] << 16 | be16(b + 1);
}
static inline uint32_t be32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | be24(b + 1);
}
static inline void put_be16(uint8_t *b, uint32_t value)
{
    b[0] = (uint8_t)(value >> 8);
    b[1] = (uint8_t)value;
}
static inline void put_be32(uint8_t *b, uint32_t value)
{
    put_be16(b, value >> 16);
    put_be16(b + 2, value);
}

#endif
