/* race_scan — `scan` with many threads over several segments, and two of them at once, as a plain
 * program for ThreadSanitizer. Exit 0 if every answer is that of one thread and of `search`. */
#include "query/scan.h"
#include "query/search.h"
#include "tests/unit/ingest_testing.h"

#define SEGMENTS 5
#define MESSAGES 700

static const char *const queries[] = {
    "line",
    "word1* -line7",
    "\"line 3\" OR with:h2",
    "lin~1 NEAR/5 /w.+/",
    "* -from:h1",
    "a1 THEN/10m line",
    "line THEN/3msg by:same line",
    "on:2020-04-04 =Some",
    "from:h* words~1",
    "nick:boss OR has:link",
};
#define QUERIES (sizeof queries / sizeof *queries)

static char *delivery(int n)
{
    struct buf b = {0};
    buf_printf(&b,
               "{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"imei:%d\","
               "\"stage\":\"live\",\"account\":\"h%d\"}\n",
               n, n);
    for (int i = 1; i <= MESSAGES; i++)
        buf_printf(&b,
                   "{\"kind\":\"message\",\"seq\":%d,\"from\":\"h%d\",\"to\":[\"h%d\"],"
                   "\"sent\":%lld,\"text\":\"line %d of Some words a%d word%d\"}\n",
                   i, (n + i) % 4, (n + i + 1) % 4, 1586000000000LL + i * 1000LL + n, i % 50, i % 9,
                   i % 200);
    buf_printf(&b,
               "{\"kind\":\"contact\",\"seq\":%d,\"owner\":\"h%d\",\"handle\":\"h1\","
               "\"nickname\":\"Boss\"}\n{\"kind\":\"end\",\"records\":%d}\n",
               MESSAGES + 1, n, MESSAGES + 1);
    buf_put_u8(&b, 0);
    MUST(!b.failed);
    return (char *)b.data;
}

/* How many hits, and which, in order. */
static uint64_t print_of(const struct search_result *r)
{
    uint64_t sum = r->total * 31 + r->sealed * 7 + r->untimed;
    for (size_t i = 0; i < r->n_hits; i++)
        sum = sum * 1099511628211u +
              ((uint64_t)r->hits[i].segment << 40 | r->hits[i].doc << 8 | r->hits[i].k);
    return sum;
}

/* All queries, each asked with `threads` (0: of the index). */
static void ask(struct casefile *cf, unsigned threads, uint64_t prints[QUERIES])
{
    const struct search_options o = {.limit = UINT64_MAX};
    const struct scan_options how = {.threads = threads, .progress = CLI_PROGRESS_NONE};
    struct err err = {0};
    struct view v;
    MUST(view_open(cf, NULL, &v, &err) == ST_OK);
    for (size_t i = 0; i < QUERIES; i++) {
        struct query_error qe = {0};
        struct query *q;
        struct search_result r;
        MUST(query_parse(slice_str(queries[i]), v.splitter, v.zone, &q, &qe, &err) == ST_OK);
        MUST((threads ? scan_run(&v, q, &o, &how, &r, NULL, &err)
                      : search_run(&v, q, &o, &r, &err)) == ST_OK);
        prints[i] = print_of(&r);
        MUST(r.total > 0); /* an empty answer proves nothing */
        search_result_release(&r);
        query_free(q);
    }
    view_close(&v);
}

struct asker {
    struct casefile *cf;
    uint64_t prints[QUERIES];
};

static void asker_main(void *arg)
{
    struct asker *a = arg;
    ask(a->cf, 8, a->prints);
}

int main(void)
{
    char path[] = P_tmpdir "/lictor-race-XXXXXX", dir[64];
    uint64_t index[QUERIES], one[QUERIES], many[QUERIES];
    struct err err = {0};
    struct asker other = {0};
    struct thread *t;
    MUST(mkdtemp(path));
    snprintf(dir, sizeof dir, "%s/case", path);
    for (int i = 0; i < SEGMENTS; i++) {
        char name[24], *text = delivery(i);
        struct test_result r;
        snprintf(name, sizeof name, "dump-%d", i);
        struct test_dump d = {name, text};
        test_ingest(dir, &d, 1, 1, (uint64_t)1 << 28, &r);
        free(text);
    }
    MUST(casefile_open(dir, NULL, CASE_READ, (size_t)1 << 20, &other.cf, &err) == ST_OK);
    ask(other.cf, 0, index);
    ask(other.cf, 1, one);
    MUST(thread_start(asker_main, &other, &t, &err) == ST_OK);
    ask(other.cf, 16, many);
    thread_join(t);
    int bad = memcmp(index, one, sizeof one) != 0 || memcmp(one, many, sizeof one) != 0 ||
              memcmp(one, other.prints, sizeof one) != 0;
    printf("%zu queries, 1, 8 and 16 threads and the index: %s\n", QUERIES,
           bad ? "DIFFER" : "agree");
    casefile_close(other.cf);
    nftw(path, tree_drop, 16, FTW_DEPTH | FTW_PHYS);
    return bad;
}
