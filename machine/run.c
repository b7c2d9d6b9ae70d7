/* The run loop: the one place where processor, clock, gate and script meet.
 *
 * Each turn delivers what has come from outside, expires timers, lets the processor take what is
 * pending, and then runs it for the budget: instructions until the next deadline, exactly. A halted
 * processor skips to the deadline instead. Slices end early now and then, to look at the host; that
 * changes nothing for the guest. */
#include "base/memory.h"
#include "base/time128.h"
#include "devices/post_card.h"
#include "devices/vga.h"
#include "machine/crash.h"
#include "machine/gdb.h"
#include "machine/history.h"
#include "machine/internal.h"
#include "machine/script.h"
#include "machine/trace.h"
#include "snapshot/pages_lazy.h"

#include <stdio.h>
#include <time.h>

enum {
    SLICE_INSNS = 100000,            /* at most this many between two looks at the host */
    HOST_POLL_NS = 14 * 1000 * 1000, /* a picture that changes 70 times a second is seen */
    /* Pacing: how far virtual time may run ahead before the thread sleeps, and how far it may fall
     * behind before that is forgiven. */
    PACE_AHEAD_NS = 2 * 1000 * 1000,
    PACE_IDLE_NS = 10 * 1000 * 1000, /* skipped at once, so that input does not come late */
    PACE_BEHIND_NS = 100 * 1000 * 1000,
};

uint64_t machine_host_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* What the host's clock said comes in through the gate, as everything from outside. */
static void on_wall_clock(void *opaque, const struct gate_event *event)
{
    struct machine *machine = opaque;
    machine->config.start_time = event->u.wall_seconds;
}

static void read_wall_clock(struct machine *machine)
{
    struct gate_event event = {.kind = GATE_WALL_CLOCK};
    event.u.wall_seconds = machine->config.start_time;
    gate_set_sink(machine->gate, GATE_WALL_CLOCK, on_wall_clock, machine);
    gate_deliver_now(machine->gate, &event, 0);
}

/* Between the serial ports and debug console and their backends, for commands that wait for what
 * the guest says. */
static void capture_output(struct machine *machine)
{
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        capture_start(&machine->serial_capture[i], machine->config.serial[i]);
        machine->config.serial[i] = &machine->serial_capture[i].chars;
    }
    capture_start(&machine->debug_capture, machine->config.debug_console);
    machine->config.debug_console = &machine->debug_capture.chars;
}

static void start_outlets(struct machine *machine)
{
    struct machine_config *config = &machine->config;
    const bool *muted = &machine->muted, given = config->has_connected;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        outlet_start(&machine->serial_outlet[i], &config->serial[i],
                     given ? config->serial_connected[i] : config->serial[i] != NULL, muted);
    outlet_start(&machine->debug_outlet, &config->debug_console, config->debug_console, muted);
    outlet_start(&machine->printer_outlet, &config->printer,
                 given ? config->printer_connected : config->printer != NULL, muted);
    outlet_start(&machine->post_outlet, &config->post, config->post, muted);
}

struct machine *machine_new(const struct machine_config *config, struct error *err)
{
    struct machine *machine = mem_new(sizeof *machine);
    machine->config = *config;
    machine->log = log_new(stderr, config->verbose ? LOG_DEBUG : LOG_WARNING);
    machine->gate = gate_new();
    machine->journal = journal_new();
    machine->control = control_new(machine_commands(), machine->gate);
    machine->jobs = jobs_new();
    machine->screen = screen_new();
    machine->step_until = machine->turn_icount = UINT64_MAX;
    atomic_init(&machine->outside_status, -1);
    if (config->start_time_is_host)
        read_wall_clock(machine);
    if (config->script || config->controlled)
        capture_output(machine);
    start_outlets(machine);
    if (!board_build(machine, err)) {
        machine_free(machine);
        return NULL;
    }
    if (config->ps_per_insn) {
        struct gate_event event = {.kind = GATE_RATE};
        event.u.picoseconds_per_insn = config->ps_per_insn;
        gate_deliver_now(machine->gate, &event, 0);
    }
    if ((config->trace && !trace_attach(config->trace, machine, err)) ||
        (config->perf_map && !trace_attach(config->perf_map, machine, err))) {
        machine_free(machine);
        return NULL;
    }
    board_map_state(machine);
    /* What came before is in the configuration. */
    gate_set_log(machine->gate, machine_record_event, machine);
    if (config->debugged)
        machine->gdb = gdb_new(machine);
    machine->paused = config->debugged && config->waits_for_debugger;
    return machine;
}

void machine_free(struct machine *machine)
{
    if (!machine)
        return;
    gdb_free(machine->gdb);
    history_stop(machine);
    if (machine->state)
        state_map_free(machine->state);
    pages_lazy_end(machine->loading);
    board_free(machine);
    mem_free(machine->section_names);
    json_decref(machine->crash);
    frame_free(&machine->frame);
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        capture_end(&machine->serial_capture[i]);
    capture_end(&machine->debug_capture);
    jobs_free(machine->jobs);
    control_free(machine->control);
    screen_free(machine->screen);
    replay_end(machine);
    journal_free(machine->journal);
    gate_free(machine->gate);
    log_free(machine->log);
    mem_free(machine);
}

struct gate *machine_gate(struct machine *machine)
{
    return machine->gate;
}

struct control *machine_control(struct machine *machine)
{
    return machine->control;
}

struct debugger *machine_debugger(struct machine *machine)
{
    return machine->gdb ? gdb_debugger(machine->gdb) : NULL;
}

struct screen *machine_screen(struct machine *machine)
{
    return machine->screen;
}

void machine_stop(struct machine *machine, int status)
{
    atomic_store(&machine->outside_status, status);
}

enum machine_end machine_how_it_ended(const struct machine *machine)
{
    switch (machine->stop) {
    case STOP_POWER_OFF:
    case STOP_DEBUG_EXIT:
        return MACHINE_POWERED_OFF;
    case STOP_TRIPLE_FAULT:
    case STOP_FAULT:
    case STOP_DEAD_HALT:
        return MACHINE_CRASHED;
    default:
        return MACHINE_STOPPED;
    }
}

void machine_request_stop(struct machine *machine, enum stop_reason reason, int status)
{
    if (machine->stop)
        return;
    machine->stop = reason;
    machine->stop_status = status;
    machine->cpu->attention |= ATTENTION_STOP;
}

void machine_text(struct machine *machine, struct screen_text *text)
{
    vga_text(machine->vga, text);
}

void machine_render(struct machine *machine, struct frame *frame)
{
    vga_render(machine->vga, frame);
}

uint64_t machine_icount(const struct machine *machine)
{
    return cpu_icount(machine->cpu);
}

uint64_t machine_time(const struct machine *machine)
{
    return clock_now(bus_clock(machine->bus));
}

/* --- the host's side of a turn --- */

/* Sleeps while virtual time is ahead of the host's. */
static void pace(struct machine *machine, uint64_t host_now)
{
    uint64_t virtual_elapsed = machine_time(machine) - machine->pace_virtual_ns;
    uint64_t host_elapsed = host_now - machine->pace_host_ns;
    if (virtual_elapsed > host_elapsed + PACE_AHEAD_NS) {
        uint64_t ahead = virtual_elapsed - host_elapsed;
        gate_wait(machine->gate, ahead < HOST_POLL_NS ? ahead : HOST_POLL_NS);
        machine->slept_ns += machine_host_time() - host_now;
    } else if (host_elapsed > virtual_elapsed + PACE_BEHIND_NS) {
        machine->pace_host_ns = host_now - virtual_elapsed;
    }
}

static bool is_ahead(const struct machine *machine, uint64_t host_now)
{
    uint64_t virtual_elapsed = machine_time(machine) - machine->pace_virtual_ns;
    return virtual_elapsed > host_now - machine->pace_host_ns + PACE_AHEAD_NS;
}

static void start_pacing(struct machine *machine)
{
    machine->pace_host_ns = machine_host_time();
    machine->pace_virtual_ns = machine_time(machine);
}

void machine_restart_pacing(struct machine *machine)
{
    start_pacing(machine);
    machine->speed_host_ns = machine->pace_host_ns;
    machine->speed_virtual_ns = machine->pace_virtual_ns;
    machine->speed_icount = machine_icount(machine);
    jobs_look_again(machine->jobs, machine);
}

void machine_set_paused(struct machine *machine, bool paused)
{
    bool was_paused = machine->paused;
    machine->paused = paused;
    machine->step_until = UINT64_MAX;
    machine->cpu->attention |= ATTENTION_STOP;
    start_pacing(machine);
    jobs_look_again(machine->jobs, machine);
    if (paused != was_paused)
        control_announce(machine->control, paused ? "paused" : "resumed", NULL);
}

static void look_at_host(struct machine *machine)
{
    int status = atomic_load_explicit(&machine->outside_status, memory_order_relaxed);
    if (status >= 0)
        machine_request_stop(machine, STOP_OUTSIDE, status);
    uint64_t now = machine_host_time();
    if (now - machine->last_poll_ns >= HOST_POLL_NS) {
        machine->last_poll_ns = now;
        live_publish(machine, now, false);
        recorder_poll(machine, now);
        history_poll(machine, now);
    }
    if (machine->config.paced && !machine->paused)
        pace(machine, now);
}

/* --- the guest's side --- */

void machine_reset_board(struct machine *machine)
{
    machine_note_order(machine);
    machine->reset_requested = false;
    machine->resets++;
    cpu_reset(machine->cpu, false);
    bus_reset_devices(machine->bus, RESET_HARD);
    if (!machine->muted)
        control_announce(machine->control, "reset", NULL);
}

static bool interrupts_enabled(const struct machine *machine)
{
    return machine->cpu->eflags & FLAG_IF;
}

/* When the script (in a replay, the record) or a request wants to be looked at. */
static uint64_t commands_due_time(const struct machine *machine)
{
    uint64_t jobs = machine->is_seeking ? CLOCK_NEVER : jobs_due_time(machine->jobs);
    uint64_t other =
        machine->replay.is_on ? replay_due_time(machine) : script_due_time(machine->config.script);
    return other < jobs ? other : jobs;
}

/* A halted processor: passes the time until something may wake it. */
static void idle(struct machine *machine)
{
    struct clock *clock = bus_clock(machine->bus);
    bool is_dead = machine->cpu->activity == CPU_SHUTDOWN || !interrupts_enabled(machine);
    if (is_dead && machine->config.stop_on & STOP_ON_HALT) {
        machine_request_stop(machine, STOP_HALT, EXIT_STATUS_OK);
        return;
    }
    bool is_stepping = machine->gdb && gdb_is_stepping(machine->gdb);
    if (is_dead && (is_stepping || machine->step_until != UINT64_MAX)) {
        machine_set_paused(machine, true); /* there is nothing to step to */
        return;
    }
    uint64_t now = clock_now(clock);
    uint64_t commands_due = commands_due_time(machine);
    uint64_t next = clock_next_deadline(clock);
    if (commands_due < next)
        next = commands_due;
    if ((is_dead || next == CLOCK_NEVER) && commands_due == CLOCK_NEVER &&
        !gate_pending(machine->gate)) {
        if (!machine->config.interactive && !machine->config.controlled &&
            !machine->config.debugged) {
            machine_request_stop(machine, STOP_DEAD_HALT, EXIT_STATUS_OK);
            return;
        }
        /* Only a person can help now: do not keep a host processor busy. */
        gate_wait(machine->gate, HOST_POLL_NS);
    }
    if (machine->config.paced && next > now + PACE_IDLE_NS)
        next = now + PACE_IDLE_NS;
    if (next == CLOCK_NEVER || next <= now)
        return;
    machine->idle_ns += next - now;
    clock_skip_to(clock, next);
}

static void run_slice(struct machine *machine)
{
    struct clock *clock = bus_clock(machine->bus);
    uint64_t next = clock_next_deadline(clock);
    uint64_t commands_due = commands_due_time(machine);
    if (commands_due < next)
        next = commands_due;
    uint64_t budget = SLICE_INSNS;
    if (next != CLOCK_NEVER) {
        uint64_t until = clock_insns_until(clock, next);
        if (until < budget)
            budget = until;
    }
    if (machine->entry == ENTRY_NEAR || (machine->gdb && gdb_is_stepping(machine->gdb)))
        budget = 1;
    uint64_t icount = cpu_icount(machine->cpu);
    if (machine->config.stop_after - icount < budget)
        budget = machine->config.stop_after - icount;
    if (machine->step_until - icount < budget)
        budget = machine->step_until - icount;
    if (machine->player.is_on)
        budget = player_budget(machine, budget);
    if (machine->replay.is_on)
        budget = replay_budget(machine, budget);
    if (budget)
        cpu_run(machine->cpu, icount + budget);
}

/* The kernel's first instruction is next: a script that has waited for it goes on. */
static void look_for_entry(struct machine *machine)
{
    const struct cpu *cpu = machine->cpu;
    if (cpu->seg[SEG_CS].base + cpu->eip != machine->entry_linear)
        return;
    machine->entry = ENTRY_REACHED;
    script_wake(machine->config.script, machine);
}

/* A seek ends before what came from outside at the count it goes to; but behind the timers that
 * expire there, and so behind what came before these. */
static bool play_record(struct machine *machine)
{
    bool is_there = machine->is_seeking && cpu_icount(machine->cpu) >= machine->config.stop_after &&
                    clock_next_deadline(bus_clock(machine->bus)) > machine_time(machine);
    return !is_there && replay_deliver(machine);
}

/* What comes from outside; also while time stands still. False: this turn ends here. */
static bool run_outside(struct machine *machine)
{
    if (machine->replay.is_on) {
        if (gate_pending(machine->gate))
            gate_discard(machine->gate);
        if (play_record(machine))
            return false;
    } else if (gate_pending(machine->gate)) {
        gate_deliver(machine->gate, cpu_icount(machine->cpu));
    }
    if (machine->reset_requested)
        machine_reset_board(machine);
    if (machine->is_seeking)
        return true;
    uint64_t due = jobs_due_time(machine->jobs);
    /* Nearly every turn there is no job: then the time need not be known. */
    if (control_pending(machine->control) || (due != CLOCK_NEVER && due <= machine_time(machine)))
        jobs_step(machine->jobs, machine);
    return true;
}

/* A debugger's goal is reached: the machine is paused. */
static bool is_at_point(struct machine *machine)
{
    return machine->gdb && gdb_look(machine->gdb);
}

/* Timers, and then whoever follows the virtual clock: the script, or the record. False: this turn
 * ends here. */
static bool run_clock(struct machine *machine)
{
    if (clock_expire(bus_clock(machine->bus)))
        machine_note_order(machine);
    if (machine->replay.is_on)
        return !play_record(machine);
    if (machine->config.script && script_due_time(machine->config.script) <= machine_time(machine))
        script_step(machine->config.script, machine);
    return !gate_pending(machine->gate);
}

void machine_turn(struct machine *machine)
{
    struct cpu *cpu = machine->cpu;
    if (machine->entry == ENTRY_NEAR)
        look_for_entry(machine);
    cpu->attention &= ~(uint32_t)ATTENTION_STOP;
    if (!run_outside(machine)) {
        history_arrive(machine);
        return;
    }
    if (machine->paused) {
        gate_wait(machine->gate, HOST_POLL_NS);
        return;
    }
    if (!run_clock(machine) || machine->stop || machine->reset_requested)
        return;
    machine->is_first_moment = cpu_icount(cpu) != machine->turn_icount;
    machine->turn_icount = cpu_icount(cpu);
    if (machine->checkpoint_due)
        history_turn(machine);
    if (machine->player.is_on && player_turn(machine))
        return;
    if (cpu_icount(cpu) >= machine->step_until) {
        machine_set_paused(machine, true);
        return;
    }
    if (cpu_icount(cpu) >= machine->config.stop_after) {
        machine_request_stop(machine, STOP_AFTER, EXIT_STATUS_OK);
        return;
    }
    if (cpu_service(cpu)) {
        machine_note_order(machine);
        if (machine->gdb)
            gdb_took_event(machine->gdb);
    }
    if (machine->stop || machine->reset_requested || is_at_point(machine))
        return;
    if (cpu->activity == CPU_RUNNING)
        run_slice(machine);
    else
        idle(machine);
    is_at_point(machine);
}

static void report_dead_halt(const struct machine *machine)
{
    uint8_t code;
    fprintf(stderr,
            "anachron: the guest halted with interrupts off at cs:eip %04X:%08X after "
            "%llu instructions; nothing can wake it",
            machine->cpu->seg[SEG_CS].selector, machine->cpu->eip,
            (unsigned long long)cpu_icount(machine->cpu));
    if (machine->config.firmware_is_guest && post_card_last(machine->post_card, &code))
        fprintf(stderr, "; the last POST code was %02Xh", code);
    fputc('\n', stderr);
}

/* Says why the run ended, where that is not what the guest or the script asked for. */
static void report_stop(struct machine *machine)
{
    switch (machine->stop) {
    case STOP_TRIPLE_FAULT:
        crash_print(machine, stderr);
        break;
    case STOP_FAULT:
        fprintf(stderr, "anachron: stopped at a fault: ");
        crash_print_fault(&machine->stop_fault, stderr);
        break;
    case STOP_DEAD_HALT:
        report_dead_halt(machine);
        break;
    case STOP_LOST:
        fprintf(stderr, "anachron: error: %s\n", machine->replay.error.text);
        break;
    default:
        break;
    }
}

/* Those outside get the last picture, and hear that there will be no more. */
static void end_outside(struct machine *machine, int status)
{
    json_t *details = json_pack("{s:i}", "status", status);
    gate_close(machine->gate);
    if (machine->gdb)
        gdb_end(machine->gdb, status);
    live_publish(machine, machine_host_time(), true);
    jobs_give_up(machine->jobs, "the machine has ended");
    control_close(machine->control, "the machine has ended");
    control_announce(machine->control, "stopped", details);
    screen_close(machine->screen);
    json_decref(details);
}

bool machine_run_to(struct machine *machine, uint64_t icount)
{
    uint64_t limit = machine->config.stop_after;
    if (!machine->start_host_ns)
        start_pacing(machine);
    machine->start_host_ns = machine->pace_host_ns;
    machine->config.stop_after = icount < limit ? icount : limit;
    while (!machine->stop)
        machine_turn(machine);
    machine->config.stop_after = limit;
    if (machine->stop == STOP_AFTER && icount < limit)
        machine->stop = STOP_NONE;
    if (machine->stop)
        player_finish(machine);
    return machine->stop == STOP_NONE;
}

int machine_run(struct machine *machine)
{
    start_pacing(machine);
    machine->start_host_ns = machine->speed_host_ns = machine->pace_host_ns;
    if (machine->config.history.limit_bytes && !machine->history) {
        struct error err;
        if (!history_start(machine, &machine->config.history, &err))
            log_line(machine->log, LOG_WARNING, "%s", err.text);
    }
    unsigned turns = 0;
    uint64_t looked_at = 0;
    while (!machine->stop) {
        if (machine->gdb)
            gdb_serve(machine->gdb);
        machine_turn(machine);
        /* The host's clock is read only now and then: turns may be very short. */
        uint64_t progress = cpu_icount(machine->cpu);
        if (progress - looked_at >= SLICE_INSNS || ++turns >= 64 || machine->paused ||
            machine->cpu->activity != CPU_RUNNING) {
            looked_at = progress;
            turns = 0;
            look_at_host(machine);
            while (machine->config.paced && !machine->stop && !gate_pending(machine->gate) &&
                   !control_pending(machine->control) && !machine->paused &&
                   is_ahead(machine, machine_host_time()))
                look_at_host(machine);
        }
    }
    player_finish(machine);
    report_stop(machine);
    int status = machine->stop_status;
    if (machine->config.script && machine->stop != STOP_SCRIPT) {
        int script_status = script_finish(machine->config.script, machine);
        status = status ? status : script_status;
    }
    recorder_finish(machine, status);
    end_outside(machine, status);
    return status;
}
