/* The options of `anachron run`, as given. */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include "base/error.h"
#include "cli/options.h"
#include "machine/machine.h"

enum { MAX_IMAGES = 6 };

enum display { DISPLAY_DEFAULT, DISPLAY_SDL, DISPLAY_TERM, DISPLAY_VNC, DISPLAY_NONE };

struct run_options {
    bool has_cpu, has_memory, has_mouse; /* they were said */
    const struct cpu_model *model;
    uint64_t ram_size;
    const char *bios, *vga_bios;
    const char *floppy[MACHINE_FLOPPIES];
    unsigned floppy_count;
    const char *disk[MACHINE_DISKS], *cdrom[MACHINE_DISKS];
    unsigned disk_count, cdrom_count;
    char boot[4];
    const char *kernel, *initrd, *append, *multiboot;
    const char *module[MACHINE_MODULES];
    unsigned module_count;
    const char *serial[MACHINE_SERIALS];
    unsigned serial_count;
    const char *debug_console, *printer, *post;
    /* From a recorded configuration: the guest sees that something is at the port, even if nothing
     * is asked for here. */
    bool has_connected, connected[MACHINE_SERIALS], printer_connected;
    enum engine engine;
    const char *translator; /* NULL: not said */
    enum display display;
    unsigned scale; /* of the window; 0: not said */
    bool fullscreen;
    int paced; /* -1: not said */
    bool has_date, date_is_host;
    int64_t date;
    const char *script, *screenshot, *trace, *control, *record, *load, *gdb;
    uint64_t ps_per_insn; /* 0: not said */
    uint64_t stop_after;
    uint64_t history_bytes; /* 0: the past is not kept */
    unsigned stop_on;
    bool reset_on_triple_fault;
    bool vmware_mouse;
    const char *vnc_address, *vnc_password; /* [HOST]:PORT; file */
    bool stats, perf_map, verbose, help;
};

/* The options of `anachron run` by name, with "--"; NULL: there is none of that name. */
const struct option_row *run_option_find(const char *name);
/* Takes the value of one option (NULL for one without argument); err says what is wrong with it. */
bool run_option_check(const struct option_row *row, const char *value, struct error *err);
/* False: err says what is wrong. */
bool run_options_parse(int argc, char **argv, struct run_options *options, struct error *err);
void run_options_help(FILE *stream);

#endif
