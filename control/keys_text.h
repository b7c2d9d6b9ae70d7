/* Text as key strokes on a US keyboard. All functions append to keys, whose strokes the caller ends
 * with mem_free. */
#ifndef CONTROL_KEYS_TEXT_H
#define CONTROL_KEYS_TEXT_H

#include "base/error.h"
#include "control/command.h"

struct key_strokes {
    struct key_stroke *stroke;
    unsigned count;
};

/* Text with {names} of keys and chords; {{ is a brace. False: err names the character or key. */
bool keys_for_text(const char *text, size_t size, struct key_strokes *keys, struct error *err);
/* One key, or several held together ("ctrl-alt-del"); down only, up only, or both. */
bool keys_for_chord(const char *name, size_t size, bool press, bool release,
                    struct key_strokes *keys, struct error *err);
/* The strokes of one ASCII character. False: no key types it. */
bool keys_for_character(char character, struct key_strokes *keys);

#endif
