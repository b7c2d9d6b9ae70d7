#include "ui/term.h"

#include "base/bits.h"
#include "base/memory.h"
#include "bus/code_page.h"
#include "ui/term_keys.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_SIZE = 256, ESCAPE_KEY = 1 /* Ctrl-A */ };

struct term {
    struct screen_text shown;
    sem_t news;
    bool drawn;
    int wake[2];
    pthread_t reader;
    bool reading;
    struct gate *gate;
    void (*quit)(void *opaque);
    void *opaque;
    bool escape_pending;
};

struct term *term_open(void)
{
    struct term *term = mem_new(sizeof *term);
    term->wake[0] = term->wake[1] = -1;
    sem_init(&term->news, 0, 0);
    /* Alternate screen, cleared. */
    fputs("\033[?1049h\033[2J\033[H", stdout);
    fflush(stdout);
    return term;
}

/* --- drawing --- */

static bool same_look(const struct screen_cell *a, const struct screen_cell *b)
{
    return a->foreground == b->foreground && a->background == b->background && a->blink == b->blink;
}

static bool same_cell(const struct screen_cell *a, const struct screen_cell *b)
{
    return a->character == b->character && same_look(a, b);
}

static void set_look(const struct screen_cell *cell)
{
    /* The VGA counts blue first, terminals red. */
    static const uint8_t colours[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    unsigned foreground = colours[cell->foreground & 7] + (cell->foreground & 8 ? 90u : 30u);
    unsigned background = colours[cell->background & 7] + (cell->background & 8 ? 100u : 40u);
    printf("\033[0;%s%u;%um", cell->blink ? "5;" : "", foreground, background);
}

static void draw_row(struct term *term, const struct screen_text *text, unsigned row, bool all)
{
    const struct screen_cell *look = NULL;
    bool moved = false;
    for (unsigned column = 0; column < text->columns; column++) {
        const struct screen_cell *cell = &text->cells[row][column];
        if (!all && same_cell(cell, &term->shown.cells[row][column])) {
            moved = false;
            continue;
        }
        if (!moved)
            printf("\033[%u;%uH", row + 1, column + 1);
        moved = true;
        if (!look || !same_look(look, cell))
            set_look(cell);
        look = cell;
        char bytes[CODE_PAGE_MAX_UTF8];
        fwrite(bytes, 1, code_page_utf8(cell->character, bytes), stdout);
    }
}

static void draw(struct term *term, const struct screen_text *text)
{
    bool all =
        !term->drawn || text->columns != term->shown.columns || text->rows != term->shown.rows;
    if (all) {
        fputs("\033[0m\033[2J\033[H", stdout);
        if (!text->columns)
            fputs("(the screen is blank, or shows graphics; Ctrl-A x ends the machine)", stdout);
    }
    for (unsigned row = 0; row < text->rows; row++)
        draw_row(term, text, row, all);
    if (text->cursor_visible)
        printf("\033[%u;%uH\033[?25h", text->cursor_row + 1, text->cursor_column + 1);
    else
        fputs("\033[?25l", stdout);
    fflush(stdout);
    term->shown = *text;
    term->drawn = true;
}

static void on_news(void *opaque)
{
    struct term *term = opaque;
    sem_post(&term->news);
}

void term_show(struct term *term, struct screen *screen)
{
    struct screen_text *text = mem_new(sizeof *text);
    struct screen_watcher *watcher = screen_watch(screen, SCREEN_TEXT, on_news, term);
    struct screen_status status;
    do {
        while (sem_wait(&term->news) != 0)
            continue;
        screen_get_status(screen, &status);
        if (screen_take_text(watcher, text))
            draw(term, text);
    } while (!status.ended);
    screen_unwatch(watcher);
    mem_free(text);
}

/* --- keys --- */

/* Takes the escape key out of what was typed; what is left is moved together. */
static size_t filter(struct term *term, uint8_t *bytes, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (!term->escape_pending && bytes[i] == ESCAPE_KEY) {
            term->escape_pending = true;
            continue;
        }
        if (!term->escape_pending || bytes[i] == ESCAPE_KEY)
            bytes[kept++] = bytes[i];
        else if (bytes[i] == 'x' || bytes[i] == 'X')
            term->quit(term->opaque);
        term->escape_pending = false;
    }
    return kept;
}

static void *read_keys(void *argument)
{
    struct term *term = argument;
    uint8_t bytes[READ_SIZE];
    size_t waiting = 0;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = term->wake[0], .events = POLLIN},
            {.fd = STDIN_FILENO,  .events = POLLIN}
        };
        if (poll(fds, 2, -1) > 0 && fds[0].revents)
            return NULL;
        if (!fds[1].revents)
            continue;
        ssize_t size = read(STDIN_FILENO, bytes + waiting, sizeof bytes - waiting);
        if (size <= 0)
            return NULL;
        size_t total = waiting + filter(term, bytes + waiting, (size_t)size);
        size_t used = term_keys_pass(term->gate, bytes, total);
        waiting = total - used < sizeof bytes / 2 ? total - used : 0;
        memmove(bytes, bytes + used, waiting);
    }
}

void term_start_keys(struct term *term, struct gate *gate, void (*quit)(void *opaque), void *opaque)
{
    term->gate = gate;
    term->quit = quit;
    term->opaque = opaque;
    if (pipe2(term->wake, O_CLOEXEC) == 0)
        term->reading = pthread_create(&term->reader, NULL, read_keys, term) == 0;
}

void term_close(struct term *term)
{
    if (!term)
        return;
    if (term->reading) {
        ssize_t written = write(term->wake[1], "", 1);
        (void)written;
        pthread_join(term->reader, NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (term->wake[i] >= 0)
            close(term->wake[i]);
    }
    fputs(TERM_FAREWELL, stdout);
    for (unsigned row = 0; row < term->shown.rows; row++) {
        unsigned columns = term->shown.columns;
        while (columns && strchr(" ", term->shown.cells[row][columns - 1].character))
            columns--;
        for (unsigned column = 0; column < columns; column++) {
            char bytes[CODE_PAGE_MAX_UTF8];
            uint8_t character = term->shown.cells[row][column].character;
            fwrite(bytes, 1, code_page_utf8(character, bytes), stdout);
        }
        fputs("\n", stdout);
    }
    fflush(stdout);
    sem_destroy(&term->news);
    mem_free(term);
}
