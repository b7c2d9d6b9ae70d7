/* Talking to the 82077: commands, results, interrupt, DMA, motor. */
#include "bios/floppy.h"

#define INTERRUPT_SEEN 0x80

u8 floppy_parameter(enum floppy_parameter index)
{
    u32 table = vector_get(0x1E);
    return far_read8((u16)(table >> 16), (u16)(table + index));
}

/* Waits for the controller to want a byte (80h) or to have one (C0h). */
static bool wait_request(u8 wanted)
{
    for (u16 i = 0; i < 20000; i++) {
        if ((inb(FDC_MSR) & 0xC0) == wanted)
            return true;
        delay_us(10);
    }
    return false;
}

bool fdc_send(const u8 *bytes, u8 count)
{
    BDA->floppy_recalibrated &= (u8)~INTERRUPT_SEEN;
    for (u8 i = 0; i < count; i++) {
        if (!wait_request(0x80))
            return false;
        outb(FDC_DATA, bytes[i]);
    }
    return true;
}

bool fdc_results(void)
{
    for (u8 i = 0; i < 7; i++) {
        if (!wait_request(0xC0))
            return i != 0;
        BDA->floppy_result[i] = inb(FDC_DATA);
        delay_us(15);
        if (!(inb(FDC_MSR) & 0x10))
            return true;
    }
    return true;
}

void floppy_interrupt(struct regs *r)
{
    struct regs hook = {.ax = 0x9101};
    (void)r;
    BDA->floppy_recalibrated |= INTERRUPT_SEEN;
    outb(0x20, 0x20);
    call_interrupt(&hook, 0x15);
}

/* Will the clock interrupt end a HLT? */
static bool clock_runs(void)
{
    return !(inb(0x21) & 0x01);
}

/* Up to two seconds. HLT is used only when both the clock and the controller can end it. */
u8 fdc_wait(void)
{
    u32 start = BDA->ticks;
    bool may_halt = clock_runs() && !(inb(0x21) & 0x40);
    /* The count ends it for a program that keeps the clock interrupt to itself. */
    for (u32 i = 0; i < 4000000; i += may_halt ? 1 : 1000) {
        if (BDA->floppy_recalibrated & INTERRUPT_SEEN) {
            BDA->floppy_recalibrated &= (u8)~INTERRUPT_SEEN;
            return DISK_OK;
        }
        if (may_halt) {
            interrupt_wait();
            if (ticks_since(start) > 37)
                break;
        } else {
            interrupt_window();
            delay_us(500);
        }
    }
    BDA->floppy_recalibrated = 0;
    return DISK_TIMEOUT;
}

static bool sense_interrupt(void)
{
    const u8 command = 0x08;
    return fdc_send(&command, 1) && fdc_results();
}

static void specify(void)
{
    const u8 command[3] = {0x03, floppy_parameter(DPT_SPECIFY1), floppy_parameter(DPT_SPECIFY2)};
    fdc_send(command, 3);
}

void fdc_reset(void)
{
    u8 motor = BDA->floppy_motor;
    u8 dor = (u8)((motor & 3) << 4 | (motor >> 4 & 3) | 0x08);
    BDA->floppy_recalibrated = 0;
    outb(FDC_DOR, dor);
    delay_us(20);
    outb(FDC_DOR, dor | 0x04);
    if (fdc_wait() != DISK_OK) {
        BDA->floppy_status = DISK_CONTROLLER;
        return;
    }
    for (u8 i = 0; i < 4; i++)
        sense_interrupt();
    specify();
}

static u8 finish_seek(void)
{
    u8 status = fdc_wait();
    if (status != DISK_OK)
        return status;
    if (!sense_interrupt())
        return DISK_CONTROLLER;
    return (BDA->floppy_result[0] & 0xE0) == 0x20 ? DISK_OK : DISK_SEEK;
}

u8 fdc_recalibrate(u8 drive)
{
    const u8 command[2] = {0x07, drive};
    u8 status = DISK_SEEK;
    /* A drive with more than 77 tracks may need two. */
    for (u8 i = 0; i < 2 && status == DISK_SEEK; i++) {
        if (!fdc_send(command, 2))
            return DISK_CONTROLLER;
        status = finish_seek();
    }
    if (status == DISK_OK) {
        BDA->floppy_recalibrated |= (u8)(1 << drive);
        BDA->floppy_track[drive] = 0;
    }
    return status;
}

u8 fdc_seek(u8 drive, u8 track, bool double_step)
{
    u8 physical = double_step ? (u8)(track * 2) : track;
    if (!(BDA->floppy_recalibrated & 1 << drive)) {
        u8 status = fdc_recalibrate(drive);
        if (status != DISK_OK)
            return status;
    }
    if (BDA->floppy_track[drive] == physical)
        return DISK_OK;
    const u8 command[3] = {0x0F, drive, physical};
    if (!fdc_send(command, 3))
        return DISK_CONTROLLER;
    u8 status = finish_seek();
    if (status != DISK_OK)
        return status;
    BDA->floppy_track[drive] = physical;
    u8 settle = floppy_parameter(DPT_SETTLE);
    delay_ms(settle ? settle : 1);
    return DISK_OK;
}

/* Selects the drive. When its motor stood still, waits for it: the time of the table to write, half
 * of that to read, since a read that comes too early is only tried again. */
void fdc_motor_on(u8 drive, bool write)
{
    u8 bit = (u8)(1 << drive);
    bool running = BDA->floppy_motor & bit;
    BDA->floppy_motor_timeout = 0xFF;
    BDA->floppy_motor = (u8)((BDA->floppy_motor & 0x0F) | bit | drive << 4 | write << 7);
    outb(FDC_DOR, (u8)(0x0C | drive | (BDA->floppy_motor & 3) << 4));
    if (running)
        return;
    u16 wait = (u16)(floppy_parameter(DPT_MOTOR_START) * 125);
    if (!write)
        wait /= 2;
    u32 start = BDA->ticks, ticks = wait / 55u + 1;
    if (clock_runs()) {
        while (ticks_since(start) < ticks)
            interrupt_wait();
    } else {
        delay_ms(wait);
    }
    BDA->floppy_motor_timeout = 0xFF;
}

bool fdc_dma(u8 mode, u16 segment, u16 offset, u16 length)
{
    u32 address = ((u32)segment << 4) + offset;
    u16 last = (u16)(length - 1);
    if ((address & 0xFFFF) + last > 0xFFFF)
        return false;
    outb(0x0A, 0x06);
    outb(0x0C, 0x00);
    outb(0x0B, mode);
    outb(0x04, (u8)address);
    outb(0x04, (u8)(address >> 8));
    outb(0x81, (u8)(address >> 16));
    outb(0x05, (u8)last);
    outb(0x05, (u8)(last >> 8));
    outb(0x0A, 0x02);
    return true;
}

u8 fdc_error(void)
{
    u8 st0 = BDA->floppy_result[0], st1 = BDA->floppy_result[1];
    if (!(st0 & 0xC0))
        return DISK_OK;
    if (st0 & 0x80)
        return DISK_CONTROLLER;
    return st1 & 0x02   ? DISK_WRITE_PROTECTED
           : st1 & 0x01 ? DISK_NO_ADDRESS_MARK
           : st1 & 0x20 ? DISK_CRC
           : st1 & 0x10 ? DISK_DMA_OVERRUN
           : st1 & 0x84 ? DISK_NO_SECTOR
                        : DISK_CONTROLLER;
}
