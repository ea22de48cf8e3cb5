/* Unit tests of manifest: what is live, as bytes. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "store/case_private.h"

static struct manifest *manifest_sample(void)
{
    struct manifest *m = NULL;
    cr_assert_eq(manifest_new(&m, NULL), ST_OK);
    m->generation = 300;
    m->n_segments = 2;
    m->segments = calloc(2, sizeof *m->segments);
    m->segments[0].base = (struct file_seal){.id = {1}, .size = 1000, .toc_hash = {5}};
    m->segments[0].docs = 7;
    m->segments[1].base = (struct file_seal){.id = {2}, .size = 2000, .toc_hash = {6}};
    m->segments[1].docs = 1u << 31;
    m->segments[1].n_overlays = 2;
    m->segments[1].overlays = calloc(2, sizeof(struct file_seal));
    m->segments[1].overlays[0] = (struct file_seal){.id = {3}, .size = UINT64_MAX};
    m->segments[1].overlays[1] = (struct file_seal){.id = {4}, .size = 0};
    m->n_quarantine = 1;
    m->quarantine = calloc(1, sizeof *m->quarantine);
    m->quarantine[0] = (struct file_seal){.id = {1}, .size = 5};
    m->quarantined = 12;
    m->n_progress = 1;
    m->progress = calloc(1, sizeof *m->progress);
    m->progress[0] = (struct dump_progress){
        .sha256 = {9}, .lines = 400, .books = {.records = 400, .messages = 399, .conflict = 1}};
    m->progress[0].state = slice_of(memcpy(malloc(5), "state", 5), 5);
    for (int i = 0; i < DIGEST_SUM_SIZE; i++)
        m->digest_sum[i] = (uint8_t)i;
    m->dumps[0] = 1;
    m->dumps[2] = 1000;
    m->ledger_entries = 300;
    m->ledger_bytes = 123456;
    m->ledger_head[0] = 77;
    return m;
}

Test(manifest, reads_back_the_manifest_it_wrote)
{
    struct manifest *m = manifest_sample(), *copy = NULL, *read = NULL;
    struct buf a = {0}, b = {0}, c = {0};
    cr_assert_eq(manifest_encode(m, &a, NULL), ST_OK);
    cr_assert_eq(manifest_copy(m, &copy, NULL), ST_OK);
    manifest_free(m);
    cr_assert_eq(manifest_encode(copy, &b, NULL), ST_OK);
    manifest_free(copy);
    cr_assert(slice_eq(buf_slice(&a), buf_slice(&b)));
    cr_assert_eq(manifest_decode(buf_slice(&a), &read, NULL), ST_OK);
    cr_assert_eq(manifest_encode(read, &c, NULL), ST_OK);
    cr_assert(slice_eq(buf_slice(&a), buf_slice(&c)));
    cr_assert_eq(read->segments[1].docs, 1u << 31);
    cr_assert_eq(read->segments[1].overlays[0].size, UINT64_MAX);
    cr_assert(slice_eq_str(read->progress[0].state, "state"));
    cr_assert_eq(read->progress[0].books.messages, 399);
    manifest_free(read);
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
}

Test(manifest, survives_every_truncated_and_flipped_manifest)
{
    struct manifest *m = manifest_sample(), *read = NULL;
    struct buf a = {0};
    cr_assert_eq(manifest_encode(m, &a, NULL), ST_OK);
    manifest_free(m);
    for (size_t len = 0; len < a.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        memcpy(exact, a.data, len);
        cr_assert_eq(manifest_decode(slice_of(exact, len), &read, NULL), ST_DAMAGED);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * a.len; bit++) {
        a.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (manifest_decode(buf_slice(&a), &read, NULL) == ST_OK)
            manifest_free(read);
        a.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_release(&a);
}

static enum status decoded(struct buf *b)
{
    struct manifest *m = NULL;
    struct err err = {0};
    enum status st = manifest_decode_body(buf_slice(b), &m, &err);
    cr_assert(st == ST_OK || err.text[0]);
    manifest_free(st == ST_OK ? m : NULL);
    buf_release(b);
    return st;
}

/* A body as the ledger carries it, with one thing changed. */
static void body_of(struct manifest *m, struct buf *b)
{
    manifest_encode_body(m, b);
    manifest_free(m);
}

Test(manifest, refuses_what_no_commit_makes)
{
    struct buf b = {0};
    body_of(manifest_sample(), &b);
    cr_assert_eq(decoded(&b), ST_OK);
    body_of(manifest_sample(), &b);
    buf_put_u8(&b, 0);
    cr_assert_eq(decoded(&b), ST_DAMAGED);

    struct manifest *m = manifest_sample();
    m->generation = 0;
    body_of(m, &b);
    cr_assert_eq(decoded(&b), ST_DAMAGED);
    m = manifest_sample();
    m->segments[1].overlays[1].id[0] = 1; /* the id of a base */
    body_of(m, &b);
    cr_assert_eq(decoded(&b), ST_DAMAGED);
    m = manifest_sample();
    m->quarantine = realloc(m->quarantine, 2 * sizeof *m->quarantine);
    m->quarantine[1] = m->quarantine[0];
    m->n_quarantine = 2;
    body_of(m, &b);
    cr_assert_eq(decoded(&b), ST_DAMAGED);
    m = manifest_sample();
    m->segments[0].docs = SEGMENT_DOCS_MAX + 1u;
    body_of(m, &b);
    cr_assert_eq(decoded(&b), ST_DAMAGED);
}

Test(manifest, takes_no_memory_for_counts_beyond_its_bytes)
{
    for (int list = 0; list < 4; list++) {
        struct buf b = {0};
        buf_put_varint(&b, 1); /* generation; then empty lists before the one that lies */
        if (list == 1)
            buf_put_varint(&b, 0);
        if (list == 2)
            buf_put(&b, "\0\0\0", 3);
        if (list == 3) { /* overlays of the first segment */
            struct file_seal none = {.id = {1}};
            buf_put_varint(&b, 1);
            buf_put(&b, none.id, sizeof none.id);
            buf_put_varint(&b, 0);
            buf_put(&b, none.toc_hash, sizeof none.toc_hash);
            buf_put_varint(&b, 0);
        }
        buf_put_varint(&b, UINT64_MAX);
        for (int i = 0; i < 400; i++)
            buf_put_u8(&b, 0);
        cr_assert_eq(decoded(&b), ST_DAMAGED, "%d", list);
    }
}
