/* Inside `anachron run` and its relatives: what opening, running and closing share. */
#ifndef RUN_PRIVATE_H
#define RUN_PRIVATE_H

#include "host/characters.h"
#include "host/control_server.h"
#include "host/gdb_server.h"
#include "host/signals.h"
#include "host/terminal.h"
#include "machine/machine.h"
#include "run_options.h"
#include "ui/term.h"
#include "ui/vnc.h"
#include "ui/window.h"

#include <stdatomic.h>

enum {
    MAX_BLOBS = MACHINE_MODULES + 6,
    MAX_LONE_IMAGES = MACHINE_FLOPPIES + MACHINE_DISKS,
};

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
    struct gdb_server *gdb;
    int status;
};

/* run_files.c: reads and opens what the options name, into run->config. */
bool run_read_files(struct run *run, struct error *err);
bool run_open_images(struct run *run, struct error *err);
bool run_close_images(struct run *run, struct error *err);
/* Takes a disk that was closed out of run->config. */
void run_forget_image(struct run *run, const struct disk_backend *disk);

/* run_display.c: terminals, files and screens that the machine talks to. */
bool run_open_characters(struct run *run, struct error *err);
bool run_open_display(struct run *run, struct error *err);

#endif
