/* Scripts: calls of the command table, one a line, one after the other. */
#include "machine/script.h"

#include "base/memory.h"
#include "machine/internal.h"
#include "machine/script_private.h"

#include <string.h>

struct script {
    struct script_program program;
    unsigned next; /* index of the current line */
    bool started;  /* it has begun, in job */
    struct job job;
    uint64_t due_ns;
    int status;
    bool quit;          /* by itself */
    bool finished;      /* all done, or failed */
    bool machine_ended; /* no time passes any more */
};

/* --- parsing --- */

static bool parse_line(const char *text, size_t size, struct script_program *program,
                       unsigned number, struct error *err)
{
    struct script_line line = {.number = number};
    struct error reason;
    if (!command_parse_line(machine_commands(), text, size, true, &line.call, &reason))
        return error_set(err, "%s:%u: %s", program->name, number, reason.text);
    if (!line.call.command)
        return true;
    program->lines = mem_resize(program->lines, (program->count + 1) * sizeof *program->lines);
    program->lines[program->count++] = line;
    program->passes_time |= (line.call.command->flags & COMMAND_WAITS) != 0;
    return true;
}

bool script_parse_program(const char *text, size_t size, const char *name,
                          struct script_program *program, struct error *err)
{
    *program = (struct script_program){.name = mem_string_copy(name)};
    size_t at = 0;
    for (unsigned number = 1; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (text + at)) : size - at;
        if (!parse_line(text + at, length, program, number, err)) {
            script_free_program(program);
            return false;
        }
        at += length + 1;
    }
    return true;
}

void script_free_program(struct script_program *program)
{
    for (unsigned i = 0; i < program->count; i++)
        command_call_free(&program->lines[i].call);
    mem_free(program->lines);
    mem_free(program->name);
}

struct script *script_parse(const char *text, size_t size, const char *name, struct error *err)
{
    struct script *script = mem_new(sizeof *script);
    if (script_parse_program(text, size, name, &script->program, err))
        return script;
    mem_free(script);
    return NULL;
}

void script_free(struct script *script)
{
    if (!script)
        return;
    if (script->started)
        job_end(&script->job);
    script_free_program(&script->program);
    mem_free(script);
}

/* --- running --- */

uint64_t script_due_time(const struct script *script)
{
    return !script || script->finished ? CLOCK_NEVER : script->due_ns;
}

static void print_result(const struct job *job)
{
    size_t size;
    if (!job->result)
        return;
    char *text = command_result_text(job->call.command, job->result, &size);
    fwrite(text, 1, size, stdout);
    fflush(stdout);
    mem_free(text);
}

/* The arguments move from the line to the job, which frees them. */
static void start(struct script *script, struct machine *machine)
{
    struct script_line *line = &script->program.lines[script->next];
    script->job =
        (struct job){.call = line->call, .is_script = true, .start_ns = machine_time(machine)};
    line->call = (struct command_call){0};
    script->started = true;
}

static void end(struct script *script, enum command_outcome outcome)
{
    struct job *job = &script->job;
    if (outcome == COMMAND_FAILED)
        fprintf(stderr, "anachron: error: %s:%u: %s\n", script->program.name,
                script->program.lines[script->next].number, job->error.text);
    else
        print_result(job);
    script->status = job->status;
    script->quit = job->quits;
    script->finished = outcome == COMMAND_FAILED || job->quits;
    script->started = false;
    script->next++;
    job_end(job);
}

/* Carries out commands until one wants to wait, or all are done. Every command that goes through
 * the gate is delivered before the next one looks at the machine. */
static void run_commands(struct script *script, struct machine *machine)
{
    while (!script->finished) {
        if (script->next == script->program.count) {
            script->finished = true;
            return;
        }
        if (!script->started)
            start(script, machine);
        script->job.machine_ended = script->machine_ended;
        enum command_outcome outcome = job_step(&script->job, machine);
        script->due_ns = script->job.due_ns;
        if (outcome == COMMAND_AGAIN && !script->machine_ended)
            return;
        if (outcome == COMMAND_AGAIN)
            continue;
        end(script, outcome);
        if (machine->reset_requested && !script->machine_ended) {
            script->due_ns = machine_time(machine);
            return; /* the reset comes before the next command */
        }
    }
}

void script_wake(struct script *script, const struct machine *machine)
{
    script->due_ns = machine_time(machine);
}

void script_step(struct script *script, struct machine *machine)
{
    run_commands(script, machine);
    if (!script->finished)
        return;
    /* A script in which no time passes only prepares the machine, which then runs on. */
    if (script->quit || script->status || script->program.passes_time)
        machine_request_stop(machine, STOP_SCRIPT, script->status);
}

int script_finish(struct script *script, struct machine *machine)
{
    script->machine_ended = true;
    run_commands(script, machine);
    return script->status;
}
