/* gen_dump — one holder's dumps as files: first and last line, records with what cannot be read
 * sprinkled between them, and the tail of a live stream that comes once more with its second part.
 */
#include "bench/gen_run.h"

#include "bench/gen_line.h"
#include "lictor/chan.h"

static enum status write_line(struct run *r, unsigned stage, struct err *err)
{
    struct line *l = &r->line;
    return dump_writer_write(r->out[stage].w, l->bytes, (size_t)(l->p - l->bytes), err);
}

enum status dump_open(struct run *r, unsigned stage, uint32_t no, struct err *err)
{
    const struct gen_options *o = r->env->w->o;
    uint8_t seed[32];
    char name[48];
    struct buf path = {0};

    for (unsigned i = 0; i < 4; i++)
        store_u64(seed + 8 * i, rng_at(r->env->w->key ^ 0x414745, (uint64_t)no * 4 + i));
    struct dump_options options = {
        .zstd = o->zstd, .level = o->level, .to = r->env->to, .seed = seed};
    dump_name(o, no, name);
    buf_printf(&path, "%s/dumps/%s", o->dir, name);
    buf_put_u8(&path, 0);
    enum status st = buf_status(&path, err);
    if (st == ST_OK)
        st = dump_writer_open((const char *)path.data, &options, &r->out[stage].w, err);
    buf_release(&path);
    TRY(st);
    r->out[stage].no = no;
    r->env->w->dumps[no].stage = (uint8_t)stage;
    line_dump(&r->line, r->env->w, r->holder, no, stage);
    return write_line(r, stage, err);
}

enum status dump_end(struct run *r, unsigned stage, struct err *err)
{
    struct gen_dump *d = &r->env->w->dumps[r->out[stage].no];
    struct line *l = &r->line;

    line_begin(l);
    line_str(l, "{\"kind\":\"end\",\"records\":");
    line_uint(l, d->records);
    if (r->seq[stage] > 0)
        line_key_int(l, ",\"last_seq\":", (int64_t)r->seq[stage]);
    line_str(l, "}\n");
    d->records++;
    r->y->records++;
    r->y->other++;
    TRY(write_line(r, stage, err));
    struct dump_writer *w = r->out[stage].w;
    r->out[stage].w = NULL;
    return dump_writer_finish(w, d->sha256, &d->bytes, err);
}

void run_report(struct run *r, bool force)
{
    uint64_t n = r->y->records - r->reported;

    if (n == 0 || (n < REPORT_RECORDS && !force))
        return;
    r->reported = r->y->records;
    if (r->env->progress && !chan_send(r->env->progress, (void *)(uintptr_t)n))
        return;
}

/* One more than a line may have. */
static enum status put_too_long(struct run *r, unsigned stage, struct err *err)
{
    line_begin(&r->line);
    line_str(&r->line, "{\"kind\":\"note\",\"text\":\"");
    TRY(write_line(r, stage, err));
    line_begin(&r->line);
    for (unsigned i = 0; i < 1024; i++)
        line_str(&r->line, "long ");
    for (unsigned i = 0; i < 208; i++)
        TRY(write_line(r, stage, err));
    line_begin(&r->line);
    line_str(&r->line, "\"}\n");
    return write_line(r, stage, err);
}

static enum status put_quarantined(struct run *r, unsigned stage, struct err *err)
{
    struct gen_dump *d = &r->env->w->dumps[r->out[stage].no];
    uint64_t at = d->records;

    if (at % 2048 != 20 && !(r->out[stage].no == 0 && at == 40))
        return ST_OK;
    d->records++;
    d->quarantined++;
    r->y->records++;
    r->y->quarantined++;
    if (at == 40)
        return put_too_long(r, stage, err);
    line_malformed(&r->line, rng_at(r->h->key, at + stage));
    line_str(&r->line, "\n");
    return write_line(r, stage, err);
}

static void keep_tail(struct run *r, bool message, int64_t t)
{
    struct tail_line *k = &r->tail[r->n_tail++ % TAIL];
    struct line *l = &r->line;
    static const char key[] = "\"read\":";

    buf_clear(&k->bytes);
    buf_put(&k->bytes, l->bytes, (size_t)(l->p - l->bytes));
    k->t = t;
    k->may_be_read = message && !memmem(l->bytes, (size_t)(l->p - l->bytes), key, sizeof(key) - 1);
}

enum status dump_put(struct run *r, unsigned stage, bool message, bool new_seq, int64_t t,
                     struct err *err)
{
    struct gen_stream *s = &r->h->streams[stage];

    TRY(write_line(r, stage, err));
    r->env->w->dumps[r->out[stage].no].records++;
    r->y->records++;
    if (s->written == 0)
        s->first_seq = r->seq[stage];
    s->written += new_seq;
    if (r->h->part_at != INT64_MAX && stage == STAGE_LIVE && !r->in_part_two)
        keep_tail(r, message, t);
    run_report(r, false);
    return put_quarantined(r, stage, err);
}

static enum status tail_again(struct run *r, const struct tail_line *k, struct err *err)
{
    struct gen_dump *d = &r->env->w->dumps[r->out[STAGE_LIVE].no];
    struct line *l = &r->line;

    line_begin(l);
    line_put(l, k->bytes.data, k->bytes.len);
    if (k->may_be_read && k->t % 3 == 0) {
        l->p -= 2; /* "}\n" */
        line_key_int(l, ",\"read\":", k->t + holder_ahead(r->env->w, r->holder, k->t) + 3600000);
        line_str(l, "}\n");
    }
    d->records++;
    d->redelivered++;
    r->y->records++;
    r->y->redelivered++;
    return write_line(r, STAGE_LIVE, err);
}

enum status dump_part_two(struct run *r, struct err *err)
{
    TRY(buf_status(&r->tail[0].bytes, err));
    TRY(dump_end(r, STAGE_LIVE, err));
    TRY(dump_open(r, STAGE_LIVE, r->h->first_dump + 1, err));
    r->in_part_two = true;
    uint64_t n = r->n_tail < TAIL ? r->n_tail : TAIL;
    for (uint64_t i = r->n_tail - n; i < r->n_tail; i++) {
        TRY(buf_status(&r->tail[i % TAIL].bytes, err));
        TRY(tail_again(r, &r->tail[i % TAIL], err));
    }
    return ST_OK;
}
