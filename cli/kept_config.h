/* What the configuration of a machine that is kept by name says (store/config.h): the options of
 * `anachron run`, without their dashes, in two sections.
 *
 *     [machine]   what the guest has: memory, cpu, floppy, cdrom, boot, kernel ...
 *                 geometry = C/H/S is that of its own disk
 *     [start]     how it is run and shown here: display, serial, engine, clock ...
 *                 at-end = save (or discard): what an end means that nobody has said more about
 *
 * An option without an argument is "key = yes" (or no). Files with relative names are in the
 * machine's folder. */
#ifndef KEPT_CONFIG_H
#define KEPT_CONFIG_H

#include "store/config.h"

/* Words of a command line, owned. */
struct words {
    char **word;
    int count;
};

void words_add(struct words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
/* Whether one of them, after the first, is the option --key. */
bool words_have(const struct words *words, const char *key);
void words_free(struct words *words);

/* --- to a configuration: `anachron new` --- */

/* Takes options of `anachron run` (word 0 is skipped) into a configuration, in the order of the two
 * sections; relative names of files become absolute. An own disk (--disk without readonly or
 * snapshot; --disk-size) is taken out: *disk is its specification, *disk_size its size in bytes (0:
 * not given). False: err says what is wrong. */
bool kept_config_make(int argc, char **argv, struct config *config, const char **disk,
                      unsigned long long *disk_size, struct error *err);

/* --- from one: `anachron start` --- */

struct kept_settings {
    struct words options; /* for run_options_parse; word 0 is "start" */
    char *geometry;       /* NULL: not given */
    bool discards;
};

/* Checks every line, and turns it into an option; path is the file's name, for messages, folder
 * what relative names are relative to. Options of the command line (argv, word 0 is skipped)
 * follow, and replace all lines of their name. *guest_option: the first of them that is of the
 * guest's machine, or NULL. False: err names the line. */
bool kept_config_settings(const struct config *config, const char *path, const char *folder,
                          const struct words *given, bool goes_on, struct kept_settings *settings,
                          const char **guest_option, struct error *err);
void kept_settings_free(struct kept_settings *settings);

/* The value of a key in [machine]; NULL: it is not there. */
const char *kept_config_find(const struct config *config, const char *key);

#endif
