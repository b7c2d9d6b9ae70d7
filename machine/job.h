/* A command that is being carried out, in one step or in several at moments of the virtual clock.
 * A script is one job after the other; requests from outside are jobs side by side. */
#ifndef MACHINE_JOB_H
#define MACHINE_JOB_H

#include "control/control.h"
#include "machine/machine.h"

struct job {
    struct command_call call;
    bool is_script;
    bool machine_ended; /* no time passes any more: waits look once */
    uint64_t start_ns;  /* when the first step was */
    uint64_t due_ns;    /* when the next one is */
    size_t progress;    /* of a command that takes several steps; 0 at the first */
    uint64_t key_wait_ns;
    json_t *result;            /* an object; owned */
    struct disk_backend *disk; /* on its way into a drive; owned */
    /* Of one that failed. */
    struct error error;
    int status; /* exit status of a script that fails so, or that quits */
    bool quits; /* nothing comes after it */
};

/* Carries out the next step; at the first one, sets the start. Events that it sent through the gate
 * have reached the chips when it returns. */
enum command_outcome job_step(struct job *job, struct machine *machine);
/* Frees arguments and result. */
void job_end(struct job *job);

/* --- for the functions of commands --- */

enum command_outcome job_again_in(struct job *job, struct machine *machine, uint64_t ns);
/* Returns COMMAND_FAILED. */
enum command_outcome job_fail(struct job *job, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds members to the result: json_pack's format of an object. */
enum command_outcome job_done(struct job *job, json_t *result);

/* An argument by name. */
const struct command_value *job_argument(const struct job *job, const char *name);

/* --- requests from outside: the jobs of machine->control --- */

struct jobs;
struct jobs *jobs_new(void);
void jobs_free(struct jobs *jobs);
/* Virtual time of the next step; CLOCK_NEVER: none. */
uint64_t jobs_due_time(const struct jobs *jobs);
/* Takes new requests, and carries out what is due. */
void jobs_step(struct jobs *jobs, struct machine *machine);
/* Makes every job due now: what they wait for may have come. */
void jobs_look_again(struct jobs *jobs, struct machine *machine);
/* The machine has ended: every job fails. */
void jobs_give_up(struct jobs *jobs, const char *reason);

#endif
