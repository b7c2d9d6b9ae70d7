#include "machine/answers.h"

#include "base/bits.h"
#include "base/random.h"
#include "cpu/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ALL_FLAGS = FLAGS_ARITHMETIC | FLAG_DF };

/* --- states from seeds --- */

/* Exponents that matter: the ends of the range, around one, around the integers' sizes. */
static uint32_t exponent_of(uint64_t choice, uint32_t max)
{
    uint32_t bias = max >> 1, offset = choice >> 8 & 63;
    switch (choice & 15) {
    case 0:
        return 0;
    case 1:
        return max;
    case 2:
        return 1 + (offset & 3);
    case 3:
        return max - 1 - (offset & 3);
    case 4:
    case 5:
        return bias + offset;
    default:
        return bias + (offset & 15) - 8;
    }
}

static uint64_t fraction_of(uint64_t choice, uint64_t value, unsigned bits)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    switch (choice >> 20 & 7) {
    case 0:
        return 0;
    case 1:
        return mask;
    case 2:
        return UINT64_C(1) << (value % bits);
    case 3:
        return value & mask & ~(mask >> 12); /* few significant bits: exact results */
    default:
        return value & mask;
    }
}

static uint64_t random_float(uint64_t *random, unsigned exponent_bits, unsigned fraction_bits)
{
    uint64_t choice = random_next(random), value = random_next(random);
    uint64_t sign = choice >> 63, exponent = exponent_of(choice, (1u << exponent_bits) - 1);
    return sign << (exponent_bits + fraction_bits) | exponent << fraction_bits |
           fraction_of(choice, value, fraction_bits);
}

static uint32_t random_integer(uint64_t *random)
{
    uint64_t choice = random_next(random);
    uint32_t value = (uint32_t)(choice >> 24);
    switch (choice & 7) {
    case 0:
        return (uint32_t)(choice >> 8 & 3) - 1;
    case 1:
        return (1u << (choice >> 8 & 31)) + (uint32_t)(choice >> 16 & 3) - 1;
    case 2:
        return value & 0xFF;
    case 3:
        return (uint32_t)(int16_t)value;
    default:
        return value;
    }
}

enum lane_kind { LANES_FLOAT32, LANES_FLOAT64, LANES_INTEGER, LANES_BITS };

static uint64_t random_lanes(uint64_t *random, enum lane_kind kind)
{
    switch (kind) {
    case LANES_FLOAT32:
        return random_float(random, 8, 23) | random_float(random, 8, 23) << 32;
    case LANES_FLOAT64:
        return random_float(random, 11, 52);
    case LANES_INTEGER:
        return random_integer(random) | (uint64_t)random_integer(random) << 32;
    case LANES_BITS:
        break;
    }
    return random_next(random);
}

/* Finite ones mostly; unsupported encodings, too. */
static struct float80 random_float80(uint64_t *random)
{
    uint64_t choice = random_next(random), value = random_next(random);
    uint32_t exponent = exponent_of(choice, 0x7FFF);
    uint64_t integer = exponent == 0 || !(choice >> 32 & 31) ? 0 : UINT64_C(1) << 63;
    return (struct float80){fraction_of(choice, value, 63) | integer,
                            (uint16_t)(exponent | (choice >> 63) << 15)};
}

void answer_state_seeded(uint32_t seed, struct answer_state *state)
{
    uint64_t random = (seed + UINT64_C(1)) * UINT64_C(0x9E3779B97F4A7C15);
    enum lane_kind kind = seed & 3;
    memset(state, 0, sizeof *state);
    for (unsigned i = 0; i < 8; i++)
        state->gpr[i] = random_integer(&random);
    state->flags = (uint32_t)random_next(&random) & FLAGS_ARITHMETIC;
    state->control = 0x037F;
    state->mxcsr = MXCSR_DEFAULT;
    for (unsigned i = 0; i < 8; i++) {
        state->reg[i] = random_float80(&random);
        state->xmm[i].u64[0] = random_lanes(&random, kind);
        state->xmm[i].u64[1] = random_lanes(&random, kind);
    }
    for (unsigned i = 0; i < ANSWER_PAGE; i += 8)
        store_le64(state->data + i, random_lanes(&random, kind));
}

/* --- reading --- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of two digits each up to the end of the word; returns how many, or 0. */
static unsigned parse_bytes(const char *text, uint8_t *bytes, unsigned room)
{
    unsigned count = 0;
    for (; *text; text += 2) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || count == room)
            return 0;
        bytes[count++] = (uint8_t)(high << 4 | low);
    }
    return count;
}

/* At most 16 digits, nothing else. */
static bool parse_number(const char *text, uint64_t *value)
{
    *value = 0;
    size_t length = strlen(text);
    for (; *text; text++) {
        if (hex_digit(*text) < 0)
            return false;
        *value = *value << 4 | (uint64_t)hex_digit(*text);
    }
    return length > 0 && length <= 16;
}

/* The register that is named by a letter and a digit, as bytes, most significant first. */
static bool parse_wide(const char *name, const char *value, struct answer_state *state)
{
    uint8_t bytes[16];
    unsigned index = (unsigned)(name[1] - '0');
    unsigned size = name[0] == 'x' ? 16 : 10;
    if (name[1] < '0' || index > 7 || name[2] || parse_bytes(value, bytes, size) != size)
        return false;
    if (name[0] == 'x') {
        for (unsigned i = 0; i < 16; i++)
            state->xmm[index].u8[i] = bytes[15 - i];
        return true;
    }
    uint64_t significand = 0;
    for (unsigned i = 2; i < 10; i++)
        significand = significand << 8 | bytes[i];
    state->reg[index] = (struct float80){significand, (uint16_t)(bytes[0] << 8 | bytes[1])};
    return true;
}

static bool parse_state_word(const char *name, const char *value, struct answer_state *state)
{
    uint64_t number, offset;
    if (name[0] == 'm' && strcmp(name, "mx") != 0)
        return parse_number(name + 1, &offset) && offset < ANSWER_PAGE &&
               parse_bytes(value, state->data + offset, (unsigned)(ANSWER_PAGE - offset)) > 0;
    if ((name[0] == 'x' || name[0] == 'p') && name[1])
        return parse_wide(name, value, state);
    if (!parse_number(value, &number) || number > UINT32_MAX)
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (strcmp(name, cpu_gpr_names[i]) == 0) {
            state->gpr[i] = (uint32_t)number;
            return true;
        }
    if (strcmp(name, "fl") == 0)
        state->flags = (uint32_t)number & ALL_FLAGS;
    else if (strcmp(name, "cw") == 0)
        state->control = (uint16_t)number;
    else if (strcmp(name, "sw") == 0)
        state->status = (uint16_t)number;
    else if (strcmp(name, "em") == 0)
        state->empty = (uint8_t)number;
    else if (strcmp(name, "mx") == 0)
        state->mxcsr = (uint32_t)number;
    else
        return false;
    return true;
}

static bool parse_outcome_word(const char *name, const char *value, struct answer_case *answer)
{
    uint64_t number, offset;
    if (parse_state_word(name, value, &answer->after.state))
        return true;
    if (!parse_number(value, &number) || number > UINT32_MAX)
        return false;
    if (strcmp(name, "ip") == 0)
        answer->after.eip = (uint32_t)number;
    else if (strcmp(name, "trap") == 0)
        answer->after.trap = (int)(number & 0xFF);
    else if (strcmp(name, "cr2") == 0)
        answer->after.cr2 = (uint32_t)number;
    else if (strcmp(name, "fm") == 0)
        answer->flags_defined = (uint32_t)number;
    else if (strcmp(name, "near") == 0)
        answer->is_near = number == 1;
    else if (name[0] == 'i' && parse_number(name + 1, &offset) && offset <= ANSWER_PAGE &&
             number <= ANSWER_PAGE - offset)
        memset(answer->ignored + offset, 1, number);
    else
        return false;
    return true;
}

/* Cuts the next word off *text; NULL at the end. */
static char *next_word(char **text)
{
    *text += strspn(*text, " ");
    char *word = *text;
    *text += strcspn(*text, " ");
    if (**text)
        *(*text)++ = 0;
    return *word ? word : NULL;
}

enum { LINE_LIMIT = 4 * ANSWER_PAGE };

bool answer_parse(const char *line, struct answer_case *answer, struct error *err)
{
    char copy[LINE_LIMIT], *rest = copy;
    if ((size_t)snprintf(copy, sizeof copy, "%s", line) >= sizeof copy)
        return error_set(err, "line too long");
    memset(answer, 0, sizeof *answer);
    const char *code = next_word(&rest), *seed = code ? next_word(&rest) : NULL;
    uint64_t number;
    if (!seed || !(answer->length = parse_bytes(code, answer->code, sizeof answer->code)) ||
        !parse_number(seed, &number) || number > UINT32_MAX)
        return error_set(err, "not an instruction and a seed");
    answer->seed = (uint32_t)number;
    answer_state_seeded(answer->seed, &answer->before);
    bool behind = false;
    for (char *word = next_word(&rest); word; word = next_word(&rest)) {
        char *value = strchr(word, '=');
        if (!behind && strcmp(word, "|") == 0) {
            behind = true;
            answer->after = (struct answer_outcome){
                .state = answer->before,
                .eip = ANSWER_EIP + answer->length,
                .trap = ANSWER_NO_TRAP,
            };
            answer->flags_defined = ALL_FLAGS;
            continue;
        }
        if (!value)
            return error_set(err, "\"%s\" is no NAME=VALUE", word);
        *value++ = 0;
        if (!(behind ? parse_outcome_word(word, value, answer)
                     : parse_state_word(word, value, &answer->before)))
            return error_set(err, "\"%s=%s\" is not understood", word, value);
    }
    return behind || error_set(err, "no outcome");
}

/* --- writing --- */

static void print_word(FILE *stream, const char *name, uint32_t from, uint32_t to)
{
    if (from != to)
        fprintf(stream, " %s=%" PRIx32, name, to);
}

static void print_wide(const struct answer_state *from, const struct answer_state *to, FILE *stream)
{
    for (unsigned i = 0; i < 8; i++)
        if (from->reg[i].significand != to->reg[i].significand ||
            from->reg[i].sign_exponent != to->reg[i].sign_exponent)
            fprintf(stream, " p%u=%04x%016" PRIx64, i, to->reg[i].sign_exponent,
                    to->reg[i].significand);
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(&from->xmm[i], &to->xmm[i], sizeof to->xmm[i]) != 0)
            fprintf(stream, " x%u=%016" PRIx64 "%016" PRIx64, i, to->xmm[i].u64[1],
                    to->xmm[i].u64[0]);
}

/* Runs of changed bytes; ignored ones count as unchanged. */
static void print_data(const uint8_t *from, const uint8_t *to, const uint8_t *ignored, FILE *stream)
{
    for (unsigned i = 0, end; i < ANSWER_PAGE; i = end + 1) {
        for (end = i; end < ANSWER_PAGE && from[end] != to[end] && !(ignored && ignored[end]);)
            end++;
        if (end > i)
            fprintf(stream, " m%x=", i);
        for (unsigned k = i; k < end; k++)
            fprintf(stream, "%02x", to[k]);
    }
}

static void print_state(const struct answer_state *from, const struct answer_state *to,
                        const uint8_t *ignored, FILE *stream)
{
    for (unsigned i = 0; i < 8; i++)
        print_word(stream, cpu_gpr_names[i], from->gpr[i], to->gpr[i]);
    print_word(stream, "fl", from->flags, to->flags);
    print_word(stream, "cw", from->control, to->control);
    print_word(stream, "sw", from->status, to->status);
    print_word(stream, "em", from->empty, to->empty);
    print_word(stream, "mx", from->mxcsr, to->mxcsr);
    print_wide(from, to, stream);
    print_data(from->data, to->data, ignored, stream);
}

static void print_ignored(const uint8_t *ignored, FILE *stream)
{
    for (unsigned i = 0, end; i < ANSWER_PAGE; i = end + 1) {
        for (end = i; end < ANSWER_PAGE && ignored[end];)
            end++;
        if (end > i)
            fprintf(stream, " i%x=%x", i, end - i);
    }
}

void answer_print(const struct answer_case *answer, FILE *stream)
{
    struct answer_state seeded;
    answer_state_seeded(answer->seed, &seeded);
    for (unsigned i = 0; i < answer->length; i++)
        fprintf(stream, "%02x", answer->code[i]);
    fprintf(stream, " %" PRIx32, answer->seed);
    print_state(&seeded, &answer->before, NULL, stream);
    fputs(" |", stream);
    print_state(&answer->before, &answer->after.state, answer->ignored, stream);
    print_word(stream, "ip", ANSWER_EIP + answer->length, answer->after.eip);
    if (answer->after.trap != ANSWER_NO_TRAP)
        fprintf(stream, " trap=%x", (unsigned)answer->after.trap);
    print_word(stream, "cr2", 0, answer->after.cr2);
    print_word(stream, "fm", ALL_FLAGS, answer->flags_defined);
    print_ignored(answer->ignored, stream);
    fputs(answer->is_near ? " near=1\n" : "\n", stream);
}
