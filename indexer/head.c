/* head — the end of the ledger, written and compared. An entry's hash covers the one before it and
 * the manifest it carries: the same hash at the same number is the same case up to there. */
#include "indexer/head.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lictor/cli.h"
#include "lictor/os.h"
#include "lictor/query_log.h"
#include "lictor/timestamp.h"

#define HEAD_WORD "lictor-ledger-head/1"
#define HEAD_FILE_MAX ((size_t)64 << 10)

/* The end of the query log; left out where it cannot be read, which verify tells. */
static void queries_write(const struct casefile *cf, struct buf *out)
{
    struct query_log *l = NULL;
    struct query_log_head head;
    struct err ignored = {0};
    char hash[65];
    if (query_log_open(cf, NULL, QUERY_LOG_READ, &l, &ignored) == ST_OK &&
        query_log_head(l, &head, &ignored) == ST_OK) {
        hex_encode(head.hash, sizeof head.hash, hash);
        buf_printf(out, "queries %llu\nqueries-head %s\n", (unsigned long long)head.entries, hash);
    }
    query_log_close(l);
}

void head_write(const struct casefile *cf, struct buf *out)
{
    const struct manifest *m = casefile_manifest(cf);
    char id[33], hash[65], digest[65], when[TIME_TEXT_SIZE];
    hex_encode(casefile_id(cf), 16, id);
    hex_encode(m->ledger_head, 32, hash);
    casefile_digest(cf, digest);
    time_text(os_now_ms(), when);
    buf_printf(out, HEAD_WORD "\ncase %s\nentries %llu\nhead %s\ndigest %s\ngeneration %llu\n", id,
               (unsigned long long)m->ledger_entries, hash, digest,
               (unsigned long long)m->generation);
    queries_write(cf, out);
    buf_printf(out, "written %s by this machine's clock\n", when);
}

/* The rest of the line that begins with `name` and a blank. */
static struct slice value_of(struct slice text, const char *name)
{
    size_t n = strlen(name);
    for (size_t pos = 0; pos < text.len;) {
        const uint8_t *line = text.data + pos, *lf = memchr(line, '\n', text.len - pos);
        size_t len = lf ? (size_t)(lf - line) : text.len - pos;
        pos += len + 1;
        while (len && line[len - 1] == '\r')
            len--;
        if (len > n && memcmp(line, name, n) == 0 && line[n] == ' ')
            return slice_of(line + n + 1, len - n - 1);
    }
    return slice_of(NULL, 0);
}

static bool get_hex(struct slice v, size_t bytes, uint8_t *out)
{
    return v.len == 2 * bytes && hex_decode((const char *)v.data, bytes, out);
}

static bool get_number(struct slice v, uint64_t least, uint64_t *out)
{
    char number[24] = "";
    if (v.len == 0 || v.len >= sizeof number)
        return false;
    memcpy(number, v.data, v.len);
    return cli_uint(number, least, UINT64_MAX, out);
}

/* The lines of the query log are missing in heads of older programs. */
static bool head_parse(struct slice text, struct head *h)
{
    size_t word = strlen(HEAD_WORD);
    struct slice queries = value_of(text, "queries");
    if (text.len < word || memcmp(text.data, HEAD_WORD, word) != 0)
        return false;
    h->queries = 0;
    if (queries.len &&
        !(get_number(queries, 0, &h->queries) &&
          get_hex(value_of(text, "queries-head"), sizeof h->queries_hash, h->queries_hash)))
        return false;
    return get_hex(value_of(text, "case"), sizeof h->case_id, h->case_id) &&
           get_hex(value_of(text, "head"), sizeof h->hash, h->hash) &&
           get_number(value_of(text, "entries"), 1, &h->entries);
}

enum status head_read(const char *path, struct head *out, struct err *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    TRY(os_read_file(AT_FDCWD, path, HEAD_FILE_MAX, &data, &len, err));
    bool good = head_parse(slice_of(data, len), out);
    free(data);
    return good
               ? ST_OK
               : err_set(err, ST_USAGE,
                         "%s: this is no head of a ledger (`ledger CASE --head` writes one)", path);
}

struct seeking {
    const struct head *head;
    uint64_t seen;
    bool same;
};

static enum status visit(void *ctx, const struct ledger_entry *e, struct err *err)
{
    struct seeking *s = ctx;
    (void)err;
    s->seen++;
    if (e->number + 1 == s->head->entries)
        s->same = memcmp(e->hash, s->head->hash, sizeof s->head->hash) == 0;
    return ST_OK;
}

static enum status visit_query(void *ctx, const struct query_log_entry *e, struct err *err)
{
    struct seeking *s = ctx;
    (void)err;
    s->seen = e->number + 1;
    if (e->number + 1 == s->head->queries)
        s->same = memcmp(e->hash, s->head->queries_hash, sizeof e->hash) == 0;
    return ST_OK;
}

static enum status queries_check(const struct casefile *cf, const struct head *h,
                                 void (*found)(void *ctx, const char *file, const char *what),
                                 void *ctx, uint64_t *damaged, struct err *err)
{
    struct query_log *l = NULL;
    struct seeking s = {.head = h};
    if (h->queries == 0)
        return ST_OK;
    enum status st = query_log_open(cf, NULL, QUERY_LOG_READ, &l, err);
    if (st == ST_OK)
        st = query_log_walk(l, visit_query, &s, err);
    query_log_close(l);
    if (st != ST_OK && st != ST_DAMAGED && st != ST_NOT_FOUND)
        return st; /* damage is named by casefile_verify */
    if (s.same)
        return ST_OK;
    ++*damaged;
    found(ctx, QUERY_LOG_NAME,
          s.seen < h->queries
              ? "entries that it had when its head was noted are gone: it was taken "
                "back to an earlier state"
              : "it is not the one whose head was noted: another history");
    return ST_OK;
}

enum status head_check(struct casefile *cf, const struct head *h,
                       void (*found)(void *ctx, const char *file, const char *what), void *ctx,
                       uint64_t *damaged, struct err *err)
{
    char what[160];
    struct seeking s = {.head = h};
    if (memcmp(h->case_id, casefile_id(cf), sizeof h->case_id) != 0) {
        ++*damaged;
        found(ctx, "CASE", "the head that was noted is that of another case");
        return ST_OK;
    }
    TRY(queries_check(cf, h, found, ctx, damaged, err));
    enum status st = ledger_walk(cf, visit, &s, err);
    if (st != ST_OK && st != ST_DAMAGED)
        return st; /* damage of the ledger is named by casefile_verify */
    if (s.same)
        return ST_OK;
    ++*damaged;
    if (s.seen < h->entries)
        snprintf(what, sizeof what,
                 "it has %llu entries, but had %llu when its head was noted: the case was taken "
                 "back to an earlier state",
                 (unsigned long long)s.seen, (unsigned long long)h->entries);
    else
        snprintf(what, sizeof what,
                 "entry %llu is not the one whose head was noted: another history",
                 (unsigned long long)h->entries - 1);
    found(ctx, "ledger", what);
    return ST_OK;
}
