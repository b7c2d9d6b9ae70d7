/* The outside of a machine's copy, in a process of its own: machine/fork.h. */
#include "base/memory.h"
#include "cli/run_private.h"

static void on_signal(void *opaque, int number)
{
    machine_stop(((struct run *)opaque)->machine, 128 + number);
}

bool run_settle_copy(void *opaque, const char *socket, bool *is_kept, struct error *err)
{
    struct run *run = opaque;
    *is_kept = run->twin != NULL;
    if (run->kept)
        instance_abandon(run->kept->instance);
    run->kept = NULL;
    run_log_leave(run);
    run->left_display |= run->window || run->vnc || run->term;
    run->window = NULL;
    run->vnc = NULL;
    run->term = NULL;
    run->gdb = NULL;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        run->serial[i] = NULL;
    if (*is_kept) {
        if (!run_twin_settle(run, err))
            return false;
        socket = instance_control(run->kept->instance);
    }
    run->copy_socket = *is_kept ? NULL : mem_string_copy(socket);
    run->server = control_server_open(socket, err);
    if (!run->server)
        return false;
    run->signals = signals_start(on_signal, run);
    return control_server_start(run->server, machine_control(run->machine),
                                machine_screen(run->machine), err);
}

bool run_show_copy(void *opaque)
{
    struct run *run = opaque;
    if (run->kept && !run_twin_show(run))
        return false;
    run_open_copy_ports(run);
    return true;
}

int run_end_copy(void *opaque, int status)
{
    struct run *run = opaque;
    if (run->kept)
        return run_twin_end(run, status);
    run_close_copy_ports(run);
    control_server_close(run->server);
    return status;
}
