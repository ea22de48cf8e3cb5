/* explain — what the parts of a query stand for: folded words, words that patterns match, handles
 * behind nicknames, instants. Nothing is guessed from the text of the query: it is read off the
 * parsed tree and asked of the same lexicons that the search asks. */
#include "query/explain.h"

#include "lictor/thread.h"
#include "query/words_of.h"

#define FLUSH_BYTES ((size_t)64 << 10)
#define FEW 8 /* words, parts or handles named of many */
#define PUT_COLUMNS 120

enum status explain_flush(struct explain *x, struct err *err)
{
    if (x->out.len >= FLUSH_BYTES) {
        TRY(buf_status(&x->out, err));
        (void)fwrite(x->out.data, 1, x->out.len, x->to);
        buf_clear(&x->out);
    }
    return stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted") : ST_OK;
}

void explain_put(struct explain *x, struct slice s)
{
    size_t len = s.len;
    if (len > PUT_COLUMNS) {
        len = PUT_COLUMNS;
        while (len > 0 && (s.data[len] & 0xC0) == 0x80)
            len--;
    }
    cli_safe(&x->out, slice_of(s.data, len), false);
    if (len < s.len)
        buf_put_str(&x->out, "…");
}

void explain_count(struct explain *x, uint64_t n, const char *one, const char *many)
{
    char text[32];
    cli_count_text(n, text);
    buf_printf(&x->out, "%s %s", text, n == 1 ? one : many);
}

static void put_more(struct explain *x, uint64_t named, uint64_t all)
{
    char text[32];
    cli_count_text(all - named, text);
    if (named < all)
        buf_printf(&x->out, ", and %s more", text);
}

/* ---- words and patterns ---- */

static void put_part(struct explain *x, const struct text_part *part)
{
    bool regex = part->pattern && pattern_kind(part->pattern) == PATTERN_REGEX;
    if (regex)
        buf_put_u8(&x->out, '/');
    explain_put(x, part->pattern ? part->written : part->folded);
    if (regex)
        buf_put_u8(&x->out, '/');
}

static enum status explain_pattern(struct explain *x, const struct text_part *part, bool alone,
                                   struct err *err)
{
    struct words_of w;
    bool exact = pattern_exact(part->pattern);
    buf_put_str(&x->out, "  pattern  ");
    put_part(x, part);
    buf_put_str(&x->out, ": ");
    if (pattern_any(part->pattern) && !alone) {
        buf_put_str(&x->out, "any word\n"); /* the plan asks no lexicon for it */
        return ST_OK;
    }
    TRY(words_of_find(x->v, part, FEW, &w, err));
    explain_count(x, w.total, "word", "words");
    buf_put_str(&x->out, exact ? " of the index, folded, may be it; texts are compared as written"
                               : " of the index");
    for (size_t i = 0; i < w.n; i++) {
        char n[32];
        cli_count_text(w.rows[i].messages, n);
        buf_put_str(&x->out, i ? ", " : ": ");
        explain_put(x, w.rows[i].word);
        buf_printf(&x->out, " (%s)", n);
    }
    put_more(x, w.n, w.total);
    buf_put_u8(&x->out, '\n');
    words_of_release(&w);
    return explain_flush(x, err);
}

/* A word that folding leaves as it was written needs no line. */
static bool is_plain(const struct node *n)
{
    return n->text.n == 1 && !n->text.exact &&
           (n->text.patterned || slice_eq(n->text.parts[0].folded, n->written));
}

static enum status explain_text(struct explain *x, const struct node *n, struct err *err)
{
    if (!is_plain(n)) {
        buf_put_str(&x->out, n->text.n == 1 ? "  word     " : "  phrase   ");
        explain_put(x, n->written);
        buf_put_str(&x->out, ": ");
        if (n->text.n > 1)
            buf_printf(&x->out, "%zu words%s, ", n->text.n,
                       n->text.within ? ", in any order" : " one behind the other");
        if (n->text.within)
            buf_printf(&x->out, "at most %u apart, ", n->text.within);
        buf_put_str(&x->out, n->text.exact ? "as written; in the index " : "in the index ");
        size_t i = 0;
        for (; i < n->text.n && i < FEW; i++) {
            buf_put_str(&x->out, i ? " · " : "");
            put_part(x, &n->text.parts[i]);
        }
        put_more(x, i, n->text.n);
        buf_put_u8(&x->out, '\n');
    }
    for (size_t i = 0; i < n->text.n; i++)
        if (n->text.parts[i].pattern)
            TRY(explain_pattern(x, &n->text.parts[i], n->text.n == 1, err));
    return ST_OK;
}

/* ---- times and nicknames ---- */

static void put_span(struct explain *x, int64_t from, int64_t to)
{
    char a[TIME_TEXT_SIZE], b[TIME_TEXT_SIZE];
    time_text(from, a);
    time_text(to, b);
    if (from != INT64_MIN)
        buf_printf(&x->out, "from %s", a);
    if (to != INT64_MAX)
        buf_printf(&x->out, "%suntil before %s", from == INT64_MIN ? "" : " ", b);
}

static void explain_time(struct explain *x, const struct node *n)
{
    const struct lang_span *t = &n->time;
    buf_put_str(&x->out, "  time     ");
    explain_put(x, n->written);
    buf_put_str(&x->out, ": ");
    put_span(x, t->from, t->to);
    if (t->again) {
        buf_put_str(&x->out, ", and again ");
        put_span(x, t->from + t->again, t->to + t->again);
    }
    buf_put_u8(&x->out, '\n');
}

/* The tree that stands for it is made in plan_nick.c: an OR of (handles) AND service. */
static void explain_nick(struct explain *x, const struct node *n)
{
    const struct node *tree = x->ids.nicks[n->number];
    buf_put_str(&x->out, "  nick     ");
    explain_put(x, n->written);
    if (tree->list.n == 0)
        buf_put_str(&x->out, ": no address book of the case has it");
    for (size_t i = 0; i < tree->list.n; i++) {
        const struct node *handles = tree->list.kids[i]->list.kids[0];
        const struct node *service = tree->list.kids[i]->list.kids[1];
        size_t k = 0;
        buf_put_str(&x->out, i ? "; " : ": ");
        explain_count(x, handles->list.n, "handle", "handles");
        buf_put_str(&x->out, service->kind == NODE_FIELD ? " of service " : " of no service");
        if (service->kind == NODE_FIELD)
            explain_put(x, service->field.value);
        for (; k < handles->list.n && k < FEW; k++) {
            buf_put_str(&x->out, k ? ", " : ": ");
            explain_put(x, handles->list.kids[k]->field.value);
        }
        put_more(x, k, handles->list.n);
    }
    buf_put_u8(&x->out, '\n');
}

/* ---- all ---- */

static enum status explain_node(struct explain *x, const struct node *n, struct err *err)
{
    enum status st;
    switch (n->kind) {
    case NODE_TEXT:
        st = explain_text(x, n, err);
        if (st == ST_LIMIT)
            query_refused(x->q->spans, n);
        TRY(st);
        break;
    case NODE_TIME:
        explain_time(x, n);
        break;
    case NODE_NICK:
        explain_nick(x, n);
        break;
    case NODE_NEAR:
    case NODE_THEN:
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        for (size_t i = 0; i < n->list.n; i++)
            TRY(explain_node(x, n->list.kids[i], err));
        break;
    default:
        break;
    }
    return explain_flush(x, err);
}

enum status explain_query(struct view *v, const struct query *q, FILE *to, struct err *err)
{
    struct explain x = {.v = v, .q = q, .to = to};
    TRY(plan_ids_find(v, q, &x.ids, err));
    buf_put_str(&x.out, "explain:\n");
    enum status st = explain_node(&x, q->root, err);
    if (st == ST_OK)
        st = explain_plans(&x, err);
    if (st == ST_OK)
        st = buf_status(&x.out, err);
    if (x.out.len)
        (void)fwrite(x.out.data, 1, x.out.len, to);
    buf_release(&x.out);
    plan_ids_release(&x.ids);
    return st;
}
