/* lang — the query language: text to tokens to a tree of nodes, and the tree as text again.
 * Rules: docs/QUERY.md. What this version does not have is refused by name.
 * Owns: a query owns its nodes, a copy of its text (one arena) and its patterns.
 * Threads: a parsed query is read-only, but a regular expression is matched in memory of its own:
 * one thread at a time.  Trusts: nothing.
 * Depth: parentheses and negations nest LANG_DEPTH_MAX deep and the tree is LANG_HEIGHT_MAX high at
 * most, so that everything which walks a query may recurse. */
#ifndef QUERY_LANG_H
#define QUERY_LANG_H

#include "query/pattern.h"
#include "query/search.h"
#include "query/wild.h"

#define LANG_TEXT_MAX ((size_t)1 << 20) /* bytes of a query */
#define LANG_DEPTH_MAX 1000
#define LANG_HEIGHT_MAX 4000
#define LANG_PARTS_MAX 1000   /* words of one phrase */
#define LANG_WILD_MAX 1000    /* bytes of a value with wildcards */
#define LANG_PREFIX_MAX 200   /* bytes: terms are stored whole up to there */
#define LANG_NEAR_MAX 1000    /* NEAR/n, PRE/n, "..."~n */
#define LANG_THEN_MAX 1000000 /* THEN/n of any unit */
#define LANG_HEX_MIN 8        /* digits of a shortened id */
#define LANG_HEX_MAX 32

enum node_kind {
    NODE_ALL,
    NODE_TEXT,  /* a word, a pattern, a phrase of both, or "..."~n */
    NODE_NEAR,  /* NEAR/n and PRE/n: two positional expressions (see lang_positional) */
    NODE_THEN,  /* two messages of one conversation */
    NODE_FIELD, /* sender, recipient, group, has */
    NODE_KIND,
    NODE_STATE, /* what copies and other records say of a message */
    NODE_CONV,
    NODE_ID,
    NODE_TIME,
    NODE_HELD,       /* some copy of it came from that source or in that dump */
    NODE_COPIES,     /* how many copies it has */
    NODE_ATTACHMENT, /* by its hash */
    NODE_PLACE,      /* coordinates in its text, or a copy says where */
    NODE_NICK,       /* what an address book calls the sender or a recipient */
    NODE_NOT,
    NODE_AND,
    NODE_OR,
};

/* The instants [from, to), and the same `again` ms later where clocks show them twice. */
struct lang_span {
    int64_t from, to;
    int64_t again; /* 0: not */
};
bool lang_span_has(const struct lang_span *span, int64_t ms);

/* The beginning of a SHA-256. */
struct lang_hash {
    uint8_t bytes[SHA256_SIZE]; /* zeros behind the digits */
    size_t digits;              /* 0: none */
};
bool lang_hash_is(const struct lang_hash *h, const uint8_t hash[SHA256_SIZE]);

/* One word of a phrase. */
struct text_part {
    struct slice folded;     /* as in the lexicon */
    struct slice written;    /* as in the query, for exact search */
    uint32_t offset;         /* position after the first part */
    uint8_t kind;            /* enum token_kind */
    struct pattern *pattern; /* then folded and kind say nothing; else NULL */
};

/* Positions behind the one of `last`, the last part of a phrase, that belong to it too: a pair of
 * characters stands at the position of the first. */
static inline uint32_t text_part_tail(const struct text_part *last)
{
    return !last->pattern && last->kind == TOKEN_CJK_PAIR;
}

enum then_unit { THEN_SECONDS, THEN_MINUTES, THEN_HOURS, THEN_DAYS, THEN_MESSAGES };
enum then_by { THEN_BY_ANY, THEN_BY_SAME, THEN_BY_OTHER, THEN_BY_HANDLE };

enum node_state { STATE_SEALED, STATE_CONFLICT, STATE_REPEATED, STATE_COPIES };

struct node {
    enum node_kind kind;
    uint32_t number;      /* of the node in its query, from 0 */
    uint16_t height;      /* of the tree under it, 0 for a leaf */
    struct slice written; /* as it was written, without parentheses around it */
    union {
        struct {
            const struct text_part *parts;
            size_t n;
            uint32_t within; /* "..."~n: all parts in any order within n; 0: a phrase */
            bool exact;
            bool patterned; /* a part is a pattern */
        } text;
        struct {
            struct slice value;
            uint8_t fields[2]; /* enum term_field; a match in any of them is one */
            uint8_t n_fields;
            bool wild;    /* value is a pattern (wild.h) */
            bool of_text; /* has:link …: a sealed body cannot be tested for it */
        } field;
        enum doc_kind doc_kind;
        enum node_state state;
        struct {
            uint8_t key[KEY_SIZE]; /* first `digits` hex digits hold, zero after them */
            size_t digits;
        } conv;
        struct {
            struct slice value;
            bool maybe_ours;         /* 8 to 32 hex digits */
            const struct node *next; /* the id: before it in the query */
        } id;
        struct lang_span time;
        struct {
            struct slice value;
            bool wild, dump; /* else a source */
            struct lang_hash hash;
        } held;
        struct {
            uint64_t from, to; /* both included */
        } copies;
        struct lang_hash attachment;
        struct {
            struct slice value; /* case folded */
            bool wild;
            const struct node *next; /* the nick: before it in the query */
        } nick;
        struct {
            struct node **kids;
            size_t n;
        } list; /* NOT has one */
        /* These begin as list does: what walks all kids may read list. */
        struct {
            struct node **kids; /* two */
            size_t n;
            uint32_t distance;
            bool ordered; /* PRE */
        } near;
        struct {
            struct node **kids; /* two: the earlier one, the hit */
            size_t n;
            uint32_t amount; /* 1 .. LANG_THEN_MAX */
            enum then_unit unit;
            enum then_by by;
            const struct node *sender; /* THEN_BY_HANDLE: the from: node that by: stands for */
        } then;
    };
};

/* Of one search of a query: the steps that the places of its words took, and may take (spans.h);
 * and the part of its text that came to a limit (see query_refused), {0} for none. */
struct spans_budget {
    uint64_t spent, most;
    struct pattern_budget patterns;
    struct slice refused;
};

struct query {
    struct arena arena;
    struct spans_budget *spans; /* who has the query may spend: one thread */
    struct slice text;
    struct node *root;
    uint32_t nodes;
    struct pattern_set patterns;
    const struct node *last_id;   /* the id: nodes, linked by `next` */
    const struct node *last_nick; /* the nick: nodes, likewise */
    bool has_kind;                /* a `kind:` stands in it: hidden documents are in range */
    bool per_message;             /* the messages of one repeated content may answer differently */
};

/* ---- tokens (lang_lex.c) ---- */

enum lex_kind {
    LEX_END,
    LEX_OPEN,
    LEX_CLOSE,
    LEX_AND,
    LEX_OR,
    LEX_NOT,  /* NOT, or - before an operand */
    LEX_NEAR, /* NEAR/n, PRE/n */
    LEX_THEN,
    LEX_BY, /* by:, right behind THEN; as LEX_FIELD */
    LEX_ALL,
    LEX_WORD, /* value with its escapes */
    LEX_REGEX,
    LEX_PHRASE, /* value with its escapes */
    LEX_FIELD,
};

struct lex_token {
    enum lex_kind kind;
    size_t from, to;    /* bytes of the query */
    struct slice value; /* LEX_FIELD: escapes undone in quotes */
    struct slice name;  /* LEX_FIELD */
    size_t value_from;  /* LEX_FIELD, LEX_PHRASE, LEX_REGEX: where the value begins */
    uint32_t number;    /* LEX_NEAR, LEX_THEN, "..."~n */
    enum then_unit unit;
    bool ordered; /* LEX_NEAR: PRE */
    bool exact;
    bool quoted;
    bool star; /* LEX_FIELD: a * behind the quoted value */
};

struct lexer {
    struct slice text;
    size_t pos;
    struct arena *arena;
    struct query_error *qe;
    bool behind_then; /* by: may stand here */
};
MUST_USE enum status lex_next(struct lexer *l, struct lex_token *t, struct err *err);

/* What the signs of a piece of text say: of an unquoted word, or of a phrase between blanks. */
struct lex_piece {
    bool wild;     /* a * or ? that is not escaped */
    size_t tilde;  /* where a trailing ~digits begins, or the piece's length */
    uint8_t edits; /* of ~1 and ~2; 0: none or another number */
};
struct lex_piece lex_piece(struct slice s);
/* Bytes of the blank at `pos`, 0 if none. */
size_t lex_blank(struct slice s, size_t pos);
/* Over the signs at `pos` that are not seen; `to` without those at the end of [from, to), unless a
 * backslash takes them (lang_signs.c). */
size_t lex_skip_unseen(struct slice s, size_t pos);
size_t lex_trim_unseen(struct slice s, size_t from, size_t to);
/* What only looks like a sign of the language in the word or value [from, to). */
MUST_USE enum status lex_refuse_look_alikes(const struct lexer *l, size_t from, size_t to,
                                            bool value, struct err *err);

/* ---- the parser and its leaves ---- */

struct parser {
    struct lexer lexer;
    struct lex_token token; /* the one looked at */
    struct query *query;
    struct splitter *splitter;
    struct zone *zone;
    struct query_error *qe;
    int depth;
    size_t end; /* of the token before `token` */
};
/* NULL without memory. */
struct node *parser_node(struct parser *p, enum node_kind kind);
/* Words, patterns and phrases (lang_word.c). */
MUST_USE enum status parse_word(struct parser *p, const struct lex_token *t, struct node **out,
                                struct err *err);
/* from: … before: (lang_field.c). */
MUST_USE enum status parse_field(struct parser *p, const struct lex_token *t, struct node **out,
                                 struct err *err);
/* source: dump: copies: sha256: nick: (lang_held.c). */
struct lang_value;
MUST_USE enum status parse_held(struct parser *p, const struct lex_token *t,
                                const struct lang_value *v, struct node *n, struct err *err);
/* A value: text to be taken as it is, or a pattern (wild.h). */
struct lang_value {
    struct slice text;
    bool wild;
};
/* Something is wrong with the value of a field. */
enum status value_fail(struct parser *p, const struct lex_token *t, struct err *err,
                       const char *what);
/* "2020", "2020-04", "2020-04-02T18:23+02:00" (lang_time.c) to [*from, *to); NULL, or what is wrong
 * with it. */
const char *parse_time(struct slice s, struct zone *zone, int64_t *from, int64_t *to);
/* The same in full; a time that the zone's clocks skip is an empty span at its place. */
const char *parse_span(struct slice s, struct zone *zone, struct lang_span *out);

bool lang_field_known(struct slice name);
#define LANG_FIELDS                                                                                \
    "from: to: with: group: nick: conv: id: kind: has: service: source: dump: copies: sha256: "    \
    "on: "                                                                                         \
    "after: before:"

/* A word, pattern, phrase, NEAR or PRE, or an OR of those: what has places in a text, and may stand
 * beside NEAR and PRE. */
bool lang_positional(const struct node *n);

/* Fills *qe and *err, returns ST_BAD_INPUT (lang_error.c). */
enum status query_fail(struct query_error *qe, struct err *err, size_t from, size_t to,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Node `n` came to a limit (ST_LIMIT): the innermost is kept, for the caret. Nodes that a query
 * stands for and that nobody wrote are passed over. */
static inline void query_refused(struct spans_budget *b, const struct node *n)
{
    if (!b->refused.data && n->written.len)
        b->refused = n->written;
}
/* What *err says of a query that was refused, and the place; false if there is none. */
bool query_refusal(const struct query *q, const struct err *err, struct query_error *qe);
/* At most 60 bytes of `s`, cut between characters: for "%.*s". */
int lang_show(struct slice s);

#endif
