/* plan — a query made ready for one segment: for each node the walk of what may match and how to
 * test a document. And the evaluation itself (eval.c), which knows three answers.
 * Owns: a plan owns its walks.  Threads: one.
 * What cannot be tested does not match, negated or not: a word in a sealed body and a time of an
 * untimed message are neither true nor false. An unknown answer carries its reasons as bits, AND
 * and OR unite them, NOT leaves them alone. */
#ifndef QUERY_PLAN_H
#define QUERY_PLAN_H

#include "query/lang.h"
#include "query/walk.h"

#define TRUTH_FALSE 0u
#define TRUTH_SEALED 1u  /* unknown: the body is sealed */
#define TRUTH_UNTIMED 2u /* unknown: there is no time */
#define TRUTH_TRUE 4u

enum plan_kind {
    PLAN_ANY,
    PLAN_MATCH, /* what `match` offers is true */
    PLAN_SPANS, /* `match` offers what has the words it needs; their places decide */
    PLAN_STATE,
    PLAN_ID,
    PLAN_TIME,
    PLAN_HELD,
    PLAN_COPIES,
    PLAN_THEN,
    PLAN_NOT,
    PLAN_AND,
    PLAN_OR,
};

/* One word or pattern of a positional expression. */
struct plan_part {
    struct walk *sure;  /* postings of its words; NULL: nowhere */
    struct walk *doubt; /* of words that may be it, see walk_pattern; NULL: none */
};
struct plan_leaf {
    const struct node *node;
    struct plan_part *parts; /* as node->text.parts */
};

struct plan_node {
    enum plan_kind kind;
    const struct node *node;
    struct walk *cand;        /* all that may be true or unknown; NULL: any document */
    struct walk *match;       /* PLAN_MATCH, PLAN_SPANS (NULL: any document) */
    struct plan_leaf *leaves; /* PLAN_SPANS: by number of their nodes */
    size_t n_leaves;
    bool by_text; /* PLAN_SPANS: places come from the stored text, not from postings */
    bool sealed;  /* not matching, a sealed document is unknown */
    bool sure;    /* PLAN_HELD: each document offered has such a copy */
    struct plan_node **kids;
    size_t n;
    struct plan_node **by_cost; /* the kids, cheapest first (window.c); NULL: not sorted yet */
};

/* What is looked up once for all segments, by node->number: the messages whose own id an id: names
 * (a buf of struct message_ref a node), each nick: as a query for the handles called so, and what
 * each THEN says (a buf of struct then_found a node, query/then.h). */
struct plan_ids {
    struct buf *refs;
    const struct node **nicks;
    struct buf *thens;
    size_t n;
    struct arena arena;
};
MUST_USE enum status plan_ids_find(struct view *v, const struct query *q, struct plan_ids *out,
                                   struct err *err);
void plan_ids_release(struct plan_ids *ids);
/* An empty buf for each node in ids->thens. */
MUST_USE enum status plan_thens_new(const struct query *q, struct plan_ids *ids, struct err *err);

struct plan {
    struct view *view;
    const struct query *query;
    const struct plan_ids *ids;
    uint32_t segment;
    const struct segment_info *info;
    struct walk_set set;
    struct plan_node *root;
    struct walk *hidden;       /* documents out of range; NULL if there are none */
    struct walk *sealed;       /* documents that came sealed; NULL if there are none */
    struct arena text;         /* eval: one row */
    struct message_ref tested; /* eval: the last document, its state */
    struct doc_state state;
    bool state_known;
};

MUST_USE enum status plan_open(struct view *v, const struct query *q, const struct plan_ids *ids,
                               uint32_t segment, struct plan *p, struct err *err);
/* The same for a part of the query. */
MUST_USE enum status plan_open_root(struct view *v, const struct query *q, const struct node *root,
                                    const struct plan_ids *ids, uint32_t segment, struct plan *p,
                                    struct err *err);
void plan_close(struct plan *p);

/* First document >= `doc` that may match (DOC_END: none). */
MUST_USE enum status plan_seek(struct plan *p, uint32_t doc, uint32_t *out, struct err *err);
/* What the query says of message k of the document plan_seek came to. */
MUST_USE enum status plan_test(struct plan *p, uint32_t doc, uint32_t k, unsigned *truth,
                               struct err *err);

/* ---- plan_nick.c, plan_held.c ---- */
/* Fills ids->nicks: by the contacts of the lexicon, or by reading every record. */
MUST_USE enum status plan_nicks_find(struct view *v, const struct query *q, struct plan_ids *ids,
                                     struct err *err);
MUST_USE enum status plan_nicks_read(struct view *v, const struct query *q, struct plan_ids *ids,
                                     struct err *err);
struct plan_node *plan_make(struct plan *p, enum plan_kind kind, const struct node *n);
/* The operands of an AND or OR, of equal ones the first (plan_distinct.c); in the plan's arena. */
MUST_USE enum status plan_distinct(struct plan *p, const struct node *list, struct node ***out,
                                   size_t *n, struct err *err);
/* The documents of a has: term (plan.c). */
MUST_USE enum status plan_has(struct plan *p, const char *what, struct walk **out, struct err *err);
/* Walk and kind of a leaf about copies and attachments. */
MUST_USE enum status plan_held(struct plan *p, struct plan_node *x, struct err *err);
MUST_USE enum status eval_held(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                               unsigned *truth, struct err *err);
/* Whether a copy is of the source or dump that a NODE_HELD names, or says where (NODE_PLACE). */
bool held_matches(const struct node *n, const struct held_copy *c);
/* Whether an attachment's identity is that hash. */
bool attachment_matches(const struct lang_hash *h, struct slice identity);
/* State of the document that is being tested (eval.c). */
MUST_USE enum status eval_state(struct plan *p, uint32_t doc, const struct doc_state **out,
                                struct err *err);

/* ---- between the files of a plan ---- */

/* The documents of a word, or of all words that begin with `value`. */
MUST_USE enum status plan_field_walk(struct plan *p, enum term_field field, struct slice value,
                                     bool prefix, struct walk **out, struct err *err);
/* Two walks as one; `b` may be NULL. */
MUST_USE enum status plan_either(struct plan *p, struct walk *a, struct walk *b, struct walk **out,
                                 struct err *err);
/* x->cand of what matches text: x->match, and what is sealed, if the segment has any. */
MUST_USE enum status plan_text_cand(struct plan *p, struct plan_node *x, struct err *err);
/* Alternatives gathered so far, many of them poured into a bitmap. `open`: postings that were open
 * before `w`; they stay, those of `w` are closed once it is poured. */
struct united {
    struct walk **walks;
    size_t n;
    struct walk *bits;
    bool some, sealed;
};
MUST_USE enum status united_init(struct plan *p, struct united *u, struct err *err);
MUST_USE enum status united_add(struct plan *p, struct united *u, struct walk *w, size_t open,
                                struct err *err);
MUST_USE enum status united_end(struct plan *p, struct united *u, struct walk **out,
                                struct err *err);
/* A positional expression (plan_text.c). */
MUST_USE enum status plan_text(struct plan *p, struct plan_node *x, struct err *err);
/* Whether one has a place in a document that x->match offers (eval_text.c). */
MUST_USE enum status eval_spans(struct plan *p, const struct plan_node *x, uint32_t doc, bool *yes,
                                struct err *err);

#endif
