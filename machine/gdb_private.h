/* Inside the gdb stub (machine/gdb.h): one struct, and what its files offer each other.
 *
 * gdb_session.c    messages, packets, stop replies
 * gdb_query.c      q and Q packets
 * gdb_features.c   the target description
 * gdb_registers.c  registers as gdb numbers them
 * gdb_memory.c     memory and breakpoints
 * gdb_resume.c     going on, stepping, stopping
 * gdb_reverse.c    going back */
#ifndef MACHINE_GDB_PRIVATE_H
#define MACHINE_GDB_PRIVATE_H

#include "control/debugger.h"
#include "control/gdb_packet.h"
#include "cpu/points.h"
#include "machine/gdb.h"
#include "machine/internal.h"

/* Signal numbers of the protocol that a stop is told with. */
enum gdb_signal { GDB_SIGINT = 2, GDB_SIGTRAP = 5, GDB_SIGSEGV = 11 };

/* Types of Z packets: point.tag. */
enum gdb_point { GDB_SOFTWARE, GDB_HARDWARE, GDB_WRITE, GDB_READ, GDB_ACCESS, GDB_POINT_TYPES };

enum gdb_goal {
    GOAL_NONE,  /* the client knows that the machine stands; if it runs, others made it */
    GOAL_RUN,   /* until a point is hit */
    GOAL_STEP,  /* to the next boundary */
    GOAL_RANGE, /* until the instruction is outside of a range */
};

struct gdb_stop {
    enum gdb_signal signal;
    bool has_hit;
    struct point_hit hit;
    enum { LOG_GOES_ON, LOG_BEGINS, LOG_ENDS } log;
};

struct gdb {
    struct machine *machine;
    struct debugger *debugger;
    struct points *points;
    bool is_connected;
    bool takes_reasons; /* the client understands swbreak and hwbreak */
    bool is_physical;   /* addresses of memory, not of breakpoints */
    bool is_8086;       /* the target description that the client has got */
    enum { ARCHITECTURE_AUTO, ARCHITECTURE_8086, ARCHITECTURE_386 } architecture;
    bool is_searching; /* steps are the stub's own: the client is not told */
    enum gdb_goal goal;
    uint64_t from_icount; /* where it was set */
    bool took_event;      /* since then */
    /* No interrupt or fault was taken at this instruction count or a later one, up to the present.
     */
    uint64_t quiet_from;
    uint32_t range_first, range_end;
    struct gdb_stop stop;
    /* What came of a point: while the past is searched, the last one before `before`. */
    enum { HITS_STOP, HITS_ARE_NOTED, HITS_ARE_IGNORED } hits;
    bool has_hit;
    struct point_hit hit;
    struct journal_stamp hit_stamp, before;
    char *features; /* owned: target.xml, made when a client comes */
    /* The answer that is being made; always terminated. */
    char out[GDB_PAYLOAD_MAX + 1];
    size_t out_size;
};

/* --- reading packets --- */

struct gdb_text {
    const char *at, *end;
};

/* Each takes what it names off the front; false: it is not there, and nothing is taken. */
bool gdb_take_char(struct gdb_text *text, char wanted);
bool gdb_take_word(struct gdb_text *text, const char *word);
bool gdb_take_hex(struct gdb_text *text, uint64_t *value);
/* Two digits. */
bool gdb_take_byte(struct gdb_text *text, uint8_t *byte);

/* --- writing answers --- */

void gdb_put(struct gdb *gdb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As hexadecimal digits. */
void gdb_put_bytes(struct gdb *gdb, const uint8_t *bytes, size_t size);
void gdb_put_raw(struct gdb *gdb, const char *bytes, size_t size);
/* Sends the answer, and begins the next. */
void gdb_send(struct gdb *gdb);
void gdb_send_text(struct gdb *gdb, const char *text);
/* E and a number of errno.h, as gdbserver does. */
void gdb_send_error(struct gdb *gdb, int number);

/* --- packets, by their first letters, which are taken --- */

void gdb_query(struct gdb *gdb, struct gdb_text *text);
void gdb_set(struct gdb *gdb, struct gdb_text *text);
void gdb_monitor(struct gdb *gdb, struct gdb_text *text);

void gdb_read_registers(struct gdb *gdb);
void gdb_write_registers(struct gdb *gdb, struct gdb_text *text);
void gdb_read_register(struct gdb *gdb, struct gdb_text *text);
void gdb_write_register(struct gdb *gdb, struct gdb_text *text);
bool gdb_set_pc(struct gdb *gdb, uint32_t linear);
uint32_t gdb_pc(const struct gdb *gdb);

void gdb_read_memory(struct gdb *gdb, struct gdb_text *text);
void gdb_write_memory(struct gdb *gdb, struct gdb_text *text, bool is_binary);
void gdb_change_point(struct gdb *gdb, struct gdb_text *text, bool add);

/* c, s, C, S */
void gdb_resume_old(struct gdb *gdb, struct gdb_text *text, char action);
void gdb_resume(struct gdb *gdb, struct gdb_text *text); /* behind vCont */
void gdb_go_back(struct gdb *gdb, bool step);

/* --- stopping --- */

/* Pauses the machine for this reason, and tells the client if it waits for that. */
void gdb_stop(struct gdb *gdb, const struct gdb_stop *stop);
void gdb_send_stop(struct gdb *gdb);
/* Hears of points that are hit from now on. */
void gdb_listen(struct gdb *gdb);
/* The guest is about to be changed: if the machine is in the past, what came later is forgotten.
 * False: it cannot be, as it plays a recording. */
bool gdb_leave_past(struct gdb *gdb);
/* The answer to a change that failed: EROFS if nothing can be changed here, else number. */
void gdb_send_no_change(struct gdb *gdb, int number);

/* --- the description of registers --- */

enum gdb_feature { FEATURE_CORE, FEATURE_SSE, FEATURE_SYSTEM, GDB_FEATURES };

struct gdb_register {
    const char *name, *type;
    uint8_t feature; /* enum gdb_feature */
    uint8_t bits;
};
/* In gdb's order; NULL behind the last. */
const struct gdb_register *gdb_register(unsigned number);
/* The caller frees. */
char *gdb_describe(bool is_8086);

#endif
