#include "machine/outlet.h"

static void outlet_write(struct char_backend *chars, const uint8_t *bytes, size_t size)
{
    struct outlet *outlet = (struct outlet *)chars;
    if (outlet->next && !*outlet->muted)
        outlet->next->ops->write(outlet->next, bytes, size);
}

static void outlet_close(struct char_backend *chars) {}

void outlet_start(struct outlet *outlet, struct char_backend **chars, bool connected,
                  const bool *muted)
{
    static const struct char_backend_ops ops = {outlet_write, outlet_close};
    *outlet = (struct outlet){.chars = {&ops}, .next = *chars, .muted = muted};
    *chars = connected ? &outlet->chars : NULL;
}
