/* test_generate — small synthetic deliveries: the same bytes from any number of threads, books that
 * balance and agree with the lines written, dumps that the readers open, contents of every kind.
 * That truth.json is true is checked by tests/cli/generate_truth.py, a second reader. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/gen.h"
#include "lictor/age.h"
#include "lictor/inflate.h"
#include "lictor/os.h"

static char base[] = "/tmp/lictor-generate-XXXXXX";
static struct err err;

static void setup(void) { cr_assert_not_null(mkdtemp(base)); }

static void teardown(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", base);
    cr_assert_eq(system(command), 0);
}

TestSuite(generate, .init = setup, .fini = teardown);

static const char *sub(const char *name)
{
    static char paths[8][128];
    static unsigned n;
    char *p = paths[n++ % 8];
    snprintf(p, 128, "%s/%s", base, name);
    return p;
}

static struct gen_options small(const char *dir)
{
    return (struct gen_options){.dir = dir,
                                .messages = 3000,
                                .seed = 7,
                                .dumps = 5,
                                .zstd = true,
                                .age = true,
                                .level = 1,
                                .threads = 1,
                                .progress = CLI_PROGRESS_NONE};
}

static const char *dumps_of(const char *dir)
{
    static char paths[8][128];
    static unsigned n;
    char *p = paths[n++ % 8];
    snprintf(p, 128, "%.100s/dumps", dir);
    return p;
}

static void read_file(const char *dir, const char *name, uint8_t **data, size_t *len)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    cr_assert_eq(os_read_file(AT_FDCWD, path, (size_t)64 << 20, data, len, &err), ST_OK, "%s",
                 err.text);
}

static bool same_files(const char *a, const char *b)
{
    char **names = NULL, **others = NULL;
    size_t n = 0, m = 0;
    bool same = true;

    cr_assert_eq(os_list(AT_FDCWD, a, &names, &n, &err), ST_OK);
    cr_assert_eq(os_list(AT_FDCWD, b, &others, &m, &err), ST_OK);
    cr_assert_eq(n, m);
    for (size_t i = 0; i < n; i++) {
        uint8_t *x, *y;
        size_t nx, ny;
        cr_assert_str_eq(names[i], others[i]);
        if (strcmp(names[i], "dumps") == 0)
            continue;
        read_file(a, names[i], &x, &nx);
        read_file(b, others[i], &y, &ny);
        same = same && nx == ny && memcmp(x, y, nx) == 0;
        free(x);
        free(y);
    }
    os_list_free(names, n);
    os_list_free(others, m);
    return same;
}

static bool same_dirs(const char *a, const char *b)
{
    return same_files(a, b) && same_files(dumps_of(a), dumps_of(b));
}

static bool balances(const struct tally *y)
{
    return y->records == y->messages + y->copies + y->redelivered + y->other + y->quarantined;
}

Test(generate, the_number_of_threads_changes_no_byte)
{
    struct gen_options one = small(sub("one")), three = small(sub("three"));

    three.threads = 3;
    cr_assert_eq(generate(&one, NULL, &err), ST_OK, "%s", err.text);
    cr_assert_eq(generate(&three, NULL, &err), ST_OK, "%s", err.text);
    cr_assert(same_dirs(one.dir, three.dir));
}

Test(generate, another_seed_gives_another_delivery)
{
    struct gen_options a = small(sub("a")), b = small(sub("b"));
    struct tally x, y;

    b.seed = 8;
    cr_assert_eq(generate(&a, &x, &err), ST_OK, "%s", err.text);
    cr_assert_eq(generate(&b, &y, &err), ST_OK, "%s", err.text);
    cr_assert_neq(memcmp(&x, &y, sizeof(x)), 0);
    cr_assert_not(same_dirs(a.dir, b.dir));
}

static uint64_t lines_in(const char *dir, uint32_t dump, const struct gen_options *o)
{
    char name[48];
    uint8_t *data;
    size_t len;
    uint64_t lines = 0;

    dump_name(o, dump, name);
    read_file(dumps_of(dir), name, &data, &len);
    cr_assert_gt(len, 0);
    cr_assert_eq(data[len - 1], '\n');
    for (size_t i = 0; i < len; i++)
        lines += data[i] == '\n';
    free(data);
    return lines;
}

Test(generate, the_books_balance_and_count_the_lines_written)
{
    struct gen_options o = small(sub("plain"));
    struct tally y;
    uint64_t lines = 0;

    o.zstd = o.age = false;
    cr_assert_eq(generate(&o, &y, &err), ST_OK, "%s", err.text);
    cr_assert(balances(&y));
    for (uint32_t d = 0; d < o.dumps; d++)
        lines += lines_in(o.dir, d, &o);
    cr_assert_eq(y.records, lines - o.dumps);
}

Test(generate, every_special_case_is_there)
{
    struct gen_options o = small(sub("o"));
    struct tally y;

    cr_assert_eq(generate(&o, &y, &err), ST_OK, "%s", err.text);
    for (unsigned i = 0; i < GF_FLAGS; i++)
        cr_assert_gt(y.flags[i], 0, "flag %u", i);
    for (unsigned i = 0; i < GH_HAS; i++)
        cr_assert_gt(y.has[i], 0, "has %u", i);
    for (unsigned k = DOC_EVENT; k < DOC_KINDS; k++)
        cr_assert_gt(y.kinds[k], 0, "kind %u", k);
    cr_assert(y.redelivered > 0 && y.quarantined > 0 && y.copies > 0 && y.edits > 0);
    cr_assert(y.sealed_no_key > 0 && y.sealed_no_key < y.flags[GF_SEALED]);
}

Test(generate, one_small_conversation_is_there_from_two_holders_and_1000_messages_on)
{
    static const struct {
        uint64_t messages;
        uint32_t dumps;
        bool server, there;
    } cases[] = {{999, 5, false, false}, {1000, 1, false, false}, {1000, 2, false, true},
                 {1000, 3, false, true}, {1000, 5, false, true},  {1000, 2, true, true},
                 {1000, 9, true, true},  {1000, 40, false, true}};

    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char name[16];
        struct tally y;
        snprintf(name, sizeof(name), "s%u", i);
        struct gen_options o = small(sub(name));
        o.messages = cases[i].messages;
        o.dumps = cases[i].dumps;
        o.server = cases[i].server;
        cr_assert_eq(generate(&o, &y, &err), ST_OK, "%s", err.text);
        cr_assert(balances(&y));
        /* Three lost by both, one there with two texts. */
        cr_assert_eq(y.demo_story, cases[i].there ? STORY_MESSAGES - 3 + 1 : 0, "case %u", i);
    }
}

Test(generate, every_shape_and_number_of_dumps_balances)
{
    static const uint32_t dumps[] = {1, 2, 3, 17, 200};

    for (unsigned i = 0; i < 10; i++) {
        char name[16];
        struct tally y;
        snprintf(name, sizeof(name), "d%u", i);
        struct gen_options o = small(sub(name));
        o.messages = 400;
        o.dumps = dumps[i / 2];
        o.server = i % 2;
        o.ascii = i % 2;
        cr_assert_eq(generate(&o, &y, &err), ST_OK, "%s", err.text);
        cr_assert(balances(&y));
        cr_assert(y.messages > 300 && y.messages < 450);
    }
}

struct memory {
    const uint8_t *data;
    size_t len, pos;
};

static enum status memory_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *e)
{
    struct memory *m = ctx;
    (void)e;
    *got = cap < m->len - m->pos ? cap : m->len - m->pos;
    memcpy(buf, m->data + m->pos, *got);
    m->pos += *got;
    return ST_OK;
}

static uint64_t newlines(struct slice s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.data[i] == '\n';
    return n;
}

/* Lines of an encrypted dump, through the readers of delivery/. */
static uint64_t opened_lines(struct memory *m, const struct age_identities *ids)
{
    struct byte_source src = {.ctx = m, .read = memory_read};
    struct age_reader *r;
    struct inflate *z;
    struct slice in, out;
    uint64_t lines = 0;
    enum status st;

    cr_assert_eq(age_reader_open(src, ids, &r, &err), ST_OK, "%s", err.text);
    cr_assert_eq(inflate_new(&z, &err), ST_OK);
    inflate_reset(z, NULL);
    while ((st = age_reader_next(r, &in, &err)) == ST_OK)
        do {
            cr_assert_eq(inflate_next(z, &in, &out, &err), ST_OK, "%s", err.text);
            lines += newlines(out);
        } while (in.len > 0 || out.len > 0);
    cr_assert_eq(st, ST_END);
    while ((st = inflate_finish(z, &out, &err)) == ST_OK)
        lines += newlines(out);
    cr_assert_eq(st, ST_END);
    inflate_free(z);
    age_reader_close(r);
    return lines;
}

Test(generate, the_dumps_open_with_the_key_beside_them)
{
    struct gen_options o = small(sub("o"));
    struct tally y;
    struct age_identities *ids;
    uint8_t *key;
    size_t key_len;
    uint64_t lines = 0;

    cr_assert_eq(generate(&o, &y, &err), ST_OK, "%s", err.text);
    read_file(o.dir, "case.agekey", &key, &key_len);
    cr_assert_eq(age_identities_new(&ids, &err), ST_OK);
    cr_assert_eq(age_identities_add(ids, slice_of(key, key_len), "case.agekey", &err), ST_OK);
    for (uint32_t d = 0; d < o.dumps; d++) {
        char name[48];
        uint8_t *data;
        struct memory m = {0};
        dump_name(&o, d, name);
        read_file(dumps_of(o.dir), name, &data, &m.len);
        m.data = data;
        lines += opened_lines(&m, ids);
        free(data);
    }
    cr_assert_eq(lines, y.records + o.dumps);
    age_identities_free(ids);
    free(key);
}

Test(generate, refuses_a_directory_that_is_not_empty)
{
    struct gen_options o = small(sub("o"));

    o.messages = 10;
    cr_assert_eq(generate(&o, NULL, &err), ST_OK, "%s", err.text);
    cr_assert_eq(generate(&o, NULL, &err), ST_USAGE);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, HANDLE_LEN); }

Test(generate, handles_are_different_for_different_numbers)
{
    enum { N = 200000 };
    char(*names)[HANDLE_LEN] = malloc((size_t)N * HANDLE_LEN);

    cr_assert_not_null(names);
    for (uint32_t i = 0; i < N; i++)
        handle_name(i, names[i]);
    qsort(names, N, HANDLE_LEN, by_bytes);
    for (uint32_t i = 1; i < N; i++)
        cr_assert_neq(memcmp(names[i - 1], names[i], HANDLE_LEN), 0);
    free(names);
}
