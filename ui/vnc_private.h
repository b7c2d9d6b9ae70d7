/* Inside the remote screen: a viewer, and what it sends. */
#ifndef UI_VNC_PRIVATE_H
#define UI_VNC_PRIVATE_H

#include "ui/vnc.h"

#include <pthread.h>
#include <rfb/rfb.h>

enum { VNC_HELD_KEYS = 32, VNC_CUT_TEXT_MAX = 64 << 10 };

/* A key that a viewer holds down: by keysym, because what it would be mapped to may have changed by
 * the time it is released. */
struct vnc_held {
    uint32_t keysym;
    uint16_t code;
};

struct vnc_viewer {
    struct vnc *vnc;
    rfbScreenInfoPtr rfb; /* made before the first thread, ended by the viewer's */
    pthread_t thread;
    bool started; /* the thread is there */
    int wake;     /* eventfd: news of the screen, a connection, the end */

    /* Under vnc->lock. */
    bool busy; /* somebody is connected, or about to be */
    int next;  /* connection to serve, or -1 */
    int peer;  /* a duplicate of the one being served, to shut it down by; or -1 */

    /* The viewer's thread only. */
    rfbClientPtr client; /* NULL: gone */
    struct screen_watcher *watcher;
    struct frame frame;
    struct vnc_held held[VNC_HELD_KEYS];
    unsigned held_count;
    unsigned buttons; /* as the protocol has them */
    unsigned x, y;
    char *cut_text; /* owned; not terminated */
    size_t cut_size;
};

struct vnc {
    int listener;
    int wake; /* eventfd: the machine has ended */
    char password[VNC_PASSWORD_MAX + 1];
    bool wants_password;
    struct gate *gate;
    struct control *control;
    struct screen *screen;
    rfbProtocolExtension extension;
    int pseudo_encodings[2];
    pthread_mutex_t lock;
    bool ending;
    struct vnc_viewer viewer[VNC_VIEWERS];
};

/* Serves a connection, which it takes over, until the viewer has gone; on the calling thread. */
void vnc_serve(struct vnc_viewer *viewer, int connection);

/* Hooks of libvncserver. */
void vnc_on_key(rfbBool down, rfbKeySym keysym, rfbClientPtr client);
void vnc_on_release_keys(rfbClientPtr client);
void vnc_on_pointer(int buttons, int x, int y, rfbClientPtr client);
void vnc_on_cut_text(char *text, int size, rfbClientPtr client);
/* QEMU's extended key events: rfbProtocolExtension. */
rfbBool vnc_on_encoding(rfbClientPtr client, void **data, int encoding);
rfbBool vnc_on_message(rfbClientPtr client, void *data, const rfbClientToServerMsg *message);
/* A viewer that has gone holds nothing down. */
void vnc_release_all(struct vnc_viewer *viewer);

#endif
