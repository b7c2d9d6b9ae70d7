/* `anachron run`: opens what the options name, builds the machine, runs it, closes everything. */
#include "base/memory.h"

#include "commands.h"
#include "firmware.h"
#include "host/characters.h"
#include "host/control_server.h"
#include "host/file.h"
#include "host/image.h"
#include "host/signals.h"
#include "host/socket.h"
#include "host/terminal.h"
#include "machine/script.h"
#include "machine/trace.h"
#include "run_machine.h"
#include "run_options.h"
#include "ui/picture.h"
#include "ui/term.h"
#include "ui/vnc.h"
#include "ui/window.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 1 << 30,
    BIOS_LIMIT = 16 << 20,
    SCRIPT_LIMIT = 16 << 20,
    PASSWORD_LIMIT = 4096,
    MAX_BLOBS = MACHINE_MODULES + 6,
    MAX_LONE_IMAGES = MACHINE_FLOPPIES + MACHINE_DISKS,
};

/* 2026-01-01T00:00:00, so that a run without a date is always the same run. */
#define DEFAULT_DATE INT64_C(1767225600)

struct run {
    struct run_options options;
    struct machine_config config;
    struct machine *machine;
    _Atomic(struct machine *) stoppable; /* for other threads; NULL while there is none */
    uint8_t *blob[MAX_BLOBS];
    unsigned blob_count;
    char *lone_image[MAX_LONE_IMAGES]; /* specifications of run_open */
    unsigned lone_image_count;
    char *module_path[MACHINE_MODULES];
    struct characters *serial[MACHINE_SERIALS], *debug_console, *printer, *post;
    struct terminal *terminal;
    struct term *term;
    struct vnc *vnc;
    struct window_config window_config;
    struct window *window;
    struct signals *signals;
    struct control_server *server;
    int status;
};

/* --- files --- */

static bool read_blob(struct run *run, const char *path, const char *purpose, size_t limit,
                      struct blob *blob, struct error *err)
{
    if (!path)
        return true;
    if (!file_read(path, purpose, limit, &blob->bytes, &blob->size, err))
        return false;
    const char *slash = strrchr(path, '/');
    blob->name = slash ? slash + 1 : path;
    run->blob[run->blob_count++] = blob->bytes;
    return true;
}

static bool read_modules(struct run *run, struct error *err)
{
    for (unsigned i = 0; i < run->options.module_count; i++) {
        const char *line = run->options.module[i];
        struct multiboot_module *module = &run->config.module[i];
        char *path = run->module_path[i] = mem_string_copy(line);
        path[strcspn(path, " ")] = 0;
        module->command_line = line;
        if (!read_blob(run, path, "a multiboot module", FILE_LIMIT, &module->file, err))
            return false;
        run->config.module_count++;
    }
    return true;
}

static bool read_files(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    config->firmware =
        (struct blob){(uint8_t *)firmware_image, firmware_image_size, "the built-in firmware"};
    config->firmware_is_guest = options->bios != NULL;
    return read_blob(run, options->bios, "a firmware image", BIOS_LIMIT, &config->firmware, err) &&
           read_blob(run, options->vga_bios, "a VGA BIOS", BIOS_LIMIT, &config->vga_rom, err) &&
           read_blob(run, options->kernel, "a Linux kernel", FILE_LIMIT, &config->kernel, err) &&
           read_blob(run, options->initrd, "an initrd", FILE_LIMIT, &config->initrd, err) &&
           read_blob(run, options->multiboot, "a multiboot kernel", FILE_LIMIT, &config->multiboot,
                     err) &&
           read_modules(run, err);
}

static bool read_script(struct run *run, struct error *err)
{
    if (!run->options.script)
        return true;
    uint8_t *text;
    size_t size;
    if (!file_read(run->options.script, "a script", SCRIPT_LIMIT, &text, &size, err))
        return false;
    run->config.script = script_parse((const char *)text, size, run->options.script, err);
    mem_free(text);
    return run->config.script != NULL;
}

/* --- images --- */

static bool open_drive(struct drive_config *drive, const char *specification, enum image_kind kind,
                       struct error *err)
{
    drive->present = true;
    drive->is_cdrom = kind == IMAGE_CDROM;
    if (specification)
        drive->disk = image_open(specification, kind, err);
    return !specification || drive->disk;
}

/* A CD-ROM drive is where people expect one: master of the second channel, and there even without a
 * disc when nothing else wants the place. */
static bool open_images(struct run *run, struct error *err)
{
    static const unsigned cdrom_order[MACHINE_DISKS] = {2, 3, 1, 0};
    const struct run_options *options = &run->options;
    struct machine_config *config = &run->config;
    for (unsigned i = 0; i < options->floppy_count; i++) {
        if (!open_drive(&config->floppy[i], options->floppy[i], IMAGE_FLOPPY, err))
            return false;
    }
    config->floppy[0].present = true;
    for (unsigned i = 0; i < options->cdrom_count; i++) {
        if (!open_drive(&config->drive[cdrom_order[i]], options->cdrom[i], IMAGE_CDROM, err))
            return false;
    }
    for (unsigned i = 0, place = 0; i < options->disk_count; i++, place++) {
        while (config->drive[place].present)
            place++;
        if (!open_drive(&config->drive[place], options->disk[i], IMAGE_DISK, err))
            return false;
    }
    if (!config->drive[2].present)
        return open_drive(&config->drive[2], NULL, IMAGE_CDROM, err);
    return true;
}

static bool close_images(struct run *run, struct error *err)
{
    bool ok = true;
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
        ok = image_close(run->config.floppy[i].disk, ok ? err : NULL) && ok;
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        ok = image_close(run->config.drive[i].disk, ok ? err : NULL) && ok;
    return ok;
}

/* --- what the machine asks of the outside --- */

static struct disk_backend *outside_open_image(void *opaque, const char *specification,
                                               bool is_cdrom, struct error *err)
{
    return image_open(specification, is_cdrom ? IMAGE_CDROM : IMAGE_FLOPPY, err);
}

static bool outside_save_picture(void *opaque, const struct frame *frame, const char *path,
                                 struct error *err)
{
    return picture_save(frame, path, err);
}

/* An image that was there from the beginning has been taken out. What the end of the run would
 * report is reported now. */
static void outside_release_image(void *opaque, struct disk_backend *disk)
{
    struct run *run = opaque;
    struct error err;
    if (!image_close(disk, &err))
        fprintf(stderr, "anachron: error: %s\n", err.text);
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++) {
        if (run->config.floppy[i].disk == disk)
            run->config.floppy[i].disk = NULL;
    }
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        if (run->config.drive[i].disk == disk)
            run->config.drive[i].disk = NULL;
    }
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

/* --- characters and display --- */

static bool open_characters(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    for (unsigned i = 0; i < options->serial_count; i++) {
        run->serial[i] = characters_open(options->serial[i], "--serial", err);
        if (!run->serial[i])
            return false;
        run->config.serial[i] = characters_backend(run->serial[i]);
        run->config.interactive |= characters_interactive(run->serial[i]);
    }
    if (options->debug_console) {
        run->debug_console = characters_open(options->debug_console, "--debugcon", err);
        if (!run->debug_console)
            return false;
        run->config.debug_console = characters_backend(run->debug_console);
    }
    if (options->post) {
        run->post = characters_open(options->post, "--post", err);
        if (!run->post)
            return false;
        run->config.post = characters_backend(run->post);
    }
    if (options->printer) {
        run->printer = characters_open(options->printer, "--printer", err);
        if (!run->printer)
            return false;
        run->config.printer = characters_backend(run->printer);
    }
    return true;
}

static bool wants_term(const struct run_options *options)
{
    if (options->display != DISPLAY_DEFAULT)
        return options->display == DISPLAY_TERM;
    for (unsigned i = 0; i < options->serial_count; i++) {
        if (strcmp(options->serial[i], "stdio") == 0)
            return false;
    }
    return !options->script && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* A window where there is a screen. When it is not asked for and cannot be had, there is another
 * way; that is said, because it was expected. */
static bool open_window(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    bool is_default = options->display == DISPLAY_DEFAULT;
    if (is_default ? options->script || !window_is_likely() : options->display != DISPLAY_SDL)
        return true;
    run->window_config = (struct window_config){
        .scale = options->scale,
        .fullscreen = options->fullscreen,
        .floppy = options->floppy_count ? options->floppy[0] : NULL,
        .cdrom = options->cdrom_count ? options->cdrom[0] : NULL,
    };
    run->window = window_open(&run->window_config, err);
    run->config.interactive |= run->window != NULL;
    if (!run->window && is_default)
        fprintf(stderr, "anachron: warning: %s\n", err->text);
    return run->window || is_default;
}

/* The first line of the password file; NULL: err says why not. The caller frees. */
static char *read_password(const char *path, struct error *err)
{
    uint8_t *bytes;
    size_t size;
    if (!file_read(path, "a file with a password", PASSWORD_LIMIT, &bytes, &size, err))
        return NULL;
    char *password = (char *)bytes;
    password[strcspn(password, "\r\n")] = 0;
    if (*password)
        return password;
    error_set(err, "--vnc-password %s: its first line is empty; write the password there", path);
    mem_free(password);
    return NULL;
}

static bool open_vnc(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    if (options->display != DISPLAY_VNC)
        return true;
    char *password = NULL;
    if (options->vnc_password && !(password = read_password(options->vnc_password, err)))
        return false;
    bool connects;
    int listener = socket_open(options->vnc_address, "--display vnc", &connects, err);
    if (listener >= 0)
        run->vnc = vnc_open(listener, password, err);
    if (run->vnc && !password && options->vnc_address[0] != ':')
        fprintf(stderr,
                "anachron: warning: --display vnc at %s without --vnc-password: whoever "
                "reaches that port can use the machine\n",
                options->vnc_address);
    mem_free(password);
    run->config.interactive = true;
    return run->vnc != NULL;
}

static bool open_display(struct run *run, struct error *err)
{
    if (!open_window(run, err) || !open_vnc(run, err))
        return false;
    if (run->window || run->vnc || !wants_term(&run->options))
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(err, "--display term wants a terminal; use --display none");
    run->terminal = terminal_open(TERM_FAREWELL, err);
    if (!run->terminal)
        return false;
    run->term = term_open();
    run->config.interactive = true;
    return true;
}

/* --- the run --- */

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
        .stop_on = options->stop_on,
        .reset_on_triple_fault = options->reset_on_triple_fault,
        .vmware_mouse = options->vmware_mouse,
        .verbose = options->verbose,
        .measure = options->stats,
        .controlled = options->control != NULL,
        .outside = {.opaque = run,
                    .open_image = outside_open_image,
                    .release_image = outside_release_image,
                    .save_picture = outside_save_picture},
    };
    memcpy(config->boot_order, options->boot, sizeof config->boot_order);
    if (!read_script(run, err) || !read_files(run, err) || !open_images(run, err))
        return false;
    if (options->trace && !(config->trace = trace_open(options->trace, err)))
        return false;
    if (options->perf_map && !(config->perf_map = trace_open_perf_map(err)))
        return false;
    if (options->control && !(run->server = control_server_open(options->control, err)))
        return false;
    return open_characters(run, err);
}

/* A machine that is used while it runs keeps to real time; one that a program drives does not wait.
 */
static void choose_clock(struct run *run)
{
    const struct run_options *options = &run->options;
    run->config.paced = options->paced >= 0 ? options->paced
                                            : (run->config.interactive || run->config.controlled) &&
                                                  !options->script;
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
    if (!open_display(run, err))
        return false;
    choose_clock(run);
    run->machine = machine_new(&run->config, err);
    if (!run->machine)
        return false;
    atomic_store(&run->stoppable, run->machine);
    struct gate *gate = machine_gate(run->machine);
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        characters_start(run->serial[i], gate, i, quit, run);
    if (run->server && !control_server_start(run->server, machine_control(run->machine),
                                             machine_screen(run->machine), err))
        return false;
    if (run->term)
        term_start_keys(run->term, gate, quit, run);
    if (!run_and_show(run, err))
        return false;
    *status = run->status;
    return save_last_screen(run, err);
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
    window_close(run->window);
    vnc_close(run->vnc);
    term_close(run->term);
    terminal_close(run->terminal);
    atomic_store(&run->stoppable, NULL);
    signals_stop(run->signals);
}

static void release(struct run *run)
{
    machine_free(run->machine);
    script_free(run->config.script);
    for (unsigned i = 0; i < run->blob_count; i++)
        mem_free(run->blob[i]);
    for (unsigned i = 0; i < MACHINE_MODULES; i++)
        mem_free(run->module_path[i]);
    for (unsigned i = 0; i < run->lone_image_count; i++)
        mem_free(run->lone_image[i]);
}

static int complain(const struct error *err, int status)
{
    fprintf(stderr, "anachron: error: %s\n", err->text);
    return status;
}

int command_run(int argc, char **argv)
{
    struct run *run = mem_new(sizeof *run);
    struct error err = {""};
    int status = EXIT_STATUS_HOST_ERROR;
    if (!run_options_parse(argc, argv, &run->options, &err)) {
        mem_free(run);
        return complain(&err, EXIT_STATUS_USAGE);
    }
    if (run->options.help) {
        run_options_help(stdout);
        mem_free(run);
        return EXIT_STATUS_OK;
    }
    bool ok = configure(run, &err) && execute(run, &status, &err);
    leave(run);
    if (!ok)
        status = complain(&err, EXIT_STATUS_HOST_ERROR);
    if (run->machine && run->options.stats)
        machine_print_stats(run->machine, stderr);
    if (!trace_close(run->config.trace, &err) || !trace_close(run->config.perf_map, &err) ||
        !close_images(run, &err))
        status = complain(&err, EXIT_STATUS_HOST_ERROR);
    release(run);
    mem_free(run);
    return status;
}

/* --- a machine alone: run_machine.h --- */

/* Nothing is written to the image. */
static void keep_image(struct run *run, const char **specification)
{
    if (strstr(*specification, ",readonly") || strstr(*specification, ",snapshot"))
        return;
    size_t size = strlen(*specification) + sizeof ",snapshot";
    char *text = run->lone_image[run->lone_image_count++] = mem_new(size);
    snprintf(text, size, "%s,snapshot", *specification);
    *specification = text;
}

static void send_nowhere(const char **where)
{
    if (*where && strcmp(*where, "none") != 0)
        *where = "file:/dev/null";
}

static void make_lone(struct run *run)
{
    struct run_options *options = &run->options;
    for (unsigned i = 0; i < options->floppy_count; i++)
        keep_image(run, &options->floppy[i]);
    for (unsigned i = 0; i < options->disk_count; i++)
        keep_image(run, &options->disk[i]);
    for (unsigned i = 0; i < options->serial_count; i++)
        send_nowhere(&options->serial[i]);
    send_nowhere(&options->debug_console);
    send_nowhere(&options->printer);
    send_nowhere(&options->post);
    options->display = DISPLAY_NONE;
    options->paced = 0;
    options->control = options->trace = NULL;
    options->perf_map = false;
}

struct run *run_open(int argc, char **argv, enum engine engine, int *status, struct error *err)
{
    struct run *run = mem_new(sizeof *run);
    *status = EXIT_STATUS_USAGE;
    if (!run_options_parse(argc, argv, &run->options, err)) {
        mem_free(run);
        return NULL;
    }
    *status = EXIT_STATUS_HOST_ERROR;
    make_lone(run);
    run->options.engine = engine;
    bool ok = configure(run, err);
    choose_clock(run);
    run->machine = ok ? machine_new(&run->config, err) : NULL;
    if (run->machine)
        return run;
    run_close(run);
    return NULL;
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
    close_images(run, &err);
    release(run);
    mem_free(run);
}
