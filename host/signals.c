#include "host/signals.h"

#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct signals {
    sigset_t set;
    pthread_t thread;
    void (*asked)(void *opaque, int number);
    void *opaque;
    atomic_bool ending;
};

static void *wait_for_signals(void *argument)
{
    struct signals *signals = argument;
    bool was_asked = false;
    for (;;) {
        int number;
        if (sigwait(&signals->set, &number) != 0)
            continue;
        if (atomic_load(&signals->ending))
            return NULL;
        if (was_asked)
            _exit(128 + number);
        was_asked = true;
        signals->asked(signals->opaque, number);
    }
}

struct signals *signals_start(void (*asked)(void *opaque, int number), void *opaque)
{
    struct signals *signals = mem_new(sizeof *signals);
    signals->asked = asked;
    signals->opaque = opaque;
    sigemptyset(&signals->set);
    sigaddset(&signals->set, SIGINT);
    sigaddset(&signals->set, SIGTERM);
    sigaddset(&signals->set, SIGHUP);
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is no reason to die */
    pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
    if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) == 0)
        return signals;
    pthread_sigmask(SIG_UNBLOCK, &signals->set, NULL);
    mem_free(signals);
    return NULL;
}

void signals_stop(struct signals *signals)
{
    if (!signals)
        return;
    atomic_store(&signals->ending, true);
    pthread_kill(signals->thread, SIGTERM);
    pthread_join(signals->thread, NULL);
    pthread_sigmask(SIG_UNBLOCK, &signals->set, NULL);
    mem_free(signals);
}
