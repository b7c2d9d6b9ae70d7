/* Text as key strokes on a US keyboard, and names of keys. */
#include "control/keys_text.h"

#include "base/memory.h"
#include "bus/key_map.h"

#include <stdio.h>
#include <string.h>

enum { MAX_CHORD = 8, MAX_NAME = 32 };

static void add_key(struct key_strokes *keys, uint16_t code, bool down)
{
    keys->stroke = mem_resize(keys->stroke, (keys->count + 1) * sizeof *keys->stroke);
    keys->stroke[keys->count++] = (struct key_stroke){code, down};
}

/* Splits "ctrl-alt-del" into codes. A minus at the end is the key. */
static unsigned parse_chord(const char *name, size_t size, uint16_t codes[MAX_CHORD],
                            struct error *err)
{
    unsigned count = 0;
    size_t at = 0;
    while (at < size) {
        size_t length = 1;
        while (at + length < size && name[at + length] != '-')
            length++;
        char part[MAX_NAME];
        snprintf(part, sizeof part, "%.*s", (int)length, name + at);
        if (count == MAX_CHORD || length >= MAX_NAME || !key_by_name(part, &codes[count])) {
            error_set(err, "no key is called {%.*s}", (int)size, name);
            return 0;
        }
        count++;
        at += length + 1;
    }
    if (!count)
        error_set(err, "{} names no key");
    return count;
}

bool keys_for_chord(const char *name, size_t size, bool press, bool release,
                    struct key_strokes *keys, struct error *err)
{
    uint16_t codes[MAX_CHORD];
    unsigned count = parse_chord(name, size, codes, err);
    if (!count)
        return false;
    for (unsigned i = 0; i < count && press; i++)
        add_key(keys, codes[i], true);
    for (unsigned i = count; i-- > 0 && release;)
        add_key(keys, codes[i], false);
    return true;
}

bool keys_for_character(char character, struct key_strokes *keys)
{
    uint16_t code;
    bool shift;
    if (!key_for_character(character, &code, &shift))
        return false;
    if (shift)
        add_key(keys, KEY_LEFT_SHIFT, true);
    add_key(keys, code, true);
    add_key(keys, code, false);
    if (shift)
        add_key(keys, KEY_LEFT_SHIFT, false);
    return true;
}

bool keys_for_text(const char *text, size_t size, struct key_strokes *keys, struct error *err)
{
    for (size_t i = 0; i < size; i++) {
        const char *end = memchr(text + i, '}', size - i);
        /* "{{" types a brace. */
        bool is_brace = text[i] == '{' && i + 1 < size && text[i + 1] == '{';
        if (text[i] == '{' && !is_brace && end) {
            size_t length = (size_t)(end - (text + i + 1));
            if (!keys_for_chord(text + i + 1, length, true, true, keys, err))
                return false;
            i += length + 1;
            continue;
        }
        i += is_brace;
        if (!keys_for_character(text[i], keys))
            return error_set(err, "no key types character %02Xh", (unsigned char)text[i]);
    }
    return true;
}
