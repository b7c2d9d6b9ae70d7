/* `anachron run`: serial ports and screens. */
#include "base/memory.h"

#include "cli/run_private.h"
#include "host/file.h"
#include "host/socket.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PASSWORD_LIMIT = 4096 };

/* --- characters and display --- */

bool run_open_characters(struct run *run, struct error *err)
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
        .kept_name = run->kept ? instance_name(run->kept->instance) : NULL,
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

bool run_open_display(struct run *run, struct error *err)
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
