/* The memory image of FXSAVE in 32-bit code (SDM 2, FXSAVE), and world_state's part of it. */
#ifndef TESTS_HARNESS_ORACLE_FX_IMAGE_H
#define TESTS_HARNESS_ORACLE_FX_IMAGE_H

#include "tests/harness/oracle/world.h"

enum { FX_SIZE = 512 };

void fx_pack(const struct world_state *state, uint8_t image[FX_SIZE]);
/* The environment in 32-bit format, and its pointers. */
enum { ENVIRONMENT_SIZE = 28 };
void environment_pack(const struct world_state *state, uint8_t image[ENVIRONMENT_SIZE]);
void environment_unpack(struct world_state *state, const uint8_t image[ENVIRONMENT_SIZE]);
void fx_unpack(struct world_state *state, const uint8_t image[FX_SIZE]);

#endif
