/* The gate: the one door through which anything from outside reaches the guest.
 *
 * Any thread (keyboard, socket, script) submits an event; the run loop delivers it at an
 * instruction boundary, stamped with the number of instructions retired by then. Delivery in that
 * order at those counts is all that a replay needs, so the gate is also where the log is written:
 * a log sink sees every event as it is delivered. Nothing else may hand input to a chip. */
#ifndef RECORD_GATE_H
#define RECORD_GATE_H

#include "bus/backend.h"

#include <stdbool.h>
#include <stdint.h>

enum gate_event_kind {
    GATE_KEY,          /* a key went down or up */
    GATE_MOUSE,        /* relative movement, wheel and buttons */
    GATE_POINTER,      /* position on the screen, wheel and buttons */
    GATE_SERIAL,       /* bytes arrive at a serial port */
    GATE_MEDIA,        /* a medium was put into a drive, or taken out */
    GATE_POWER_BUTTON, /* pressed and released */
    GATE_RESET_BUTTON,
    GATE_NMI_BUTTON,
    GATE_RATE,       /* virtual time per instruction changes */
    GATE_WALL_CLOCK, /* the host's time was read, to set the real-time clock at power-on */
    GATE_POKE,       /* a processor register was set by hand */
    GATE_MEMORY,     /* bytes of RAM were set by hand */
    GATE_KIND_COUNT
};

enum gate_drive { GATE_FLOPPY_A, GATE_FLOPPY_B, GATE_CDROM, GATE_DRIVE_COUNT };

enum { GATE_SERIAL_MAX = 64, GATE_REGISTER_MAX = 24 };

struct gate_event {
    enum gate_event_kind kind;
    uint64_t icount; /* filled in at delivery */
    union {
        struct {
            uint16_t code; /* enum key, bus/keys.h */
            bool down;
        } key;
        struct {
            int16_t dx, dy;  /* right and down are positive */
            int8_t wheel;    /* towards the user is positive */
            uint8_t buttons; /* bit 0 left, 1 right, 2 middle */
        } mouse;
        struct {
            uint16_t x, y;   /* 0 left and top, 65535 right and bottom of the picture */
            int8_t wheel;    /* as above */
            uint8_t buttons; /* as above */
        } pointer;
        struct {
            uint8_t port; /* 0: COM1 */
            uint8_t size;
            uint8_t bytes[GATE_SERIAL_MAX];
        } serial;
        struct {
            uint8_t drive;             /* enum gate_drive */
            struct disk_backend *disk; /* NULL: the drive is now empty. The sink takes it over. */
            /* How the disk was opened, so that it can be opened again; NULL with none. Owned by the
             * event: gate_event_free. Not copied when the event is. */
            char *specification;
        } media;
        struct {
            char name[GATE_REGISTER_MAX]; /* as cpu_poke takes it */
            uint64_t low, high;
            uint8_t digits;
        } poke;
        struct {
            uint32_t address; /* physical */
            uint8_t size;
            uint8_t bytes[GATE_SERIAL_MAX];
        } memory;
        uint64_t picoseconds_per_insn;
        int64_t wall_seconds; /* since 1970-01-01T00:00:00, local time of the guest */
    } u;
};

/* Frees what an event owns but for its disk. */
void gate_event_free(struct gate_event *event);

struct gate;

/* Receives events of one kind on the machine's thread. */
typedef void gate_sink(void *opaque, const struct gate_event *event);

struct gate *gate_new(void);
/* Undelivered events are dropped; a medium in one is closed. */
void gate_free(struct gate *gate);

/* Called by the machine before it runs. */
void gate_set_sink(struct gate *gate, enum gate_event_kind kind, gate_sink *sink, void *opaque);
/* Sees every event, after it got its stamp and before its sink. NULL: none. */
void gate_set_log(struct gate *gate, gate_sink *log, void *opaque);

/* From any thread. The event is copied, and what it owns taken over. False if the queue is full:
 * nothing was taken. */
bool gate_submit(struct gate *gate, const struct gate_event *event);

/* Short forms of gate_submit. */
void gate_key(struct gate *gate, uint16_t code, bool down);
void gate_mouse(struct gate *gate, int dx, int dy, int wheel, unsigned buttons);
void gate_pointer(struct gate *gate, unsigned x, unsigned y, int wheel, unsigned buttons);
/* Submits size bytes, in as many events as it takes; waits for room in the queue as long as the
 * machine runs. Not for the machine's own thread. */
void gate_serial_wait(struct gate *gate, unsigned port, const uint8_t *bytes, size_t size);
/* Submits as much as there is room for; returns how many bytes that was. */
size_t gate_serial(struct gate *gate, unsigned port, const uint8_t *bytes, size_t size);

/* --- for the run loop --- */

/* One relaxed load: is there anything to deliver? */
bool gate_pending(const struct gate *gate);
/* Delivers everything submitted so far, in order of submission, stamped with icount. */
void gate_deliver(struct gate *gate, uint64_t icount);
/* Drops everything submitted so far: a machine that replays its past takes nothing from outside. */
void gate_discard(struct gate *gate);
/* Hands one event straight to log and sink, for what the machine itself asks of the outside, and
 * frees what it owns. */
void gate_deliver_now(struct gate *gate, struct gate_event *event, uint64_t icount);
/* The same, but past the log: the event comes from there. */
void gate_replay(struct gate *gate, struct gate_event *event);
/* Sleeps until an event is pending, or for nanoseconds (UINT64_MAX: without end). */
void gate_wait(struct gate *gate, uint64_t nanoseconds);
/* Wakes gate_wait and every waiting submitter, now and from now on: the machine is ending. */
void gate_close(struct gate *gate);
/* Wakes gate_wait once. Safe in any thread, not in a signal handler. */
void gate_wake(struct gate *gate);

#endif
