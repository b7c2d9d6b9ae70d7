/* The PCI bus 0: configuration mechanism 1 (ports CF8h and CFCh..CFFh), the configuration space of
 * each function, base address registers mapped onto the bus, and the INTx wires.
 *
 * A chip that is a PCI function describes itself in a struct pci_function_config and calls
 * pci_add_function in its constructor. The core then keeps its 256 bytes of configuration space
 * (state, reset and saved with the core), sizes and maps its BARs as the command register says, and
 * tells it of writes to its own registers. Absent functions read as all ones.
 *
 * Source: PCI Local Bus Specification 2.1, chapter 6 and 3.7.4.1 (mechanism 1). */
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H

#include "bus/bus.h"

#include <stdbool.h>
#include <stdint.h>

/* Standard registers of a type 0 header, byte offsets. */
enum pci_register {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_PROG_IF = 0x09,
    PCI_SUBCLASS = 0x0A,
    PCI_BASE_CLASS = 0x0B,
    PCI_CACHE_LINE_SIZE = 0x0C,
    PCI_LATENCY_TIMER = 0x0D,
    PCI_HEADER_TYPE = 0x0E,
    PCI_BIST = 0x0F,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2C,
    PCI_SUBSYSTEM_ID = 0x2E,
    PCI_ROM_ADDRESS = 0x30,
    PCI_INTERRUPT_LINE = 0x3C,
    PCI_INTERRUPT_PIN = 0x3D,
    PCI_CONFIG_SIZE = 0x100,
};

enum pci_command {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
};

enum {
    PCI_BAR_COUNT = 7, /* six base address registers, and the expansion ROM's */
    PCI_ROM_BAR = 6,
    PCI_PIRQ_COUNT = 4, /* PIRQA# .. PIRQD# */
    PCI_MAX_FUNCTIONS = 16,
};

struct pci;
struct pci_function;

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY };

struct pci_bar_config {
    enum pci_bar_kind kind; /* the ROM BAR: PCI_BAR_MEMORY */
    uint32_t size;          /* bytes, a power of two: at least 4 for I/O, 4096 for memory and ROM */
    bool prefetchable;
    const struct io_ops *ops; /* I/O, or memory that is a register window; called with the device */
    uint8_t *memory; /* else host memory of size bytes; not owned. The ROM BAR: read-only */
    uint8_t *dirty;  /* with memory: see struct address_range; may be NULL */
};

struct pci_function_config {
    uint16_t vendor_id, device_id;
    uint8_t revision;
    uint8_t base_class, subclass, prog_if;
    uint16_t subsystem_vendor_id, subsystem_id;
    uint8_t interrupt_pin; /* 0 none, 1 INTA# .. 4 INTD# */
    bool multifunction;    /* header type bit 7; for function 0 of a device with several */
    uint16_t command;      /* value after reset */
    uint16_t command_mask; /* writable bits of the command register */
    uint16_t status;       /* value after reset (bits 11, 12, 13, 15, 14, 8 are write-1-to-clear) */
    struct pci_bar_config bar[PCI_BAR_COUNT];
    /* After the reset values above are in place: the function's own registers (pci_config_set).
     * May be NULL. */
    void (*reset)(void *device, struct pci_function *function);
    /* Configuration bytes [offset, offset + size) have been written (masks applied); old holds the
     * whole space as it was before. Called also for the header. May be NULL. */
    void (*written)(void *device, struct pci_function *function, unsigned offset, unsigned size,
                    const uint8_t *old);
    /* Fields were loaded: rebuild what depends on configuration space. May be NULL. */
    void (*loaded)(void *device, struct pci_function *function);
};

/* Claims the configuration ports and adds itself to the bus as "pci". */
struct pci *pci_new(struct bus *bus);

/* Adds a function at device 0..31, function 0..7 of bus 0. config is copied. Everything that device
 * points to must live as long as the bus. Ends with the function in its reset state. The function
 * belongs to pci. */
struct pci_function *pci_add_function(struct pci *pci, unsigned device_number,
                                      unsigned function_number,
                                      const struct pci_function_config *config, void *device);

/* Makes bytes writable: bits of mask (little-endian, size 1, 2, 4) at offset can be changed by the
 * guest. Beyond the header, nothing is writable until this is called. */
void pci_config_set_mask(struct pci_function *function, unsigned offset, unsigned size,
                         uint32_t mask);
/* The device's own view of its configuration space: no masks, no callbacks. size 1, 2, 4. */
uint32_t pci_config_get(const struct pci_function *function, unsigned offset, unsigned size);
void pci_config_set(struct pci_function *function, unsigned offset, unsigned size, uint32_t value);

/* Does the command register let the function be a bus master? */
bool pci_is_bus_master(const struct pci_function *function);
/* Bus address at which a BAR answers now, or UINT32_MAX when it is not mapped. */
uint32_t pci_bar_address(const struct pci_function *function, unsigned bar);
/* Range handle of a memory BAR, for bus_clear_dirty. The BAR must be a memory one. */
unsigned pci_bar_range(const struct pci_function *function, unsigned bar);
/* Replaces the host memory of a memory BAR by another block of the same size (or NULL: all ones).
 */
void pci_bar_set_memory(struct pci_function *function, unsigned bar, uint8_t *memory);

/* Drives the function's INTx# pin: level-triggered, true is asserted (low on the wire). */
void pci_set_interrupt(struct pci_function *function, bool asserted);

/* Where PIRQ wire 0..3 goes. INTx# of device d is wired to PIRQ (d - 1 + pin - 1) mod 4, as on
 * boards with a PIIX3 in device 1. Asserted is level true. */
void pci_connect_pirq(struct pci *pci, unsigned pirq, const struct irq_line *line);

/* Only dword accesses reach the address register; narrower ones of CF8h..CFBh go to the ISA bus,
 * which is where the PIIX3 has its reset control register (CF9h). ops is called with offsets from
 * CF8h and size 1. */
void pci_set_isa_ports(struct pci *pci, const struct io_ops *ops, void *device);

/* Configuration access as the CPU makes it through CFCh, for firmware-less loaders and tests.
 * size 1, 2, 4, not crossing a dword. */
uint32_t pci_config_read(struct pci *pci, unsigned device_number, unsigned function_number,
                         unsigned offset, unsigned size);
void pci_config_write(struct pci *pci, unsigned device_number, unsigned function_number,
                      unsigned offset, uint32_t value, unsigned size);

#endif
