/* lang_print — the parsed form of a query: leaves as they were written, operators and the
 * parentheses that precedence needs in between. Parsing it again gives the same query. */
#include "query/lang.h"

/* OR binds least, then AND, NOT, THEN, NEAR; leaves never need parentheses. */
static int strength(const struct node *n)
{
    switch (n->kind) {
    case NODE_OR:
        return 0;
    case NODE_AND:
        return 1;
    case NODE_NOT:
        return 2;
    case NODE_THEN:
        return 3;
    case NODE_NEAR:
        return 4;
    default:
        return 5;
    }
}

static void operator_print(const struct node *n, struct buf *out)
{
    static const char *const units[] = {"s", "m", "h", "d", "msg"};
    switch (n->kind) {
    case NODE_OR:
        buf_put_str(out, " OR ");
        break;
    case NODE_AND:
        buf_put_str(out, " AND ");
        break;
    case NODE_NEAR:
        buf_printf(out, " %s/%u ", n->near.ordered ? "PRE" : "NEAR", n->near.distance);
        break;
    default:
        buf_printf(out, " THEN/%u%s ", n->then.amount, units[n->then.unit]);
        if (n->then.by == THEN_BY_SAME || n->then.by == THEN_BY_OTHER)
            buf_put_str(out, n->then.by == THEN_BY_SAME ? "by:same " : "by:other ");
        if (n->then.by == THEN_BY_HANDLE) {
            buf_put_slice(out, n->then.sender->written);
            buf_put_u8(out, ' ');
        }
    }
}

static void node_print(const struct node *n, int within, struct buf *out)
{
    int own = strength(n);
    bool group = own < within;
    if (group)
        buf_put_u8(out, '(');
    switch (n->kind) {
    case NODE_NOT:
        buf_put_str(out, "NOT ");
        node_print(n->list.kids[0], own, out);
        break;
    case NODE_AND:
    case NODE_OR:
    case NODE_NEAR:
    case NODE_THEN:
        for (size_t i = 0; i < n->list.n; i++) {
            bool chain = i == 0 && (n->kind == NODE_NEAR || n->kind == NODE_THEN);
            if (i > 0)
                operator_print(n, out);
            node_print(n->list.kids[i], chain ? own : own + 1, out);
        }
        break;
    default:
        buf_put_slice(out, n->written);
    }
    if (group)
        buf_put_u8(out, ')');
}

void query_print(const struct query *q, struct buf *out) { node_print(q->root, 0, out); }
