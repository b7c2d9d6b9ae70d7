#include "base/memory.h"
#include "machine/internal.h"
#include "machine/job.h"

#include <stdarg.h>
#include <stdio.h>

/* --- one job --- */

enum command_outcome job_step(struct job *job, struct machine *machine)
{
    const struct command *command = job->call.command;
    if (machine->replay.is_on && command->flags & COMMAND_CHANGES_GUEST)
        return job_fail(job, EXIT_STATUS_USAGE,
                        "%s: the machine replays what was recorded, and takes nothing from outside",
                        command->name);
    enum command_outcome outcome = command->run(machine, job);
    if (gate_pending(machine->gate) && !machine->replay.is_on)
        gate_deliver(machine->gate, machine_icount(machine));
    return outcome;
}

void job_end(struct job *job)
{
    command_call_free(&job->call);
    json_decref(job->result);
    job->result = NULL;
    if (job->disk)
        job->disk->ops->close(job->disk);
    job->disk = NULL;
}

enum command_outcome job_again_in(struct job *job, struct machine *machine, uint64_t ns)
{
    job->due_ns = ns == CLOCK_NEVER ? ns : machine_time(machine) + ns;
    return COMMAND_AGAIN;
}

enum command_outcome job_fail(struct job *job, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(job->error.text, sizeof job->error.text, format, arguments);
    va_end(arguments);
    job->status = status;
    return COMMAND_FAILED;
}

enum command_outcome job_done(struct job *job, json_t *result)
{
    json_decref(job->result);
    job->result = result;
    return COMMAND_DONE;
}

const struct command_value *job_argument(const struct job *job, const char *name)
{
    return command_argument(&job->call, name);
}

/* --- requests --- */

struct request_job {
    struct job job;
    struct control_request request; /* its call is in job */
    struct request_job *next;
};

struct jobs {
    struct request_job *first;
    uint64_t due_ns;
};

struct jobs *jobs_new(void)
{
    struct jobs *jobs = mem_new(sizeof *jobs);
    jobs->due_ns = CLOCK_NEVER;
    return jobs;
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    jobs_give_up(jobs, "the machine is gone");
    mem_free(jobs);
}

uint64_t jobs_due_time(const struct jobs *jobs)
{
    return jobs->due_ns;
}

static void finish(struct request_job *one, bool ok)
{
    one->request.call = one->job.call;
    one->job.call = (struct command_call){0};
    if (ok && !one->job.result)
        one->job.result = json_object();
    int status = ok ? 0 : one->job.status ? one->job.status : EXIT_STATUS_HOST_ERROR;
    control_finish(&one->request, ok ? one->job.result : NULL, &one->job.error, status);
    job_end(&one->job);
    mem_free(one);
}

static void add_request(struct jobs *jobs, struct machine *machine,
                        const struct control_request *request)
{
    struct request_job *one = mem_new(sizeof *one);
    one->job.call = request->call;
    one->job.start_ns = one->job.due_ns = machine_time(machine);
    one->request = *request;
    struct request_job **link = &jobs->first;
    while (*link)
        link = &(*link)->next;
    *link = one;
}

/* Two that type at the same time take turns, not letters. */
static bool must_wait(const struct jobs *jobs, const struct request_job *one)
{
    const struct command *command = one->job.call.command;
    if (!(command->flags & COMMAND_CHANGES_GUEST))
        return false;
    for (const struct request_job *other = jobs->first; other != one; other = other->next) {
        if (other->job.call.command->run == command->run)
            return true;
    }
    return false;
}

/* One look at every job. True if one ended, so that another may be able to go on. */
static bool step_all(struct jobs *jobs, struct machine *machine)
{
    bool ended = false;
    struct request_job **link = &jobs->first;
    /* A reset comes before whatever else was asked for. */
    while (*link && !machine->reset_requested) {
        struct request_job *one = *link;
        if (one->job.due_ns > machine_time(machine) || must_wait(jobs, one)) {
            link = &one->next;
            continue;
        }
        enum command_outcome outcome = job_step(&one->job, machine);
        if (outcome == COMMAND_AGAIN) {
            link = &one->next;
            continue;
        }
        *link = one->next;
        finish(one, outcome == COMMAND_DONE);
        ended = true;
    }
    return ended;
}

void jobs_step(struct jobs *jobs, struct machine *machine)
{
    struct control_request request;
    while (control_take(machine->control, &request))
        add_request(jobs, machine, &request);
    while (!machine->reset_requested && step_all(jobs, machine))
        continue;
    jobs->due_ns = CLOCK_NEVER;
    for (const struct request_job *one = jobs->first; one; one = one->next) {
        if (one->job.due_ns < jobs->due_ns && !must_wait(jobs, one))
            jobs->due_ns = one->job.due_ns;
    }
}

void jobs_look_again(struct jobs *jobs, struct machine *machine)
{
    for (struct request_job *one = jobs->first; one; one = one->next) {
        if (one->job.due_ns > machine_time(machine))
            one->job.due_ns = machine_time(machine);
        jobs->due_ns = machine_time(machine);
    }
}

void jobs_give_up(struct jobs *jobs, const char *reason)
{
    while (jobs->first) {
        struct request_job *one = jobs->first;
        jobs->first = one->next;
        job_fail(&one->job, 0, "%s", reason);
        finish(one, false);
    }
    jobs->due_ns = CLOCK_NEVER;
}
