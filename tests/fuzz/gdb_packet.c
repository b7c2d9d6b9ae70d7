/* Bytes from a debugger's connection. Whatever they are, the decoder finds a packet that follows on
 * them; and what is encoded is decoded again as it was. */
#include "tests/fuzz/fuzz.h"

#include "control/gdb_packet.h"

#include <string.h>

static void check_round(struct gdb_decoder *decoder, const char *payload, size_t size)
{
    static char frame[GDB_FRAME_MAX];
    size_t length = gdb_encode(payload, size, frame);
    enum gdb_item item = GDB_NOTHING;
    fuzz_check(length <= sizeof frame);
    for (size_t i = 0; i < length; i++) {
        item = gdb_decode(decoder, (uint8_t)frame[i]);
        /* What came before may have been broken off by the '$'. */
        fuzz_check(item == GDB_NOTHING || i + 1 == length || (i == 0 && item == GDB_BAD));
    }
    fuzz_check(item == GDB_PACKET && decoder->size == size &&
               memcmp(decoder->payload, payload, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct gdb_decoder decoder;
    decoder = (struct gdb_decoder){0};
    for (size_t i = 0; i < size; i++) {
        enum gdb_item item = gdb_decode(&decoder, bytes[i]);
        fuzz_check(decoder.size <= GDB_PAYLOAD_MAX);
        fuzz_check(item != GDB_PACKET || decoder.payload[decoder.size] == 0);
    }
    /* Two digits of a checksum may be missing. */
    gdb_decode(&decoder, '0');
    gdb_decode(&decoder, '0');
    check_round(&decoder, (const char *)bytes, size < GDB_PAYLOAD_MAX ? size : GDB_PAYLOAD_MAX);
    return 0;
}
