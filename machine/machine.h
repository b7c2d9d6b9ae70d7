/* The machine: a whole PC, and how a run of it goes.
 *
 * The caller (main.c) opens files, terminals and sockets, and describes what it wants in a struct
 * machine_config; the machine builds the board, runs it on the calling thread, and returns the exit
 * status. Everything that a person, a file or a socket does to a running machine goes through
 * machine_gate(). */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/error.h"
#include "bus/backend.h"
#include "control/control.h"
#include "control/debugger.h"
#include "control/screen.h"
#include "cpu/model.h"
#include "record/gate.h"
#include "record/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    MACHINE_DISKS = 4, /* IDE places */
    MACHINE_FLOPPIES = 2,
    MACHINE_SERIALS = 2,
    MACHINE_MODULES = 32,
};

/* A file's bytes. Owned by whoever filled it in. */
struct blob {
    uint8_t *bytes;
    size_t size;
    const char *name; /* for messages */
};

struct multiboot_module {
    struct blob file;
    const char *command_line;
};

/* A medium for a drive of the board. disk NULL with present: an empty drive. */
struct drive_config {
    bool present;
    bool is_cdrom;
    struct disk_backend *disk;
};

/* ENGINE_DEFAULT: the translator, or the interpreter where the host has none. */
enum engine { ENGINE_DEFAULT, ENGINE_INTERP, ENGINE_JIT };

enum stop_on { STOP_ON_HALT = 1 << 0, STOP_ON_FAULT = 1 << 1 };

struct script; /* machine/script.h */
struct trace;  /* machine/trace.h */

/* What becomes of the disk and the state of a machine that is kept by name. */
enum machine_keep {
    KEEP_AND_GO_ON, /* they are saved */
    KEEP_AND_END,   /* the same; what comes after is not saved any more */
    DROP_AND_END,   /* what has happened since they were saved last is forgotten */
};

/* A second machine that is to be kept by name. */
struct machine_twin {
    const char *folder; /* of what is between it and who makes it */
    const char *name;   /* NULL: its state is written to folder, and somebody else runs it */
    bool paused;
    bool discards; /* what comes of an end that nobody has said more about */
};

/* A machine that is recorded goes live in its past. */
struct machine_branch {
    struct journal_stamp at, tip; /* where it is, and where it had been */
    bool is_shared;               /* the log has the moment */
    unsigned media;               /* that were put into drives from the log's beginning to there */
};

struct log_writer; /* record/log_file.h */

/* What the machine asks of the outside, all on its own thread. Members may be NULL. */
struct machine_outside {
    void *opaque;
    /* Opens an image for a drive: "FILE[,option]...". */
    struct disk_backend *(*open_image)(void *opaque, const char *specification, bool is_cdrom,
                                       struct error *err);
    /* The blobs of the configuration have been read, and will not be for a while. NULL: nobody
     * wants to know. */
    void (*rest_files)(void *opaque);
    /* A disk of the configuration was taken out of its drive, and is not needed any more. */
    void (*release_image)(void *opaque, struct disk_backend *disk);
    /* Writes frame to a picture file. */
    bool (*save_picture)(void *opaque, const struct frame *frame, const char *path,
                         struct error *err);
    /* Fills identity for the file of an image, for a saved state. */
    bool (*identify)(void *opaque, const char *path, struct disk_identity *identity,
                     struct error *err);
    /* Opens a log for the machine's run and what follows, and calls machine_record, or, if not all
     * of the run is known, machine_record_from_here. path NULL: a name beside that of the last log.
     */
    bool (*record)(void *opaque, const char *path, struct error *err);
    /* Ends the log, which has all up to branch->tip, and opens another one. *writer: has what both
     * share but for events; NULL: they share nothing, and record will be called. False: err, and
     * the log goes on. */
    bool (*branch)(void *opaque, const struct machine_branch *branch, struct log_writer **writer,
                   struct error *err);
    /* NULL: the machine is not kept by name. */
    bool (*keep)(void *opaque, enum machine_keep how, struct error *err);
    /* The same: makes a second one of it, or writes what that needs to go on from here. */
    bool (*fork)(void *opaque, const struct machine_twin *twin, struct error *err);
    /* In the process of a copy (machine/fork.h), while the first machine waits: makes the control
     * socket and serves it. is_kept: it is kept by name, too. */
    bool (*settle_copy)(void *opaque, const char *socket, bool *is_kept, struct error *err);
    /* There, when the first machine goes on. False: the copy shall not run. */
    bool (*show_copy)(void *opaque);
    /* There, when the copy has ended with status: closes all, and returns the exit status. */
    int (*end_copy)(void *opaque, int status);
};

struct history_options {
    uint64_t limit_bytes; /* of host memory for checkpoints; 0: the past is not kept */
    uint64_t every_ns;    /* host time between two automatic ones; UINT64_MAX: only by hand */
    /* Instructions, at least, between two that are made while the past is run again; 0: a default.
     */
    uint64_t mark_spacing;
};

struct machine_config {
    const struct cpu_model *model;
    enum engine engine;
    const char *translator; /* settings, see machine/engine.h; NULL: none */
    uint64_t ram_size;      /* bytes, a multiple of 1 MiB, PHYSMEM_RAM_MIN..PHYSMEM_RAM_MAX */
    struct blob firmware;
    bool firmware_is_guest; /* not the built-in one: its POST codes mean something */
    struct blob vga_rom;    /* bytes NULL: none */
    struct drive_config floppy[MACHINE_FLOPPIES];
    struct drive_config drive[MACHINE_DISKS]; /* [channel * 2 + unit] */
    char boot_order[4];                       /* of "acd"; "" is "acd" */
    struct char_backend *serial[MACHINE_SERIALS];
    struct char_backend *debug_console, *printer, *post;
    /* Whether the guest sees that something is connected is not for the backends to say. */
    bool has_connected;
    bool serial_connected[MACHINE_SERIALS], printer_connected;
    int64_t start_time;      /* seconds since 1970 for the real-time clock at power-on */
    bool start_time_is_host; /* it was read from the host's clock */

    struct blob kernel, initrd; /* Linux; bytes NULL: none */
    const char *command_line;   /* of the Linux or multiboot kernel; NULL is "" */
    struct blob multiboot;
    struct multiboot_module module[MACHINE_MODULES];
    unsigned module_count;

    uint64_t ps_per_insn;    /* virtual time of an instruction; 0: the nominal rate */
    bool paced;              /* virtual time does not run ahead of the host's */
    bool interactive;        /* somebody can type: a halt for good is not the end */
    bool controlled;         /* somebody may send requests: neither is it then */
    bool debugged;           /* a debugger may come: neither is it then */
    bool waits_for_debugger; /* and the machine begins when it says so */
    uint64_t stop_after;     /* instructions; UINT64_MAX: no limit */
    unsigned stop_on;        /* enum stop_on */
    bool reset_on_triple_fault;
    bool vmware_mouse;      /* firmware says that there is one, for Linux */
    struct script *script;  /* not owned; NULL: none */
    struct trace *trace;    /* not owned; NULL: none */
    struct trace *perf_map; /* the same */
    bool measure;           /* statistics shall say where the time goes */
    struct machine_outside outside;
    struct history_options history; /* machine/history.h */
    bool verbose;                   /* log at debug level */
};

struct machine;

/* Builds the board and puts it into its power-on state. Takes over nothing: backends and blobs
 * stay the caller's and must outlive the machine. NULL: err says why (a kernel that is none). */
struct machine *machine_new(const struct machine_config *config, struct error *err);
void machine_free(struct machine *machine);

/* Runs until the guest or the script ends, or a stop condition is met. Returns the exit status of
 * the program. Says why on standard error where that is not obvious. */
int machine_run(struct machine *machine);
/* Runs up to an instruction count, instead of machine_run; can be called again. False: the machine
 * has ended before, or there. */
bool machine_run_to(struct machine *machine, uint64_t icount);

/* How machine_run ended. */
enum machine_end {
    MACHINE_POWERED_OFF, /* by the guest; also through the debug exit device */
    MACHINE_CRASHED,     /* the guest did, or nothing can wake it any more */
    MACHINE_STOPPED,     /* from outside: it could have gone on */
};
enum machine_end machine_how_it_ended(const struct machine *machine);

/* --- recording and replaying; before machine_run, or on the machine's thread --- */

/* From now on, what comes from outside goes to the log; what the journal has already goes there at
 * once. The writer stays the caller's, and must outlive the run. */
void machine_record(struct machine *machine, struct log_writer *writer);
/* The same for a log that begins with the state of this moment. */
void machine_record_from_here(struct machine *machine, struct log_writer *writer);
/* Whether the journal still has everything since power-on (it keeps some megabytes of events), so
 * that a log can still begin there. */
bool machine_remembers_all(const struct machine *machine);

/* The moment at which the machine stands. */
struct journal_stamp machine_stamp(const struct machine *machine);

struct machine_play {
    /* Of the state with which the log begins, if that was not its machine's beginning: else all 0.
     */
    struct journal_stamp begin;
    uint64_t to; /* ends at this instruction count at the latest; UINT64_MAX: where the log does */
    enum { PLAY_STOPS, PLAY_PAUSES, PLAY_GOES_LIVE } at_end;
    bool ignores_marks; /* check marks are not compared */
    /* On the machine's thread, when it takes input again. */
    void (*went_live)(void *opaque);
    void *opaque;
};
/* A machine in the state in which the journal begins (as a rule, just built) will take its events
 * from there. The journal is taken over. */
void machine_play(struct machine *machine, struct journal *journal,
                  const struct machine_play *play);
struct machine_play_result {
    uint64_t events, marks;    /* played, compared */
    struct journal_stamp good; /* of the last mark that was right */
    bool is_lost;              /* the machine did not do what was recorded; error says where */
    struct error error;
};
void machine_play_result(const struct machine *machine, struct machine_play_result *result);

/* The doors for other threads, from machine_new to machine_free: input, requests, pictures. */
struct gate *machine_gate(struct machine *machine);
struct control *machine_control(struct machine *machine);
struct screen *machine_screen(struct machine *machine);
/* NULL: the configuration has none. */
struct debugger *machine_debugger(struct machine *machine);
/* What can be asked of a machine. */
const struct command_table *machine_commands(void);
/* From any thread or signal handler: ends machine_run with status at the next boundary. */
void machine_stop(struct machine *machine, int status);

/* On the machine's thread or while it does not run; others watch machine_screen. */
void machine_text(struct machine *machine, struct screen_text *text);
/* Brings frame up to date with the screen; see vga_render in devices/vga.h, and bus/frame.h. */
void machine_render(struct machine *machine, struct frame *frame);
uint64_t machine_icount(const struct machine *machine);
uint64_t machine_time(const struct machine *machine); /* ns of virtual time */
/* Hash over the whole state, the same for two runs with the same inputs. */
uint64_t machine_state_hash(struct machine *machine);
void machine_dump_state(struct machine *machine, FILE *stream);
/* In a process that was forked: the translator's code is not shared with the other one any more. */
bool machine_unshare(struct machine *machine, struct error *err);
/* The guest's RAM, to look at. */
const uint8_t *machine_ram(const struct machine *machine, size_t *size);
/* --stats: what the run was like, for people. */
void machine_print_stats(struct machine *machine, FILE *stream);
/* The same as numbers. */
enum { MACHINE_STATS = 24 };
struct machine_stats {
    unsigned count;
    struct machine_stat {
        const char *name, *unit;
        double value;
        bool is_whole;
    } stat[MACHINE_STATS];
};
void machine_get_stats(struct machine *machine, struct machine_stats *stats);

#endif
