/* The run loop: the one place where processor, clock, gate and script meet.
 *
 * Each turn delivers what has come from outside, expires timers, lets the processor take what is
 * pending, and then runs it for the budget: instructions until the next deadline, exactly. A halted
 * processor skips to the deadline instead. Slices end early now and then, to look at the host; that
 * changes nothing for the guest. */
#include "base/memory.h"
#include "base/time128.h"
#include "devices/vga.h"
#include "machine/internal.h"
#include "machine/script.h"
#include "machine/trace.h"

#include <stdio.h>
#include <time.h>

enum {
    SLICE_INSNS = 100000, /* at most this many between two looks at the host */
    HOST_POLL_NS = 16 * 1000 * 1000,
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

struct machine *machine_new(const struct machine_config *config, struct error *err)
{
    struct machine *machine = mem_new(sizeof *machine);
    machine->config = *config;
    machine->log = log_new(stderr, config->verbose ? LOG_DEBUG : LOG_WARNING);
    machine->gate = gate_new();
    atomic_init(&machine->outside_status, -1);
    if (config->start_time_is_host)
        read_wall_clock(machine);
    if (config->script)
        script_capture(config->script, machine);
    if (!board_build(machine, err)) {
        machine_free(machine);
        return NULL;
    }
    if (config->ps_per_insn) {
        struct gate_event event = {.kind = GATE_RATE};
        event.u.picoseconds_per_insn = config->ps_per_insn;
        gate_deliver_now(machine->gate, &event, 0);
    }
    if (config->trace)
        trace_attach(config->trace, machine);
    board_map_state(machine);
    return machine;
}

void machine_free(struct machine *machine)
{
    if (!machine)
        return;
    if (machine->state)
        state_map_free(machine->state);
    board_free(machine);
    mem_free(machine->section_names);
    gate_free(machine->gate);
    log_free(machine->log);
    mem_free(machine);
}

struct gate *machine_gate(struct machine *machine)
{
    return machine->gate;
}

void machine_stop(struct machine *machine, int status)
{
    atomic_store(&machine->outside_status, status);
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

static void look_at_host(struct machine *machine)
{
    int status = atomic_load_explicit(&machine->outside_status, memory_order_relaxed);
    if (status >= 0)
        machine_request_stop(machine, STOP_OUTSIDE, status);
    uint64_t now = machine_host_time();
    if (machine->config.outside.poll && now - machine->last_poll_ns >= HOST_POLL_NS) {
        machine->last_poll_ns = now;
        machine->config.outside.poll(machine->config.outside.opaque);
    }
    if (machine->config.paced)
        pace(machine, now);
}

/* --- the guest's side --- */

static void reset_board(struct machine *machine)
{
    machine->reset_requested = false;
    machine->resets++;
    machine->cpu->attention &= ~(uint32_t)ATTENTION_STOP;
    cpu_reset(machine->cpu, false);
    bus_reset_devices(machine->bus, RESET_HARD);
}

static bool interrupts_enabled(const struct machine *machine)
{
    return machine->cpu->eflags & FLAG_IF;
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
    uint64_t now = clock_now(clock);
    uint64_t script_due = script_due_time(machine->config.script);
    uint64_t next = clock_next_deadline(clock);
    if (script_due < next)
        next = script_due;
    if ((is_dead || next == CLOCK_NEVER) && script_due == CLOCK_NEVER &&
        !gate_pending(machine->gate)) {
        if (!machine->config.interactive) {
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
    uint64_t script_due = script_due_time(machine->config.script);
    if (script_due < next)
        next = script_due;
    uint64_t budget = SLICE_INSNS;
    if (next != CLOCK_NEVER) {
        uint64_t until = clock_insns_until(clock, next);
        if (until < budget)
            budget = until;
    }
    if (machine->entry == ENTRY_NEAR)
        budget = 1;
    uint64_t icount = cpu_icount(machine->cpu);
    if (machine->config.stop_after - icount < budget)
        budget = machine->config.stop_after - icount;
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

static void run_turn(struct machine *machine)
{
    struct cpu *cpu = machine->cpu;
    if (machine->entry == ENTRY_NEAR)
        look_for_entry(machine);
    if (gate_pending(machine->gate))
        gate_deliver(machine->gate, cpu_icount(cpu));
    if (machine->reset_requested)
        reset_board(machine);
    clock_expire(bus_clock(machine->bus));
    if (machine->config.script && script_due_time(machine->config.script) <= machine_time(machine))
        script_step(machine->config.script, machine);
    if (machine->stop || gate_pending(machine->gate) || machine->reset_requested)
        return;
    if (cpu_icount(cpu) >= machine->config.stop_after) {
        machine_request_stop(machine, STOP_AFTER, EXIT_STATUS_OK);
        return;
    }
    cpu_service(cpu);
    if (machine->stop || machine->reset_requested)
        return;
    if (cpu->activity == CPU_RUNNING)
        run_slice(machine);
    else
        idle(machine);
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
        crash_print_fault(machine, &machine->stop_fault, stderr);
        break;
    case STOP_DEAD_HALT:
        fprintf(stderr,
                "anachron: the guest halted with interrupts off at cs:eip %04X:%08X after "
                "%llu instructions; nothing can wake it\n",
                machine->cpu->seg[SEG_CS].selector, machine->cpu->eip,
                (unsigned long long)cpu_icount(machine->cpu));
        break;
    default:
        break;
    }
}

int machine_run(struct machine *machine)
{
    machine->start_host_ns = machine->pace_host_ns = machine_host_time();
    machine->pace_virtual_ns = machine_time(machine);
    unsigned turns = 0;
    uint64_t looked_at = 0;
    while (!machine->stop) {
        run_turn(machine);
        /* The host's clock is read only now and then: turns may be very short. */
        uint64_t progress = cpu_icount(machine->cpu);
        if (progress - looked_at >= SLICE_INSNS || ++turns >= 64 ||
            machine->cpu->activity != CPU_RUNNING) {
            looked_at = progress;
            turns = 0;
            look_at_host(machine);
            while (machine->config.paced && !machine->stop && !gate_pending(machine->gate) &&
                   is_ahead(machine, machine_host_time()))
                look_at_host(machine);
        }
    }
    report_stop(machine);
    int status = machine->stop_status;
    if (machine->config.script && machine->stop != STOP_SCRIPT) {
        int script_status = script_finish(machine->config.script, machine);
        status = status ? status : script_status;
    }
    gate_close(machine->gate);
    return status;
}

void machine_print_stats(struct machine *machine, FILE *stream)
{
    uint64_t icount = cpu_icount(machine->cpu);
    uint64_t host = machine_host_time() - machine->start_host_ns;
    double seconds = (double)host / (double)NS_PER_SECOND;
    double busy = (double)(host - machine->slept_ns) / (double)NS_PER_SECOND;
    fprintf(stream, "instructions   %llu\n", (unsigned long long)icount);
    fprintf(stream, "virtual time   %.6f s, of it idle %.6f s\n",
            (double)machine_time(machine) / (double)NS_PER_SECOND,
            (double)machine->idle_ns / (double)NS_PER_SECOND);
    fprintf(stream, "host time      %.6f s, of it asleep %.6f s\n", seconds,
            (double)machine->slept_ns / (double)NS_PER_SECOND);
    fprintf(stream, "speed          %.1f million instructions a second\n",
            busy > 0 ? (double)icount / busy / 1e6 : 0.0);
    fprintf(stream, "TLB            %llu misses, %llu flushes\n",
            (unsigned long long)machine->cpu->mmu->misses,
            (unsigned long long)machine->cpu->mmu->flushes);
    fprintf(stream, "resets         %llu\n", (unsigned long long)machine->resets);
    fprintf(stream, "unimplemented  %u things reached\n", log_unimplemented_count(machine->log));
}
