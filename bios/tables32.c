/* Tables. */
#include "bios/init32.h"
void tables_build(void)
{
}
