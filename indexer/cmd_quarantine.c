/* cmd_quarantine — lines in quarantine are hostile by definition: on a terminal they are shown
 * escaped and cut, raw only into a file or a pipe. */
#include <stdio.h>
#include <unistd.h>

#include "indexer/cmd.h"
#include "lictor/json_out.h"
#include "lictor/os.h"

#define EXCERPT 100
#define FLUSH_AT ((size_t)1 << 20)

struct listing {
    const struct cmd_options *o;
    int fd;
    struct buf out;
    uint64_t lines;
};

static enum status put_out(struct listing *l, size_t least, struct err *err)
{
    TRY(buf_status(&l->out, err));
    if (l->out.len < least)
        return ST_OK;
    TRY(os_write(l->fd, l->out.data, l->out.len, err));
    buf_clear(&l->out);
    return ST_OK;
}

static void put_json(struct listing *l, const struct quarantine_line *q)
{
    char hex[65];
    struct json_out j = json_out_to(&l->out);
    hex_encode(q->dump_sha256, 32, hex);
    json_begin_object(&j);
    json_key_str(&j, "type", "quarantined");
    json_key_slice(&j, "dump", q->dump_name);
    json_key_str(&j, "dump_sha256", hex);
    json_key_uint(&j, "line", q->line);
    json_key_slice(&j, "reason", q->fault);
    json_key(&j, "bytes_base64");
    buf_put_u8(&l->out, '"');
    base64_encode(q->bytes, &l->out);
    buf_put_str(&l->out, "\"");
    json_end_object(&j);
    buf_put_u8(&l->out, '\n');
}

static void put_text(struct listing *l, const struct quarantine_line *q)
{
    struct slice cut = slice_of(q->bytes.data, q->bytes.len > EXCERPT ? EXCERPT : q->bytes.len);
    cli_safe(&l->out, q->dump_name, false);
    buf_printf(&l->out, ":%llu: ", (unsigned long long)q->line);
    cli_safe(&l->out, q->fault, false);
    buf_put_str(&l->out, ": ");
    cli_safe(&l->out, cut, false);
    if (cut.len < q->bytes.len)
        buf_printf(&l->out, " … (%zu bytes)", q->bytes.len);
    buf_put_u8(&l->out, '\n');
}

static enum status visit(void *ctx, const struct quarantine_line *q, struct err *err)
{
    struct listing *l = ctx;
    l->lines++;
    if (l->o->raw) {
        buf_put_slice(&l->out, q->bytes);
        buf_put_u8(&l->out, '\n');
    } else if (l->o->json) {
        put_json(l, q);
    } else {
        put_text(l, q);
    }
    return put_out(l, FLUSH_AT, err);
}

int cmd_quarantine(const struct cmd_options *o)
{
    struct casefile *cf;
    struct err err = {0};
    struct listing l = {.o = o, .fd = STDOUT_FILENO};
    if (o->raw && !o->output && isatty(STDOUT_FILENO)) {
        (void)err_set(&err, ST_USAGE,
                      "--raw on a terminal would let the lines act on it: use -o FILE");
        return cmd_fail(&err);
    }
    int code = cmd_open_output(o, o->output, 0600, &l.fd, &cf);
    if (code)
        return code;
    enum status st = quarantine_walk(cf, visit, &l, &err);
    if (st == ST_OK)
        st = put_out(&l, 0, &err);
    if (o->output)
        os_close(&l.fd);
    if (st == ST_OK && !o->raw && !o->json && l.lines == 0)
        fputs("nothing is in quarantine\n", stdout);
    buf_release(&l.out);
    casefile_close(cf);
    if (st != ST_OK) {
        err.status = st;
        return cmd_fail(&err);
    }
    return EXIT_GOOD;
}
