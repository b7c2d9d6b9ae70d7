/* See machine/diverge.h. */
#include "cpu/block_cache.h"
#include "cpu/code.h"
#include "jit/jit.h"
#include "machine/diverge_private.h"
#include "machine/saved.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit statuses of forked processes. */
enum { TRIAL_SAME, TRIAL_DIFFERENT, TRIAL_NO_BLOCK, TRIAL_BROKEN };

static bool is_same(const struct diverge *diverge)
{
    const struct machine *a = diverge->side[0], *b = diverge->side[1];
    return a->stop == b->stop && a->stop_status == b->stop_status &&
           state_compare(a->state, b->state, NULL, NULL) == 0;
}

/* False: one of them has ended. */
static bool run_to(const struct diverge *diverge, uint64_t icount)
{
    bool goes_on = machine_run_to(diverge->side[0], icount);
    return machine_run_to(diverge->side[1], icount) && goes_on;
}

/* --- processes --- */

bool machine_unshare(struct machine *machine, struct error *err)
{
    return !machine->jit || jit_unshare(machine->jit, err);
}

pid_t diverge_split(const struct diverge *diverge)
{
    fflush(NULL);
    for (unsigned i = 0; i < 2; i++)
        machine_settle_memory(diverge->side[i]);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct error err;
    bool ok = !diverge->unshare || diverge->unshare(diverge->opaque, &err);
    for (unsigned i = 0; i < 2 && ok; i++)
        ok = machine_unshare(diverge->side[i], &err);
    if (ok)
        return 0;
    fprintf(stderr, "anachron: error: %s\n", err.text);
    _exit(TRIAL_BROKEN);
}

static void end(int status)
{
    fflush(NULL);
    _exit(status);
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return TRIAL_BROKEN;
    return WIFEXITED(status) ? WEXITSTATUS(status) : TRIAL_BROKEN;
}

/* A process that waits at this point of the run, to go back to it. */
struct checkpoint {
    pid_t pid;
    int command, ready; /* pipes to it and from it */
};

/* True in the process that was told to go on from here. */
static bool await_command(int command, int ready)
{
    char byte = 0;
    if (write(ready, &byte, 1) != 1)
        end(TRIAL_BROKEN);
    close(ready);
    if (read(command, &byte, 1) != 1)
        end(TRIAL_SAME);
    return true;
}

/* False: the host has no more processes; err says so. *resumed: this is the process that has been
 * waiting. */
static bool checkpoint_make(const struct diverge *diverge, struct checkpoint *checkpoint,
                            bool *resumed, struct error *err)
{
    int command[2], ready[2];
    char byte;
    *resumed = false;
    if (pipe(command) || pipe(ready))
        return error_set_errno(err, "cannot make a pipe");
    checkpoint->pid = diverge_split(diverge);
    if (checkpoint->pid < 0)
        return error_set_errno(err, "cannot fork a process to come back to");
    if (checkpoint->pid == 0) {
        close(command[1]);
        close(ready[0]);
        return *resumed = await_command(command[0], ready[1]);
    }
    close(command[0]);
    close(ready[1]);
    checkpoint->command = command[1];
    checkpoint->ready = ready[0];
    if (read(checkpoint->ready, &byte, 1) != 1)
        return error_set(err, "a forked process has died; is there memory for three machines?");
    close(checkpoint->ready);
    return true;
}

static void checkpoint_drop(const struct checkpoint *checkpoint)
{
    close(checkpoint->command);
    wait_for(checkpoint->pid);
}

/* Lets it run to its end; its status. */
static int checkpoint_resume(const struct checkpoint *checkpoint)
{
    char byte = 0;
    bool ok = write(checkpoint->command, &byte, 1) == 1;
    close(checkpoint->command);
    int status = wait_for(checkpoint->pid);
    return ok ? status : TRIAL_BROKEN;
}

/* --- looking for the place --- */

/* In a process of its own: what differs after count. */
static int try_count(const struct diverge *diverge, uint64_t count)
{
    pid_t pid = diverge_split(diverge);
    if (pid)
        return pid < 0 ? TRIAL_BROKEN : wait_for(pid);
    run_to(diverge, count);
    end(is_same(diverge) ? TRIAL_SAME : TRIAL_DIFFERENT);
    return TRIAL_BROKEN;
}

/* Whether they differ at last when they stop at first on their way, where they are the same. */
static int try_block(const struct diverge *diverge, uint64_t first, uint64_t last)
{
    pid_t pid = diverge_split(diverge);
    if (pid)
        return pid < 0 ? TRIAL_BROKEN : wait_for(pid);
    run_to(diverge, first);
    if (!is_same(diverge))
        end(TRIAL_NO_BLOCK);
    run_to(diverge, last);
    end(is_same(diverge) ? TRIAL_NO_BLOCK : TRIAL_DIFFERENT);
    return TRIAL_BROKEN;
}

/* Blocks of count instructions, translated at once. */
static void cut_blocks(const struct diverge *diverge, unsigned count)
{
    for (unsigned i = 0; i < 2; i++) {
        struct machine *side = diverge->side[i];
        if (!side->jit)
            continue;
        side->cpu->code->limit = count;
        jit_start_anew(side->jit);
    }
}

/* With both at the beginning of the wrong block: whether its first count instructions, as a block
 * of their own, are wrong. */
static int try_cut(const struct diverge *diverge, uint64_t first, unsigned count)
{
    pid_t pid = diverge_split(diverge);
    if (pid)
        return pid < 0 ? TRIAL_BROKEN : wait_for(pid);
    cut_blocks(diverge, count);
    run_to(diverge, first + count);
    end(is_same(diverge) ? TRIAL_SAME : TRIAL_DIFFERENT);
    return TRIAL_BROKEN;
}

/* The first count after which they differ when they run there from here without a stop. */
static uint64_t search_count(const struct diverge *diverge, uint64_t same, uint64_t different)
{
    while (different - same > 1) {
        uint64_t middle = same + (different - same) / 2;
        if (try_count(diverge, middle) == TRIAL_DIFFERENT)
            different = middle;
        else
            same = middle;
    }
    return different;
}

/* Both are at count same, and differ when they have run to different. */
static void find_and_report(const struct diverge *diverge, uint64_t same, uint64_t different)
{
    struct diverge_place place = {.insn = DIVERGE_NO_INSN};
    place.different = search_count(diverge, same, different);
    place.same = place.different - 1;
    for (unsigned size = 1; size <= BLOCK_MAX_INSNS && place.different - size >= same; size++) {
        if (try_block(diverge, place.different - size, place.different) != TRIAL_DIFFERENT)
            continue;
        place.has_block = true;
        place.same = place.different - size;
        break;
    }
    run_to(diverge, place.same);
    unsigned size = (unsigned)(place.different - place.same);
    for (unsigned i = 0; i < size && place.has_block && place.insn < 0; i++)
        if (try_cut(diverge, place.same, i + 1) == TRIAL_DIFFERENT)
            place.insn = (int)i;
    diverge_report_place(diverge, &place);
    if (place.insn >= 0) {
        cut_blocks(diverge, (unsigned)place.insn + 1);
        place.different = place.same + (unsigned)place.insn + 1;
    }
    run_to(diverge, place.different);
    diverge_report_states(diverge);
}

static enum diverge_result report_same(const struct diverge *diverge)
{
    struct machine *machine = diverge->side[0];
    fprintf(diverge->stream, "%s and %s agree after %llu instructions: state %016llx\n",
            diverge->name[0], diverge->name[1], (unsigned long long)machine_icount(machine),
            (unsigned long long)machine_state_hash(machine));
    return DIVERGE_SAME;
}

enum diverge_result diverge_run(const struct diverge *diverge, struct error *err)
{
    uint64_t count = machine_icount(diverge->side[0]);
    for (bool goes_on = true; goes_on && count < diverge->limit;) {
        uint64_t next =
            diverge->limit - count < diverge->every ? diverge->limit : count + diverge->every;
        struct checkpoint checkpoint = {0};
        bool resumed;
        if (!checkpoint_make(diverge, &checkpoint, &resumed, err))
            return DIVERGE_FAILED;
        if (resumed) {
            find_and_report(diverge, count, next);
            end(TRIAL_DIFFERENT);
        }
        goes_on = run_to(diverge, next);
        if (!is_same(diverge)) {
            if (checkpoint_resume(&checkpoint) == TRIAL_DIFFERENT)
                return DIVERGE_DIFFERENT;
            error_set(err,
                      "the engines differ after %llu instructions, but not after %llu; a "
                      "process that looked for the place has died",
                      (unsigned long long)next, (unsigned long long)count);
            return DIVERGE_FAILED;
        }
        checkpoint_drop(&checkpoint);
        count = next;
    }
    return report_same(diverge);
}
