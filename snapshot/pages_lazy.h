/* Memory of a container that is there when it is wanted: a thread of ours gets to hear of each page
 * that is touched for the first time (userfaultfd), and fills it; meanwhile it fills all others. So
 * a machine can run long before its memory has been decompressed. */
#ifndef SNAPSHOT_PAGES_LAZY_H
#define SNAPSHOT_PAGES_LAZY_H

#include "snapshot/container.h"

struct pages_lazy;

/* As pages_load; container must outlive *lazy, which is NULL where the host cannot do this: then
 * the memory is loaded already. memory is from mem_map, and nothing may be in it. Until
 * pages_lazy_wait, it must not be handed to system calls, and the process must not fork. */
bool pages_load_lazily(const struct container *container, const char *name, uint8_t *memory,
                       size_t size, struct pages_lazy **lazy, struct error *err);
/* Until all of it is there. NULL does nothing. */
void pages_lazy_wait(struct pages_lazy *lazy);
/* Ends the thread, whether it is done or not, and frees lazy. What is not there yet will be zero.
 */
void pages_lazy_end(struct pages_lazy *lazy);

#endif
