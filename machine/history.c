/* See machine/history.h. */
#include "machine/history.h"

#include "machine/internal.h"

bool history_start(struct machine *machine, const struct history_options *options,
                   struct error *err)
{
    return error_set(err, "this version cannot keep a machine's past yet");
}

void history_stop(struct machine *machine) {}

void history_get_info(const struct machine *machine, struct history_info *info)
{
    *info = (struct history_info){
        .present = machine_icount(machine),
        .present_ns = machine_time(machine),
    };
}

void history_checkpoint(struct machine *machine) {}

unsigned history_list(const struct machine *machine, uint64_t *counts, unsigned room)
{
    return 0;
}

bool machine_seek(struct machine *machine, uint64_t icount, struct error *err)
{
    return error_set(err, "the past of this machine is not kept: it cannot go to instruction %llu",
                     (unsigned long long)icount);
}

bool machine_seek_time(struct machine *machine, uint64_t ns, struct error *err)
{
    return error_set(err, "the past of this machine is not kept: it cannot go to %.3f s",
                     (double)ns / 1e9);
}

bool history_run_to(struct machine *machine, uint64_t icount)
{
    return true;
}

void history_go_live(struct machine *machine) {}
