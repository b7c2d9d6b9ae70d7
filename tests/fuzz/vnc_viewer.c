/* A VNC viewer that has shaken hands and then sends anything: messages of all kinds, cut off
 * anywhere. The server must come to an end with it, and hold no key down. */
#include "tests/fuzz/fuzz.h"

#include "machine/machine.h"
#include "ui/vnc_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 1 };

static void on_key(void *opaque, const struct gate_event *event)
{
    uint8_t *down = opaque;
    down[event->u.key.code] = event->u.key.down;
}

/* The viewer takes what it is sent, and looks at none of it. */
static void *swallow(void *argument)
{
    char bytes[1 << 16];
    while (read(*(int *)argument, bytes, sizeof bytes) > 0)
        continue;
    return NULL;
}

/* The server's end of a connection on which everything has been said already. */
static int connection_with(const uint8_t *bytes, size_t size, int *other)
{
    static const char hello[] = "RFB 003.008\n\1\1";
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    fuzz_check(write(pair[1], hello, sizeof hello - 1) == sizeof hello - 1);
    fuzz_check(write(pair[1], bytes, size) == (ssize_t)size);
    shutdown(pair[1], SHUT_WR);
    *other = pair[1];
    return pair[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct error err;
    struct gate *gate = gate_new();
    struct screen *screen = screen_new();
    struct control *control = control_new(machine_commands(), gate);
    struct vnc *vnc = vnc_open(eventfd(0, EFD_CLOEXEC), NULL, &err);
    static uint8_t down[0x10000];
    int other, connection = connection_with(bytes, size, &other);
    pthread_t swallower;
    rfbMaxClientWait = WAIT_MS;
    fuzz_check(pthread_create(&swallower, NULL, swallow, &other) == 0);
    vnc->gate = gate;
    vnc->screen = screen;
    vnc->control = control;
    memset(down, 0, sizeof down);
    gate_set_sink(gate, GATE_KEY, on_key, down);
    /* A machine that has ended shows nothing new; the server's own black picture will do. */
    screen_close(screen);
    vnc_serve(&vnc->viewer[0], connection);
    gate_deliver(gate, 0);
    for (unsigned code = 0; code < sizeof down; code++)
        fuzz_check(!down[code]);
    vnc_close(vnc);
    pthread_join(swallower, NULL);
    close(other);
    control_close(control, "the end");
    control_free(control);
    screen_free(screen);
    gate_free(gate);
    return 0;
}
