/* cmd_context — what stands around the hits of a search, taken from their conversations. A hit that
 * follows others of its conversation does not show again, for people, what stood around those. */
#include "query/cmd.h"

static bool same_ref(const struct message_ref *a, const struct message_ref *b)
{
    return a->segment == b->segment && a->doc == b->doc && a->k == b->k;
}

static bool holds(const struct buf *refs, const struct message_ref *ref)
{
    const void *data = refs->data;
    const struct message_ref *all = data;
    for (size_t i = 0; i < refs->len / sizeof *all; i++)
        if (same_ref(&all[i], ref))
            return true;
    return false;
}

/* What was shown is known only while hits of one conversation follow each other, and of a long row
 * only the last: what is further away was not around this one if hits go by time. */
static void next_block(struct session *s, struct hit_context *c, const struct message_view *hit)
{
    size_t most = (8 * s->o->context + 1024) * sizeof(struct message_ref);
    size_t half = most / 2;
    c->gaps.len = 0;
    if (memcmp(c->key, hit->conversation_key, KEY_SIZE) != 0)
        c->shown.len = 0;
    memcpy(c->key, hit->conversation_key, KEY_SIZE);
    if (c->shown.len <= most)
        return;
    memmove(c->shown.data, c->shown.data + c->shown.len - half, half);
    c->shown.len = half;
}

/* Whether the record was shown, or is one of the hits that follow without another conversation
 * between. */
static enum status is_repeated(struct session *s, const struct hit_context *c,
                               const struct message_ref *ref, bool *yes, struct err *err)
{
    uint64_t most = 4 * s->o->context + 64; /* edits and notes are hits, too */
    uint8_t key[KEY_SIZE];
    *yes = holds(&c->shown, ref);
    for (size_t i = 0; !*yes && i < c->n_later && i < most; i++) {
        if (same_ref(&c->later[i], ref)) {
            *yes = true;
            return ST_OK;
        }
        TRY(view_conversation_key(&s->v, c->later[i].segment, c->later[i].doc, key, NULL, err));
        if (memcmp(key, c->key, KEY_SIZE) != 0)
            return ST_OK;
    }
    return ST_OK;
}

static void put_gaps(struct session *s, struct hit_context *c, const struct message_view *hit)
{
    const void *data = c->gaps.data;
    const struct thread_gap *all = data;
    for (size_t i = 0; i < c->gaps.len / sizeof *all; i++) {
        struct thread_gap gap = all[i];
        gap.context_of = hit->id;
        if (s->r.format == RENDER_TEXT)
            text_context_gap(&s->r, &gap, &s->out);
        else
            render_gap(&s->r, &gap, &s->out);
    }
    c->gaps.len = 0;
}

static enum status put_hit(struct session *s, const struct message_view *hit, struct err *err)
{
    if (s->r.format == RENDER_TEXT)
        return text_hit(&s->r, hit, &s->out, err);
    render_record(&s->r, hit, false, NULL, &s->out);
    return ST_OK;
}

static enum status put_around(struct session *s, const struct message_view *m,
                              const struct message_view *hit, struct err *err)
{
    struct message_view shown = *m;
    shown.context_of = hit->id;
    if (s->r.format == RENDER_TEXT)
        return text_context(&s->r, &shown, &s->out, err);
    render_record(&s->r, &shown, false, NULL, &s->out);
    return ST_OK;
}

/* A hole belongs to the record behind it. */
static enum status put_item(struct session *s, struct hit_context *c, const struct thread_item *it,
                            const struct message_view *hit, struct err *err)
{
    bool repeated = false;
    if (it->is_gap) {
        buf_put(&c->gaps, &it->gap, sizeof it->gap);
        return buf_status(&c->gaps, err);
    }
    bool is_hit = same_ref(&it->ref, &hit->ref);
    if (s->r.format == RENDER_TEXT) {
        if (!is_hit)
            TRY(is_repeated(s, c, &it->ref, &repeated, err));
        if (repeated) {
            c->gaps.len = 0;
            return ST_OK;
        }
        buf_put(&c->shown, &it->ref, sizeof it->ref);
        TRY(buf_status(&c->shown, err));
    }
    put_gaps(s, c, hit);
    TRY(is_hit ? put_hit(s, hit, err) : put_around(s, it->m, hit, err));
    return session_flush(s, err);
}

static enum status walk(struct session *s, struct hit_context *c, struct thread_around *a,
                        const struct message_view *hit, struct err *err)
{
    struct thread_item it;
    enum status st;
    while ((st = thread_around_next(a, &it, err)) == ST_OK)
        TRY(put_item(s, c, &it, hit, err));
    if (st == ST_END)
        put_gaps(s, c, hit);
    return st;
}

enum status hit_context_show(struct session *s, struct hit_context *c,
                             const struct message_view *hit, struct err *err)
{
    const struct thread_limits none = {.after = INT64_MIN, .before = INT64_MAX};
    struct thread t;
    struct thread_around a;
    next_block(s, c, hit);
    enum status st = thread_around_open(&s->v, &hit->ref, s->o->context, &none, &t, &a, err);
    if (st == ST_NOT_FOUND) /* a record of no conversation */
        return put_hit(s, hit, err);
    if (st != ST_OK)
        return st;
    st = walk(s, c, &a, hit, err);
    thread_around_close(&a);
    if (st == ST_END && s->r.format == RENDER_TEXT)
        buf_put_u8(&s->out, '\n');
    return st == ST_END ? ST_OK : st;
}

void hit_context_release(struct hit_context *c)
{
    buf_release(&c->shown);
    buf_release(&c->gaps);
}
