/* Key identities, as window, terminal, script and keyboard chip pass them: the key's make code in
 * scan set 1 of the 101/102-key keyboard, with 0xE000 added for the grey (E0-prefixed) keys. They
 * name physical keys, whatever scan set the guest has chosen. */
#ifndef BUS_KEYS_H
#define BUS_KEYS_H

enum key {
    KEY_ESC = 0x01,
    KEY_BACKSPACE = 0x0E,
    KEY_TAB = 0x0F,
    KEY_ENTER = 0x1C,
    KEY_LEFT_CTRL = 0x1D,
    KEY_LEFT_SHIFT = 0x2A,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_KEYPAD_STAR = 0x37,
    KEY_LEFT_ALT = 0x38,
    KEY_SPACE = 0x39,
    KEY_CAPS_LOCK = 0x3A,
    KEY_F1 = 0x3B, /* to F10 = 0x44 */
    KEY_F10 = 0x44,
    KEY_NUM_LOCK = 0x45,
    KEY_SCROLL_LOCK = 0x46,
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
    KEY_KEYPAD_ENTER = 0xE01C,
    KEY_RIGHT_CTRL = 0xE01D,
    KEY_KEYPAD_SLASH = 0xE035,
    KEY_PRINT_SCREEN = 0xE037,
    KEY_RIGHT_ALT = 0xE038,
    KEY_PAUSE = 0xE11D, /* also Break, with Ctrl */
    KEY_HOME = 0xE047,
    KEY_UP = 0xE048,
    KEY_PAGE_UP = 0xE049,
    KEY_LEFT = 0xE04B,
    KEY_RIGHT = 0xE04D,
    KEY_END = 0xE04F,
    KEY_DOWN = 0xE050,
    KEY_PAGE_DOWN = 0xE051,
    KEY_INSERT = 0xE052,
    KEY_DELETE = 0xE053,
    KEY_LEFT_WIN = 0xE05B,
    KEY_RIGHT_WIN = 0xE05C,
    KEY_MENU = 0xE05D,
};

#endif
