/* VGA with Bochs display extensions (DISPI), as PCI function 02.0, 1234:1111: the whole register
 * set, 256 KiB of planar memory inside 16 MiB of video memory, a linear frame buffer in BAR 0 and
 * an option ROM.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem; IBM VGA/XGA Technical
 * Reference; Bochs VBE DISPI interface, version B0C5h. */
#ifndef DEVICES_VGA_H
#define DEVICES_VGA_H

#include "bus/backend.h"
#include "devices/pci.h"

struct vga;

enum { VGA_MEMORY_SIZE = 16 << 20 };

/* pci may be NULL: ISA VGA, no linear frame buffer address but E0000000h and no ROM BAR.
 * rom: the option ROM's image, not owned, must outlive the bus; rom_size rounded up to a power of
 * two by the caller (0: none). */
struct vga *vga_new(struct bus *bus, struct pci *pci, uint8_t *rom, uint32_t rom_size);

/* Video memory, VGA_MEMORY_SIZE bytes, for the state map. */
uint8_t *vga_memory(struct vga *vga);

/* The text screen as it is shown now: 0 x 0 in graphics modes, or when the screen is off. */
void vga_text(struct vga *vga, struct screen_text *text);

/* Pixels of the picture that vga_render draws now. */
void vga_size(const struct vga *vga, unsigned *width, unsigned *height);

/* Brings frame up to date with what a monitor shows now, text and graphics: bus/frame.h says what
 * the caller gets. Lines that a monitor would show twice are there once, wherever that is true of
 * the whole picture; aspect_x and aspect_y account for it. A screen that is off is black. The guest
 * cannot notice. Give each consumer a frame of its own; any number of them may be in use. */
void vga_render(struct vga *vga, struct frame *frame);

#endif
