/* Between a chip that puts characters out and the backend that takes them: nothing passes while the
 * machine is muted, because it repeats what it has said before. */
#ifndef MACHINE_OUTLET_H
#define MACHINE_OUTLET_H

#include "bus/backend.h"

struct outlet {
    struct char_backend chars; /* what the chip is given */
    struct char_backend *next; /* not owned; may be NULL */
    const bool *muted;
};

/* Puts an outlet before *chars, or makes it NULL if not connected: the guest may see that. */
void outlet_start(struct outlet *outlet, struct char_backend **chars, bool connected,
                  const bool *muted);

#endif
