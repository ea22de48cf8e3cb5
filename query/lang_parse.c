/* lang_parse — the grammar, by recursive descent:
 *     or    = and { OR and }
 *     and   = not { [AND] not }
 *     not   = (NOT | -) not | then
 *     then  = near { THEN/n [by:x] near }
 *     near  = operand { (NEAR/n | PRE/n) operand }
 *     operand = word | pattern | phrase | field | * | ( or )
 * AND and OR take any number of operands on one level, so only parentheses, negations and chains of
 * the other operators make a tree deep: the former are counted, the height is bounded. */
#include "query/lang.h"
#include "query/spans.h"

#include <stdlib.h>

static enum status parse_or(struct parser *p, struct node **out, struct err *err);

struct node *parser_node(struct parser *p, enum node_kind kind)
{
    struct node *n = arena_array(&p->query->arena, 1, sizeof *n);
    if (!n)
        return NULL;
    n->kind = kind;
    n->number = p->query->nodes++;
    return n;
}

static enum status advance(struct parser *p, struct err *err)
{
    p->end = p->token.to;
    return lex_next(&p->lexer, &p->token, err);
}

static bool starts_operand(enum lex_kind k)
{
    return k == LEX_OPEN || k == LEX_NOT || k >= LEX_ALL; /* not LEX_BY, NEAR, THEN */
}

static enum status deeper(struct parser *p, const struct lex_token *at, struct err *err)
{
    if (++p->depth <= LANG_DEPTH_MAX)
        return ST_OK;
    return query_fail(p->qe, err, at->from, at->to, "nested deeper than %d", LANG_DEPTH_MAX);
}

/* What stands between `from` and the last token taken. */
static struct slice taken_since(const struct parser *p, size_t from)
{
    return slice_of(p->lexer.text.data + from, p->end - from);
}

/* Sets the height of a node from its kids'. */
static enum status node_raise(struct parser *p, struct node *n, struct err *err)
{
    size_t from = (size_t)(n->written.data - p->lexer.text.data);
    for (size_t i = 0; i < n->list.n; i++)
        if (n->list.kids[i]->height >= n->height)
            n->height = (uint16_t)(n->list.kids[i]->height + 1);
    if (n->height <= LANG_HEIGHT_MAX)
        return ST_OK;
    return query_fail(p->qe, err, from, from + n->written.len, "operators nested deeper than %d",
                      LANG_HEIGHT_MAX);
}

/* An operator node over two or so kids. */
static enum status node_over(struct parser *p, enum node_kind kind, size_t from,
                             struct node *const *kids, size_t n, struct node **out, struct err *err)
{
    struct node *x = parser_node(p, kind);
    struct node **list = arena_array(&p->query->arena, n, sizeof *list);
    if (!x || !list)
        return err_no_memory(err);
    memcpy(list, kids, n * sizeof *list);
    x->list.kids = list;
    x->list.n = n;
    x->written = taken_since(p, from);
    *out = x;
    return node_raise(p, x, err);
}

static const char *operator_name(const struct parser *p, const struct lex_token *t)
{
    if (t->kind == LEX_NOT)
        return p->lexer.text.data[t->from] == '-' ? "-" : "NOT";
    if (t->kind == LEX_NEAR)
        return t->ordered ? "PRE" : "NEAR";
    return t->kind == LEX_AND ? "AND" : t->kind == LEX_OR ? "OR" : "THEN";
}

/* An operator stands where its second operand should have begun. */
static enum status need_operand(struct parser *p, const struct lex_token *op, struct err *err)
{
    if (starts_operand(p->token.kind))
        return ST_OK;
    return query_fail(p->qe, err, op->from, op->to, "%s needs something to search for after it",
                      operator_name(p, op));
}

static enum status parse_group(struct parser *p, struct node **out, struct err *err)
{
    struct lex_token open = p->token;
    TRY(deeper(p, &open, err));
    TRY(advance(p, err));
    if (p->token.kind == LEX_CLOSE)
        return query_fail(p->qe, err, open.from, p->token.to, "nothing between the parentheses");
    if (p->token.kind == LEX_END)
        return query_fail(p->qe, err, open.from, open.to, "this parenthesis is not closed");
    TRY(parse_or(p, out, err));
    if (p->token.kind != LEX_CLOSE)
        return query_fail(p->qe, err, open.from, open.to, "this parenthesis is not closed");
    p->depth--;
    return advance(p, err);
}

static enum status parse_leaf(struct parser *p, struct node **out, struct err *err)
{
    struct lex_token t = p->token;
    if (t.kind == LEX_FIELD) {
        TRY(parse_field(p, &t, out, err));
    } else if (t.kind == LEX_ALL) {
        *out = parser_node(p, NODE_ALL);
        if (!*out)
            return err_no_memory(err);
    } else {
        TRY(parse_word(p, &t, out, err));
    }
    (*out)->written = slice_of(p->lexer.text.data + t.from, t.to - t.from);
    return advance(p, err);
}

static enum status parse_operand(struct parser *p, struct node **out, struct err *err)
{
    return p->token.kind == LEX_OPEN ? parse_group(p, out, err) : parse_leaf(p, out, err);
}

/* ---- NEAR, PRE, THEN ---- */

bool lang_positional(const struct node *n)
{
    if (n->kind == NODE_TEXT || n->kind == NODE_NEAR)
        return true;
    for (size_t i = 0; n->kind == NODE_OR && i < n->list.n; i++)
        if (!lang_positional(n->list.kids[i]))
            return false;
    return n->kind == NODE_OR;
}

/* What keeps `n` from being an operand of NEAR. */
static const struct node *not_positional(const struct node *n)
{
    for (size_t i = 0; n->kind == NODE_OR && i < n->list.n; i++)
        if (!lang_positional(n->list.kids[i]))
            return not_positional(n->list.kids[i]);
    return n;
}

static enum status need_positional(struct parser *p, const struct lex_token *op,
                                   const struct node *n, struct err *err)
{
    if (lang_positional(n))
        return ST_OK;
    struct slice at = not_positional(n)->written;
    size_t from = (size_t)(at.data - p->lexer.text.data);
    return query_fail(p->qe, err, from, from + at.len,
                      "%s takes words, patterns, phrases and (a OR b) of those on both sides",
                      operator_name(p, op));
}

/* Behind NEAR, PRE and THEN: an operand, and no negation that is not in parentheses. */
static enum status need_right_side(struct parser *p, const struct lex_token *op, struct err *err)
{
    const struct lex_token *t = &p->token;
    if (t->kind != LEX_NOT)
        return need_operand(p, op, err);
    return query_fail(p->qe, err, t->from, t->to,
                      op->kind == LEX_NEAR ? "%s takes words, patterns, phrases and (a OR b) of "
                                             "those on both sides"
                                           : "put a negation behind %s into parentheses",
                      operator_name(p, op));
}

static enum status parse_near(struct parser *p, struct node **out, struct err *err)
{
    size_t from = p->token.from;
    TRY(parse_operand(p, out, err));
    while (p->token.kind == LEX_NEAR) {
        struct lex_token op = p->token;
        struct node *kids[2] = {*out, NULL};
        TRY(need_positional(p, &op, kids[0], err));
        TRY(advance(p, err));
        TRY(need_right_side(p, &op, err));
        TRY(parse_operand(p, &kids[1], err));
        TRY(need_positional(p, &op, kids[1], err));
        TRY(node_over(p, NODE_NEAR, from, kids, 2, out, err));
        (*out)->near.distance = op.number;
        (*out)->near.ordered = op.ordered;
    }
    return ST_OK;
}

/* by:same, by:other; what else stands there is a handle as of from:. */
static enum status parse_by(struct parser *p, const struct lex_token *op, enum then_by *by,
                            struct node **sender, struct err *err)
{
    struct lex_token t = p->token;
    if (t.kind != LEX_BY)
        return ST_OK;
    bool plain = !t.quoted && !t.star;
    if (plain && slice_eq_str(t.value, "same")) {
        *by = THEN_BY_SAME;
    } else if (plain && slice_eq_str(t.value, "other")) {
        *by = THEN_BY_OTHER;
    } else {
        *by = THEN_BY_HANDLE;
        t.kind = LEX_FIELD;
        t.name = slice_str("from");
        TRY(parse_field(p, &t, sender, err));
        (*sender)->written = slice_of(p->lexer.text.data + t.from, t.to - t.from);
    }
    TRY(advance(p, err));
    return need_right_side(p, op, err);
}

static enum status parse_then(struct parser *p, struct node **out, struct err *err)
{
    size_t from = p->token.from;
    TRY(parse_near(p, out, err));
    while (p->token.kind == LEX_THEN) {
        struct lex_token op = p->token;
        struct node *kids[2] = {*out, NULL}, *sender = NULL;
        enum then_by by = THEN_BY_ANY;
        TRY(advance(p, err));
        if (p->token.kind == LEX_BY)
            TRY(parse_by(p, &op, &by, &sender, err));
        TRY(need_right_side(p, &op, err));
        TRY(parse_near(p, &kids[1], err));
        TRY(node_over(p, NODE_THEN, from, kids, 2, out, err));
        (*out)->then.amount = op.number;
        (*out)->then.unit = op.unit;
        (*out)->then.by = by;
        (*out)->then.sender = sender;
        p->query->per_message = true;
    }
    return ST_OK;
}

static enum status parse_not(struct parser *p, struct node **out, struct err *err)
{
    struct lex_token op = p->token;
    if (op.kind == LEX_AND || op.kind == LEX_OR || op.kind == LEX_NEAR || op.kind == LEX_THEN)
        return query_fail(p->qe, err, op.from, op.to, "%s needs something to search for before it",
                          operator_name(p, &op));
    if (op.kind == LEX_CLOSE)
        return query_fail(p->qe, err, op.from, op.to, "this parenthesis was not opened");
    if (op.kind != LEX_NOT)
        return parse_then(p, out, err);
    TRY(deeper(p, &op, err));
    TRY(advance(p, err));
    TRY(need_operand(p, &op, err));
    struct node *kid;
    TRY(parse_not(p, &kid, err));
    p->depth--;
    return node_over(p, NODE_NOT, op.from, &kid, 1, out, err);
}

/* The operands gathered in `kids` (pointers) as one node; a single one stands for itself. */
static enum status parse_join(struct parser *p, enum node_kind kind, size_t from,
                              const struct buf *kids, struct node **out, struct err *err)
{
    TRY(buf_status(kids, err));
    struct node *const *list = (struct node *const *)(const void *)kids->data;
    size_t n = kids->len / sizeof(struct node *);
    *out = list[0];
    return n == 1 ? ST_OK : node_over(p, kind, from, list, n, out, err);
}

static enum status parse_and(struct parser *p, struct node **out, struct err *err)
{
    struct buf kids = {0};
    size_t from = p->token.from;
    enum status st;
    for (;;) {
        struct node *kid = NULL;
        st = parse_not(p, &kid, err);
        if (st != ST_OK)
            goto out;
        buf_put(&kids, &kid, sizeof(struct node *));
        if (p->token.kind == LEX_AND) {
            struct lex_token op = p->token;
            st = advance(p, err);
            if (st == ST_OK)
                st = need_operand(p, &op, err);
            if (st != ST_OK)
                goto out;
        } else if (!starts_operand(p->token.kind)) {
            break;
        }
    }
    st = parse_join(p, NODE_AND, from, &kids, out, err);
out:
    buf_release(&kids);
    return st;
}

static enum status parse_or(struct parser *p, struct node **out, struct err *err)
{
    struct buf kids = {0};
    size_t from = p->token.from;
    enum status st;
    for (;;) {
        struct node *kid = NULL;
        st = parse_and(p, &kid, err);
        if (st != ST_OK)
            goto out;
        buf_put(&kids, &kid, sizeof(struct node *));
        if (p->token.kind != LEX_OR)
            break;
        struct lex_token op = p->token;
        st = advance(p, err);
        if (st == ST_OK)
            st = need_operand(p, &op, err);
        if (st != ST_OK)
            goto out;
    }
    st = parse_join(p, NODE_OR, from, &kids, out, err);
out:
    buf_release(&kids);
    return st;
}

static enum status parse_all(struct parser *p, struct err *err)
{
    TRY(advance(p, err));
    if (p->token.kind == LEX_END)
        return query_fail(p->qe, err, 0, p->lexer.text.len,
                          "the query is empty; * finds everything");
    TRY(parse_or(p, &p->query->root, err));
    if (p->token.kind == LEX_CLOSE)
        return query_fail(p->qe, err, p->token.from, p->token.to,
                          "this parenthesis was not opened");
    return ST_OK;
}

enum status query_parse(struct slice text, struct splitter *splitter, struct zone *zone,
                        struct query **out, struct query_error *qe, struct err *err)
{
    *qe = (struct query_error){0};
    if (text.len > LANG_TEXT_MAX)
        return query_fail(qe, err, 0, 0, "the query is longer than %zu bytes", LANG_TEXT_MAX);
    struct query *q = calloc(1, sizeof *q);
    if (!q)
        return err_no_memory(err);
    arena_init(&q->arena, (size_t)16 << 10);
    q->text = arena_copy(&q->arena, text);
    q->spans = arena_array(&q->arena, 1, sizeof *q->spans);
    enum status st = q->text.data && q->spans ? ST_OK : err_no_memory(err);
    if (st == ST_OK) {
        spans_budget_fill(q->spans);
        struct parser p = {
            .lexer = {.text = q->text, .arena = &q->arena, .qe = qe},
            .query = q,
            .splitter = splitter,
            .zone = zone,
            .qe = qe,
        };
        st = parse_all(&p, err);
    }
    if (st == ST_OK)
        *out = q;
    else
        query_free(q);
    return st;
}

void query_free(struct query *q)
{
    if (!q)
        return;
    pattern_free_all(&q->patterns);
    arena_release(&q->arena);
    free(q);
}
