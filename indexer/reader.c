/* reader — `end` and a second `dump` line change what the lines behind them are, so the reader must
 * find them before it hands lines to workers that run in any order. It looks for the only bytes
 * that can spell these two kinds ("end", "dump", or an escape of an ASCII letter) and parses just
 * those lines. */
#include "indexer/reader.h"

#include "indexer/core.h"
#include "indexer/dump_ctx.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum status reader_init(struct reader *r, struct core *core, struct err *err)
{
    *r = (struct reader){.core = core};
    TRY(record_reader_new(&r->records, err));
    return inflate_new(&r->inflate, err);
}

void reader_release(struct reader *r)
{
    record_reader_free(r->records);
    inflate_free(r->inflate);
    buf_release(&r->long_line);
}

enum status reader_begin(struct reader *r, struct dump_ctx *dump, struct err *err)
{
    struct inflate_limits limits = {INFLATE_WINDOW_DEFAULT, INFLATE_RATIO_DEFAULT,
                                    INFLATE_FREE_DEFAULT};
    if (r->core->options.window)
        limits.window = r->core->options.window;
    inflate_reset(r->inflate, &limits);
    r->dump = dump;
    buf_release(&r->long_line);
    r->overlong = r->endless = false;
    r->cut_line = 0;
    r->bytes_in = 0;
    if (!r->batch)
        TRY(core_idle(r->core, &r->batch, err));
    buf_clear(&r->batch->data);
    return ST_OK;
}

/* ---- judging lines ---- */

/* Do the bytes at `p` (behind a quote or a backslash) spell what the kinds `end` and `dump` may be
 * spelled with? */
static bool is_suspect(const uint8_t *p, size_t left)
{
    return (left >= 5 && memcmp(p, "\"end\"", 5) == 0) ||
           (left >= 6 && memcmp(p, "\"dump\"", 6) == 0) ||
           (left >= 5 && memcmp(p, "\\u00", 4) == 0 && (p[4] == '6' || p[4] == '7'));
}

/* The first such place, or len. Looks at a vector of places at a time: a quote whose next two bytes
 * begin one of the two words is rare in other text (of a quote and one byte, each `"delivered"`
 * would be found). */
static size_t next_suspect(const uint8_t *data, size_t len, size_t from)
{
    size_t i = from;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
    const __m128i one = _mm_set1_epi8(1), e = _mm_set1_epi8('e');
    const __m128i n = _mm_set1_epi8('n'), u = _mm_set1_epi8('u');
    _Static_assert(('d' | 1) == 'e', "both first letters are found by one comparison");
    for (; len - i >= 18; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(data + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(data + i + 1));
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(data + i + 2));
        __m128i second = _mm_or_si128(_mm_cmpeq_epi8(c, n), _mm_cmpeq_epi8(c, u));
        __m128i word = _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(b, one), e), second);
        __m128i quoted = _mm_and_si128(_mm_cmpeq_epi8(a, quote), word);
        __m128i escaped = _mm_and_si128(_mm_cmpeq_epi8(a, back), _mm_cmpeq_epi8(b, u));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_or_si128(quoted, escaped));
        for (; hits; hits &= hits - 1) {
            size_t at = i + (unsigned)__builtin_ctz(hits);
            if (is_suspect(data + at, len - at))
                return at;
        }
    }
#endif
    for (; i < len; i++)
        if ((data[i] == '"' || data[i] == '\\') && is_suspect(data + i, len - i))
            return i;
    return len;
}

/* Each byte of a vector counts its own column, so that the sum is made once in 255 steps. */
static uint64_t count_lines(const uint8_t *p, size_t n)
{
    uint64_t lines = 0;
    size_t i = 0;
#ifdef __SSE2__
    const __m128i lf = _mm_set1_epi8('\n'), zero = _mm_setzero_si128();
    while (n - i >= 16) {
        size_t steps = (n - i) / 16 < 255 ? (n - i) / 16 : 255;
        __m128i counts = zero;
        for (; steps; steps--, i += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
            counts = _mm_sub_epi8(counts, _mm_cmpeq_epi8(v, lf));
        }
        __m128i sums = _mm_sad_epu8(counts, zero);
        lines += (uint64_t)_mm_cvtsi128_si64(sums) +
                 (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
    }
#endif
    for (; i < n; i++)
        lines += p[i] == '\n';
    return lines;
}

static void note_end(struct reader *r, const struct record *rec, uint64_t line)
{
    struct dump_ctx *d = r->dump;
    d->end_line = line;
    d->end_records = rec->num[RI_RECORDS];
    d->end_has_last_seq = record_has(rec, RI_LAST_SEQ);
    d->end_last_seq = rec->num[RI_LAST_SEQ];
    if (line > d->skip && line > dump_ctx_lines_before(d))
        d->books.other++;
    r->cut_line = line + 1;
    r->cut_fault = RF_AFTER_END;
}

/* Finds the first `end` or second `dump` in the batch. */
static enum status find_cut(struct reader *r, struct batch *b, struct err *err)
{
    const uint8_t *data = b->data.data;
    size_t len = b->data.len, pos = 0, counted = 0;
    uint64_t line = b->first_line;
    while (pos < len && !r->cut_line) {
        size_t at = next_suspect(data, len, pos);
        if (at == len)
            break;
        const uint8_t *lf = memrchr(data + counted, '\n', at - counted);
        size_t start = lf ? (size_t)(lf - data) + 1 : counted;
        line += count_lines(data + counted, start - counted);
        counted = start;
        const uint8_t *nl = memchr(data + start, '\n', len - start);
        size_t stop = nl ? (size_t)(nl - data) : len;
        struct record rec;
        enum record_fault fault;
        pos = stop + 1;
        if (line == b->kills_line)
            continue;
        TRY(record_parse(r->records, slice_of(data + start, stop - start), line == 1, &rec, &fault,
                         NULL, err));
        if (fault == RF_NONE && rec.kind == RECORD_END)
            note_end(r, &rec, line);
        else if (fault == RF_NONE && rec.kind == RECORD_DUMP && line > 1) {
            r->cut_line = line;
            r->cut_fault = RF_SECOND_DUMP;
            r->dump->after_second_dump = true;
        }
    }
    return ST_OK;
}

/* By now something was inflated. */
static enum status open_dump(struct reader *r, const struct record *rec, struct err *err)
{
    if (inflate_is_zstd(r->inflate))
        r->dump->form |= DUMP_ZSTD;
    return dump_ctx_open(r->dump, &r->core->run.tables, rec, err);
}

static enum status judge_first_line(struct reader *r, struct batch *b, struct err *err)
{
    const uint8_t *nl = b->data.len ? memchr(b->data.data, '\n', b->data.len) : NULL;
    size_t n = nl ? (size_t)(nl - b->data.data) : b->data.len;
    struct record rec;
    enum record_fault fault;
    if (b->kills_line == 1)
        return open_dump(r, NULL, err);
    TRY(record_parse(r->records, slice_of(b->data.data, n), true, &rec, &fault, NULL, err));
    bool is_dump = fault == RF_NONE && rec.kind == RECORD_DUMP;
    if (is_dump)
        b->cut_own_line = 1;
    return open_dump(r, is_dump ? &rec : NULL, err);
}

/* ---- batches ---- */

/* Hands the first `len` bytes of the batch to a worker; the rest moves into a new batch. */
static enum status dispatch_all(struct reader *r, size_t len, struct err *err)
{
    struct batch *b = r->batch, *next;
    if (len == 0)
        return ST_OK;
    TRY(core_idle(r->core, &next, err));
    buf_clear(&next->data);
    buf_put(&next->data, b->data.data + len, b->data.len - len);
    r->batch = next;
    TRY(buf_status(&next->data, err));
    b->data.len = len;
    b->dump = r->dump;
    b->first_line = r->dump->lines + 1;
    b->lines = count_lines(b->data.data, len) + (b->data.data[len - 1] != '\n');
    b->cut_own_line = 0;
    b->kills_line = r->core->suspect ? inwork_plan_killer(r->core->options.plan) : 0;
    inwork_reach(r->core->options.inwork, r->dump->lines + b->lines);
    if (r->dump->lines == 0)
        TRY(judge_first_line(r, b, err));
    if (!r->cut_line)
        TRY(find_cut(r, b, err));
    b->cut_line = r->cut_line;
    b->cut_fault = r->cut_fault;
    r->dump->lines += b->lines;
    r->core->records_done += b->lines;
    return core_send(r->core, b, err);
}

/* The length of the first `lines` lines of `len` bytes; 0 if there are fewer. */
static size_t length_of(const uint8_t *data, size_t len, uint64_t lines)
{
    size_t at = 0;
    for (; lines; lines--) {
        const uint8_t *nl = at < len ? memchr(data + at, '\n', len - at) : NULL;
        if (!nl)
            return 0;
        at = (size_t)(nl - data) + 1;
    }
    return at;
}

/* The same, and a commit wherever a plan says so. */
static enum status dispatch(struct reader *r, size_t len, struct err *err)
{
    const struct inwork_plan *plan = r->core->suspect ? r->core->options.plan : NULL;
    uint64_t stop;
    while (plan && len && (stop = inwork_plan_stop(plan, r->dump->lines)) != 0) {
        size_t n = length_of(r->batch->data.data, len, stop - r->dump->lines);
        if (n == 0)
            break;
        TRY(dispatch_all(r, n, err));
        TRY(core_commit(r->core, err));
        len -= n;
    }
    return dispatch_all(r, len, err);
}

static size_t whole_lines(const struct batch *b)
{
    const uint8_t *lf = b->data.len ? memrchr(b->data.data, '\n', b->data.len) : NULL;
    return lf ? (size_t)(lf - b->data.data) + 1 : 0;
}

/* A line that is too long for a record is gathered whole, so that the quarantine has it byte for
 * byte and in one piece, however the dump was cut on its way; and if the dump breaks off inside it,
 * it is no record and leaves nothing behind. */
static enum status quarantine_long(struct reader *r, struct err *err)
{
    struct core *c = r->core;
    struct run_store *s = &c->run.stores[c->run.workers - 1];
    r->overlong = false;
    if (r->dump->lines == 0 && !r->dump->source.data)
        TRY(open_dump(r, NULL, err));
    uint64_t line = ++r->dump->lines;
    inwork_reach(r->core->options.inwork, line);
    if (line <= r->dump->skip) {
        buf_release(&r->long_line);
        return ST_OK;
    }
    struct run_quarantine *q = grown_add(&s->quarantine, sizeof *q);
    if (!q)
        return err_no_memory(err);
    bool cut = r->cut_line && line >= r->cut_line;
    *q = (struct run_quarantine){
        .dump = r->dump, .line = line, .fault = cut ? r->cut_fault : RF_TOO_LONG};
    q->bytes = arena_copy(&s->bytes, buf_slice(&r->long_line));
    buf_release(&r->long_line);
    atomic_store(&s->held, s->bytes.held);
    return q->bytes.data ? ST_OK : err_no_memory(err);
}

/* More of a line that is too long, from *data. */
static enum status gather_long(struct reader *r, struct slice *data, struct err *err)
{
    const uint8_t *nl = data->len ? memchr(data->data, '\n', data->len) : NULL;
    size_t n = nl ? (size_t)(nl - data->data) : data->len;
    if (n > LONG_LINE_MAX - r->long_line.len) {
        r->endless = true;
        return ST_OK;
    }
    buf_put(&r->long_line, data->data, n);
    TRY(buf_status(&r->long_line, err));
    *data = slice_of(data->data + n + (nl != NULL), data->len - n - (nl != NULL));
    return nl ? quarantine_long(r, err) : ST_OK;
}

static enum status feed(struct reader *r, struct slice data, struct err *err)
{
    while (data.len && !r->endless) {
        if (r->overlong) {
            TRY(gather_long(r, &data, err));
            continue;
        }
        struct batch *b = r->batch;
        size_t limit = b->data.len < BATCH_GOAL ? BATCH_GOAL : BATCH_SIZE;
        size_t room = limit - b->data.len, n = data.len < room ? data.len : room;
        buf_put(&b->data, data.data, n);
        TRY(buf_status(&b->data, err));
        data = slice_of(data.data + n, data.len - n);
        if (b->data.len < BATCH_GOAL)
            return ST_OK;
        size_t whole = whole_lines(b);
        if (whole) {
            TRY(dispatch(r, whole, err));
        } else if (b->data.len == BATCH_SIZE) {
            r->overlong = true;
            buf_put(&r->long_line, b->data.data, b->data.len);
            buf_clear(&b->data);
        }
    }
    return ST_OK;
}

enum status reader_settle(struct reader *r, struct err *err)
{
    return r->dump && r->batch ? dispatch(r, whole_lines(r->batch), err) : ST_OK;
}

/* ---- ends ---- */

/* Is this what makes a dump be refused, not merely partial? Nothing of it is in then. */
static bool refuses(const char *reason)
{
    static const char *const codes[] = {"unknown-format", "media", "empty"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (reason && strcmp(reason, codes[i]) == 0)
            return true;
    return false;
}

/* Closes the dump. `whole`: a last line without LF counts. */
static enum status close_dump(struct reader *r, const struct err *damage, struct err *err)
{
    struct dump_ctx *d = r->dump;
    if (r->overlong && !damage)
        TRY(quarantine_long(r, err));
    buf_release(&r->long_line);
    r->overlong = r->endless = false;
    if (!damage)
        TRY(dispatch(r, r->batch->data.len, err));
    else
        TRY(dispatch(r, whole_lines(r->batch), err));
    buf_clear(&r->batch->data);
    if (!d->source.data)
        TRY(open_dump(r, NULL, err));
    if (damage)
        dump_ctx_damage(d, damage, refuses(damage->reason) && d->lines == 0);
    d->finished = true;
    r->dump = NULL;
    return ST_OK;
}

static enum status close_endless(struct reader *r, struct err *err)
{
    struct err why = {0};
    (void)err_reason(&why, ST_BAD_INPUT, "bomb", r->bytes_in, "line %llu is longer than %zu MiB",
                     (unsigned long long)(r->dump->lines + 1), LONG_LINE_MAX >> 20);
    return close_dump(r, &why, err);
}

static bool is_ours(enum status st) { return st == ST_NO_MEMORY || st == ST_IO || st == ST_CLOSED; }

enum status reader_data(struct reader *r, struct slice data, struct err *err)
{
    r->bytes_in += data.len;
    while (r->dump) {
        struct slice out;
        struct err damage = {0};
        enum status st = inflate_next(r->inflate, &data, &out, &damage);
        if (st != ST_OK && is_ours(st)) {
            *err = damage;
            return st;
        }
        if (st != ST_OK)
            return close_dump(r, &damage, err);
        if (out.len)
            TRY(feed(r, out, err));
        else if (data.len == 0)
            return ST_OK;
        if (r->endless)
            return close_endless(r, err);
    }
    return ST_OK;
}

enum status reader_end(struct reader *r, const struct err *damage, struct err *err)
{
    for (;;) {
        struct slice out;
        struct err tail = {0};
        enum status st = inflate_finish(r->inflate, &out, &tail);
        if (st != ST_OK && st != ST_END && is_ours(st)) {
            *err = tail;
            return st;
        }
        if (st == ST_END)
            return close_dump(r, damage, err);
        if (st != ST_OK) /* what the opener says comes first: it is the cause */
            return close_dump(r, damage ? damage : &tail, err);
        TRY(feed(r, out, err));
        if (r->endless)
            return close_endless(r, err);
    }
}
