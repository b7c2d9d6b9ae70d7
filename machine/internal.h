/* Inside machine/: the struct that board, run loop, script and inspection share. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "devices/fw_cfg.h"
#include "machine/capture.h"
#include "machine/job.h"
#include "machine/machine.h"
#include "machine/outlet.h"
#include "machine/player.h"
#include "machine/recorder.h"
#include "machine/replay.h"
#include "mmu/physmem.h"
#include "snapshot/state.h"

#include <stdatomic.h>

enum stop_reason {
    STOP_NONE,
    STOP_POWER_OFF,
    STOP_DEBUG_EXIT,
    STOP_TRIPLE_FAULT,
    STOP_DEAD_HALT, /* halted, and nothing can wake it */
    STOP_AFTER,     /* --stop-after */
    STOP_HALT,      /* --stop-on halt */
    STOP_FAULT,     /* --stop-on fault */
    STOP_SCRIPT,    /* quit, a wait that timed out, an error */
    STOP_OUTSIDE,   /* machine_stop */
    STOP_LOST,      /* a replay that differs from its record */
    STOP_PLAYED,    /* a replay has come to its end */
};

struct machine {
    struct machine_config config;
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    struct cpu *cpu;
    struct jit *jit; /* NULL: the interpreter runs */
    struct gate *gate;
    struct state_map *state;
    struct pages_lazy *loading; /* RAM that comes from a saved state; NULL: it is all there */
    char *section_names;        /* of the devices, in state */

    /* Chips that the board, the gate's sinks or inspection talk to; the bus owns them. */
    struct wiring *wiring;
    struct i8259 *pic;
    struct local_apic *local_apic;
    struct io_apic *io_apic;
    struct ferr *ferr;
    struct mc146818 *rtc;
    struct fw_cfg *fw_cfg;
    struct uart16550 *serial[MACHINE_SERIALS];
    struct i82077 *floppy;
    struct ide *ide;
    struct pci *pci;
    struct piix4_pm *pm;
    struct ps2_keyboard *keyboard;
    struct ps2_mouse *mouse;
    struct vmmouse *vmmouse;
    struct vga *vga;
    struct post_card *post_card;

    /* ROM blocks, whole pages; owned. */
    uint8_t *firmware, *vga_rom, *handoff_rom;
    uint32_t firmware_size, vga_rom_size, handoff_rom_size;

    /* Disks, each behind a meter (machine/meter.h), which is owned. medium: what is in the drives
     * that a person can reach; inserted: it was put in while running, and the disk is owned, too.
     */
    struct disk_backend *disk[MACHINE_DISKS], *medium[GATE_DRIVE_COUNT];
    bool inserted[GATE_DRIVE_COUNT];
    uint64_t sectors[LIGHT_COUNT];

    /* Those outside: requests, what is being done about them, pictures. */
    struct control *control;
    struct jobs *jobs;
    struct screen *screen;
    struct gdb *gdb;    /* machine/gdb.h; NULL: none */
    struct frame frame; /* the machine's own: screenshots, hashes */
    struct capture serial_capture[MACHINE_SERIALS], debug_capture;
    unsigned mouse_buttons; /* as the gate last said */
    /* The last GATE_POKE named no register, or a value it cannot hold; the last GATE_MEMORY named
     * what is no plain memory. */
    bool poke_failed;

    /* The record, and running from one. moment: the last count and time at which something was
     * done between two instructions, and how often. */
    struct journal *journal;
    struct journal_stamp moment;
    struct replay replay;
    struct player player;
    struct recorder recorder;
    /* Between the chips and the backends; muted: the guest says it again. */
    struct outlet serial_outlet[MACHINE_SERIALS], debug_outlet, printer_outlet, post_outlet;
    bool muted;
    /* Where the past is kept (machine/history.h), NULL: it is not. disk_past: between meters and
     * images, owned. */
    struct history *history;
    struct disk_past *disk_past;
    bool checkpoint_due; /* at the next first moment of an instruction count */
    bool is_first_moment;
    uint64_t turn_icount; /* of the last turn that came to its instructions */
    bool is_seeking;      /* run again by a command: nobody else is looked at */
    bool paused;
    uint64_t step_until; /* pauses at this instruction count; UINT64_MAX: no */

    /* What the run loop has to act on at the next boundary. */
    bool reset_requested;
    enum stop_reason stop;
    int stop_status;
    uint32_t exit_value;
    struct fault_record stop_fault; /* STOP_FAULT */
    unsigned reset_reports;
    json_t *crash;             /* machine/crash.h: the last report, or NULL; owned */
    atomic_int outside_status; /* -1: go on */

    /* The way to the first instruction of a kernel that was named on the command line, for a script
     * that wants to poke there: the hand-off ROM says when it is near. */
    enum { ENTRY_REACHED, ENTRY_AWAITED, ENTRY_NEAR } entry;
    uint32_t entry_linear;

    /* Pacing and polling, in host time. */
    uint64_t pace_host_ns, pace_virtual_ns;
    uint64_t last_poll_ns, start_host_ns;
    uint64_t slept_ns, idle_ns, resets;
    /* The last measurement of speed, and what came of it. */
    uint64_t speed_host_ns, speed_virtual_ns, speed_icount;
    double mips, percent;
};

/* board.c */
bool board_build(struct machine *machine, struct error *err);
void board_free(struct machine *machine);
/* The state map, over everything that was built. */
void board_map_state(struct machine *machine);

/* cmos.c: memory sizes, disk types and boot order as firmware looks them up. */
void cmos_fill(struct machine *machine);

/* platform.c: fw_cfg items. */
bool platform_fill(struct machine *machine, struct error *err);

/* rom.c: maps firmware, VGA ROM and the hand-off ROM. */
bool rom_map(struct machine *machine, struct error *err);

/* input.c: gate events to chips. */
void input_connect(struct machine *machine);
/* Through the gate. Sets a register as cpu_poke does; false: it does not. */
bool machine_poke(struct machine *machine, const char *name, const struct poke_value *value);
/* Through the gate. Changes memory at a physical address; false: not all of that is RAM or video
 * memory, and only what comes before is changed. */
bool machine_patch(struct machine *machine, uint32_t address, const uint8_t *bytes, size_t size);
/* The IDE place of the CD-ROM drive that GATE_CDROM means, the first one; MACHINE_DISKS: none. */
unsigned machine_cdrom_place(const struct machine *machine);

/* A medium that was in a drive goes back to whom it belongs to. */
void machine_release_medium(struct machine *machine, struct disk_backend *medium, bool inserted);

/* history.c, for the run loop. */
/* Now and then: is a checkpoint due? */
void history_poll(struct machine *machine, uint64_t host_now);
/* checkpoint_due is set, and timers have expired. */
void history_turn(struct machine *machine);
/* The replay of the past has come to its end, the tip. */
void history_arrive(struct machine *machine);
/* history_media.c */
/* Media that are kept for the past alone are given back, because their files are wanted, and the
 * past is forgotten with them. False: there are none. */
bool history_release_media(struct machine *machine);
/* The medium was just taken out of its drive: true if an earlier moment may need it, and the
 * history takes care of it from now on. */
bool history_keep_medium(struct machine *machine, struct disk_backend *medium, bool inserted);
/* What the event that is being delivered has put into its drive when it came for the first time;
 * NULL: this is the first time, or it put in nothing. */
struct disk_backend *history_find_inserted(const struct machine *machine);
/* The medium is in its drive: if the guest may write to a file that an earlier moment needs as it
 * was, because it had been in a drive then, too, the past is forgotten. */
void history_share_file(struct machine *machine, struct disk_backend *medium);
/* If others have written to the file of a medium that was taken out, says so, and forgets the past,
 * which has read what the file does not hold any more. Where the past is about to be used or made
 * longer. */
void history_check_media(struct machine *machine);
/* The event that is being delivered has put the medium in. */
void history_note_inserted(struct machine *machine, struct disk_backend *medium);
/* Of a medium of a drive: see disk_backend_ops.rest. */
bool machine_rest_medium(struct disk_backend *medium, bool resting);
/* One that rests is put into a drive again. False: somebody else uses its image, as a line of the
 * log says. */
bool machine_wake_medium(struct machine *machine, struct disk_backend *medium);

/* live.c: those who watch. */
/* The machine's own picture of the screen, brought up to date. */
const struct frame *machine_look(struct machine *machine);
/* Hands the screen to those who want it. last: they shall not miss it. */
void live_publish(struct machine *machine, uint64_t host_now, bool last);
void machine_fill_status(struct machine *machine, struct screen_status *status);
/* "running", "paused", "halted" (only a person can wake it), "ended". */
const char *machine_state_name(const struct machine *machine);

/* run.c */
/* One turn of the loop, for those who go another way than machine_run. */
void machine_turn(struct machine *machine);
/* The reset line of the board, now: between two instructions. */
void machine_reset_board(struct machine *machine);
/* See struct machine_outside. */
static inline void machine_rest_files(const struct machine *machine)
{
    if (machine->config.outside.rest_files)
        machine->config.outside.rest_files(machine->config.outside.opaque);
}
void machine_request_stop(struct machine *machine, enum stop_reason reason, int status);
/* Pauses or goes on, at the present instruction; ends a step. */
void machine_set_paused(struct machine *machine, bool paused);
/* Virtual time is another one than just now: a state was loaded. */
void machine_restart_pacing(struct machine *machine);
/* Host nanoseconds, for pacing and statistics only: never seen by the guest. */
uint64_t machine_host_time(void);

#endif
