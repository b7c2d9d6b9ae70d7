/* Commands: the machine's past. */
#include "base/memory.h"
#include "base/time128.h"
#include "machine/commands.h"
#include "machine/fork.h"
#include "machine/history.h"
#include "machine/internal.h"
#include "record/log_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where a seek goes: an instruction count, a virtual time, or so much of either from here. */
struct target {
    bool is_time, is_relative, is_back;
    uint64_t amount; /* instructions or ns */
};

static bool parse_target(struct target *target, const char *text)
{
    *target = (struct target){.is_relative = *text == '-' || *text == '+', .is_back = *text == '-'};
    text += target->is_relative;
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    errno = 0;
    target->amount = strtoull(text, &end, 0);
    if (!*end && !errno)
        return true;
    return target->is_time = command_parse_duration(text, &target->amount);
}

bool command_check_seek(const struct command_call *call, struct error *err)
{
    struct target target;
    const char *text = command_argument(call, "where")->text;
    return parse_target(&target, text) ||
           error_set(err,
                     "\"%.80s\" is no moment: give an instruction count, a virtual time such as "
                     "12.5s, or either with - or + in front, from here",
                     text);
}

static uint64_t resolve(const struct target *target, uint64_t present)
{
    if (!target->is_relative)
        return target->amount;
    if (target->is_back)
        return target->amount < present ? present - target->amount : 0;
    return present + target->amount;
}

static json_t *describe(struct machine *machine)
{
    struct history_info info;
    history_get_info(machine, &info);
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:f, s:f, s:f}", "state",
                     machine_state_name(machine), "in_past", info.in_past, "icount",
                     (json_int_t)info.present, "oldest", (json_int_t)info.oldest, "newest",
                     (json_int_t)info.newest, "seconds", (double)info.present_ns / 1e9,
                     "oldest_seconds", (double)info.oldest_ns / 1e9, "newest_seconds",
                     (double)info.newest_ns / 1e9);
}

enum command_outcome command_seek(struct machine *machine, struct job *job)
{
    struct target target;
    struct error err;
    bool was_paused = machine->paused;
    parse_target(&target, job_argument(job, "where")->text);
    bool ok = target.is_time
                  ? machine_seek_time(machine, resolve(&target, machine_time(machine)), &err)
                  : machine_seek(machine, resolve(&target, machine_icount(machine)), &err);
    if (job->is_script)
        machine_set_paused(machine, was_paused);
    if (!ok)
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "seek: %s", err.text);
    return job_done(job, describe(machine));
}

enum command_outcome command_live(struct machine *machine, struct job *job)
{
    struct error err;
    if (machine->player.is_on)
        return job_fail(job, EXIT_STATUS_HOST_ERROR,
                        "live: this is a replay; anachron replay LOG --to %llu --go-live makes a "
                        "live machine of this moment",
                        (unsigned long long)machine_icount(machine));
    if (!history_go_live(machine, &err))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "live: %s", err.text);
    json_t *result = describe(machine);
    if (machine->recorder.writer)
        json_object_set_new(result, "record",
                            json_string(log_writer_path(machine->recorder.writer)));
    return job_done(job, result);
}

enum command_outcome command_checkpoint(struct machine *machine, struct job *job)
{
    struct history_info info;
    history_get_info(machine, &info);
    if (!info.is_kept)
        return job_fail(job, EXIT_STATUS_HOST_ERROR,
                        "checkpoint: the past of this machine is not kept (see --history)");
    if (info.in_past)
        return job_fail(job, EXIT_STATUS_USAGE,
                        "checkpoint: the machine is in its past; go live first");
    history_checkpoint(machine);
    return job_done(job, describe(machine));
}

enum command_outcome command_history(struct machine *machine, struct job *job)
{
    struct history_info info;
    history_get_info(machine, &info);
    json_t *result = describe(machine);
    json_t *more = json_pack("{s:b, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "kept",
                             info.is_kept, "checkpoints", (int)info.checkpoints, "bytes",
                             (json_int_t)info.bytes, "made", (json_int_t)info.made, "merged",
                             (json_int_t)info.merged, "marks", (json_int_t)info.marks, "replayed",
                             (json_int_t)info.replayed, "pages", (json_int_t)info.pages, "sectors",
                             (json_int_t)info.sectors, "cost_seconds", (double)info.host_ns / 1e9);
    json_object_update(result, more);
    json_decref(more);
    return job_done(job, result);
}

enum command_outcome command_split(struct machine *machine, struct job *job)
{
    const char *socket = job_argument(job, "socket")->text;
    bool paused = job_argument(job, "how")->number;
    struct error err;
    pid_t pid;
    uint64_t began = machine_host_time();
    if (!machine_fork(machine, socket, paused, &pid, &err))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "split: %s", err.text);
    uint64_t took = machine_host_time() - began;
    return job_done(job,
                    json_pack("{s:i, s:s, s:I, s:f}", "pid", (int)pid, "socket", socket, "icount",
                              (json_int_t)machine_icount(machine), "seconds", (double)took / 1e9));
}
