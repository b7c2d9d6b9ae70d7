#include "devices/pci.h"

#include "base/bits.h"
#include "base/memory.h"

#include <assert.h>

enum {
    CONFADD_PORT = 0xCF8,
    CONFDATA_PORT = 0xCFC,
    /* DRAM answers first: the host bridge never forwards an address that it claims itself. */
    BAR_PRIORITY = -1,
    RANGE_NOT_ADDED = -1,
};

#define CONFADD_ENABLE   UINT32_C(0x80000000)
#define CONFADD_WRITABLE UINT32_C(0x80FFFFFC)
#define NOT_MAPPED       UINT32_MAX

/* Status bits that a 1 clears: parity error, signalled system error, received and signalled
 * aborts, data parity. */
enum { STATUS_CLEARABLE = 0xF900 };

struct pci_function {
    uint8_t config[PCI_CONFIG_SIZE];
    bool asserted; /* INTx# */

    uint8_t mask[PCI_CONFIG_SIZE]; /* bits that the guest may change */
    struct pci_function_config setup;
    struct pci *pci;
    void *device;
    uint8_t device_number, function_number;
    uint32_t mapped[PCI_BAR_COUNT]; /* address that the bus knows now, or NOT_MAPPED */
    int range[PCI_BAR_COUNT];       /* handle, or RANGE_NOT_ADDED */
};

struct pci {
    uint32_t address; /* CONFADD */
    uint32_t count;
    struct pci_function functions[PCI_MAX_FUNCTIONS];

    struct irq_line pirq[PCI_PIRQ_COUNT];
    const struct io_ops *isa_ops; /* narrow accesses of CF8h..CFBh; may be NULL */
    void *isa_device;
    struct bus *bus;
};

static const struct field pci_function_fields[] = {
    FIELD_ARRAY(struct pci_function, config, uint8_t),
    FIELD(struct pci_function, asserted),
    FIELD_TRANSIENT(struct pci_function, mask),
    FIELD_TRANSIENT(struct pci_function, setup),
    FIELD_TRANSIENT(struct pci_function, pci),
    FIELD_TRANSIENT(struct pci_function, device),
    FIELD_TRANSIENT(struct pci_function, device_number),
    FIELD_TRANSIENT(struct pci_function, function_number),
    FIELD_TRANSIENT(struct pci_function, mapped),
    FIELD_TRANSIENT(struct pci_function, range),
    FIELD_END,
};

static const struct field pci_fields[] = {
    FIELD(struct pci, address),
    FIELD_TRANSIENT(struct pci, count),
    FIELD_STRUCTS(struct pci, functions, pci_function_fields),
    FIELD_TRANSIENT(struct pci, pirq),
    FIELD_TRANSIENT(struct pci, isa_ops),
    FIELD_TRANSIENT(struct pci, isa_device),
    FIELD_TRANSIENT(struct pci, bus),
    FIELD_END,
};

static uint32_t load_le(const uint8_t *bytes, unsigned size)
{
    return size == 1 ? bytes[0] : size == 2 ? load_le16(bytes) : load_le32(bytes);
}

static void store_le(uint8_t *bytes, unsigned size, uint32_t value)
{
    if (size == 1)
        bytes[0] = (uint8_t)value;
    else if (size == 2)
        store_le16(bytes, (uint16_t)value);
    else
        store_le32(bytes, value);
}

void pci_config_set_mask(struct pci_function *function, unsigned offset, unsigned size,
                         uint32_t mask)
{
    assert(offset + size <= PCI_CONFIG_SIZE);
    store_le(function->mask + offset, size, mask);
}

uint32_t pci_config_get(const struct pci_function *function, unsigned offset, unsigned size)
{
    assert(offset + size <= PCI_CONFIG_SIZE);
    return load_le(function->config + offset, size);
}

void pci_config_set(struct pci_function *function, unsigned offset, unsigned size, uint32_t value)
{
    assert(offset + size <= PCI_CONFIG_SIZE);
    store_le(function->config + offset, size, value);
}

bool pci_is_bus_master(const struct pci_function *function)
{
    return load_le16(function->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/* --- base address registers --- */

static unsigned bar_register(unsigned bar)
{
    return bar == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BAR0 + 4 * bar;
}

/* Where the registers say that the BAR is; NOT_MAPPED when decoding is off, and for the addresses
 * that sizing leaves there for a moment (all ones) or that mean "not assigned" (zero). */
static uint32_t bar_wanted(const struct pci_function *function, unsigned bar)
{
    const struct pci_bar_config *setup = &function->setup.bar[bar];
    uint16_t command = load_le16(function->config + PCI_COMMAND);
    uint32_t value = load_le32(function->config + bar_register(bar));
    uint32_t address = value & ~(setup->size - 1);
    if (setup->kind == PCI_BAR_NONE || address == 0)
        return NOT_MAPPED;
    if (setup->kind == PCI_BAR_IO) {
        if (!(command & PCI_COMMAND_IO) || address > 0x10000 - setup->size)
            return NOT_MAPPED;
        return address;
    }
    if (!(command & PCI_COMMAND_MEMORY) || address + (setup->size - 1) == UINT32_MAX)
        return NOT_MAPPED;
    if (bar == PCI_ROM_BAR && !(value & 1))
        return NOT_MAPPED;
    return address;
}

static void map_io_bar(struct pci_function *function, unsigned bar, uint32_t wanted)
{
    const struct pci_bar_config *setup = &function->setup.bar[bar];
    struct bus *bus = function->pci->bus;
    if (function->mapped[bar] != NOT_MAPPED)
        bus_release_ports(bus, (uint16_t)function->mapped[bar], setup->ops, function->device);
    if (wanted != NOT_MAPPED)
        bus_claim_ports(bus, (uint16_t)wanted, setup->size, setup->ops, function->device);
}

static void map_memory_bar(struct pci_function *function, unsigned bar, uint32_t wanted)
{
    const struct pci_bar_config *setup = &function->setup.bar[bar];
    struct bus *bus = function->pci->bus;
    struct address_range range = {
        .first = wanted == NOT_MAPPED ? 0 : wanted,
        .last = (wanted == NOT_MAPPED ? 0 : wanted) + (setup->size - 1),
        .priority = BAR_PRIORITY,
        .kind = setup->ops           ? RANGE_IO
                : !setup->memory     ? RANGE_NONE
                : bar == PCI_ROM_BAR ? RANGE_ROM
                                     : RANGE_MEMORY,
        .enabled = wanted != NOT_MAPPED,
        .memory = setup->memory,
        .ops = setup->ops,
        .device = function->device,
        .dirty = setup->dirty,
    };
    if (function->range[bar] == RANGE_NOT_ADDED)
        function->range[bar] = (int)bus_add_range(bus, &range);
    else
        bus_change_range(bus, (unsigned)function->range[bar], &range);
}

static void update_mappings(struct pci_function *function)
{
    for (unsigned bar = 0; bar < PCI_BAR_COUNT; bar++) {
        uint32_t wanted = bar_wanted(function, bar);
        if (wanted == function->mapped[bar])
            continue;
        if (function->setup.bar[bar].kind == PCI_BAR_IO)
            map_io_bar(function, bar, wanted);
        else
            map_memory_bar(function, bar, wanted);
        function->mapped[bar] = wanted;
    }
}

uint32_t pci_bar_address(const struct pci_function *function, unsigned bar)
{
    return function->mapped[bar];
}

unsigned pci_bar_range(const struct pci_function *function, unsigned bar)
{
    assert(function->range[bar] != RANGE_NOT_ADDED);
    return (unsigned)function->range[bar];
}

void pci_bar_set_memory(struct pci_function *function, unsigned bar, uint8_t *memory)
{
    assert(function->setup.bar[bar].kind == PCI_BAR_MEMORY);
    function->setup.bar[bar].memory = memory;
    map_memory_bar(function, bar, function->mapped[bar]);
}

/* --- interrupts --- */

void pci_connect_pirq(struct pci *pci, unsigned pirq, const struct irq_line *line)
{
    assert(pirq < PCI_PIRQ_COUNT);
    pci->pirq[pirq] = *line;
}

static unsigned function_pirq(const struct pci_function *function)
{
    return (function->device_number + function->setup.interrupt_pin + 2u) % PCI_PIRQ_COUNT;
}

void pci_set_interrupt(struct pci_function *function, bool asserted)
{
    struct pci *pci = function->pci;
    if (!function->setup.interrupt_pin || function->asserted == asserted)
        return;
    function->asserted = asserted;
    unsigned pirq = function_pirq(function);
    bool level = false;
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *other = &pci->functions[i];
        level |= other->asserted && function_pirq(other) == pirq;
    }
    irq_set(&pci->pirq[pirq], level);
}

/* --- configuration space --- */

static void function_reset(struct pci_function *function)
{
    const struct pci_function_config *setup = &function->setup;
    uint8_t *config = function->config;
    memset(config, 0, PCI_CONFIG_SIZE);
    store_le16(config + PCI_VENDOR_ID, setup->vendor_id);
    store_le16(config + PCI_DEVICE_ID, setup->device_id);
    store_le16(config + PCI_COMMAND, setup->command);
    store_le16(config + PCI_STATUS, setup->status);
    config[PCI_REVISION_ID] = setup->revision;
    config[PCI_PROG_IF] = setup->prog_if;
    config[PCI_SUBCLASS] = setup->subclass;
    config[PCI_BASE_CLASS] = setup->base_class;
    config[PCI_HEADER_TYPE] = setup->multifunction ? 0x80 : 0x00;
    store_le16(config + PCI_SUBSYSTEM_VENDOR_ID, setup->subsystem_vendor_id);
    store_le16(config + PCI_SUBSYSTEM_ID, setup->subsystem_id);
    config[PCI_INTERRUPT_PIN] = setup->interrupt_pin;
    for (unsigned bar = 0; bar < PCI_ROM_BAR; bar++) {
        const struct pci_bar_config *one = &setup->bar[bar];
        if (one->kind != PCI_BAR_NONE)
            config[bar_register(bar)] = one->kind == PCI_BAR_IO ? 1 : one->prefetchable ? 8 : 0;
    }
    pci_set_interrupt(function, false);
    if (setup->reset)
        setup->reset(function->device, function);
    update_mappings(function);
}

static void init_masks(struct pci_function *function)
{
    const struct pci_function_config *setup = &function->setup;
    pci_config_set_mask(function, PCI_COMMAND, 2, setup->command_mask);
    pci_config_set_mask(function, PCI_CACHE_LINE_SIZE, 1, 0xFF);
    pci_config_set_mask(function, PCI_LATENCY_TIMER, 1, 0xF8);
    pci_config_set_mask(function, PCI_INTERRUPT_LINE, 1, 0xFF);
    for (unsigned bar = 0; bar < PCI_BAR_COUNT; bar++) {
        const struct pci_bar_config *one = &setup->bar[bar];
        if (one->kind == PCI_BAR_NONE)
            continue;
        assert((one->size & (one->size - 1)) == 0);
        assert(one->size >= (one->kind == PCI_BAR_IO ? 4u : 4096u));
        uint32_t enable = bar == PCI_ROM_BAR ? 1 : 0;
        pci_config_set_mask(function, bar_register(bar), 4, ~(one->size - 1) | enable);
    }
}

static struct pci_function *find_function(struct pci *pci, unsigned device_number,
                                          unsigned function_number)
{
    for (unsigned i = 0; i < pci->count; i++) {
        struct pci_function *function = &pci->functions[i];
        if (function->device_number == device_number &&
            function->function_number == function_number)
            return function;
    }
    return NULL;
}

struct pci_function *pci_add_function(struct pci *pci, unsigned device_number,
                                      unsigned function_number,
                                      const struct pci_function_config *config, void *device)
{
    assert(pci->count < PCI_MAX_FUNCTIONS && device_number < 32 && function_number < 8);
    assert(!find_function(pci, device_number, function_number));
    struct pci_function *function = &pci->functions[pci->count++];
    function->setup = *config;
    function->pci = pci;
    function->device = device;
    function->device_number = (uint8_t)device_number;
    function->function_number = (uint8_t)function_number;
    for (unsigned bar = 0; bar < PCI_BAR_COUNT; bar++) {
        function->mapped[bar] = NOT_MAPPED;
        function->range[bar] = RANGE_NOT_ADDED;
        if (config->bar[bar].kind == PCI_BAR_MEMORY)
            map_memory_bar(function, bar, NOT_MAPPED);
    }
    init_masks(function);
    function_reset(function);
    return function;
}

uint32_t pci_config_read(struct pci *pci, unsigned device_number, unsigned function_number,
                         unsigned offset, unsigned size)
{
    const struct pci_function *function = find_function(pci, device_number, function_number);
    return function ? pci_config_get(function, offset, size) : UINT32_MAX >> (32 - 8 * size);
}

void pci_config_write(struct pci *pci, unsigned device_number, unsigned function_number,
                      unsigned offset, uint32_t value, unsigned size)
{
    struct pci_function *function = find_function(pci, device_number, function_number);
    if (!function)
        return;
    uint8_t old[PCI_CONFIG_SIZE];
    memcpy(old, function->config, sizeof(old));
    for (unsigned i = 0; i < size; i++) {
        unsigned at = offset + i;
        uint8_t byte = (uint8_t)(value >> (8 * i));
        uint8_t mask = function->mask[at];
        function->config[at] = (uint8_t)((old[at] & ~mask) | (byte & mask));
        if (at == PCI_STATUS + 1)
            function->config[at] &= (uint8_t) ~(byte & (STATUS_CLEARABLE >> 8));
    }
    update_mappings(function);
    if (function->setup.written)
        function->setup.written(function->device, function, offset, size, old);
}

/* --- ports --- */

void pci_set_isa_ports(struct pci *pci, const struct io_ops *ops, void *device)
{
    pci->isa_ops = ops;
    pci->isa_device = device;
}

static uint32_t confadd_read(void *device, uint32_t offset, unsigned size)
{
    const struct pci *pci = device;
    if (size == 4 && offset == 0)
        return pci->address;
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint32_t byte = pci->isa_ops ? pci->isa_ops->read(pci->isa_device, offset + i, 1) : 0xFF;
        value |= (byte & 0xFF) << (8 * i);
    }
    return value;
}

static void confadd_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct pci *pci = device;
    if (size == 4 && offset == 0) {
        pci->address = value & CONFADD_WRITABLE;
        return;
    }
    for (unsigned i = 0; pci->isa_ops && i < size; i++)
        pci->isa_ops->write(pci->isa_device, offset + i, (value >> (8 * i)) & 0xFF, 1);
}

static bool data_is_selected(const struct pci *pci)
{
    return (pci->address & CONFADD_ENABLE) && bits_get(pci->address, 23, 16) == 0;
}

/* Bytes of the data window that an access at offset reaches: not beyond its dword. */
static unsigned data_size(uint32_t offset, unsigned size)
{
    if (offset + size <= 4)
        return size;
    return offset == 2 ? 2 : 1;
}

static uint32_t confdata_read(void *device, uint32_t offset, unsigned size)
{
    struct pci *pci = device;
    if (!data_is_selected(pci))
        return UINT32_MAX;
    unsigned inside = data_size(offset, size);
    uint32_t value =
        pci_config_read(pci, bits_get(pci->address, 15, 11), bits_get(pci->address, 10, 8),
                        (pci->address & 0xFC) + offset, inside);
    return inside == 4 ? value : value | UINT32_MAX << (8 * inside);
}

static void confdata_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct pci *pci = device;
    if (data_is_selected(pci))
        pci_config_write(pci, bits_get(pci->address, 15, 11), bits_get(pci->address, 10, 8),
                         (pci->address & 0xFC) + offset, value, data_size(offset, size));
}

static const struct io_ops confadd_ops = {.read = confadd_read, .write = confadd_write};
static const struct io_ops confdata_ops = {.read = confdata_read, .write = confdata_write};

/* --- the device --- */

static void pci_reset(void *device, enum reset_kind kind)
{
    struct pci *pci = device;
    pci->address = 0;
    for (unsigned i = 0; i < pci->count; i++)
        function_reset(&pci->functions[i]);
}

static void pci_after_load(void *device)
{
    struct pci *pci = device;
    for (unsigned i = 0; i < pci->count; i++) {
        struct pci_function *function = &pci->functions[i];
        update_mappings(function);
        if (function->setup.loaded)
            function->setup.loaded(function->device, function);
    }
}

static const struct device_class pci_class = {
    .name = "pci",
    .size = sizeof(struct pci),
    .fields = pci_fields,
    .reset = pci_reset,
    .after_load = pci_after_load,
};

struct pci *pci_new(struct bus *bus)
{
    struct pci *pci = mem_new(sizeof(*pci));
    pci->bus = bus;
    bus_claim_ports(bus, CONFADD_PORT, 4, &confadd_ops, pci);
    bus_claim_ports(bus, CONFDATA_PORT, 4, &confdata_ops, pci);
    bus_add_device(bus, &pci_class, pci);
    return pci;
}
