/* The thunks that move the guest's SSE and x87 registers into the host's and back; part of
 * thunks_emit. See jit/units.h. */
#ifndef JIT_THUNKS_UNITS_H
#define JIT_THUNKS_UNITS_H

#include "jit/x64.h"

/* Call: stores UNIT_SSE, which must be loaded; the host's MXCSR is C's again. Changes no register
 * but flags. */
uint8_t *thunks_emit_store_sse(struct x64 *as);
/* struct thunks, load_sse and load_fpu. */
uint8_t *thunks_emit_load_sse(struct x64 *as);
uint8_t *thunks_emit_load_fpu(struct x64 *as, const uint8_t *store_sse);

/* Code, not a thunk: calls store_sse if UNIT_SSE is loaded. */
void thunks_emit_put_sse_away(struct x64 *as, const uint8_t *store_sse);

#endif
