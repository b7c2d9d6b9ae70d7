/* The gdb stub: what the client asks about the stub itself, and monitor commands. */
#include "base/memory.h"
#include "machine/gdb_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- qXfer --- */

/* Linear addresses are what gdb asks for, and any may be mapped. */
static const char memory_map[] =
    "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map "
    "V1.0//EN\" \"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n<memory-map>\n"
    "<memory type=\"ram\" start=\"0\" length=\"0x100000000\"/>\n</memory-map>\n";

/* OFFSET,LENGTH of document. */
static void transfer(struct gdb *gdb, struct gdb_text *text, const char *document)
{
    uint64_t offset, length, size = strlen(document);
    if (!gdb_take_hex(text, &offset) || !gdb_take_char(text, ',') || !gdb_take_hex(text, &length) ||
        offset > size) {
        gdb_send_error(gdb, EINVAL);
        return;
    }
    if (length > GDB_PAYLOAD_MAX / 2)
        length = GDB_PAYLOAD_MAX / 2;
    bool is_last = size - offset <= length;
    gdb_put(gdb, "%c", is_last ? 'l' : 'm');
    gdb_put_raw(gdb, document + offset, (size_t)(is_last ? size - offset : length));
    gdb_send(gdb);
}

static void take_transfer(struct gdb *gdb, struct gdb_text *text)
{
    if (gdb_take_word(text, "features:read:target.xml:") && gdb->features)
        transfer(gdb, text, gdb->features);
    else if (gdb_take_word(text, "memory-map:read::"))
        transfer(gdb, text, memory_map);
    else if (gdb_take_word(text, "features:read:"))
        gdb_send_text(gdb, "E00");
    else
        gdb_send(gdb);
}

/* --- qSupported --- */

static bool contains(const struct gdb_text *text, const char *word)
{
    return memmem(text->at, (size_t)(text->end - text->at), word, strlen(word)) != NULL;
}

static void answer_supported(struct gdb *gdb, const struct gdb_text *text)
{
    gdb->takes_reasons = contains(text, "swbreak+") && contains(text, "hwbreak+");
    gdb_put(gdb,
            "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;qXfer:memory-map:read+;"
            "swbreak+;hwbreak+;vContSupported+;ReverseStep+;ReverseContinue+",
            GDB_PAYLOAD_MAX);
    gdb_send(gdb);
}

/* --- packets --- */

void gdb_query(struct gdb *gdb, struct gdb_text *text)
{
    if (gdb_take_word(text, "Supported"))
        answer_supported(gdb, text);
    else if (gdb_take_word(text, "Xfer:"))
        take_transfer(gdb, text);
    else if (gdb_take_word(text, "Rcmd,"))
        gdb_monitor(gdb, text);
    else if (gdb_take_word(text, "fThreadInfo"))
        gdb_send_text(gdb, "m1");
    else if (gdb_take_word(text, "sThreadInfo"))
        gdb_send_text(gdb, "l");
    else if (gdb_take_word(text, "Attached"))
        gdb_send_text(gdb, "1"); /* quitting detaches, and does not kill */
    else if (gdb_take_word(text, "ThreadExtraInfo,"))
        gdb_send_text(gdb, "70726f636573736f72"); /* "processor" */
    else if (text->end - text->at == 1 && *text->at == 'C')
        gdb_send_text(gdb, "QC1");
    else
        gdb_send(gdb);
}

/* QStartNoAckMode is the connection's business; nothing else is offered. */
void gdb_set(struct gdb *gdb, struct gdb_text *text)
{
    gdb_send(gdb);
}

/* --- monitor --- */

static void put_console(struct gdb *gdb, const char *text)
{
    gdb_put_bytes(gdb, (const uint8_t *)text, strlen(text));
}

/* One `monitor` line that is answered within its packet, or not at all. */
struct monitor_answer {
    struct gdb *gdb; /* NULL: the packet has been answered */
};

/* Long texts go in several pieces, each an O packet, before the OK. */
static void send_console(struct gdb *gdb, const char *text, size_t size)
{
    enum { PIECE = GDB_PAYLOAD_MAX / 2 - 1 };
    for (size_t done = 0; done < size; done += PIECE) {
        size_t part = size - done < PIECE ? size - done : PIECE;
        gdb_put(gdb, "O");
        gdb_put_bytes(gdb, (const uint8_t *)text + done, part);
        gdb_send(gdb);
    }
}

static void on_answer(void *opaque, const struct control_outcome *outcome)
{
    struct monitor_answer *answer = opaque;
    struct gdb *gdb = answer->gdb;
    if (gdb && outcome->result) {
        size_t size;
        char *text = command_result_text(outcome->command, outcome->result, &size);
        send_console(gdb, text, size);
        mem_free(text);
        gdb_send_text(gdb, "OK");
    } else if (gdb) {
        send_console(gdb, outcome->err->text, strlen(outcome->err->text));
        send_console(gdb, "\n", 1);
        gdb_send_text(gdb, "OK");
    }
    if (gdb)
        answer->gdb = NULL;
    else
        mem_free(answer);
}

static void refuse(struct gdb *gdb, const char *reason)
{
    put_console(gdb, reason);
    put_console(gdb, "\n");
    gdb_send(gdb);
}

/* A row of the command table. It is carried out now: the machine stands, so that what needs virtual
 * time is only begun. */
static void run_command(struct gdb *gdb, const char *line, size_t size)
{
    struct command_call call;
    struct error err = {""};
    if (!command_parse_line(machine_commands(), line, size, false, &call, &err)) {
        refuse(gdb, err.text);
        return;
    }
    if (!call.command) {
        gdb_send_text(gdb, "OK");
        return;
    }
    if (call.command->flags & COMMAND_WAITS || strcmp(call.command->name, "cont") == 0) {
        command_call_free(&call);
        refuse(gdb, "that lets time pass: use gdb's own continue, stepi and interrupt");
        return;
    }
    struct monitor_answer *answer = mem_new(sizeof *answer);
    answer->gdb = gdb;
    control_post(gdb->machine->control, &call, on_answer, answer);
    gdb->hits = HITS_ARE_IGNORED; /* a seek passes over points */
    jobs_step(gdb->machine->jobs, gdb->machine);
    gdb->hits = HITS_STOP;
    if (!answer->gdb) {
        mem_free(answer);
        return;
    }
    answer->gdb = NULL; /* freed when the command ends */
    refuse(gdb, "it goes on while the guest runs");
}

static bool is_line(const char *line, const char *wanted)
{
    return strcmp(line, wanted) == 0;
}

/* The stub's own. False: it is not one of them. */
static bool run_own(struct gdb *gdb, const char *line)
{
    if (is_line(line, "phys on") || is_line(line, "phys off"))
        gdb->is_physical = is_line(line, "phys on");
    else if (is_line(line, "arch auto"))
        gdb->architecture = ARCHITECTURE_AUTO;
    else if (is_line(line, "arch i8086"))
        gdb->architecture = ARCHITECTURE_8086;
    else if (is_line(line, "arch i386"))
        gdb->architecture = ARCHITECTURE_386;
    else if (!is_line(line, "phys") && !is_line(line, "arch"))
        return false;
    static const char *const names[] = {"auto", "i8086", "i386"};
    char text[160];
    if (strncmp(line, "phys", 4) == 0)
        snprintf(text, sizeof text, "memory is read and written by %s address",
                 gdb->is_physical ? "physical" : "linear");
    else
        snprintf(text, sizeof text, "the next connection is told: %s%s", names[gdb->architecture],
                 gdb->architecture == ARCHITECTURE_AUTO ? " (what the code segment is then)" : "");
    refuse(gdb, text);
    return true;
}

void gdb_monitor(struct gdb *gdb, struct gdb_text *text)
{
    char line[GDB_PAYLOAD_MAX / 2 + 1];
    size_t size = 0;
    while (size < sizeof line - 1 && gdb_take_byte(text, (uint8_t *)&line[size]))
        size++;
    line[size] = 0;
    if (text->at != text->end)
        gdb_send_error(gdb, EINVAL);
    else if (!run_own(gdb, line))
        run_command(gdb, line, size);
}
