/* cmd_search — the hits of a query, newest first, and what could not be tested. */
#include <stdio.h>
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/explain.h"
#include "query/lang.h"
#include "query/score.h"

#define TEXT_LIMIT 20
#define TERM_COLUMNS 60
#define TEXT_PAGE ID_SET_EXACT
#define MACHINE_PAGE 1000 /* the first one, while nothing was printed yet */

/* What is shown, page by page. */
struct shown {
    const struct query *q;
    struct slice query; /* its parsed form */
    struct search_pages pages;
    uint64_t hits;
    uint64_t pairs; /* of the hits may be the same as another message */
    bool others;    /* a record of another kind was among them */
    /* scan: its answer came at once */
    const struct search_result *given;
    const char *method;
    uint64_t read;
    const struct scorer *scorer; /* NULL: its terms were not counted */
    struct hit_context context;
};

static enum status next_hits(struct shown *x, const struct message_ref **hits, size_t *n,
                             struct err *err)
{
    if (!x->given)
        return search_pages_next(&x->pages, hits, n, err);
    *hits = x->given->hits;
    *n = x->hits == 0 ? x->given->n_hits : 0;
    return ST_OK;
}

static enum status show_hits(struct session *s, struct shown *x, const struct message_ref *hits,
                             size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct message_view m;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        arena_reset(&s->a);
        TRY(view_load(&s->v, &hits[i], VIEW_FULL, &s->a, &m, err));
        x->others |= m.c.kind != DOC_MESSAGE;
        x->pairs += view_in_pair(&m);
        x->context.later = hits + i + 1;
        x->context.n_later = n - i - 1;
        if (s->o->context_given)
            TRY(hit_context_show(s, &x->context, &m, err));
        else if (s->r.format == RENDER_TEXT)
            TRY(text_hit(&s->r, &m, &s->out, err));
        else
            render_record(&s->r, &m, false, NULL, &s->out);
        TRY(session_flush(s, err));
    }
    x->hits += n;
    return ST_OK;
}

/* Ids of the hits that will be shown must differ in the digits shown; those of later pages are
 * counted. */
static enum status choose_digits(struct session *s, const struct message_ref *hits, size_t n,
                                 uint64_t later, struct err *err)
{
    struct id_set ids = {.more = later};
    enum status st = ST_OK;
    for (size_t i = 0; i < n && st == ST_OK; i++) {
        struct message_view m;
        arena_reset(&s->a);
        st = later ? ST_OK : view_load(&s->v, &hits[i], VIEW_CONTENT, &s->a, &m, err);
        if (st == ST_OK && !later)
            id_set_add(&ids, m.id);
    }
    s->r.id_digits = id_set_digits(&ids);
    id_set_release(&ids);
    return st;
}

/* The whole id of a hit. */
static enum status id_text(struct session *s, const struct message_ref *ref,
                           char hex[2 * KEY_SIZE + 1], struct err *err)
{
    struct message_view m;
    arena_reset(&s->a);
    TRY(view_load(&s->v, ref, VIEW_CONTENT, &s->a, &m, err));
    hex_encode(m.id, KEY_SIZE, hex);
    return ST_OK;
}

static void term_line(const struct score_term *t, struct buf *out)
{
    char n[32];
    cli_count_text(t->messages, n);
    text_name(out, t->node->written, TERM_COLUMNS);
    buf_printf(out, ": in %s message%s of the case\n", n, t->messages == 1 ? "" : "s");
}

/* What the hits are: messages, unless another kind was shown among them. `next`: where it goes on;
 * NULL if nothing is left. */
static void footer(struct session *s, const struct shown *x, const char *next)
{
    const struct search_result *r = &x->pages.sums;
    char shown[32], total[32], conversations[32], read[32];
    struct buf *out = &s->out;
    cli_count_text(x->read, read);
    cli_count_text(x->hits, shown);
    cli_count_text(r->total, total);
    cli_count_text(r->conversations, conversations);
    const char *more = next ? "; --all" : x->hits == 0 ? "; none follows" : "; the last ones";
    if (r->total)
        buf_printf(out, "%s of %s %s%s in %s conversation%s%s\n", shown, total,
                   x->others ? "record" : "message", r->total == 1 ? "" : "s", conversations,
                   r->conversations == 1 ? "" : "s", x->hits < r->total ? more : "");
    else
        buf_put_str(out, "none in the delivered data\n");
    if (next)
        buf_printf(out, "the next ones: --continue %s\n", next);
    cmd_untested(out, r->sealed, "under seal");
    cmd_untested(out, r->untimed, "without a time");
    cmd_pairs(out, x->pairs);
    for (size_t i = 0; x->scorer && i < x->scorer->n; i++)
        term_line(&x->scorer->terms[i], out);
    if (x->method)
        buf_printf(out, "%s: %s stored records were read, and nothing of the index\n", x->method,
                   read);
}

static struct summary summary_of(const struct session *s, const struct shown *x)
{
    struct summary sum = session_summary(s, x->query);
    sum.total = x->pages.sums.total;
    sum.conversations = x->pages.sums.conversations;
    sum.sealed = x->pages.sums.sealed;
    sum.untimed = x->pages.sums.untimed;
    sum.pairs = x->pairs;
    sum.method = x->method;
    sum.read = x->read;
    sum.terms = x->scorer ? x->scorer->terms : NULL;
    sum.n_terms = x->scorer ? x->scorer->n : 0;
    return sum;
}

/* json has its numbers first where the first page brings them. */
static enum status show_first(struct session *s, struct shown *x, const struct message_ref *hits,
                              size_t n, bool numbers, struct err *err)
{
    struct summary sum = summary_of(s, x);
    uint64_t all = x->pages.left > x->pages.sums.total ? x->pages.sums.total : x->pages.left;
    uint64_t later = x->pages.more ? all : 0;
    if (s->r.format == RENDER_TEXT)
        return choose_digits(s, hits, n, later + n * 2 * s->o->context, err);
    if (numbers && x->pages.more && x->pages.left == 0)
        TRY(id_text(s, &x->pages.last, sum.next, err));
    render_begin(&s->r, numbers ? &sum : NULL, &s->out);
    return ST_OK;
}

/* What goes into a pipe has the texts as they are, unless marks were asked for. */
static enum render_marking marking(const struct session *s)
{
    if (s->o->mark == MARK_SIGNS)
        return MARKED_SIGNS;
    if (s->o->mark == MARK_NONE)
        return MARKED_NOT;
    return s->r.colour ? MARKED_COLOUR : s->terminal ? MARKED_SIGNS : MARKED_NOT;
}

static enum status show_pages(struct session *s, struct shown *x, bool numbers, struct err *err)
{
    const struct message_ref *hits = NULL;
    size_t n;
    char next[2 * KEY_SIZE + 1] = "";
    s->r.query = x->q;
    s->r.whole = s->o->whole;
    s->r.marking = marking(s);
    s->r.mark_hits = s->o->context_given;
    TRY(next_hits(x, &hits, &n, err));
    TRY(show_first(s, x, hits, n, numbers, err));
    while (n > 0) {
        TRY(show_hits(s, x, hits, n, err));
        TRY(next_hits(x, &hits, &n, err));
    }
    if (!x->given)
        TRY(search_pages_sum(&x->pages, err));
    if (x->pages.more)
        TRY(id_text(s, &x->pages.last, next, err));
    if (s->r.format == RENDER_TEXT) {
        footer(s, x, x->pages.more ? next : NULL);
        return ST_OK;
    }
    struct summary sum = summary_of(s, x);
    memcpy(sum.next, next, sizeof next);
    render_end(&s->r, &sum, numbers, &s->out);
    return ST_OK;
}

uint64_t cmd_limit(const struct cmd_options *o)
{
    if (o->count)
        return 0;
    if (o->all)
        return UINT64_MAX;
    if (o->limit)
        return o->limit;
    return o->format == RENDER_TEXT ? TEXT_LIMIT : UINT64_MAX;
}

/* People read the numbers below the hits, but ids are as long as the hits are many; json has the
 * numbers before them, but only where it is known by then where the answer goes on. */
static enum status show(struct session *s, const struct query *q, struct slice query,
                        const struct search_options *o, bool *found, struct err *err)
{
    struct shown x = {.q = q, .query = query, .scorer = o->scorer};
    bool few = o->limit <= SEARCH_PAGE_MAX;
    bool numbers = few || (s->r.format == RENDER_JSON && o->limit == UINT64_MAX);
    bool text = s->r.format == RENDER_TEXT;
    uint64_t first = text ? TEXT_PAGE : numbers ? SEARCH_PAGE_MAX : MACHINE_PAGE;
    search_pages_begin(&x.pages, &s->v, q, o, first, text || numbers);
    enum status st = show_pages(s, &x, numbers, err);
    s->total = x.pages.sums.total;
    *found = s->total != 0;
    search_pages_release(&x.pages);
    hit_context_release(&x.context);
    return st;
}

enum status cmd_show_result(struct session *s, const struct query *q, struct slice shown,
                            const struct search_result *r, bool more, const char *method,
                            uint64_t read, struct err *err)
{
    struct shown x = {
        .q = q, .query = shown, .given = r, .method = method, .read = read, .pages.sums = *r};
    x.pages.more = more;
    if (more)
        x.pages.last = r->hits[r->n_hits - 1];
    return show_pages(s, &x, true, err);
}

static enum status count(struct session *s, const struct query *q, bool *found, struct err *err)
{
    const struct search_options o = {.limit = 0};
    struct search_result r;
    TRY(search_run(&s->v, q, &o, &r, err));
    s->total = r.total;
    *found = r.total != 0;
    buf_printf(&s->out, "%llu\n", (unsigned long long)r.total);
    search_result_release(&r);
    return ST_OK;
}

static enum status find_after(struct session *s, struct search_options *o,
                              struct message_ref *after, struct err *err)
{
    TRY(cmd_find_id(s, s->o->after_hit, after, err));
    o->after = after;
    if (o->sort == SORT_RELEVANCE)
        TRY(scorer_score(o->scorer, after->segment, after->doc, &after->score, err));
    return ST_OK;
}

static enum status answer(struct session *s, const struct query *q, struct slice query, bool *found,
                          struct err *err)
{
    struct search_options o = {.sort = s->o->sort, .limit = cmd_limit(s->o), .conversations = true};
    struct message_ref after;
    if (s->o->explain)
        TRY(explain_query(&s->v, q, stderr, err));
    if (s->o->count)
        return count(s, q, found, err);
    struct scorer scorer = {0};
    enum status st = ST_OK;
    if (s->o->sort == SORT_RELEVANCE || s->o->terms) {
        st = scorer_open(&s->v, q, &scorer, err);
        o.scorer = &scorer;
    }
    if (st == ST_OK && s->o->after_hit)
        st = find_after(s, &o, &after, err);
    if (st == ST_OK)
        st = show(s, q, query, &o, found, err);
    scorer_close(&scorer);
    return st;
}

int cmd_search(const struct cmd_options *o) { return cmd_with_query(o, answer); }
