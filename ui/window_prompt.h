/* A line that is typed in the window: the name of an image file, with completion. */
#ifndef UI_WINDOW_PROMPT_H
#define UI_WINDOW_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

enum { PROMPT_SIZE = 1024 };

struct prompt {
    char text[PROMPT_SIZE]; /* UTF-8, terminated */
    size_t size;
    /* What Tab completes: the text as it was typed, and how many Tabs there were since. */
    size_t typed;
    unsigned tabs;
};

void prompt_set(struct prompt *prompt, const char *text);
void prompt_add(struct prompt *prompt, const char *text);
/* Deletes the last character; word: up to the last slash. */
void prompt_erase(struct prompt *prompt, bool word);
/* Completes the file name: the part that all candidates share first, then one candidate after the
 * other, in order. False: there is none. */
bool prompt_complete(struct prompt *prompt);

#endif
