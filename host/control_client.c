#include "host/control_client.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16384 };

struct control_client *client_new(int fd, unsigned number)
{
    struct control_client *client = mem_new(sizeof *client);
    client->fd = fd;
    client->number = number;
    return client;
}

void client_free(struct control_client *client)
{
    close(client->fd);
    mem_free(client->in);
    mem_free(client->out);
    mem_free(client);
}

static void make_room(char **bytes, size_t *room, size_t wanted)
{
    if (wanted <= *room)
        return;
    *room = wanted * 2;
    *bytes = mem_resize(*bytes, *room);
}

bool client_read(struct control_client *client)
{
    make_room(&client->in, &client->in_room, client->in_size + READ_SIZE);
    ssize_t size = read(client->fd, client->in + client->in_size, READ_SIZE);
    if (size > 0)
        client->in_size += (size_t)size;
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

char *client_next_line(struct control_client *client, size_t *size, bool *too_long)
{
    char *end = client->in_size ? memchr(client->in, '\n', client->in_size) : NULL;
    size_t length = end ? (size_t)(end - client->in) : client->in_size;
    *too_long = length > CLIENT_LINE_MAX;
    if (!end || *too_long)
        return NULL;
    char *line = mem_new(length + 1);
    memcpy(line, client->in, length);
    *size = length;
    client->in_size -= length + 1;
    memmove(client->in, end + 1, client->in_size);
    return line;
}

void client_send(struct control_client *client, json_t *message)
{
    char *line = json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t length = line ? strlen(line) : 0;
    json_decref(message);
    if (!line || client->broken || client->out_size + length > CLIENT_OUTPUT_MAX) {
        client->broken = true;
        free(line);
        return;
    }
    make_room(&client->out, &client->out_room, client->out_size + length + 1);
    memcpy(client->out + client->out_size, line, length);
    client->out_size += length;
    client->out[client->out_size++] = '\n';
    free(line);
}

void client_flush(struct control_client *client)
{
    size_t sent = 0;
    while (sent < client->out_size) {
        ssize_t part = send(client->fd, client->out + sent, client->out_size - sent, MSG_NOSIGNAL);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0) {
            client->broken |= errno != EAGAIN;
            break;
        }
        sent += (size_t)part;
    }
    client->out_size -= sent;
    memmove(client->out, client->out + sent, client->out_size);
}
