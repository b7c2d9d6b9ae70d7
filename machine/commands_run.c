/* Commands: how the run goes. */
#include "base/time128.h"
#include "devices/post_card.h"
#include "machine/capture.h"
#include "machine/commands.h"
#include "machine/history.h"
#include "machine/inspect.h"
#include "machine/internal.h"
#include "machine/saved.h"

#include <string.h>

/* How often a wait looks, and how long it does if nothing is said. */
#define FIRST_LOOK_NS   (1 * NS_PER_MILLISECOND)
#define LOOK_NS         (10 * NS_PER_MILLISECOND)
#define DEFAULT_WAIT_NS (60 * NS_PER_SECOND)

/* --- waiting --- */

static bool is_met(struct machine *machine, const struct job *job)
{
    enum wait_variant kind = job->call.command->variant;
    if (kind == WAIT_HALT)
        return machine->cpu->activity != CPU_RUNNING && !(machine->cpu->eflags & FLAG_IF);
    uint8_t code;
    if (kind == WAIT_POST)
        return post_card_last(machine->post_card, &code) &&
               code == job_argument(job, "code")->number;
    const struct command_value *text = job_argument(job, "text");
    switch (kind) {
    case WAIT_SCREEN:
        return inspect_screen_contains(machine, text->text);
    case WAIT_SERIAL:
    case WAIT_SERIAL2:
        return capture_find(&machine->serial_capture[kind == WAIT_SERIAL2], text->text, text->size);
    default:
        return capture_find(&machine->debug_capture, text->text, text->size);
    }
}

static enum command_outcome time_out(struct machine *machine, struct job *job, uint64_t waited)
{
    const struct command *command = job->call.command;
    bool wants_text = command->variant != WAIT_HALT && command->variant != WAIT_POST;
    const char *text = wants_text ? job_argument(job, "text")->text : NULL;
    if (command->variant == WAIT_SCREEN && job->is_script) {
        fprintf(stderr, "--- the screen ---\n");
        inspect_print_screen(machine, stderr);
        fprintf(stderr, "---\n");
    }
    return job_fail(job, EXIT_STATUS_TIMEOUT, "%s%s%.150s%s: %s after %.3f s of virtual time",
                    command->name, text ? " \"" : "", text ? text : "", text ? "\"" : "",
                    job->machine_ended ? "the machine stopped before that," : "timed out",
                    (double)waited / (double)NS_PER_SECOND);
}

enum command_outcome command_wait(struct machine *machine, struct job *job)
{
    const struct command_value *duration = job_argument(job, "duration");
    uint64_t limit = duration->given ? duration->number : DEFAULT_WAIT_NS;
    if (is_met(machine, job))
        return COMMAND_DONE;
    uint64_t waited = machine_time(machine) - job->start_ns;
    if (waited >= limit || job->machine_ended)
        return time_out(machine, job, waited);
    uint64_t look = waited < LOOK_NS * 10 ? FIRST_LOOK_NS : LOOK_NS;
    uint64_t left = limit - waited;
    return job_again_in(job, machine, left < look ? left : look);
}

enum command_outcome command_sleep(struct machine *machine, struct job *job)
{
    uint64_t duration = job_argument(job, "duration")->number;
    uint64_t slept = machine_time(machine) - job->start_ns;
    if (slept >= duration || job->machine_ended)
        return COMMAND_DONE;
    return job_again_in(job, machine, duration - slept);
}

/* --- stopping and going on --- */

/* "state", "icount" and where: what pause, cont and step answer. */
static json_t *where(const struct machine *machine)
{
    const struct cpu *cpu = machine->cpu;
    return json_pack("{s:s, s:I, s:i, s:I}", "state", machine_state_name(machine), "icount",
                     (json_int_t)cpu_icount(cpu), "cs", (int)cpu->seg[SEG_CS].selector, "eip",
                     (json_int_t)cpu->eip);
}

enum command_outcome command_pause(struct machine *machine, struct job *job)
{
    machine_set_paused(machine, true);
    return job_done(job, where(machine));
}

enum command_outcome command_cont(struct machine *machine, struct job *job)
{
    machine_set_paused(machine, false);
    return job_done(job, where(machine));
}

enum command_outcome command_step(struct machine *machine, struct job *job)
{
    const struct command_value *count = job_argument(job, "count");
    if (job->progress++ == 0) {
        machine_set_paused(machine, false);
        machine->step_until = machine_icount(machine) + (count->given ? count->number : 1);
        return job_again_in(job, machine, CLOCK_NEVER);
    }
    return machine->paused ? job_done(job, where(machine))
                           : job_again_in(job, machine, CLOCK_NEVER);
}

enum command_outcome command_quit(struct machine *machine, struct job *job)
{
    job->status = (int)job_argument(job, "status")->number;
    job->quits = true;
    if (!job->is_script)
        machine_request_stop(machine, STOP_OUTSIDE, job->status);
    return COMMAND_DONE;
}

/* The images of its disks are those of the tip. */
static bool is_in_past(const struct machine *machine, struct job *job)
{
    struct history_info info;
    history_get_info(machine, &info);
    if (info.in_past)
        job_fail(job, EXIT_STATUS_USAGE,
                 "%s: the machine is in its past, and its disks are not; go live first",
                 job->call.command->name);
    return info.in_past;
}

enum command_outcome command_save_state(struct machine *machine, struct job *job)
{
    struct error err = {""};
    if (is_in_past(machine, job))
        return COMMAND_FAILED;
    if (!machine_save(machine, job_argument(job, "file")->text, &err))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
    return job_done(job, where(machine));
}

static enum command_outcome fail_not_kept(struct job *job)
{
    return job_fail(job, EXIT_STATUS_USAGE,
                    "%s is for machines that are kept by name (anachron new, start)",
                    job->call.command->name);
}

enum command_outcome command_fork(struct machine *machine, struct job *job)
{
    const struct machine_outside *outside = &machine->config.outside;
    struct error err = {""};
    if (!outside->fork)
        return fail_not_kept(job);
    if (is_in_past(machine, job))
        return COMMAND_FAILED;
    const struct command_value *name = job_argument(job, "name");
    uint64_t how = job_argument(job, "how")->number;
    const struct machine_twin twin = {
        .folder = job_argument(job, "file")->text,
        .name = name->given ? name->text : NULL,
        .paused = how & 1 << 0,
        .discards = how & 1 << 1,
    };
    if (!outside->fork(outside->opaque, &twin, &err))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
    return job_done(job, where(machine));
}

static enum command_outcome settle(struct machine *machine, struct job *job, enum machine_keep how)
{
    const struct machine_outside *outside = &machine->config.outside;
    struct error err = {""};
    if (!outside->keep)
        return fail_not_kept(job);
    if (how != DROP_AND_END && is_in_past(machine, job))
        return COMMAND_FAILED;
    if (!outside->keep(outside->opaque, how, &err))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
    return job_done(job, where(machine));
}

enum command_outcome command_keep(struct machine *machine, struct job *job)
{
    return settle(machine, job, KEEP_AND_GO_ON);
}

enum command_outcome command_stop(struct machine *machine, struct job *job)
{
    bool drops = job_argument(job, "state")->number;
    enum command_outcome outcome = settle(machine, job, drops ? DROP_AND_END : KEEP_AND_END);
    if (outcome == COMMAND_DONE) {
        job->quits = true;
        if (!job->is_script)
            machine_request_stop(machine, STOP_OUTSIDE, EXIT_STATUS_OK);
    }
    return outcome;
}

enum command_outcome command_session(struct machine *machine, struct job *job)
{
    return job_fail(job, EXIT_STATUS_USAGE, "%s is for connections to the control socket",
                    job->call.command->name);
}

/* --- what there is --- */

static json_t *describe_drive(const char *name, const struct disk_backend *medium)
{
    if (!medium)
        return json_pack("{s:s, s:n}", "name", name, "medium");
    return json_pack("{s:s, s:s, s:I, s:b}", "name", name, "medium", medium->name, "sectors",
                     (json_int_t)medium->sector_count, "read_only", medium->read_only);
}

static json_t *describe_drives(const struct machine *machine)
{
    static const char *const floppies[] = {"floppy", "floppy2"};
    static const char *const disks[] = {"disk0", "disk1", "disk2", "disk3"};
    const struct machine_config *config = &machine->config;
    json_t *drives = json_array();
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++) {
        if (config->floppy[i].present)
            json_array_append_new(drives, describe_drive(floppies[i], machine->medium[i]));
    }
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        bool is_cdrom = i == machine_cdrom_place(machine);
        if (config->drive[i].present)
            json_array_append_new(drives, describe_drive(is_cdrom ? "cdrom" : disks[i],
                                                         is_cdrom ? machine->medium[GATE_CDROM]
                                                                  : config->drive[i].disk));
    }
    return drives;
}

enum command_outcome command_status(struct machine *machine, struct job *job)
{
    struct screen_status status;
    const struct frame *frame = machine_look(machine);
    machine_fill_status(machine, &status);
    return job_done(
        job, json_pack("{s:s, s:I, s:f, s:f, s:f, s:s, s:I, s:i, s:i, s:b, s:o}", "state",
                       machine_state_name(machine), "icount", (json_int_t)status.icount, "seconds",
                       (double)status.virtual_ns / (double)NS_PER_SECOND, "mips", status.mips,
                       "percent", status.percent, "cpu", machine->config.model->name, "memory",
                       (json_int_t)machine->config.ram_size, "width", (int)frame->width, "height",
                       (int)frame->height, "absolute_pointer", status.absolute_pointer, "drives",
                       describe_drives(machine)));
}

enum command_outcome command_stats(struct machine *machine, struct job *job)
{
    struct machine_stats stats;
    machine_get_stats(machine, &stats);
    json_t *result = json_object();
    for (unsigned i = 0; i < stats.count; i++) {
        const struct machine_stat *stat = &stats.stat[i];
        json_object_set_new(result, stat->name,
                            stat->is_whole ? json_integer((json_int_t)stat->value)
                                           : json_real(stat->value));
    }
    return job_done(job, result);
}

enum command_outcome command_help(struct machine *machine, struct job *job)
{
    const struct command_value *name = job_argument(job, "command");
    json_t *list = json_array();
    for (const struct command *row = machine_commands()->rows; row->name; row++) {
        size_t length = name->given ? strlen(name->text) : 0;
        bool matches = strncmp(row->name, name->given ? name->text : "", length) == 0 &&
                       (!length || !row->name[length] || row->name[length] == ' ');
        if (row->run && matches)
            json_array_append_new(list, command_describe(row));
    }
    if (json_array_size(list))
        return job_done(job, json_pack("{s:o}", "commands", list));
    json_decref(list);
    return job_fail(job, EXIT_STATUS_USAGE, "no command is called \"%.100s\"", name->text);
}

enum command_outcome command_version(struct machine *machine, struct job *job)
{
    return job_done(job, json_pack("{s:i, s:s}", "protocol", CONTROL_PROTOCOL_VERSION, "anachron",
                                   ANACHRON_VERSION));
}

enum command_outcome command_record(struct machine *machine, struct job *job)
{
    const struct machine_outside *outside = &machine->config.outside;
    struct error err = {"there is nobody to write logs"};
    if (outside->record && outside->record(outside->opaque, job_argument(job, "file")->text, &err))
        return COMMAND_DONE;
    return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
}
