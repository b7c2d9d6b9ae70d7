/* Pictures of the screen as PNG files. */
#ifndef UI_PNG_H
#define UI_PNG_H

#include "base/error.h"
#include "bus/backend.h"

/* False: err says why the file could not be written. */
bool png_save(const struct frame *frame, const char *path, struct error *err);

#endif
