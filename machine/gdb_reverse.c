/* The gdb stub: going back, on the machine's history (machine/history.h). */
#include "machine/gdb_private.h"
#include "machine/history.h"

void gdb_leave_past(struct gdb *gdb)
{
    struct history_info info;
    history_get_info(gdb->machine, &info);
    if (info.in_past)
        history_go_live(gdb->machine);
}

void gdb_go_back(struct gdb *gdb, bool step)
{
    gdb_send(gdb);
}
