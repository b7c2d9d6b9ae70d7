/* Media in the past of a machine.
 *
 * A medium that was taken out may be wanted at an earlier moment, and one that was put in is put in
 * again whenever the machine runs through that moment. It is the same disk backend each time: what
 * the guest has written to it is in the undo logs, which know the layer of this one, and its file
 * is opened, and locked, once. */
#include "base/memory.h"
#include "machine/history_private.h"
#include "machine/meter.h"

#include <string.h>

/* Where in the journal the event stands that is being delivered: behind it. */
static uint64_t offset_of_event(const struct machine *machine)
{
    return machine->replay.is_on ? machine->replay.after.offset
                                 : journal_end(machine->journal).offset;
}

struct disk_backend *history_find_inserted(const struct machine *machine)
{
    const struct history *history = machine->history;
    uint64_t offset = offset_of_event(machine);
    for (size_t i = 0; history && i < history->insertion_count; i++)
        if (history->insertion[i].offset == offset)
            return history->insertion[i].medium;
    return NULL;
}

void history_note_inserted(struct machine *machine, struct disk_backend *medium)
{
    struct history *history = machine->history;
    if (!history || !medium || history_find_inserted(machine))
        return;
    history->insertion =
        mem_resize(history->insertion, (history->insertion_count + 1) * sizeof *history->insertion);
    history->insertion[history->insertion_count++] =
        (struct insertion){offset_of_event(machine), medium};
}

void history_forget_insertions(struct history *history, uint64_t offset)
{
    size_t count = 0;
    for (size_t i = 0; i < history->insertion_count; i++)
        if (history->insertion[i].offset <= offset)
            history->insertion[count++] = history->insertion[i];
    history->insertion_count = count;
    if (count)
        return;
    mem_free(history->insertion);
    history->insertion = NULL;
}

/* Whether a medium is in a drive now, and so freed by the board. */
static bool is_in_drive(const struct machine *machine, const struct disk_backend *medium)
{
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++)
        if (machine->medium[i] == medium)
            return true;
    return false;
}

bool history_keep_medium(struct machine *machine, struct disk_backend *medium, bool inserted)
{
    struct history *history = machine->history;
    if (!history)
        return false;
    machine_rest_medium(medium, true);
    for (size_t i = 0; i < history->kept_count; i++)
        if (history->kept[i].medium == medium)
            return true;
    history->kept = mem_resize(history->kept, (history->kept_count + 1) * sizeof *history->kept);
    history->kept[history->kept_count++] = (struct kept_medium){medium, inserted};
    return true;
}

void history_end_media(struct machine *machine)
{
    struct history *history = machine->history;
    for (size_t i = 0; i < history->kept_count; i++)
        if (!is_in_drive(machine, history->kept[i].medium))
            machine_release_medium(machine, history->kept[i].medium, history->kept[i].inserted);
    mem_free(history->kept);
    history->kept = NULL;
    history->kept_count = 0;
    history_forget_insertions(history, 0);
}

bool history_release_media(struct machine *machine)
{
    struct history *history = machine->history;
    if (!history || history->in_past || !history->kept_count)
        return false;
    history_forget(machine);
    history_end_media(machine);
    history_add_checkpoint(machine, false);
    return true;
}

/* What is written to a file through one backend is seen by all others that have it open. */
static bool is_written_below(const struct machine *machine, const struct kept_medium *kept,
                             struct disk_backend *medium)
{
    const struct disk_backend *image = disk_past_image(meter_disk(medium));
    const struct disk_backend *old = disk_past_image(meter_disk(kept->medium));
    return kept->medium != medium && !is_in_drive(machine, kept->medium) && !image->read_only &&
           !image->ops->next_written && image->path && old->path &&
           strcmp(image->path, old->path) == 0;
}

/* Of a medium that is in no drive: its file does not hold what the machine's past has read. */
static bool has_changed(const struct machine *machine, const struct kept_medium *kept)
{
    struct disk_backend *image = disk_past_image(meter_disk(kept->medium));
    if (is_in_drive(machine, kept->medium) || !image->ops->has_changed ||
        !image->ops->has_changed(image))
        return false;
    log_line(machine->log, LOG_WARNING,
             "%s has been written to by others since it was taken out: the machine's past before "
             "this moment is forgotten",
             image->path ? image->path : image->name);
    return true;
}

void history_check_media(struct machine *machine)
{
    const struct history *history = machine->history;
    bool is_lost = false;
    for (size_t i = 0; history && !history->in_past && i < history->kept_count; i++)
        is_lost |= has_changed(machine, &history->kept[i]);
    if (is_lost)
        history_release_media(machine);
}

void history_share_file(struct machine *machine, struct disk_backend *medium)
{
    const struct history *history = machine->history;
    bool is_shared = false;
    for (size_t i = 0; history && medium && !history->in_past && i < history->kept_count; i++)
        is_shared |= is_written_below(machine, &history->kept[i], medium);
    if (is_shared)
        history_release_media(machine);
    else
        history_check_media(machine);
}
