/* words_of — the lexicons of all segments merged by term. A word too long for the lexicon is read
 * off the first message that has it, so that it is judged and shown whole. */
#include "query/words_of.h"

#include <stdlib.h>

#include "lictor/thread.h"
#include "query/walk.h"

#define STOP_EVERY 4096 /* words between two looks at the stop flag */

struct word_source { /* one segment */
    struct term_iter *it;
    struct buf term; /* the one it stands at, with its field byte */
    uint64_t handle;
    uint32_t docs;
    bool done;
    struct walk_set set;
    struct walk *hidden; /* bitmap; NULL: nothing is hidden */
    const uint32_t *repeats, *messages;
    size_t n_repeats;
};

struct word_merge {
    struct view *v;
    const struct text_part *part;
    struct slice prefix; /* terms to look at, with their field byte */
    struct term term;    /* a plain word; or `prefix` of a pattern */
    struct word_source *sources;
    uint32_t n;
    uint64_t limit;
    struct pattern_walk walk;
    struct words_of *out;
    struct buf kept; /* struct kept_word */
    struct arena a;  /* one text */
};

struct kept_word {
    uint64_t messages;
    size_t off, len;
};

/* ---- sources ---- */

static enum status source_next(struct word_merge *m, struct word_source *s, struct err *err)
{
    struct term_entry e;
    enum status st = term_iter_next(s->it, &e, err);
    s->done =
        st == ST_END || (st == ST_OK && (e.term.len < m->prefix.len ||
                                         memcmp(e.term.data, m->prefix.data, m->prefix.len) != 0));
    if (st != ST_OK || s->done)
        return st == ST_END ? ST_OK : st;
    buf_clear(&s->term);
    buf_put_slice(&s->term, e.term);
    s->handle = e.handle;
    s->docs = e.docs;
    return buf_status(&s->term, err);
}

static enum status source_open(struct word_merge *m, uint32_t segment, struct err *err)
{
    struct word_source *s = &m->sources[segment];
    struct segment *seg = casefile_segment(m->v->cf, segment);
    struct walk *hidden;
    struct term t;
    walk_set_init(&s->set, seg, m->v->scratch[segment]);
    TRY(segment_repeats(seg, &s->repeats, &s->messages, &s->n_repeats, err));
    if (segment_info(seg)->hidden_docs > 0) {
        term_make(&t, &m->v->hasher.sha, TERM_KIND, slice_str("hidden"));
        TRY(walk_term(&s->set, term_slice(&t), &hidden, err));
        TRY(walk_bits(&s->set, &s->hidden, err));
        TRY(walk_pour(&s->set, hidden, s->hidden, err));
    }
    TRY(term_iter_open(seg, m->prefix, &s->it, err));
    return source_next(m, s, err);
}

static bool is_hidden(const struct word_source *s, uint32_t doc)
{
    return s->hidden && (s->hidden->bits.words[doc / 64] >> (doc % 64) & 1);
}

/* Messages of the word a source stands at. */
static enum status count(struct word_source *s, uint64_t *messages, struct err *err)
{
    size_t at = 0;
    uint32_t doc = 0;
    *messages += s->docs;
    if (!s->hidden && s->n_repeats == 0)
        return ST_OK;
    /* Walks live in the set's arena, and words are many: the iterator is opened without one. */
    struct posting_iter *it;
    TRY(posting_iter_open(s->set.segment, s->handle, &it, err));
    enum status st = ST_OK;
    for (;; doc++) {
        st = posting_iter_seek(it, doc, &doc, err);
        if (st != ST_OK || doc == DOC_END)
            break;
        if (doc >= s->set.docs) {
            st = err_set(err, ST_DAMAGED, "a list of documents goes beyond the segment");
            break;
        }
        while (at < s->n_repeats && s->repeats[at] < doc)
            at++;
        if (is_hidden(s, doc))
            --*messages;
        else if (at < s->n_repeats && s->repeats[at] == doc)
            *messages += s->messages[at] - 1;
    }
    posting_iter_close(it);
    return st;
}

/* ---- words ---- */

/* The whole of a word that the lexicon has cut. */
static enum status whole_word(struct word_merge *m, uint32_t segment, struct slice *word,
                              struct err *err)
{
    struct word_source *s = &m->sources[segment];
    struct message_ref ref = {.segment = segment, .k = 1};
    struct message_view mv;
    struct posting_iter *it;
    struct words w;
    TRY(posting_iter_open(s->set.segment, s->handle, &it, err));
    enum status st = posting_iter_seek(it, 0, &ref.doc, err);
    posting_iter_close(it);
    TRY(st);
    if (ref.doc >= s->set.docs)
        return err_set(err, ST_DAMAGED, "a word of the lexicon has no document");
    arena_reset(&m->a);
    TRY(view_load(m->v, &ref, VIEW_CONTENT, &m->a, &mv, err));
    struct slice text = content_readable(&mv.c);
    TRY(splitter_split(m->v->splitter, text, &w, err));
    for (size_t i = 0; i < w.n; i++) {
        struct term t;
        struct slice token = slice_of(w.tokens[i].text, w.tokens[i].len);
        if (token.len < TERM_MAX - 1)
            continue;
        term_make(&t, &m->v->hasher.sha, TERM_WORD, token);
        if (!slice_eq(term_slice(&t), buf_slice(&s->term)))
            continue;
        *word = arena_copy(&m->a, token);
        return word->data ? ST_OK : err_no_memory(err);
    }
    return err_set(err, ST_DAMAGED, "a word of the lexicon is not in the text of its document");
}

static int by_count(const void *a, const void *b)
{
    const struct word_count *x = a, *y = b;
    if (x->messages != y->messages)
        return x->messages > y->messages ? -1 : 1;
    return slice_cmp(x->word, y->word);
}

/* Sorts what is kept into `rows` and leaves the best; their bytes are moved together. */
static enum status rows_make(struct word_merge *m, struct err *err)
{
    struct words_of *o = m->out;
    const void *data = m->kept.data;
    const struct kept_word *kept = data;
    size_t n = m->kept.len / sizeof *kept;
    struct word_count *rows = calloc(n + 1, sizeof *rows);
    if (!rows)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct word_count){kept[i].messages,
                                      slice_of(o->bytes.data + kept[i].off, kept[i].len)};
    if (n > 1)
        qsort(rows, n, sizeof *rows, by_count);
    free(o->rows);
    o->rows = rows;
    o->n = n < m->limit ? n : (size_t)m->limit;
    return ST_OK;
}

static enum status cut_back(struct word_merge *m, struct err *err)
{
    struct words_of *o = m->out;
    struct buf bytes = {0}, kept = {0};
    TRY(rows_make(m, err));
    for (size_t i = 0; i < o->n; i++) {
        struct kept_word k = {o->rows[i].messages, bytes.len, o->rows[i].word.len};
        buf_put_slice(&bytes, o->rows[i].word);
        buf_put(&kept, &k, sizeof k);
    }
    buf_release(&o->bytes);
    buf_release(&m->kept);
    o->bytes = bytes;
    m->kept = kept;
    TRY(buf_status(&bytes, err));
    return buf_status(&kept, err);
}

static enum status word_keep(struct word_merge *m, struct slice word, uint64_t messages,
                             struct err *err)
{
    struct words_of *o = m->out;
    struct kept_word k = {messages, o->bytes.len, word.len};
    if (messages == 0) /* only hidden records have it */
        return ST_OK;
    o->total++;
    buf_put_slice(&o->bytes, word);
    buf_put(&m->kept, &k, sizeof k);
    TRY(buf_status(&o->bytes, err));
    TRY(buf_status(&m->kept, err));
    size_t n = m->kept.len / sizeof k;
    if (n / 2 > m->limit && n > 1024)
        return cut_back(m, err);
    if (o->bytes.len + m->kept.len > WORDS_OF_BYTES)
        return err_set(err, ST_LIMIT, "more words than memory is meant for; ask with --limit");
    return ST_OK;
}

static enum status judge(struct word_merge *m, uint32_t segment, struct slice *word, bool *yes,
                         struct err *err)
{
    const struct pattern *p = m->part->pattern;
    bool cut = m->sources[segment].term.len == TERM_MAX;
    if (cut)
        TRY(whole_word(m, segment, word, err));
    if (!p) {
        *yes = slice_eq(*word, m->part->folded);
        return ST_OK;
    }
    return cut && !pattern_exact(p) ? pattern_match(p, *word, *word, yes, err)
                                    : pattern_walk_may(&m->walk, *word, yes, err);
}

/* The least term of all sources: its word, if it matches, and on to the next one. */
static enum status merge_step(struct word_merge *m, bool *more, struct err *err)
{
    uint32_t least = m->n;
    for (uint32_t i = 0; i < m->n; i++)
        if (!m->sources[i].done &&
            (least == m->n ||
             slice_cmp(buf_slice(&m->sources[i].term), buf_slice(&m->sources[least].term)) < 0))
            least = i;
    *more = least < m->n;
    if (!*more)
        return ST_OK;
    bool yes = false;
    uint64_t messages = 0;
    struct term now = {.len = m->sources[least].term.len};
    memcpy(now.bytes, m->sources[least].term.data, now.len);
    struct slice word = slice_of(now.bytes + 1, now.len - 1);
    TRY(judge(m, least, &word, &yes, err));
    for (uint32_t i = least; i < m->n; i++) {
        struct word_source *s = &m->sources[i];
        if (s->done || !slice_eq(buf_slice(&s->term), term_slice(&now)))
            continue;
        if (yes)
            TRY(count(s, &messages, err));
        TRY(source_next(m, s, err));
    }
    if (yes)
        TRY(word_keep(m, word, messages, err));
    arena_reset(&m->a);
    return ST_OK;
}

static enum status merge(struct word_merge *m, struct err *err)
{
    bool more = true;
    for (uint32_t i = 0; i < m->n; i++)
        TRY(source_open(m, i, err));
    for (uint32_t n = 1; more; n++) {
        TRY(merge_step(m, &more, err));
        if (n % STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return rows_make(m, err);
}

static void merge_release(struct word_merge *m)
{
    for (uint32_t i = 0; m->sources && i < m->n; i++) {
        term_iter_close(m->sources[i].it);
        buf_release(&m->sources[i].term);
        if (m->sources[i].set.segment)
            walk_set_release(&m->sources[i].set);
    }
    free(m->sources);
    pattern_walk_release(&m->walk);
    buf_release(&m->kept);
    arena_release(&m->a);
}

enum status words_of_find(struct view *v, const struct text_part *part, uint64_t limit,
                          struct words_of *out, struct err *err)
{
    struct words_of found = {0};
    struct word_merge m = {.v = v, .part = part, .limit = limit, .out = &found};
    enum status st = ST_OK;
    arena_init(&m.a, (size_t)64 << 10);
    m.n = (uint32_t)casefile_segments(v->cf);
    m.sources = calloc((size_t)m.n + 1, sizeof *m.sources);
    if (!m.sources)
        st = err_no_memory(err);
    if (m.part->pattern) {
        struct slice head = pattern_prefix(m.part->pattern);
        size_t len = head.len < LANG_PREFIX_MAX ? head.len : LANG_PREFIX_MAX;
        m.term.bytes[0] = TERM_WORD;
        if (len)
            memcpy(m.term.bytes + 1, head.data, len);
        m.term.len = 1 + len;
        if (st == ST_OK)
            st = pattern_walk_init(&m.walk, m.part->pattern, err);
    } else {
        term_make(&m.term, &v->hasher.sha, TERM_WORD, m.part->folded);
    }
    m.prefix = term_slice(&m.term);
    if (st == ST_OK)
        st = merge(&m, err);
    merge_release(&m);
    if (st == ST_OK)
        *out = found;
    else
        words_of_release(&found);
    return st;
}

void words_of_release(struct words_of *w)
{
    free(w->rows);
    buf_release(&w->bytes);
    *w = (struct words_of){0};
}
