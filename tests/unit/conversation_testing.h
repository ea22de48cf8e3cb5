/* conversation_testing — a case made segment by segment and its conversations as one line of signs,
 * for the tests of thread. Each test program includes it once. */
#ifndef TESTS_CONVERSATION_TESTING_H
#define TESTS_CONVERSATION_TESTING_H

#include "query/thread.h"
#include "query_testing.h"

#define DAY INT64_C(1586000000000)

static struct casefile *cf;
static struct view v;
static char line[1 << 16];
static const struct clocks *by_clocks; /* by which conversations are shown; NULL: as stamped */

static inline void setup(void)
{
    dir_make();
    memset(&made_streams, 0, sizeof made_streams);
    cf = query_case_make();
}

static inline void teardown(void)
{
    if (v.cf)
        view_close(&v);
    casefile_close(cf);
    dir_remove();
}

static inline void look(void)
{
    struct err err = {0};
    cr_assert_eq(view_open(cf, "UTC", &v, &err), ST_OK, "%s", err.text);
}

/* A message from a to b at second `s` (0: untimed), held by `source` under `seq`. */
#define MSG(s, words, src, n)                                                                      \
    {                                                                                              \
        .from = "a", .to = "b", .text = words, .sent = (s) ? DAY + (s)*1000 : 0, .copies = {       \
            {.source = src, .seq = n}                                                              \
        }                                                                                          \
    }
/* The same between other people. */
#define OTHER(s, words, src, n)                                                                    \
    {                                                                                              \
        .from = "x", .to = "y", .text = words, .sent = DAY + (s)*1000, .copies = {                 \
            {.source = src, .seq = n}                                                              \
        }                                                                                          \
    }

static inline void put_segment(const struct spec *specs, size_t n) { segment_make(cf, specs, n); }
#define SEGMENT(...)                                                                               \
    do {                                                                                           \
        static const struct spec specs_[] = {__VA_ARGS__};                                         \
        put_segment(specs_, sizeof specs_ / sizeof *specs_);                                       \
    } while (0)

static inline void key_of(const char *with, uint8_t key[KEY_SIZE])
{
    struct buf keys = {0};
    struct slice handles[8];
    size_t n = 0;
    for (const char *p = with; *p; n++) {
        size_t len = strcspn(p, ",");
        handles[n] = slice_of(p, len);
        p += len + (p[len] == ',');
    }
    cr_assert_eq(thread_pick_set(&v, handles, n, &keys, NULL), ST_OK);
    cr_assert_eq(keys.len, (size_t)KEY_SIZE);
    memcpy(key, keys.data, KEY_SIZE);
    buf_release(&keys);
}

/* "m1 [3-7] m2/seq": texts, holes with their bounds, the order where it is not by sent. */
static inline void put_item(const struct thread_item *it)
{
    size_t at = strlen(line);
    char *to = line + at;
    size_t room = sizeof line - at;
    const char *gap = at ? " " : "";
    if (it->is_gap && it->gap.at_end)
        (void)snprintf(to, room, "%s[%llu-:%llu]", gap, (unsigned long long)it->gap.after_seq,
                       (unsigned long long)it->gap.missing);
    else if (it->is_gap)
        (void)snprintf(to, room, "%s[%llu-%llu:%llu]", gap, (unsigned long long)it->gap.after_seq,
                       (unsigned long long)it->gap.before_seq, (unsigned long long)it->gap.missing);
    else
        (void)snprintf(to, room, "%s%.*s%s%s", gap, (int)it->m->c.text.len,
                       (const char *)it->m->c.text.data, it->order == ORDER_SENT ? "" : "/",
                       it->order == ORDER_SENT ? "" : thread_order_name(it->order));
}

static inline const char *show(int64_t after, int64_t before)
{
    struct thread t;
    struct thread_item it;
    struct thread_limits limits = {.after = after ? DAY + after * 1000 : INT64_MIN,
                                   .before = before ? DAY + before * 1000 : INT64_MAX,
                                   .clocks = by_clocks};
    struct err err = {0};
    enum status st;
    uint8_t key[KEY_SIZE];
    key_of("a,b", key);
    cr_assert_eq(thread_open(&v, key, &limits, &t, &err), ST_OK, "%s", err.text);
    line[0] = 0;
    while ((st = thread_next(&t, &it, &err)) == ST_OK)
        put_item(&it);
    cr_assert_eq(st, ST_END, "%s", err.text);
    thread_close(&t);
    return line;
}

/* The message with this text (the k-th of its content). */
static inline struct message_ref find(const char *words, uint32_t k)
{
    struct thread t;
    struct thread_item it;
    struct thread_limits limits = {.after = INT64_MIN, .before = INT64_MAX};
    struct message_ref found = {.k = 0};
    uint8_t key[KEY_SIZE];
    key_of("a,b", key);
    cr_assert_eq(thread_open(&v, key, &limits, &t, NULL), ST_OK);
    while (thread_next(&t, &it, NULL) == ST_OK)
        if (!it.is_gap && slice_eq_str(it.m->c.text, words) && it.ref.k == k)
            found = it.ref;
    thread_close(&t);
    cr_assert_eq(found.k, k, "no message %s", words);
    return found;
}

static inline const char *show_around(const char *words, uint32_t k, uint64_t n)
{
    struct thread t;
    struct thread_around a;
    struct thread_item it;
    struct thread_limits limits = {.after = INT64_MIN, .before = INT64_MAX, .clocks = by_clocks};
    struct message_ref ref = find(words, k);
    struct err err = {0};
    enum status st;
    cr_assert_eq(thread_around_open(&v, &ref, n, &limits, &t, &a, &err), ST_OK, "%s", err.text);
    line[0] = 0;
    while ((st = thread_around_next(&a, &it, &err)) == ST_OK)
        put_item(&it);
    cr_assert_eq(st, ST_END, "%s", err.text);
    thread_around_close(&a);
    return line;
}

#endif
