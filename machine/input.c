/* Gate events on their way to the chips. */
#include "devices/i82077.h"
#include "devices/ide.h"
#include "devices/piix4_pm.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "devices/vmmouse.h"
#include "machine/disk_past.h"
#include "machine/internal.h"
#include "machine/meter.h"

static void on_key(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    ps2_keyboard_key(machine->keyboard, event->u.key.code, event->u.key.down);
}

static void on_mouse(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    machine->mouse_buttons = event->u.mouse.buttons;
    /* The chip's Y axis points up. */
    vmmouse_move(machine->vmmouse, event->u.mouse.dx, -event->u.mouse.dy, event->u.mouse.wheel,
                 event->u.mouse.buttons);
}

static void on_pointer(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    unsigned width, height;
    vga_size(machine->vga, &width, &height);
    machine->mouse_buttons = event->u.pointer.buttons;
    vmmouse_point(machine->vmmouse, event->u.pointer.x, event->u.pointer.y, width, height,
                  event->u.pointer.wheel, event->u.pointer.buttons);
}

static void on_serial(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    if (event->u.serial.port >= MACHINE_SERIALS)
        return;
    size_t size = event->u.serial.size;
    if (uart16550_receive(machine->serial[event->u.serial.port], event->u.serial.bytes, size) <
        size)
        log_line(machine->log, LOG_WARNING,
                 "serial port %u: the guest does not read its input; some of it is lost",
                 event->u.serial.port + 1);
}

unsigned machine_cdrom_place(const struct machine *machine)
{
    const struct drive_config *drives = machine->config.drive;
    unsigned place = 0;
    while (place < MACHINE_DISKS && !(drives[place].present && drives[place].is_cdrom))
        place++;
    return place;
}

void machine_release_medium(struct machine *machine, struct disk_backend *medium, bool inserted)
{
    const struct machine_outside *outside = &machine->config.outside;
    if (inserted) {
        medium->ops->close(medium);
        return;
    }
    if (outside->release_image)
        outside->release_image(outside->opaque, disk_past_image(meter_disk(medium)));
    meter_free(medium);
}

bool machine_rest_medium(struct disk_backend *medium, bool resting)
{
    struct disk_backend *image = disk_past_image(meter_disk(medium));
    return !image->ops->rest || image->ops->rest(image, resting);
}

bool machine_wake_medium(struct machine *machine, struct disk_backend *medium)
{
    struct disk_backend *image = disk_past_image(meter_disk(medium));
    if (image->ops->has_changed && image->ops->has_changed(image))
        log_line(machine->log, LOG_WARNING,
                 "%s has been written to by others while the machine was in its past, which is not "
                 "what it was from here on",
                 medium->name);
    if (machine_rest_medium(medium, false))
        return true;
    log_line(machine->log, LOG_WARNING, "%s: another machine uses this image now; stop it",
             medium->name);
    return false;
}

static void replace_medium(struct machine *machine, enum gate_drive drive,
                           struct disk_backend *medium)
{
    struct disk_backend *old = machine->medium[drive];
    bool inserted = machine->inserted[drive];
    if (old && !history_keep_medium(machine, old, inserted))
        machine_release_medium(machine, old, inserted);
    if (medium && history_find_inserted(machine))
        machine_wake_medium(machine, medium);
    history_note_inserted(machine, medium);
    machine->medium[drive] = medium;
    machine->inserted[drive] = medium != NULL;
    if (!machine->muted)
        control_announce(machine->control, "media", NULL);
}

static void on_media(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    enum gate_drive drive = event->u.media.drive;
    enum screen_light light = drive == GATE_CDROM ? LIGHT_CDROM : LIGHT_FLOPPY;
    struct disk_backend *disk = history_find_inserted(machine);
    if (!disk)
        disk = meter_new(disk_past_layer(machine->disk_past, event->u.media.disk),
                         &machine->sectors[light]);
    unsigned place = machine_cdrom_place(machine);
    if (drive == GATE_CDROM && place < MACHINE_DISKS) {
        /* The drive is opened with the paper clip if the guest has locked it. */
        (void)ide_insert_disc(machine->ide, place / IDE_UNITS, place % IDE_UNITS, disk, true);
    } else if (drive != GATE_CDROM && i82077_drive_type(machine->floppy, drive)) {
        i82077_insert(machine->floppy, drive, disk);
    } else {
        log_line(machine->log, LOG_WARNING, "there is no such drive to put a medium into");
        if (disk)
            disk->ops->close(disk);
        return;
    }
    replace_medium(machine, drive, disk);
    history_share_file(machine, disk);
}

static void on_power_button(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    piix4_pm_power_button(machine->pm);
}

static void on_reset_button(void *opaque, const struct gate_event *event)
{
    machine_reset_board(opaque);
}

static void on_nmi_button(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    cpu_pulse_nmi(machine->cpu);
}

static void on_rate(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    clock_set_rate(bus_clock(machine->bus), event->u.picoseconds_per_insn);
}

static void on_poke(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    struct poke_value value = {event->u.poke.low, event->u.poke.high, event->u.poke.digits};
    machine->poke_failed = !cpu_poke(machine->cpu, event->u.poke.name, &value);
}

/* Only plain memory: a chip must not take it for an access of the guest. */
static void on_memory(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    uint32_t address = event->u.memory.address;
    machine->poke_failed = false;
    for (unsigned i = 0; i < event->u.memory.size && !machine->poke_failed; i++) {
        const struct address_range *range = bus_find_range(machine->bus, address + i);
        machine->poke_failed = !range || range->kind != RANGE_MEMORY;
        if (!machine->poke_failed)
            phys_write(machine->phys, address + i, event->u.memory.bytes[i], 1);
    }
}

bool machine_poke(struct machine *machine, const char *name, const struct poke_value *value)
{
    struct gate_event event = {.kind = GATE_POKE};
    size_t length = strlen(name);
    if (length >= sizeof event.u.poke.name)
        return false;
    memcpy(event.u.poke.name, name, length);
    event.u.poke.low = value->low;
    event.u.poke.high = value->high;
    event.u.poke.digits = (uint8_t)value->digits;
    gate_deliver_now(machine->gate, &event, machine_icount(machine));
    return !machine->poke_failed;
}

bool machine_patch(struct machine *machine, uint32_t address, const uint8_t *bytes, size_t size)
{
    struct gate_event event = {.kind = GATE_MEMORY};
    for (size_t done = 0, part; done < size; done += part) {
        part =
            size - done < sizeof event.u.memory.bytes ? size - done : sizeof event.u.memory.bytes;
        event.u.memory.address = address + (uint32_t)done;
        event.u.memory.size = (uint8_t)part;
        memcpy(event.u.memory.bytes, bytes + done, part);
        gate_deliver_now(machine->gate, &event, machine_icount(machine));
        if (machine->poke_failed)
            return false;
    }
    return true;
}

void input_connect(struct machine *machine)
{
    static gate_sink *const sinks[GATE_KIND_COUNT] = {
        [GATE_KEY] = on_key,
        [GATE_MOUSE] = on_mouse,
        [GATE_POINTER] = on_pointer,
        [GATE_SERIAL] = on_serial,
        [GATE_MEDIA] = on_media,
        [GATE_POWER_BUTTON] = on_power_button,
        [GATE_RESET_BUTTON] = on_reset_button,
        [GATE_NMI_BUTTON] = on_nmi_button,
        [GATE_RATE] = on_rate,
        [GATE_POKE] = on_poke,
        [GATE_MEMORY] = on_memory,
    };
    for (unsigned kind = 0; kind < GATE_KIND_COUNT; kind++) {
        if (sinks[kind])
            gate_set_sink(machine->gate, kind, sinks[kind], machine);
    }
}
