/* What people and programs write to a machine: scripts, lines for `anachron ctl`, JSON requests.
 * The first byte says which. Whatever is refused is refused with a reason. */
#include "tests/fuzz/fuzz.h"

#include "control/command.h"
#include "machine/script.h"

static void parse_script(const char *text, size_t size)
{
    struct error err = {""};
    struct script *script = script_parse(text, size, "fuzz", &err);
    fuzz_check(script || err.text[0]);
    script_free(script);
}

static void check_call(bool ok, struct command_call *call, const struct error *err)
{
    fuzz_check(ok || err->text[0]);
    if (ok && call->command) {
        char usage[512];
        command_usage(call->command, usage, sizeof usage);
        json_decref(command_describe(call->command));
    }
    if (ok)
        command_call_free(call);
    else
        fuzz_check(!call->command);
}

static void parse_line(const char *text, size_t size, bool script)
{
    struct command_call call = {0};
    struct error err = {""};
    bool ok = command_parse_line(machine_commands(), text, size, script, &call, &err);
    check_call(ok, &call, &err);
}

static void parse_json(const char *text, size_t size)
{
    struct command_call call = {0};
    struct error err = {""};
    json_t *request = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (!request)
        return;
    bool ok = command_parse_request(machine_commands(), request, &call, &err);
    check_call(ok, &call, &err);
    json_decref(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    uint8_t kind = fuzz_byte(&input);
    const char *text = (const char *)input.bytes;
    switch (kind & 3) {
    case 0:
        parse_script(text, input.size);
        break;
    case 1:
    case 2:
        parse_line(text, input.size, kind & 1);
        break;
    default:
        parse_json(text, input.size);
    }
    return 0;
}
