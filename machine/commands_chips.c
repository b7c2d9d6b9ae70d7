/* Commands: the declared state of chips, of the processor, and of the clock. */
#include "base/memory.h"
#include "machine/commands.h"
#include "machine/internal.h"

#include <string.h>

enum { ELEMENTS_IN_LINE = 16, LINE_SIZE = 512 };

static void list_one(void *context, const char *name, bool is_memory, size_t size)
{
    json_t *list = context;
    char text[LINE_SIZE];
    if (is_memory)
        snprintf(text, sizeof text, "%-20s %zu bytes of memory", name, size);
    else
        snprintf(text, sizeof text, "%s", name);
    json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "name", name, "memory",
                                          is_memory ? json_integer((json_int_t)size) : json_null(),
                                          "text", text));
}

enum command_outcome command_devices(struct machine *machine, struct job *job)
{
    json_t *list = json_array();
    state_list(machine->state, list_one, list);
    return job_done(job, json_pack("{s:o}", "devices", list));
}

static uint64_t element_at(const uint8_t *bytes, uint32_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes, size < sizeof value ? size : sizeof value);
    return value;
}

/* What does not fit a JSON integer is hexadecimal. */
static json_t *element_json(uint64_t value)
{
    char text[20];
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    return json_string(text);
}

static json_t *bytes_json(const uint8_t *bytes, size_t size)
{
    char *text = mem_new(2 * size + 1);
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_t *string = json_string(text);
    mem_free(text);
    return string;
}

/* One number in hexadecimal and decimal; several in rows. */
static void field_lines(json_t *lines, const char *path, const uint8_t *bytes, uint32_t size,
                        uint32_t count)
{
    char line[LINE_SIZE];
    if (count == 1 && size <= 8) {
        uint64_t value = element_at(bytes, size);
        int used = snprintf(line, sizeof line, "%-32s %0*llX", path, (int)size * 2,
                            (unsigned long long)value);
        if (value > 9 && value != UINT64_MAX)
            snprintf(line + used, sizeof line - (size_t)used, "  %llu", (unsigned long long)value);
        json_array_append_new(lines, json_string(line));
        return;
    }
    for (uint32_t i = 0; i < count; i += ELEMENTS_IN_LINE) {
        int used = snprintf(line, sizeof line, "%-32s", i ? "" : path);
        for (uint32_t k = i; k < count && k < i + ELEMENTS_IN_LINE; k++)
            used += snprintf(line + used, sizeof line - (size_t)used, " %0*llX", (int)size * 2,
                             (unsigned long long)element_at(bytes + (size_t)k * size, size));
        json_array_append_new(lines, json_string(line));
    }
}

static void show_field(void *context, const char *path, void *bytes, uint32_t element_size,
                       uint32_t count)
{
    json_t *device = context, *value;
    if (count == 1 && element_size <= 8) {
        value = element_json(element_at(bytes, element_size));
    } else if (element_size == 1 || element_size > 8) {
        value = bytes_json(bytes, (size_t)element_size * count);
    } else {
        value = json_array();
        for (uint32_t i = 0; i < count; i++)
            json_array_append_new(
                value, element_json(
                           element_at((uint8_t *)bytes + (size_t)i * element_size, element_size)));
    }
    json_object_set_new(json_object_get(device, "fields"), path, value);
    field_lines(json_object_get(device, "lines"), path, bytes, element_size, count);
}

enum command_outcome command_device(struct machine *machine, struct job *job)
{
    const char *name = job_argument(job, "name")->text;
    json_t *device =
        json_pack("{s:s, s:s, s:{}, s:[]}", "text", name, "name", name, "fields", "lines");
    if (state_show(machine->state, name, show_field, device))
        return job_done(job, device);
    json_decref(device);
    return job_fail(job, EXIT_STATUS_USAGE, "no device is called \"%.40s\"; \"devices\" lists them",
                    name);
}
