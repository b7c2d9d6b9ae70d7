#include "ui/term_keys.h"

#include "base/bits.h"
#include "bus/key_map.h"

#include <ctype.h>
#include <time.h>

enum {
    ESC = 0x1B,
    DEL = 0x7F,
    MAX_PARAMETERS = 3,
    /* Pasted text comes at a pace that a keyboard's 16-byte buffer stands. */
    STROKE_NS = 10 * 1000 * 1000,
};

/* Modifiers as xterm codes them, less one. */
enum { MODIFIER_SHIFT = 1, MODIFIER_ALT = 2, MODIFIER_CTRL = 4 };

static void stroke(struct gate *gate, uint16_t code, unsigned modifiers)
{
    static const struct {
        unsigned modifier;
        uint16_t code;
    } keys[] = {
        {MODIFIER_CTRL,  KEY_LEFT_CTRL },
        {MODIFIER_ALT,   KEY_LEFT_ALT  },
        {MODIFIER_SHIFT, KEY_LEFT_SHIFT}
    };
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (modifiers & keys[i].modifier)
            gate_key(gate, keys[i].code, true);
    }
    gate_key(gate, code, true);
    gate_key(gate, code, false);
    nanosleep(&(struct timespec){.tv_nsec = STROKE_NS}, NULL);
    for (size_t i = ARRAY_LENGTH(keys); i-- > 0;) {
        if (modifiers & keys[i].modifier)
            gate_key(gate, keys[i].code, false);
    }
}

static void character(struct gate *gate, uint8_t byte, unsigned modifiers)
{
    uint16_t code;
    bool shift;
    if (byte == DEL) {
        byte = '\b';
    } else if (byte < 0x20 && !strchr("\b\t\n\r\033", byte)) {
        modifiers |= MODIFIER_CTRL;
        byte = byte <= 26 && byte ? (uint8_t)('a' + byte - 1) : (uint8_t)(byte + '@');
    }
    if (key_for_character((char)byte, &code, &shift))
        stroke(gate, code, modifiers | (shift ? MODIFIER_SHIFT : 0u));
}

/* The key at the end of CSI or SS3: by final letter, or by number before '~'. 0: unknown. */
static uint16_t key_of_sequence(char final, unsigned number)
{
    static const struct {
        char final;
        uint8_t number;
        uint16_t code;
    } keys[] = {
        {'A', 0,  KEY_UP       },
        {'B', 0,  KEY_DOWN     },
        {'C', 0,  KEY_RIGHT    },
        {'D', 0,  KEY_LEFT     },
        {'H', 0,  KEY_HOME     },
        {'F', 0,  KEY_END      },
        {'P', 0,  KEY_F1       },
        {'Q', 0,  KEY_F1 + 1   },
        {'R', 0,  KEY_F1 + 2   },
        {'S', 0,  KEY_F1 + 3   },
        {'Z', 0,  KEY_TAB      },
        {'~', 1,  KEY_HOME     },
        {'~', 2,  KEY_INSERT   },
        {'~', 3,  KEY_DELETE   },
        {'~', 4,  KEY_END      },
        {'~', 5,  KEY_PAGE_UP  },
        {'~', 6,  KEY_PAGE_DOWN},
        {'~', 7,  KEY_HOME     },
        {'~', 8,  KEY_END      },
        {'~', 11, KEY_F1       },
        {'~', 12, KEY_F1 + 1   },
        {'~', 13, KEY_F1 + 2   },
        {'~', 14, KEY_F1 + 3   },
        {'~', 15, KEY_F1 + 4   },
        {'~', 17, KEY_F1 + 5   },
        {'~', 18, KEY_F1 + 6   },
        {'~', 19, KEY_F1 + 7   },
        {'~', 20, KEY_F1 + 8   },
        {'~', 21, KEY_F1 + 9   },
        {'~', 23, KEY_F11      },
        {'~', 24, KEY_F12      },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (keys[i].final == final && (final != '~' || keys[i].number == number))
            return keys[i].code;
    }
    return 0;
}

/* An escape sequence at bytes[0] == ESC, bytes[1] == '[' or 'O'. Returns its length, 0 when it is
 * cut off. */
static size_t sequence(struct gate *gate, const uint8_t *bytes, size_t size)
{
    unsigned parameter[MAX_PARAMETERS] = {0}, count = 0;
    size_t at = 2;
    if (at < size && bytes[at] == '[') { /* the Linux console's F1 to F5: ESC [ [ A */
        if (size < 4)
            return 0;
        if (bytes[3] >= 'A' && bytes[3] <= 'E')
            stroke(gate, (uint16_t)(KEY_F1 + bytes[3] - 'A'), 0);
        return 4;
    }
    while (at < size && (isdigit(bytes[at]) || bytes[at] == ';')) {
        if (bytes[at] == ';')
            count += count < MAX_PARAMETERS - 1;
        else if (parameter[count] < 1000)
            parameter[count] = parameter[count] * 10 + (bytes[at] - '0');
        at++;
    }
    if (at == size)
        return 0;
    uint16_t code = key_of_sequence((char)bytes[at], parameter[0]);
    unsigned modifiers = parameter[1] ? (parameter[1] - 1) & 7 : 0;
    if (bytes[at] == 'Z')
        modifiers |= MODIFIER_SHIFT;
    if (code)
        stroke(gate, code, modifiers);
    return at + 1;
}

size_t term_keys_pass(struct gate *gate, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size) {
        if (bytes[at] != ESC || at + 1 == size) {
            character(gate, bytes[at++], 0);
        } else if (bytes[at + 1] == '[' || bytes[at + 1] == 'O') {
            size_t length = sequence(gate, bytes + at, size - at);
            if (!length)
                return at;
            at += length;
        } else {
            character(gate, bytes[at + 1], MODIFIER_ALT);
            at += 2;
        }
    }
    return at;
}
