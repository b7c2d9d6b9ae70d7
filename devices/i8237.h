/* Intel 8237A DMA controllers, the PC/AT's pair: channels 0..3 (bytes) at ports 00h..0Fh (alias
 * 10h..1Fh), channels 4..7 (words; 4 is the cascade) at C0h..DFh, and the page registers at
 * 80h..8Fh (alias 90h..9Fh but 92h), of which 80h is the POST code latch.
 *
 * How a chip moves data. It raises its request with i8237_set_request. While the request is up and
 * the channel can be served (unmasked, controller enabled, cascade open), its acknowledge line is
 * high; the line changes inside the guest's own register writes too, so a chip that was kept
 * waiting learns of it. While acknowledge is high the chip moves bytes with i8237_device_to_memory
 * or i8237_memory_to_device, as fast as its own timing says. Terminal count comes back by pointer;
 * the controller has then masked or reinitialised the channel. Requests for channels 0..3 pass
 * through channel 4, which the firmware has to unmask in cascade mode, as on the real board.
 *
 * Source: Intel 8237A data sheet (231466); IBM PC/AT Technical Reference; Intel 82371SB. */
#ifndef DEVICES_I8237_H
#define DEVICES_I8237_H

#include "bus/bus.h"

struct i8237;

struct i8237 *i8237_new(struct bus *bus);

/* Connects channel (0..3, 5..7) to a chip: acknowledge is its DACK input (copied). */
void i8237_connect(struct i8237 *dma, unsigned channel, const struct irq_line *acknowledge);
/* DREQ of a channel (true: active). The same as the chip setting an irq_line: i8237_request_line.*/
void i8237_set_request(struct i8237 *dma, unsigned channel, bool level);
struct irq_line i8237_request_line(struct i8237 *dma, unsigned channel);
/* Whether acknowledge is high now. */
bool i8237_acknowledged(const struct i8237 *dma, unsigned channel);

/* Moves up to size bytes (even, for channels 5..7) and returns how many: 0 when not acknowledged,
 * fewer than size when terminal count came first (with autoinitialisation too: the caller sees TC,
 * and may go on with another call). *terminal_count is set to whether the last byte moved was the
 * last of the count. A verify transfer counts, but memory is not touched (memory_to_device gives
 * zeros then); a channel that the guest has programmed for the other direction behaves like
 * verify. */
size_t i8237_device_to_memory(struct i8237 *dma, unsigned channel, const void *bytes, size_t size,
                              bool *terminal_count);
size_t i8237_memory_to_device(struct i8237 *dma, unsigned channel, void *bytes, size_t size,
                              bool *terminal_count);

/* The last value written to port 80h. */
uint8_t i8237_post_code(const struct i8237 *dma);

#endif
