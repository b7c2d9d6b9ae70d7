/* Pictures of the screen as PNG files. */
#ifndef UI_PICTURE_H
#define UI_PICTURE_H

#include "base/error.h"
#include "bus/backend.h"

/* False: err says why the file could not be written. */
bool picture_save(const struct frame *frame, const char *path, struct error *err);

#endif
