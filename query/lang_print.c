/* lang_print — the parsed form of a query: leaves as they were written, operators and the
 * parentheses that precedence needs in between. Parsing it again gives the same query. */
#include "query/lang.h"

/* NOT binds tightest, then AND, then OR; leaves never need parentheses. */
static int strength(const struct node *n)
{
    switch (n->kind) {
    case NODE_OR:
        return 0;
    case NODE_AND:
        return 1;
    case NODE_NOT:
        return 2;
    default:
        return 3;
    }
}

static void node_print(const struct node *n, int within, struct buf *out)
{
    bool group = strength(n) < within;
    if (group)
        buf_put_u8(out, '(');
    switch (n->kind) {
    case NODE_NOT:
        buf_put_str(out, "NOT ");
        node_print(n->list.kids[0], 2, out);
        break;
    case NODE_AND:
    case NODE_OR:
        for (size_t i = 0; i < n->list.n; i++) {
            if (i > 0)
                buf_put_str(out, n->kind == NODE_AND ? " AND " : " OR ");
            node_print(n->list.kids[i], strength(n) + 1, out);
        }
        break;
    default:
        buf_put_slice(out, n->written);
    }
    if (group)
        buf_put_u8(out, ')');
}

void query_print(const struct query *q, struct buf *out) { node_print(q->root, 0, out); }
