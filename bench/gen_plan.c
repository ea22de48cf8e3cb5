/* gen_plan — when each message is sent, by whom, what is special about it, and which copies of it
 * are delivered. A message in a talk follows the one before by seconds; a talk begins where its
 * number stands in the conversation's period, bent to the hours at which people write. */
#include "bench/gen.h"

#define SLOT_MS (6 * 3600 * INT64_C(1000)) /* a holder loses at most one stretch in six hours */
#define MINUTE_MS INT64_C(60000)

/* Where the forced special cases stand in the first conversations. */
static enum special forced_special(uint32_t i)
{
    static const uint8_t at[48] = {
        [10] = SP_NEEDLE,   [11] = SP_NEEDLE,  [12] = SP_NEEDLE,     [13] = SP_NEEDLE,
        [14] = SP_NEEDLE,   [15] = SP_NEEDLE,  [16] = SP_NEEDLE,     [17] = SP_NEEDLE,
        [18] = SP_NEEDLE,   [19] = SP_NEEDLE,  [20] = SP_NEEDLE,     [21] = SP_NEEDLE,
        [23] = SP_CONFLICT, [25] = SP_CLASH,   [28] = SP_REPEAT,     [32] = SP_UNTIMED,
        [33] = SP_UNTIMED,  [34] = SP_UNTIMED, [36] = SP_INCOMPLETE, [38] = SP_DAMAGED,
        [40] = SP_DELETED};
    return i < 48 ? (enum special)at[i] : SP_NONE;
}

static uint64_t key_of(const struct conv *c, uint32_t i) { return rng_at(c->key ^ 0x4d534753, i); }

/* Before what the neighbours say. */
static enum special special_alone(const struct world *w, uint32_t conv_no, uint32_t i)
{
    const struct conv *c = &w->convs[conv_no];
    /* Of 65,536: upper bounds. */
    static const struct {
        uint16_t below;
        uint8_t special;
    } odds[] = {{130, SP_REPEAT},     {160, SP_CONFLICT}, {176, SP_CLASH},   {206, SP_UNTIMED},
                {226, SP_INCOMPLETE}, {246, SP_DAMAGED},  {310, SP_DELETED}, {324, SP_NEEDLE}};

    if (c->story)
        return i == story_conflict() ? SP_CONFLICT : SP_NONE;
    if (c->seal != SEAL_NONE || c->doubts)
        return SP_NONE;
    if (i < 48 && (conv_no < 4 || conv_no == w->first_group))
        return forced_special(i);
    uint64_t v = rng_mix(key_of(c, i)) & 0xffff;
    for (unsigned k = 0; k < sizeof(odds) / sizeof(*odds); k++)
        if (v < odds[k].below)
            return (enum special)odds[k].special;
    return SP_NONE;
}

static enum special special_of(const struct world *w, uint32_t conv_no, uint32_t i)
{
    enum special s = special_alone(w, conv_no, i);
    bool ids = w->convs[conv_no].ids;

    if (s == SP_REPEAT && (ids || i == 0 || special_alone(w, conv_no, i - 1) != SP_NONE))
        return SP_NONE;
    return s == SP_CONFLICT && !ids ? SP_NONE : s;
}

/* Uniform in the day -> the hours people write at: cumulative, in minutes of the day (UTC). */
static int64_t bend_day(int64_t ms)
{
    static const uint16_t minute[25] = {0,    20,   50,   120,  330,  400,  450, 490, 530,
                                        575,  620,  665,  710,  760,  810,  860, 910, 960,
                                        1010, 1060, 1110, 1170, 1240, 1330, 1440};
    int64_t slot = ms * 24 / DAY_MS, in = ms * 24 % DAY_MS;
    int64_t from = minute[slot] * MINUTE_MS, to = minute[slot + 1] * MINUTE_MS;
    return from + (to - from) * (in / 1000) / (DAY_MS / 1000);
}

static int64_t span_ms(const struct conv *c) { return (GEN_DAYS - (int64_t)c->from_day) * DAY_MS; }

static int64_t talk_start(const struct conv *c, uint32_t i, uint64_t r)
{
    uint64_t part = (((uint64_t)i << 32) + (r >> 32)) / c->messages; /* of 2^32 */
    int64_t at = (int64_t)((part >> 2) * (uint64_t)span_ms(c) >> 30);
    int64_t day = at / DAY_MS * DAY_MS;
    return GEN_BEGIN_MS + c->from_day * DAY_MS + day + bend_day(at - day);
}

static int64_t next_time(const struct conv *c, uint32_t i, int64_t before, uint64_t key, bool *talk)
{
    uint64_t r = rng_mix(key ^ 0x74);
    int64_t most = span_ms(c) / c->messages;

    *talk = false;
    most = most > 45000 ? 45000 : most < 20 ? 20 : most;
    int64_t t = before + 1 + (int64_t)((r & 0xffffffff) * (uint64_t)most >> 32);
    if (i > 0 && (r >> 40) % 8 != 0)
        return t;
    int64_t start = talk_start(c, i, rng_mix(r));
    *talk = i == 0 || start > t;
    return *talk ? start : t;
}

static bool story_next(struct conv_walk *k, struct message *m)
{
    k->t = story_time(m->i, m->i ? k->t : story_begin(), m->key);
    m->t = k->t;
    m->repeated = false;
    m->talk = false;
    m->sender = (uint8_t)story_sender(m->i);
    return true;
}

static bool doubts_next(struct conv_walk *k, struct message *m)
{
    k->t = doubt_time(m->i, k->t, m->key);
    m->t = k->t;
    m->repeated = m->talk = false;
    m->sender = (uint8_t)((m->key >> 41) & 1);
    m->doubt = (uint8_t)doubt_of(m->i);
    return true;
}

bool conv_walk_next(struct conv_walk *k, struct message *m)
{
    const struct conv *c = &k->w->convs[k->conv_no];

    if (k->i >= c->messages)
        return false;
    uint32_t i = k->i++;
    m->conv = c;
    m->conv_no = k->conv_no;
    m->i = i;
    m->special = special_of(k->w, k->conv_no, i);
    bool repeat = m->special == SP_REPEAT;
    m->key = key_of(c, repeat ? i - 1 : i);
    m->doubt = DOUBT_NONE;
    if (c->story)
        return story_next(k, m);
    if (c->doubts)
        return doubts_next(k, m);
    m->talk = false;
    if (!repeat)
        k->t = next_time(c, i, k->t, m->key, &m->talk);
    m->t = k->t;
    m->repeated = repeat || (m->special == SP_NONE && !c->ids && i + 1 < c->messages &&
                             special_of(k->w, k->conv_no, i + 1) == SP_REPEAT);
    /* Holders stand first among the members, and a group is theirs more than others'. */
    bool inside = c->group && c->n_holders > 0 && (m->key >> 3) % 8 < 5;
    m->sender = (uint8_t)((m->key >> 7) % (inside ? c->n_holders : c->n_members));
    return true;
}

int64_t message_stamp(const struct world *w, const struct message *m)
{
    uint32_t sender = w->members[m->conv->members + m->sender];

    if (!w->o->sender_clocks || w->o->server || sender >= w->n_holders)
        return m->t;
    return m->t + holder_ahead(w, sender, m->t);
}

/* A holder's collector is down now and then: minutes, or most of the slot. */
static bool is_lost(const struct holder *h, unsigned stage, int64_t t)
{
    int64_t slot = (t - GEN_BEGIN_MS) / SLOT_MS, in = (t - GEN_BEGIN_MS) % SLOT_MS;
    uint64_t r = rng_at(h->key ^ (0x4c4f5354 + stage), (uint64_t)slot);

    if (r % 12 != 0)
        return false;
    int64_t len = (5 + (int64_t)((r >> 8) % 40)) * MINUTE_MS;
    if ((r >> 16) % 10 == 0)
        len = 5 * 60 * MINUTE_MS;
    int64_t from = (int64_t)((r >> 24) % (uint64_t)(SLOT_MS - len));
    return in >= from && in < from + len;
}

unsigned holder_stages(const struct holder *h, int64_t t, unsigned *delivered)
{
    unsigned there = 0, lost = 0;

    if (t < h->stored_to)
        there |= 1u << STAGE_STORED;
    if (t >= h->live_from)
        there |= 1u << STAGE_LIVE;
    for (unsigned s = 0; s < STAGES; s++)
        if ((there >> s & 1) && is_lost(h, s, t))
            lost |= 1u << s;
    *delivered = there & ~lost;
    return there;
}

unsigned message_stages(const struct world *w, const struct message *m, uint32_t holder,
                        unsigned *delivered)
{
    const struct conv *c = m->conv;
    unsigned there = holder_stages(&w->holders[holder], m->t, delivered);

    for (unsigned i = 0; c->story && i < c->n_holders; i++)
        if (w->conv_holders[c->holders + i].holder == holder)
            *delivered = story_lost(m->i, i) ? 0 : there;
    for (unsigned i = 0; c->doubts && i < c->n_holders; i++) {
        if (w->conv_holders[c->holders + i].holder != holder)
            continue;
        there = m->doubt == DOUBT_GONE && i == doubt_holder(m) ? 0 : there;
        *delivered = there;
    }
    return there;
}

void message_presence(const struct world *w, const struct message *m, struct presence *p)
{
    const struct conv *c = m->conv;

    p->n = 0;
    p->variant = UINT32_MAX;
    for (unsigned i = 0; i < c->n_holders; i++) {
        const struct conv_holder *h = &w->conv_holders[c->holders + i];
        unsigned delivered;
        (void)message_stages(w, m, h->holder, &delivered);
        if (!delivered)
            continue;
        p->at[p->n].holder = h->holder;
        p->at[p->n].stages = (uint8_t)delivered;
        p->at[p->n].side = (uint8_t)(w->o->server             ? SIDE_SERVER
                                     : h->member == m->sender ? SIDE_FROM
                                                              : SIDE_TO);
        p->n++;
    }
    if (m->special == SP_CONFLICT && p->n >= 2)
        p->variant = p->at[p->n - 1].holder;
    if (m->doubt != DOUBT_NONE && m->doubt != DOUBT_GONE && p->n >= 2)
        p->variant = p->at[doubt_holder(m)].holder;
    if (m->special == SP_INCOMPLETE && p->n >= 1)
        p->variant = p->at[0].holder;
}
