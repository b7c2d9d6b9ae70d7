/* Inside machine/: the struct that board, run loop, script and inspection share. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "devices/fw_cfg.h"
#include "machine/machine.h"
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
};

struct machine {
    struct machine_config config;
    struct log *log;
    struct bus *bus;
    struct physmem *phys;
    struct cpu *cpu;
    struct gate *gate;
    struct state_map *state;
    char *section_names; /* of the devices, in state */

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
    struct vga *vga;

    /* ROM blocks, whole pages; owned. */
    uint8_t *firmware, *vga_rom, *handoff_rom;
    uint32_t firmware_size, vga_rom_size, handoff_rom_size;

    /* Media that were put in while running; owned. */
    struct disk_backend *inserted[GATE_DRIVE_COUNT];

    /* What the run loop has to act on at the next boundary. */
    bool reset_requested;
    enum stop_reason stop;
    int stop_status;
    uint32_t exit_value;
    struct fault_record stop_fault; /* STOP_FAULT */
    atomic_int outside_status;      /* -1: go on */

    /* The way to the first instruction of a kernel that was named on the command line, for a script
     * that wants to poke there: the hand-off ROM says when it is near. */
    enum { ENTRY_REACHED, ENTRY_AWAITED, ENTRY_NEAR } entry;
    uint32_t entry_linear;

    /* Pacing and polling, in host time. */
    uint64_t pace_host_ns, pace_virtual_ns;
    uint64_t last_poll_ns, start_host_ns;
    uint64_t slept_ns, idle_ns, resets;
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

/* run.c */
void machine_request_stop(struct machine *machine, enum stop_reason reason, int status);
/* Host nanoseconds, for pacing and statistics only: never seen by the guest. */
uint64_t machine_host_time(void);

/* crash.c: the causal chain of a triple fault, for people. */
void crash_print(struct machine *machine, FILE *stream);
void crash_print_fault(struct machine *machine, const struct fault_record *record, FILE *stream);

#endif
