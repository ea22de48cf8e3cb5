/* gen_people — holders and conversations, with sizes that fall like a power law. Pairs are made by
 * offsets around a ring, which makes every set of handles unique without a table of those seen. */
#include "bench/gen.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTACTS_MIN 3
#define CONTACTS_MAX 400
#define MESSAGES_A_CONV 150

void handle_name(uint32_t handle, char out[HANDLE_LEN])
{
    static const char consonants[] = "bcdfghjklmnpqrst";
    /* 2654435761 has no factor in common with 160^3: a permutation. */
    uint64_t x = (uint64_t)handle * UINT64_C(2654435761) % 4096000;

    for (int i = 0; i < HANDLE_LEN; i += 2) {
        out[i] = consonants[x % 16];
        out[i + 1] = (char)('0' + x / 16 % 10);
        x /= 160;
    }
}

size_t holder_source(const struct world *w, uint32_t holder, char out[32])
{
    if (w->o->server)
        return (size_t)snprintf(out, 32, "server:%u", holder + 1);
    int n = snprintf(out, 32, "imei:35%012u", holder + 1);
    unsigned sum = 0; /* Luhn: every second digit from the right of the 14 counts double */
    for (int i = 0; i < 14; i++) {
        unsigned d = (unsigned)(out[5 + i] - '0');
        d = i % 2 ? d * 2 : d;
        sum += d / 10 + d % 10;
    }
    out[n++] = (char)('0' + (10 - sum % 10) % 10);
    out[n] = 0;
    return (size_t)n;
}

static int64_t clock_skew(uint64_t r)
{
    int64_t sign = r & 1 ? 1 : -1;
    unsigned how = (unsigned)(r >> 1) % 10;

    if (how < 7)
        return sign * (int64_t)((r >> 8) % 2000);
    if (how < 9)
        return sign * (int64_t)((r >> 8) % 300000);
    return sign * (int64_t)((r >> 8) % 7200000);
}

/* How many dumps a holder gets: stored and live, live in two parts, stored, live. */
static void holder_make(struct holder *h, uint32_t no, uint32_t dumps, bool server)
{
    /* Of two dumps each is another holder's, so that there are copies to compare. */
    bool one_dump = server || dumps == 1 || (no == 0 && dumps == 2);
    unsigned kind = one_dump ? 2 + (no & 1) : no % 4;
    int64_t cut = GEN_BEGIN_MS + (25 + (int64_t)(h->key % 30)) * DAY_MS;

    h->stored_to = INT64_MIN;
    h->live_from = INT64_MIN;
    h->part_at = INT64_MAX;
    h->jump_at = INT64_MAX;
    h->n_dumps = 1;
    if (server) {
        h->time_form = 0;
        return;
    }
    if (kind == 0) {
        h->stored_to = cut;
        h->live_from = cut - DAY_MS * 3 / 4;
        h->n_dumps = 2;
    } else if (kind == 1) {
        h->part_at = cut;
        h->n_dumps = 2;
    } else if (kind == 2) {
        h->stored_to = INT64_MAX;
        h->live_from = INT64_MAX;
    }
    h->skew_ms = clock_skew(rng_at(h->key, 1));
    h->time_form = (uint8_t)(rng_at(h->key, 2) % 8);
    if (h->time_form > 3)
        h->time_form = 0;
    h->escapes = rng_at(h->key, 3) % 6 == 0;
}

/* One clock in four jumps, by 10 s to half an hour. */
static void holder_jump(struct holder *h)
{
    uint64_t r = rng_at(h->key, 5);

    if (r % 4 != 0)
        return;
    h->jump_at = GEN_BEGIN_MS + (20 + (int64_t)(r >> 8) % 30) * DAY_MS;
    h->jump_ms = (r & 16 ? 1 : -1) * (10000 + (int64_t)((r >> 20) % 1800000));
}

int64_t holder_ahead(const struct world *w, uint32_t holder, int64_t t)
{
    const struct holder *h = &w->holders[holder];
    return h->skew_ms + (t >= h->jump_at ? h->jump_ms : 0);
}

static enum status holders_make(struct world *w, struct err *err)
{
    uint32_t dumps = w->o->dumps, n = 0;

    w->holders = calloc(dumps, sizeof(*w->holders));
    w->dumps = calloc(dumps, sizeof(*w->dumps));
    if (!w->holders || !w->dumps)
        return err_no_memory(err);
    for (uint32_t d = 0; d < dumps; n++) {
        struct holder *h = &w->holders[n];
        h->key = rng_at(w->key ^ 0x484f4c44, n);
        holder_make(h, n, dumps - d, w->o->server);
        if (w->o->sender_clocks)
            holder_jump(h);
        h->first_dump = d;
        d += h->n_dumps;
    }
    w->n_holders = n;
    w->n_dumps = dumps;
    return ST_OK;
}

/* Conversations are counted first and made by the same walk. */
struct maker {
    struct world *w;
    bool count; /* only count */
    uint32_t convs, members, conv_holders;
};

static uint32_t outside_handle(const struct world *w, uint64_t n)
{
    return w->n_holders + (uint32_t)(n % w->n_outside);
}

static unsigned script_of(const struct world *w, uint64_t r)
{
    /* Of 32 conversations: Latin 14, Cyrillic 5, Greek 3, Arabic 4, Hebrew 2, Han 2, … */
    static const uint8_t scripts[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                        1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 7};
    return w->o->ascii ? SCRIPT_LATIN : scripts[r % 32];
}

static void put_member(struct maker *k, struct conv *c, uint32_t handle)
{
    if (!k->count) {
        k->w->members[k->members] = handle;
        if (handle < k->w->n_holders && !k->w->o->server && c->n_holders < HOLDERS_MAX) {
            k->w->conv_holders[k->conv_holders] = (struct conv_holder){handle, c->n_members};
        }
    }
    k->members++;
    if (handle < k->w->n_holders && !k->w->o->server && c->n_holders < HOLDERS_MAX) {
        k->conv_holders++;
        c->n_holders++;
    }
    c->n_members++;
}

/* Two servers see every conversation, where there are two. */
static void put_servers(struct maker *k, struct conv *c)
{
    uint32_t n = k->w->n_holders;
    uint32_t first = (uint32_t)(c->key % n);

    for (uint32_t i = 0; i < 2 && i < n; i++) {
        if (!k->count) {
            uint32_t other = n > 1 ? (first + 1 + (uint32_t)((c->key >> 32) % (n - 1))) % n : first;
            k->w->conv_holders[k->conv_holders] =
                (struct conv_holder){i == 0 ? first : other, UINT8_MAX};
        }
        k->conv_holders++;
        c->n_holders++;
    }
}

static void conv_put(struct maker *k, const uint32_t *handles, unsigned n, bool group)
{
    struct world *w = k->w;
    struct conv c = {.key = rng_at(w->key ^ 0x434f4e56, k->convs),
                     .members = k->members,
                     .holders = k->conv_holders,
                     .group = group};

    c.script = (uint8_t)script_of(w, rng_at(c.key, 1));
    c.ids = rng_at(c.key, 2) % 5 < 3;
    c.from_day = (uint32_t)(rng_at(c.key, 3) % 20);
    if (rng_at(c.key, 4) % 40 == 0)
        c.seal = rng_at(c.key, 5) % 3 ? SEAL_KEY : SEAL_NO_KEY;
    /* The first conversations show every special case, also in the smallest delivery. */
    if (k->convs < 4 || (group && k->convs == w->first_group)) {
        c.ids = k->convs != 1;
        c.seal = k->convs == 2 ? SEAL_KEY : k->convs == 3 ? SEAL_NO_KEY : SEAL_NONE;
        c.seal = group ? SEAL_NONE : c.seal;
        c.from_day = 0;
    }
    c.story = k->convs == w->story;
    c.doubts = k->convs == w->doubts;
    if (c.doubts) {
        c.ids = false;
        c.seal = SEAL_NONE;
        c.messages = DOUBT_MESSAGES;
        c.script = SCRIPT_LATIN;
    }
    if (c.story) {
        c.ids = true;
        c.seal = SEAL_NONE;
        c.messages = STORY_MESSAGES;
        c.script = SCRIPT_LATIN;
    }
    for (unsigned i = 0; i < n; i++)
        put_member(k, &c, handles[i]);
    if (w->o->server)
        put_servers(k, &c);
    if (!k->count)
        w->convs[k->convs] = c;
    k->convs++;
}

static void group_put(struct maker *k, uint32_t no)
{
    struct world *w = k->w;
    uint64_t r = rng_at(w->key ^ 0x47525550, no);
    uint32_t handles[32], n = 0;
    uint32_t inside = 2 + (uint32_t)(r % (HOLDERS_MAX - 2));

    inside = inside < w->n_holders ? inside : w->n_holders;
    for (uint32_t i = 0; i < inside; i++)
        handles[n++] = (no * 3 + i) % w->n_holders;
    uint32_t outside = 2 + (uint32_t)((r >> 8) % 16);
    outside = outside < w->n_outside ? outside : w->n_outside;
    for (uint32_t i = 0; i < outside; i++)
        handles[n++] = outside_handle(w, no * 11 + i);
    conv_put(k, handles, n, true);
}

/* Holders 0 and 2, whose pair is left out elsewhere; of two holders, with a third who is silent. */
static void story_put(struct maker *k)
{
    struct world *w = k->w;
    uint32_t n = w->n_holders;

    if (n < 2 || w->o->messages < STORY_LEAST)
        return;
    w->story = k->convs;
    if (n == 2)
        conv_put(k, (uint32_t[]){0, 1, outside_handle(w, w->n_outside - 1)}, 3, false);
    else
        conv_put(k, (uint32_t[]){0, 2}, 2, false);
}

/* Two holders and a third, who is silent: no other set has these. */
static void doubts_put(struct maker *k)
{
    struct world *w = k->w;
    uint32_t n = w->n_holders;

    if (!w->o->doubts || w->o->server || n < 2 || w->o->messages < STORY_LEAST)
        return;
    w->doubts = k->convs;
    conv_put(k, (uint32_t[]){0, n > 2 ? 2 : 1, outside_handle(w, w->n_outside - 2)}, 3, false);
}

/* Has its number of messages already. */
static bool is_planned(const struct world *w, uint32_t c)
{
    return c == w->story || c == w->doubts;
}

static void convs_make(struct maker *k)
{
    struct world *w = k->w;
    uint32_t n = w->n_holders, half = n / 2;
    uint64_t per = w->o->messages / ((uint64_t)n * MESSAGES_A_CONV);

    per = per < CONTACTS_MIN ? CONTACTS_MIN : per > CONTACTS_MAX ? CONTACTS_MAX : per;
    uint32_t captured = (uint32_t)(per / 2) + 1;
    captured = captured < half ? captured : half;
    for (uint32_t o = 1; o <= captured; o++)
        for (uint32_t h = 0; h < n; h++)
            if ((2 * o != n || h < half) && !story_is_pair(w, h, (h + o) % n))
                conv_put(k, (uint32_t[]){h, (h + o) % n}, 2, false);
    for (uint32_t r = 0; r < per; r++)
        for (uint32_t h = 0; h < n; h++)
            conv_put(k, (uint32_t[]){h, outside_handle(w, (uint64_t)h * 7 + r)}, 2, false);
    if (n >= 3)
        for (uint32_t h = 0; h < n; h++)
            conv_put(k, (uint32_t[]){h, (h + 1) % n, outside_handle(w, (uint64_t)h * 13)}, 3,
                     false);
    story_put(k);
    doubts_put(k);
    if (k->count)
        w->first_group = k->convs;
    uint32_t groups = k->convs / 25 + 2;
    for (uint32_t g = 0; g < groups && n > 0; g++)
        group_put(k, g);
}

static bool is_captured_pair(const struct world *w, const struct conv *c)
{
    return !c->group && w->members[c->members + 1] < w->n_holders;
}

/* In 1/16: what makes three of five pair messages go between two holders and every fifth message
 * to a group, however many conversations of each sort there are. */
struct scales {
    uint64_t captured, group;
};

static struct scales scales_of(const struct world *w)
{
    uint64_t captured = 0, groups = w->n_convs - w->first_group;

    for (uint32_t c = 0; c < w->first_group; c++)
        captured += !is_planned(w, c) && is_captured_pair(w, &w->convs[c]);
    MUST(groups > 0);
    uint64_t outside = w->first_group - captured;
    struct scales s = {.captured = captured ? 16 * 3 * outside / (2 * captured) : 16};
    s.captured = s.captured ? s.captured : 1;
    s.group = (captured * s.captured + outside * 16) / (4 * groups);
    return s;
}

static uint64_t conv_weight(const struct world *w, const struct scales *s, uint32_t c)
{
    bool first = c < 2 || c == w->first_group;

    if (is_planned(w, c))
        return 0;
    uint64_t rank = first ? c % 3 : rng_at(w->convs[c].key, 6) % w->n_convs;
    uint64_t scale = w->convs[c].group                   ? s->group
                     : is_captured_pair(w, &w->convs[c]) ? s->captured
                                                         : 16;
    return ((UINT64_C(1) << 20) * scale) / (rank + 8);
}

static void messages_share_out(struct world *w)
{
    uint64_t sum = 0, given = 0, n = w->o->messages;
    struct scales scales = scales_of(w);

    n -= w->story != UINT32_MAX ? STORY_MESSAGES : 0;
    n -= w->doubts != UINT32_MAX ? DOUBT_MESSAGES : 0;

    for (uint32_t c = 0; c < w->n_convs; c++)
        sum += conv_weight(w, &scales, c);
    MUST(sum > 0);
    for (uint32_t c = 0; c < w->n_convs; c++) {
        if (is_planned(w, c))
            continue;
        /* n <= 2 * 10^9, a weight < 2^32: no overflow. */
        uint64_t m = conv_weight(w, &scales, c) * n / sum;
        w->convs[c].messages = m < UINT32_MAX / 2 ? (uint32_t)m : UINT32_MAX / 2;
        given += w->convs[c].messages;
    }
    for (uint32_t c = 0; given < n; c = (c + 1) % w->n_convs) {
        if (is_planned(w, c))
            continue;
        w->convs[c].messages++;
        given++;
    }
}

/* Conversations by holder, by counting. */
static enum status index_holders(struct world *w, struct err *err)
{
    w->of_start = calloc((size_t)w->n_holders + 2, sizeof(*w->of_start));
    w->of_holder = calloc((size_t)w->n_conv_holders + 1, sizeof(*w->of_holder));
    if (!w->of_start || !w->of_holder)
        return err_no_memory(err);
    for (uint32_t i = 0; i < w->n_conv_holders; i++)
        w->of_start[w->conv_holders[i].holder + 2]++;
    for (uint32_t h = 2; h < w->n_holders + 2; h++)
        w->of_start[h] += w->of_start[h - 1];
    for (uint32_t c = 0; c < w->n_convs; c++)
        for (unsigned i = 0; i < w->convs[c].n_holders; i++) {
            uint32_t h = w->conv_holders[w->convs[c].holders + i].holder;
            w->of_holder[w->of_start[h + 1]++] = c;
            w->holders[h].weight += w->convs[c].messages;
        }
    return ST_OK;
}

static enum status convs_new(struct world *w, struct err *err)
{
    struct maker k = {.w = w, .count = true};

    uint64_t outside = w->o->messages / 200 + 500;
    w->n_outside = (uint32_t)(outside < 2000000 ? outside : 2000000);
    convs_make(&k);
    w->convs = calloc(k.convs, sizeof(*w->convs));
    w->members = calloc((size_t)k.members + 1, sizeof(*w->members));
    w->conv_holders = calloc((size_t)k.conv_holders + 1, sizeof(*w->conv_holders));
    if (!w->convs || !w->members || !w->conv_holders)
        return err_no_memory(err);
    w->n_convs = k.convs;
    w->n_members = k.members;
    w->n_conv_holders = k.conv_holders;
    k = (struct maker){.w = w};
    convs_make(&k);
    messages_share_out(w);
    return index_holders(w, err);
}

enum status world_new(const struct gen_options *o, struct world **out, struct err *err)
{
    struct world *w = calloc(1, sizeof(*w));

    if (!w)
        return err_no_memory(err);
    w->o = o;
    w->story = w->doubts = UINT32_MAX;
    w->key = rng_mix(o->seed ^ UINT64_C(0x6c6963746f722121));
    enum status st = holders_make(w, err);
    if (st == ST_OK)
        st = convs_new(w, err);
    if (st != ST_OK) {
        world_free(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (uint32_t h = 0; h < w->n_holders; h++)
        for (unsigned s = 0; s < STAGES; s++)
            buf_release(&w->holders[h].streams[s].holes);
    free(w->holders);
    free(w->convs);
    free(w->members);
    free(w->conv_holders);
    free(w->of_holder);
    free(w->of_start);
    free(w->dumps);
    free(w);
}
