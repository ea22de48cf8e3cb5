/* gen_other — records that are no messages: notes, places, calls, signs of life, events, contacts.
 * Notes and edits carry bare words, which count; everything else is hidden from word searches. */
#include "bench/gen.h"

#include <stdio.h>

#include "bench/gen_line.h"

struct other { /* what every writer below needs */
    struct line *l;
    const struct world *w;
    const struct message *m;
    uint32_t holder;
    uint64_t seq, r;
    int64_t t;
};

static void put_note(const struct other *o, const struct text *text)
{
    line_head(o->l, "note", o->seq);
    line_str(o->l, ",\"owner\":");
    line_handle(o->l, o->holder);
    line_key_int(o->l, ",\"time\":", o->t);
    line_str(o->l, ",\"text\":");
    line_json(o->l, text->bytes, text->len, o->w->holders[o->holder].escapes);
}

static void put_location(const struct other *o)
{
    char s[96];
    int n;

    line_head(o->l, "location", o->seq);
    line_str(o->l, ",\"account\":");
    line_handle(o->l, o->holder);
    line_key_int(o->l, ",\"time\":", o->t);
    if (o->r & 1)
        n = snprintf(s, sizeof(s), ",\"lat\":%u.%04u,\"lon\":%u.%04u,\"accuracy_m\":%u",
                     50 + (unsigned)(o->r >> 1) % 5, (unsigned)(o->r >> 8) % 10000,
                     3 + (unsigned)(o->r >> 24) % 6, (unsigned)(o->r >> 30) % 10000,
                     5 + (unsigned)(o->r >> 50) % 100);
    else
        n = snprintf(s, sizeof(s), ",\"cell\":{\"mcc\":999,\"mnc\":%u,\"lac\":%u,\"cid\":%u}",
                     (unsigned)(o->r >> 1) % 20, (unsigned)(o->r >> 8) % 60000,
                     (unsigned)(o->r >> 30) % 60000);
    line_put(o->l, s, (size_t)n);
}

static void put_call(const struct other *o)
{
    const struct conv *c = o->m->conv;
    const uint32_t *members = &o->w->members[c->members];
    uint32_t caller = members[o->m->sender], callee = members[(o->m->sender + 1) % c->n_members];

    /* A call belongs to the conversation of the two, and the story is to end where it ends. */
    if (story_is_pair(o->w, caller, callee))
        callee = members[(o->m->sender + 2) % c->n_members];
    line_head(o->l, "call", o->seq);
    line_str(o->l, ",\"from\":");
    line_handle(o->l, caller);
    line_str(o->l, ",\"to\":[");
    line_handle(o->l, callee);
    line_key_int(o->l, "],\"started\":", o->t);
    if (o->r & 1)
        line_key_int(o->l, ",\"ended\":", o->t + (int64_t)(o->r % 600000));
}

static void put_keepalive(const struct other *o)
{
    line_head(o->l, "keepalive", o->seq);
    line_key_int(o->l, ",\"time\":", o->t);
    line_str(o->l, ",\"interval_s\":3600");
}

static void put_event(const struct other *o, const char *what)
{
    line_head(o->l, "event", o->seq);
    line_str(o->l, ",\"what\":\"");
    line_str(o->l, what);
    line_str(o->l, "\",\"by\":");
    line_handle(o->l, o->w->members[o->m->conv->members + o->m->sender]);
    line_key_int(o->l, ",\"time\":", o->t);
    if (o->m->conv->group) {
        line_str(o->l, ",\"group\":");
        line_group(o->l, o->m->conv_no);
    } else {
        line_others(o->l, o->w, o->m);
    }
}

static void put_members(const struct other *o)
{
    const struct conv *c = o->m->conv;

    put_event(o, o->r & 1 ? "add" : "remove");
    line_str(o->l, ",\"who\":[");
    line_handle(o->l, o->w->members[c->members + (o->m->sender + 1u) % c->n_members]);
    line_str(o->l, "]");
}

static void put_edit(const struct other *o, const struct text *text)
{
    put_event(o, "edit");
    line_service_id(o->l, ",\"of\":", o->m->conv_no, o->m->i);
    line_str(o->l, ",\"value\":");
    line_json(o->l, text->bytes, text->len, o->w->holders[o->holder].escapes);
}

/* What comes out where, of eight; events about a message need its id, others stand in. */
static unsigned choose(const struct message *m, uint64_t what, bool server)
{
    unsigned k = (unsigned)(what % 8);

    if ((k == 4 || k == 5) && (!m->conv->ids || m->conv->seal != SEAL_NONE))
        k = 3;
    if (k == 6 && !m->conv->group)
        k = 2;
    if (server && (k == 0 || k == 1 || k == 7))
        k = 3; /* a server has no account */
    return k;
}

static int64_t own_time(const struct world *w, uint32_t holder, int64_t t)
{
    return w->o->sender_clocks ? t + holder_ahead(w, holder, t) : t;
}

enum doc_kind line_other(struct line *l, const struct world *w, const struct lexis *x,
                         const struct message *m, uint32_t holder, uint64_t seq, uint64_t what,
                         struct text *text, bool *edit, int64_t *t)
{
    struct other o = {l, w, m, holder, seq, rng_mix(what), 0};
    struct rng r = rng_of(o.r);
    enum doc_kind kind = DOC_EVENT;
    unsigned k = choose(m, what, w->o->server);

    /* What the sender does is stamped as messages are; the rest is of the holder's device. */
    o.t = 300 + (k == 2 || (k >= 4 && k <= 6) ? message_stamp(w, m) : own_time(w, holder, m->t));
    *t = o.t;
    *edit = k == 5;
    if (k == 0 || k == 5)
        text_words(x, text, m->conv->script, &r, 3 + (unsigned)(o.r % 12), true);
    switch (k) {
    case 0:
        put_note(&o, text);
        kind = DOC_NOTE;
        break;
    case 1:
        put_location(&o);
        kind = DOC_LOCATION;
        break;
    case 2:
        put_call(&o);
        kind = DOC_CALL;
        break;
    case 4:
        put_event(&o, "react");
        line_service_id(l, ",\"of\":", m->conv_no, m->i);
        line_str(l, w->o->ascii ? ",\"value\":\"+1\"" : ",\"value\":\"👍\"");
        break;
    case 5:
        put_edit(&o, text);
        break;
    case 6:
        put_members(&o);
        break;
    case 7:
        put_location(&o);
        kind = DOC_LOCATION;
        break;
    default:
        put_keepalive(&o);
        kind = DOC_KEEPALIVE;
    }
    line_str(l, "}\n");
    return kind;
}

void line_contact(struct line *l, const struct world *w, const struct lexis *x, uint32_t holder,
                  uint32_t conv_no, uint64_t seq)
{
    const struct conv *c = &w->convs[conv_no];
    const uint32_t *members = &w->members[c->members];
    struct rng r = rng_of(c->key ^ w->holders[holder].key);
    struct text name;

    name.len = 0;
    text_words(x, &name, c->script, &r, 1 + rng_below(&r, 2), true);
    line_head(l, "contact", seq);
    line_str(l, ",\"owner\":");
    line_handle(l, holder);
    line_str(l, ",\"handle\":");
    line_handle(l, members[0] == holder ? members[1] : members[0]);
    line_str(l, ",\"nickname\":");
    line_json(l, name.bytes, name.len, w->holders[holder].escapes);
    line_key_int(l, ",\"time\":", GEN_BEGIN_MS + (int64_t)seq);
    line_str(l, "}\n");
}
