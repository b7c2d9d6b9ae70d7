/* Commands: what can be seen. None of them changes the guest, but for poke. */
#include "base/memory.h"
#include "machine/commands.h"
#include "machine/disassemble.h"
#include "machine/inspect.h"
#include "machine/internal.h"

enum {
    MAX_INSN_LENGTH = 15,
    DEFAULT_INSNS = 10,
    DUMP_MOST = 64 << 10, /* bytes in an answer; more go to a file */
};

/* --- the screen --- */

enum command_outcome command_screenshot(struct machine *machine, struct job *job)
{
    const struct machine_outside *outside = &machine->config.outside;
    const struct frame *frame = machine_look(machine);
    const char *path = job_argument(job, "file")->text;
    struct error err = {"there is nobody to write pictures"};
    if (!outside->save_picture || !outside->save_picture(outside->opaque, frame, path, &err))
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
    if (job->is_script)
        return COMMAND_DONE;
    return job_done(job, json_pack("{s:s, s:i, s:i}", "file", path, "width", (int)frame->width,
                                   "height", (int)frame->height));
}

static json_t *hexadecimal(uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    return json_string(text);
}

enum command_outcome command_frame(struct machine *machine, struct job *job)
{
    const struct frame *frame = machine_look(machine);
    char text[160], color[8];
    unsigned long long hash = frame_hash(frame);
    snprintf(color, sizeof color, "%06x", (unsigned)(frame->border_color & 0xFFFFFF));
    snprintf(text, sizeof text, "frame %ux%u %016llx pixel %u:%u border %s %u %u %u %u\n",
             frame->width, frame->height, hash, frame->aspect_x, frame->aspect_y, color,
             frame->border_left, frame->border_right, frame->border_top, frame->border_bottom);
    return job_done(job, json_pack("{s:s, s:i, s:i, s:o, s:[i, i], s:s, s:[i, i, i, i]}", "text",
                                   text, "width", (int)frame->width, "height", (int)frame->height,
                                   "hash", hexadecimal(hash), "pixel", (int)frame->aspect_x,
                                   (int)frame->aspect_y, "border_color", color, "border",
                                   (int)frame->border_left, (int)frame->border_right,
                                   (int)frame->border_top, (int)frame->border_bottom));
}

enum command_outcome command_print_screen(struct machine *machine, struct job *job)
{
    char *lines = inspect_screen_lines(machine);
    job_done(job, json_pack("{s:s}", "text", lines));
    mem_free(lines);
    return COMMAND_DONE;
}

enum command_outcome command_print_text(struct machine *machine, struct job *job)
{
    const struct command_value *text = job_argument(job, "text");
    /* Scripts may print bytes that are no UTF-8, which JSON cannot say. */
    json_t *string = json_stringn_nocheck(text->text, text->size);
    return job_done(job, json_pack("{s:o}", "text", string));
}

/* --- the state --- */

enum command_outcome command_state(struct machine *machine, struct job *job)
{
    return job_done(job, json_pack("{s:I, s:o}", "icount", (json_int_t)machine_icount(machine),
                                   "state", hexadecimal(machine_state_hash(machine))));
}

enum command_outcome command_dump(struct machine *machine, struct job *job)
{
    const char *path = job_argument(job, "file")->text;
    FILE *stream = fopen(path, "w");
    struct error err;
    if (stream) {
        machine_dump_state(machine, stream);
        if (fclose(stream) == 0)
            return COMMAND_DONE;
    }
    error_set_errno(&err, "%s: cannot write the state", path);
    return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
}

enum command_outcome command_regs(struct machine *machine, struct job *job)
{
    return job_done(job, inspect_registers(machine));
}

enum command_outcome command_poke(struct machine *machine, struct job *job)
{
    const char *name = job_argument(job, "register")->text;
    const struct command_value *value = job_argument(job, "value");
    struct poke_value wide = {value->number, value->high, value->digits};
    if (job->is_script && machine->entry != ENTRY_REACHED && !job->machine_ended)
        return job_again_in(job, machine, CLOCK_NEVER); /* until script_wake */
    if (machine_poke(machine, name, &wide))
        return COMMAND_DONE;
    return job_fail(job, EXIT_STATUS_USAGE,
                    "poke: there is no register \"%.40s\", or it cannot hold that value", name);
}

/* --- memory --- */

/* Copies what is there; linear memory ends where a page is not mapped. */
static size_t peek(struct machine *machine, bool linear, uint32_t address, uint8_t *bytes,
                   size_t size)
{
    if (linear)
        return inspect_linear(machine, address, bytes, (unsigned)size);
    inspect_physical(machine, address, bytes, size);
    return size;
}

static enum command_outcome memory_to_file(struct machine *machine, struct job *job, bool linear)
{
    uint64_t address = job_argument(job, "address")->number;
    uint64_t size = job_argument(job, "size")->number, done = 0;
    const char *path = job_argument(job, "file")->text;
    FILE *stream = fopen(path, "wb");
    struct error err;
    uint8_t page[PAGE_SIZE];
    bool ok = stream != NULL;
    while (ok && done < size) {
        uint64_t left = size - done;
        size_t part = left < sizeof page ? (size_t)left : sizeof page;
        size_t there = peek(machine, linear, (uint32_t)(address + done), page, part);
        ok = fwrite(page, 1, there, stream) == there;
        done += there;
        if (there < part)
            break;
    }
    if (stream)
        ok = fclose(stream) == 0 && ok;
    if (!ok) {
        error_set_errno(&err, "%s: cannot write memory", path);
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "%s", err.text);
    }
    if (done < size)
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "linear address %08llXh is not mapped",
                        (unsigned long long)(address + done));
    return COMMAND_DONE;
}

static json_t *hexadecimal_bytes(const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = mem_new(size * 2 + 1);
    for (size_t i = 0; i < size; i++) {
        text[i * 2] = digits[bytes[i] >> 4];
        text[i * 2 + 1] = digits[bytes[i] & 15];
    }
    json_t *string = json_string(text);
    mem_free(text);
    return string;
}

enum command_outcome command_memory(struct machine *machine, struct job *job)
{
    bool linear = job_argument(job, "space")->number & 1;
    uint64_t address = job_argument(job, "address")->number;
    uint64_t size = job_argument(job, "size")->number;
    if (job_argument(job, "file")->given)
        return memory_to_file(machine, job, linear);
    if (size > DUMP_MOST)
        return job_fail(job, EXIT_STATUS_USAGE, "more than %d bytes go to a file: name one",
                        DUMP_MOST);
    uint8_t *bytes = mem_new(size + 1);
    size_t there = peek(machine, linear, (uint32_t)address, bytes, (size_t)size);
    job_done(job, json_pack("{s:I, s:I, s:o}", "address", (json_int_t)address, "size",
                            (json_int_t)there, "bytes", hexadecimal_bytes(bytes, there)));
    mem_free(bytes);
    return COMMAND_DONE;
}

/* --- code --- */

static json_t *disassemble_some(struct machine *machine, struct disassembler *disassembler,
                                uint32_t linear, uint32_t offset, uint64_t count, bool is_32_bit)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < count; i++) {
        uint8_t bytes[MAX_INSN_LENGTH];
        char text[DISASSEMBLY_SIZE];
        unsigned size = inspect_linear(machine, linear, bytes, sizeof bytes);
        if (!size)
            break;
        unsigned length = disassemble(disassembler, bytes, size, offset, is_32_bit, text);
        json_array_append_new(list,
                              json_pack("{s:I, s:o, s:s}", "address", (json_int_t)linear, "bytes",
                                        hexadecimal_bytes(bytes, length), "text", text));
        linear += length;
        offset += length;
    }
    return list;
}

enum command_outcome command_disassemble(struct machine *machine, struct job *job)
{
    const struct command_value *address = job_argument(job, "address");
    const struct command_value *count = job_argument(job, "count");
    const struct command_value *bits = job_argument(job, "bits");
    const struct segment *cs = &machine->cpu->seg[SEG_CS];
    uint32_t eip = machine->cpu->eip;
    uint32_t linear = address->given ? (uint32_t)address->number : cs->base + eip;
    /* Branch targets are shown as offsets in the code segment where the address is there, too. */
    uint32_t offset = address->given ? linear - cs->base : eip;
    bool is_32_bit = bits->given ? bits->number == 1 : (cs->access & SEGMENT_BIG) != 0;
    struct disassembler *disassembler = disassembler_new();
    if (!disassembler)
        return job_fail(job, EXIT_STATUS_HOST_ERROR, "Capstone refuses to disassemble");
    json_t *list = disassemble_some(machine, disassembler, linear, offset,
                                    count->given ? count->number : DEFAULT_INSNS, is_32_bit);
    disassembler_free(disassembler);
    return job_done(job,
                    json_pack("{s:i, s:o}", "bits", is_32_bit ? 32 : 16, "instructions", list));
}
