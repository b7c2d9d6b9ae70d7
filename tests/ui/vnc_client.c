/* A VNC viewer to be driven by a test, on libvncclient. Commands come from standard input, a line
 * each, and every one is answered by a line:
 *
 *     picture FILE           the whole picture, as PPM; "picture W H"
 *     size W H               waits until the picture has that size
 *     key KEYSYM 0|1         release or press
 *     scan KEYSYM CODE 0|1   the same, with the number of the key
 *     pointer X Y BUTTONS
 *     cut TEXT
 *
 * Usage: vnc_client HOST PORT ENCODINGS [PASSWORD]; says "connected W H" at first, or "refused". */
#include <rfb/rfbclient.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 4096, STEP_US = 50000, PATIENCE_STEPS = 400 };

struct viewer {
    rfbClient *client;
    const char *password;
    unsigned updates;
    bool lost;
};

static struct viewer *viewer_of(rfbClient *client)
{
    return rfbClientGetClientData(client, viewer_of);
}

static char *give_password(rfbClient *client)
{
    return strdup(viewer_of(client)->password);
}

static void on_update(rfbClient *client)
{
    viewer_of(client)->updates++;
}

static void say_nothing(const char *format, ...) {}

static void step(struct viewer *viewer, unsigned microseconds)
{
    int ready = WaitForMessage(viewer->client, microseconds);
    if (ready < 0 || (ready > 0 && !HandleRFBServerMessage(viewer->client)))
        viewer->lost = true;
}

static void write_picture(struct viewer *viewer, const char *path)
{
    rfbClient *client = viewer->client;
    unsigned before = viewer->updates;
    SendFramebufferUpdateRequest(client, 0, 0, client->width, client->height, FALSE);
    for (unsigned i = 0; i < PATIENCE_STEPS && viewer->updates == before && !viewer->lost; i++)
        step(viewer, STEP_US);
    FILE *file = fopen(path, "wb");
    if (!file || viewer->lost || viewer->updates == before) {
        printf("lost\n");
        exit(1);
    }
    fprintf(file, "P6 %d %d 255\n", client->width, client->height);
    for (int i = 0; i < client->width * client->height; i++) {
        uint32_t pixel;
        memcpy(&pixel, client->frameBuffer + (size_t)i * 4, 4);
        fputc((int)(pixel >> client->format.redShift & 255), file);
        fputc((int)(pixel >> client->format.greenShift & 255), file);
        fputc((int)(pixel >> client->format.blueShift & 255), file);
    }
    fclose(file);
    printf("picture %d %d\n", client->width, client->height);
}

static void wait_for_size(struct viewer *viewer, int width, int height)
{
    rfbClient *client = viewer->client;
    for (unsigned i = 0; i < PATIENCE_STEPS && !viewer->lost; i++) {
        if (client->width == width && client->height == height)
            break;
        step(viewer, STEP_US);
    }
    printf("size %d %d\n", client->width, client->height);
}

static void carry_out(struct viewer *viewer, char *line)
{
    rfbClient *client = viewer->client;
    unsigned a = 0, b = 0, c = 0;
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "picture ", 8) == 0) {
        write_picture(viewer, line + 8);
        return;
    }
    if (sscanf(line, "size %u %u", &a, &b) == 2) {
        wait_for_size(viewer, (int)a, (int)b);
        return;
    }
    bool ok = false;
    if (sscanf(line, "key %x %u", &a, &b) == 2)
        ok = SendKeyEvent(client, a, b != 0);
    else if (sscanf(line, "scan %x %x %u", &a, &b, &c) == 3)
        ok = SendExtendedKeyEvent(client, a, b, c != 0);
    else if (sscanf(line, "pointer %u %u %u", &a, &b, &c) == 3)
        ok = SendPointerEvent(client, (int)a, (int)b, (int)c);
    else if (strncmp(line, "cut ", 4) == 0)
        ok = SendClientCutText(client, line + 4, (int)strlen(line + 4));
    printf("%s\n", ok ? "ok" : "not sent");
}

static rfbClient *connect_to(char **argv, struct viewer *viewer)
{
    rfbClient *client = rfbGetClient(8, 3, 4);
    viewer->client = client;
    viewer->password = argv[4] ? argv[4] : "";
    rfbClientSetClientData(client, viewer_of, viewer);
    client->GetPassword = give_password;
    client->FinishedFrameBufferUpdate = on_update;
    client->canHandleNewFBSize = TRUE;
    client->appData.encodingsString = argv[3];
    client->appData.enableJPEG = FALSE; /* which loses something */
    client->serverHost = strdup(argv[1]);
    client->serverPort = atoi(argv[2]);
    return rfbInitClient(client, NULL, NULL) ? client : NULL;
}

int main(int argc, char **argv)
{
    struct viewer viewer = {0};
    char line[LINE_SIZE];
    if (argc < 4)
        return 2;
    rfbClientLog = rfbClientErr = say_nothing;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    if (!connect_to(argv, &viewer)) {
        printf("refused\n");
        return 1;
    }
    printf("connected %d %d\n", viewer.client->width, viewer.client->height);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    while (!viewer.lost) {
        step(&viewer, 1000);
        if (poll(&input, 1, 0) <= 0)
            continue;
        if (!fgets(line, sizeof line, stdin)) {
            free(viewer.client->frameBuffer);
            rfbClientCleanup(viewer.client);
            return 0;
        }
        carry_out(&viewer, line);
    }
    printf("lost\n");
    return 1;
}
