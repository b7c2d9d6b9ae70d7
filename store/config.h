/* The configuration of a machine: an ini file that people may edit.
 *
 *     ; a comment
 *     [machine]
 *     memory = 128M
 *     cdrom = /home/me/debian.iso
 *
 *     [start]
 *     display = sdl
 *
 * Here it is lines of section, key and value; what they may be is the program's business. A key may
 * come more than once. A semicolon after a space begins a comment. */
#ifndef STORE_CONFIG_H
#define STORE_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct config_line {
    char *section, *key, *value; /* owned */
    unsigned number;             /* of the line in the file, from 1 */
};

struct config {
    struct config_line *lines;
    unsigned count;
};

/* path is for messages. False: err names the line; config is then empty. */
bool config_parse(const char *text, size_t size, const char *path, struct config *config,
                  struct error *err);
bool config_read(const char *path, struct config *config, struct error *err);
void config_free(struct config *config);
void config_add(struct config *config, const char *section, const char *key, const char *value);
/* Whether a value would be read back as it is. False: err says what is in its way; key is for the
 * message. */
bool config_can_hold(const char *key, const char *value, struct error *err);
/* A new file, with a first line of comment. */
bool config_write(const struct config *config, const char *path, const char *comment,
                  struct error *err);

#endif
