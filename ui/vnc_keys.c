#include "ui/vnc_keys.h"

#include "base/bits.h"
#include "bus/key_map.h"

#include <stddef.h>

enum { KEYPAD_7 = 0x47, KEYPAD_MINUS = 0x4A, KEYPAD_PLUS = 0x4E, KEYPAD_DOT = 0x53 };

/* X11/keysymdef.h has the numbers. Ranges of keysyms whose keys follow each other have a count. */
static const struct {
    uint16_t first, count, code;
} rows[] = {
    {0xFF08, 1,  KEY_BACKSPACE   },
    {0xFF09, 1,  KEY_TAB         },
    {0xFE20, 1,  KEY_TAB         }, /* with Shift */
    {0xFF0A, 1,  KEY_ENTER       },
    {0xFF0D, 1,  KEY_ENTER       },
    {0xFF1B, 1,  KEY_ESC         },
    {0xFF13, 1,  KEY_PAUSE       },
    {0xFF6B, 1,  KEY_PAUSE       }, /* Break */
    {0xFF14, 1,  KEY_SCROLL_LOCK },
    {0xFF15, 1,  KEY_PRINT_SCREEN}, /* SysRq */
    {0xFF61, 1,  KEY_PRINT_SCREEN},
    {0xFF67, 1,  KEY_MENU        },
    {0xFF7F, 1,  KEY_NUM_LOCK    },
    {0xFF50, 1,  KEY_HOME        },
    {0xFF51, 1,  KEY_LEFT        },
    {0xFF52, 1,  KEY_UP          },
    {0xFF53, 1,  KEY_RIGHT       },
    {0xFF54, 1,  KEY_DOWN        },
    {0xFF55, 1,  KEY_PAGE_UP     },
    {0xFF56, 1,  KEY_PAGE_DOWN   },
    {0xFF57, 1,  KEY_END         },
    {0xFF63, 1,  KEY_INSERT      },
    {0xFFFF, 1,  KEY_DELETE      },
    {0xFFBE, 10, KEY_F1          },
    {0xFFC8, 2,  KEY_F11         },
    {0xFFE1, 1,  KEY_LEFT_SHIFT  },
    {0xFFE2, 1,  KEY_RIGHT_SHIFT },
    {0xFFE3, 1,  KEY_LEFT_CTRL   },
    {0xFFE4, 1,  KEY_RIGHT_CTRL  },
    {0xFFE5, 1,  KEY_CAPS_LOCK   },
    {0xFFE7, 1,  KEY_LEFT_ALT    }, /* Meta */
    {0xFFE8, 1,  KEY_RIGHT_ALT   },
    {0xFFE9, 1,  KEY_LEFT_ALT    },
    {0xFFEA, 1,  KEY_RIGHT_ALT   },
    {0xFE03, 1,  KEY_RIGHT_ALT   }, /* AltGr */
    {0xFFEB, 1,  KEY_LEFT_WIN    },
    {0xFFEC, 1,  KEY_RIGHT_WIN   },
 /* The keypad: by digit, and by what it does without Num Lock. */
    {0xFFAA, 1,  KEY_KEYPAD_STAR },
    {0xFFAB, 1,  KEYPAD_PLUS     },
    {0xFFAD, 1,  KEYPAD_MINUS    },
    {0xFFAC, 1,  KEYPAD_DOT      },
    {0xFFAE, 1,  KEYPAD_DOT      },
    {0xFFAF, 1,  KEY_KEYPAD_SLASH},
    {0xFF8D, 1,  KEY_KEYPAD_ENTER},
    {0xFFB0, 1,  KEYPAD_7 + 11   },
    {0xFFB1, 3,  KEYPAD_7 + 8    },
    {0xFFB4, 3,  KEYPAD_7 + 4    },
    {0xFFB7, 3,  KEYPAD_7        },
    {0xFF95, 1,  KEYPAD_7        },
    {0xFF96, 1,  KEYPAD_7 + 4    }, /* left */
    {0xFF97, 1,  KEYPAD_7 + 1    }, /* up */
    {0xFF98, 1,  KEYPAD_7 + 6    }, /* right */
    {0xFF99, 1,  KEYPAD_7 + 9    }, /* down */
    {0xFF9A, 1,  KEYPAD_7 + 2    }, /* page up */
    {0xFF9B, 1,  KEYPAD_7 + 10   }, /* page down */
    {0xFF9C, 1,  KEYPAD_7 + 8    }, /* end */
    {0xFF9D, 1,  KEYPAD_7 + 5    }, /* in the middle */
    {0xFF9E, 1,  KEYPAD_7 + 11   }, /* insert */
    {0xFF9F, 1,  KEYPAD_DOT      }, /* delete */
};

uint16_t vnc_key(uint32_t keysym, enum vnc_shift *shift)
{
    *shift = VNC_SHIFT_ANY;
    if (keysym >= 0x20 && keysym < 0x7F) {
        uint16_t code;
        bool shifted;
        if (!key_for_character((char)keysym, &code, &shifted))
            return 0;
        *shift = shifted ? VNC_SHIFT_DOWN : VNC_SHIFT_UP;
        return code;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (keysym >= rows[i].first && keysym - rows[i].first < rows[i].count)
            return (uint16_t)(rows[i].code + (keysym - rows[i].first));
    }
    return 0;
}

uint16_t vnc_key_of_scan_code(uint32_t code)
{
    enum { GREY = 0x80, SYSRQ = 0x54, PAUSE = 0xC6, LAST = 0x58, LAST_GREY = 0x5D };
    if (code == PAUSE)
        return KEY_PAUSE;
    if (code == SYSRQ)
        return KEY_PRINT_SCREEN;
    if (code & ~0xFFu || !(code & 0x7F))
        return 0;
    if (code & GREY)
        return (code & 0x7F) <= LAST_GREY ? (uint16_t)(0xE000 | (code & 0x7F)) : 0;
    return code <= LAST ? (uint16_t)code : 0;
}
