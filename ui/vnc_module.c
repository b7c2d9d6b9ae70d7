#include "ui/module.h"

extern const struct vnc_functions vnc_functions;
const struct vnc_functions vnc_functions = {vnc_open, vnc_show, vnc_close};
