/* A POST card: shows what the guest writes to a port for diagnostic codes. It sits at port 80h
 * (PC/AT), where it only listens, for the DMA page registers keep the byte, and at 190h (PS/1). */
#ifndef DEVICES_POST_CARD_H
#define DEVICES_POST_CARD_H

#include "bus/backend.h"
#include "bus/bus.h"

struct post_card;

/* A code that differs from the last one goes to output as a line, "POST 1C". output is not owned;
 * NULL: nobody looks. To be made after the DMA controllers. */
struct post_card *post_card_new(struct bus *bus, struct char_backend *output);
/* How many codes were written; *code is the last one, if any. */
uint64_t post_card_last(const struct post_card *card, uint8_t *code);

#endif
