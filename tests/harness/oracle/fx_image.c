#include "tests/harness/oracle/fx_image.h"

#include "base/bits.h"

enum { FX_REGISTERS = 32, FX_XMM = 160, FX_MXCSR_MASK = 0xFFFF };

static unsigned physical(const struct world_state *state, unsigned i)
{
    return ((state->fpu_status >> 11) + i) & 7;
}

void fx_pack(const struct world_state *state, uint8_t image[FX_SIZE])
{
    store_le16(image, state->fpu_control);
    store_le16(image + 2, state->fpu_status);
    store_le16(image + 4, (uint8_t)~state->fpu_empty);
    store_le16(image + 6, state->fpu_opcode);
    store_le32(image + 8, state->fpu_ip);
    store_le32(image + 12, 0);
    store_le32(image + 16, state->fpu_data);
    store_le32(image + 20, 0);
    store_le32(image + 24, state->mxcsr);
    store_le32(image + 28, FX_MXCSR_MASK);
    for (unsigned i = 0; i < 8; i++) {
        const struct float80 *reg = &state->fpu[physical(state, i)];
        store_le64(image + FX_REGISTERS + 16 * i, reg->significand);
        store_le64(image + FX_REGISTERS + 16 * i + 8, reg->sign_exponent);
    }
    memcpy(image + FX_XMM, state->xmm, sizeof state->xmm);
}

void fx_unpack(struct world_state *state, const uint8_t image[FX_SIZE])
{
    state->fpu_control = load_le16(image);
    state->fpu_status = load_le16(image + 2);
    state->fpu_empty = (uint8_t)~image[4];
    state->fpu_opcode = load_le16(image + 6) & 0x7FF;
    state->fpu_ip = load_le32(image + 8);
    state->fpu_data = load_le32(image + 16);
    state->mxcsr = load_le32(image + 24);
    for (unsigned i = 0; i < 8; i++) {
        struct float80 *reg = &state->fpu[physical(state, i)];
        reg->significand = load_le64(image + FX_REGISTERS + 16 * i);
        reg->sign_exponent = load_le16(image + FX_REGISTERS + 16 * i + 8);
    }
    memcpy(state->xmm, image + FX_XMM, sizeof state->xmm);
}

void environment_pack(const struct world_state *state, uint8_t image[ENVIRONMENT_SIZE])
{
    uint32_t tags = 0;
    for (unsigned i = 0; i < 8; i++)
        if (state->fpu_empty >> i & 1)
            tags |= 3u << (2 * i);
    store_le32(image, state->fpu_control);
    store_le32(image + 4, state->fpu_status);
    store_le32(image + 8, tags);
    store_le32(image + 12, state->fpu_ip);
    store_le32(image + 16, (uint32_t)state->fpu_opcode << 16);
    store_le32(image + 20, state->fpu_data);
    store_le32(image + 24, 0);
}

void environment_unpack(struct world_state *state, const uint8_t image[ENVIRONMENT_SIZE])
{
    state->fpu_ip = load_le32(image + 12);
    state->fpu_opcode = load_le16(image + 18) & 0x7FF;
    state->fpu_data = load_le32(image + 20);
}
