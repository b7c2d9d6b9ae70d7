#include "base/memory.h"
#include "ui/vnc_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_WIDTH = 640,
    FIRST_HEIGHT = 480,
    /* How long a new viewer waits for its first picture, so that it opens in the right size. */
    FIRST_PICTURE_TRIES = 10,
    FIRST_PICTURE_MS = 50,
};

static void ring(int event)
{
    uint64_t one = 1;
    ssize_t written = write(event, &one, sizeof one);
    (void)written; /* fails only when it is ringing already */
}

static void hush(int event)
{
    uint64_t count;
    ssize_t got = read(event, &count, sizeof count);
    (void)got;
}

static void on_news(void *opaque)
{
    struct vnc_viewer *viewer = opaque;
    ring(viewer->wake);
}

/* --- the picture --- */

/* libvncserver's idea of the picture; nothing to see is a black screen. */
static void new_size(struct vnc_viewer *viewer)
{
    rfbScreenInfoPtr rfb = viewer->rfb;
    struct frame *frame = &viewer->frame;
    if (!frame->width || !frame->height) {
        frame_start(frame, FIRST_WIDTH, FIRST_HEIGHT);
        frame_finish(frame);
    }
    rfbNewFramebuffer(rfb, (char *)frame->pixels, (int)frame->width, (int)frame->height, 8, 3, 4);
    rfb->serverFormat.redShift = 16;
    rfb->serverFormat.greenShift = 8;
    rfb->serverFormat.blueShift = 0;
    if (!viewer->client)
        return;
    rfb->setTranslateFunction(viewer->client);
    /* A viewer that cannot follow would write past its picture. */
    if (!viewer->client->useNewFBSize)
        rfbCloseClient(viewer->client);
}

static void take_picture(struct vnc_viewer *viewer)
{
    struct screen_damage damage;
    const uint32_t *pixels = viewer->frame.pixels;
    int width = viewer->rfb->width, height = viewer->rfb->height;
    if (!screen_take_frame(viewer->watcher, &viewer->frame, &damage))
        return;
    if (viewer->frame.pixels != pixels || (int)viewer->frame.width != width ||
        (int)viewer->frame.height != height) {
        new_size(viewer);
        return;
    }
    for (unsigned i = 0; i < damage.count; i++) {
        const struct screen_rectangle *r = &damage.rectangle[i];
        rfbMarkRectAsModified(viewer->rfb, (int)r->x, (int)r->y, (int)(r->x + r->width),
                              (int)(r->y + r->height));
    }
}

/* --- a viewer --- */

static void on_gone(rfbClientPtr client)
{
    struct vnc_viewer *viewer = client->screen->screenData;
    viewer->client = NULL;
    /* The library takes its record of an extension off the list and forgets to free it. */
    for (rfbExtensionData *record = client->extensions; record; record = record->next) {
        if (record->extension != &viewer->vnc->extension)
            continue;
        rfbDisableExtension(client, record->extension);
        free(record);
        break;
    }
}

static enum rfbNewClientAction on_new(rfbClientPtr client)
{
    struct vnc_viewer *viewer = client->screen->screenData;
    viewer->client = client;
    client->clientGoneHook = on_gone;
    return RFB_CLIENT_ACCEPT;
}

static rfbBool check_password(rfbClientPtr client, const char *response, int size)
{
    struct vnc_viewer *viewer = client->screen->screenData;
    uint8_t expected[CHALLENGESIZE];
    memcpy(expected, client->authChallenge, sizeof expected);
    rfbEncryptBytes(expected, viewer->vnc->password);
    return size == CHALLENGESIZE && memcmp(expected, response, CHALLENGESIZE) == 0;
}

void vnc_serve(struct vnc_viewer *viewer, int connection)
{
    struct pollfd fds[2] = {
        {.fd = viewer->wake, .events = POLLIN},
        {.fd = connection,   .events = POLLIN}
    };
    frame_free(&viewer->frame);
    viewer->frame = (struct frame){0};
    viewer->watcher = screen_watch(viewer->vnc->screen, SCREEN_PIXELS, on_news, viewer);
    struct screen_status status = {0};
    for (unsigned i = 0; i < FIRST_PICTURE_TRIES && !viewer->frame.pixels && !status.ended; i++) {
        poll(fds, 1, FIRST_PICTURE_MS);
        hush(viewer->wake);
        take_picture(viewer);
        screen_get_status(viewer->vnc->screen, &status);
    }
    if (!viewer->frame.pixels)
        new_size(viewer);
    rfbNewClientConnection(viewer->rfb, connection);
    while (viewer->client) {
        poll(fds, 2, -1);
        if (fds[0].revents) {
            hush(viewer->wake);
            take_picture(viewer);
        }
        rfbProcessEvents(viewer->rfb, 0);
    }
    screen_unwatch(viewer->watcher);
    vnc_release_all(viewer);
    mem_free(viewer->cut_text);
    viewer->cut_text = NULL;
    viewer->cut_size = 0;
}

/* The connection that is to be served next; -1: the server ends. */
static int wait_for_connection(struct vnc_viewer *viewer)
{
    struct vnc *vnc = viewer->vnc;
    struct pollfd event = {.fd = viewer->wake, .events = POLLIN};
    for (;;) {
        pthread_mutex_lock(&vnc->lock);
        int connection = vnc->ending ? -1 : viewer->next;
        bool ending = vnc->ending;
        viewer->next = ending ? viewer->next : -1;
        viewer->peer = connection >= 0 ? dup(connection) : -1;
        pthread_mutex_unlock(&vnc->lock);
        if (connection >= 0 || ending)
            return connection;
        poll(&event, 1, -1);
        hush(viewer->wake);
    }
}

static void *run_viewer(void *argument)
{
    struct vnc_viewer *viewer = argument;
    struct vnc *vnc = viewer->vnc;
    int connection;
    while ((connection = wait_for_connection(viewer)) >= 0) {
        vnc_serve(viewer, connection);
        pthread_mutex_lock(&vnc->lock);
        close(viewer->peer);
        viewer->peer = -1;
        viewer->busy = false;
        pthread_mutex_unlock(&vnc->lock);
    }
    /* Here, because the encoders keep memory for each thread. */
    rfbScreenCleanup(viewer->rfb);
    viewer->rfb = NULL;
    return NULL;
}

/* --- the server --- */

static bool open_viewer(struct vnc *vnc, struct vnc_viewer *viewer)
{
    viewer->vnc = vnc;
    viewer->next = viewer->peer = -1;
    viewer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rfbScreenInfoPtr rfb = viewer->rfb =
        rfbGetScreen(NULL, NULL, FIRST_WIDTH, FIRST_HEIGHT, 8, 3, 4);
    if (!rfb || viewer->wake < 0)
        return false;
    rfb->screenData = viewer;
    rfb->desktopName = "Anachron";
    rfb->alwaysShared = TRUE;
    rfb->cursor = NULL; /* the guest draws its own */
    rfb->deferUpdateTime = 0;
    rfb->port = rfb->ipv6port = 0;
    rfb->kbdAddEvent = vnc_on_key;
    rfb->kbdReleaseAllKeys = vnc_on_release_keys;
    rfb->ptrAddEvent = vnc_on_pointer;
    rfb->setXCutText = vnc_on_cut_text;
    rfb->newClientHook = on_new;
    if (vnc->wants_password) {
        rfb->authPasswdData = vnc->password;
        rfb->passwordCheck = check_password;
    }
    rfbInitServer(rfb);
    return true;
}

static void say_nothing(const char *format, ...) {}

struct vnc *vnc_open(int listener, const char *password, struct error *err)
{
    struct vnc *vnc = mem_new(sizeof *vnc);
    vnc->listener = listener;
    vnc->wants_password = password != NULL;
    if (password)
        strncpy(vnc->password, password, VNC_PASSWORD_MAX);
    pthread_mutex_init(&vnc->lock, NULL);
    vnc->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rfbLog = rfbErr = say_nothing;
    vnc->pseudo_encodings[0] = (int)rfbEncodingQemuExtendedKeyEvent;
    vnc->extension = (rfbProtocolExtension){
        .pseudoEncodings = vnc->pseudo_encodings,
        .enablePseudoEncoding = vnc_on_encoding,
        .handleMessage = vnc_on_message,
    };
    rfbRegisterProtocolExtension(&vnc->extension);
    bool ok = vnc->wake >= 0;
    for (unsigned i = 0; i < VNC_VIEWERS && ok; i++)
        ok = open_viewer(vnc, &vnc->viewer[i]);
    if (ok)
        return vnc;
    error_set_errno(err, "--display vnc: cannot prepare for viewers");
    vnc_close(vnc);
    return NULL;
}

static struct vnc_viewer *free_viewer(struct vnc *vnc)
{
    for (unsigned i = 0; i < VNC_VIEWERS; i++) {
        struct vnc_viewer *viewer = &vnc->viewer[i];
        if (viewer->busy)
            continue;
        if (!viewer->started)
            viewer->started = pthread_create(&viewer->thread, NULL, run_viewer, viewer) == 0;
        return viewer->started ? viewer : NULL;
    }
    return NULL;
}

/* Hands a connection to a viewer that is free; without one, it is closed. */
static void assign(struct vnc *vnc, int connection)
{
    pthread_mutex_lock(&vnc->lock);
    struct vnc_viewer *viewer = free_viewer(vnc);
    if (viewer) {
        viewer->busy = true;
        viewer->next = connection;
        ring(viewer->wake);
    }
    pthread_mutex_unlock(&vnc->lock);
    if (!viewer)
        close(connection);
}

static void on_end(void *opaque)
{
    struct vnc *vnc = opaque;
    ring(vnc->wake);
}

void vnc_show(struct vnc *vnc, struct gate *gate, struct control *control, struct screen *screen)
{
    struct pollfd fds[2] = {
        {.fd = vnc->wake,     .events = POLLIN},
        {.fd = vnc->listener, .events = POLLIN}
    };
    struct screen_status status;
    vnc->gate = gate;
    vnc->control = control;
    vnc->screen = screen;
    /* Wants no picture: it only hears of the end. */
    struct screen_watcher *watcher = screen_watch(screen, 0, on_end, vnc);
    do {
        poll(fds, 2, -1);
        hush(vnc->wake);
        if (fds[1].revents) {
            int connection = accept4(vnc->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (connection >= 0)
                assign(vnc, connection);
        }
        screen_get_status(screen, &status);
    } while (!status.ended);
    screen_unwatch(watcher);
}

static void close_viewer(struct vnc_viewer *viewer)
{
    if (viewer->started) {
        ring(viewer->wake);
        pthread_join(viewer->thread, NULL);
    }
    if (viewer->next >= 0)
        close(viewer->next);
    if (viewer->rfb)
        rfbScreenCleanup(viewer->rfb);
    frame_free(&viewer->frame);
    if (viewer->wake >= 0)
        close(viewer->wake);
}

void vnc_close(struct vnc *vnc)
{
    if (!vnc)
        return;
    pthread_mutex_lock(&vnc->lock);
    vnc->ending = true;
    for (unsigned i = 0; i < VNC_VIEWERS; i++) {
        if (vnc->viewer[i].started && vnc->viewer[i].peer >= 0)
            shutdown(vnc->viewer[i].peer, SHUT_RDWR);
    }
    pthread_mutex_unlock(&vnc->lock);
    for (unsigned i = 0; i < VNC_VIEWERS; i++) {
        if (vnc->viewer[i].vnc)
            close_viewer(&vnc->viewer[i]);
    }
    rfbUnregisterProtocolExtension(&vnc->extension);
    close(vnc->listener);
    if (vnc->wake >= 0)
        close(vnc->wake);
    pthread_mutex_destroy(&vnc->lock);
    mem_free(vnc);
}
