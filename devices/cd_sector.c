#include "devices/cd_sector.h"

#include "base/bits.h"

enum {
    EDC_POLYNOMIAL = 0xD8018001, /* (x^16+x^15+x^2+1)(x^16+x^2+x+1), bits reversed */
    FIELD_POLYNOMIAL = 0x11D,    /* x^8+x^4+x^3+x^2+1 */

    /* The Reed-Solomon product code works on 2340 bytes from the header on, as two byte planes of
     * 1170. P: 43 columns of 24 + 2 words each; Q: 26 diagonals of 43 + 2. */
    P_VECTORS = 86,
    P_LENGTH = 24,
    Q_VECTORS = 52,
    Q_LENGTH = 43,
    Q_PLANE = 26 * 86, /* bytes that the diagonals wrap around in: data and P parity */
    P_PARITY = CD_ECC_OFFSET,
    Q_PARITY = CD_ECC_OFFSET + 2 * P_VECTORS,
};

static uint8_t bcd(uint32_t value)
{
    return (uint8_t)(value / 10 << 4 | value % 10);
}

void cd_sector_address(uint8_t msf[3], uint32_t lba)
{
    uint32_t frame = lba + 150;
    msf[0] = bcd(frame / 75 / 60 % 100);
    msf[1] = bcd(frame / 75 % 60);
    msf[2] = bcd(frame % 75);
}

static uint32_t edc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? EDC_POLYNOMIAL : 0);
    }
    return crc;
}

static uint8_t times_alpha(uint8_t value)
{
    return (uint8_t)(value << 1 ^ (value & 0x80 ? FIELD_POLYNOMIAL : 0));
}

static uint8_t multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1, a = times_alpha(a)) {
        if (b & 1)
            product ^= a;
    }
    return product;
}

/* The two parity bytes p, q of a vector v[0..n-1] make both sums zero:
 * sum v[i] + p + q = 0 and sum v[i] * a^(n+1-i) + p * a + q = 0. */
static void parity(uint8_t sum, uint8_t weighted, uint8_t *p, uint8_t *q)
{
    /* p * (a + 1) = weighted + sum; the inverse of a + 1 = 3 in this field is F4h. */
    *p = multiply((uint8_t)(weighted ^ sum), 0xF4);
    *q = *p ^ sum;
}

/* The parity of vector number `vector`, whose i-th byte is at from + offset(i). */
static void encode_p(uint8_t *raw)
{
    uint8_t *from = raw + CD_HEADER_OFFSET;
    for (unsigned vector = 0; vector < P_VECTORS; vector++) {
        uint8_t sum = 0, weighted = 0;
        for (unsigned i = 0; i < P_LENGTH; i++) {
            uint8_t byte = from[i * P_VECTORS + vector];
            sum ^= byte;
            weighted = times_alpha(weighted ^ byte);
        }
        parity(sum, times_alpha(weighted), raw + P_PARITY + vector,
               raw + P_PARITY + P_VECTORS + vector);
    }
}

static void encode_q(uint8_t *raw)
{
    uint8_t *from = raw + CD_HEADER_OFFSET;
    for (unsigned vector = 0; vector < Q_VECTORS; vector++) {
        unsigned position = vector / 2 * P_VECTORS + vector % 2;
        uint8_t sum = 0, weighted = 0;
        for (unsigned i = 0; i < Q_LENGTH; i++) {
            uint8_t byte = from[position];
            sum ^= byte;
            weighted = times_alpha(weighted ^ byte);
            position = (position + P_VECTORS + 2) % Q_PLANE;
        }
        parity(sum, times_alpha(weighted), raw + Q_PARITY + vector,
               raw + Q_PARITY + Q_VECTORS + vector);
    }
}

void cd_sector_encode(uint8_t raw[CD_SECTOR_RAW_SIZE], uint32_t lba)
{
    memset(raw, 0xFF, CD_HEADER_OFFSET);
    raw[0] = raw[11] = 0;
    cd_sector_address(raw + CD_HEADER_OFFSET, lba);
    raw[CD_HEADER_OFFSET + 3] = 1; /* mode 1 */
    store_le32(raw + CD_EDC_OFFSET, edc(raw, CD_EDC_OFFSET));
    memset(raw + CD_EDC_OFFSET + 4, 0, 8);
    encode_p(raw);
    encode_q(raw);
}
