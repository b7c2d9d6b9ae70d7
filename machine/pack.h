/* The machine's state as bytes in memory, and back (snapshot/serial.h has the form): all of
 * processor and chips, which media are in the drives, and what the board keeps outside of chips.
 * Not RAM, video memory and what is on disks: they are the caller's affair.
 *
 * On the machine's thread, between two instructions: where commands are carried out, or while
 * machine_run does not run. */
#ifndef MACHINE_PACK_H
#define MACHINE_PACK_H

#include "machine/machine.h"
#include "snapshot/serial.h"

/* Appends to out. Lazily kept fields are brought up to date; the guest cannot notice. */
void machine_pack(struct machine *machine, struct serial *out);

/* Loads what machine_pack wrote, in this machine or one of the same configuration; either engine.
 * The caller has put back RAM and video memory already, and has told the processor about code that
 * was overwritten so (physmem_note_write, or machine_forget_code), and has put the media that were
 * in the drives back (machine_place_medium). Script, requests and pictures are left alone.
 * False: nothing was changed, err says why. */
bool machine_unpack(struct machine *machine, const uint8_t *bytes, size_t size, struct error *err);

/* All of RAM may be another one: no decoded or translated code is kept. */
void machine_forget_code(struct machine *machine);

/* Exchanges the medium in a drive without the guest noticing (no disk change, no lock), and returns
 * what was there, to be closed by the caller if it was inserted while running (*inserted, which is
 * set to that of disk). disk, behind a meter of its own, or NULL. */
struct disk_backend *machine_place_medium(struct machine *machine, enum gate_drive drive,
                                          struct disk_backend *disk, bool *inserted);

/* What the state map saves of the board itself. */
extern const struct state_codec machine_board_codec;

#endif
