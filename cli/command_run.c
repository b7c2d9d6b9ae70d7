/* `anachron run`: opens what the options name, builds the machine, runs it, closes everything. */
#include "base/memory.h"

#include "cli/commands.h"
#include "cli/run_machine.h"
#include "cli/run_private.h"
#include "host/image.h"
#include "host/image_identity.h"
#include "machine/script.h"
#include "machine/trace.h"
#include "ui/picture.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 2026-01-01T00:00:00, so that a run without a date is always the same run. */
#define DEFAULT_DATE INT64_C(1767225600)

/* --- what the machine asks of the outside --- */

static bool outside_save_picture(void *opaque, const struct frame *frame, const char *path,
                                 struct error *err)
{
    return picture_save(frame, path, err);
}

static bool outside_identify(void *opaque, const char *path, struct disk_identity *identity,
                             struct error *err)
{
    return image_identify(path, identity, err);
}

/* An image that was there from the beginning has been taken out. What the end of the run would
 * report is reported now. */
static void outside_release_image(void *opaque, struct disk_backend *disk)
{
    struct run *run = opaque;
    struct error err;
    if (!image_close(disk, &err))
        fprintf(stderr, "anachron: error: %s\n", err.text);
    run_forget_image(run, disk);
    run->log.has_released = true;
}

static void quit(void *opaque)
{
    struct run *run = opaque;
    struct machine *machine = atomic_load(&run->stoppable);
    if (machine)
        machine_stop(machine, EXIT_STATUS_OK);
}

static void on_signal(void *opaque, int number)
{
    struct run *run = opaque;
    struct machine *machine = atomic_load(&run->stoppable);
    if (!machine)
        _exit(128 + number);
    machine_stop(machine, 128 + number);
}

/* --- the run --- */

static bool open_gdb(struct run *run, struct error *err)
{
    struct gdb_address address;
    if (!gdb_address_parse(run->options.gdb, &address, err))
        return false;
    run->config.waits_for_debugger = address.wait;
    run->gdb = gdb_server_open(&address, err);
    return run->gdb != NULL;
}

static bool configure(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    *config = (struct machine_config){
        .model = options->model,
        .engine = options->engine,
        .translator = options->translator,
        .ram_size = options->ram_size,
        .command_line = options->append,
        .ps_per_insn = options->ps_per_insn,
        .stop_after = options->stop_after,
        .history = {.limit_bytes = options->history_bytes   },
        .stop_on = options->stop_on,
        .reset_on_triple_fault = options->reset_on_triple_fault,
        .vmware_mouse = options->vmware_mouse,
        .has_connected = options->has_connected,
        .printer_connected = options->printer_connected,
        .verbose = options->verbose,
        .measure = options->stats,
        .controlled = options->control != NULL,
        .debugged = options->gdb != NULL,
        .outside = { .opaque = run,
                    .open_image = run_log_open_medium,
                    .rest_files = run_rest_files,
                    .release_image = outside_release_image,
                    .save_picture = outside_save_picture,
                    .identify = outside_identify,
                    .record = run_log_begin,
                    .branch = run_log_branch,
                    .settle_copy = run_settle_copy,
                    .show_copy = run_show_copy,
                    .end_copy = run_end_copy,
                    .keep = run->kept ? run_kept_keep : NULL,
                    .fork = run->kept ? run_kept_fork : NULL},
    };
    memcpy(config->boot_order, options->boot, sizeof config->boot_order);
    memcpy(config->serial_connected, options->connected, sizeof config->serial_connected);
    if (!run_load_open(run, err) || !run_read_files(run, err) || !run_load_configure(run, err) ||
        !run_open_images(run, err))
        return false;
    if (options->trace && !(config->trace = trace_open(options->trace, err)))
        return false;
    if (options->perf_map && !(config->perf_map = trace_open_perf_map(err)))
        return false;
    if (options->control && !(run->server = control_server_open(options->control, err)))
        return false;
    if (options->gdb && !open_gdb(run, err))
        return false;
    return run_open_characters(run, err);
}

/* A machine that is used while it runs keeps to real time; one that a program drives does not wait.
 */
static void choose_clock(struct run *run)
{
    const struct run_options *options = &run->options;
    run->config.paced = options->paced >= 0 ? options->paced
                                            : (run->config.interactive || run->config.controlled) &&
                                                  !options->script;
    if (run->saved)
        return;
    run->config.start_time = DEFAULT_DATE;
    run->config.start_time_is_host =
        options->date_is_host || (!options->has_date && run->config.paced);
    if (run->config.start_time_is_host)
        run->config.start_time = (int64_t)time(NULL);
    else if (options->has_date)
        run->config.start_time = options->date;
}

static bool save_last_screen(struct run *run, struct error *err)
{
    if (!run->options.screenshot)
        return true;
    struct frame frame = {0};
    machine_render(run->machine, &frame);
    bool ok = picture_save(&frame, run->options.screenshot, err);
    frame_free(&frame);
    return ok;
}

void run_protect_image(struct run *run, const char **specification)
{
    if (strstr(*specification, ",readonly") || strstr(*specification, ",snapshot"))
        return;
    size_t size = strlen(*specification) + sizeof ",snapshot";
    char *text = run->protected_image[run->protected_image_count++] = mem_new(size);
    snprintf(text, size, "%s,snapshot", *specification);
    *specification = text;
}

static void *run_machine(void *argument)
{
    struct run *run = argument;
    run->status = machine_run(run->machine);
    return NULL;
}

/* The machine runs in a thread of its own; this one, which a window system may insist on, shows it
 * for as long as it runs. */
static bool run_and_show(struct run *run, struct error *err)
{
    pthread_t thread;
    int reason = pthread_create(&thread, NULL, run_machine, run);
    if (reason) {
        errno = reason;
        return error_set_errno(err, "cannot start the machine's thread");
    }
    struct machine *machine = run->machine;
    if (run->window)
        window_show(run->window, machine_gate(machine), machine_control(machine),
                    machine_screen(machine), quit, run);
    else if (run->vnc)
        vnc_show(run->vnc, machine_gate(machine), machine_control(machine),
                 machine_screen(machine));
    else if (run->term)
        term_show(run->term, machine_screen(machine));
    pthread_join(thread, NULL);
    return true;
}

static bool execute(struct run *run, int *status, struct error *err)
{
    run->signals = signals_start(on_signal, run);
    if (!run_open_display(run, err))
        return false;
    choose_clock(run);
    if (!run_log_prepare(run, err))
        return false;
    run->machine = machine_new(&run->config, err);
    if (!run->machine)
        return false;
    if (!run_load_state(run, err))
        return false;
    if (!run_log_start(run, err))
        return false;
    atomic_store(&run->stoppable, run->machine);
    struct gate *gate = machine_gate(run->machine);
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        characters_start(run->serial[i], gate, i, quit, run);
    if (run->gdb && !gdb_server_start(run->gdb, machine_debugger(run->machine), err))
        return false;
    if (run->server && !control_server_start(run->server, machine_control(run->machine),
                                             machine_screen(run->machine), err))
        return false;
    if (run->term)
        term_start_keys(run->term, gate, quit, run);
    if (run->kept && !run->kept->ready(run->kept->opaque, err))
        return false;
    if (!run_and_show(run, err))
        return false;
    *status = run->status;
    return run_kept_end(run, err) && save_last_screen(run, err);
}

/* Threads first, then the terminal, so that what comes after can be read. */
static void leave(struct run *run)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        characters_close(run->serial[i]);
    characters_close(run->debug_console);
    characters_close(run->post);
    characters_close(run->printer);
    control_server_close(run->server);
    gdb_server_close(run->gdb);
    window_close(run->window);
    vnc_close(run->vnc);
    term_close(run->term);
    terminal_close(run->terminal);
    atomic_store(&run->stoppable, NULL);
    signals_stop(run->signals);
}

static void release(struct run *run)
{
    saved_close(run->saved);
    run_log_free(run);
    script_free(run->config.script);
    run_free_files(run);
    for (unsigned i = 0; i < MACHINE_MODULES; i++)
        mem_free(run->module_path[i]);
    for (unsigned i = 0; i < run->protected_image_count; i++)
        mem_free(run->protected_image[i]);
}

static int complain(const struct error *err, int status)
{
    fprintf(stderr, "anachron: error: %s\n", err->text);
    return status;
}

/* The machine gives back media that it has kept for its past before images are closed. */
static void end_machine(struct run *run)
{
    machine_free(run->machine);
    run->machine = NULL;
}

static bool close_all(struct run *run, struct error *err)
{
    end_machine(run);
    bool ok = trace_close(run->config.trace, err);
    ok = trace_close(run->config.perf_map, ok ? err : NULL) && ok;
    ok = run_log_close(run, ok ? err : NULL) && ok;
    return run_close_images(run, ok ? err : NULL) && ok;
}

int run_to_the_end(struct run *run)
{
    struct error err = {""};
    int status = EXIT_STATUS_HOST_ERROR;
    bool ok = configure(run, &err) && execute(run, &status, &err);
    leave(run);
    if (!ok)
        status = complain(&err, EXIT_STATUS_HOST_ERROR);
    if (ok && run->log.path)
        run_log_report(run);
    if (run->machine && run->options.stats)
        machine_print_stats(run->machine, stderr);
    if (!close_all(run, &err))
        status = complain(&err, EXIT_STATUS_HOST_ERROR);
    release(run);
    mem_free(run);
    return status;
}

int command_run(int argc, char **argv)
{
    struct run *run = mem_new(sizeof *run);
    struct error err = {""};
    if (!run_options_parse(argc, argv, &run->options, &err)) {
        mem_free(run);
        return complain(&err, EXIT_STATUS_USAGE);
    }
    if (run->options.help) {
        run_options_help(stdout);
        mem_free(run);
        return EXIT_STATUS_OK;
    }
    return run_to_the_end(run);
}

/* --- a machine alone: run_machine.h --- */

static void send_nowhere(const char **where)
{
    if (*where && strcmp(*where, "none") != 0)
        *where = "file:/dev/null";
}

static void make_lone(struct run *run)
{
    struct run_options *options = &run->options;
    run->protects_images = true;
    for (unsigned i = 0; i < options->floppy_count; i++)
        run_protect_image(run, &options->floppy[i]);
    for (unsigned i = 0; i < options->disk_count; i++)
        run_protect_image(run, &options->disk[i]);
    for (unsigned i = 0; i < options->serial_count; i++)
        send_nowhere(&options->serial[i]);
    send_nowhere(&options->debug_console);
    send_nowhere(&options->printer);
    send_nowhere(&options->post);
    options->display = DISPLAY_NONE;
    options->paced = 0;
    options->control = options->gdb = options->trace = options->record = NULL;
    options->perf_map = false;
}

struct run *run_open_log(const char *log, bool checks_marks, int argc, char **argv,
                         enum engine engine, int *status, struct error *err)
{
    struct run *run = mem_new(sizeof *run);
    *status = EXIT_STATUS_USAGE;
    if (!run_options_parse(argc, argv, &run->options, err)) {
        mem_free(run);
        return NULL;
    }
    *status = EXIT_STATUS_HOST_ERROR;
    run->log.play = (struct machine_play){.to = UINT64_MAX, .ignores_marks = !checks_marks};
    bool ok = !log || run_log_read(run, log, err);
    make_lone(run);
    run->options.engine = engine;
    ok = ok && configure(run, err);
    choose_clock(run);
    ok = ok && run_log_prepare(run, err);
    run->machine = ok ? machine_new(&run->config, err) : NULL;
    if (run->machine && run_load_state(run, err) && run_log_start(run, err))
        return run;
    run_close(run);
    return NULL;
}

struct run *run_open(int argc, char **argv, enum engine engine, int *status, struct error *err)
{
    return run_open_log(NULL, false, argc, argv, engine, status, err);
}

bool run_unshare(struct run *run, struct error *err)
{
    bool ok = true;
    for (unsigned i = 0; i < MACHINE_FLOPPIES && ok; i++)
        ok = image_unshare(run->config.floppy[i].disk, err);
    for (unsigned i = 0; i < MACHINE_DISKS && ok; i++)
        ok = image_unshare(run->config.drive[i].disk, err);
    return ok;
}

struct machine *run_machine_of(struct run *run)
{
    return run->machine;
}

void run_close(struct run *run)
{
    struct error err;
    if (!run)
        return;
    leave(run);
    end_machine(run);
    run_close_images(run, &err);
    release(run);
    mem_free(run);
}
