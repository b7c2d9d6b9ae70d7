/* Commands: what a person at the machine does. Everything goes through the gate. */
#include "base/memory.h"
#include "base/time128.h"
#include "devices/ps2_keyboard.h"
#include "devices/uart16550.h"
#include "machine/commands.h"
#include "machine/internal.h"

/* How long a typist takes between two key events, and how long a click and a change of media are.
 */
#define KEY_NS    (10 * NS_PER_MILLISECOND)
#define CLICK_NS  (50 * NS_PER_MILLISECOND)
#define CHANGE_NS (1 * NS_PER_SECOND)
#define SERIAL_NS (10 * NS_PER_MILLISECOND)
/* A keyboard that nobody reads for so long loses what is typed, as a real one does. */
#define KEYBOARD_PATIENCE_NS (10 * NS_PER_SECOND)
#define PS_PER_MIPS          UINT64_C(1000000)
/* A serial line's input queue is filled up to here; the rest waits until the guest has read. */
enum { SERIAL_ROOM_WANTED = 4096 };

/* Keys of the argument name, one event a step. */
static enum command_outcome type_keys(struct machine *machine, struct job *job,
                                      const struct command_value *keys, bool released)
{
    if (job->progress == keys->key_count || job->machine_ended)
        return COMMAND_DONE;
    if (ps2_keyboard_room(machine->keyboard) == 0 && job->key_wait_ns < KEYBOARD_PATIENCE_NS) {
        job->key_wait_ns += KEY_NS;
        return job_again_in(job, machine, KEY_NS);
    }
    job->key_wait_ns = 0;
    size_t next = job->progress++;
    /* A chord is released in the reverse order. */
    const struct key_stroke *key = &keys->keys[released ? keys->key_count - 1 - next : next];
    gate_key(machine->gate, key->code, released ? false : key->down);
    return job_again_in(job, machine, KEY_NS);
}

enum command_outcome command_type(struct machine *machine, struct job *job)
{
    return type_keys(machine, job, job_argument(job, "text"), false);
}

enum command_outcome command_key(struct machine *machine, struct job *job)
{
    return type_keys(machine, job, job_argument(job, "name"),
                     job->call.command->variant == KEY_GOES_UP);
}

enum command_outcome command_serial(struct machine *machine, struct job *job)
{
    const struct command_value *text = job_argument(job, "text");
    unsigned port = job->call.command->variant;
    if (job->progress == text->size || job->machine_ended)
        return COMMAND_DONE;
    if (uart16550_room(machine->serial[port]) < SERIAL_ROOM_WANTED)
        return job_again_in(job, machine, SERIAL_NS);
    size_t left = text->size - job->progress;
    size_t part = left < SERIAL_ROOM_WANTED / 2 ? left : SERIAL_ROOM_WANTED / 2;
    job->progress +=
        gate_serial(machine->gate, port, (const uint8_t *)text->text + job->progress, part);
    return job->progress == text->size ? COMMAND_DONE : job_again_in(job, machine, SERIAL_NS);
}

/* --- the mouse --- */

enum command_outcome command_mouse(struct machine *machine, struct job *job)
{
    unsigned buttons = (unsigned)job_argument(job, "buttons")->number;
    if (job->progress++ == 0) {
        gate_mouse(machine->gate, (int)job_argument(job, "dx")->integer,
                   (int)job_argument(job, "dy")->integer, (int)job_argument(job, "wheel")->integer,
                   machine->mouse_buttons | buttons);
        return buttons ? job_again_in(job, machine, CLICK_NS) : COMMAND_DONE;
    }
    gate_mouse(machine->gate, 0, 0, 0, machine->mouse_buttons & ~buttons);
    return COMMAND_DONE;
}

enum command_outcome command_mouse_button(struct machine *machine, struct job *job)
{
    unsigned buttons = (unsigned)job_argument(job, "buttons")->number;
    bool down = job->call.command->variant == KEY_GOES_DOWN;
    gate_mouse(machine->gate, 0, 0, 0,
               down ? machine->mouse_buttons | buttons : machine->mouse_buttons & ~buttons);
    return COMMAND_DONE;
}

/* Pixel to the gate's unit; 65535 is the last pixel. */
static unsigned position(uint64_t pixel, unsigned size)
{
    return size < 2 ? 0 : (unsigned)(pixel * UINT16_MAX / (size - 1));
}

enum command_outcome command_pointer(struct machine *machine, struct job *job)
{
    unsigned buttons = (unsigned)job_argument(job, "buttons")->number;
    uint64_t x = job_argument(job, "x")->number, y = job_argument(job, "y")->number;
    const struct frame *frame = machine_look(machine);
    if (x >= frame->width || y >= frame->height)
        return job_fail(job, EXIT_STATUS_USAGE, "the picture has %u by %u pixels", frame->width,
                        frame->height);
    bool first = job->progress++ == 0;
    gate_pointer(machine->gate, position(x, frame->width), position(y, frame->height),
                 first ? (int)job_argument(job, "wheel")->integer : 0,
                 first ? machine->mouse_buttons | buttons : machine->mouse_buttons & ~buttons);
    return first && buttons ? job_again_in(job, machine, CLICK_NS) : COMMAND_DONE;
}

/* --- the case --- */

enum command_outcome command_button(struct machine *machine, struct job *job)
{
    static const enum gate_event_kind kinds[] = {
        [BUTTON_POWER] = GATE_POWER_BUTTON,
        [BUTTON_RESET] = GATE_RESET_BUTTON,
        [BUTTON_NMI] = GATE_NMI_BUTTON,
    };
    struct gate_event event = {.kind = kinds[job->call.command->variant]};
    gate_submit(machine->gate, &event);
    return COMMAND_DONE;
}

enum command_outcome command_rate(struct machine *machine, struct job *job)
{
    struct gate_event event = {.kind = GATE_RATE};
    event.u.picoseconds_per_insn = PS_PER_MIPS / job_argument(job, "mips")->number;
    gate_submit(machine->gate, &event);
    return COMMAND_DONE;
}

/* --- media --- */

static bool has_drive(const struct machine *machine, unsigned drive)
{
    return drive == GATE_CDROM ? machine_cdrom_place(machine) < MACHINE_DISKS
                               : machine->config.floppy[drive].present;
}

static struct disk_backend *open_image(struct machine *machine, const struct job *job,
                                       struct error *err)
{
    const struct machine_outside *outside = &machine->config.outside;
    return outside->open_image(outside->opaque, job_argument(job, "file")->text,
                               job_argument(job, "drive")->number == GATE_CDROM, err);
}

static bool open_medium(struct machine *machine, struct job *job)
{
    struct disk_backend *present = machine->medium[job_argument(job, "drive")->number];
    struct error err = {"there is nobody to open images"};
    /* It may be the very file that is in the drive, which leaves it before the guest goes on. */
    if (present)
        machine_rest_medium(present, true);
    if (machine->config.outside.open_image) {
        job->disk = open_image(machine, job, &err);
        /* The same file may have been in a drive before, and be kept for that time. */
        if (!job->disk && history_release_media(machine))
            job->disk = open_image(machine, job, &err);
    }
    if (job->disk)
        return true;
    if (present)
        machine_wake_medium(machine, present);
    job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
    return false;
}

/* Puts disk (NULL: nothing) into the drive. The gate takes it over. */
static enum command_outcome put_in(struct machine *machine, struct job *job,
                                   struct disk_backend *disk)
{
    struct gate_event event = {.kind = GATE_MEDIA};
    event.u.media.drive = (uint8_t)job_argument(job, "drive")->number;
    event.u.media.disk = disk;
    if (disk)
        event.u.media.specification = mem_string_copy(job_argument(job, "file")->text);
    if (!gate_submit(machine->gate, &event)) {
        gate_event_free(&event);
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "too much input at once; try again");
    }
    if (disk)
        job->disk = NULL;
    return COMMAND_DONE;
}

enum command_outcome command_media(struct machine *machine, struct job *job)
{
    if (!has_drive(machine, (unsigned)job_argument(job, "drive")->number))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "the machine has no such drive");
    if (job->call.command->variant == MEDIA_INSERT && !open_medium(machine, job))
        return COMMAND_FAILED;
    return put_in(machine, job, job->disk);
}

enum command_outcome command_change(struct machine *machine, struct job *job)
{
    if (!has_drive(machine, (unsigned)job_argument(job, "drive")->number))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "the machine has no such drive");
    if (job->progress++ > 0)
        return put_in(machine, job, job->disk);
    if (!open_medium(machine, job))
        return COMMAND_FAILED;
    enum command_outcome outcome = put_in(machine, job, NULL);
    return outcome == COMMAND_DONE ? job_again_in(job, machine, CHANGE_NS) : outcome;
}
