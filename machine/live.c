/* What the machine shows to those who watch it, now and then while it runs. Nothing here can be
 * noticed by the guest. */
#include "base/time128.h"
#include "devices/post_card.h"
#include "devices/ps2_keyboard.h"
#include "devices/vmmouse.h"
#include "jit/jit.h"
#include "machine/history.h"
#include "machine/internal.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define SPEED_NS (500 * NS_PER_MILLISECOND)

const struct frame *machine_look(struct machine *machine)
{
    machine_render(machine, &machine->frame);
    return &machine->frame;
}

const char *machine_state_name(const struct machine *machine)
{
    if (machine->stop)
        return "ended";
    if (machine->paused)
        return "paused";
    bool is_dead = machine->cpu->activity == CPU_SHUTDOWN ||
                   (machine->cpu->activity != CPU_RUNNING && !(machine->cpu->eflags & FLAG_IF));
    return is_dead ? "halted" : "running";
}

void machine_fill_status(struct machine *machine, struct screen_status *status)
{
    *status = (struct screen_status){
        .paused = machine->paused,
        .ended = machine->stop != STOP_NONE,
        .absolute_pointer = vmmouse_is_absolute(machine->vmmouse),
        .keyboard_leds = ps2_keyboard_leds(machine->keyboard),
        .icount = machine_icount(machine),
        .virtual_ns = machine_time(machine),
        .mips = machine->mips,
        .percent = machine->percent,
    };
    memcpy(status->sectors, machine->sectors, sizeof status->sectors);
}

static void measure_speed(struct machine *machine, uint64_t host_now)
{
    uint64_t host = host_now - machine->speed_host_ns;
    if (host < SPEED_NS)
        return;
    uint64_t icount = machine_icount(machine), virtual = machine_time(machine);
    machine->mips = (double)(icount - machine->speed_icount) * 1e3 / (double)host;
    machine->percent = (double)(virtual - machine->speed_virtual_ns) * 100 / (double)host;
    machine->speed_host_ns = host_now;
    machine->speed_virtual_ns = virtual;
    machine->speed_icount = icount;
}

/* Bands of the shared frame as damage of it. */
static void draw_pixels(struct machine *machine, struct screen_damage *damage)
{
    struct frame *frame = screen_frame(machine->screen);
    machine_render(machine, frame);
    for (unsigned i = 0; i < frame->band_count; i++) {
        const struct frame_rectangle *band = &frame->band[i];
        screen_damage_add(damage,
                          &(struct screen_rectangle){band->x, band->y, band->width, band->height});
    }
}

void live_publish(struct machine *machine, uint64_t host_now, bool last)
{
    struct screen_status status;
    struct screen_damage damage = {0};
    measure_speed(machine, host_now);
    machine_fill_status(machine, &status);
    screen_set_status(machine->screen, &status);
    unsigned wanted = screen_begin(machine->screen, last);
    if (!wanted)
        return;
    if (wanted & SCREEN_PIXELS)
        draw_pixels(machine, &damage);
    if (wanted & SCREEN_TEXT)
        machine_text(machine, screen_text(machine->screen));
    screen_end(machine->screen, wanted, &damage);
}

/* --- statistics --- */

static void add(struct machine_stats *stats, const char *name, const char *unit, double value,
                bool is_whole)
{
    stats->stat[stats->count++] = (struct machine_stat){name, unit, value, is_whole};
}

void machine_get_stats(struct machine *machine, struct machine_stats *stats)
{
    uint64_t icount = cpu_icount(machine->cpu);
    uint64_t host = machine_host_time() - machine->start_host_ns;
    double busy = (double)(host - machine->slept_ns) / (double)NS_PER_SECOND;
    const double second = (double)NS_PER_SECOND;
    stats->count = 0;
    add(stats, "instructions", "", (double)icount, true);
    add(stats, "virtual time", "s", (double)machine_time(machine) / second, false);
    add(stats, "idle", "s of it", (double)machine->idle_ns / second, false);
    add(stats, "host time", "s", (double)host / second, false);
    add(stats, "asleep", "s of it", (double)machine->slept_ns / second, false);
    add(stats, "speed", "million instructions a second",
        busy > 0 ? (double)icount / busy / 1e6 : 0.0, false);
    add(stats, "TLB misses", "", (double)machine->cpu->mmu->misses, true);
    add(stats, "TLB flushes", "", (double)machine->cpu->mmu->flushes, true);
    add(stats, "resets", "", (double)machine->resets, true);
    uint8_t code;
    uint64_t codes = post_card_last(machine->post_card, &code);
    add(stats, "POST codes", "", (double)codes, true);
    if (codes)
        add(stats, "last POST code", "", code, true);
    add(stats, "floppy sectors", "", (double)machine->sectors[LIGHT_FLOPPY], true);
    add(stats, "disk sectors", "", (double)machine->sectors[LIGHT_DISK], true);
    add(stats, "CD sectors", "of 512 bytes", (double)machine->sectors[LIGHT_CDROM], true);
    struct history_info past;
    history_get_info(machine, &past);
    if (past.is_kept) {
        add(stats, "checkpoints", "made", (double)past.made, true);
        add(stats, "kept past", "s", (double)(past.newest_ns - past.oldest_ns) / second, false);
        add(stats, "past memory", "bytes", (double)past.bytes, true);
        add(stats, "pages saved", "for it", (double)past.pages, true);
        add(stats, "past cost", "s of host time", (double)past.host_ns / second, false);
    }
    add(stats, "unimplemented", "things reached", log_unimplemented_count(machine->log), true);
}

void machine_print_stats(struct machine *machine, FILE *stream)
{
    struct machine_stats stats;
    machine_get_stats(machine, &stats);
    for (unsigned i = 0; i < stats.count; i++) {
        const struct machine_stat *stat = &stats.stat[i];
        fprintf(stream, "%-14s %.*f%s%s\n", stat->name, stat->is_whole ? 0 : 6, stat->value,
                *stat->unit ? " " : "", stat->unit);
    }
    if (machine->jit)
        jit_print_stats(machine->jit, stream);
}
