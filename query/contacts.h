/* contacts — who wrote to whom: how many messages, as search counts them (from:A to:B: messages,
 * notes and edits), the first and the last.
 * Owns: a graph owns its nodes and edges.  Threads: one.  Trusts: nothing.
 * Memory: the handles and groups of the case, the pairs that are counted, and while it counts, 4
 * bytes a document of one segment. No body is read. */
#ifndef QUERY_CONTACTS_H
#define QUERY_CONTACTS_H

#include "query/view.h"

#define CONTACTS_PAIRS_MAX 1000000u /* of a whole case */

struct contact_node {
    struct slice name;
    bool group;
    bool shown; /* in an edge */
};
struct contact_edge { /* from a handle to a handle or a group */
    uint32_t from, to;
    uint64_t direct;     /* messages in conversations of handles */
    uint64_t in_group;   /* to a handle: addressed to it by name in a group; to a group: in it */
    int64_t first, last; /* TIME_NONE: none has a time */
};
struct contact_graph {
    struct view *v;
    struct contact_node *nodes;
    size_t n, cap;
    struct contact_edge *edges; /* by from, to once finished */
    size_t n_edges, cap_edges;
    uint32_t *node_slots, *edge_slots; /* index + 1 by hash */
    size_t n_node_slots, n_edge_slots;
    uint32_t of; /* the handle asked for; UINT32_MAX: all */
    uint64_t seed;
    struct arena names;
};

/* Edges from and to `handle`, from it to groups, and from others to groups in which it wrote. With
 * data NULL all edges of the case; ST_USAGE where they are more than CONTACTS_PAIRS_MAX. */
MUST_USE enum status contacts_count(struct view *v, struct slice handle, struct contact_graph *out,
                                    struct err *err);
void contacts_release(struct contact_graph *g);

/* ---- of one handle ---- */

struct contact {
    struct slice handle;
    uint64_t sent, received;             /* direct: handle asked for -> this one, and back */
    uint64_t group_sent, group_received; /* the same, by name in a group */
    uint64_t in_groups;                  /* that this one wrote in groups of the other */
    int64_t first, last;                 /* of all but in_groups */
};
struct contact_group {
    struct slice group;
    uint64_t sent, others; /* messages of the handle asked for, of others */
    int64_t first, last;
};
/* Those written to and from come first, by number; then by handle. In `a`. */
MUST_USE enum status contacts_list(const struct contact_graph *g, struct arena *a,
                                   struct contact **out, size_t *n, struct err *err);
MUST_USE enum status contacts_groups(const struct contact_graph *g, struct arena *a,
                                     struct contact_group **out, size_t *n, struct err *err);

/* The graph as GraphML: nodes with name and kind (handle, group), edges with counts and times. */
void contacts_graphml(const struct contact_graph *g, struct buf *out);

#endif
