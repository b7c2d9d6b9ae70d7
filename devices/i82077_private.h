/* The inside of the floppy controller, shared by i82077*.c only.
 *
 *     i82077.c           registers, resets, the command and result phases
 *     i82077_control.c   commands without data
 *     i82077_seek.c      SEEK, RECALIBRATE, SENSE INTERRUPT STATUS
 *     i82077_transfer.c  commands that move data
 *     i82077_format.c    FORMAT TRACK
 *     i82077_drive.c     the drives and what is in them */
#ifndef DEVICES_I82077_PRIVATE_H
#define DEVICES_I82077_PRIVATE_H

#include "base/bits.h"
#include "devices/floppy_format.h"
#include "devices/i82077.h"
#include "devices/i8237.h"

enum fdc_st0 {
    ST0_NORMAL = 0x00,
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_POLLED = 0xC0, /* ready line changed during polling: after a reset */
    ST0_SEEK_END = 0x20,
    ST0_EQUIPMENT_CHECK = 0x10,
    ST0_HEAD = 0x04,
};
enum fdc_st1 {
    ST1_END_OF_CYLINDER = 0x80,
    ST1_OVERRUN = 0x10,
    ST1_NO_DATA = 0x04,
    ST1_NOT_WRITABLE = 0x02,
    ST1_MISSING_ADDRESS = 0x01,
};
enum fdc_st2 {
    ST2_CONTROL_MARK = 0x40,
    ST2_DATA_ERROR = 0x20,
    ST2_WRONG_CYLINDER = 0x10,
    ST2_SCAN_EQUAL = 0x08,
    ST2_SCAN_NOT_SATISFIED = 0x04,
    ST2_BAD_CYLINDER = 0x02,
};
enum fdc_st3 {
    ST3_WRITE_PROTECTED = 0x40,
    ST3_READY = 0x20,
    ST3_TRACK_0 = 0x10,
    ST3_TWO_SIDES = 0x08,
};
enum fdc_dor { DOR_DRIVE = 0x03, DOR_NOT_RESET = 0x04, DOR_DMA_GATE = 0x08 };

enum fdc_phase {
    PHASE_RESET,     /* RESET is held, or the controller is coming out of it */
    PHASE_COMMAND,   /* idle, or taking a command's bytes */
    PHASE_EXECUTION, /* busy; data moves by DMA or not at all */
    PHASE_FROM_HOST, /* non-DMA: wants bytes */
    PHASE_TO_HOST,   /* non-DMA: has bytes */
    PHASE_RESULT,
};

/* What the transfer timer is for. */
enum fdc_step {
    FDC_STEP_NONE,
    FDC_STEP_RESET_DONE,
    FDC_STEP_SECTOR, /* the head is at the end of the sector */
    FDC_STEP_FAIL,   /* two revolutions without finding it: end with st1, st2 */
    FDC_STEP_READ_ID,
    FDC_STEP_FORMAT,
};

enum fdc_operation {
    OP_READ,
    OP_WRITE,
    OP_READ_TRACK,
    OP_VERIFY,
    OP_SCAN_EQUAL,
    OP_SCAN_LOW,
    OP_SCAN_HIGH,
    OP_FORMAT,
    OP_READ_ID,
};

enum {
    FDC_DMA_CHANNEL = 2,
    FDC_MAX_PARAMETERS = 9,
    FDC_MAX_RESULTS = 10,
    FDC_SECTOR_SIZE = 512,
    FDC_SECTOR_N = 2, /* size code of 512 bytes */
    FDC_MAX_TRACK = 83,
    FDC_MAX_SECTORS = 84 * 2 * 36,
    FDC_RECALIBRATE_STEPS = 79,
    /* The mechanics run this much faster than real ones, in virtual time. */
    FDC_SPEED = 16,
};

struct floppy_drive {
    uint8_t type;   /* enum floppy_drive_type */
    uint8_t track;  /* where the heads are */
    uint8_t pcn;    /* where the controller thinks that they are */
    uint8_t target; /* of a seek: PCN afterwards */
    bool changed;   /* disk change line */
    bool seeking;
    bool interrupt; /* SENSE INTERRUPT STATUS has seek_st0 to tell */
    uint8_t seek_st0;
    uint8_t steps_out, steps_in;          /* that the seek under way makes */
    uint8_t deleted[FDC_MAX_SECTORS / 8]; /* sectors with a deleted data mark, since insertion */
    struct timer seek_timer;
    struct floppy_format format; /* of the diskette */
    struct disk_backend *disk;   /* NULL: no diskette */
    struct i82077 *fdc;
};

/* A command that moves data, while it runs. */
struct fdc_transfer {
    uint8_t operation; /* enum fdc_operation */
    uint8_t drive;
    uint8_t c, h, r, n, eot; /* of the sector in hand */
    uint8_t head;            /* the side that is read */
    bool multi_track, mfm, skip, deleted;
    bool terminal_count;
    bool waiting; /* DRQ went unanswered for a sector's time */
    bool filled;  /* the host has given the data of the sector */
    uint8_t st1, st2;
    uint8_t scan_step;
    uint16_t sectors_left;   /* VERIFY with EC; FORMAT TRACK; READ TRACK */
    bool counted;            /* sectors_left counts */
    uint8_t fill;            /* FORMAT TRACK */
    uint8_t track_sector;    /* READ TRACK: where it is, from the index on */
    uint16_t position, size; /* of the data in buffer */
    uint8_t buffer[FDC_SECTOR_SIZE];
};

struct i82077 {
    struct floppy_drive drive[I82077_DRIVES];
    struct fdc_transfer transfer;
    uint8_t interface;
    uint8_t dor, tdr, dsr, rate;
    bool no_precompensation;
    uint8_t phase;
    uint8_t parameter_count, parameter_need;
    uint8_t parameters[FDC_MAX_PARAMETERS];
    uint8_t result_count, result_position;
    uint8_t results[FDC_MAX_RESULTS];
    uint8_t srt_hut, hlt_nd; /* SPECIFY */
    uint8_t configuration;   /* CONFIGURE byte 2: EIS, EFIFO, POLL, FIFOTHR */
    uint8_t precompensation_track;
    uint8_t perpendicular;
    bool lock;
    uint8_t last_sc_eot;   /* for DUMPREG */
    uint8_t reset_pending; /* bit per drive whose change of ready is still to be told */
    bool interrupt;        /* INT, before the gate */
    bool result_interrupt; /* it is the result phase's */
    bool stalled;          /* a command waits for a turning diskette */
    bool irq_level;
    bool write_toggle, read_toggle, gate_toggle; /* SRB */
    uint8_t step;                                /* enum fdc_step, of timer */
    struct timer timer;
    struct bus *bus;
    struct i8237 *dma;
    struct irq_line irq;
};

/* --- i82077.c --- */

void fdc_set_interrupt(struct i82077 *fdc, bool level);
void fdc_schedule(struct i82077 *fdc, enum fdc_step step, uint64_t ns);
/* Result phase with count bytes (0: back to the command phase); with an interrupt for commands that
 * have an execution phase. */
void fdc_finish(struct i82077 *fdc, const uint8_t *results, unsigned count, bool interrupt);
void fdc_invalid(struct i82077 *fdc);

static inline struct floppy_drive *fdc_parameter_drive(struct i82077 *fdc)
{
    return &fdc->drive[fdc->parameters[1] & DOR_DRIVE];
}

/* --- i82077_control.c --- */

void fdc_specify(struct i82077 *fdc);
void fdc_sense_drive(struct i82077 *fdc);
void fdc_version(struct i82077 *fdc);
void fdc_configure(struct i82077 *fdc);
void fdc_dump_registers(struct i82077 *fdc);
void fdc_perpendicular(struct i82077 *fdc);
void fdc_lock(struct i82077 *fdc);
void fdc_default_configuration(struct i82077 *fdc);

/* --- i82077_seek.c --- */

void fdc_recalibrate(struct i82077 *fdc);
void fdc_seek(struct i82077 *fdc);
void fdc_relative_seek(struct i82077 *fdc);
void fdc_sense_interrupt(struct i82077 *fdc);
void fdc_seek_expired(void *drive);
/* Moves the heads at once, for the implied seek; returns the time that it takes. */
uint64_t fdc_step_to(struct floppy_drive *drive, uint8_t track);

/* --- i82077_transfer.c --- */

extern const struct field fdc_transfer_fields[];
void fdc_read(struct i82077 *fdc);
void fdc_write(struct i82077 *fdc);
void fdc_read_track(struct i82077 *fdc);
void fdc_verify(struct i82077 *fdc);
void fdc_scan(struct i82077 *fdc);
void fdc_read_id(struct i82077 *fdc);
void fdc_transfer_step(struct i82077 *fdc);
void fdc_transfer_fail(struct i82077 *fdc);
void fdc_read_id_step(struct i82077 *fdc);
/* Non-DMA: the buffer has been emptied or filled by the host. */
void fdc_buffer_done(struct i82077 *fdc);
/* Fetches transfer.size bytes into the buffer by DMA. False: not yet (the step comes again), or the
 * command ended with an overrun. */
bool fdc_dma_fetch(struct i82077 *fdc, enum fdc_step step);
/* A command that waits for a turning diskette goes on if there is one now. */
void fdc_resume(struct i82077 *fdc);
/* Starts FDC_STEP_SECTOR, or what the missing diskette or sector leads to; ns: after so long. */
void fdc_find_sector(struct i82077 *fdc, uint64_t ns);
void fdc_end_transfer(struct i82077 *fdc, uint8_t st0);
bool fdc_is_non_dma(const struct i82077 *fdc);

/* --- i82077_format.c --- */

void fdc_format_track(struct i82077 *fdc);
void fdc_format_begin(struct i82077 *fdc);
void fdc_format_step(struct i82077 *fdc);
void fdc_format_buffer_done(struct i82077 *fdc);

/* --- i82077_drive.c --- */

extern const struct field floppy_drive_fields[];
/* A diskette turns under the heads. */
bool fdc_drive_turns(const struct i82077 *fdc, const struct floppy_drive *drive);
/* The controller, at its data rate, can read what is recorded at the heads' place, on side head.
 * mfm: of the command. */
bool fdc_drive_readable(const struct i82077 *fdc, const struct floppy_drive *drive, unsigned head,
                        bool mfm);
/* The sector in hand is one that the diskette has on this track. */
bool fdc_drive_has_sector(const struct i82077 *fdc, const struct fdc_transfer *transfer);
/* The cylinder that the diskette has at the heads' place. */
unsigned fdc_drive_cylinder(const struct floppy_drive *drive);
bool fdc_drive_write_protected(const struct floppy_drive *drive);
/* One sector at the heads' place; r counts from 1 and must be on the track. False: a host error, or
 * beyond an image that is too short (which reads as zeros). */
bool fdc_drive_read(struct floppy_drive *drive, unsigned head, unsigned r, uint8_t *bytes);
bool fdc_drive_write(struct floppy_drive *drive, unsigned head, unsigned r, const uint8_t *bytes,
                     bool deleted);
bool fdc_drive_is_deleted(const struct floppy_drive *drive, unsigned head, unsigned r);
/* ns of virtual time for count bytes at the data rate, and for a revolution. */
uint64_t fdc_byte_time(const struct i82077 *fdc, unsigned count);
uint64_t fdc_revolution_time(const struct floppy_drive *drive);

#endif
