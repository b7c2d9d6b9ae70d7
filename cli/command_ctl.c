/* `anachron ctl`: a command to a running machine, through its control socket. */
#include "base/memory.h"
#include "cli/commands.h"
#include "host/control_ask.h"
#include "host/unix_socket.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ctl {
    int fd;
    FILE *in;
    bool json;
    bool stays; /* subscribe: prints what comes until the machine ends */
};

static int complain(const char *text, int status)
{
    fprintf(stderr, "anachron: error: %s\n", text);
    return status;
}

static json_t *request_of(int count, char **words)
{
    char *directory = getcwd(NULL, 0);
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        json_t *word = json_string(words[i]);
        if (!word) {
            json_decref(array);
            free(directory);
            return NULL;
        }
        json_array_append_new(array, word);
    }
    json_t *request = json_pack("{s:i, s:o, s:b, s:s*}", "id", 1, "words", array, "text", 1,
                                "directory", directory);
    free(directory);
    return request;
}

static void print_json(const json_t *message)
{
    json_dumpf(message, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
}

static int show_answer(const struct ctl *ctl, const json_t *answer)
{
    bool ok = json_is_true(json_object_get(answer, "ok"));
    const json_t *text = json_object_get(answer, "text");
    const char *reason = json_string_value(json_object_get(answer, "error"));
    int status = (int)json_integer_value(json_object_get(answer, "status"));
    if (ctl->json)
        print_json(answer);
    else if (ok && text)
        fwrite(json_string_value(text), 1, json_string_length(text), stdout);
    fflush(stdout);
    if (ok)
        return EXIT_STATUS_OK;
    return complain(reason ? reason : "the machine answered something else",
                    status ? status : EXIT_STATUS_HOST_ERROR);
}

static void show_event(const struct ctl *ctl, const json_t *event)
{
    const json_t *details = json_object_get(event, "details");
    if (ctl->json) {
        print_json(event);
        return;
    }
    char *dump = details ? json_dumps(details, JSON_COMPACT) : NULL;
    printf("%s%s%s\n", json_string_value(json_object_get(event, "event")), dump ? " " : "",
           dump ? dump : "");
    fflush(stdout);
    free(dump);
}

static int read_answers(const struct ctl *ctl)
{
    char *line = NULL;
    size_t room = 0;
    bool answered = false;
    int status = EXIT_STATUS_OK;
    while ((!answered || (ctl->stays && status == EXIT_STATUS_OK)) &&
           getline(&line, &room, ctl->in) > 0) {
        json_error_t reason;
        json_t *message = json_loads(line, 0, &reason);
        if (json_object_get(message, "event")) {
            show_event(ctl, message);
        } else if (message) {
            answered = true;
            status = show_answer(ctl, message);
        }
        json_decref(message);
    }
    free(line);
    return answered ? status : complain("the machine has ended", EXIT_STATUS_HOST_ERROR);
}

static int talk(struct ctl *ctl, int count, char **words)
{
    json_t *request = request_of(count, words);
    if (!request)
        return complain("a command is text in UTF-8", EXIT_STATUS_USAGE);
    bool ok = control_send(ctl->fd, request);
    json_decref(request);
    if (!ok)
        return complain("the machine has ended", EXIT_STATUS_HOST_ERROR);
    return read_answers(ctl);
}

static void print_usage(FILE *stream)
{
    fputs(
        "usage: anachron ctl [--json] SOCKET COMMAND...\n\n"
        "Sends a command to a machine that runs with --control SOCKET, and prints the answer;\n"
        "with --json, as it comes. `anachron ctl SOCKET help` lists the commands. The exit status\n"
        "is 0, or what a script with that command would end with.\n",
        stream);
}

int command_ctl(int argc, char **argv)
{
    struct ctl ctl = {.fd = -1};
    struct error err;
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--help") == 0) {
            print_usage(stdout);
            return EXIT_STATUS_OK;
        }
        if (strcmp(argv[first], "--json") != 0) {
            error_set(&err, "unknown option %s; see anachron ctl --help", argv[first]);
            return complain(err.text, EXIT_STATUS_USAGE);
        }
        ctl.json = true;
    }
    if (argc - first < 2) {
        print_usage(stderr);
        return EXIT_STATUS_USAGE;
    }
    ctl.stays = strcmp(argv[first + 1], "subscribe") == 0;
    ctl.fd = unix_connect(argv[first], &err);
    ctl.in = ctl.fd < 0 ? NULL : fdopen(ctl.fd, "r");
    if (!ctl.in)
        return complain(err.text, EXIT_STATUS_HOST_ERROR);
    int status = talk(&ctl, argc - first - 1, argv + first + 1);
    fclose(ctl.in);
    return status;
}
