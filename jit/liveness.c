/* Which arithmetic flags are wanted after each operation: backwards over the block. Whatever may
 * leave the block shows all of them. */
#include "jit/ir.h"

void ir_find_live_flags(struct ir *ir)
{
    uint16_t live = F_ALL6;
    for (unsigned i = ir->count; i-- > 0;) {
        struct ir_op *op = &ir->ops[i];
        op->live = live;
        if (!ir_may_keep_flags(op))
            live &= ~ir_flags_written(op);
        live |= ir_flags_read(op);
    }
    ir->kills_flags = live == 0;
}
