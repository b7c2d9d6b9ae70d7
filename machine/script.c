#include "machine/script.h"

#include "base/memory.h"
#include "base/time128.h"
#include "devices/ps2_keyboard.h"
#include "devices/uart16550.h"
#include "machine/capture.h"
#include "machine/inspect.h"
#include "machine/internal.h"
#include "machine/script_private.h"

#include <string.h>

/* How often a wait looks, and how long a typist takes between two key events. */
#define FIRST_LOOK_NS (1 * NS_PER_MILLISECOND)
#define LOOK_NS       (10 * NS_PER_MILLISECOND)
#define KEY_NS        (10 * NS_PER_MILLISECOND)
#define CLICK_NS      (50 * NS_PER_MILLISECOND)
/* A keyboard that nobody reads for so long loses what is typed, as a real one does. */
#define KEYBOARD_PATIENCE_NS (10 * NS_PER_SECOND)
/* A serial line's input queue is filled up to here; the rest waits until the guest has read. */
enum { SERIAL_ROOM_WANTED = 4096 };

struct script {
    struct script_program program;
    struct capture serial[MACHINE_SERIALS], debug_console;
    unsigned next; /* index of the current command */
    bool started;  /* the current command has begun, at start_ns */
    uint64_t start_ns;
    uint64_t due_ns;
    uint64_t key_wait_ns;
    size_t progress; /* of a command that takes several steps */
    int status;
    bool finished;      /* all done, or failed */
    bool machine_ended; /* no time passes any more */
};

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
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        capture_end(&script->serial[i]);
    capture_end(&script->debug_console);
    script_free_program(&script->program);
    mem_free(script);
}

void script_capture(struct script *script, struct machine *machine)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        capture_start(&script->serial[i], machine->config.serial[i]);
        machine->config.serial[i] = &script->serial[i].chars;
    }
    capture_start(&script->debug_console, machine->config.debug_console);
    machine->config.debug_console = &script->debug_console.chars;
}

uint64_t script_due_time(const struct script *script)
{
    return !script || script->finished ? CLOCK_NEVER : script->due_ns;
}

/* What a command did: it is done, or wants to be called again at due_ns, or it failed (status is
 * set). */
enum outcome { DONE, AGAIN, FAILED };

typedef enum outcome command_function(struct script *script, struct machine *machine,
                                      const struct script_line *line);

static enum outcome again_in(struct script *script, struct machine *machine, uint64_t ns)
{
    script->due_ns = machine_time(machine) + ns;
    return AGAIN;
}

static enum outcome fail(struct script *script, const struct script_line *line, int status,
                         const char *reason)
{
    fprintf(stderr, "anachron: error: %s:%u: %s\n", script->program.name, line->line, reason);
    script->status = status;
    return FAILED;
}

/* --- waiting --- */

static bool is_met(struct script *script, struct machine *machine, const struct script_line *line)
{
    switch (line->command) {
    case SCRIPT_WAIT_SCREEN:
        return inspect_screen_contains(machine, line->text);
    case SCRIPT_WAIT_SERIAL:
        return capture_find(&script->serial[line->number[0]], line->text, line->text_size);
    case SCRIPT_WAIT_DEBUGCON:
        return capture_find(&script->debug_console, line->text, line->text_size);
    default:
        return machine->cpu->activity != CPU_RUNNING && !(machine->cpu->eflags & FLAG_IF);
    }
}

static enum outcome run_wait(struct script *script, struct machine *machine,
                             const struct script_line *line)
{
    static const char *const names[] = {
        [SCRIPT_WAIT_SCREEN] = "wait screen",
        [SCRIPT_WAIT_SERIAL] = "wait serial",
        [SCRIPT_WAIT_DEBUGCON] = "wait debugcon",
        [SCRIPT_WAIT_HALT] = "wait halt",
    };
    if (is_met(script, machine, line))
        return DONE;
    uint64_t waited = machine_time(machine) - script->start_ns;
    if (waited < line->duration && !script->machine_ended) {
        uint64_t look = waited < LOOK_NS * 10 ? FIRST_LOOK_NS : LOOK_NS;
        uint64_t left = line->duration - waited;
        return again_in(script, machine, left < look ? left : look);
    }
    char reason[256];
    snprintf(reason, sizeof reason, "%s%s%.150s%s: %s after %.3f s of virtual time",
             names[line->command], line->text ? " \"" : "", line->text ? line->text : "",
             line->text ? "\"" : "",
             script->machine_ended ? "the machine stopped before that," : "timed out",
             (double)waited / (double)NS_PER_SECOND);
    if (line->command == SCRIPT_WAIT_SCREEN) {
        fprintf(stderr, "--- the screen ---\n");
        inspect_print_screen(machine, stderr);
        fprintf(stderr, "---\n");
    }
    return fail(script, line, EXIT_STATUS_TIMEOUT, reason);
}

static enum outcome run_sleep(struct script *script, struct machine *machine,
                              const struct script_line *line)
{
    uint64_t slept = machine_time(machine) - script->start_ns;
    if (slept >= line->duration || script->machine_ended)
        return DONE;
    return again_in(script, machine, line->duration - slept);
}

/* --- input --- */

static enum outcome run_type(struct script *script, struct machine *machine,
                             const struct script_line *line)
{
    if (script->progress == line->key_count || script->machine_ended)
        return DONE;
    if (ps2_keyboard_room(machine->keyboard) == 0 && script->key_wait_ns < KEYBOARD_PATIENCE_NS) {
        script->key_wait_ns += KEY_NS;
        return again_in(script, machine, KEY_NS);
    }
    script->key_wait_ns = 0;
    const struct script_key *key = &line->keys[script->progress++];
    gate_key(machine->gate, key->code, key->down);
    return again_in(script, machine, KEY_NS);
}

static enum outcome run_serial(struct script *script, struct machine *machine,
                               const struct script_line *line)
{
    unsigned port = (unsigned)line->number[0];
    if (script->progress == line->text_size || script->machine_ended)
        return DONE;
    if (uart16550_room(machine->serial[port]) < SERIAL_ROOM_WANTED)
        return again_in(script, machine, LOOK_NS);
    size_t left = line->text_size - script->progress;
    size_t part = left < SERIAL_ROOM_WANTED / 2 ? left : SERIAL_ROOM_WANTED / 2;
    script->progress +=
        gate_serial(machine->gate, port, (const uint8_t *)line->text + script->progress, part);
    return script->progress == line->text_size ? DONE : again_in(script, machine, LOOK_NS);
}

static enum outcome run_mouse(struct script *script, struct machine *machine,
                              const struct script_line *line)
{
    if (script->progress++ == 0) {
        gate_mouse(machine->gate, line->mouse[0], line->mouse[1], line->mouse[2], line->buttons);
        return line->buttons ? again_in(script, machine, CLICK_NS) : DONE;
    }
    gate_mouse(machine->gate, 0, 0, 0, 0);
    return DONE;
}

static enum outcome run_button(struct script *script, struct machine *machine,
                               const struct script_line *line)
{
    struct gate_event event = {.kind = line->command == SCRIPT_POWER_BUTTON ? GATE_POWER_BUTTON
                                       : line->command == SCRIPT_RESET      ? GATE_RESET_BUTTON
                                                                            : GATE_NMI_BUTTON};
    gate_submit(machine->gate, &event);
    return DONE;
}

static enum outcome run_media(struct script *script, struct machine *machine,
                              const struct script_line *line)
{
    struct gate_event event = {.kind = GATE_MEDIA};
    event.u.media.drive = (uint8_t)line->number[0];
    const struct machine_outside *outside = &machine->config.outside;
    struct error err = {""};
    if (line->command == SCRIPT_INSERT) {
        if (outside->open_image)
            event.u.media.disk = outside->open_image(outside->opaque, line->text,
                                                     event.u.media.drive == GATE_CDROM, &err);
        if (!event.u.media.disk)
            return fail(script, line, EXIT_STATUS_HOST_ERROR, err.text);
    }
    gate_submit(machine->gate, &event);
    return DONE;
}

/* --- looking --- */

static enum outcome run_screenshot(struct script *script, struct machine *machine,
                                   const struct script_line *line)
{
    const struct machine_outside *outside = &machine->config.outside;
    struct frame frame = {0};
    struct error err = {"there is nobody to write pictures"};
    machine_render(machine, &frame);
    bool ok =
        outside->save_picture && outside->save_picture(outside->opaque, &frame, line->text, &err);
    frame_free(&frame);
    return ok ? DONE : fail(script, line, EXIT_STATUS_HOST_ERROR, err.text);
}

static enum outcome run_frame(struct script *script, struct machine *machine,
                              const struct script_line *line)
{
    struct frame frame = {0};
    machine_render(machine, &frame);
    printf("frame %ux%u %016llx\n", frame.width, frame.height,
           (unsigned long long)frame_hash(&frame));
    fflush(stdout);
    frame_free(&frame);
    return DONE;
}

static enum outcome run_print(struct script *script, struct machine *machine,
                              const struct script_line *line)
{
    if (line->command == SCRIPT_PRINT_TEXT)
        fwrite(line->text, 1, line->text_size, stdout);
    else
        inspect_print_screen(machine, stdout);
    fflush(stdout);
    return DONE;
}

static enum outcome run_state(struct script *script, struct machine *machine,
                              const struct script_line *line)
{
    printf("icount %llu state %016llx\n", (unsigned long long)machine_icount(machine),
           (unsigned long long)machine_state_hash(machine));
    fflush(stdout);
    return DONE;
}

static enum outcome run_dump(struct script *script, struct machine *machine,
                             const struct script_line *line)
{
    FILE *stream = fopen(line->text, "w");
    struct error err;
    if (stream) {
        machine_dump_state(machine, stream);
        if (fclose(stream) == 0)
            return DONE;
    }
    error_set_errno(&err, "%s: cannot write the state", line->text);
    return fail(script, line, EXIT_STATUS_HOST_ERROR, err.text);
}

static enum outcome run_regs(struct script *script, struct machine *machine,
                             const struct script_line *line)
{
    inspect_registers(machine, stdout);
    fflush(stdout);
    return DONE;
}

static enum outcome run_memory(struct script *script, struct machine *machine,
                               const struct script_line *line)
{
    FILE *stream = fopen(line->text, "wb");
    struct error err;
    uint8_t page[PAGE_SIZE];
    bool ok = stream != NULL;
    for (uint64_t done = 0; ok && done < line->number[1];) {
        uint64_t left = line->number[1] - done;
        size_t part = left < sizeof page ? (size_t)left : sizeof page;
        inspect_physical(machine, (uint32_t)(line->number[0] + done), page, part);
        ok = fwrite(page, 1, part, stream) == part;
        done += part;
    }
    if (stream && fclose(stream) == 0 && ok)
        return DONE;
    error_set_errno(&err, "%s: cannot write memory", line->text);
    return fail(script, line, EXIT_STATUS_HOST_ERROR, err.text);
}

static enum outcome run_poke(struct script *script, struct machine *machine,
                             const struct script_line *line)
{
    if (machine->entry != ENTRY_REACHED && !script->machine_ended) {
        script->due_ns = CLOCK_NEVER; /* until script_wake */
        return AGAIN;
    }
    if (cpu_poke(machine->cpu, line->text, &line->value))
        return DONE;
    char reason[128];
    snprintf(reason, sizeof reason,
             "poke: there is no register \"%.40s\", or it cannot hold that value", line->text);
    return fail(script, line, EXIT_STATUS_USAGE, reason);
}

static enum outcome run_quit(struct script *script, struct machine *machine,
                             const struct script_line *line)
{
    script->status = (int)line->number[0];
    return FAILED; /* nothing after it is done */
}

/* --- the engine --- */

static command_function *const commands[SCRIPT_COMMAND_COUNT] = {
    [SCRIPT_WAIT_SCREEN] = run_wait,    [SCRIPT_WAIT_SERIAL] = run_wait,
    [SCRIPT_WAIT_DEBUGCON] = run_wait,  [SCRIPT_WAIT_HALT] = run_wait,
    [SCRIPT_TYPE] = run_type,           [SCRIPT_KEY] = run_type,
    [SCRIPT_SERIAL] = run_serial,       [SCRIPT_MOUSE] = run_mouse,
    [SCRIPT_SLEEP] = run_sleep,         [SCRIPT_SCREENSHOT] = run_screenshot,
    [SCRIPT_FRAME] = run_frame,         [SCRIPT_PRINT_SCREEN] = run_print,
    [SCRIPT_PRINT_TEXT] = run_print,    [SCRIPT_STATE] = run_state,
    [SCRIPT_DUMP] = run_dump,           [SCRIPT_REGS] = run_regs,
    [SCRIPT_MEMORY] = run_memory,       [SCRIPT_POKE] = run_poke,
    [SCRIPT_INSERT] = run_media,        [SCRIPT_EJECT] = run_media,
    [SCRIPT_POWER_BUTTON] = run_button, [SCRIPT_RESET] = run_button,
    [SCRIPT_NMI] = run_button,          [SCRIPT_QUIT] = run_quit,
};

/* Carries out commands until one wants to wait, or all are done. Every command that goes through
 * the gate is delivered before the next one looks at the machine. */
static void run_commands(struct script *script, struct machine *machine)
{
    while (!script->finished) {
        if (script->next == script->program.count) {
            script->finished = true;
            return;
        }
        const struct script_line *line = &script->program.lines[script->next];
        if (!script->started) {
            script->started = true;
            script->start_ns = machine_time(machine);
            script->progress = 0;
        }
        enum outcome outcome = commands[line->command](script, machine, line);
        if (gate_pending(machine->gate))
            gate_deliver(machine->gate, machine_icount(machine));
        if (outcome == AGAIN)
            return;
        script->started = false;
        script->next++;
        script->finished = outcome == FAILED;
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
    bool was_quit = script->next && script->next <= script->program.count &&
                    script->program.lines[script->next - 1].command == SCRIPT_QUIT;
    /* A script in which no time passes only prepares the machine, which then runs on. */
    if (was_quit || script->status || script->program.passes_time)
        machine_request_stop(machine, STOP_SCRIPT, script->status);
}

int script_finish(struct script *script, struct machine *machine)
{
    script->machine_ended = true;
    run_commands(script, machine);
    return script->status;
}
