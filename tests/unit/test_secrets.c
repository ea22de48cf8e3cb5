/* Unit tests of secrets in memory: while a case is open its key stands in one place, which is
 * neither dumped nor swapped; once it is closed, nowhere. What is looked for is never itself in
 * memory as it is: every byte is kept changed. */
#include "case_testing.h"

#include <string.h>

#include "store/case_private.h"

TestSuite(secrets, .init = dir_make, .fini = dir_remove);

#define MASK 0x5a
#define REGION_MAX ((uint64_t)1 << 30) /* what is larger is the shadow of a sanitizer */
#define STEP ((size_t)1 << 16)

struct sought {
    uint8_t masked[32];
};

static void seek_key(const uint8_t key[32], struct sought *s)
{
    for (size_t i = 0; i < 32; i++)
        s->masked[i] = key[i] ^ MASK;
}

static unsigned matches(const uint8_t *p, size_t n, const struct sought *s)
{
    unsigned found = 0;
    for (size_t i = 0; i + 32 <= n; i++) {
        size_t k = 0;
        while (k < 32 && (uint8_t)(p[i + k] ^ MASK) == s->masked[k])
            k++;
        found += k == 32;
    }
    return found;
}

/* Of one region, in steps that overlap. The buffer is wiped: it is memory, too. */
static unsigned in_region(int mem, uint64_t from, uint64_t to, const struct sought *s)
{
    static uint8_t buf[STEP];
    unsigned found = 0;
    for (uint64_t at = from; at < to; at += STEP - 32) {
        size_t want = to - at < STEP ? (size_t)(to - at) : STEP;
        uint64_t own = (uint64_t)(uintptr_t)buf;
        if (at + want > own && at < own + STEP)
            continue;
        ssize_t n = pread(mem, buf, want, (off_t)at);
        if (n <= 0)
            break;
        found += matches(buf, (size_t)n, s);
        explicit_bzero(buf, sizeof buf);
    }
    return found;
}

/* How often it stands in memory; `bare`: of these, where it could be dumped. */
static unsigned in_memory(const struct sought *s, unsigned *bare)
{
    char line[512], mode[8] = "";
    unsigned long long from = 0, to = 0;
    unsigned all = 0;
    int mem = open("/proc/self/mem", O_RDONLY);
    FILE *f = fopen("/proc/self/smaps", "r");
    cr_assert(mem >= 0 && f);
    *bare = 0;
    while (fgets(line, sizeof line, f)) {
        unsigned long long a, b;
        char m[8];
        if (sscanf(line, "%llx-%llx %7s", &a, &b, m) == 3) {
            from = a;
            to = b;
            memcpy(mode, m, sizeof mode);
        }
        if (strncmp(line, "VmFlags:", 8) != 0 || mode[0] != 'r' || to - from > REGION_MAX)
            continue;
        unsigned n = in_region(mem, from, to, s);
        all += n;
        *bare += strstr(line, " dd") ? 0 : n;
    }
    fclose(f);
    close(mem);
    return all;
}

/* What opens a case file is made again, only to be looked for. */
static void lock_key_of(struct sought *s)
{
    uint8_t *key = NULL;
    const struct case_secret secret = {.key_file = key_path};
    const struct case_way way = {.method = CASE_KEY_FILE};
    cr_assert_eq(case_lock_key(&secret, &way, &key, NULL), ST_OK);
    seek_key(key, s);
    struct case_lock l = {.key = key};
    case_lock_release(&l, false);
}

Test(secrets, the_search_finds_what_is_there)
{
    uint8_t *bare_key = malloc(32);
    struct sought s;
    unsigned bare;
    for (uint8_t i = 0; i < 32; i++)
        bare_key[i] = (uint8_t)(i * 7 + 1);
    seek_key(bare_key, &s);
    cr_assert_geq(in_memory(&s, &bare), 1);
    cr_assert_geq(bare, 1);
    explicit_bzero(bare_key, 32);
    free(bare_key);
}

Test(secrets, a_case_keeps_its_key_in_one_place_and_wipes_it)
{
    struct sought case_key, lock_key;
    unsigned bare = 0;
    case_make("a", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    seek_key(casefile_key(c)->key, &case_key);
    cr_assert_eq(case_commit_line(c, "a line", NULL), ST_OK);
    cr_assert_eq(in_memory(&case_key, &bare), 1);
    cr_assert_eq(bare, 0, "%u where it could be dumped", bare);
    casefile_close(c);
    cr_assert_eq(in_memory(&case_key, &bare), 0);
    c = case_get(false, CASE_READ);
    lock_key_of(&lock_key);
    cr_assert_eq(in_memory(&lock_key, &bare), 0);
    cr_assert_eq(in_memory(&case_key, &bare), 1);
    casefile_close(c);
    cr_assert_eq(in_memory(&case_key, &bare), 0);
}

Test(secrets, secret_memory_is_not_dumped_and_wiped)
{
    unsigned bare = 0;
    struct sought s;
    uint8_t *p = os_secret_new(1024);
    cr_assert_not_null(p);
    for (uint8_t i = 0; i < 32; i++)
        p[i] = (uint8_t)(i * 11 + 3);
    seek_key(p, &s);
    cr_assert_eq(in_memory(&s, &bare), 1);
    cr_assert_eq(bare, 0);
    os_secret_free(p, 1024);
    cr_assert_eq(in_memory(&s, &bare), 0);
    os_secret_free(NULL, 1024);
}
