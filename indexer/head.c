/* head — the end of the ledger, written and compared. An entry's hash covers the one before it and
 * the manifest it carries: the same hash at the same number is the same case up to there. */
#include "indexer/head.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lictor/cli.h"
#include "lictor/os.h"
#include "lictor/timestamp.h"

#define HEAD_WORD "lictor-ledger-head/1"
#define HEAD_FILE_MAX ((size_t)64 << 10)

void head_write(const struct casefile *cf, struct buf *out)
{
    const struct manifest *m = casefile_manifest(cf);
    char id[33], hash[65], digest[65], when[TIME_TEXT_SIZE];
    hex_encode(casefile_id(cf), 16, id);
    hex_encode(m->ledger_head, 32, hash);
    casefile_digest(cf, digest);
    time_text(os_now_ms(), when);
    buf_printf(out,
               HEAD_WORD "\ncase %s\nentries %llu\nhead %s\ndigest %s\ngeneration %llu\n"
                         "written %s by this machine's clock\n",
               id, (unsigned long long)m->ledger_entries, hash, digest,
               (unsigned long long)m->generation, when);
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

static bool head_parse(struct slice text, struct head *h)
{
    char number[24] = "";
    struct slice n = value_of(text, "entries");
    size_t word = strlen(HEAD_WORD);
    if (text.len < word || memcmp(text.data, HEAD_WORD, word) != 0 || n.len >= sizeof number)
        return false;
    if (n.len)
        memcpy(number, n.data, n.len);
    return get_hex(value_of(text, "case"), sizeof h->case_id, h->case_id) &&
           get_hex(value_of(text, "head"), sizeof h->hash, h->hash) &&
           cli_uint(number, 1, UINT64_MAX, &h->entries);
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
