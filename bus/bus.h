/* The bus: what a chip sees of the rest of the machine. Port space, physical address space, guest
 * memory for bus masters, the clock, the log, and the list of devices.
 *
 * Handlers are called on the machine's thread, at an instruction boundary or inside the instruction
 * that makes the access. clock_now() is exact there. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/log.h"
#include "bus/clock.h"
#include "bus/device.h"
#include "bus/irq.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;

/* Access to a chip's registers. offset counts from the start of the window; size is 1, 2 or 4.
 * An access wider than max_size is split into ascending accesses of max_size; one that is narrower
 * than min_size is done by reading min_size (aligned) and taking the part, or, for writes, by
 * placing the part in a min_size access with zeros (set min_size 1 to see everything). */
struct io_ops {
    uint32_t (*read)(void *device, uint32_t offset, unsigned size);
    void (*write)(void *device, uint32_t offset, uint32_t value, unsigned size);
    uint8_t max_size; /* 0 means 4 */
    uint8_t min_size; /* 0 means 1 */
    bool snoops;      /* ports: a write goes on to the claim below; for claims of one port */
};

struct bus *bus_new(struct log *log);
/* Frees the devices (last added first), then the bus. */
void bus_free(struct bus *bus);
struct clock *bus_clock(struct bus *bus);
struct log *bus_log(struct bus *bus);

/* --- devices --- */

/* Gives device to the bus, which owns it from now on. */
void bus_add_device(struct bus *bus, const struct device_class *class, void *device);
/* Calls every device's reset, in the order in which they were added. */
void bus_reset_devices(struct bus *bus, enum reset_kind kind);
unsigned bus_device_count(const struct bus *bus);
const struct device_class *bus_device_at(const struct bus *bus, unsigned index, void **device);

/* --- port space: 64 Ki ports --- */

/* A later claim of a port hides an earlier one until it is withdrawn. A claim belongs to (ops,
 * device, first). read or write NULL: that direction falls through to the claim below it. */
void bus_claim_ports(struct bus *bus, uint16_t first, uint32_t count, const struct io_ops *ops,
                     void *device);
void bus_release_ports(struct bus *bus, uint16_t first, const struct io_ops *ops, void *device);
/* For the processor (IN, OUT). size 1, 2, 4. A port nobody claims reads as all ones, and says so
 * in the log at debug level. */
uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned size);
void bus_port_write(struct bus *bus, uint16_t port, uint32_t value, unsigned size);

/* --- physical address space: 4 GiB in pages of 4 KiB --- */

/* What a range of physical addresses is. Ranges are whole pages. */
enum range_kind {
    RANGE_NONE,   /* reads all ones, writes vanish */
    RANGE_MEMORY, /* host memory, readable and writable */
    RANGE_ROM,    /* host memory, writes vanish */
    RANGE_IO,     /* register window */
};

struct address_range {
    uint32_t first;
    uint32_t last; /* inclusive */
    int priority;  /* the highest one wins where ranges overlap; RAM is 0, chips 10, overlays 20 */
    enum range_kind kind;
    bool enabled;
    uint8_t *memory;          /* RANGE_MEMORY, RANGE_ROM: host address of first; not owned */
    uint8_t *write_memory;    /* RANGE_ROM: where writes go (shadow RAM under a ROM), or NULL */
    const struct io_ops *ops; /* RANGE_IO */
    void *device;
    /* RANGE_MEMORY: one byte per page, set to 1 by every path that writes the page (through the
     * TLB too: a page whose mark is 0 is write-trapped). NULL: not wanted. The owner clears marks
     * with bus_clear_dirty. For frame buffers. */
    uint8_t *dirty;
};

/* Adds a range and returns its handle; the struct is copied. */
unsigned bus_add_range(struct bus *bus, const struct address_range *range);
/* Moves, enables, disables or retargets a range. Takes effect before the next instruction. */
void bus_change_range(struct bus *bus, unsigned handle, const struct address_range *range);
const struct address_range *bus_range(const struct bus *bus, unsigned handle);
/* The range that answers at physical address, or NULL for RANGE_NONE. Slow path; the TLB caches. */
const struct address_range *bus_find_range(const struct bus *bus, uint32_t address);
/* Register-window access for the MMU's slow path, with io_ops splitting rules; size 1, 2, 4. */
uint32_t bus_range_read(struct bus *bus, const struct address_range *range, uint32_t address,
                        unsigned size);
void bus_range_write(struct bus *bus, const struct address_range *range, uint32_t address,
                     uint32_t value, unsigned size);
/* Sets all dirty marks of a range to 0 and makes writes trap again. */
void bus_clear_dirty(struct bus *bus, unsigned handle);
/* The same for count pages of it from page first. Of memory that several ranges show, the pages of
 * each of them must be cleared. */
void bus_clear_dirty_pages(struct bus *bus, unsigned handle, uint32_t first, uint32_t count);

/* --- guest memory for bus masters (DMA): physical addresses, A20 does not apply --- */

void bus_read_memory(struct bus *bus, uint32_t address, void *bytes, size_t size);
void bus_write_memory(struct bus *bus, uint32_t address, const void *bytes, size_t size);

/* --- memory that is state, and who wants it before it changes (checkpoints) --- */

enum { BUS_BLOCKS = 4, BUS_BLOCK_PAGE = 4096 };

/* Declares size bytes (whole pages) of guest memory: RAM, video memory. From now on every write to
 * it must be announced: a page that is armed is write-trapped in the TLB, and bus_before_write is
 * called by every other path. Returns the block's number, in the order of the calls. */
unsigned bus_add_block(struct bus *bus, uint8_t *memory, size_t size);
unsigned bus_block_count(const struct bus *bus);
uint8_t *bus_block(const struct bus *bus, unsigned block, size_t *size);
/* Called once for an armed page, before its first byte changes; it is not armed any more then. */
typedef void bus_page_watcher(void *opaque, unsigned block, size_t page);
/* watcher NULL: nobody; no page is armed then. */
void bus_set_page_watcher(struct bus *bus, bus_page_watcher *watcher, void *opaque);
/* Arms every page of every block. Between two instructions. The guest cannot see it. */
void bus_arm_pages(struct bus *bus);
/* Whether the first write to the page that holds host is still to be announced. */
bool bus_page_is_armed(const struct bus *bus, const uint8_t *host);
/* The bytes [host, host + size), wherever they are, are about to change. */
void bus_before_write(struct bus *bus, const uint8_t *host, size_t size);

/* --- what the memory side provides; filled in by mmu/physmem.c --- */

struct bus_memory {
    void *opaque;
    /* The map changed: forget every translation. */
    void (*map_changed)(void *opaque);
    /* Someone other than the processor wrote [address, address + size): forget decoded code. */
    void (*memory_written)(void *opaque, uint32_t address, size_t size);
    /* Dirty marks of [first, last] were cleared: trap the next write to each page. */
    void (*dirty_cleared)(void *opaque, uint32_t first, uint32_t last);
    /* Gate A20: false masks address bit 20. */
    void (*set_a20)(void *opaque, bool enabled);
};
void bus_set_memory(struct bus *bus, const struct bus_memory *memory);
void bus_set_a20(struct bus *bus, bool enabled);

/* --- what the machine provides; filled in by machine/ --- */

struct bus_host {
    void *opaque;
    /* A chip asks for a reset of the machine (8042, port 92h, CF9h). Takes effect before the next
     * instruction. cpu_only: INIT# (port 92h, 8042 pulse), else the whole board. cause says for
     * people what asked for it. */
    void (*request_reset)(void *opaque, bool cpu_only, const char *cause);
    /* The guest switched the power off (ACPI S5, APM), or wrote value to the debug-exit port. */
    void (*request_power_off)(void *opaque);
    void (*request_exit)(void *opaque, uint32_t value);
};
void bus_set_host(struct bus *bus, const struct bus_host *host);
void bus_request_reset(struct bus *bus, bool cpu_only, const char *cause);
void bus_request_power_off(struct bus *bus);
void bus_request_exit(struct bus *bus, uint32_t value);

#endif
