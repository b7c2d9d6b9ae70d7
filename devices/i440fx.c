#include "devices/i440fx.h"

#include "base/bits.h"
#include "base/memory.h"

/* Device registers, section 3.2. */
enum {
    PMCCFG = 0x50,
    DETURBO = 0x52,
    DBC = 0x53,
    AXC = 0x54,
    DRT = 0x55,
    DRAMC = 0x57,
    DRAMT = 0x58,
    PAM0 = 0x59,
    DRB0 = 0x60,
    FDHC = 0x68,
    MTT = 0x70,
    CLT = 0x71,
    SMRAM = 0x72,
    ERRCMD = 0x90,
    ERRSTS = 0x91,
    TRC = 0x93,
};

enum {
    SMRAM_DOPEN = 1 << 6,
    SMRAM_DLCK = 1 << 4,
    SMRAM_GLOBAL = 1 << 3,
    SMRAM_BASE_SEGMENT = 0x02, /* A0000h; the only one */
    TRC_RESET_CPU = 1 << 2,
    TRC_HARD_RESET = 1 << 1,
    PAM_READ = 1 << 0,
    PAM_WRITE = 1 << 1,
};

enum {
    SEGMENT_COUNT = 13, /* C0000h..EFFFFh by 16 KiB, and F0000h by 64 KiB */
    SEGMENT_SIZE = 0x4000,
    DRB_COUNT = 8,
    DRB_UNIT = 8 << 20,
    DRB_ROW_MAX = 16, /* units: the largest module side is 128 MiB */
    PRIORITY_HOLE = 5,
    PRIORITY_SHADOW = 20,
};

struct i440fx {
    struct i440fx_config setup;
    struct bus *bus;
    struct pci_function *function;
    uint8_t *nothing; /* all ones, for segments that read from a PCI bus where nobody answers */
    unsigned segment[SEGMENT_COUNT];
    unsigned memory_hole, smram_overlay; /* range handles */
};

/* All state is in configuration space, which the PCI core keeps. */
static const struct field i440fx_fields[] = {
    FIELD_TRANSIENT(struct i440fx, setup),         FIELD_TRANSIENT(struct i440fx, bus),
    FIELD_TRANSIENT(struct i440fx, function),      FIELD_TRANSIENT(struct i440fx, nothing),
    FIELD_TRANSIENT(struct i440fx, segment),       FIELD_TRANSIENT(struct i440fx, memory_hole),
    FIELD_TRANSIENT(struct i440fx, smram_overlay), FIELD_END,
};

static uint32_t segment_first(unsigned segment)
{
    return 0xC0000 + segment * SEGMENT_SIZE;
}

static uint32_t segment_last(unsigned segment)
{
    return segment == SEGMENT_COUNT - 1 ? 0xFFFFF : segment_first(segment) + SEGMENT_SIZE - 1;
}

/* The segment's RE and WE bits: PAM0 high nibble is F0000h, then two segments a register. */
static unsigned segment_attributes(const struct i440fx *chip, unsigned segment)
{
    if (segment == SEGMENT_COUNT - 1)
        return pci_config_get(chip->function, PAM0, 1) >> 4 & 3;
    return pci_config_get(chip->function, PAM0 + 1 + segment / 2, 1) >> (segment & 1 ? 4 : 0) & 3;
}

/* What a read of the segment finds when it is not RAM: a ROM under the overlay, or nothing. */
static uint8_t *segment_rom(const struct i440fx *chip, unsigned segment)
{
    struct address_range overlay = *bus_range(chip->bus, chip->segment[segment]);
    overlay.enabled = false;
    bus_change_range(chip->bus, chip->segment[segment], &overlay);
    const struct address_range *below = bus_find_range(chip->bus, overlay.first);
    if (!below || below->kind != RANGE_ROM || below->last < overlay.last)
        return chip->nothing;
    return below->memory + (overlay.first - below->first);
}

static void update_segment(struct i440fx *chip, unsigned segment)
{
    uint32_t first = segment_first(segment);
    unsigned attributes = segment_attributes(chip, segment);
    struct address_range range = {
        .first = first,
        .last = segment_last(segment),
        .priority = PRIORITY_SHADOW,
        .enabled = attributes != 0,
        .kind = RANGE_MEMORY,
        .memory = chip->setup.ram + first,
    };
    if (attributes == PAM_READ) {
        range.kind = RANGE_ROM;
    } else if (attributes == PAM_WRITE) {
        range.kind = RANGE_ROM;
        range.memory = segment_rom(chip, segment);
        range.write_memory = chip->setup.ram + first;
    }
    const struct address_range *now = bus_range(chip->bus, chip->segment[segment]);
    if (now->enabled != range.enabled || now->kind != range.kind || now->memory != range.memory)
        bus_change_range(chip->bus, chip->segment[segment], &range);
}

/* FDHC bits 7:6: a hole in DRAM for ISA cards at 512 KiB or at 15 MiB. */
static void update_memory_hole(struct i440fx *chip)
{
    unsigned hole = pci_config_get(chip->function, FDHC, 1) >> 6;
    struct address_range range = *bus_range(chip->bus, chip->memory_hole);
    bool enabled = hole == 1 || hole == 2;
    uint32_t first = hole == 2 ? 0xF00000 : 0x80000;
    if (range.enabled == enabled && range.first == first)
        return;
    range.enabled = enabled;
    range.first = first;
    range.last = hole == 2 ? 0xFFFFFF : 0x9FFFF;
    bus_change_range(chip->bus, chip->memory_hole, &range);
}

/* DOPEN shows the DRAM under the video memory window. */
static void update_smram(struct i440fx *chip)
{
    uint32_t smram = pci_config_get(chip->function, SMRAM, 1);
    struct address_range range = *bus_range(chip->bus, chip->smram_overlay);
    bool enabled = (smram & SMRAM_DOPEN) && (smram & SMRAM_GLOBAL);
    if (range.enabled == enabled)
        return;
    range.enabled = enabled;
    bus_change_range(chip->bus, chip->smram_overlay, &range);
}

static void update_map(struct i440fx *chip)
{
    for (unsigned segment = 0; segment < SEGMENT_COUNT; segment++)
        update_segment(chip, segment);
    update_memory_hole(chip);
    update_smram(chip);
}

/* DLCK, once set, closes SMRAM and freezes the register until reset. */
static void smram_written(struct i440fx *chip, uint8_t old)
{
    uint32_t value = pci_config_get(chip->function, SMRAM, 1);
    if (old & SMRAM_DLCK)
        value = old;
    else if (value & SMRAM_DLCK)
        value &= ~(uint32_t)SMRAM_DOPEN;
    pci_config_set(chip->function, SMRAM, 1, value);
}

static void i440fx_written(void *device, struct pci_function *function, unsigned offset,
                           unsigned size, const uint8_t *old)
{
    struct i440fx *chip = device;
    if (offset <= SMRAM && offset + size > SMRAM)
        smram_written(chip, old[SMRAM]);
    uint32_t reset = pci_config_get(function, TRC, 1);
    if ((reset & TRC_RESET_CPU) && !(old[TRC] & TRC_RESET_CPU))
        bus_request_reset(chip->bus, !(reset & TRC_HARD_RESET), "the host bridge (TRC)");
    update_map(chip);
}

/* Row boundaries as firmware would find them after sizing: the end of each row, in 8 MiB. */
static void set_row_boundaries(struct i440fx *chip)
{
    uint64_t total = (chip->setup.ram_size + DRB_UNIT - 1) / DRB_UNIT;
    uint64_t row_size = (total + DRB_COUNT - 1) / DRB_COUNT;
    if (row_size < DRB_ROW_MAX)
        row_size = DRB_ROW_MAX;
    for (unsigned row = 0; row < DRB_COUNT; row++) {
        uint64_t end = (row + 1) * row_size < total ? (row + 1) * row_size : total;
        pci_config_set(chip->function, DRB0 + row, 1, end > 0xFF ? 0xFF : (uint32_t)end);
    }
}

static void i440fx_config_reset(void *device, struct pci_function *function)
{
    struct i440fx *chip = device;
    chip->function = function;
    pci_config_set(function, DRAMC, 1, 0x01);
    pci_config_set(function, DRAMT, 1, 0x10);
    pci_config_set(function, SMRAM, 1, SMRAM_BASE_SEGMENT);
    set_row_boundaries(chip);
    update_map(chip);
}

static void i440fx_loaded(void *device, struct pci_function *function)
{
    update_map(device);
}

static void i440fx_free(void *device)
{
    struct i440fx *chip = device;
    mem_free(chip->nothing);
    mem_free(chip);
}

static const struct device_class i440fx_class = {
    .name = "i440fx",
    .size = sizeof(struct i440fx),
    .fields = i440fx_fields,
    .free = i440fx_free,
};

static const struct pci_function_config i440fx_function = {
    .vendor_id = 0x8086,
    .device_id = 0x1237,
    .revision = 0x02,
    .base_class = 0x06, /* bridge, host */
    .command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
    .command_mask = 0x0140, /* parity error and SERR# enable */
    .status = 0x0280,       /* medium DEVSEL#, fast back-to-back */
    .reset = i440fx_config_reset,
    .written = i440fx_written,
    .loaded = i440fx_loaded,
};

static void add_ranges(struct i440fx *chip)
{
    /* Video memory and expansion ROMs: DRAM there is seen through SMRAM and PAM only. */
    struct address_range pci_hole = {
        .first = 0xA0000,
        .last = 0xFFFFF,
        .priority = PRIORITY_HOLE,
        .kind = RANGE_NONE,
        .enabled = true,
    };
    bus_add_range(chip->bus, &pci_hole);
    struct address_range memory_hole = pci_hole;
    memory_hole.first = 0x80000;
    memory_hole.last = 0x9FFFF;
    memory_hole.enabled = false;
    chip->memory_hole = bus_add_range(chip->bus, &memory_hole);
    struct address_range smram = {
        .first = 0xA0000,
        .last = 0xBFFFF,
        .priority = PRIORITY_SHADOW,
        .kind = RANGE_MEMORY,
        .memory = chip->setup.ram + 0xA0000,
    };
    chip->smram_overlay = bus_add_range(chip->bus, &smram);
    for (unsigned segment = 0; segment < SEGMENT_COUNT; segment++) {
        struct address_range range = {
            .first = segment_first(segment),
            .last = segment_last(segment),
            .priority = PRIORITY_SHADOW,
            .kind = RANGE_MEMORY,
            .memory = chip->setup.ram + segment_first(segment),
        };
        chip->segment[segment] = bus_add_range(chip->bus, &range);
    }
}

static void set_masks(struct pci_function *function)
{
    static const struct {
        uint8_t offset, mask;
    } registers[] = {
        {PMCCFG,     0x4C},
        {PMCCFG + 1, 0x0E},
        {DETURBO,    0xFF},
        {DBC,        0xF3},
        {AXC,        0x03},
        {DRT,        0xFF},
        {DRT + 1,    0xFF},
        {DRAMC,      0x27},
        {DRAMT,      0xFF},
        {PAM0,       0x70},
        {FDHC,       0xC0},
        {MTT,        0xF8},
        {CLT,        0xFF},
        {SMRAM,      0x78},
        {ERRCMD,     0xFF},
        {TRC,        0x0E},
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(registers); i++)
        pci_config_set_mask(function, registers[i].offset, 1, registers[i].mask);
    for (unsigned i = 1; i < 7; i++)
        pci_config_set_mask(function, PAM0 + i, 1, 0x77);
    for (unsigned i = 0; i < DRB_COUNT; i++)
        pci_config_set_mask(function, DRB0 + i, 1, 0xFF);
}

struct i440fx *i440fx_new(struct bus *bus, struct pci *pci, const struct i440fx_config *config)
{
    struct i440fx *chip = mem_new(sizeof(*chip));
    chip->setup = *config;
    chip->bus = bus;
    chip->nothing = mem_new(SEGMENT_SIZE * 4);
    memset(chip->nothing, 0xFF, SEGMENT_SIZE * 4);
    bus_add_device(bus, &i440fx_class, chip);
    add_ranges(chip);
    chip->function = pci_add_function(pci, 0, 0, &i440fx_function, chip);
    set_masks(chip->function);
    return chip;
}
