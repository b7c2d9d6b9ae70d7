#include "ui/paste.h"

#include "base/memory.h"
#include "control/keys_text.h"

char *paste_as_keys(const char *text, size_t size, unsigned *left_out)
{
    char *keys_text = mem_new(2 * size + 1);
    size_t used = 0;
    *left_out = 0;
    for (size_t i = 0; i < size; i++) {
        struct key_strokes keys = {0};
        bool is_inside = ((unsigned char)text[i] & 0xC0) == 0x80;
        /* A line ends once, whether with CR LF or LF. */
        if (is_inside || (text[i] == '\r' && i + 1 < size && text[i + 1] == '\n'))
            continue;
        bool typed = keys_for_character(text[i], &keys);
        mem_free(keys.stroke);
        *left_out += !typed;
        if (!typed)
            continue;
        keys_text[used++] = text[i];
        if (text[i] == '{')
            keys_text[used++] = '{';
    }
    return keys_text;
}
