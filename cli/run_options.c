#include "cli/run_options.h"

#include "base/bits.h"
#include "cli/options.h"
#include "machine/history.h"
#include "mmu/physmem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MIPS_MAX = 10000 };

#define PS_PER_SECOND    UINT64_C(1000000000000)
#define DEFAULT_RAM_SIZE (UINT64_C(128) << 20)

/* --- values --- */

/* 128M, 1G, 65536K; a plain number is MiB. False: it is not that, or not least to most bytes. */
static bool parse_size(const char *text, uint64_t least, uint64_t most, uint64_t *size)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    unsigned shift = 20;
    if (*end && !end[1]) {
        const char *unit = strchr("kmg", tolower((unsigned char)*end));
        if (!unit)
            return false;
        shift = *unit == 'k' ? 10 : *unit == 'm' ? 20 : 30;
        end++;
    }
    if (!isdigit((unsigned char)text[0]) || *end || errno || value > most ||
        value << shift > most || value << shift < least)
        return false;
    *size = value << shift;
    return true;
}

static bool take_memory(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    if (!parse_size(text, PHYSMEM_RAM_MIN, PHYSMEM_RAM_MAX, &options->ram_size))
        return error_set(err, "--memory %s: give a size such as 128M, from 1M to 3584M", text);
    options->has_memory = true;
    return options->ram_size % (1 << 20) == 0 ||
           error_set(err, "--memory %s: give whole MiB", text);
}

static bool take_history(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->history_bytes = 0;
    return strcmp(text, "none") == 0 ||
           parse_size(text, HISTORY_MIN, HISTORY_MAX, &options->history_bytes) ||
           error_set(err, "--history %s: give a size such as 96M, from 1M to 64G, or none", text);
}

static bool take_cpu(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->model = cpu_model_find(text);
    options->has_cpu = true;
    return options->model ||
           error_set(err, "--cpu %s: no such model; `anachron cpus` lists them", text);
}

static bool add(const char **list, unsigned *count, unsigned most, const char *text,
                const char *option, struct error *err)
{
    if (*count == most)
        return error_set(err, "%s: at most %u of them", option, most);
    list[(*count)++] = text;
    return true;
}

static bool take_floppy(void *target, const char *text, struct error *err)
{
    struct run_options *o = target;
    return add(o->floppy, &o->floppy_count, MACHINE_FLOPPIES, text, "--floppy", err);
}

static bool take_disk(void *target, const char *text, struct error *err)
{
    struct run_options *o = target;
    return add(o->disk, &o->disk_count, MACHINE_DISKS, text, "--disk", err);
}

static bool take_cdrom(void *target, const char *text, struct error *err)
{
    struct run_options *o = target;
    return add(o->cdrom, &o->cdrom_count, MACHINE_DISKS, text, "--cdrom", err);
}

static bool take_module(void *target, const char *text, struct error *err)
{
    struct run_options *o = target;
    return add(o->module, &o->module_count, MACHINE_MODULES, text, "--module", err);
}

static bool take_serial(void *target, const char *text, struct error *err)
{
    struct run_options *o = target;
    return add(o->serial, &o->serial_count, MACHINE_SERIALS, text, "--serial", err);
}

static bool take_boot(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    size_t have = strlen(options->boot), length = strlen(text);
    if (!length || have + length >= sizeof options->boot || strspn(text, "acd") != length)
        return error_set(err,
                         "--boot %s: give a (floppy), c (disk), d (CD-ROM), or several in "
                         "order",
                         text);
    strcat(options->boot, text);
    return true;
}

/* ":PORT" or ":HOST:PORT"; nothing: the port of the first screen, for this host only. */
static bool take_vnc(struct run_options *options, const char *text, struct error *err)
{
    const char *last = strrchr(text, ':');
    options->display = DISPLAY_VNC;
    options->vnc_address = !*text ? ":5900" : last == text ? text : text + 1;
    return !*text || (last[1] && strspn(last + 1, "0123456789") == strlen(last + 1)) ||
           error_set(err, "--display vnc%s: give vnc, vnc:PORT or vnc:HOST:PORT", text);
}

static bool take_display(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    if (strcmp(text, "sdl") == 0)
        options->display = DISPLAY_SDL;
    else if (strcmp(text, "term") == 0)
        options->display = DISPLAY_TERM;
    else if (strcmp(text, "none") == 0)
        options->display = DISPLAY_NONE;
    else if (strncmp(text, "vnc", 3) == 0 && (!text[3] || text[3] == ':'))
        return take_vnc(options, text + 3, err);
    else
        return error_set(err, "--display %s: give sdl, vnc, term or none", text);
    return true;
}

static bool take_vnc_password(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->vnc_password = text;
    return true;
}

static bool take_scale(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    bool ok = text[0] >= '1' && text[0] <= '8' && !text[1];
    options->scale = ok ? (unsigned)(text[0] - '0') : 0;
    return ok || error_set(err, "--scale %s: give 1 to 8", text);
}

static bool take_engine(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    if (strcmp(text, "interp") == 0)
        options->engine = ENGINE_INTERP;
    else if (strcmp(text, "jit") == 0)
        options->engine = ENGINE_JIT;
    else
        return error_set(err, "--engine %s: give jit or interp", text);
    return true;
}

static bool take_translator(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->translator = text;
    return true;
}

static bool take_clock(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->paced = strcmp(text, "paced") == 0;
    return options->paced || strcmp(text, "virtual") == 0 ||
           error_set(err, "--clock %s: give virtual or paced", text);
}

static bool take_mips(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    char *end;
    unsigned long mips = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || mips < 1 || mips > MIPS_MAX)
        return error_set(err, "--mips %s: give 1 to %d", text, MIPS_MAX);
    options->ps_per_insn = PS_PER_SECOND / (mips * 1000000);
    return true;
}

static bool take_date(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->has_date = true;
    options->date_is_host = strcmp(text, "host") == 0;
    if (options->date_is_host)
        return true;
    struct tm date = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &date);
    if (!end) {
        date = (struct tm){0};
        end = strptime(text, "%Y-%m-%d", &date);
    }
    if (!end || *end || date.tm_year < 80 || date.tm_year >= 200)
        return error_set(err, "--date %s: give 2026-01-01T00:00:00 (1980 to 2099), or host", text);
    options->date = timegm(&date);
    return true;
}

static bool take_stop_after(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    return options_count(text, &options->stop_after) ||
           error_set(err, "--stop-after %s: give a number of instructions", text);
}

static bool take_stop_on(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    if (strcmp(text, "halt") == 0)
        options->stop_on |= STOP_ON_HALT;
    else if (strcmp(text, "fault") == 0)
        options->stop_on |= STOP_ON_FAULT;
    else
        return error_set(err, "--stop-on %s: give halt or fault", text);
    return true;
}

static bool take_triple(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->reset_on_triple_fault = strcmp(text, "reset") == 0;
    return options->reset_on_triple_fault || strcmp(text, "stop") == 0 ||
           error_set(err, "--on-triple-fault %s: give stop or reset", text);
}

static bool take_mouse(void *target, const char *text, struct error *err)
{
    struct run_options *options = target;
    options->vmware_mouse = strcmp(text, "vmware") == 0;
    options->has_mouse = true;
    return options->vmware_mouse || strcmp(text, "ps2") == 0 ||
           error_set(err, "--mouse %s: give ps2 or vmware", text);
}

static bool take_net(void *target, const char *text, struct error *err)
{
    return strcmp(text, "none") == 0 ||
           error_set(err, "--net %s is not available in this version; use none", text);
}

static bool take_sound(void *target, const char *text, struct error *err)
{
    return strcmp(text, "none") == 0 ||
           error_set(err, "--sound %s is not available in this version; use none", text);
}

#define TAKE_STRING(member)                                                                        \
    static bool take_##member(void *target, const char *text, struct error *err)                   \
    {                                                                                              \
        ((struct run_options *)target)->member = text;                                             \
        return true;                                                                               \
    }

TAKE_STRING(bios)
TAKE_STRING(vga_bios)
TAKE_STRING(kernel)
TAKE_STRING(initrd)
TAKE_STRING(append)
TAKE_STRING(multiboot)
TAKE_STRING(debug_console)
TAKE_STRING(post)
TAKE_STRING(printer)
TAKE_STRING(script)
TAKE_STRING(screenshot)
TAKE_STRING(trace)
TAKE_STRING(control)
TAKE_STRING(record)
TAKE_STRING(load)
TAKE_STRING(gdb)

#define TAKE_FLAG(member)                                                                          \
    static bool take_##member(void *target, const char *text, struct error *err)                   \
    {                                                                                              \
        ((struct run_options *)target)->member = true;                                             \
        return true;                                                                               \
    }

TAKE_FLAG(stats)
TAKE_FLAG(perf_map)
TAKE_FLAG(fullscreen)
TAKE_FLAG(verbose)
TAKE_FLAG(help)

/* clang-format off */
static const struct option_row rows[] = {
    {"--memory", "SIZE", "memory, 1M to 3584M (128M)", take_memory},
    {"--cpu", "MODEL", "processor model (" CPU_MODEL_DEFAULT "); see `anachron cpus`", take_cpu},
    {"--bios", "FILE", "firmware image instead of the built-in one", take_bios},
    {"--vgabios", "FILE", "VGA option ROM", take_vga_bios},
    {"--floppy", "FILE[,OPTION]...", "diskette image; twice for two drives", take_floppy},
    {"--disk", "FILE[,OPTION]...", "hard disk image; up to four", take_disk},
    {"--cdrom", "FILE[,OPTION]...", "CD image", take_cdrom},
    {"--boot", "a|c|d", "boot from floppy, disk, CD; repeat for an order (acd)", take_boot},
    {"--kernel", "FILE", "start a Linux kernel (bzImage, zImage)", take_kernel},
    {"--initrd", "FILE", "its initial RAM disk", take_initrd},
    {"--append", "TEXT", "its command line, or the multiboot kernel's", take_append},
    {"--multiboot", "FILE", "start a multiboot 1 kernel", take_multiboot},
    {"--module", "\"FILE [ARGS]\"", "a module for it; repeatable", take_module},
    {"--serial", "WHERE", "COM1, then COM2: stdio, file:F, pty, tcp:HOST:PORT, none", take_serial},
    {"--debugcon", "WHERE", "ports E9h and 402h: stdio, file:F", take_debug_console},
    {"--post", "WHERE", "POST codes (ports 80h and 190h): stdio, file:F", take_post},
    {"--printer", "WHERE", "LPT1's output: stdio, file:F", take_printer},
    {"--display", "sdl|vnc|term|none", "where the screen is shown: a window, vnc[:[HOST:]PORT], the terminal",
     take_display},
    {"--vnc-password", "FILE", "viewers must know what the file's first line says", take_vnc_password},
    {"--scale", "N", "host pixels a pixel in the window, 1 to 8", take_scale},
    {"--fullscreen", NULL, "the window fills the screen", take_fullscreen},
    {"--translator", "S", "settings of the translator, for its tests", take_translator},
    {"--engine", "jit|interp", "how instructions are executed", take_engine},
    {"--clock", "virtual|paced", "as fast as possible, or no faster than real time", take_clock},
    {"--mips", "N", "million instructions in a second of virtual time (100)", take_mips},
    {"--date", "DATE|host", "the real-time clock at power-on (2026-01-01T00:00:00)", take_date},
    {"--script", "FILE", "drive the machine by a script", take_script},
    {"--control", "SOCKET", "take commands at a Unix socket; see `anachron ctl`", take_control},
    {"--gdb", "WHERE[,nowait]", "wait for gdb at unix:PATH or [HOST]:PORT; docs/debugging.md", take_gdb},
    {"--stop-after", "N", "stop after exactly N instructions", take_stop_after},
    {"--stop-on", "halt|fault", "stop at HLT with interrupts off, or at a fault", take_stop_on},
    {"--mouse", "ps2|vmware", "vmware: tell Linux of the VMware pointer, which needs no grab",
     take_mouse},
    {"--on-triple-fault", "stop|reset", "end with status 4 (stop), or reset as a PC does",
     take_triple},
    {"--screenshot", "FILE.png", "write the screen at the end", take_screenshot},
    {"--stats", NULL, "print statistics at the end", take_stats},
    {"--trace", "WHAT:FILE", "write every instruction (insn) or translated block (blocks, ir, asm)",
     take_trace},
    {"--perf-map", NULL, "write /tmp/perf-PID.map: names of translated blocks for perf", take_perf_map},
    {"--verbose", NULL, "log more", take_verbose},
    {"--net", "none", "network", take_net},
    {"--sound", "none", "sound", take_sound},
    {"--record", "FILE", "record the run, for `anachron replay`", take_record},
    {"--history", "SIZE", "host memory for going back in time (96M), or none", take_history},
    {"--load", "FILE", "go on from a saved state", take_load},
    {"--help", NULL, "this text", take_help},
    {0},
};
/* clang-format on */

static bool check(const struct run_options *options, struct error *err)
{
    if (options->kernel && options->multiboot)
        return error_set(err, "--kernel and --multiboot exclude each other");
    if (options->initrd && !options->kernel)
        return error_set(err, "--initrd goes with --kernel; a multiboot kernel takes --module");
    if (options->module_count && !options->multiboot)
        return error_set(err, "--module goes with --multiboot");
    if (options->append && !options->kernel && !options->multiboot)
        return error_set(err, "--append goes with --kernel or --multiboot");
    if (options->disk_count + options->cdrom_count > MACHINE_DISKS)
        return error_set(err, "--disk and --cdrom: there are %d places in all", MACHINE_DISKS);
    bool serial_stdio = false;
    for (unsigned i = 0; i < options->serial_count; i++)
        serial_stdio |= strcmp(options->serial[i], "stdio") == 0;
    if (options->display == DISPLAY_TERM && serial_stdio)
        return error_set(err,
                         "--display term and --serial stdio both want the terminal; use "
                         "--serial pty");
    return true;
}

bool run_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
{
    *options = (struct run_options){
        .model = cpu_model_find(CPU_MODEL_DEFAULT),
        .ram_size = DEFAULT_RAM_SIZE,
        .paced = -1,
        .stop_after = UINT64_MAX,
        .history_bytes = HISTORY_DEFAULT_BYTES,
    };
    return options_parse(argc, argv, rows, NULL, options, err) && check(options, err);
}

const struct option_row *run_option_find(const char *name)
{
    const struct option_row *row = rows;
    while (row->name && strcmp(row->name, name) != 0)
        row++;
    return row->name ? row : NULL;
}

bool run_option_check(const struct option_row *row, const char *value, struct error *err)
{
    struct run_options scratch = {0};
    if (!row->handler)
        return error_set(err, "%s is not available in this version", row->name);
    return row->handler(&scratch, value, err);
}

void run_options_help(FILE *stream)
{
    fputs("usage: anachron run [OPTION]...\n\nBoots a PC.\n\n", stream);
    options_help(rows, stream);
    fputs(
        "\nOptions of images: ,readonly ,snapshot ,geometry=C/H/S\n"
        "The man page anachron(1) says more, and describes scripts.\n",
        stream);
}
