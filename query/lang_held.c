/* lang_held — values about who held a message, and with what: source: dump: copies: sha256: nick:.
 * What can never be true is an error. */
#include "query/lang.h"

#define HASH_DIGITS_MIN 8
#define HASH_DIGITS_MAX ((size_t)2 * SHA256_SIZE)

bool lang_hash_is(const struct lang_hash *h, const uint8_t hash[SHA256_SIZE])
{
    size_t whole = h->digits / 2;
    if (h->digits == 0 || memcmp(h->bytes, hash, whole) != 0)
        return false;
    return h->digits % 2 == 0 || (h->bytes[whole] ^ hash[whole]) < 16;
}

/* 8 to 64 hex digits; false if it is not so. */
static bool hash_read(struct slice s, struct lang_hash *out)
{
    char hex[HASH_DIGITS_MAX];
    if (s.len < HASH_DIGITS_MIN || s.len > HASH_DIGITS_MAX)
        return false;
    memset(hex, '0', sizeof hex);
    memcpy(hex, s.data, s.len);
    out->digits = s.len;
    return hex_decode(hex, SHA256_SIZE, out->bytes);
}

/* ---- copies: 2  >1  >=2  <3  <=3  2..4 ---- */

struct scan {
    struct slice s;
    size_t pos;
};

static bool scan_number(struct scan *c, uint64_t *out)
{
    size_t from = c->pos;
    *out = 0;
    for (; c->pos < c->s.len && c->s.data[c->pos] >= '0' && c->s.data[c->pos] <= '9'; c->pos++) {
        if (*out > UINT32_MAX)
            return false;
        *out = *out * 10 + (uint64_t)(c->s.data[c->pos] - '0');
    }
    return c->pos > from && *out <= UINT32_MAX;
}

static bool scan_sign(struct scan *c, const char *sign)
{
    size_t n = strlen(sign);
    if (c->s.len - c->pos < n || memcmp(c->s.data + c->pos, sign, n) != 0)
        return false;
    c->pos += n;
    return true;
}

static bool copies_read(struct slice s, uint64_t *from, uint64_t *to)
{
    struct scan c = {.s = s};
    uint64_t n;
    bool less = scan_sign(&c, "<"), more = !less && scan_sign(&c, ">");
    bool same = (less || more) && scan_sign(&c, "=");
    if (!scan_number(&c, &n))
        return false;
    *from = less ? 0 : more && !same ? n + 1 : n;
    *to = more ? UINT64_MAX : n;
    if (less && !same && n > 0)
        *to = n - 1;
    if (!less && !more && scan_sign(&c, "..") && !scan_number(&c, to))
        return false;
    return c.pos == s.len;
}

static enum status field_copies(struct parser *p, const struct lex_token *t, struct slice value,
                                struct node *n, struct err *err)
{
    uint64_t from, to;
    if (!copies_read(value, &from, &to))
        return value_fail(p, t, err, "copies: takes 2, >1, >=2, <3, <=3 or 2..4");
    if (from > to)
        return value_fail(p, t, err, "the range ends before it begins");
    if (to == 0)
        return value_fail(p, t, err, "every message has one copy at least");
    n->copies.from = from;
    n->copies.to = to;
    p->query->per_message = true;
    return ST_OK;
}

/* ---- the others ---- */

static enum status field_held(struct parser *p, const struct lex_token *t,
                              const struct lang_value *v, struct node *n)
{
    n->held.value = v->text;
    n->held.wild = v->wild;
    n->held.dump = slice_eq_str(t->name, "dump");
    if (!n->held.dump || v->wild || !hash_read(v->text, &n->held.hash))
        n->held.hash.digits = 0;
    p->query->per_message = true;
    return ST_OK;
}

static enum status field_attachment(struct parser *p, const struct lex_token *t,
                                    const struct lang_value *v, struct node *n, struct err *err)
{
    if (!hash_read(v->text, &n->attachment))
        return value_fail(p, t, err, "sha256: takes 8 to 64 hex digits, of an attachment's hash");
    return ST_OK;
}

/* Folded between the wildcards; a sign that folding brings is a sign as written. */
static enum status nick_fold(struct parser *p, const struct lang_value *v, struct buf *out,
                             struct err *err)
{
    struct buf stretch = {0}, folded = {0};
    enum status st = ST_OK;
    size_t at = 0;
    while (st == ST_OK && at < v->text.len) {
        uint8_t c = v->text.data[at];
        size_t end = at;
        if (c == '*' || c == '?') {
            buf_put_u8(out, c);
            at++;
            continue;
        }
        while (end < v->text.len && v->text.data[end] != '*' && v->text.data[end] != '?')
            end += v->text.data[end] == '\\' && end + 1 < v->text.len ? 2 : 1;
        buf_clear(&stretch);
        buf_clear(&folded);
        wild_undo(slice_of(v->text.data + at, end - at), &stretch);
        st = splitter_casefold(p->splitter, buf_slice(&stretch), &folded, err);
        wild_escape(buf_slice(&folded), out);
        at = end;
    }
    if (st == ST_OK)
        st = buf_status(&stretch, err);
    buf_release(&stretch);
    buf_release(&folded);
    return st;
}

static enum status field_nick(struct parser *p, const struct lang_value *v, struct node *n,
                              struct err *err)
{
    struct buf folded = {0};
    enum status st = v->wild ? nick_fold(p, v, &folded, err)
                             : splitter_casefold(p->splitter, v->text, &folded, err);
    if (st == ST_OK)
        st = buf_status(&folded, err);
    if (st == ST_OK) {
        n->nick.value = arena_copy(&p->query->arena, buf_slice(&folded));
        st = n->nick.value.data ? ST_OK : err_no_memory(err);
    }
    buf_release(&folded);
    n->nick.wild = v->wild;
    n->nick.next = p->query->last_nick;
    p->query->last_nick = n;
    return st;
}

enum status parse_held(struct parser *p, const struct lex_token *t, const struct lang_value *v,
                       struct node *n, struct err *err)
{
    switch (n->kind) {
    case NODE_HELD:
        return field_held(p, t, v, n);
    case NODE_COPIES:
        return field_copies(p, t, v->text, n, err);
    case NODE_ATTACHMENT:
        return field_attachment(p, t, v, n, err);
    default:
        return field_nick(p, v, n, err);
    }
}
