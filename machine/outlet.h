/* Between a chip that puts characters out and the backend that takes them: nothing passes while the
 * machine is muted, because it repeats what it has said before. */
#ifndef MACHINE_OUTLET_H
#define MACHINE_OUTLET_H

#include "bus/backend.h"

struct outlet {
    struct char_backend chars; /* what the chip is given */
    struct char_backend *next; /* not owned */
    const bool *muted;
};

/* Puts an outlet before *chars; NULL stays NULL, as the guest sees whether something is connected.
 */
void outlet_start(struct outlet *outlet, struct char_backend **chars, const bool *muted);

#endif
