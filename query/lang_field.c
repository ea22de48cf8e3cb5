/* lang_field — name:value. Handles and groups are compared as delivered, byte for byte; values are
 * checked here, so that a query that can never match is an error and not an empty answer. */
#include <stdio.h>

#include "query/lang.h"

static const struct field {
    const char *name;
    enum node_kind kind;
    uint8_t fields[2];
} fields[] = {
    {"from", NODE_FIELD, {TERM_FROM, 0}},
    {"to", NODE_FIELD, {TERM_TO, 0}},
    {"with", NODE_FIELD, {TERM_FROM, TERM_TO}},
    {"group", NODE_FIELD, {TERM_GROUP, 0}},
    {"service", NODE_FIELD, {TERM_SERVICE, 0}},
    {"nick", NODE_NICK, {0, 0}},
    {"has", NODE_STATE, {TERM_HAS, 0}},
    {"conv", NODE_CONV, {0, 0}},
    {"id", NODE_ID, {0, 0}},
    {"kind", NODE_KIND, {0, 0}},
    {"source", NODE_HELD, {0, 0}},
    {"dump", NODE_HELD, {0, 0}},
    {"copies", NODE_COPIES, {0, 0}},
    {"sha256", NODE_ATTACHMENT, {0, 0}},
    {"on", NODE_TIME, {0, 0}},
    {"after", NODE_TIME, {0, 0}},
    {"before", NODE_TIME, {0, 0}},
};

static const struct field *field_find(struct slice name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (slice_eq_str(name, fields[i].name))
            return &fields[i];
    return NULL;
}

bool lang_field_known(struct slice name) { return field_find(name); }

enum status value_fail(struct parser *p, const struct lex_token *t, struct err *err,
                       const char *what)
{
    return query_fail(p->qe, err, t->value_from, t->to, "%s", what);
}

/* Quotes take every sign as written; a * may stand behind them. Elsewhere signs are wildcards, and
 * \ takes the next one as written. */
static enum status value_read(struct parser *p, const struct lex_token *t, struct lang_value *out,
                              struct err *err)
{
    struct buf text = {0};
    out->wild = t->quoted ? t->star : wild_any(t->value);
    if (t->quoted != out->wild) {
        out->text = t->value;
        return ST_OK;
    }
    if (t->quoted) {
        wild_escape(t->value, &text);
        buf_put_u8(&text, '*');
    } else {
        wild_undo(t->value, &text);
    }
    out->text = arena_copy(&p->query->arena, buf_slice(&text));
    bool failed = text.failed || !out->text.data;
    buf_release(&text);
    return failed ? err_no_memory(err) : ST_OK;
}

/* from: to: with: group: service: */
static enum status field_handle(const struct field *f, const struct lang_value *v, struct node *n)
{
    n->field.value = v->text;
    n->field.wild = v->wild;
    n->field.n_fields = f->fields[1] ? 2 : 1;
    memcpy(n->field.fields, f->fields, sizeof n->field.fields);
    return ST_OK;
}

static enum status field_has(struct parser *p, const struct lex_token *t, struct node *n,
                             struct err *err)
{
    static const char *const terms[] = {"attachment", "reply", "link", "emoji",
                                        "email",      "phone", "iban", "crypto"};
    enum { FIRST_OF_TEXT = 2 };
    static const char *const states[] = {"sealed", "conflict", "repeated", "copies"};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        if (slice_eq_str(t->value, terms[i])) {
            n->kind = NODE_FIELD;
            n->field.value = slice_str(terms[i]);
            n->field.fields[0] = TERM_HAS;
            n->field.n_fields = 1;
            n->field.of_text = i >= FIRST_OF_TEXT;
            return ST_OK;
        }
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (slice_eq_str(t->value, states[i])) {
            n->state = (enum node_state)i;
            p->query->per_message |= i == STATE_CONFLICT || i == STATE_COPIES;
            return ST_OK;
        }
    if (slice_eq_str(t->value, "coordinates")) {
        n->kind = NODE_PLACE;
        p->query->per_message = true;
        return ST_OK;
    }
    return value_fail(p, t, err,
                      "has: takes link, emoji, attachment, reply, email, phone, iban, crypto, "
                      "coordinates, sealed, conflict, repeated or copies");
}

static enum status field_kind(struct parser *p, const struct lex_token *t, struct node *n,
                              struct err *err)
{
    char all[160] = "kind: takes";
    size_t len = strlen(all);
    for (int k = 0; k < DOC_KINDS; k++) {
        const char *name = doc_kind_name((enum doc_kind)k);
        if (slice_eq_str(t->value, name)) {
            n->doc_kind = (enum doc_kind)k;
            p->query->has_kind = true;
            return ST_OK;
        }
        int wrote = snprintf(all + len, sizeof all - len, "%s%s",
                             k == 0               ? " "
                             : k == DOC_KINDS - 1 ? " or "
                                                  : ", ",
                             name);
        if (wrote > 0 && (size_t)wrote < sizeof all - len)
            len += (size_t)wrote;
    }
    return value_fail(p, t, err, all);
}

static bool hex_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return s.len >= LANG_HEX_MIN && s.len <= LANG_HEX_MAX;
}

static enum status field_conv(struct parser *p, const struct lex_token *t, struct node *n,
                              struct err *err)
{
    if (!hex_digits(t->value))
        return value_fail(p, t, err, "conv: takes 8 to 32 hex digits");
    char hex[LANG_HEX_MAX];
    memset(hex, '0', sizeof hex);
    memcpy(hex, t->value.data, t->value.len);
    n->conv.digits = t->value.len;
    MUST(hex_decode(hex, KEY_SIZE, n->conv.key));
    return ST_OK;
}

static enum status field_id(struct parser *p, const struct lang_value *v, struct node *n)
{
    n->id.value = v->text;
    n->id.maybe_ours = hex_digits(v->text);
    n->id.next = p->query->last_id;
    p->query->last_id = n;
    p->query->per_message |= n->id.maybe_ours;
    return ST_OK;
}

/* "X..Y", also in quotes: where the dots stand, or the length of the value. */
static size_t range_dots(struct slice v)
{
    for (size_t i = 0; i + 1 < v.len; i++)
        if (v.data[i] == '.' && v.data[i + 1] == '.')
            return i;
    return v.len;
}

static enum status field_time(struct parser *p, const struct lex_token *t, struct node *n,
                              struct err *err)
{
    struct slice v = t->value;
    size_t dots = range_dots(v);
    bool on = slice_eq_str(t->name, "on");
    struct lang_span span, last;
    if (dots < v.len && !on)
        return value_fail(p, t, err, "a range X..Y is for on: only");
    const char *wrong = parse_span(slice_of(v.data, dots), p->zone, &span);
    if (!wrong && dots < v.len) {
        wrong = parse_span(slice_of(v.data + dots + 2, v.len - dots - 2), p->zone, &last);
        if (!wrong)
            span = (struct lang_span){.from = span.from, .to = last.to + last.again};
        if (!wrong && span.to <= span.from)
            wrong = "the range ends before it begins";
    }
    if (!wrong && on && span.to <= span.from)
        wrong = "the clocks of the time zone skip this time";
    if (wrong)
        return value_fail(p, t, err, wrong);
    n->time = span;
    if (!on)
        n->time = slice_eq_str(t->name, "before")
                      ? (struct lang_span){.from = INT64_MIN, .to = span.from}
                      : (struct lang_span){.from = span.from, .to = INT64_MAX};
    return ST_OK;
}

static bool takes_wildcards(enum node_kind k)
{
    return k == NODE_FIELD || k == NODE_NICK || k == NODE_HELD;
}

static enum status refuse_wildcard(struct parser *p, const struct lex_token *t,
                                   const struct field *f, struct err *err)
{
    size_t at = t->to - 1;
    for (size_t i = 0; !t->quoted && i < t->value.len; i++)
        if (t->value.data[i] == '*' || t->value.data[i] == '?') {
            at = t->value_from + i;
            break;
        } else if (t->value.data[i] == '\\') {
            i++;
        }
    return query_fail(p->qe, err, at, at + 1, "%s: takes no wildcard", f->name);
}

enum status parse_field(struct parser *p, const struct lex_token *t, struct node **out,
                        struct err *err)
{
    const struct field *f = field_find(t->name);
    MUST(f); /* the lexer saw to it */
    struct lang_value v;
    struct node *n = parser_node(p, f->kind);
    if (!n)
        return err_no_memory(err);
    *out = n;
    TRY(value_read(p, t, &v, err));
    if (v.text.len == 0)
        return value_fail(p, t, err, "the value is empty");
    if (v.wild && !takes_wildcards(f->kind))
        return refuse_wildcard(p, t, f, err);
    if (v.wild && v.text.len > LANG_WILD_MAX)
        return query_fail(p->qe, err, t->value_from, t->to,
                          "a value with wildcards is at most %d bytes long", LANG_WILD_MAX);
    switch (f->kind) {
    case NODE_FIELD:
        return field_handle(f, &v, n);
    case NODE_STATE:
        return field_has(p, t, n, err);
    case NODE_KIND:
        return field_kind(p, t, n, err);
    case NODE_CONV:
        return field_conv(p, t, n, err);
    case NODE_ID:
        return field_id(p, &v, n);
    case NODE_TIME:
        return field_time(p, t, n, err);
    default:
        return parse_held(p, t, &v, n, err);
    }
}
