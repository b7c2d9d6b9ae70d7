/* The remote screen, in its module. */
#include "base/memory.h"
#include "ui/module.h"

#include <unistd.h>

struct vnc {
    const struct vnc_functions *functions;
    struct vnc *inside;
};

struct vnc *vnc_open(int listener, const char *password, struct error *err)
{
    const struct vnc_functions *functions = module_load("anachron-vnc.so", "vnc_functions", err);
    if (!functions)
        close(listener);
    struct vnc *inside = functions ? functions->open(listener, password, err) : NULL;
    if (!inside)
        return NULL;
    struct vnc *vnc = mem_new(sizeof *vnc);
    *vnc = (struct vnc){functions, inside};
    return vnc;
}

void vnc_show(struct vnc *vnc, struct gate *gate, struct control *control, struct screen *screen)
{
    vnc->functions->show(vnc->inside, gate, control, screen);
}

void vnc_close(struct vnc *vnc)
{
    if (!vnc)
        return;
    vnc->functions->close(vnc->inside);
    mem_free(vnc);
}
