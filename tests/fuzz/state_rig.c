/* See tests/fuzz/state_rig.h. What the chips are to be doing is said to their ports from here, as
 * a guest would. */
#include "tests/fuzz/state_rig.h"

#include "base/bits.h"
#include "base/memory.h"
#include "cpu/model.h"
#include "devices/ide.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "machine/commands.h"
#include "machine/internal.h"
#include "machine/job.h"
#include "machine/pack.h"
#include "snapshot/state_private.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

enum { RAM_SIZE = 1 << 20, WARM_INSNS = 200000 };

extern const uint8_t state_guest_image[];
extern const uint32_t state_guest_image_size;

/* --- disks: nothing may be asked of them that they do not have --- */

static void check_range(const struct disk_backend *disk, uint64_t lba, uint32_t count)
{
    fuzz_check(lba <= disk->sector_count && count <= disk->sector_count - lba);
}

static bool disk_read(struct disk_backend *disk, uint64_t lba, uint32_t count, void *bytes,
                      struct error *err)
{
    check_range(disk, lba, count);
    memset(bytes, (int)lba, (size_t)count * DISK_SECTOR_SIZE);
    return true;
}

static bool disk_write(struct disk_backend *disk, uint64_t lba, uint32_t count, const void *bytes,
                       struct error *err)
{
    uint8_t sum = 0;
    check_range(disk, lba, count);
    fuzz_check(!disk->read_only);
    for (size_t i = 0; i < (size_t)count * DISK_SECTOR_SIZE; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    return sum || true;
}

static bool disk_flush(struct disk_backend *disk, struct error *err)
{
    return true;
}

static const struct disk_backend_ops disk_ops = {
    .read = disk_read, .write = disk_write, .flush = disk_flush};
static struct disk_backend hard_disk = {.ops = &disk_ops, .sector_count = 20000, .name = "disk"};
static struct disk_backend locked_disk = {
    .ops = &disk_ops, .sector_count = 5000, .read_only = true, .name = "locked"};
static struct disk_backend disc = {
    .ops = &disk_ops, .sector_count = 4000, .read_only = true, .name = "disc"};
static struct disk_backend diskette = {.ops = &disk_ops, .sector_count = 2880, .name = "floppy"};

static void swallow(struct char_backend *chars, const uint8_t *bytes, size_t size)
{
    fuzz_check(size > 0);
}

static struct machine *new_machine(enum engine engine)
{
    static const struct char_backend_ops ops = {swallow, NULL};
    static struct char_backend nowhere = {&ops};
    struct error err;
    struct machine_config config = {
        .model = cpu_model_find("pentium3"),
        .engine = engine,
        .ram_size = RAM_SIZE,
        .firmware = {(uint8_t *)state_guest_image, state_guest_image_size, "state_guest"},
        .floppy = {{true, false, &diskette},                            {true, false, NULL}                          },
        .drive = {{true, false, &hard_disk},                            {true, false, &locked_disk},{true, true, &disc}},
        .serial = {&nowhere,         &nowhere                               },
        .printer = &nowhere,
        .stop_after = UINT64_MAX,
        .reset_on_triple_fault = true,
    };
    struct machine *machine = machine_new(&config, &err);
    if (!machine && engine == ENGINE_JIT) /* not on this host */
        return new_machine(ENGINE_INTERP);
    fuzz_check(machine);
    return machine;
}

/* --- moments --- */

static void out(struct machine *machine, uint16_t port, uint32_t value, unsigned size)
{
    bus_port_write(machine->bus, port, value, size);
}

static void out_all(struct machine *machine, uint16_t port, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out(machine, port, bytes[i], 1);
}

static void pci_write(struct machine *machine, uint32_t address, uint32_t value)
{
    out(machine, 0xCF8, 0x80000000 | address, 4);
    out(machine, 0xCFC, value, 4);
}

/* What firmware does: windows and ports are decoded. */
static void configure(struct machine *machine)
{
    pci_write(machine, 0x0904, 5); /* IDE */
    pci_write(machine, 0x0940, 0x80008000);
    pci_write(machine, 0x0920, 0xC001);
    pci_write(machine, 0x0B40, 0xB001); /* power management */
    pci_write(machine, 0x0B80, 1);
    pci_write(machine, 0x1004, 3); /* VGA */
    pci_write(machine, 0x1010, 0xE0000000);
    out(machine, 0x70, 0x0A, 1);
    out(machine, 0x71, 0x26, 1);
    out(machine, 0x70, 0x0B, 1);
    out(machine, 0x71, 0x52, 1);
}

static void start_serial(struct machine *machine)
{
    static const uint8_t text[300] = "from outside";
    static const uint8_t setup[] = {0x01, 0x0F, 0xC7, 0x83, 0x0B};
    out(machine, 0x3FB, setup[3], 1);
    out(machine, 0x3F8, 12, 1);
    out(machine, 0x3FB, 3, 1);
    out(machine, 0x3FA, setup[2], 1);
    out(machine, 0x3F9, setup[1], 1);
    out(machine, 0x3FC, setup[4], 1);
    uart16550_receive(machine->serial[0], text, sizeof text);
    uart16550_receive(machine->serial[1], text, 5);
    out_all(machine, 0x3F8, text, 10);
    out_all(machine, 0x2F8, text, 2);
}

static void start_input(struct machine *machine)
{
    out(machine, 0x64, 0x60, 1);
    out(machine, 0x60, 0x47, 1);
    ps2_keyboard_key(machine->keyboard, KEY_PAUSE, true);
    ps2_keyboard_key(machine->keyboard, KEY_LEFT_SHIFT, true);
    out(machine, 0x64, 0xD4, 1);
    out(machine, 0x60, 0xF4, 1);
    ps2_mouse_move(machine->mouse, 300, -200, 1, 1);
}

/* A disk that takes a block, and a CD-ROM that has a packet to answer. */
static void start_ide(struct machine *machine)
{
    static const uint8_t write[] = {4, 100, 0, 0, 0xE0, 0x30};
    static const uint8_t packet[] = {0x00, 0x08, 0xA0};
    static const uint16_t read_10[] = {0x0028, 0, 0x0500, 0, 0x0008, 0};
    for (unsigned i = 0; i < sizeof write; i++)
        out(machine, (uint16_t)(0x1F2 + i), write[i], 1);
    for (unsigned i = 0; i < 100; i++)
        out(machine, 0x1F0, i, 2);
    out(machine, 0x176, 0xA0, 1);
    out(machine, 0x171, 0, 1);
    out(machine, 0x174, packet[0], 1);
    out(machine, 0x175, packet[1], 1);
    out(machine, 0x177, packet[2], 1);
    machine_run_to(machine, machine_icount(machine) + 1000);
    for (unsigned i = 0; i < 6; i++)
        out(machine, 0x170, read_10[i], 2);
}

/* The second disk waits for the bus master, the floppy controller for DMA. */
static void start_dma(struct machine *machine)
{
    static const uint8_t read[] = {4, 50, 0, 0, 0xF0, 0xC8};
    static const uint8_t table[16] = {0, 0, 1, 0, 0, 2, 0, 0x80};
    bus_write_memory(machine->bus, 0x9000, table, sizeof table);
    for (unsigned i = 0; i < sizeof read; i++)
        out(machine, (uint16_t)(0x1F2 + i), read[i], 1);
    out(machine, 0xC004, 0x9000, 4);
    out(machine, 0xC000, 9, 1);
}

static void start_floppy(struct machine *machine)
{
    static const uint8_t setup[] = {0x03, 0xDF, 0x02}, seek[] = {0x0F, 0, 5};
    static const uint8_t read[] = {0xE6, 0, 5, 0, 1, 2, 18, 0x1B, 0xFF};
    out(machine, 0x3F2, 0x1C, 1);
    machine_run_to(machine, machine_icount(machine) + 20000);
    out(machine, 0x3F7, 0, 1);
    out_all(machine, 0x3F5, setup, sizeof setup);
    out_all(machine, 0x3F5, seek, sizeof seek);
    machine_run_to(machine, machine_icount(machine) + 300000);
    out(machine, 0x3F5, 8, 1);
    bus_port_read(machine->bus, 0x3F5, 1);
    bus_port_read(machine->bus, 0x3F5, 1);
    out(machine, 0x0B, 0x46, 1);
    out(machine, 0x04, 0, 1);
    out(machine, 0x04, 0x90, 1);
    out(machine, 0x05, 0xFF, 1);
    out(machine, 0x05, 0x11, 1);
    out(machine, 0x0A, 2, 1);
    out_all(machine, 0x3F5, read, sizeof read);
}

static void start_vga(struct machine *machine)
{
    static const uint16_t mode[][2] = {
        {1, 800 },
        {2, 600 },
        {3, 16  },
        {4, 0x41},
        {6, 1024}
    };
    out(machine, 0x3C2, 0x67, 1);
    out(machine, 0x3C0, 0x20, 1);
    for (unsigned i = 0; i < sizeof mode / sizeof *mode; i++) {
        out(machine, 0x1CE, mode[i][0], 2);
        out(machine, 0x1CF, mode[i][1], 2);
    }
}

static void keep(struct machine *machine, struct rig_moment *moment)
{
    size_t size;
    moment->ram = mem_new(RAM_SIZE);
    memcpy(moment->ram, machine_ram(machine, &size), RAM_SIZE);
    machine_pack(machine, &moment->state);
}

static void make_moments(struct rig *rig, struct machine *machine)
{
    machine_run_to(machine, WARM_INSNS);
    keep(machine, &rig->moments[0]);
    configure(machine);
    start_serial(machine);
    start_input(machine);
    start_ide(machine);
    keep(machine, &rig->moments[1]);
    start_floppy(machine);
    keep(machine, &rig->moments[2]);
    start_vga(machine);
    machine_run_to(machine, machine_icount(machine) + 3000);
    keep(machine, &rig->moments[3]);
    out(machine, 0x3F6, 4, 1);
    out(machine, 0x3F6, 0, 1);
    machine_run_to(machine, machine_icount(machine) + 10000);
    start_dma(machine);
    keep(machine, &rig->moments[4]);
}

/* --- fields --- */

static void note_field(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    struct rig *rig = context;
    rig->fields = mem_resize(rig->fields, (rig->field_count + 2) * sizeof *rig->fields);
    struct rig_field *field = &rig->fields[rig->field_count++];
    field->size = element_size;
    field->count = count;
    field[1].offset = field->offset + (size_t)element_size * count;
}

static void find_fields(struct rig *rig, const struct state_map *map)
{
    rig->fields = mem_new(sizeof *rig->fields);
    rig->fields[0].offset = sizeof(uint64_t); /* behind the schema */
    for (size_t i = 0; i < map->count; i++) {
        const struct section *section = &map->sections[i];
        if (section->kind == SECTION_STRUCT)
            field_walk(section->fields, section->base, note_field, rig);
    }
}

struct rig *rig_new(void)
{
    struct rig *rig = mem_new(sizeof *rig);
    rig->machines[0] = new_machine(ENGINE_INTERP);
    rig->machines[1] = new_machine(ENGINE_JIT);
    find_fields(rig, rig->machines[0]->state);
    make_moments(rig, rig->machines[0]);
    return rig;
}

void rig_load(struct machine *machine, const struct rig_moment *moment)
{
    struct error err;
    size_t size;
    memcpy((uint8_t *)machine_ram(machine, &size), moment->ram, RAM_SIZE);
    machine_forget_code(machine);
    machine->stop = STOP_NONE;
    machine->reset_requested = false;
    fuzz_check(machine_unpack(machine, moment->state.bytes, moment->state.size, &err));
}

static void on_answer(void *opaque, const struct control_outcome *outcome)
{
    fuzz_check(outcome->result || *outcome->err->text);
}

static void command(struct machine *machine, unsigned number, uint32_t value)
{
    static const struct {
        const char *name, *rest;
        uint32_t most; /* of the argument; 0: it takes none */
    } commands[] = {
        {"memory",      "4096",        UINT32_MAX},
        {"memory",      "4096 linear", UINT32_MAX},
        {"disassemble", "20",          UINT32_MAX},
        {"disassemble", "",            0         },
        {"registers",   "",            0         },
        {"regs",        "",            0         },
        {"stack",       "64",          0         },
        {"pages",       "",            UINT32_MAX},
        {"pages",       "",            0         },
        {"gdt",         "",            0         },
        {"gdt",         "",            UINT16_MAX},
        {"ldt",         "",            UINT16_MAX},
        {"idt",         "",            255       },
        {"idt",         "",            0         },
        {"tss",         "",            0         },
        {"tss",         "",            UINT16_MAX},
        {"devices",     "",            0         },
        {"interrupts",  "",            0         },
        {"crash",       "",            0         },
        {"frame",       "",            0         },
        {"status",      "",            0         },
        {"stats",       "",            0         },
        {"state",       "",            0         },
    };
    struct command_call call;
    struct error err = {""};
    char line[96], argument[16] = "";
    number %= ARRAY_LENGTH(commands);
    if (commands[number].most)
        snprintf(argument, sizeof argument, "0x%x", value & commands[number].most);
    int length = snprintf(line, sizeof line, "%s %s %s", commands[number].name, argument,
                          commands[number].rest);
    if (!command_parse_line(machine_commands(), line, (size_t)length, false, &call, &err)) {
        fuzz_check(*err.text); /* a range beyond the last address */
        return;
    }
    control_post(machine->control, &call, on_answer, NULL);
    jobs_step(machine->jobs, machine);
}

void rig_look(struct machine *machine, unsigned number, uint32_t value)
{
    command(machine, number, value);
    static struct screen_text text;
    static struct frame frame;
    vga_render(machine->vga, &frame);
    vga_text(machine->vga, &text);
    fuzz_check(text.rows <= SCREEN_MAX_ROWS && text.columns <= SCREEN_MAX_COLUMNS);
}
