#include "ui/module.h"

extern const struct window_functions window_functions;
const struct window_functions window_functions = {window_open, window_show, window_close};
