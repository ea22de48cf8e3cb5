/* recognise — everything that is part of the content goes into struct content; everything else that
 * a record says is kept with the copy, as fields or in the canonical object `extra`. */
#include "indexer/recognise.h"

#include <stdio.h>
#include <stdlib.h>

#include "indexer/body.h"

enum status recogniser_init(struct recogniser *r, const struct body_keys *keys, struct err *err)
{
    *r = (struct recogniser){.body_keys = keys};
    arena_init(&r->temp, (size_t)64 << 10);
    return record_reader_new(&r->canon, err);
}

void recogniser_release(struct recogniser *r)
{
    arena_release(&r->temp);
    buf_release(&r->raw);
    buf_release(&r->extra);
    buf_release(&r->opened);
    buf_release(&r->other);
    record_reader_free(r->canon);
    zone_close(r->zone);
}

/* The dump's zone; NULL if it has none or an unknown one. Kept from record to record. */
static struct zone *zone_of(struct recogniser *r, const struct dump_ctx *dump)
{
    char name[64];
    if (!dump->zone.data || dump->zone.len >= sizeof name)
        return NULL;
    memcpy(name, dump->zone.data, dump->zone.len);
    name[dump->zone.len] = 0;
    if (r->zone && strcmp(zone_name(r->zone), name) == 0)
        return r->zone;
    zone_close(r->zone);
    r->zone = NULL;
    if (zone_open(name, &r->zone, NULL) != ST_OK)
        r->zone = NULL;
    return r->zone;
}

int64_t recognise_time(struct recogniser *r, const struct dump_ctx *dump,
                       const struct record_when *t)
{
    if (t->state == RTS_INSTANT)
        return t->ms;
    if (t->state != RTS_LOCAL)
        return TIME_NONE;
    struct zone *z = zone_of(r, dump);
    return z ? zone_to_utc(z, t->ms) : TIME_NONE;
}

static struct slice text_of(const struct record *rec, enum record_string k)
{
    struct slice none = {0};
    return rec->str[k].present ? rec->str[k].s : none;
}

static int slice_order(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* {first} ∪ items, sorted, unique. */
static enum status make_set(struct arena *a, struct slice first, const struct record_items *items,
                            struct conversation *c, struct err *err)
{
    struct slice *set = arena_array(a, items->n + 1, sizeof *set);
    if (!set)
        return err_no_memory(err);
    set[0] = first;
    for (size_t i = 0; i < items->n; i++)
        set[i + 1] = items->items[i];
    size_t n = items->n + 1, kept = 1;
    if (n == 2 && slice_cmp(set[0], set[1]) > 0) { /* nearly all */
        struct slice swap = set[0];
        set[0] = set[1];
        set[1] = swap;
    } else if (n > 2) {
        qsort(set, n, sizeof *set, slice_order);
    }
    for (size_t i = 1; i < n; i++)
        if (!slice_eq(set[i], set[kept - 1]))
            set[kept++] = set[i];
    c->kind = CONV_SET;
    c->set = set;
    c->n_set = kept;
    return ST_OK;
}

/* Group, or the set of sender and recipients, or else the source's own conversation. */
static enum status make_conversation(struct recogniser *r, const struct dump_ctx *dump,
                                     const struct record *rec, struct slice sender,
                                     bool needs_sender, struct content *c, struct err *err)
{
    struct slice group = text_of(rec, RS_GROUP);
    const struct record_items *to = &rec->list[RL_TO];
    if (group.len && (sender.data || !needs_sender)) {
        c->conv.kind = CONV_GROUP;
        c->conv.name = group;
    } else if (sender.data && to->n) {
        return make_set(&r->temp, sender, to, &c->conv, err);
    } else {
        c->conv.kind = CONV_SOURCE;
        c->conv.name = dump->source;
    }
    c->to = to->items;
    c->n_to = to->n;
    return ST_OK;
}

/* Only what has the form of a hash names a file: any other string could spell the name and size of
 * another one. The reader has put its letters into lower case. */
static bool is_hash(struct slice s)
{
    uint8_t hash[SHA256_SIZE];
    return s.len == 2 * sizeof hash && hex_decode((const char *)s.data, sizeof hash, hash);
}

static enum status make_attachments(struct recogniser *r, const struct record *rec,
                                    struct content *c, struct err *err)
{
    if (!rec->n_attachments)
        return ST_OK;
    struct slice *ids = arena_array(&r->temp, rec->n_attachments, sizeof *ids);
    if (!ids)
        return err_no_memory(err);
    for (size_t i = 0; i < rec->n_attachments; i++) {
        const struct record_attachment *at = &rec->attachments[i];
        if (is_hash(at->sha256)) {
            ids[i] = at->sha256;
            continue;
        }
        uint8_t *p = arena_alloc(&r->temp, at->name.len + 1 + at->size.len);
        if (!p)
            return err_no_memory(err);
        ids[i] = slice_of(p, at->name.len + 1 + at->size.len);
        if (at->name.len)
            memcpy(p, at->name.data, at->name.len);
        p[at->name.len] = 0;
        if (at->size.len)
            memcpy(p + at->name.len + 1, at->size.data, at->size.len);
    }
    c->attachments = ids;
    c->n_attachments = rec->n_attachments;
    return ST_OK;
}

#define STRING(k) (UINT64_C(1) << (RECORD_KEY_STRINGS + RS_##k))
#define INTEGER(k) (UINT64_C(1) << (RECORD_KEY_INTS + RI_##k))
#define OTHER(k) (UINT64_C(1) << RECORD_KEY_##k)

/* Pairs that stand elsewhere: in the content, the origin, or the copy's own fields. */
static bool keep_extra(void *ctx, const struct record_pair *p)
{
    static const uint64_t placed = OTHER(KIND) | INTEGER(SEQ) | STRING(FROM) | STRING(ID) |
                                   STRING(TEXT) | OTHER(SEALED) | STRING(REPLY_TO) |
                                   STRING(SERVICE) | STRING(ACCOUNT) | STRING(WARRANT) |
                                   STRING(LIID) | STRING(CIN) | STRING(POINT) | STRING(DIRECTION);
    const struct record *rec = ctx;
    if (!p->known)
        return true;
    if (placed >> p->number & 1)
        return false;
    switch ((int)p->number) {
    /* Times written as a number are fields; a written offset or an unreadable value is kept. */
    case (int)RECORD_KEY_TIMES + (int)RT_DELIVERED:
    case (int)RECORD_KEY_TIMES + (int)RT_READ:
    case (int)RECORD_KEY_TIMES + (int)RT_COLLECTED: {
        const struct record_when *t = &rec->time[p->number - RECORD_KEY_TIMES];
        return t->is_text || t->state != RTS_INSTANT;
    }
    case (int)RECORD_KEY_TIMES + (int)RT_SENT:
        return rec->time[RT_SENT].is_text && rec->time[RT_SENT].state != RTS_BAD;
    case (int)RECORD_KEY_STRINGS + (int)RS_GROUP:
        return rec->str[RS_GROUP].s.len == 0;
    case (int)RECORD_KEY_LISTS + (int)RL_TO:
        return rec->str[RS_GROUP].s.len != 0 || !rec->str[RS_FROM].present ||
               rec->list[RL_TO].n == 0;
    default:
        return true;
    }
}

/* Is every pair of the record one that keep_extra leaves out? Counts those that are there, since no
 * name stands twice; the usual record has nothing else and need not be looked at pair by pair. */
static bool no_extra(const struct record *rec)
{
    static const uint8_t strings[] = {RS_FROM,    RS_ID,      RS_TEXT,     RS_REPLY_TO,
                                      RS_SERVICE, RS_ACCOUNT, RS_WARRANT,  RS_LIID,
                                      RS_CIN,     RS_POINT,   RS_DIRECTION};
    static const uint8_t times[] = {RT_DELIVERED, RT_READ, RT_COLLECTED};
    size_t n = 1; /* kind */
    for (size_t i = 0; i < sizeof strings; i++)
        n += rec->str[strings[i]].present;
    for (size_t i = 0; i < sizeof times; i++)
        n += rec->time[times[i]].state == RTS_INSTANT && !rec->time[times[i]].is_text;
    const struct record_when *sent = &rec->time[RT_SENT];
    n += sent->state != RTS_ABSENT && (!sent->is_text || sent->state == RTS_BAD);
    n += record_has(rec, RI_SEQ);
    n += rec->sealed;
    bool group = rec->str[RS_GROUP].s.len != 0;
    n += group;
    n += rec->list[RL_TO].present && !group && rec->str[RS_FROM].present && rec->list[RL_TO].n;
    return n == rec->n_pairs;
}

bool record_says(const struct record *rec, const char *key)
{
    for (size_t i = 0; i < rec->n_pairs; i++)
        if (slice_eq_str(rec->pairs[i].key, key))
            return !slice_eq_str(rec->pairs[i].value, "null");
    return false;
}

static enum status recognise_message(struct recogniser *r, struct dump_ctx *dump,
                                     const struct record *rec, struct recognised *out,
                                     struct err *err)
{
    struct content *c = &out->content;
    c->from = text_of(rec, RS_FROM);
    TRY(make_conversation(r, dump, rec, c->from, true, c, err));
    if (c->conv.kind != CONV_SET) { /* they belong to the copy, and stand in its extra */
        out->copy_to = c->n_to != 0;
        c->to = NULL;
        c->n_to = 0;
    }
    const struct record_when *sent = &rec->time[RT_SENT];
    c->sent = recognise_time(r, dump, sent);
    if (c->sent == TIME_NONE && sent->state != RTS_ABSENT)
        c->sent_raw = sent->raw;
    c->id = text_of(rec, RS_ID);
    out->has_id = c->id.len != 0;
    c->reply_to = text_of(rec, RS_REPLY_TO);
    TRY(make_attachments(r, rec, c, err));
    if (rec->str[RS_TEXT].present) {
        c->body_kind = BODY_TEXT;
        c->text = rec->str[RS_TEXT].s;
        c->damaged = rec->str[RS_TEXT].damaged;
    } else if (rec->sealed) {
        c->body_kind = BODY_SEALED;
        c->seal_key = rec->seal_key;
        c->seal_nonce = rec->seal_nonce;
        c->seal_box = rec->seal_box;
        TRY(body_unseal(r->body_keys, c, &r->opened, &out->flags, err));
    }
    out->delivered = recognise_time(r, dump, &rec->time[RT_DELIVERED]);
    out->read = recognise_time(r, dump, &rec->time[RT_READ]);
    out->collected = recognise_time(r, dump, &rec->time[RT_COLLECTED]);
    const struct record_when *del = &rec->time[RT_DELETED];
    out->deleted = del->state != RTS_ABSENT && !(del->state == RTS_BOOL && del->ms == 0);
    if (no_extra(rec))
        return ST_OK;
    buf_clear(&r->extra);
    union {
        const struct record *in;
        void *ctx;
    } arg = {.in = rec};
    record_canon_pairs(r->canon, rec, keep_extra, arg.ctx, &r->extra);
    TRY(buf_status(&r->extra, err));
    if (r->extra.len > 2)
        out->extra = buf_slice(&r->extra);
    out->located = record_says(rec, "location");
    return ST_OK;
}

static bool keep_raw(void *ctx, const struct record_pair *p)
{
    (void)ctx;
    return !slice_eq_str(p->key, "seq");
}

/* Who acts in a record of another kind, when, and what text it has. */
static void other_fields(const struct record *rec, const struct dump_ctx *dump, struct content *c,
                         enum record_time *when)
{
    *when = RT_TIME;
    switch (rec->kind) {
    case RECORD_EVENT:
        c->kind = DOC_EVENT;
        c->from = text_of(rec, RS_BY);
        c->text = text_of(rec, RS_VALUE);
        c->damaged = rec->str[RS_VALUE].damaged;
        break;
    case RECORD_CONTACT:
        c->kind = DOC_CONTACT;
        c->from = text_of(rec, RS_OWNER);
        c->text = text_of(rec, RS_NICKNAME);
        c->damaged = rec->str[RS_NICKNAME].damaged;
        break;
    case RECORD_NOTE:
        c->kind = DOC_NOTE;
        c->from = text_of(rec, RS_OWNER);
        c->text = text_of(rec, RS_TEXT);
        c->damaged = rec->str[RS_TEXT].damaged;
        break;
    case RECORD_LOCATION:
        c->kind = DOC_LOCATION;
        c->from = rec->str[RS_ACCOUNT].present ? rec->str[RS_ACCOUNT].s : dump->account;
        break;
    case RECORD_CALL:
        c->kind = DOC_CALL;
        c->from = text_of(rec, RS_FROM);
        *when = RT_STARTED;
        break;
    default:
        c->kind = DOC_KEEPALIVE;
        break;
    }
}

static enum status recognise_other(struct recogniser *r, struct dump_ctx *dump,
                                   const struct record *rec, struct recognised *out,
                                   struct err *err)
{
    struct content *c = &out->content;
    enum record_time when;
    other_fields(rec, dump, c, &when);
    c->sent = recognise_time(r, dump, &rec->time[when]);
    if (c->sent == TIME_NONE && rec->time[when].state != RTS_ABSENT)
        c->sent_raw = rec->time[when].raw;
    TRY(make_conversation(r, dump, rec, c->from, false, c, err));
    if (c->text.data && rec->kind != RECORD_CONTACT)
        c->body_kind = BODY_TEXT;
    buf_clear(&r->raw);
    record_canon_pairs(r->canon, rec, keep_raw, NULL, &r->raw);
    TRY(buf_status(&r->raw, err));
    c->raw = buf_slice(&r->raw);
    bool edit = rec->kind == RECORD_EVENT && slice_eq_str(text_of(rec, RS_WHAT), "edit");
    if (!edit && rec->kind != RECORD_NOTE)
        out->flags |= DOC_HIDDEN;

    /* What the dump line adds to what the record says, so that two readings of one line which say
     * another time or person are two records, whichever comes first. */
    bool zoned = rec->time[when].state == RTS_LOCAL && c->sent != TIME_NONE;
    bool lent = rec->kind == RECORD_LOCATION && !rec->str[RS_ACCOUNT].present && c->from.data;
    buf_clear(&r->other);
    buf_put_blob(&r->other, dump->source);
    buf_put_u8(&r->other,
               (uint8_t)(dump->stage | (out->numbered ? 2 : 0) | (dump->epoch.data ? 4 : 0) |
                         (zoned ? 8 : 0) | (lent ? 16 : 0)));
    buf_put_blob(&r->other, dump->epoch);
    if (!out->numbered)
        buf_put(&r->other, dump->entry.sha256, SHA256_SIZE);
    buf_put_u64(&r->other, out->seq);
    if (zoned)
        buf_put_u64(&r->other, (uint64_t)c->sent);
    if (lent)
        buf_put_blob(&r->other, c->from);
    buf_put_slice(&r->other, c->raw);
    out->other = buf_slice(&r->other);
    return buf_status(&r->other, err);
}

enum status recognise(struct recogniser *r, struct dump_ctx *dump, const struct record *rec,
                      uint64_t line, struct recognised *out, struct err *err)
{
    arena_reset(&r->temp);
    *out = (struct recognised){.delivered = TIME_NONE, .read = TIME_NONE, .collected = TIME_NONE};
    struct content *c = &out->content;
    c->sent = TIME_NONE;
    c->conv.service = rec->str[RS_SERVICE].present ? rec->str[RS_SERVICE].s : dump->service;
    out->numbered = record_has(rec, RI_SEQ);
    out->seq = out->numbered ? rec->num[RI_SEQ] : line;
    if (rec->kind == RECORD_MESSAGE)
        TRY(recognise_message(r, dump, rec, out, err));
    else
        TRY(recognise_other(r, dump, rec, out, err));
    if (content_untimed(c))
        out->flags |= DOC_UNTIMED;
    if (content_incomplete(c))
        out->flags |= DOC_INCOMPLETE;
    if (c->damaged)
        out->flags |= DOC_DAMAGED_TEXT;
    return ST_OK;
}
