/* gen_truth — counts what a correct reader must find, and writes it as truth.json. Every query's
 * count is exact for the delivery as a whole; `range` says over which documents it is counted. */
#include "bench/gen.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bench/gen_line.h"
#include "lictor/json_out.h"
#include "lictor/os.h"

/* Accounts of the first holders, then some that nobody captured. */
static int handle_slot(const struct world *w, uint32_t handle)
{
    uint32_t inside = w->n_holders < 20 ? w->n_holders : 20;

    if (handle < inside)
        return (int)handle;
    if (handle >= w->n_holders && handle < w->n_holders + SAMPLE_HANDLES - inside)
        return (int)(handle - w->n_holders + inside);
    return -1;
}

static uint32_t slot_handle(const struct world *w, unsigned slot)
{
    uint32_t inside = w->n_holders < 20 ? w->n_holders : 20;
    return slot < inside ? slot : w->n_holders + slot - inside;
}

static bool has_slot(const struct text *t, unsigned slot)
{
    return (t->slots[slot / 64] >> slot % 64 & 1) != 0;
}

static void count_text(struct tally *y, const struct lexis *l, const struct text *t)
{
    for (unsigned word = 0; word < SLOTS / 64; word++)
        for (uint64_t bits = t->slots[word]; bits; bits &= bits - 1)
            y->slots[word * 64 + (unsigned)__builtin_ctzll(bits)]++;
    unsigned a, b;
    for (unsigned i = 0; i < PAIRS && t->slots[0] && lexis_pair(l, i, &a, &b); i++)
        y->pairs[i] += has_slot(t, a) && has_slot(t, b);
    for (uint32_t bits = t->phrases; bits; bits &= bits - 1)
        y->phrases[__builtin_ctz(bits)]++;
    y->has[GH_LINK] += t->link;
    y->has[GH_EMOJI] += t->emoji;
}

void tally_count(struct tally *y, const struct world *w, const struct lexis *l,
                 const struct tally_doc *d)
{
    if (d->text)
        count_text(y, l, d->text);
    for (unsigned i = 0; i < d->n_handles; i++) {
        int slot = handle_slot(w, d->handles[i]);
        if (slot < 0)
            continue;
        y->with[slot]++;
        y->from[slot] += i == 0;
    }
    if (d->group != UINT32_MAX && d->group - w->first_group < SAMPLE_GROUPS)
        y->groups[d->group - w->first_group]++;
    if (d->t != TIME_NONE) {
        int64_t day = (d->t - GEN_BEGIN_MS) / DAY_MS;
        if (day >= 0 && day < GEN_DAYS + 2)
            y->days[day]++;
    }
}

/* A tally is nothing but counters. */
_Static_assert(sizeof(struct tally) % sizeof(uint64_t) == 0, "a tally is an array of u64");

void tally_add(struct tally *sum, const struct tally *y)
{
    uint64_t a[sizeof(*sum) / sizeof(uint64_t)], b[sizeof(*sum) / sizeof(uint64_t)];

    memcpy(a, sum, sizeof(a));
    memcpy(b, y, sizeof(b));
    for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
        a[i] += b[i];
    memcpy(sum, a, sizeof(a));
}

static void put_count(struct json_out *j, const char *query, uint64_t count)
{
    json_begin_object(j);
    json_key_str(j, "query", query);
    json_key_uint(j, "count", count);
    json_end_object(j);
}

static void put_handle_counts(struct json_out *j, const struct world *w, const struct tally *y)
{
    char query[64], name[HANDLE_LEN + 1] = {0};

    for (unsigned i = 0; i < SAMPLE_HANDLES; i++) {
        if (y->with[i] == 0)
            continue;
        handle_name(slot_handle(w, i), name);
        snprintf(query, sizeof(query), "from:%s", name);
        put_count(j, query, y->from[i]);
        snprintf(query, sizeof(query), "with:%s", name);
        put_count(j, query, y->with[i]);
    }
    for (uint32_t g = 0; g < SAMPLE_GROUPS && w->first_group + g < w->n_convs; g++) {
        snprintf(query, sizeof(query), "group:grp-%04x", w->first_group + g);
        put_count(j, query, y->groups[g]);
    }
}

static void put_day_counts(struct json_out *j, const struct tally *y)
{
    char query[64], text[TIME_TEXT_SIZE];

    for (unsigned d = 0; d < GEN_DAYS + 2; d += 4) {
        time_text(GEN_BEGIN_MS + d * DAY_MS, text);
        snprintf(query, sizeof(query), "on:%.10s", text);
        put_count(j, query, y->days[d]);
    }
}

static void put_word_counts(struct json_out *j, const struct lexis *l, const struct tally *y)
{
    char query[128];
    const char *script;
    bool needle;
    unsigned a, b;

    for (unsigned i = 0; i < lexis_slots(l); i++)
        put_count(j, lexis_slot_query(l, i, &script, &needle), y->slots[i]);
    for (unsigned i = 0; lexis_pair(l, i, &a, &b); i++) {
        snprintf(query, sizeof(query), "%.40s %.40s", lexis_slot_query(l, a, &script, &needle),
                 lexis_slot_query(l, b, &script, &needle));
        put_count(j, query, y->pairs[i]);
    }
    for (unsigned i = 0; lexis_phrase(l, i, &a, &b); i++) {
        snprintf(query, sizeof(query), "\"%.40s %.40s\"", lexis_slot_query(l, a, &script, &needle),
                 lexis_slot_query(l, b, &script, &needle));
        put_count(j, query, y->phrases[i]);
    }
}

static void put_counts(struct json_out *j, const struct world *w, const struct lexis *l,
                       const struct tally *y)
{
    static const char *const has[GH_HAS] = {"attachment", "link", "emoji", "reply", "copies"};
    char query[64];

    json_key(j, "counts");
    json_begin_array(j);
    put_count(j, "*", y->messages + y->kinds[DOC_NOTE] + y->edits);
    put_word_counts(j, l, y);
    put_handle_counts(j, w, y);
    put_day_counts(j, y);
    put_count(j, "has:conflict", y->flags[GF_CONFLICT]);
    put_count(j, "has:sealed", y->flags[GF_SEALED]);
    put_count(j, "has:repeated", y->flags[GF_REPEATED]);
    for (unsigned i = 0; i < GH_HAS; i++) {
        snprintf(query, sizeof(query), "has:%s", has[i]);
        put_count(j, query, y->has[i]);
    }
    for (unsigned k = 0; k < DOC_KINDS; k++) {
        snprintf(query, sizeof(query), "kind:%s", doc_kind_name((enum doc_kind)k));
        put_count(j, query, k == DOC_MESSAGE ? y->messages : y->kinds[k]);
    }
    json_end_array(j);
}

static void put_dumps(struct json_out *j, const struct world *w)
{
    json_key(j, "dumps");
    json_begin_array(j);
    for (uint32_t d = 0; d < w->n_dumps; d++) {
        const struct gen_dump *p = &w->dumps[d];
        char name[48], hex[65];
        dump_name(w->o, d, name);
        hex_encode(p->sha256, 32, hex);
        json_begin_object(j);
        json_key_str(j, "file", name);
        json_key_str(j, "sha256", hex);
        json_key_uint(j, "bytes", p->bytes);
        json_key_str(j, "stage", p->stage == STAGE_STORED ? "stored" : "live");
        json_key_str(j, "state", "complete");
        json_key_uint(j, "records", p->records);
        json_key_uint(j, "redelivered", p->redelivered);
        json_key_uint(j, "quarantined", p->quarantined);
        json_end_object(j);
    }
    json_end_array(j);
}

/* [after, before] of each: both are numbers of records. */
static void put_holes(struct json_out *j, const struct gen_stream *t)
{
    const void *data = t->holes.data;
    const struct gen_hole *all = data;

    json_key(j, "holes");
    json_begin_array(j);
    for (size_t i = 0; i < t->holes.len / sizeof(*all); i++) {
        json_begin_array(j);
        json_uint(j, all[i].after_seq);
        json_uint(j, all[i].before_seq);
        json_end_array(j);
    }
    json_end_array(j);
}

static void put_gaps(struct json_out *j, const struct world *w)
{
    char source[32];

    json_key(j, "gaps");
    json_begin_array(j);
    for (uint32_t h = 0; h < w->n_holders; h++)
        for (unsigned s = 0; s < STAGES; s++) {
            const struct gen_stream *t = &w->holders[h].streams[s];
            if (t->missing == 0)
                continue;
            json_begin_object(j);
            json_key_slice(j, "source", slice_of(source, holder_source(w, h, source)));
            json_key_str(j, "stage", s == STAGE_STORED ? "stored" : "live");
            json_key_uint(j, "missing", t->missing);
            put_holes(j, t);
            json_end_object(j);
        }
    json_end_array(j);
}

static void put_needles(struct json_out *j, const struct lexis *l, const struct tally *y)
{
    const char *script;
    bool needle;

    json_key(j, "needles");
    json_begin_array(j);
    for (unsigned i = 0; i < lexis_slots(l); i++) {
        const char *query = lexis_slot_query(l, i, &script, &needle);
        if (!needle)
            continue;
        json_begin_object(j);
        json_key_str(j, "query", query);
        json_key_str(j, "script", script);
        json_key_uint(j, "count", y->slots[i]);
        json_end_object(j);
    }
    json_end_array(j);
}

/* One small enough to read: what it is said with, its same-id conflict, and the messages that are
 * in no dump. */
static void put_story(struct json_out *j, const struct world *w, const struct tally *y)
{
    const struct conv *c = &w->convs[w->story];
    struct buf with = {0};
    char name[HANDLE_LEN + 1] = {0}, text[32];
    uint64_t lost = 0;

    for (unsigned i = 0; i < c->n_members; i++) {
        handle_name(w->members[c->members + i], name);
        buf_printf(&with, "%s%s", i ? "," : "", name);
    }
    for (uint32_t i = 0; i < c->messages; i++)
        lost += story_lost(i, 0) && story_lost(i, 1);
    json_key(j, "small");
    json_begin_object(j);
    json_key_slice(j, "with", buf_slice(&with));
    json_key_uint(j, "messages", y->demo_story);
    json_key_slice(j, "conflict_id",
                   slice_of(text, message_service_id(w->story, story_conflict(), text)));
    json_key_uint(j, "lost", lost);
    json_end_object(j);
    buf_release(&with);
}

/* Of the first conversation: the first delivered message of each talk, and the clocks of whoever
 * holds it. */
static void put_talks(struct json_out *j, const struct world *w)
{
    struct conv_walk k = {.w = w};
    struct message m;
    struct presence p;
    char id[32];
    bool begins = false;

    json_key(j, "talks");
    json_begin_array(j);
    while (conv_walk_next(&k, &m)) {
        begins |= m.talk;
        message_presence(w, &m, &p);
        if (!begins || p.n == 0 || m.special == SP_UNTIMED)
            continue;
        json_string(j, slice_of(id, message_service_id(0, m.i, id)));
        begins = false;
    }
    json_end_array(j);
}

#define READING_MOST 20000

static void put_copies(struct json_out *j, const struct world *w, const struct message *m,
                       const struct presence *p, bool missing)
{
    const struct conv *c = m->conv;
    char id[32], name[HANDLE_LEN + 1] = {0};

    if (!missing && (p->n == 1 || c->n_holders == 1))
        json_string(j, slice_of(id, message_service_id(m->conv_no, m->i, id)));
    for (unsigned i = 0; missing && i < c->n_holders; i++) {
        const struct conv_holder *h = &w->conv_holders[c->holders + i];
        bool has = false;
        for (unsigned k = 0; k < p->n; k++)
            has |= p->at[k].holder == h->holder;
        if (has)
            continue;
        handle_name(w->members[c->members + h->member], name);
        json_begin_array(j);
        json_string(j, slice_of(id, message_service_id(m->conv_no, m->i, id)));
        json_string(j, slice_str(name));
        json_end_array(j);
    }
}

enum reading { READ_ONE_SIDED, READ_MISSING, READ_CONFLICTS, READ_APART };

/* Does a message belong into the list at all? Those of more than one content, or without a time,
 * stand apart: what is said of them is said by other counts. */
static bool reading_takes(const struct message *m, const struct presence *p, enum reading what)
{
    bool contents = m->special == SP_CONFLICT || m->special == SP_CLASH;
    bool apart = contents || m->special == SP_INCOMPLETE || m->special == SP_UNTIMED;
    if (what == READ_CONFLICTS)
        return m->special == SP_CLASH || (m->special == SP_CONFLICT && p->n >= 2);
    return apart == (what == READ_APART);
}

/* Of the first messages of the first conversation, by service id: what a reader must say of them.
 */
static void put_reading(struct json_out *j, const struct world *w)
{
    static const char *const keys[] = {"one_sided", "missing_copies", "conflicts", "apart"};
    char id[32];

    if (w->o->server)
        return;
    json_key(j, "reading");
    json_begin_object(j);
    json_key_uint(j, "first", READING_MOST);
    for (enum reading what = READ_ONE_SIDED; what <= READ_APART; what++) {
        struct conv_walk k = {.w = w};
        struct message m;
        struct presence p;
        json_key(j, keys[what]);
        json_begin_array(j);
        while (conv_walk_next(&k, &m) && m.i < READING_MOST) {
            message_presence(w, &m, &p);
            if (p.n == 0 || !reading_takes(&m, &p, what))
                continue;
            if (what == READ_CONFLICTS || what == READ_APART)
                json_string(j, slice_of(id, message_service_id(0, m.i, id)));
            else
                put_copies(j, w, &m, &p, what == READ_MISSING);
        }
        json_end_array(j);
    }
    json_end_object(j);
}

static void put_clocks(struct json_out *j, const struct world *w)
{
    char source[32];

    json_key_str(j, "stamps", w->o->sender_clocks ? "sender" : "service");
    json_key(j, "clocks");
    json_begin_array(j);
    for (uint32_t h = 0; h < w->n_holders && !w->o->server; h++) {
        json_begin_object(j);
        json_key_slice(j, "source", slice_of(source, holder_source(w, h, source)));
        json_key_int(j, "ahead_ms", w->holders[h].skew_ms);
        if (w->holders[h].jump_at != INT64_MAX) {
            json_key_time(j, "jumps_at", w->holders[h].jump_at);
            json_key_int(j, "then_ahead_ms", w->holders[h].skew_ms + w->holders[h].jump_ms);
        }
        json_end_object(j);
    }
    json_end_array(j);
}

/* Two conversations to show: each has a conflict (where two holders have it) and gaps before it. */
static void put_demo(struct json_out *j, const struct world *w, const struct tally *y)
{
    const struct conv *pair = &w->convs[0];
    char a[HANDLE_LEN + 1] = {0}, b[HANDLE_LEN + 1] = {0}, text[64];

    handle_name(w->members[pair->members], a);
    handle_name(w->members[pair->members + 1], b);
    json_key(j, "thread");
    json_begin_object(j);
    json_key(j, "conversation");
    json_begin_object(j);
    snprintf(text, sizeof(text), "%s,%s", a, b);
    json_key_str(j, "with", text);
    json_key_uint(j, "messages", y->demo_pair);
    json_end_object(j);
    json_key(j, "group");
    json_begin_object(j);
    snprintf(text, sizeof(text), "grp-%04x", w->first_group);
    json_key_str(j, "group", text);
    json_key_uint(j, "messages", y->demo_group);
    json_end_object(j);
    json_key_str(j, "conflict_id_query", "id:m0-17");
    if (w->story != UINT32_MAX)
        put_story(j, w, y);
    json_end_object(j);
}

static void put_totals(struct json_out *j, const struct world *w, const struct tally *y)
{
    static const char *const flags[GF_FLAGS] = {"repeated", "one-sided",  "conflict",    "sealed",
                                                "untimed",  "incomplete", "damaged-text"};

    json_key_uint(j, "seed", w->o->seed);
    json_key_str(j, "shape", w->o->server ? "server" : "handsets");
    json_key_str(j, "scripts", w->o->ascii ? "ascii" : "mixed");
    json_key_str(j, "range",
                 "words, *, from:, with:, group:, on: and has: count messages, notes and edits");
    json_key_uint(j, "records", y->records);
    json_key_uint(j, "messages", y->messages);
    json_key_uint(j, "copies", y->copies);
    json_key_uint(j, "redelivered", y->redelivered);
    json_key_uint(j, "other", y->other);
    json_key_uint(j, "quarantined", y->quarantined);
    json_key_uint(j, "sealed", y->flags[GF_SEALED]);
    json_key_uint(j, "sealed_without_key", y->sealed_no_key);
    json_key_uint(j, "seal_broken", y->seal_broken);
    json_key(j, "flags");
    json_begin_object(j);
    for (unsigned i = 0; i < GF_FLAGS; i++)
        json_key_uint(j, flags[i], y->flags[i]);
    json_end_object(j);
}

enum status truth_write(const struct world *w, const struct lexis *l, const struct tally *sum,
                        const char *path, struct err *err)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    int fd = -1;

    if (sum->records !=
        sum->messages + sum->copies + sum->redelivered + sum->other + sum->quarantined)
        return err_set(err, ST_BAD_INPUT, "the generator's own books do not balance");
    json_begin_object(&j);
    put_totals(&j, w, sum);
    put_needles(&j, l, sum);
    put_demo(&j, w, sum);
    put_counts(&j, w, l, sum);
    put_gaps(&j, w);
    put_talks(&j, w);
    put_clocks(&j, w);
    put_reading(&j, w);
    if (w->doubts != UINT32_MAX)
        doubt_truth(w, &j);
    put_dumps(&j, w);
    json_end_object(&j);
    buf_put_u8(&b, '\n');
    enum status st = buf_status(&b, err);
    if (st == ST_OK)
        st = os_create(AT_FDCWD, path, 0644, &fd, err);
    if (st == ST_OK)
        st = os_write(fd, b.data, b.len, err);
    os_close(&fd);
    buf_release(&b);
    return st;
}
