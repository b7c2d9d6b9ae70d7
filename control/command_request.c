/* A request of the control socket (docs/control.md) as a call. */
#include "control/command.h"

/* "words": as on a command line. */
static bool parse_words(const struct command_table *table, const json_t *array,
                        const char *directory, struct command_call *call, struct error *err)
{
    struct command_word words[COMMAND_WORDS] = {0};
    size_t index;
    json_t *word;
    if (!json_is_array(array) || json_array_size(array) > COMMAND_WORDS)
        return error_set(err, "words is an array of at most %d strings", COMMAND_WORDS);
    json_array_foreach(array, index, word)
    {
        if (!json_is_string(word))
            return error_set(err, "words is an array of strings");
        words[index].text = (char *)json_string_value(word);
        words[index].size = json_string_length(word);
    }
    return command_parse_words(table, words, (unsigned)json_array_size(array), directory, call,
                               err);
}

bool command_parse_request(const struct command_table *table, const json_t *request,
                           struct command_call *call, struct error *err)
{
    const char *name, *directory = json_string_value(json_object_get(request, "directory"));
    const json_t *words = json_object_get(request, "words");
    *call = (struct command_call){0};
    if (!json_is_object(request))
        return error_set(err, "a request is an object");
    if (words)
        return parse_words(table, words, directory, call, err);
    name = json_string_value(json_object_get(request, "command"));
    if (!name)
        return error_set(err, "a request has a \"command\"");
    return command_parse_json(table, name, json_object_get(request, "arguments"), directory, call,
                              err);
}
