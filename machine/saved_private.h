/* Saved states: what writing, reading and describing share. */
#ifndef MACHINE_SAVED_PRIVATE_H
#define MACHINE_SAVED_PRIVATE_H

#include "machine/internal.h"
#include "machine/saved.h"
#include "snapshot/container.h"

#include <jansson.h>

enum { SAVED_BLOBS = 5 + MACHINE_MODULES };

/* A file of the configuration that is in the saved state: section "file.NAME". */
struct saved_blob {
    char section[CONTAINER_NAME_SIZE];
    size_t blob; /* offset of its struct blob in struct machine_config */
};
/* Number index of them; false: there are no more. */
bool saved_blob_at(unsigned index, struct saved_blob *blob);

struct saved {
    struct container *container;
    json_t *json; /* section "machine" */
    struct machine_config config;
    struct serial blobs[SAVED_BLOBS];
    struct saved_drive drive[SAVED_PLACES];
};

/* saved_config.c: the machine as JSON; the caller owns it. NULL: err. */
json_t *saved_describe(struct machine *machine, struct error *err);
/* From saved->json to saved->config and saved->drive. */
bool saved_understand(struct saved *saved, struct error *err);

#endif
