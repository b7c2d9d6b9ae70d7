#include "devices/post_card.h"

#include "base/memory.h"

#include <stdio.h>

enum { PORT_AT = 0x80, PORT_PS1 = 0x190 };

struct post_card {
    uint64_t count;
    uint8_t code;
    struct char_backend *output;
};

static const struct field post_card_fields[] = {
    FIELD(struct post_card, count),
    FIELD(struct post_card, code),
    FIELD_TRANSIENT(struct post_card, output),
    FIELD_END,
};

static void post_card_write(void *device, uint32_t offset, uint32_t value, unsigned size)
{
    struct post_card *card = device;
    bool is_new = !card->count || card->code != (uint8_t)value;
    card->count++;
    card->code = (uint8_t)value;
    if (!card->output || !is_new)
        return;
    char line[16];
    int length = snprintf(line, sizeof line, "POST %02X\n", card->code);
    card->output->ops->write(card->output, (const uint8_t *)line, (size_t)length);
}

static const struct device_class post_card_class = {
    .name = "post-card",
    .size = sizeof(struct post_card),
    .fields = post_card_fields,
};

static const struct io_ops post_card_ops = {
    .write = post_card_write,
    .max_size = 1,
    .snoops = true,
};

struct post_card *post_card_new(struct bus *bus, struct char_backend *output)
{
    struct post_card *card = mem_new(sizeof *card);
    card->output = output;
    bus_claim_ports(bus, PORT_AT, 1, &post_card_ops, card);
    bus_claim_ports(bus, PORT_PS1, 1, &post_card_ops, card);
    bus_add_device(bus, &post_card_class, card);
    return card;
}

uint64_t post_card_last(const struct post_card *card, uint8_t *code)
{
    *code = card->code;
    return card->count;
}
