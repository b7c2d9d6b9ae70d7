/* The guest's side of a run as JSON: what a log (and a saved state) holds, so that the same machine
 * can be built again from it alone. Files are named by absolute path, size and a hash of their
 * contents, and checked against them when the machine is built.
 *
 * What only concerns the host (display, where serial ports go, engine, script ...) is not in it;
 * that something is connected to a port is. */
#ifndef RUN_CONFIG_H
#define RUN_CONFIG_H

#include "cli/run_options.h"
#include "machine/saved.h"

#include <jansson.h>

struct run;

/* Describes the machine of run, whose files are open and unchanged since: hashes them. The caller
 * owns the result; NULL: err says what cannot be described. */
json_t *run_config_describe(struct run *run, struct error *err);

/* Sets the guest's side of options from config, which must outlive them. Every image is opened so
 * that nothing is written to it. False: config is none, err says what is wrong with it. */
bool run_config_apply(json_t *config, struct run_options *options, struct error *err);

/* With the files of run->options opened, and disks as they were then: whether they are those that
 * config describes. False: err names the file. */
bool run_config_check(json_t *config, struct run *run, struct error *err);

/* The same for a machine that was loaded, or whose state has been saved right now: the state says
 * what machine it is, and config which images are in its drives. medium: what to open in each
 * place; NULL: nothing. */
json_t *run_config_describe_loaded(struct run *run, const struct saved *saved, struct error *err);
bool run_config_apply_loaded(json_t *config, struct run_options *options,
                             const char *medium[SAVED_PLACES], struct error *err);
bool run_config_check_loaded(json_t *config, const struct run *run, struct error *err);

#endif
