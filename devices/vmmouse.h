/* The VMware pointer: positions instead of movements, over the "backdoor" port 5658h. A guest whose
 * driver knows it (Windows 3.x, 9x and NT, Linux, X.Org) switches it on; from then on the PS/2
 * mouse only says that something happened, and the driver fetches what from here.
 *
 * A call is IN EAX, DX with DX = 5658h, EAX = 564D5868h, the function in CX and an argument in EBX;
 * the answer is in EAX, EBX, ECX and EDX. So the chip needs the processor's registers, which the
 * board lends it.
 *
 * Source: VMware's published guest code: open-vm-tools, backdoor_def.h and vmmouse_defs.h. */
#ifndef DEVICES_VMMOUSE_H
#define DEVICES_VMMOUSE_H

#include "devices/ps2_mouse.h"

struct vmmouse;

struct vmmouse_registers {
    uint32_t eax, ebx, ecx, edx;
};

struct vmmouse_processor {
    void *opaque;
    /* False: the port is not read by IN EAX, DX; the port is then as if nobody were there. */
    bool (*get)(void *opaque, struct vmmouse_registers *registers);
    /* EAX goes the usual way, as what the port gives. */
    void (*set)(void *opaque, const struct vmmouse_registers *registers);
};

/* mouse: carries the news, and takes movements while the guest has not asked for positions.
 * announced: what the board says about itself tells guests to look here; shows in the answer to the
 * version question (ECX 4, a workstation, instead of 0), where the firmware reads it. */
struct vmmouse *vmmouse_new(struct bus *bus, struct ps2_mouse *mouse,
                            const struct vmmouse_processor *processor, bool announced);

/* The guest has asked for positions. */
bool vmmouse_is_absolute(const struct vmmouse *vmmouse);

/* The pointer is at (x, y), 0 to 65535 from the left and upper to the right and lower edge of the
 * screen; dz and buttons as for ps2_mouse_move. For a guest that takes movements, they are what the
 * pointer has moved since the last time, in pixels of a screen of that size. (Through the gate
 * only.) */
void vmmouse_point(struct vmmouse *vmmouse, unsigned x, unsigned y, unsigned screen_width,
                   unsigned screen_height, int dz, unsigned buttons);
/* A movement, as for ps2_mouse_move: for this port if the guest listens here, or for the PS/2
 * mouse. */
void vmmouse_move(struct vmmouse *vmmouse, int dx, int dy, int dz, unsigned buttons);

#endif
