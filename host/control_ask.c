#include "host/control_ask.h"

#include "base/memory.h"
#include "host/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

bool control_send(int fd, const json_t *request)
{
    char *line = json_dumps(request, JSON_COMPACT);
    size_t size = strlen(line);
    bool ok = true;
    line[size++] = '\n';
    for (size_t sent = 0; ok && sent < size;) {
        ssize_t part = send(fd, line + sent, size - sent, MSG_NOSIGNAL);
        ok = part > 0;
        sent += ok ? (size_t)part : 0;
    }
    free(line);
    return ok;
}

static enum control_asked read_answer(FILE *in, struct error *err)
{
    char *line = NULL;
    size_t room = 0;
    json_t *answer = NULL;
    errno = 0;
    if (getline(&line, &room, in) > 0)
        answer = json_loads(line, 0, NULL);
    bool late = errno == EAGAIN || errno == EWOULDBLOCK;
    bool ok = json_is_true(json_object_get(answer, "ok"));
    const char *reason = json_string_value(json_object_get(answer, "error"));
    enum control_asked asked = ok       ? ASKED_OK
                               : answer ? ASKED_REFUSED
                               : late   ? ASKED_LATE
                                        : ASKED_INTERRUPTED;
    if (asked == ASKED_REFUSED)
        error_set(err, "%s", reason ? reason : "the machine answered something else");
    else if (!ok)
        error_set(err, late ? "the machine does not answer" : "the machine has ended");
    json_decref(answer);
    free(line);
    return asked;
}

enum control_asked control_ask(const char *path, const char *command, json_t *arguments,
                               unsigned timeout_s, struct error *err)
{
    const struct timeval timeout = {.tv_sec = timeout_s};
    json_t *request = json_pack("{s:i, s:s}", "id", 1, "command", command);
    if (arguments)
        json_object_set_new(request, "arguments", arguments);
    int fd = unix_connect(path, err);
    FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    enum control_asked asked = ASKED_NO_MACHINE;
    if (in) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        asked = ASKED_INTERRUPTED;
        if (control_send(fd, request))
            asked = read_answer(in, err);
        else
            error_set(err, "the machine has ended");
        fclose(in);
    }
    json_decref(request);
    return asked;
}
