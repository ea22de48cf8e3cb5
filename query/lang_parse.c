/* lang_parse — the grammar, by recursive descent:
 *     or    = and { OR and }
 *     and   = not { [AND] not }
 *     not   = (NOT | -) not | operand
 *     operand = word | phrase | prefix | field | * | ( or )
 * AND and OR take any number of operands on one level, so only parentheses and negations nest; they
 * are counted. */
#include "query/lang.h"

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
    return lex_next(&p->lexer, &p->token, err);
}

static bool starts_operand(enum lex_kind k)
{
    return k == LEX_OPEN || k == LEX_NOT || k >= LEX_ALL;
}

static enum status deeper(struct parser *p, const struct lex_token *at, struct err *err)
{
    if (++p->depth <= LANG_DEPTH_MAX)
        return ST_OK;
    return query_fail(p->qe, err, at->from, at->to, "nested deeper than %d", LANG_DEPTH_MAX);
}

static const char *operator_name(const struct parser *p, const struct lex_token *t)
{
    if (t->kind == LEX_NOT)
        return p->lexer.text.data[t->from] == '-' ? "-" : "NOT";
    return t->kind == LEX_AND ? "AND" : "OR";
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

static enum status parse_not(struct parser *p, struct node **out, struct err *err)
{
    struct lex_token op = p->token;
    if (op.kind == LEX_AND || op.kind == LEX_OR)
        return query_fail(p->qe, err, op.from, op.to, "%s needs something to search for before it",
                          operator_name(p, &op));
    if (op.kind == LEX_CLOSE)
        return query_fail(p->qe, err, op.from, op.to, "this parenthesis was not opened");
    if (op.kind == LEX_OPEN)
        return parse_group(p, out, err);
    if (op.kind != LEX_NOT)
        return parse_leaf(p, out, err);
    TRY(deeper(p, &op, err));
    TRY(advance(p, err));
    TRY(need_operand(p, &op, err));
    struct node *kid;
    TRY(parse_not(p, &kid, err));
    p->depth--;
    struct node *n = parser_node(p, NODE_NOT);
    struct node **kids = arena_array(&p->query->arena, 1, sizeof *kids);
    if (!n || !kids)
        return err_no_memory(err);
    kids[0] = kid;
    n->list.kids = kids;
    n->list.n = 1;
    *out = n;
    return ST_OK;
}

/* The operands gathered in `kids` (pointers) as one node; a single one stands for itself. */
static enum status parse_join(struct parser *p, enum node_kind kind, const struct buf *kids,
                              struct node **out, struct err *err)
{
    TRY(buf_status(kids, err));
    size_t n = kids->len / sizeof(struct node *);
    struct node **list = arena_array(&p->query->arena, n, sizeof *list);
    if (!list)
        return err_no_memory(err);
    memcpy(list, kids->data, kids->len);
    *out = list[0];
    if (n == 1)
        return ST_OK;
    struct node *join = parser_node(p, kind);
    if (!join)
        return err_no_memory(err);
    join->list.kids = list;
    join->list.n = n;
    *out = join;
    return ST_OK;
}

static enum status parse_and(struct parser *p, struct node **out, struct err *err)
{
    struct buf kids = {0};
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
    st = parse_join(p, NODE_AND, &kids, out, err);
out:
    buf_release(&kids);
    return st;
}

static enum status parse_or(struct parser *p, struct node **out, struct err *err)
{
    struct buf kids = {0};
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
    st = parse_join(p, NODE_OR, &kids, out, err);
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
    enum status st = q->text.data ? ST_OK : err_no_memory(err);
    if (st == ST_OK) {
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
    arena_release(&q->arena);
    free(q);
}
