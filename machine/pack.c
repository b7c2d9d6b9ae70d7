/* See machine/pack.h. */
#include "machine/pack.h"

#include "base/memory.h"
#include "cpu/code.h"
#include "devices/i82077.h"
#include "devices/ide.h"
#include "machine/internal.h"

#include <string.h>

/* --- the board's own state --- */

static const char *medium_name(const struct machine *machine, unsigned drive)
{
    return machine->medium[drive] ? machine->medium[drive]->name : NULL;
}

static void pack_board(const void *base, struct serial *out)
{
    const struct machine *machine = base;
    serial_put_u32(out, machine->mouse_buttons);
    serial_put_u8(out, machine->reset_requested);
    serial_put_u8(out, (uint8_t)machine->entry);
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++)
        serial_put_text(out, medium_name(machine, i));
}

static bool same_medium(const char *saved, const char *present)
{
    return saved && present ? strcmp(saved, present) == 0 : saved == present;
}

static bool check_board(const void *base, const uint8_t *bytes, size_t size, struct error *err)
{
    static const char *const drives[GATE_DRIVE_COUNT] = {"floppy drive A", "floppy drive B",
                                                         "CD-ROM drive"};
    const struct machine *machine = base;
    struct serial_reader reader = {.at = bytes, .left = size};
    serial_take_u32(&reader);
    bool ok = serial_take_u8(&reader) <= 1;
    ok = serial_take_u8(&reader) <= ENTRY_NEAR && ok;
    for (unsigned i = 0; ok && i < GATE_DRIVE_COUNT; i++) {
        char *name = serial_take_text(&reader);
        const char *present = medium_name(machine, i);
        bool is_same = same_medium(name, present);
        if (!is_same)
            error_set(err, "the %s held %s when the state was saved, and now %s", drives[i],
                      name ? name : "nothing", present ? present : "nothing");
        mem_free(name);
        if (!is_same)
            return false;
    }
    return (ok && serial_is_done(&reader)) ||
           error_set(err, "the saved state of the board is none");
}

static void unpack_board(void *base, const uint8_t *bytes, size_t size)
{
    struct machine *machine = base;
    struct serial_reader reader = {.at = bytes, .left = size};
    machine->mouse_buttons = serial_take_u32(&reader);
    machine->reset_requested = serial_take_u8(&reader);
    /* Whether anybody waits for it is the affair of this run's script. */
    uint8_t entry = serial_take_u8(&reader);
    if (machine->entry != ENTRY_REACHED)
        machine->entry = entry;
}

const struct state_codec machine_board_codec = {pack_board, check_board, unpack_board};

/* --- the machine --- */

void machine_pack(struct machine *machine, struct serial *out)
{
    state_pack(machine->state, out);
}

bool machine_unpack(struct machine *machine, const uint8_t *bytes, size_t size, struct error *err)
{
    if (!state_unpack(machine->state, bytes, size, err))
        return false;
    machine_restart_pacing(machine);
    return true;
}

void machine_forget_code(struct machine *machine)
{
    code_flush(machine->cpu->code);
}

struct disk_backend *machine_place_medium(struct machine *machine, enum gate_drive drive,
                                          struct disk_backend *disk, bool *inserted)
{
    struct disk_backend *old = machine->medium[drive];
    unsigned place = machine_cdrom_place(machine);
    if (drive != GATE_CDROM)
        i82077_set_disk(machine->floppy, drive, disk);
    else if (place < MACHINE_DISKS)
        ide_set_disk(machine->ide, place / IDE_UNITS, place % IDE_UNITS, disk);
    bool old_inserted = machine->inserted[drive];
    if (disk)
        machine_wake_medium(machine, disk);
    machine->medium[drive] = disk;
    machine->inserted[drive] = *inserted;
    *inserted = old_inserted;
    return old;
}
