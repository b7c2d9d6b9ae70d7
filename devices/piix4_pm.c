#include "devices/piix4_pm.h"

#include "base/bits.h"
#include "base/memory.h"
#include "base/time128.h"
#include "devices/smbus_host.h"

/* Configuration registers, section 7.1. */
enum {
    PMBA = 0x40,
    DEVACTB = 0x58,
    PMREGMISC = 0x80,
    PMREGMISC_PMIOSE = 1 << 0,
    SMBBA = 0x90,
    SMBHSTCFG = 0xD2,
    SMBHSTCFG_ENABLE = 1 << 0,
    SMBHSTCFG_IRQ9 = 0x08, /* INTRSEL 100b: the SCI's IRQ 9; 000b is SMI# */
    SMBHSTCFG_INTRSEL = 0x0E,
};

/* Power management I/O, section 7.2. */
enum {
    PMSTS = 0x00,
    PMEN = 0x02,
    PMCNTRL = 0x04,
    PMTMR = 0x08,
    GPSTS = 0x0C,
    GPEN = 0x0E,
    PCNTRL = 0x10,
    PLVL2 = 0x14,
    PLVL3 = 0x15,
    GLBSTS = 0x18,
    DEVSTS = 0x1C,
    GLBEN = 0x20,
    GLBCTL = 0x28,
    DEVCTL = 0x2C,
    GPIREG = 0x30,
    GPOREG = 0x34,
    PM_IO_SIZE = 0x40,
};

enum {
    PM_TMROF = 1 << 0,
    PM_GBL = 1 << 5,
    PM_PWRBTN = 1 << 8,
    PM_RTC = 1 << 10,
    PM_RSM = 1 << 15,
    PMSTS_BITS = PM_TMROF | PM_GBL | PM_PWRBTN | PM_RTC | PM_RSM,
    PMEN_BITS = PM_TMROF | PM_GBL | PM_PWRBTN | PM_RTC,
    PMCNTRL_SCI_EN = 1 << 0,
    PMCNTRL_GBL_RLS = 1 << 2,
    PMCNTRL_SUS_EN = 1 << 13,
    PMCNTRL_BITS = 0x1C03, /* SUS_TYP, BRLD_EN_BM, SCI_EN; the others are write-only */
    GP_BITS = 0x0F01,      /* LID, RI, GPI, USB, THRM */
    GLBSTS_BIOS = 1 << 0,
    GLBSTS_BITS = 0x0D,
    GLBCTL_BIOS_RLS = 1 << 1,
};

enum {
    APMC = 0xB2,
    /* Where firmware written for QEMU's PIIX4 machine (SeaBIOS with its built-in ACPI tables)
     * expects GPE0: a status and an enable word. */
    GPE0_FIXED = 0xAFE0,
    GPE0_FIXED_SIZE = 4,
};

#define PM_TIMER_HERTZ     UINT64_C(3579545)
#define PM_TIMER_BITS_MASK UINT32_C(0x00FFFFFF)
#define PM_TIMER_HALF      (UINT64_C(1) << 23) /* ticks between changes of the top bit */

struct piix4_pm {
    uint16_t status, enable, control;
    uint16_t gp_status, gp_enable;
    uint16_t fixed_status, fixed_enable; /* at GPE0_FIXED */
    uint32_t processor_control, device_status, device_control, global_control;
    uint32_t general_output;
    uint16_t global_status, global_enable;
    uint8_t apm_control, apm_status;
    bool smbus_interrupt;
    bool sci_level;
    struct timer overflow;
    struct smbus_host smbus;

    struct bus *bus;
    struct clock *clock;
    struct pci_function *function;
    struct irq_line sci;
    uint32_t pm_mapped, smbus_mapped; /* first port, 0: not mapped */
};

static const struct field piix4_pm_fields[] = {
    FIELD(struct piix4_pm, status),
    FIELD(struct piix4_pm, enable),
    FIELD(struct piix4_pm, control),
    FIELD(struct piix4_pm, gp_status),
    FIELD(struct piix4_pm, gp_enable),
    FIELD(struct piix4_pm, fixed_status),
    FIELD(struct piix4_pm, fixed_enable),
    FIELD(struct piix4_pm, processor_control),
    FIELD(struct piix4_pm, device_status),
    FIELD(struct piix4_pm, device_control),
    FIELD(struct piix4_pm, global_control),
    FIELD(struct piix4_pm, general_output),
    FIELD(struct piix4_pm, global_status),
    FIELD(struct piix4_pm, global_enable),
    FIELD(struct piix4_pm, apm_control),
    FIELD(struct piix4_pm, apm_status),
    FIELD(struct piix4_pm, smbus_interrupt),
    FIELD(struct piix4_pm, sci_level),
    FIELD_STRUCT(struct piix4_pm, overflow, timer_fields),
    FIELD_STRUCT(struct piix4_pm, smbus, smbus_host_fields),
    FIELD_TRANSIENT(struct piix4_pm, bus),
    FIELD_TRANSIENT(struct piix4_pm, clock),
    FIELD_TRANSIENT(struct piix4_pm, function),
    FIELD_TRANSIENT(struct piix4_pm, sci),
    FIELD_TRANSIENT(struct piix4_pm, pm_mapped),
    FIELD_TRANSIENT(struct piix4_pm, smbus_mapped),
    FIELD_END,
};

/* --- interrupts and events --- */

static void update_sci(struct piix4_pm *pm)
{
    bool events = (pm->status & pm->enable & PMEN_BITS) || (pm->gp_status & pm->gp_enable) ||
                  (pm->fixed_status & pm->fixed_enable);
    bool level = events && (pm->control & PMCNTRL_SCI_EN);
    uint32_t smbus_route = pci_config_get(pm->function, SMBHSTCFG, 1) & SMBHSTCFG_INTRSEL;
    level |= pm->smbus_interrupt && smbus_route == SMBHSTCFG_IRQ9;
    if (level == pm->sci_level)
        return;
    pm->sci_level = level;
    irq_set(&pm->sci, level);
}

static void smbus_interrupt(void *receiver, unsigned pin, bool level)
{
    struct piix4_pm *pm = receiver;
    pm->smbus_interrupt = level;
    update_sci(pm);
}

void piix4_pm_power_button(struct piix4_pm *pm)
{
    pm->status |= PM_PWRBTN;
    update_sci(pm);
}

static void arm_overflow(struct piix4_pm *pm)
{
    uint64_t ticks = clock_ticks(pm->clock, PM_TIMER_HERTZ);
    uint64_t next = (ticks / PM_TIMER_HALF + 1) * PM_TIMER_HALF;
    timer_arm(&pm->overflow, muldiv64_up(next, NS_PER_SECOND, PM_TIMER_HERTZ));
}

/* TMROF_STS is set whenever the top bit of the 24-bit counter changes. */
static void timer_overflowed(void *device)
{
    struct piix4_pm *pm = device;
    pm->status |= PM_TMROF;
    arm_overflow(pm);
    update_sci(pm);
}

/* --- sleeping --- */

static void enter_sleep(struct piix4_pm *pm)
{
    unsigned type = bits_get(pm->control, 12, 10);
    if (type == 0) {
        bus_request_power_off(pm->bus);
        return;
    }
    /* The clocks cannot be stopped from here: the guest goes on as if woken at once. */
    log_unimplemented(bus_log(pm->bus), "piix4_pm", type, "sleep type %u: resumed at once", type);
    pm->status |= PM_RSM;
    update_sci(pm);
}

static void control_write(struct piix4_pm *pm, uint16_t value)
{
    pm->control = value & PMCNTRL_BITS;
    if (value & PMCNTRL_GBL_RLS)
        pm->global_status |= GLBSTS_BIOS;
    update_sci(pm);
    if (value & PMCNTRL_SUS_EN)
        enter_sleep(pm);
}

/* --- power management registers, by aligned word --- */

static uint16_t half(uint32_t value, uint32_t offset)
{
    return (uint16_t)(offset & 2 ? value >> 16 : value);
}

static uint32_t with_half(uint32_t old, uint32_t offset, uint16_t value)
{
    return offset & 2 ? (old & 0xFFFF) | (uint32_t)value << 16 : (old & 0xFFFF0000) | value;
}

static uint16_t register_read(struct piix4_pm *pm, uint32_t offset)
{
    switch (offset & ~UINT32_C(2)) {
    case PMSTS:
        return offset & 2 ? pm->enable : pm->status;
    case PMCNTRL:
        return offset & 2 ? 0 : pm->control;
    case PMTMR:
        return half((uint32_t)clock_ticks(pm->clock, PM_TIMER_HERTZ) & PM_TIMER_BITS_MASK, offset);
    case GPSTS:
        return offset & 2 ? pm->gp_enable : pm->gp_status;
    case PCNTRL:
        return half(pm->processor_control, offset);
    case PLVL2: /* reading enters C2 or C3; an interrupt ends it: over before the read returns */
        return 0;
    case GLBSTS:
        return offset & 2 ? 0 : pm->global_status;
    case DEVSTS:
        return half(pm->device_status, offset);
    case GLBEN:
        return offset & 2 ? 0 : pm->global_enable;
    case GLBCTL:
        return half(pm->global_control, offset);
    case DEVCTL:
        return half(pm->device_control, offset);
    case GPIREG:
        return half(0x00FFFFFF, offset); /* inputs are pulled up */
    case GPOREG:
        return half(pm->general_output, offset);
    default:
        return 0;
    }
}

static void register_write(struct piix4_pm *pm, uint32_t offset, uint16_t value)
{
    switch (offset) {
    case PMSTS:
        pm->status &= (uint16_t) ~(value & PMSTS_BITS);
        break;
    case PMEN:
        pm->enable = value & PMEN_BITS;
        break;
    case PMCNTRL:
        control_write(pm, value);
        break;
    case GPSTS:
        pm->gp_status &= (uint16_t)~value;
        break;
    case GPEN:
        pm->gp_enable = value & GP_BITS;
        break;
    case PCNTRL:
    case PCNTRL + 2:
        pm->processor_control = with_half(pm->processor_control, offset, value) & 0x00023E1E;
        break;
    case GLBSTS:
        pm->global_status &= (uint16_t) ~(value & GLBSTS_BITS);
        break;
    case DEVSTS:
    case DEVSTS + 2:
        pm->device_status &= ~with_half(0, offset, value);
        break;
    case GLBEN:
        pm->global_enable = value & 0x0B03;
        break;
    case GLBCTL:
    case GLBCTL + 2:
        pm->global_control = with_half(pm->global_control, offset, value) & 0x07FFFF01;
        if (offset == GLBCTL && (value & GLBCTL_BIOS_RLS))
            pm->status |= PM_GBL;
        break;
    case DEVCTL:
    case DEVCTL + 2:
        pm->device_control = with_half(pm->device_control, offset, value);
        break;
    case GPOREG:
    case GPOREG + 2:
        pm->general_output = with_half(pm->general_output, offset, value);
        break;
    default:
        break;
    }
    update_sci(pm);
}

/* Write-1-to-clear registers take zeros in the bytes that a narrow write leaves out, the others
 * their old value. */
static bool clears_ones(uint32_t offset)
{
    return offset == PMSTS || offset == GPSTS || offset == GLBSTS ||
           (offset & ~UINT32_C(2)) == DEVSTS;
}

static uint32_t pm_read(void *device, uint32_t offset, unsigned size)
{
    struct piix4_pm *pm = device;
    uint32_t aligned = offset & ~UINT32_C(1);
    if (size == 1)
        return register_read(pm, aligned) >> (8 * (offset & 1)) & 0xFF;
    uint32_t value = register_read(pm, aligned);
    if (size == 4 && aligned + 2 < PM_IO_SIZE)
        value |= (uint32_t)register_read(pm, aligned + 2) << 16;
    return value;
}

static void pm_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct piix4_pm *pm = device;
    uint32_t aligned = offset & ~UINT32_C(1);
    if (size == 1) {
        unsigned shift = 8 * (offset & 1);
        uint16_t old = clears_ones(aligned) ? 0 : register_read(pm, aligned);
        old &= (uint16_t) ~(0xFFu << shift);
        register_write(pm, aligned, (uint16_t)(old | value << shift));
        return;
    }
    register_write(pm, aligned, (uint16_t)value);
    if (size == 4 && aligned + 2 < PM_IO_SIZE)
        register_write(pm, aligned + 2, (uint16_t)(value >> 16));
}

static const struct io_ops pm_ops = {.read = pm_read, .write = pm_write};

/* --- GPE0 at its fixed place --- */

static uint32_t gpe0_read(void *device, uint32_t offset, unsigned size)
{
    const struct piix4_pm *pm = device;
    uint16_t word = offset & 2 ? pm->fixed_enable : pm->fixed_status;
    return word >> (8 * (offset & 1)) & 0xFF;
}

static void gpe0_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct piix4_pm *pm = device;
    unsigned shift = 8 * (offset & 1);
    if (offset & 2)
        pm->fixed_enable = (uint16_t)((pm->fixed_enable & ~(0xFFu << shift)) | value << shift);
    else
        pm->fixed_status &= (uint16_t) ~(value << shift);
    update_sci(pm);
}

static const struct io_ops gpe0_ops = {.read = gpe0_read, .write = gpe0_write, .max_size = 1};

/* --- ports B2h, B3h --- */

static uint32_t apm_read(void *device, uint32_t offset, unsigned size)
{
    const struct piix4_pm *pm = device;
    return offset == 0 ? pm->apm_control : pm->apm_status;
}

static void apm_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct piix4_pm *pm = device;
    if (offset == 1) {
        pm->apm_status = (uint8_t)value;
        return;
    }
    pm->apm_control = (uint8_t)value;
    if (value == PIIX4_ACPI_ENABLE)
        pm->control |= PMCNTRL_SCI_EN;
    else if (value == PIIX4_ACPI_DISABLE)
        pm->control &= (uint16_t)~PMCNTRL_SCI_EN;
    update_sci(pm);
}

static const struct io_ops apm_ops = {.read = apm_read, .write = apm_write, .max_size = 1};

/* --- configuration space --- */

static void remap(struct piix4_pm *pm, uint32_t *mapped, uint32_t wanted, uint32_t size,
                  const struct io_ops *ops, void *device)
{
    if (*mapped == wanted)
        return;
    if (*mapped)
        bus_release_ports(pm->bus, (uint16_t)*mapped, ops, device);
    if (wanted)
        bus_claim_ports(pm->bus, (uint16_t)wanted, size, ops, device);
    *mapped = wanted;
}

static void update_ports(struct piix4_pm *pm)
{
    uint32_t base = pci_config_get(pm->function, PMBA, 2) & 0xFFC0;
    bool on = pci_config_get(pm->function, PMREGMISC, 1) & PMREGMISC_PMIOSE;
    remap(pm, &pm->pm_mapped, on ? base : 0, PM_IO_SIZE, &pm_ops, pm);
    base = pci_config_get(pm->function, SMBBA, 2) & 0xFFF0;
    on = (pci_config_get(pm->function, SMBHSTCFG, 1) & SMBHSTCFG_ENABLE) &&
         (pci_config_get(pm->function, PCI_COMMAND, 1) & PCI_COMMAND_IO);
    remap(pm, &pm->smbus_mapped, on ? base : 0, SMBUS_HOST_REGISTERS, &smbus_host_ops, &pm->smbus);
}

static void config_reset(void *device, struct pci_function *function)
{
    struct piix4_pm *pm = device;
    pm->function = function;
    pci_config_set(function, PMBA, 4, 1);
    pci_config_set(function, DEVACTB, 4, UINT32_C(1) << 25); /* APMC_EN */
    pci_config_set(function, SMBBA, 4, 1);
    update_ports(pm);
}

static void config_written(void *device, struct pci_function *function, unsigned offset,
                           unsigned size, const uint8_t *old)
{
    struct piix4_pm *pm = device;
    update_ports(pm);
    update_sci(pm);
}

static void config_loaded(void *device, struct pci_function *function)
{
    update_ports(device);
}

static const struct pci_function_config pm_function = {
    .vendor_id = 0x8086,
    .device_id = 0x7113,
    .revision = 0x03,
    .base_class = 0x06, /* bridge, other */
    .subclass = 0x80,
    .interrupt_pin = 1,
    .command_mask = PCI_COMMAND_IO,
    .status = 0x0280, /* medium DEVSEL#, fast back-to-back */
    .reset = config_reset,
    .written = config_written,
    .loaded = config_loaded,
};

static void set_masks(struct pci_function *function)
{
    pci_config_set_mask(function, PMBA, 4, 0xFFC0);
    /* CNTA, CNTB, GPICTL, DEVRESA..J, DEVACTA, DEVACTB: stored; no device here stops its clock. */
    for (unsigned offset = 0x44; offset < PMREGMISC; offset += 4)
        pci_config_set_mask(function, offset, 4, UINT32_MAX);
    pci_config_set_mask(function, PMREGMISC, 1, PMREGMISC_PMIOSE);
    pci_config_set_mask(function, SMBBA, 4, 0xFFF0);
    pci_config_set_mask(function, SMBHSTCFG, 1, SMBHSTCFG_ENABLE | SMBHSTCFG_INTRSEL);
    pci_config_set_mask(function, 0xD3, 1, 0xFF); /* SMBSLVC */
    pci_config_set_mask(function, 0xD4, 1, 0xFF); /* SMBSHDW1 */
    pci_config_set_mask(function, 0xD5, 1, 0xFF); /* SMBSHDW2 */
}

static void pm_reset(void *device, enum reset_kind kind)
{
    struct piix4_pm *pm = device;
    pm->status = pm->enable = pm->control = 0;
    pm->gp_status = pm->gp_enable = pm->fixed_status = pm->fixed_enable = 0;
    pm->processor_control = pm->device_status = pm->device_control = pm->global_control = 0;
    pm->general_output = UINT32_C(0x7FFFBFFF);
    pm->global_status = pm->global_enable = 0;
    pm->apm_control = pm->apm_status = 0;
    smbus_host_reset(&pm->smbus);
    arm_overflow(pm);
    update_sci(pm);
}

static const struct device_class piix4_pm_class = {
    .name = "piix4_pm",
    .size = sizeof(struct piix4_pm),
    .fields = piix4_pm_fields,
    .reset = pm_reset,
};

struct piix4_pm *piix4_pm_new(struct bus *bus, struct pci *pci, const struct irq_line *sci)
{
    struct piix4_pm *pm = mem_new(sizeof(*pm));
    pm->bus = bus;
    pm->clock = bus_clock(bus);
    pm->sci = *sci;
    timer_init(&pm->overflow, pm->clock, timer_overflowed, pm);
    struct irq_line line = {.set = smbus_interrupt, .receiver = pm};
    smbus_host_init(&pm->smbus, bus, &line);
    bus_claim_ports(bus, APMC, 2, &apm_ops, pm);
    bus_claim_ports(bus, GPE0_FIXED, GPE0_FIXED_SIZE, &gpe0_ops, pm);
    bus_add_device(bus, &piix4_pm_class, pm);
    pm->function = pci_add_function(pci, 1, 3, &pm_function, pm);
    set_masks(pm->function);
    pm_reset(pm, RESET_POWER_ON);
    return pm;
}
