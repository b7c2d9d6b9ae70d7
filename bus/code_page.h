/* Code page 437, the characters of the PC's own fonts, as Unicode. */
#ifndef BUS_CODE_PAGE_H
#define BUS_CODE_PAGE_H

#include <stdint.h>

enum { CODE_PAGE_MAX_UTF8 = 4 };

/* The character as it looks: 01h is a smiling face, and 00h, 20h and FFh are blanks. */
uint16_t code_page_unicode(uint8_t character);
/* Its UTF-8 form into text, at most CODE_PAGE_MAX_UTF8 - 1 bytes and no terminator; returns the
 * number of bytes. */
unsigned code_page_utf8(uint8_t character, char *text);

#endif
