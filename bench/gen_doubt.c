/* gen_doubt — one conversation of two handsets without service ids, in which the second copy of
 * every third message differs in one way from the first, or is not there at all: what a reader must
 * show as "perhaps the same", never merge, and what it must miss. No number is lost in it. */
#include "bench/gen.h"
#include "lictor/json_out.h"

#define DOUBT_DAY 12 /* before any handset turns from stored to live */
#define MINUTE_MS INT64_C(60000)

enum doubt doubt_of(uint32_t i)
{
    static const uint8_t of[12] = {
        [1] = DOUBT_TEXT, [4] = DOUBT_TIME, [7] = DOUBT_SEALED, [10] = DOUBT_GONE};
    return (enum doubt)of[i % 12];
}

/* Copies that differ in time by less than this never pass a neighbour. */
int64_t doubt_time(uint32_t i, int64_t before, uint64_t key)
{
    int64_t from = i ? before : GEN_BEGIN_MS + DOUBT_DAY * DAY_MS;
    return from + 4 * MINUTE_MS + (int64_t)(key % (uint64_t)(11 * MINUTE_MS));
}

void doubt_variant(const struct message *m, struct message *out)
{
    *out = *m;
    if (m->doubt == DOUBT_TIME)
        out->t += 1000 + (int64_t)((m->key >> 9) % (uint64_t)(2 * MINUTE_MS));
}

unsigned doubt_holder(const struct message *m) { return (m->key >> 40) & 1; }

static void put_account(struct json_out *j, const struct world *w, const char *key, unsigned member)
{
    char name[HANDLE_LEN + 1] = {0};
    handle_name(w->members[w->convs[w->doubts].members + member], name);
    json_key_str(j, key, name);
}

static void put_one(struct json_out *j, const struct world *w, const struct message *m)
{
    static const char *const why[] = {NULL, "same-time", "same-text", "same-opened",
                                      "missing-copy"};
    struct message other;
    if (!why[m->doubt])
        return;
    doubt_variant(m, &other);
    json_begin_object(j);
    json_key_str(j, "why", why[m->doubt]);
    put_account(j, w, "from", m->sender);
    json_key_time(j, "sent", message_stamp(w, m));
    if (m->doubt == DOUBT_GONE)
        put_account(j, w, "account", doubt_holder(m));
    else
        json_key_time(j, "other_sent", message_stamp(w, &other));
    json_end_object(j);
}

void doubt_truth(const struct world *w, struct json_out *j)
{
    struct conv_walk k = {.w = w, .conv_no = w->doubts};
    const struct conv *c = &w->convs[w->doubts];
    struct buf with = {0};
    struct message m;
    char name[HANDLE_LEN + 1] = {0};

    for (unsigned i = 0; i < c->n_members; i++) {
        handle_name(w->members[c->members + i], name);
        buf_printf(&with, "%s%s", i ? "," : "", name);
    }
    json_key(j, "doubts");
    json_begin_object(j);
    json_key_slice(j, "with", buf_slice(&with));
    json_key_uint(j, "planned", c->messages);
    json_key(j, "found");
    json_begin_array(j);
    while (conv_walk_next(&k, &m))
        put_one(j, w, &m);
    json_end_array(j);
    json_end_object(j);
    j->buf->failed |= with.failed;
    buf_release(&with);
}
