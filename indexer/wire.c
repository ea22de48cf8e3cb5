/* wire — frames are gathered in one buffer a side, so that small dumps cost few system calls. */
#include "indexer/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define WIRE_HEADER 5
#define WIRE_READ ((size_t)256 << 10)
#define WIRE_FRAME_MAX ((size_t)1 << 20)

void wire_init(struct wire *w, int fd) { *w = (struct wire){.fd = fd}; }

void wire_release(struct wire *w)
{
    buf_release(&w->in);
    buf_release(&w->out);
}

void wire_begin(struct wire *w, enum wire_type type)
{
    buf_clear(&w->out);
    buf_put_u8(&w->out, (uint8_t)type);
    buf_put_u32(&w->out, 0);
}

static enum status write_all(int fd, const uint8_t *data, size_t len, struct err *err)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return err_set(err, ST_CLOSED, "the other process is gone");
        if (n < 0)
            return err_errno(err, errno, "socket to the other process");
        data += n;
        len -= (size_t)n;
    }
    return ST_OK;
}

enum status wire_send(struct wire *w, struct err *err)
{
    TRY(buf_status(&w->out, err));
    MUST(w->out.len >= WIRE_HEADER && w->out.len - WIRE_HEADER <= WIRE_FRAME_MAX);
    store_u32(w->out.data + 1, (uint32_t)(w->out.len - WIRE_HEADER));
    return write_all(w->fd, w->out.data, w->out.len, err);
}

enum status wire_send_data(struct wire *w, const uint8_t *data, size_t len, struct err *err)
{
    while (len) {
        size_t n = len < WIRE_DATA_MAX ? len : WIRE_DATA_MAX;
        wire_begin(w, WIRE_DATA);
        buf_put(&w->out, data, n);
        TRY(wire_send(w, err));
        data += n;
        len -= n;
    }
    return ST_OK;
}

/* At least `need` unread bytes in w->in. */
static enum status fill(struct wire *w, size_t need, struct err *err)
{
    while (w->in.len - w->pos < need) {
        if (w->pos) {
            memmove(w->in.data, w->in.data + w->pos, w->in.len - w->pos);
            w->in.len -= w->pos;
            w->pos = 0;
        }
        size_t want = need > WIRE_READ ? need : WIRE_READ;
        uint8_t *room = buf_reserve(&w->in, want);
        if (!room)
            return err_no_memory(err);
        ssize_t n = recv(w->fd, room, want, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ECONNRESET)
            return err_errno(err, errno, "socket to the other process");
        if (n <= 0)
            return err_set(err, ST_CLOSED, "the other process is gone");
        w->in.len += (size_t)n;
    }
    return ST_OK;
}

enum status wire_next(struct wire *w, enum wire_type *type, struct slice *payload, struct err *err)
{
    TRY(fill(w, WIRE_HEADER, err));
    size_t len = load_u32(w->in.data + w->pos + 1);
    if (len > WIRE_FRAME_MAX)
        return err_set(err, ST_BAD_INPUT, "a frame of %zu bytes came from the other process", len);
    TRY(fill(w, WIRE_HEADER + len, err));
    *type = (enum wire_type)w->in.data[w->pos];
    *payload = slice_of(w->in.data + w->pos + WIRE_HEADER, len);
    w->pos += WIRE_HEADER + len;
    return ST_OK;
}
