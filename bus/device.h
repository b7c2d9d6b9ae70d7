/* The device contract.
 *
 * A chip is one file in devices/: a private struct, a table of fields, handlers that see offsets
 * into the chip's own register window, and a constructor `NAME_new(struct bus *, ...)` which
 * allocates the struct, claims ports or memory, and ends with bus_add_device. The board
 * (machine/board.c) calls the constructor in one line and connects the wires. docs/device.md walks
 * through an example. */
#ifndef BUS_DEVICE_H
#define BUS_DEVICE_H

#include "snapshot/field.h"

#include <stdint.h>

enum reset_kind {
    RESET_POWER_ON, /* everything, as if power had been off */
    RESET_HARD,     /* the RESET# line: chips reset, memory and battery-backed state kept */
};

struct device_class {
    const char *name;           /* "i8254"; section name in snapshots, with the instance number */
    uint32_t size;              /* sizeof the private struct */
    const struct field *fields; /* covers every byte of it */
    void (*reset)(void *device, enum reset_kind kind); /* may be NULL */
    /* Brings lazily kept fields up to date before a walk; may be NULL. */
    void (*before_save)(void *device);
    /* Rebuilds transient members after fields were loaded; may be NULL. */
    void (*after_load)(void *device);
    /* Frees what the struct owns, and the struct; NULL means mem_free. */
    void (*free)(void *device);
};

#endif
