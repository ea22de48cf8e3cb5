/* talks — pauses are counted by their logarithm, and the place that parts them best into short and
 * long ones (Otsu: most variance between the two sorts) is where a pause begins to divide. */
#include "query/talks.h"

#include <stdlib.h>

#include "lictor/cli.h"
#include "lictor/thread.h"
#include "lictor/utf8.h"
#include "query/csv.h"

#define BINS_OCTAVE 4 /* bins for each doubling */
#define BINS (40 * BINS_OCTAVE)
#define PAUSES_LEAST 16 /* to learn from */
#define PAUSE_SHORTEST_MS 60000
#define PAUSE_LONGEST_MS INT64_C(43200000)
/* Of all variance, between the two sorts: less says that there are none. Pauses of one sort have
 * about 0.64 (a normal distribution of logarithms), the generator's talks 0.76. */
#define PARTED_LEAST 0.70

/* log2 in quarters: the position of the highest bit, and the two bits below it. */
static unsigned bin_of(int64_t ms)
{
    uint64_t x = ms < 4 ? 4 : (uint64_t)ms;
    unsigned high = 63 - (unsigned)__builtin_clzll(x);
    unsigned bin = (high - 2) * BINS_OCTAVE + (unsigned)(x >> (high - 2) & 3);
    return bin < BINS ? bin : BINS - 1;
}

/* Least pause of a bin. */
static int64_t bin_from(unsigned bin)
{
    unsigned high = bin / BINS_OCTAVE + 2;
    return (int64_t)(((uint64_t)4 + bin % BINS_OCTAVE) << (high - 2));
}

/* Times of all segments, merged. */
static enum status count_pauses(struct thread *t, uint64_t bins[BINS], uint64_t *n, struct err *err)
{
    struct thread_range *all = malloc((t->n_ranges + 1) * sizeof *all);
    enum status st = all ? ST_OK : err_no_memory(err);
    int64_t last = TIME_NONE;
    if (st == ST_OK)
        memcpy(all, t->ranges, t->n_ranges * sizeof *all);
    for (*n = 0; st == ST_OK;) {
        struct thread_range *least = NULL;
        for (size_t i = 0; i < t->n_ranges; i++)
            if (all[i].next < all[i].hi && (!least || all[i].sent < least->sent))
                least = &all[i];
        if (!least)
            break;
        if (last != TIME_NONE) {
            bins[bin_of(least->sent - last)]++;
            ++*n;
        }
        last = least->sent;
        least->next++;
        st = thread_range_load(t, least, err);
        if (st == ST_OK && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
    }
    free(all);
    return st;
}

/* The first bin of the longer sort; BINS where there are not two. */
static unsigned part(const uint64_t bins[BINS], uint64_t n)
{
    double sum = 0, squares = 0, low = 0, low_sum = 0, best = 0;
    unsigned first = BINS, last = BINS; /* an empty stretch is as good everywhere: its middle */
    for (unsigned i = 0; i < BINS; i++) {
        sum += (double)bins[i] * i;
        squares += (double)bins[i] * i * i;
    }
    double variance = squares - sum * sum / (double)n;
    for (unsigned i = 1; i < BINS; i++) {
        low += (double)bins[i - 1];
        low_sum += (double)bins[i - 1] * (i - 1);
        double high = (double)n - low;
        if (low < 1 || high < 1)
            continue;
        double apart = low_sum / low - (sum - low_sum) / high;
        double between = low * high / (double)n * apart * apart;
        if (between > best * (1 + 1e-12)) {
            best = between;
            first = i;
        }
        if (between >= best * (1 - 1e-12))
            last = i;
    }
    return variance > 0 && best / variance >= PARTED_LEAST ? first + (last - first) / 2 : BINS;
}

enum status talks_learn(struct thread *t, int64_t *pause_ms, struct err *err)
{
    uint64_t bins[BINS] = {0}, n;
    TRY(count_pauses(t, bins, &n, err));
    unsigned at = n >= PAUSES_LEAST ? part(bins, n) : BINS;
    int64_t ms = at == BINS ? TALK_PAUSE_MS : bin_from(at);
    ms = ms < PAUSE_SHORTEST_MS ? PAUSE_SHORTEST_MS : ms;
    *pause_ms = ms > PAUSE_LONGEST_MS ? PAUSE_LONGEST_MS : ms;
    return ST_OK;
}

/* ---- one message after the other ---- */

static void take_words(struct talk_walk *w, const struct content *c)
{
    struct slice text = render_text_of(c);
    size_t end = 0;
    if (w->words.len || !text.len)
        return;
    while (end < text.len) {
        size_t next = end;
        (void)utf8_next(text.data, text.len, &next);
        if (next > TALK_WORDS_BYTES)
            break;
        end = next;
    }
    buf_put(&w->words, text.data, end);
}

enum status talk_walk_add(struct talk_walk *w, const struct message_view *m, struct talk *out,
                          struct buf *words, bool *done, struct err *err)
{
    int64_t sent = m && !content_untimed(&m->c) ? m->c.sent : TIME_NONE;
    bool pause = sent != TIME_NONE && w->now.to != TIME_NONE && sent - w->now.to >= w->pause_ms;
    *done = w->now.messages > 0 && (!m || pause);
    if (*done) {
        *out = w->now;
        buf_clear(words);
        buf_put_slice(words, buf_slice(&w->words));
        out->words = words->len ? buf_slice(words) : (struct slice){0};
        TRY(buf_status(words, err));
    }
    if (!m)
        return ST_OK;
    if (*done || w->now.messages == 0) {
        w->now = (struct talk){.n = w->now.n + 1, .from = TIME_NONE, .to = TIME_NONE};
        memcpy(w->now.first, m->id, KEY_SIZE);
        buf_clear(&w->words);
    }
    memcpy(w->now.last, m->id, KEY_SIZE);
    w->now.messages++;
    w->now.from = w->now.from == TIME_NONE ? sent : w->now.from;
    w->now.to = sent != TIME_NONE ? sent : w->now.to;
    take_words(w, &m->c);
    return buf_status(&w->words, err);
}

/* ---- showing ---- */

static void talk_json(const struct talk *t, struct buf *out)
{
    struct json_out json = json_out_to(out), *j = &json;
    char hex[2 * KEY_SIZE + 1];
    json_begin_object(j);
    json_key_str(j, "type", "talk");
    json_key_uint(j, "n", t->n);
    hex_encode(t->first, KEY_SIZE, hex);
    json_key_str(j, "first", hex);
    hex_encode(t->last, KEY_SIZE, hex);
    json_key_str(j, "last", hex);
    json_key_uint(j, "messages", t->messages);
    if (t->from != TIME_NONE) {
        json_key_time(j, "from", t->from);
        json_key_time(j, "to", t->to);
    }
    if (t->words.data)
        json_key_slice(j, "words", t->words);
    json_end_object(j);
}

void csv_talk_header(struct buf *out)
{
    buf_put_str(out, "type,n,first,last,messages,from,to,words\r\n");
}

static void talk_csv(const struct talk *t, struct buf *out)
{
    struct csv c = {.out = out};
    csv_str(&c, "talk");
    csv_uint(&c, t->n);
    csv_hex(&c, t->first);
    csv_hex(&c, t->last);
    csv_uint(&c, t->messages);
    csv_time(&c, t->from);
    csv_time(&c, t->to);
    csv_field(&c, t->words);
    csv_row_end(&c);
}

static void length_put(int64_t ms, struct buf *out)
{
    long long s = (long long)(ms / 1000);
    if (s >= 86400)
        buf_printf(out, ", %lld d %lld h", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        buf_printf(out, ", %lld h %lld min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        buf_printf(out, ", %lld min", s / 60);
    else
        buf_printf(out, ", %lld s", s);
}

static void talk_text(struct render *r, const struct talk *t, struct buf *out)
{
    char n[32];
    text_style(r, out, STYLE_DIM);
    text_id(r, out, t->first);
    text_style(r, out, STYLE_NONE);
    buf_put_str(out, "  ");
    if (t->from != TIME_NONE)
        text_when(r, out, t->from);
    else
        buf_put_str(out, "no time");
    cli_count_text(t->messages, n);
    buf_printf(out, ", %s message%s", n, t->messages == 1 ? "" : "s");
    if (t->from != TIME_NONE && t->messages > 1)
        length_put(t->to - t->from, out);
    buf_put_u8(out, '\n');
    if (!t->words.data)
        return;
    text_margin(r, out, r->id_digits + 2 + TEXT_MARGIN);
    text_name(out, t->words, r->columns - r->id_digits - 2 * TEXT_MARGIN - 2);
    buf_put_u8(out, '\n');
}

void render_talk(struct render *r, const struct talk *t, struct buf *out)
{
    if (r->format == RENDER_TEXT) {
        talk_text(r, t, out);
        return;
    }
    render_element_begin(r, out);
    if (r->format == RENDER_CSV)
        talk_csv(t, out);
    else
        talk_json(t, out);
    render_element_end(r, out);
}
