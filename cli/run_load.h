/* `anachron run --load`: from the file to the machine, in the order in which a run is opened. All
 * do nothing without --load. */
#ifndef RUN_LOAD_H
#define RUN_LOAD_H

#include "machine/saved.h"

struct run;

/* Before anything else is opened: the file. */
bool run_load_open(struct run *run, struct error *err);
/* After the files that options name: these must not say something else; the machine's configuration
 * is set. */
bool run_load_configure(struct run *run, struct error *err);
/* Opens the images, if they are still the ones of the saved state. given: what options say of each
 * place; NULL: nothing. */
bool run_load_images(struct run *run, const char *const given[SAVED_PLACES], struct error *err);
/* After the machine was built. */
bool run_load_state(struct run *run, struct error *err);

#endif
