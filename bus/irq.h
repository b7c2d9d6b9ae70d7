/* A wire between two chips. The driver sets a level; the receiver sees only changes. */
#ifndef BUS_IRQ_H
#define BUS_IRQ_H

#include <stdbool.h>

struct irq_line {
    void (*set)(void *receiver, unsigned pin, bool level); /* NULL: not connected */
    void *receiver;
    unsigned pin;
};

static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->receiver, line->pin, level);
}

/* A rising edge, for receivers that are edge-triggered. */
static inline void irq_pulse(const struct irq_line *line)
{
    irq_set(line, true);
    irq_set(line, false);
}

#endif
