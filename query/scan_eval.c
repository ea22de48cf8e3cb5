/* scan_eval — what a query says of one message that was read. Written apart from plan.c and eval.c:
 * where the two agree, neither the index nor its reader has left out or made up a message. */
#include "query/extra.h"
#include "query/render.h"
#include "query/scan.h"
#include "query/spans.h"
#include "query/then.h"

enum status scan_reader_init(struct scan_reader *r, struct view *v, const struct query *q,
                             const struct plan_ids *ids, struct err *err)
{
    (void)err;
    *r = (struct scan_reader){.v = v, .q = q, .ids = ids};
    arena_init(&r->lists, (size_t)64 << 10);
    arena_init(&r->conversation_memory, (size_t)16 << 10);
    arena_init(&r->more, (size_t)64 << 10);
    return ST_OK;
}

void scan_reader_release(struct scan_reader *r)
{
    arena_release(&r->lists);
    arena_release(&r->conversation_memory);
    arena_release(&r->more);
}

/* ---- reading ---- */

/* The key is made again of what the conversation is: the stored one is an answer of the index. */
static enum status read_conversation(struct scan_reader *r, uint32_t segment, uint32_t doc,
                                     struct err *err)
{
    struct segment_conversation *sc = &r->conversation;
    if (sc->docs && r->conversation_segment == segment && doc >= sc->first &&
        doc - sc->first < sc->docs)
        return ST_OK;
    struct segment_conversation found;
    uint8_t key[KEY_SIZE];
    sc->docs = 0;
    arena_reset(&r->conversation_memory);
    TRY(segment_conversation_of(casefile_segment(r->v->cf, segment), r->v->scratch[segment], doc,
                                &r->conversation_memory, &found, err));
    conversation_key(&r->v->hasher.sha, &found.c, key);
    if (memcmp(key, found.key, KEY_SIZE) != 0)
        return err_set(err, ST_DAMAGED,
                       "a conversation is filed under a key that is not its own (document %u of "
                       "segment %u); lictor-ingest verify --deep says more",
                       doc, segment);
    *sc = found;
    r->conversation_segment = segment;
    return ST_OK;
}

enum status scan_read(struct scan_reader *r, uint32_t segment, uint32_t doc, bool *in_range,
                      struct err *err)
{
    struct segment *s = casefile_segment(r->v->cf, segment);
    struct segment_scratch *x = r->v->scratch[segment];
    struct slice row;
    TRY(segment_state(s, x, doc, &r->state, err));
    r->some = false;
    *in_range = r->q->has_kind || !(r->state.flags & DOC_HIDDEN);
    if (!*in_range)
        return ST_OK;
    TRY(read_conversation(r, segment, doc, err));
    arena_reset(&r->lists);
    TRY(segment_row(s, x, doc, &row, err));
    if (!(row = arena_copy(&r->lists, row)).data)
        return err_no_memory(err);
    TRY(content_decode(row, &r->lists, &r->c, err));
    r->c.conv = r->conversation.c;
    r->segment = segment;
    r->doc = doc;
    r->some = true;
    r->text = content_readable(&r->c);
    r->split = r->hashed = r->copies_known = false;
    return ST_OK;
}

static enum status need_words(struct scan_reader *r, struct err *err)
{
    if (r->split)
        return ST_OK;
    r->words = (struct words){0};
    if (r->text.len)
        TRY(splitter_split(r->v->splitter, r->text, &r->words, err));
    r->split = true;
    return ST_OK;
}

static enum status need_copies(struct scan_reader *r, struct err *err)
{
    if (r->copies_known)
        return ST_OK;
    r->n_copy_to = 0;
    arena_reset(&r->more);
    if (r->state.flags & DOC_COPY_TO)
        TRY(view_copy_to(r->v, r->segment, r->doc, &r->more, &r->copy_to, &r->n_copy_to, err));
    r->copies_known = true;
    return ST_OK;
}

/* ---- words ---- */

/* What a body that does not match says: no, or nothing where it is sealed. */
static unsigned of_body(const struct scan_reader *r, bool yes)
{
    return yes ? TRUTH_TRUE : r->state.flags & DOC_SEALED ? TRUTH_SEALED : TRUTH_FALSE;
}

/* The places of an expression come from the text itself, never from postings. */
static enum status test_words(struct scan_reader *r, const struct node *n, unsigned *truth,
                              struct err *err)
{
    bool yes;
    TRY(need_words(r, err));
    struct text_words t = {.words = &r->words, .text = r->text, .arena = &r->lists};
    TRY(spans_text_match(n, &t, r->q->spans, &yes, err));
    *truth = of_body(r, yes);
    return ST_OK;
}

/* ---- fields ---- */

static bool named(const struct node *n, struct slice value)
{
    return value.data && wild_is(n->field.value, n->field.wild, value);
}

/* Whom an event names. */
static enum status named_in_event(const struct scan_reader *r, const struct node *n, bool *yes,
                                  struct err *err)
{
    struct slice list, key, item;
    struct extra_iter it;
    struct buf who = {0};
    if (r->c.kind != DOC_EVENT || !extra_find(r->c.raw, "who", &list) || !extra_begin(list, &it))
        return ST_OK;
    while (!*yes && extra_next(&it, &key, &item)) {
        buf_clear(&who);
        *yes =
            extra_string(item, &who) && named(n, slice_of(who.len ? who.data : item.data, who.len));
    }
    enum status st = buf_status(&who, err);
    buf_release(&who);
    return st;
}

static enum status test_recipients(struct scan_reader *r, const struct node *n, bool *yes,
                                   struct err *err)
{
    struct slice to;
    for (size_t i = 0; !*yes && render_recipient(&r->c, &i, &to);)
        *yes = named(n, to);
    if (!*yes)
        TRY(named_in_event(r, n, yes, err));
    if (*yes)
        return ST_OK;
    TRY(need_copies(r, err));
    for (size_t i = 0; !*yes && i < r->n_copy_to; i++)
        *yes = named(n, r->copy_to[i]);
    return ST_OK;
}

static enum status test_has(struct scan_reader *r, struct slice what, bool *yes, struct err *err)
{
    if (slice_eq_str(what, "attachment"))
        *yes = r->c.n_attachments > 0;
    else if (slice_eq_str(what, "reply"))
        *yes = r->c.reply_to.len > 0;
    for (unsigned bit = 1; words_seen_name(bit); bit <<= 1) {
        if (!slice_eq_str(what, words_seen_name(bit)))
            continue;
        TRY(need_words(r, err));
        *yes = (r->words.seen & bit) != 0;
    }
    return ST_OK;
}

static enum status test_field(struct scan_reader *r, const struct node *n, bool *yes,
                              struct err *err)
{
    for (size_t i = 0; !*yes && i < n->field.n_fields; i++) {
        switch ((enum term_field)n->field.fields[i]) {
        case TERM_FROM:
            *yes = named(n, r->c.from);
            break;
        case TERM_TO:
            TRY(test_recipients(r, n, yes, err));
            break;
        case TERM_GROUP:
            *yes = r->c.conv.kind == CONV_GROUP && named(n, r->c.conv.name);
            break;
        case TERM_SERVICE:
            *yes = named(n, r->c.conv.service);
            break;
        case TERM_HAS:
            TRY(test_has(r, n->field.value, yes, err));
            break;
        default:
            MUST(false); /* a field that a scan does not know */
        }
    }
    return ST_OK;
}

/* ---- other leaves ---- */

static enum status test_state(struct scan_reader *r, const struct node *n, uint32_t k, bool *yes,
                              struct err *err)
{
    uint16_t flags = r->state.flags;
    uint32_t copies = r->state.copies;
    if (r->state.messages > 1) {
        struct message_ref ref = {.segment = r->segment, .doc = r->doc, .k = k};
        TRY(view_flags(r->v, &ref, &flags, &copies, err));
    }
    switch (n->state) {
    case STATE_SEALED:
        *yes = (r->state.flags & DOC_SEALED) != 0;
        break;
    case STATE_REPEATED:
        *yes = (r->state.flags & DOC_REPEATED) != 0;
        break;
    case STATE_CONFLICT:
        *yes = (flags & DOC_CONFLICT) != 0;
        break;
    case STATE_COPIES:
        *yes = copies > 1;
        break;
    }
    return ST_OK;
}

static enum status test_copies(struct scan_reader *r, const struct node *n, uint32_t k, bool *yes,
                               struct err *err)
{
    uint16_t flags;
    uint32_t copies = r->state.copies;
    struct message_ref ref = {.segment = r->segment, .doc = r->doc, .k = k};
    if (r->state.messages > 1)
        TRY(view_flags(r->v, &ref, &flags, &copies, err));
    *yes = copies >= n->copies.from && copies <= n->copies.to;
    return ST_OK;
}

/* By the copies of message k. */
static enum status test_held(struct scan_reader *r, const struct node *n, uint32_t k, bool *yes,
                             struct err *err)
{
    struct doc_copies d;
    r->copies_known = false; /* their memory is taken */
    arena_reset(&r->more);
    TRY(view_doc_copies(r->v, r->segment, r->doc, r->c.id.len != 0, &r->more, &d, err));
    const struct held_copy **mine = arena_array(&r->more, d.n + 1, sizeof(struct held_copy *));
    if (!mine)
        return err_no_memory(err);
    size_t n_mine = doc_copies_pick(&d, k, mine);
    for (size_t i = 0; !*yes && i < n_mine; i++)
        *yes = held_matches(n, mine[i]);
    return ST_OK;
}

static enum status test_place(struct scan_reader *r, const struct node *n, uint32_t k, bool *yes,
                              struct err *err)
{
    struct slice lat, lon;
    TRY(test_has(r, slice_str("coordinates"), yes, err));
    if (!*yes && r->c.kind == DOC_LOCATION)
        *yes = extra_find(r->c.raw, "lat", &lat) && extra_find(r->c.raw, "lon", &lon) &&
               !slice_eq_str(lat, "null") && !slice_eq_str(lon, "null");
    return *yes || r->c.kind != DOC_MESSAGE ? ST_OK : test_held(r, n, k, yes, err);
}

static bool test_attachment(const struct scan_reader *r, const struct node *n)
{
    for (size_t i = 0; i < r->c.n_attachments; i++)
        if (attachment_matches(&n->attachment, r->c.attachments[i]))
            return true;
    return false;
}

static enum status test_id(struct scan_reader *r, const struct node *n, uint32_t k, bool *yes,
                           struct err *err)
{
    uint8_t asked[KEY_SIZE], own[KEY_SIZE];
    *yes = r->c.kind == DOC_MESSAGE && r->c.id.len && slice_eq(r->c.id, n->id.value);
    if (*yes || !n->id.maybe_ours)
        return ST_OK;
    MUST(view_hex(n->id.value, asked));
    if (!r->hashed)
        TRY(content_rehash(&r->v->hasher, &r->c, r->hash, err));
    r->hashed = true;
    message_id(&r->v->hasher, r->hash, k, own);
    *yes = view_hex_match(own, asked, n->id.value.len);
    return ST_OK;
}

static unsigned test_time(const struct scan_reader *r, const struct node *n)
{
    if (content_untimed(&r->c))
        return TRUTH_UNTIMED;
    return lang_span_has(&n->time, r->c.sent) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* ---- operators ---- */

static unsigned negated(unsigned truth)
{
    return truth == TRUTH_FALSE ? TRUTH_TRUE : truth == TRUTH_TRUE ? TRUTH_FALSE : truth;
}

/* An OR is an AND of the negated, negated. */
static enum status test_list(struct scan_reader *r, const struct node *n, uint32_t k,
                             unsigned *truth, struct err *err)
{
    bool or = n->kind == NODE_OR;
    unsigned all = TRUTH_TRUE;
    for (size_t i = 0; all != TRUTH_FALSE && i < n->list.n; i++) {
        unsigned one;
        TRY(scan_test(r, n->list.kids[i], k, &one, err));
        if (or)
            one = negated(one);
        if (one == TRUTH_FALSE || all == TRUTH_TRUE)
            all = one;
        else if (one != TRUTH_TRUE)
            all |= one;
    }
    *truth = or ? negated(all) : all;
    return ST_OK;
}

enum status scan_test(struct scan_reader *r, const struct node *n, uint32_t k, unsigned *truth,
                      struct err *err)
{
    bool yes = false;
    switch (n->kind) {
    case NODE_ALL:
        yes = true;
        break;
    case NODE_TEXT:
    case NODE_NEAR:
        return test_words(r, n, truth, err);
    case NODE_THEN:
        *truth = then_truth(&r->ids->thens[n->number], r->segment, r->doc, k);
        return ST_OK;
    case NODE_FIELD:
        TRY(test_field(r, n, &yes, err));
        if (!n->field.of_text)
            break;
        *truth = of_body(r, yes);
        return ST_OK;
    case NODE_KIND:
        yes = r->c.kind == n->doc_kind;
        break;
    case NODE_STATE:
        TRY(test_state(r, n, k, &yes, err));
        break;
    case NODE_CONV:
        yes = view_hex_match(r->conversation.key, n->conv.key, n->conv.digits);
        break;
    case NODE_ID:
        TRY(test_id(r, n, k, &yes, err));
        break;
    case NODE_TIME:
        *truth = test_time(r, n);
        return ST_OK;
    case NODE_HELD:
        TRY(test_held(r, n, k, &yes, err));
        break;
    case NODE_PLACE:
        TRY(test_place(r, n, k, &yes, err));
        *truth = of_body(r, yes);
        return ST_OK;
    case NODE_COPIES:
        TRY(test_copies(r, n, k, &yes, err));
        break;
    case NODE_ATTACHMENT:
        yes = test_attachment(r, n);
        break;
    case NODE_NICK:
        return scan_test(r, r->ids->nicks[n->number], k, truth, err);
    case NODE_NOT:
        TRY(scan_test(r, n->list.kids[0], k, truth, err));
        *truth = negated(*truth);
        return ST_OK;
    case NODE_AND:
    case NODE_OR:
        return test_list(r, n, k, truth, err);
    }
    *truth = yes ? TRUTH_TRUE : TRUTH_FALSE;
    return ST_OK;
}
