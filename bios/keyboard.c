/* The keyboard: IRQ 1, INT 16h, print screen. */
#include "bios/keymap.h"
#include "bios/services.h"

#define SHIFT_RIGHT 0x01
#define SHIFT_LEFT  0x02
#define SHIFT_CTRL  0x04
#define SHIFT_ALT   0x08
#define LOCK_SCROLL 0x10
#define LOCK_NUM    0x20
#define LOCK_CAPS   0x40
#define STATE_INS   0x80

#define HELD_CTRL_LEFT 0x01
#define HELD_ALT_LEFT  0x02
#define HELD_SYSREQ    0x04
#define PAUSED         0x08

#define LAST_E1         0x01
#define LAST_E0         0x02
#define HELD_CTRL_RIGHT 0x04
#define HELD_ALT_RIGHT  0x08
#define ENHANCED        0x10

static void process_scan(u8 scan);

static u16 buffer_next(u16 pointer)
{
    pointer += 2;
    return pointer >= BDA->key_buffer_end ? BDA->key_buffer_start : pointer;
}

static bool buffer_put(u16 key)
{
    u16 tail = BDA->key_tail, next = buffer_next(tail);
    if (next == BDA->key_head)
        return false;
    far_write16(SEG_BDA, tail, key);
    BDA->key_tail = next;
    return true;
}

/* A key that has just been pressed: tells whoever waits in INT 15h AX=9002h. */
static void key_arrived(u16 key)
{
    struct regs r = {0};
    if (!buffer_put(key))
        return;
    r.ax = 0x9102;
    call_interrupt(&r, 0x15);
}

/* Sends a byte to the keyboard and waits for its acknowledgement; scan codes that were on their way
 * are processed after it. */
static bool keyboard_send(u8 value)
{
    u8 early[4], count = 0, reply = 0;
    bool acknowledged = false;
    if (!kbc_data(value))
        return false;
    while (kbc_read(&reply)) {
        if (reply == 0xFA || reply == 0xFE) {
            acknowledged = reply == 0xFA;
            break;
        }
        if (count < 4)
            early[count++] = reply;
    }
    for (u8 i = 0; i < count; i++)
        process_scan(early[i]);
    return acknowledged;
}

static void update_leds(void)
{
    u8 wanted = BDA->key_flags >> 4 & 7;
    if ((BDA->key_leds & 7) == wanted || BDA->key_leds & 0x40)
        return;
    BDA->key_leds = (u8)((BDA->key_leds & 0xF8) | wanted | 0x40);
    kbc_command(0xAD);
    u8 stale;
    if (inb(0x64) & 1) {
        stale = inb(0x60);
        process_scan(stale);
    }
    if (keyboard_send(0xED))
        keyboard_send(wanted);
    kbc_command(0xAE);
    BDA->key_leds &= (u8)~0x40;
}

static void pause(void)
{
    BDA->key_flags2 |= PAUSED;
    while (BDA->key_flags2 & PAUSED)
        interrupt_wait();
}

static void break_key(void)
{
    struct regs r = {0};
    BDA->key_head = BDA->key_buffer_start;
    BDA->key_tail = BDA->key_buffer_start;
    BDA->break_flag = 0x80;
    call_interrupt(&r, 0x1B);
    buffer_put(0);
}

static void set_held(bool down, u8 flag, bool extended, u8 left, u8 right)
{
    if (extended)
        BDA->key_flags3 = down ? BDA->key_flags3 | right : BDA->key_flags3 & (u8)~right;
    else
        BDA->key_flags2 = down ? BDA->key_flags2 | left : BDA->key_flags2 & (u8)~left;
    bool any = (BDA->key_flags2 & left) || (BDA->key_flags3 & right);
    BDA->key_flags = any ? BDA->key_flags | flag : BDA->key_flags & (u8)~flag;
}

static void alt_released(void)
{
    u8 code = BDA->keypad;
    BDA->keypad = 0;
    if (code && !(BDA->key_flags & SHIFT_ALT))
        key_arrived(code);
}

static void toggle(bool down, u8 flag)
{
    if (!down) {
        BDA->key_flags2 &= (u8)~flag;
    } else if (!(BDA->key_flags2 & flag)) {
        BDA->key_flags2 |= flag;
        BDA->key_flags ^= flag;
    }
}

static void system_request(bool down)
{
    struct regs r = {0};
    if (down && BDA->key_flags2 & HELD_SYSREQ)
        return;
    BDA->key_flags2 = down ? BDA->key_flags2 | HELD_SYSREQ : BDA->key_flags2 & (u8)~HELD_SYSREQ;
    r.ax = down ? 0x8500 : 0x8501;
    call_interrupt(&r, 0x15);
}

/* Shift, lock and system keys; true if code was one. */
static bool process_state_key(u8 code, bool down, bool extended)
{
    switch (code) {
    case 0x2A:
    case 0x36: {
        u8 flag = code == 0x2A ? SHIFT_LEFT : SHIFT_RIGHT;
        if (!extended)
            BDA->key_flags = down ? BDA->key_flags | flag : BDA->key_flags & (u8)~flag;
        return true;
    }
    case 0x1D:
        set_held(down, SHIFT_CTRL, extended, HELD_CTRL_LEFT, HELD_CTRL_RIGHT);
        return true;
    case 0x38:
        set_held(down, SHIFT_ALT, extended, HELD_ALT_LEFT, HELD_ALT_RIGHT);
        if (!down)
            alt_released();
        return true;
    case 0x3A:
        toggle(down, LOCK_CAPS);
        return true;
    case 0x45:
        if (extended)
            return true;
        if (BDA->key_flags & SHIFT_CTRL && down)
            pause();
        else
            toggle(down, LOCK_NUM);
        return true;
    case 0x46:
        if (extended || BDA->key_flags & SHIFT_CTRL) {
            if (down)
                break_key();
        } else {
            toggle(down, LOCK_SCROLL);
        }
        return true;
    case 0x54:
        system_request(down);
        return true;
    }
    return false;
}

static u16 choose(const struct key *key, u8 code, bool extended)
{
    u8 flags = BDA->key_flags;
    bool shift = flags & (SHIFT_LEFT | SHIFT_RIGHT);
    if (flags & SHIFT_ALT)
        return key->alt;
    if (flags & SHIFT_CTRL)
        return key->ctrl;
    if (extended)
        return key->normal;
    if (code >= 0x47 && code <= 0x53)
        shift = shift != !!(flags & LOCK_NUM);
    u8 letter = (u8)key->normal;
    if (letter >= 'a' && letter <= 'z')
        shift = shift != !!(flags & LOCK_CAPS);
    return shift ? key->shift : key->normal;
}

/* Alt with keypad digits spells a character. */
static bool process_alt_digit(u8 code)
{
    static const u8 digits[] = {7, 8, 9, 10, 4, 5, 6, 10, 1, 2, 3, 0};
    if (!(BDA->key_flags & SHIFT_ALT) || code < 0x47 || code > 0x52 || digits[code - 0x47] > 9)
        return false;
    BDA->keypad = (u8)(BDA->keypad * 10 + digits[code - 0x47]);
    return true;
}

static void print_screen_key(void)
{
    struct regs r = {0};
    if (BDA->key_flags & SHIFT_CTRL)
        key_arrived(0x7200);
    else if (!(BDA->key_flags & SHIFT_ALT))
        call_interrupt(&r, 5);
}

static void process_make(u8 code, bool extended)
{
    u8 flags = BDA->key_flags;
    if (BDA->key_flags2 & PAUSED) {
        BDA->key_flags2 &= (u8)~PAUSED;
        return;
    }
    if (code == 0x53 && (flags & (SHIFT_CTRL | SHIFT_ALT)) == (SHIFT_CTRL | SHIFT_ALT)) {
        BDA->soft_reset = 0x1234;
        reboot();
    }
    bool num = flags & LOCK_NUM, shift = flags & (SHIFT_LEFT | SHIFT_RIGHT);
    if (code == 0x52 && !(flags & (SHIFT_CTRL | SHIFT_ALT)) && (extended || num == shift))
        toggle(true, STATE_INS);
    if (extended && code == 0x37) {
        print_screen_key();
        return;
    }
    if (!extended && process_alt_digit(code))
        return;
    const struct key *key = extended             ? keymap_extended(code)
                            : code < KEYMAP_SIZE ? &keymap[code]
                                                 : NULL;
    u16 word = key ? choose(key, code, extended) : 0;
    if (word)
        key_arrived(word);
}

static void process_scan(u8 scan)
{
    u8 prefix = BDA->key_flags3 & (LAST_E0 | LAST_E1);
    if (scan == 0xE0 || scan == 0xE1) {
        BDA->key_flags3 |= scan == 0xE0 ? LAST_E0 : LAST_E1;
        return;
    }
    u8 code = scan & 0x7F;
    bool down = !(scan & 0x80);
    if (prefix & LAST_E1) {
        /* Pause is E1 1D 45 E1 9D C5. */
        if (code == 0x1D)
            return;
        BDA->key_flags3 &= (u8)~LAST_E1;
        if (scan == 0x45)
            pause();
        return;
    }
    BDA->key_flags3 &= (u8)~LAST_E0;
    if (process_state_key(code, down, prefix & LAST_E0))
        return;
    if (down)
        process_make(code, prefix & LAST_E0);
    else if (code == 0x52)
        BDA->key_flags2 &= (u8)~STATE_INS;
}

void keyboard_interrupt(struct regs *r)
{
    u8 status = inb(0x64);
    (void)r;
    if ((status & 0x21) != 0x01) {
        outb(0x20, 0x20);
        return;
    }
    u8 scan = inb(0x60);
    struct regs hook = {.ax = (u16)(0x4F00 | scan)};
    hook.ds = SEG_BDA;
    call_interrupt(&hook, 0x15);
    outb(0x20, 0x20);
    if (!(hook.flags & FLAG_CF))
        return;
    scan = hook.al;
    if (scan == 0xFA || scan == 0xFE) {
        BDA->key_leds |= scan == 0xFA ? 0x10 : 0x20;
        return;
    }
    process_scan(scan);
    update_leds();
}

/* A buffered word as functions 0 and 1 report it; false if they must not see it. */
static bool standard_key(u16 *word)
{
    u8 ascii = (u8)*word, scan = (u8)(*word >> 8);
    if (ascii == 0xF0 && scan)
        return false;
    if (scan == 0xE0) {
        *word = (u16)((ascii == 0x2F ? 0x3500 : 0x1C00) | ascii);
        return true;
    }
    if (ascii == 0xE0 && scan)
        *word &= 0xFF00;
    return scan <= 0x84;
}

/* The next word for function 0/1 or 10h/11h; words that the older functions must not see are thrown
 * away. */
static bool peek_key(bool enhanced, u16 *word)
{
    while (BDA->key_head != BDA->key_tail) {
        *word = far_read16(SEG_BDA, BDA->key_head);
        if (enhanced) {
            if ((u8)*word == 0xF0 && *word >> 8)
                *word &= 0xFF00;
            return true;
        }
        if (standard_key(word))
            return true;
        BDA->key_head = buffer_next(BDA->key_head);
    }
    return false;
}

static void read_key(struct regs *r, bool enhanced)
{
    u16 word;
    update_leds();
    if (peek_key(enhanced, &word)) {
        BDA->key_head = buffer_next(BDA->key_head);
        r->ax = word;
        return;
    }
    struct regs wait = {.ax = 0x9002};
    call_interrupt(&wait, 0x15);
    r->again = BDA->key_head == BDA->key_tail;
    if (!r->again)
        read_key(r, enhanced);
}

static void check_key(struct regs *r, bool enhanced)
{
    u16 word;
    update_leds();
    bool ready = peek_key(enhanced, &word);
    zero_put(r, !ready);
    if (ready)
        r->ax = word;
}

static u8 enhanced_flags(void)
{
    u8 held = BDA->key_flags2;
    return (u8)((held & 0x73) | (BDA->key_flags3 & 0x0C) | (held & HELD_SYSREQ) << 5);
}

static void set_typematic(struct regs *r)
{
    if (r->al != 5 || r->bh > 3 || r->bl > 0x1F)
        return;
    kbc_command(0xAD);
    if (keyboard_send(0xF3))
        keyboard_send((u8)(r->bh << 5 | r->bl));
    kbc_command(0xAE);
}

void keyboard_service(struct regs *r)
{
    switch (r->ah) {
    case 0x00:
        read_key(r, false);
        break;
    case 0x01:
        check_key(r, false);
        break;
    case 0x02:
        r->al = BDA->key_flags;
        break;
    case 0x03:
        set_typematic(r);
        break;
    case 0x05:
        r->al = !buffer_put(r->cx);
        break;
    case 0x09:
        r->al = 0x20;
        break;
    case 0x0A:
        r->bx = 0x41AB;
        break;
    case 0x10:
    case 0x20:
        read_key(r, true);
        break;
    case 0x11:
    case 0x21:
        check_key(r, true);
        break;
    case 0x12:
    case 0x22:
        r->al = BDA->key_flags;
        r->ah = enhanced_flags();
        break;
    }
}

/* INT 5: the text screen to the first printer; 50:0 tells how it went. */
void print_screen_service(struct regs *r)
{
    struct regs v = {0};
    (void)r;
    if (BDA->print_screen == 1)
        return;
    BDA->print_screen = 1;
    v.ah = 0x0F;
    call_interrupt(&v, 0x10);
    u8 columns = v.ah, page = v.bh, rows = BDA->video_rows, failed = 0;
    u16 saved = BDA->cursor_position[page & 7];
    for (u8 row = 0; row <= rows && !failed; row++) {
        for (u8 column = 0; column < columns + 2 && !failed; column++) {
            u8 character = column == columns ? '\r' : '\n';
            if (column < columns) {
                v = (struct regs){
                    .ax = 0x0200, .dx = (u16)(row << 8 | column), .bx = (u16)(page << 8)};
                call_interrupt(&v, 0x10);
                v.ah = 8;
                call_interrupt(&v, 0x10);
                character = v.al ? v.al : ' ';
            }
            v = (struct regs){.ax = character};
            call_interrupt(&v, 0x17);
            failed = v.ah & 0x29;
        }
    }
    v = (struct regs){.ax = 0x0200, .dx = saved, .bx = (u16)(page << 8)};
    call_interrupt(&v, 0x10);
    BDA->print_screen = failed ? 0xFF : 0;
}
