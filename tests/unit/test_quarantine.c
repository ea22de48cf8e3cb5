/* Unit tests of quarantine: a file of which the seal fits and the lines do not. */
#include "case_testing.h"

#include "store/case_private.h"

TestSuite(quarantine, .init = dir_make, .fini = dir_remove);

static enum status line_count(void *ctx, const struct quarantine_line *l, struct err *err)
{
    (void)err;
    cr_assert(slice_eq_str(l->bytes, "bytes"));
    ++*(uint64_t *)ctx;
    return ST_OK;
}

/* A case whose only quarantine file holds these bytes; what its walk says, and how many lines. */
static enum status walked(struct slice bytes, uint64_t *lines)
{
    struct section_file_writer *w = NULL;
    struct file_seal seal = {0};
    struct err err = {0};
    struct casefile *c = case_get(true, CASE_WRITE);
    cr_assert_eq(
        section_file_create(casefile_quarantine_dir(c), FILE_QUARANTINE, casefile_key(c), &w, NULL),
        ST_OK);
    cr_assert_eq(section_begin(w, 0, SECTION_BODY_BLOCK, NULL), ST_OK);
    cr_assert_eq(section_append(w, 0, bytes.data, bytes.len, NULL), ST_OK);
    cr_assert_eq(section_file_finish(w, &seal, NULL), ST_OK);
    struct manifest *m = manifest_with(c, &seal);
    m->quarantine[0] = seal;
    m->n_quarantine = 1;
    cr_assert_eq(casefile_commit(c, m, LEDGER_ADD, NULL, 0, NULL), ST_OK);
    *lines = 0;
    enum status st = quarantine_walk(c, line_count, lines, &err);
    cr_assert(st == ST_OK || err.text[0]);
    casefile_close(c);
    return st;
}

/* Two lines as quarantine_add makes them. */
static void lines_make(struct buf *out)
{
    struct buf row = {0};
    uint8_t sha256[32] = {9}, len[8];
    buf_put(&row, sha256, sizeof sha256);
    buf_put_blob(&row, slice_str("dump-1"));
    buf_put_varint(&row, 17);
    buf_put_blob(&row, slice_str("not-json"));
    buf_put_blob(&row, slice_str("bytes"));
    store_u64(len, row.len);
    for (int i = 0; i < 2; i++) {
        buf_put(out, len, sizeof len);
        buf_put_slice(out, buf_slice(&row));
    }
    buf_release(&row);
}

Test(quarantine, lines_that_are_cut_or_lie_about_their_length_are_damage)
{
    static const uint64_t lies[] = {0, 1, 31, 1 << 20, UINT64_MAX - 8, UINT64_MAX};
    struct buf b = {0};
    uint64_t n;
    case_make("c", true);
    lines_make(&b);
    cr_assert_eq(walked(buf_slice(&b), &n), ST_OK);
    cr_assert_eq(n, 2);
    for (size_t len = 0; len < b.len; len += 3) {
        enum status st = walked(slice_of(b.data, len), &n);
        cr_assert(len == 0 || len == b.len / 2 ? st == ST_OK : st == ST_DAMAGED, "%zu", len);
        cr_assert_eq(n, len / (b.len / 2));
    }
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        store_u64(b.data + b.len / 2, lies[i]);
        cr_assert_eq(walked(buf_slice(&b), &n), ST_DAMAGED, "%zu", i);
        cr_assert_eq(n, 1);
    }
    buf_release(&b);
}
