/* cmd_terms — what a word, wildcard, word with ~ or regular expression stands for. */
#include "query/cmd.h"
#include "query/csv.h"
#include "query/words_of.h"

#define TEXT_LIMIT 20
#define WORD_COLUMNS 100

/* One word or pattern, or the place where the query is more than that. */
static enum status check_pattern(struct session *s, const struct query *q, struct err *err)
{
    const struct node *n = q->root;
    struct query_error qe = {0};
    const char *what = NULL;
    if (n->kind != NODE_TEXT)
        what = n->kind == NODE_ALL
                   ? "terms takes a word or pattern; ** is every word"
                   : "terms takes one word or pattern: harb* h?rb harbour~1 /h[ao]rb.+/";
    else if (n->text.n > 1 || n->text.within)
        what = "these are several words of the index; terms takes one word or pattern";
    else if (n->text.exact)
        what = "the index has words folded, not as written: leave the = out";
    if (!what)
        return ST_OK;
    size_t from = (size_t)(n->written.data - q->text.data);
    enum status st = query_fail(&qe, err, from, from + n->written.len, "%s", what);
    session_query_error(s, q->text, &qe);
    return st;
}

static void put_csv(struct session *s, const struct word_count *row)
{
    struct csv c = {.out = &s->out};
    csv_str(&c, "term");
    csv_field(&c, row->word);
    csv_uint(&c, row->messages);
    csv_row_end(&c);
}

static void put_json(struct session *s, const struct word_count *row)
{
    render_element_begin(&s->r, &s->out);
    struct json_out j = json_out_to(&s->out);
    json_begin_object(&j);
    json_key_str(&j, "type", "term");
    json_key_slice(&j, "word", row->word);
    json_key_uint(&j, "messages", row->messages);
    json_end_object(&j);
    render_element_end(&s->r, &s->out);
}

static void put_text(struct session *s, const struct word_count *row)
{
    char n[32];
    cli_count_text(row->messages, n);
    buf_printf(&s->out, "%13s  ", n);
    text_name(&s->out, row->word, WORD_COLUMNS);
    buf_put_u8(&s->out, '\n');
}

static enum status show(struct session *s, struct slice shown, const struct words_of *w,
                        struct err *err)
{
    struct summary sum = session_summary(s, shown);
    sum.total = w->total;
    sum.conversations = UINT64_MAX;
    if (s->r.format == RENDER_CSV)
        buf_put_str(&s->out, "\"type\",\"word\",\"messages\"\n");
    else if (s->r.format != RENDER_TEXT)
        render_begin(&s->r, &sum, &s->out);
    for (size_t i = 0; i < w->n; i++) {
        if (s->r.format == RENDER_CSV)
            put_csv(s, &w->rows[i]);
        else if (s->r.format == RENDER_TEXT)
            put_text(s, &w->rows[i]);
        else
            put_json(s, &w->rows[i]);
        TRY(session_flush(s, err));
    }
    if (s->r.format != RENDER_TEXT) {
        render_end(&s->r, &sum, true, &s->out);
        return ST_OK;
    }
    char n[32];
    cli_count_text(w->total, n);
    if (w->n < w->total)
        buf_printf(&s->out, "\n%zu of %s words; --all\n", w->n, n);
    else
        buf_printf(&s->out, "%s%s word%s\n", w->total ? "\n" : "", n, w->total == 1 ? "" : "s");
    return ST_OK;
}

static enum status answer(struct session *s, const struct query *q, struct slice shown, bool *found,
                          struct err *err)
{
    const struct cmd_options *o = s->o;
    struct words_of w = {0};
    TRY(check_pattern(s, q, err));
    uint64_t limit = o->limit ? o->limit : UINT64_MAX;
    if (!o->all && !o->limit && s->r.format == RENDER_TEXT)
        limit = TEXT_LIMIT;
    enum status st = words_of_find(&s->v, q->root->text.parts, limit, &w, err);
    if (st == ST_LIMIT)
        query_refused(q->spans, q->root);
    if (st == ST_OK)
        st = show(s, shown, &w, err);
    s->total = w.total;
    *found = w.total > 0;
    words_of_release(&w);
    return st;
}

int cmd_terms(const struct cmd_options *o) { return cmd_with_query(o, answer); }
