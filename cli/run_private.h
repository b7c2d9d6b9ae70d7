/* Inside `anachron run` and its relatives: what opening, running and closing share. */
#ifndef RUN_PRIVATE_H
#define RUN_PRIVATE_H

#include "cli/run_kept.h"
#include "cli/run_load.h"
#include "cli/run_log.h"
#include "cli/run_options.h"
#include "host/characters.h"
#include "host/control_server.h"
#include "host/gdb_server.h"
#include "host/signals.h"
#include "host/terminal.h"
#include "machine/machine.h"
#include "ui/term.h"
#include "ui/vnc.h"
#include "ui/window.h"

#include <stdatomic.h>

enum {
    MAX_BLOBS = MACHINE_MODULES + 6,
    MAX_PROTECTED_IMAGES = MACHINE_FLOPPIES + MACHINE_DISKS,
};

struct run {
    struct run_options options;
    struct machine_config config;
    struct machine *machine;
    _Atomic(struct machine *) stoppable; /* for other threads; NULL while there is none */
    struct run_file {
        uint8_t *bytes;
        size_t size;
        bool is_parked; /* host/parked.h */
    } files[MAX_BLOBS];
    unsigned file_count;
    char *protected_image[MAX_PROTECTED_IMAGES]; /* specifications of run_protect_image */
    unsigned protected_image_count;
    char *module_path[MACHINE_MODULES];
    struct characters *serial[MACHINE_SERIALS], *debug_console, *printer, *post;
    struct terminal *terminal;
    struct term *term;
    struct vnc *vnc;
    struct window_config window_config;
    struct window *window;
    struct signals *signals;
    struct control_server *server;
    struct run_log log;
    struct gdb_server *gdb;
    struct saved *saved;  /* --load; NULL: power-on */
    bool protects_images; /* nothing is written to them */
    /* Of a machine that is kept by name; kept NULL: it is not. */
    const struct run_kept *kept;
    struct disk_backend *kept_disk; /* in config.drive */
    bool settled;                   /* how it ends has been said */
    /* While it becomes two; in the copy for good. */
    const struct machine_twin *twin;
    struct run_twin *made; /* what this process is, if it is a copy kept by name */
    char *copy_socket;     /* or else the control socket of the copy that it is */
    bool left_display;     /* a copy, whose first machine has a window, a terminal, or viewers */
    int status;
};

/* command_run.c: runs the machine of run->options to its end, and frees run. Returns the exit
 * status. */
int run_to_the_end(struct run *run);
/* An image that nothing is to be written to: the specification, with ,snapshot if need be. */
void run_protect_image(struct run *run, const char **specification);

/* run_kept.c: a machine that is kept by name. */
/* Its own disk, with an overlay. */
struct disk_backend *run_kept_open_disk(struct run *run, struct error *err);
/* machine_outside.keep */
bool run_kept_keep(void *opaque, enum machine_keep how, struct error *err);
/* machine_outside.fork */
bool run_kept_fork(void *opaque, const struct machine_twin *twin, struct error *err);
/* After the run: what nobody has said is decided. */
bool run_kept_end(struct run *run, struct error *err);

/* run_fork.c: the outside of a copy (machine_outside). */
bool run_settle_copy(void *opaque, const char *socket, bool *is_kept, struct error *err);
bool run_show_copy(void *opaque);
/* run_ports.c: the serial ports of a copy, and, if it is not kept by name, what it says. */
void run_open_copy_ports(struct run *run);
void run_close_copy_ports(struct run *run);
int run_end_copy(void *opaque, int status);
/* run_twin.c: the same for what a copy that is kept by name has besides. */
bool run_twin_settle(struct run *run, struct error *err);
bool run_twin_show(struct run *run);
int run_twin_end(struct run *run, int status);

/* run_files.c: reads and opens what the options name, into run->config. */
bool run_read_files(struct run *run, struct error *err);
/* machine_outside.rest_files: what has been read of them need not be in memory for a while. */
void run_rest_files(void *opaque);
void run_free_files(struct run *run);
bool run_open_images(struct run *run, struct error *err);
bool run_close_images(struct run *run, struct error *err);
/* Disks, or discs, of run->config in the order of the options that name them, into list
 * (MACHINE_DISKS). */
void run_list_images(const struct run *run, bool are_cdroms, struct disk_backend **list);
/* Takes a disk that was closed out of run->config. */
void run_forget_image(struct run *run, const struct disk_backend *disk);

/* run_display.c: terminals, files and screens that the machine talks to. */
bool run_open_characters(struct run *run, struct error *err);
bool run_open_display(struct run *run, struct error *err);

#endif
