#include "machine/capture.h"

#include "base/memory.h"

#include <string.h>

/* What nobody has looked for in so long is forgotten. */
enum { KEPT = 1 << 20 };

static void forget(struct capture *capture)
{
    size_t gone = capture->size - KEPT;
    memmove(capture->bytes, capture->bytes + gone, KEPT);
    capture->size = KEPT;
    capture->searched = capture->searched > gone ? capture->searched - gone : 0;
}

static void capture_write(struct char_backend *chars, const uint8_t *bytes, size_t size)
{
    struct capture *capture = (struct capture *)chars;
    if (capture->next)
        capture->next->ops->write(capture->next, bytes, size);
    if (capture->size + size > capture->room) {
        capture->room = (capture->size + size) * 2;
        capture->bytes = mem_resize(capture->bytes, capture->room);
    }
    memcpy(capture->bytes + capture->size, bytes, size);
    capture->size += size;
    if (capture->size >= 2 * KEPT)
        forget(capture);
}

static void capture_close(struct char_backend *chars) {}

void capture_start(struct capture *capture, struct char_backend *next)
{
    static const struct char_backend_ops ops = {capture_write, capture_close};
    *capture = (struct capture){.chars = {&ops}, .next = next};
}

void capture_end(struct capture *capture)
{
    mem_free(capture->bytes);
}

bool capture_find(struct capture *capture, const char *text, size_t size)
{
    if (capture->size <= capture->searched)
        return size == 0;
    const uint8_t *from = capture->bytes + capture->searched;
    const uint8_t *found = memmem(from, capture->size - capture->searched, text, size);
    if (!found)
        return false;
    capture->searched = (size_t)(found - capture->bytes) + size;
    return true;
}
