/* race_ingest — the whole core with many workers and a budget so small that most is put aside on
 * the way, as a plain program for ThreadSanitizer. Exit 0 if books and digest are those of one
 * worker. */
#include "tests/unit/ingest_testing.h"

#define HANDSETS 4
#define MESSAGES 3000

static char *handset(int h)
{
    struct buf b = {0};
    buf_printf(&b,
               "{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"imei:%d\","
               "\"stage\":\"live\",\"account\":\"h%d\"}\n",
               h, h);
    for (int i = 1; i <= MESSAGES; i++) /* every handset holds what its neighbour sent, too */
        buf_printf(&b,
                   "{\"kind\":\"message\",\"seq\":%d,\"from\":\"h%d\",\"to\":[\"h%d\"],"
                   "\"sent\":%lld,\"text\":\"line %d of some words\"}\n",
                   i, (h + i % 2) % HANDSETS, (h + i % 2 + 1) % HANDSETS,
                   1586000000000LL + (i / 2) * 1000LL, i / 2 % 700);
    buf_printf(&b, "{\"kind\":\"end\",\"records\":%d,\"last_seq\":%d}\n", MESSAGES, MESSAGES);
    buf_put_u8(&b, 0);
    MUST(!b.failed);
    return (char *)b.data;
}

int main(void)
{
    char path[] = P_tmpdir "/lictor-race-XXXXXX", one[64], many[64];
    struct test_dump dumps[HANDSETS];
    char names[HANDSETS][24];
    struct test_result a, b;
    MUST(mkdtemp(path));
    snprintf(one, sizeof one, "%s/one", path);
    snprintf(many, sizeof many, "%s/many", path);
    for (int h = 0; h < HANDSETS; h++) {
        snprintf(names[h], sizeof names[h], "handset-%d", h);
        dumps[h] = (struct test_dump){names[h], handset(h)};
    }
    test_ingest(one, dumps, HANDSETS, 1, (uint64_t)1 << 30, &a);
    test_ingest(many, dumps, HANDSETS, 8, (uint64_t)4 << 20, &b);
    int bad = strcmp(a.digest, b.digest) != 0 || memcmp(&a.books, &b.books, sizeof a.books) != 0;
    printf("1 worker: %llu messages, %llu copies; 8 workers: %llu, %llu; digests %s\n",
           (unsigned long long)a.books.messages, (unsigned long long)a.books.copies,
           (unsigned long long)b.books.messages, (unsigned long long)b.books.copies,
           bad ? "DIFFER" : "agree");
    for (int h = 0; h < HANDSETS; h++)
        free((void *)(uintptr_t)dumps[h].text);
    nftw(path, tree_drop, 16, FTW_DEPTH | FTW_PHYS);
    return bad;
}
