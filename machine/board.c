/* The board: which chips there are, and the wires between them. */
#include "base/memory.h"
#include "cpu/insn.h"
#include "devices/a20_gate.h"
#include "devices/debug_console.h"
#include "devices/debug_exit.h"
#include "devices/ferr.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/i82077.h"
#include "devices/i8237.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/ide.h"
#include "devices/io_apic.h"
#include "devices/local_apic.h"
#include "devices/mc146818.h"
#include "devices/parallel.h"
#include "devices/piix3.h"
#include "devices/piix4_pm.h"
#include "devices/port61.h"
#include "devices/post_card.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "devices/vmmouse.h"
#include "machine/crash.h"
#include "machine/disk_past.h"
#include "machine/engine.h"
#include "machine/gdb.h"
#include "machine/internal.h"
#include "machine/meter.h"
#include "machine/wiring.h"

#include <stdio.h>

/* --- the processor's pins --- */

static void pin_intr(void *receiver, unsigned pin, bool level)
{
    cpu_set_intr(receiver, level);
}

static void pin_nmi(void *receiver, unsigned pin, bool level)
{
    if (level)
        cpu_pulse_nmi(receiver);
}

static void pin_init(void *receiver, unsigned pin, bool level)
{
    if (level)
        cpu_request_reset(receiver, true);
}

static uint8_t acknowledge(void *opaque)
{
    struct machine *machine = opaque;
    return local_apic_acknowledge(machine->local_apic);
}

static uint8_t acknowledge_pic(void *pic)
{
    return i8259_acknowledge(pic);
}

static void set_ferr(void *opaque, bool level)
{
    struct machine *machine = opaque;
    ferr_set(machine->ferr, level);
}

static bool get_ignne(void *opaque)
{
    const struct machine *machine = opaque;
    return ferr_ignne(machine->ferr);
}

static void set_apic_base(void *opaque, uint64_t value)
{
    struct machine *machine = opaque;
    local_apic_set_base(machine->local_apic, value);
}

static bool saw_fault(void *opaque)
{
    struct machine *machine = opaque;
    struct cpu *cpu = machine->cpu;
    if (machine->gdb)
        gdb_saw_fault(machine->gdb);
    if (!(machine->config.stop_on & STOP_ON_FAULT) || machine->stop)
        return false;
    machine->stop_fault = cpu_describe_fault(cpu);
    machine_request_stop(machine, STOP_FAULT, EXIT_STATUS_OK);
    return true;
}

enum { CMOS_SHUTDOWN = 0x0F, RESET_REPORTS = 8 };

/* Says that the guest resets the machine, as often as anybody wants to read it. Not where the guest
 * has told the firmware to go on behind the reset, as programs for the 286 do to leave protected
 * mode: that is no news, and happens often. */
static bool wants_report(struct machine *machine)
{
    return !mc146818_cmos_read(machine->rtc, CMOS_SHUTDOWN);
}

static bool prints_report(struct machine *machine)
{
    if (machine->muted)
        return false;
    machine->reset_reports++;
    if (machine->reset_reports == RESET_REPORTS + 1)
        fprintf(stderr, "anachron: the guest resets the machine again; no more of that\n");
    return machine->reset_reports <= RESET_REPORTS;
}

static void report_reset(struct machine *machine, const char *cause, uint32_t eip)
{
    if (!wants_report(machine))
        return;
    crash_note_reset(machine, cause, eip);
    if (prints_report(machine))
        crash_print_line(machine, stderr);
}

static void saw_triple_fault(void *opaque)
{
    struct machine *machine = opaque;
    bool resets = machine->config.reset_on_triple_fault;
    if (!resets || wants_report(machine))
        crash_note_triple_fault(machine);
    if (resets) {
        if (wants_report(machine) && prints_report(machine))
            crash_print(machine, stderr);
        machine->reset_requested = true;
        machine->cpu->attention |= ATTENTION_STOP;
        return;
    }
    if (machine->gdb && gdb_saw_crash(machine->gdb))
        return;
    machine_request_stop(machine, STOP_TRIPLE_FAULT, EXIT_STATUS_GUEST_CRASH);
}

/* The firmware's first instruction: is there a reset behind it? */
static void at_reset_vector(void *opaque)
{
    struct machine *machine = opaque;
    const struct delivery_ring *ring = &machine->cpu->deliveries;
    const struct delivery *last = &ring->entry[(ring->count - 1) % DELIVERIES];
    if (ring->count > ring->floor && last->kind >= DELIVERY_INIT &&
        last->icount == machine_icount(machine))
        return;
    report_reset(machine, "a jump to the reset vector", machine->cpu->eip);
}

/* --- what chips ask of the machine --- */

static void request_reset(void *opaque, bool cpu_only, const char *cause)
{
    struct machine *machine = opaque;
    report_reset(machine, cause, cpu_insn_eip(machine->cpu));
    if (cpu_only) {
        local_apic_init(machine->local_apic);
        return;
    }
    machine->reset_requested = true;
    machine->cpu->attention |= ATTENTION_STOP;
}

static void request_power_off(void *opaque)
{
    machine_request_stop(opaque, STOP_POWER_OFF, EXIT_STATUS_OK);
}

static void request_exit(void *opaque, uint32_t value)
{
    struct machine *machine = opaque;
    machine->exit_value = value;
    /* A process's exit status has eight bits; what does not fit must not look like success. */
    uint32_t status = value < UINT8_MAX - EXIT_STATUS_DEBUG_EXIT_BASE
                          ? EXIT_STATUS_DEBUG_EXIT_BASE + value
                          : UINT8_MAX;
    machine_request_stop(machine, STOP_DEBUG_EXIT, value ? (int)status : EXIT_STATUS_OK);
}

static uint64_t icount(void *opaque)
{
    return cpu_icount(opaque);
}

static void clock_interrupt(void *opaque)
{
    struct cpu *cpu = opaque;
    cpu->attention |= ATTENTION_CLOCK;
}

/* The registers of the guest that reads the port, if it does so by IN EAX, DX. */
static bool get_registers(void *opaque, struct vmmouse_registers *registers)
{
    enum { IN_EAX_DX = 0xED };
    const struct cpu *cpu = opaque;
    *registers = (struct vmmouse_registers){cpu->gpr[REG_EAX], cpu->gpr[REG_EBX], cpu->gpr[REG_ECX],
                                            cpu->gpr[REG_EDX]};
    return cpu->current->opcode == IN_EAX_DX;
}

static void set_registers(void *opaque, const struct vmmouse_registers *registers)
{
    struct cpu *cpu = opaque;
    cpu->gpr[REG_EBX] = registers->ebx;
    cpu->gpr[REG_ECX] = registers->ecx;
    cpu->gpr[REG_EDX] = registers->edx;
}

/* --- building --- */

enum { PIIX3_DEVICE = 1 }; /* on the PCI bus */

static void build_processor(struct machine *machine)
{
    machine->bus = bus_new(machine->log);
    machine->phys = physmem_new(machine->bus, machine->config.ram_size);
    struct cpu *cpu = machine->cpu = cpu_new(machine->config.model, machine->phys, machine->bus);
    cpu->host = (struct cpu_host){
        .opaque = machine,
        .acknowledge = acknowledge,
        .set_ferr = set_ferr,
        .ignne = get_ignne,
        .apic_base = set_apic_base,
        .fault = saw_fault,
        .triple_fault = saw_triple_fault,
        .reset_vector = at_reset_vector,
    };
    bus_set_host(machine->bus, &(struct bus_host){
                                   .opaque = machine,
                                   .request_reset = request_reset,
                                   .request_power_off = request_power_off,
                                   .request_exit = request_exit,
                               });
    clock_set_source(bus_clock(machine->bus), &(struct clock_source){icount, clock_interrupt, cpu});
}

static struct irq_line isa_irq(struct machine *machine, unsigned irq)
{
    return wiring_irq(machine->wiring, irq, WIRING_ISA);
}

static void build_interrupts(struct machine *machine)
{
    struct bus *bus = machine->bus;
    struct cpu *cpu = machine->cpu;
    machine->wiring = wiring_new(bus);
    struct local_apic_wires pins = {
        .intr = {pin_intr, cpu, 0},
          .nmi = {pin_nmi,  cpu, 0},
          .init = {pin_init, cpu, 0}
    };
    machine->local_apic = local_apic_new(bus, &pins, model_has(machine->config.model, FEAT_APIC));
    machine->io_apic = io_apic_new(bus, machine->local_apic);
    struct irq_line lint0 = local_apic_lint(machine->local_apic, 0);
    wiring_connect_intr(machine->wiring, &lint0);
    struct irq_line intr = wiring_pic_intr(machine->wiring);
    machine->pic = i8259_new(bus, &intr);
    local_apic_connect_extint(machine->local_apic, acknowledge_pic, machine->pic);
    wiring_connect(machine->wiring, machine->pic, machine->io_apic);
}

static void build_timers(struct machine *machine)
{
    struct bus *bus = machine->bus;
    struct irq_line irq0 = isa_irq(machine, 0), irq8 = isa_irq(machine, 8);
    struct irq_line irq13 = isa_irq(machine, 13);
    struct irq_line nmi = local_apic_lint(machine->local_apic, 1);
    struct i8254 *pit = i8254_new(bus, &irq0);
    struct port61 *port61 = port61_new(bus, pit, &nmi);
    machine->rtc = mc146818_new(bus, &irq8, (uint64_t)machine->config.start_time);
    struct irq_line mask = port61_nmi_mask(port61);
    mc146818_connect_nmi_mask(machine->rtc, &mask);
    machine->ferr = ferr_new(bus, &irq13);
}

static void build_pci(struct machine *machine, struct a20_gate *a20)
{
    struct bus *bus = machine->bus;
    machine->pci = pci_new(bus);
    struct i440fx_config bridge = {
        .ram = physmem_ram(machine->phys),
        .ram_size = machine->config.ram_size,
    };
    i440fx_new(bus, machine->pci, &bridge);
    struct irq_line pirq[PIIX3_ISA_IRQ_COUNT];
    for (unsigned irq = 0; irq < PIIX3_ISA_IRQ_COUNT; irq++)
        pirq[irq] = wiring_irq(machine->wiring, irq, WIRING_PIRQ);
    struct piix3 *piix3 = piix3_new(bus, machine->pci, a20, pirq);
    struct irq_line sci = piix3_sci_line(piix3);
    machine->pm = piix4_pm_new(bus, machine->pci, &sci);
    machine->vga = vga_new(bus, machine->pci, machine->vga_rom, machine->vga_rom_size);
}

static void build_keyboard(struct machine *machine, struct a20_gate *a20)
{
    struct bus *bus = machine->bus;
    struct irq_line irq1 = isa_irq(machine, 1), irq12 = isa_irq(machine, 12);
    machine->keyboard = ps2_keyboard_new(bus);
    machine->mouse = ps2_mouse_new(bus);
    i8042_new(bus, a20, &irq1, &irq12, ps2_keyboard_port(machine->keyboard),
              ps2_mouse_port(machine->mouse));
    struct vmmouse_processor processor = {machine->cpu, get_registers, set_registers};
    machine->vmmouse = vmmouse_new(bus, machine->mouse, &processor, machine->config.vmware_mouse);
}

static void build_characters(struct machine *machine)
{
    struct bus *bus = machine->bus;
    struct irq_line irq4 = isa_irq(machine, 4), irq3 = isa_irq(machine, 3);
    struct irq_line irq7 = isa_irq(machine, 7);
    machine->serial[0] = uart16550_new(bus, 0x3F8, &irq4, machine->config.serial[0]);
    machine->serial[1] = uart16550_new(bus, 0x2F8, &irq3, machine->config.serial[1]);
    parallel_new(bus, 0x378, &irq7, machine->config.printer);
    debug_console_new(bus, machine->config.debug_console);
    debug_exit_new(bus);
}

static void build_storage(struct machine *machine)
{
    const struct machine_config *config = &machine->config;
    struct i8237 *dma = i8237_new(machine->bus);
    machine->post_card = post_card_new(machine->bus, config->post);
    machine->floppy = i82077_new(machine->bus, isa_irq(machine, 6), dma);
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++) {
        struct disk_backend *disk = config->floppy[i].disk;
        if (!config->floppy[i].present)
            continue;
        i82077_set_drive(machine->floppy, i,
                         disk ? i82077_drive_for(disk->sector_count) : FLOPPY_DRIVE_1440K);
        machine->medium[i] =
            meter_new(disk_past_layer(machine->disk_past, disk), &machine->sectors[LIGHT_FLOPPY]);
        i82077_insert(machine->floppy, i, machine->medium[i]);
    }
    machine->ide = ide_new(machine->bus, machine->pci, PIIX3_DEVICE, isa_irq(machine, 14),
                           isa_irq(machine, 15));
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        const struct drive_config *drive = &config->drive[i];
        if (!drive->present)
            continue;
        enum screen_light light = drive->is_cdrom ? LIGHT_CDROM : LIGHT_DISK;
        struct disk_backend *disk =
            meter_new(disk_past_layer(machine->disk_past, drive->disk), &machine->sectors[light]);
        machine->disk[i] = disk;
        if (drive->is_cdrom)
            ide_attach_cdrom(machine->ide, i / IDE_UNITS, i % IDE_UNITS, disk);
        else
            ide_attach_disk(machine->ide, i / IDE_UNITS, i % IDE_UNITS, disk);
        /* What the disc in the first drive is, is the drive's own affair from now on. */
        if (i == machine_cdrom_place(machine)) {
            machine->medium[GATE_CDROM] = disk;
            machine->disk[i] = NULL;
        }
    }
}

bool board_build(struct machine *machine, struct error *err)
{
    build_processor(machine);
    machine->disk_past = disk_past_new();
    if (!rom_map(machine, err))
        return false;
    build_interrupts(machine);
    build_timers(machine);
    struct a20_gate *a20 = a20_gate_new(machine->bus);
    build_pci(machine, a20);
    build_keyboard(machine, a20);
    build_characters(machine);
    build_storage(machine);
    machine->fw_cfg = fw_cfg_new(machine->bus);
    input_connect(machine);
    bus_reset_devices(machine->bus, RESET_POWER_ON);
    cpu_reset(machine->cpu, false);
    cmos_fill(machine);
    return engine_start(machine, err) && platform_fill(machine, err);
}

void board_free(struct machine *machine)
{
    /* The processor lets go of the physical memory, which belongs to the bus's ranges. */
    jit_free(machine->jit);
    if (machine->cpu)
        cpu_free(machine->cpu);
    if (machine->phys)
        physmem_free(machine->phys);
    if (machine->bus)
        bus_free(machine->bus);
    mem_free(machine->firmware);
    mem_free(machine->vga_rom);
    mem_free(machine->handoff_rom);
    for (unsigned i = 0; i < GATE_DRIVE_COUNT; i++) {
        if (machine->inserted[i])
            machine->medium[i]->ops->close(machine->medium[i]);
        else
            meter_free(machine->medium[i]);
    }
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        meter_free(machine->disk[i]);
    disk_past_free(machine->disk_past);
}
