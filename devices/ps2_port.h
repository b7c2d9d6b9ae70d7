/* The PS/2 wire between the 8042 and a keyboard or mouse: bytes both ways. The controller takes a
 * byte when its output buffer is free and the clock line is not inhibited. */
#ifndef DEVICES_PS2_PORT_H
#define DEVICES_PS2_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* A device's end. */
struct ps2_port {
    void *device;
    /* The controller sends a byte. */
    void (*write)(void *device, uint8_t byte);
    /* The next byte that the device wants to send; false: none. Removes it. */
    bool (*take)(void *device, uint8_t *byte);
    /* Whether take would give a byte. */
    bool (*waiting)(void *device);
    /* Who is to be told when a device that had no byte has one: set by the controller. */
    void (*connect)(void *device, void (*ready)(void *controller), void *controller);
};

#endif
