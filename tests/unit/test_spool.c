#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

#include "lictor/spool.h"
#include "lictor/thread.h"

static int pipe_ends[2];
static uint8_t *sent;
static size_t sent_len;

static void writer(void *arg)
{
    (void)arg;
    for (size_t at = 0; at < sent_len;) {
        ssize_t n = write(pipe_ends[1], sent + at, sent_len - at);
        MUST(n > 0);
        at += (size_t)n;
    }
    close(pipe_ends[1]);
}

Test(spool, gives_back_what_a_pipe_gave_once_from_any_offset)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct spool *sp;
        struct thread *t;
        struct err err = {0};
        sent_len = sizes[s];
        sent = malloc(sent_len + 1);
        for (size_t i = 0; i < sent_len; i++)
            sent[i] = (uint8_t)(i * 31 + i / 251);
        cr_assert_eq(pipe(pipe_ends), 0);
        cr_assert_eq(thread_start(writer, NULL, &t, &err), ST_OK);
        cr_assert_eq(spool_new(pipe_ends[0], &sp, &err), ST_OK, "%s", err.text);
        thread_join(t);
        uint8_t *got = malloc(sent_len + 100);
        for (size_t off = 0; off <= sent_len; off += sent_len / 7 + 1) {
            size_t n;
            cr_assert_eq(spool_read(sp, off, got, sent_len + 100, &n, &err), ST_OK);
            cr_expect_eq(n, sent_len - off);
            cr_expect_arr_eq(got, sent + off, n);
        }
        free(got);
        free(sent);
        spool_free(sp);
        close(pipe_ends[0]);
    }
}
