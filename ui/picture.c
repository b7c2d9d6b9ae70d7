#include "ui/picture.h"

#include "base/memory.h"

#include <errno.h>
#include <png.h>
#include <string.h>

static bool save_bytes(const struct frame *frame, const uint8_t *rgb, const char *path,
                       struct error *err)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = frame->width,
        .height = frame->height,
        .format = PNG_FORMAT_RGB,
    };
    errno = 0;
    if (png_image_write_to_file(&image, path, 0, rgb, 0, NULL))
        return true;
    return error_set(err, "%s: cannot write the screenshot: %s", path,
                     errno ? strerror(errno) : image.message);
}

bool picture_save(const struct frame *frame, const char *path, struct error *err)
{
    /* PNG knows no empty picture. */
    struct frame shown = *frame;
    uint32_t black = 0;
    if (!frame->width || !frame->height)
        shown = (struct frame){.width = 1, .height = 1, .pixels = &black};
    size_t count = (size_t)shown.width * shown.height;
    uint8_t *rgb = mem_new(count * 3);
    for (size_t i = 0; i < count; i++) {
        rgb[i * 3] = (uint8_t)(shown.pixels[i] >> 16);
        rgb[i * 3 + 1] = (uint8_t)(shown.pixels[i] >> 8);
        rgb[i * 3 + 2] = (uint8_t)shown.pixels[i];
    }
    bool ok = save_bytes(&shown, rgb, path, err);
    mem_free(rgb);
    return ok;
}
