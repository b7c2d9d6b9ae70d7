/* What the two files of machine/diverge.h share. */
#ifndef MACHINE_DIVERGE_PRIVATE_H
#define MACHINE_DIVERGE_PRIVATE_H

#include "machine/diverge.h"
#include "machine/internal.h"

#include <sys/types.h>

enum { DIVERGE_NO_INSN = -1 };

struct diverge_place {
    uint64_t same, different; /* instruction counts: of the block's beginning and end */
    bool has_block;           /* a translated block lies between them */
    int insn;                 /* the wrong one of the block; DIVERGE_NO_INSN: none alone is wrong */
};

/* fork, with what this process and the other would share made the new one's own. */
pid_t diverge_split(const struct diverge *diverge);

/* With both sides at place->same: the place and the block. Then, with both behind the wrong
 * instruction or block: what differs. */
void diverge_report_place(const struct diverge *diverge, const struct diverge_place *place);
void diverge_report_states(const struct diverge *diverge);

#endif
