#include "bus/key_map.h"

#include "base/bits.h"

#include <stdio.h>
#include <strings.h>

struct key_name {
    const char *name;
    uint16_t code;
};

static const struct key_name key_names[] = {
    {"esc",         KEY_ESC         },
    {"escape",      KEY_ESC         },
    {"enter",       KEY_ENTER       },
    {"return",      KEY_ENTER       },
    {"tab",         KEY_TAB         },
    {"backspace",   KEY_BACKSPACE   },
    {"space",       KEY_SPACE       },
    {"ctrl",        KEY_LEFT_CTRL   },
    {"rctrl",       KEY_RIGHT_CTRL  },
    {"shift",       KEY_LEFT_SHIFT  },
    {"rshift",      KEY_RIGHT_SHIFT },
    {"alt",         KEY_LEFT_ALT    },
    {"altgr",       KEY_RIGHT_ALT   },
    {"win",         KEY_LEFT_WIN    },
    {"rwin",        KEY_RIGHT_WIN   },
    {"menu",        KEY_MENU        },
    {"caps",        KEY_CAPS_LOCK   },
    {"capslock",    KEY_CAPS_LOCK   },
    {"numlock",     KEY_NUM_LOCK    },
    {"scrolllock",  KEY_SCROLL_LOCK },
    {"up",          KEY_UP          },
    {"down",        KEY_DOWN        },
    {"left",        KEY_LEFT        },
    {"right",       KEY_RIGHT       },
    {"home",        KEY_HOME        },
    {"end",         KEY_END         },
    {"pgup",        KEY_PAGE_UP     },
    {"pageup",      KEY_PAGE_UP     },
    {"pgdn",        KEY_PAGE_DOWN   },
    {"pagedown",    KEY_PAGE_DOWN   },
    {"ins",         KEY_INSERT      },
    {"insert",      KEY_INSERT      },
    {"del",         KEY_DELETE      },
    {"delete",      KEY_DELETE      },
    {"pause",       KEY_PAUSE       },
    {"break",       KEY_PAUSE       },
    {"print",       KEY_PRINT_SCREEN},
    {"printscreen", KEY_PRINT_SCREEN},
    {"sysrq",       KEY_PRINT_SCREEN},
    {"kp0",         0x52            },
    {"kp1",         0x4F            },
    {"kp2",         0x50            },
    {"kp3",         0x51            },
    {"kp4",         0x4B            },
    {"kp5",         0x4C            },
    {"kp6",         0x4D            },
    {"kp7",         0x47            },
    {"kp8",         0x48            },
    {"kp9",         0x49            },
    {"kp.",         0x53            },
    {"kp+",         0x4E            },
    {"kp-",         0x4A            },
    {"kp*",         KEY_KEYPAD_STAR },
    {"kp/",         KEY_KEYPAD_SLASH},
    {"kpenter",     KEY_KEYPAD_ENTER},
    {"minus",       0x0C            },
    {"plus",        0x0D            },
};

/* The keys that give characters: plain and with Shift, in the order of their make codes. */
struct character_row {
    uint8_t first;
    const char *plain, *shifted;
};

static const struct character_row character_rows[] = {
    {0x02, "1234567890-=", "!@#$%^&*()_+" },
    {0x10, "qwertyuiop[]", "QWERTYUIOP{}" },
    {0x1E, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"  },
    {0x39, " ",            " "            },
    {0x1C, "\n",           "\n"           },
    {0x0F, "\t",           "\t"           },
    {0x0E, "\b",           "\b"           },
    {0x01, "\033",         "\033"         },
};

bool key_for_character(char character, uint16_t *code, bool *shift)
{
    if (character == '\r')
        character = '\n';
    for (size_t i = 0; i < ARRAY_LENGTH(character_rows); i++) {
        const struct character_row *row = &character_rows[i];
        const char *plain = strchr(row->plain, character);
        const char *shifted = strchr(row->shifted, character);
        if (!character || (!plain && !shifted))
            continue;
        *shift = !plain;
        *code = (uint16_t)(row->first + (plain ? plain - row->plain : shifted - row->shifted));
        return true;
    }
    return false;
}

bool key_by_name(const char *name, uint16_t *code)
{
    for (size_t i = 0; i < ARRAY_LENGTH(key_names); i++) {
        if (strcasecmp(key_names[i].name, name) == 0) {
            *code = key_names[i].code;
            return true;
        }
    }
    unsigned number;
    char rest;
    if ((name[0] == 'f' || name[0] == 'F') && sscanf(name + 1, "%u%c", &number, &rest) == 1 &&
        number >= 1 && number <= 12) {
        *code = (uint16_t)(number <= 10 ? KEY_F1 + number - 1 : KEY_F11 + number - 11);
        return true;
    }
    bool shift;
    return name[0] && !name[1] && key_for_character(name[0], code, &shift);
}
