/* The outside of a machine's copy, in a process of its own: machine/fork.h. */
#include "cli/run_private.h"

static void on_signal(void *opaque, int number)
{
    machine_stop(((struct run *)opaque)->machine, 128 + number);
}

bool run_settle_copy(void *opaque, const char *socket, struct error *err)
{
    struct run *run = opaque;
    run->kept = NULL;
    run_log_leave(run);
    run->window = NULL;
    run->vnc = NULL;
    run->term = NULL;
    run->gdb = NULL;
    run->server = control_server_open(socket, err);
    if (!run->server)
        return false;
    run->signals = signals_start(on_signal, run);
    return control_server_start(run->server, machine_control(run->machine),
                                machine_screen(run->machine), err);
}

void run_end_copy(void *opaque)
{
    struct run *run = opaque;
    control_server_close(run->server);
}
