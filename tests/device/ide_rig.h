/* An IDE controller on a bare bus, and what a driver does with it. */
#ifndef TESTS_DEVICE_IDE_RIG_H
#define TESTS_DEVICE_IDE_RIG_H

#include "tests/device/rig.h"

#include "devices/ide.h"
#include "tests/device/disk_rig.h"

enum {
    IDE_DATA = 0x1F0,
    IDE_ERROR = 0x1F1, /* features */
    IDE_COUNT = 0x1F2, /* interrupt reason */
    IDE_LOW = 0x1F3,
    IDE_MID = 0x1F4,
    IDE_HIGH = 0x1F5,
    IDE_DEVICE = 0x1F6,
    IDE_STATUS = 0x1F7, /* command */
    IDE_CONTROL = 0x3F6,
    IDE_IRQ = 14,
    IDE_WAIT = 50000000,
};

static inline void ide_wait(struct rig *rig)
{
    rig_pass(rig, IDE_WAIT);
}

/* Task file of an LBA28 or CHS command; device holds the L bit, unit and head. */
static inline void ide_task(struct rig *rig, uint8_t count, uint32_t low, uint8_t device)
{
    rig_out(rig, IDE_DEVICE, device);
    rig_out(rig, IDE_COUNT, count);
    rig_out(rig, IDE_LOW, (uint8_t)low);
    rig_out(rig, IDE_MID, (uint8_t)(low >> 8));
    rig_out(rig, IDE_HIGH, (uint8_t)(low >> 16));
}

static inline void ide_command(struct rig *rig, uint8_t command)
{
    rig_out(rig, IDE_STATUS, command);
    ide_wait(rig);
}

static inline void ide_read_data(struct rig *rig, uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i += 2)
        store_le16(bytes + i, (uint16_t)bus_port_read(rig->bus, IDE_DATA, 2));
}

static inline void ide_write_data(struct rig *rig, const uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i += 2)
        bus_port_write(rig->bus, IDE_DATA, load_le16(bytes + i), 2);
}

/* Status after a command, which also takes the interrupt back. */
static inline void ide_expect(struct rig *rig, uint8_t status, uint8_t error)
{
    assert_int_equal(rig_in(rig, IDE_CONTROL), status);
    assert_int_equal(rig_in(rig, IDE_STATUS), status);
    assert_int_equal(rig_in(rig, IDE_ERROR), error);
    assert_false(rig->wire[IDE_IRQ].level);
}

#endif
