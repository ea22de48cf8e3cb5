/* Unit tests of commit: what readers and the writer see of it, and what killed writers, old files
 * put back and failing disks do to a case. */
#include "case_testing.h"

#include <errno.h>
#include <sys/wait.h>

TestSuite(commit, .init = dir_make, .fini = dir_remove);

/* ---- generations ---- */

static enum status line_check(void *ctx, const struct quarantine_line *l, struct err *err)
{
    struct buf *b = ctx;
    (void)err;
    cr_assert_eq(l->line, 17);
    cr_assert_eq(l->dump_sha256[31], 9);
    cr_assert(slice_eq_str(l->dump_name, "dump-1"));
    cr_assert(slice_eq_str(l->fault, "not-json"));
    buf_put_slice(b, l->bytes);
    buf_put_u8(b, '|');
    return ST_OK;
}

static void lines_expect(struct casefile *c, const char *want)
{
    struct buf b = {0};
    struct err err = {0};
    cr_assert_eq(quarantine_walk(c, line_check, &b, &err), ST_OK, "%s", err.text);
    cr_assert(slice_eq_str(buf_slice(&b), want), "%.*s", (int)b.len, (const char *)b.data);
    buf_release(&b);
}

Test(commit, shows_a_commit_to_its_writer_and_to_new_readers)
{
    for (int plain = 0; plain < 2; plain++) {
        case_make(plain ? "p" : "s", plain);
        struct casefile *w = case_get(plain, CASE_WRITE);
        struct casefile *old = case_get(plain, CASE_READ);
        cr_assert_eq(case_commit_line(w, "one", NULL), ST_OK);
        cr_assert_eq(case_commit_line(w, "", NULL), ST_OK);
        cr_assert_eq(case_commit_line(w, "three", NULL), ST_OK);
        cr_assert_eq(casefile_manifest(w)->generation, 4);
        lines_expect(w, "one||three|");
        lines_expect(old, "");
        struct casefile *r = case_get(plain, CASE_READ);
        cr_assert_eq(casefile_manifest(r)->generation, 4);
        cr_assert_eq(casefile_manifest(r)->ledger_entries, 4);
        cr_assert_eq(casefile_manifest(r)->quarantined, 3);
        lines_expect(r, "one||three|");
        casefile_close(r);
        casefile_close(old);
        casefile_close(w);
    }
}

Test(commit, lets_a_reader_go_on_when_the_writer_drops_files)
{
    case_make("c", false);
    struct casefile *w = case_get(false, CASE_WRITE);
    cr_assert_eq(case_commit_line(w, "one", NULL), ST_OK);
    cr_assert_eq(case_commit_line(w, "two", NULL), ST_OK);
    struct casefile *r = case_get(false, CASE_READ);
    struct manifest *m = NULL;
    cr_assert_eq(manifest_copy(casefile_manifest(w), &m, NULL), ST_OK);
    char hex[33], path[64];
    hex_encode(m->quarantine[0].id, 16, hex);
    snprintf(path, sizeof path, "c/quarantine/%s", hex);
    m->quarantine[0] = m->quarantine[1];
    m->n_quarantine = 1;
    cr_assert(file_is_there(path));
    cr_assert_eq(casefile_commit(w, m, LEDGER_COMPACT, NULL, 0, NULL), ST_OK);
    cr_assert_not(file_is_there(path));
    lines_expect(r, "one|two|");
    lines_expect(w, "two|");
    casefile_close(r);
    casefile_close(w);
}

/* Each commit takes away the file of the one before. */
static void replace_files(int rounds)
{
    struct casefile *c = case_get(false, CASE_WRITE);
    for (int i = 0; i < rounds; i++) {
        struct file_seal seal = quarantine_make(c, "one");
        struct manifest *m = manifest_with(c, &seal);
        m->quarantine[0] = seal;
        m->n_quarantine = 1;
        cr_assert_eq(casefile_commit(c, m, LEDGER_ADD, NULL, 0, NULL), ST_OK);
    }
    casefile_close(c);
}

Test(commit, gives_every_reader_a_whole_generation_while_it_goes_on)
{
    case_make("c", false);
    replace_files(1);
    pid_t writer = fork();
    cr_assert(writer >= 0);
    if (writer == 0) {
        replace_files(60);
        _exit(0);
    }
    uint64_t last = 0;
    int status = 0;
    do {
        struct casefile *c = case_get(false, CASE_READ);
        cr_assert_geq(casefile_manifest(c)->generation, last);
        last = casefile_manifest(c)->generation;
        lines_expect(c, "one|");
        casefile_close(c);
    } while (waitpid(writer, &status, WNOHANG) == 0);
    cr_assert_eq(status, 0);
    cr_assert_eq(case_generation(false), 62);
}

Test(commit, is_written_by_one_and_read_by_any)
{
    struct casefile *second = NULL;
    struct err err = {0};
    case_make("c", false);
    struct casefile *w = case_get(false, CASE_WRITE);
    cr_assert_eq(case_try(false, CASE_WRITE, &second, &err), ST_LOCKED);
    struct casefile *r = case_get(false, CASE_READ);
    cr_assert_eq(case_commit_line(r, "x", &err), ST_USAGE, "a reader cannot commit");
    casefile_close(r);
    casefile_close(w);
    w = case_get(false, CASE_WRITE);
    casefile_close(w);
}

Test(commit, refuses_a_commit_whose_files_are_not_there)
{
    struct err err = {0};
    case_make("c", false);
    struct casefile *w = case_get(false, CASE_WRITE);
    struct file_seal seal = quarantine_make(w, "x");
    seal.id[3] ^= 1;
    cr_assert_neq(casefile_commit(w, manifest_with(w, &seal), LEDGER_ADD, NULL, 0, &err), ST_OK);
    cr_assert_eq(case_commit_line(w, "y", &err), ST_IO, "the handle is not used any further");
    casefile_close(w);
    cr_assert_eq(case_generation(false), 1);

    w = case_get(false, CASE_WRITE);
    seal = quarantine_make(w, "x");
    struct manifest *m = manifest_with(w, &seal);
    m->quarantine = realloc(m->quarantine, 2 * sizeof *m->quarantine);
    m->quarantine[m->n_quarantine++] = seal;
    cr_assert_eq(casefile_commit(w, m, LEDGER_ADD, NULL, 0, &err), ST_DAMAGED, "named twice");
    casefile_close(w);
}

Test(commit, removes_what_killed_writers_left_and_nothing_else)
{
    static const char *const ours[] = {"c/MANIFEST.tmp",
                                       "c/segments/00112233445566778899aabbccddeeff",
                                       "c/segments/00112233445566778899aabbccddeeff.tmp",
                                       "c/quarantine/00112233445566778899aabbccddeef0",
                                       "c/quarantine/00112233445566778899aabbccddeef0.tmp"};
    static const char *const foreign[] = {"c/notes.txt", "c/segments/readme", "c/segments/x.tmp",
                                          "c/segments/00112233445566778899aabbccddeeff.txt"};
    case_make("c", false);
    struct casefile *w = case_get(false, CASE_WRITE);
    cr_assert_eq(case_commit_line(w, "kept", NULL), ST_OK);
    casefile_close(w);
    for (size_t i = 0; i < 5; i++)
        file_put(ours[i], (const uint8_t *)"x", 1);
    for (size_t i = 0; i < 4; i++)
        file_put(foreign[i], (const uint8_t *)"x", 1);
    casefile_close(case_get(false, CASE_READ));
    cr_assert(file_is_there(ours[1]), "a reader removes nothing");
    w = case_get(false, CASE_WRITE);
    for (size_t i = 0; i < 5; i++)
        cr_assert_not(file_is_there(ours[i]), "%s", ours[i]);
    for (size_t i = 0; i < 4; i++)
        cr_assert(file_is_there(foreign[i]), "%s", foreign[i]);
    lines_expect(w, "kept|");
    casefile_close(w);
}

/* ---- segments ---- */

static struct file_seal segment_make(struct casefile *c, const uint8_t *base)
{
    struct segment_writer *w = NULL;
    struct file_seal seal = {0};
    struct err err = {0};
    cr_assert_eq(segment_writer_open(casefile_segments_dir(c), casefile_key(c), base, &w, &err),
                 ST_OK, "%s", err.text);
    cr_assert_eq(segment_writer_finish(w, &seal, &err), ST_OK, "%s", err.text);
    return seal;
}

static void commit_segment(struct casefile *c)
{
    struct manifest *m = NULL;
    struct err err = {0};
    struct file_seal seal = segment_make(c, NULL);
    cr_assert_eq(manifest_copy(casefile_manifest(c), &m, NULL), ST_OK);
    m->segments = realloc(m->segments, (m->n_segments + 1) * sizeof *m->segments);
    m->segments[m->n_segments++] = (struct manifest_segment){.base = seal};
    cr_assert_eq(casefile_commit(c, m, LEDGER_ADD, NULL, 0, &err), ST_OK, "%s", err.text);
}

static void commit_overlay(struct casefile *c, size_t i)
{
    struct manifest *m = NULL;
    struct err err = {0};
    cr_assert_eq(manifest_copy(casefile_manifest(c), &m, NULL), ST_OK);
    struct manifest_segment *s = &m->segments[i];
    struct file_seal seal = segment_make(c, s->base.id);
    s->overlays = realloc(s->overlays, (s->n_overlays + 1) * sizeof *s->overlays);
    s->overlays[s->n_overlays++] = seal;
    cr_assert_eq(casefile_commit(c, m, LEDGER_ADD, NULL, 0, &err), ST_OK, "%s", err.text);
}

Test(commit, opens_after_a_commit_only_the_segments_that_changed)
{
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    commit_segment(c);
    commit_segment(c);
    cr_assert_eq(casefile_segments(c), 2);
    struct segment *a = casefile_segment(c, 0), *b = casefile_segment(c, 1);
    commit_segment(c);
    cr_assert_eq(casefile_segments(c), 3);
    cr_assert_eq(casefile_segment(c, 0), a);
    cr_assert_eq(casefile_segment(c, 1), b);
    struct segment *third = casefile_segment(c, 2);
    commit_overlay(c, 1);
    cr_assert_eq(casefile_segment(c, 0), a);
    cr_assert_eq(casefile_segment(c, 2), third);
    cr_assert_eq(casefile_manifest(c)->segments[1].n_overlays, 1);

    /* as compact does: the first and the last are merged into one */
    struct manifest *m = NULL;
    struct file_seal gone = casefile_manifest(c)->segments[0].base;
    struct file_seal seal = segment_make(c, NULL);
    cr_assert_eq(manifest_copy(casefile_manifest(c), &m, NULL), ST_OK);
    m->segments[0].base = seal;
    m->n_segments = 2;
    cr_assert_eq(casefile_commit(c, m, LEDGER_COMPACT, NULL, 0, NULL), ST_OK);
    cr_assert_eq(casefile_segments(c), 2);
    char hex[33], path[64], last[256];
    hex_encode(gone.id, 16, hex);
    snprintf(path, sizeof path, "c/segments/%s", hex);
    cr_assert_not(file_is_there(path));
    casefile_close(c);
    c = case_get(false, CASE_READ);
    cr_assert_eq(casefile_segments(c), 2);
    casefile_close(c);
    cr_assert_eq(case_damages(false, last), 0, "%s", last);
}

Test(commit, does_not_read_a_damaged_segment_and_names_it)
{
    for (int plain = 0; plain < 2; plain++) {
        const char *name = plain ? "p" : "s";
        case_make(name, plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        commit_segment(c);
        commit_overlay(c, 0);
        const struct manifest_segment *s = &casefile_manifest(c)->segments[0];
        char hex[2][33], path[80], last[256];
        hex_encode(s->base.id, 16, hex[0]);
        hex_encode(s->overlays[0].id, 16, hex[1]);
        casefile_close(c);
        for (int i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "%s/segments/%s", name, hex[i]);
            struct file_bytes f = file_get(path);
            f.data[f.len - 45] ^= 1; /* the table of contents */
            file_put(path, f.data, f.len);
            expect_refused(plain, path, "byte", f.len - 45);
            cr_assert_eq(case_damages(plain, last), 1);
            cr_expect(strstr(last, hex[i]), "%s", last);
            f.data[f.len - 45] ^= 1;
            file_put(path, f.data, f.len);
            free(f.data);
        }
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
    }
}

/* ---- killed writers, rollback ---- */

/* A case of generation 3 whose MANIFEST was put back to the one of generation `g`. */
static void case_behind(const char *name, bool plain, uint64_t g)
{
    char path[32];
    snprintf(path, sizeof path, "%s/MANIFEST", name);
    case_make(name, plain);
    struct file_bytes old = {0};
    struct casefile *w = case_get(plain, CASE_WRITE);
    for (uint64_t i = 1; i < 3; i++) {
        if (i == g)
            old = file_get(path);
        cr_assert_eq(case_commit_line(w, i == 1 ? "one" : "two", NULL), ST_OK);
    }
    casefile_close(w);
    file_put(path, old.data, old.len);
    free(old.data);
}

Test(commit, finishes_a_commit_whose_manifest_was_not_written)
{
    for (int plain = 0; plain < 2; plain++) {
        char last[256];
        case_behind(plain ? "p" : "s", plain, 2);
        struct casefile *c = case_get(plain, CASE_READ);
        cr_assert_eq(casefile_manifest(c)->generation, 3);
        lines_expect(c, "one|two|");
        casefile_close(c);
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
        c = case_get(plain, CASE_WRITE);
        cr_assert_eq(casefile_manifest(c)->generation, 3);
        cr_assert(strstr(casefile_notes(c), "generation 3"), "%s", casefile_notes(c));
        lines_expect(c, "one|two|");
        casefile_close(c);
        c = case_get(plain, CASE_WRITE);
        cr_assert_str_eq(casefile_notes(c), "");
        cr_assert_eq(case_commit_line(c, "three", NULL), ST_OK);
        casefile_close(c);
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
    }
}

Test(commit, refuses_a_manifest_that_is_two_commits_behind)
{
    for (int plain = 0; plain < 2; plain++) {
        struct casefile *c = NULL;
        struct err err = {0};
        char last[256];
        case_behind(plain ? "p" : "s", plain, 1);
        cr_expect_eq(case_try(plain, CASE_READ, &c, &err), ST_DAMAGED);
        cr_expect(strstr(err.text, "rollback"), "%s", err.text);
        cr_expect_eq(case_try(plain, CASE_WRITE, &c, &err), ST_DAMAGED);
        cr_expect(strstr(err.text, "rollback"), "%s", err.text);
        cr_expect_eq(case_damages(plain, last), 1);
        cr_expect(strstr(last, "ledger"), "%s", last);
    }
}

Test(commit, refuses_to_finish_a_commit_whose_files_are_gone)
{
    struct casefile *c = NULL;
    struct err err = {0};
    case_behind("c", false, 2);
    c = case_get(false, CASE_READ);
    char hex[33], path[64];
    hex_encode(casefile_manifest(c)->quarantine[1].id, 16, hex);
    casefile_close(c);
    snprintf(path, sizeof path, "c/quarantine/%s", hex);
    cr_assert_eq(unlinkat(dir, path, 0), 0);
    cr_expect_eq(case_try(false, CASE_WRITE, &c, &err), ST_DAMAGED);
    cr_expect(strstr(err.text, "generation 3"), "%s", err.text);
    cr_expect_eq(case_try(false, CASE_READ, &c, &err), ST_DAMAGED);
}

Test(commit, cuts_a_torn_entry_off_and_says_so)
{
    for (int plain = 0; plain < 2; plain++) {
        char ledger[32], last[256];
        const char *name = plain ? "p" : "s";
        snprintf(ledger, sizeof ledger, "%s/ledger", name);
        case_behind(name, plain, 2);
        struct casefile *c = case_get(plain, CASE_READ);
        size_t whole = (size_t)casefile_manifest(c)->ledger_bytes;
        casefile_close(c);
        struct file_bytes l = file_get(ledger);
        cr_assert_eq(l.len, whole);
        /* The third entry starts behind the two before it. */
        size_t start = 0;
        for (int i = 0; i < 2; i++)
            start += 4 + load_u32(l.data + start);
        for (size_t len = start + 1; len <= whole; len += len < start + 8 ? 1 : 61) {
            file_put(ledger, l.data, len);
            if (len == whole)
                break;
            cr_assert_eq(case_generation(plain), 2, "a reader reads the old generation");
            c = case_get(plain, CASE_WRITE);
            cr_assert_eq(casefile_manifest(c)->generation, 2);
            cr_assert(strstr(casefile_notes(c), "cut"), "%s", casefile_notes(c));
            casefile_close(c);
            struct file_bytes cut = file_get(ledger);
            cr_assert_eq(cut.len, start);
            free(cut.data);
            cr_assert_eq(case_damages(plain, last), 0, "%s", last);
        }
        /* Whole in length, but not in content: a page that was not written. */
        file_put(ledger, l.data, whole);
        memset(l.data + start + 40, 0, 8);
        file_put(ledger, l.data, whole);
        c = case_get(plain, CASE_WRITE);
        cr_assert(strstr(casefile_notes(c), "cut"));
        cr_assert_eq(case_commit_line(c, "again", NULL), ST_OK);
        casefile_close(c);
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
        free(l.data);
    }
}

/* ---- failing disks ---- */

/* What must hold after any failure: the case opens as `before` or the generation after it, and a
 * writer can go on. */
static uint64_t expect_usable(bool plain, uint64_t before, uint64_t n)
{
    char last[256];
    uint64_t seen = case_generation(plain);
    cr_assert(seen == before || seen == before + 1, "generation %d after call %d", (int)seen,
              (int)n);
    struct casefile *c = case_get(plain, CASE_WRITE);
    cr_assert_eq(casefile_manifest(c)->generation, seen);
    cr_assert_eq(case_commit_line(c, "after", NULL), ST_OK);
    casefile_close(c);
    cr_assert_eq(case_damages(plain, last), 0, "%s after call %d", last, (int)n);
    return seen;
}

Test(commit, opens_as_old_or_new_generation_whichever_call_of_a_commit_fails)
{
    static const int errors[] = {EIO, ENOSPC};
    int old = 0, new = 0;
    for (int plain = 0; plain < 2; plain++) {
        case_make(plain ? "p" : "s", plain);
        for (uint64_t n = 1;; n++) {
            struct err err = {0};
            struct casefile *c = case_get(plain, CASE_WRITE);
            uint64_t before = casefile_manifest(c)->generation;
            struct file_seal seal = quarantine_make(c, "x");
            struct manifest *m = manifest_with(c, &seal);
            /* names one file only: the old ones go, so that unlinking is among the calls */
            m->quarantine[0] = m->quarantine[m->n_quarantine - 1];
            m->n_quarantine = 1;
            (void)os_fault_set(n, errors[n % 2]);
            enum status st = casefile_commit(c, m, LEDGER_ADD, NULL, 0, &err);
            uint64_t calls = os_fault_set(0, 0);
            if (st != ST_OK)
                cr_assert_eq(case_commit_line(c, "more", &err), ST_IO,
                             "a failed commit ends the handle");
            casefile_close(c);
            uint64_t seen = expect_usable(plain, before, n);
            if (st == ST_OK)
                cr_assert_eq(seen, before + 1);
            old += seen == before;
            new += seen == before + 1;
            if (calls < n) {
                cr_assert_eq(st, ST_OK);
                break;
            }
        }
    }
    cr_assert_gt(old, 5);
    cr_assert_gt(new, 3);
}

Test(commit, can_be_finished_after_any_failure_while_finishing)
{
    case_behind("c", false, 2);
    struct file_bytes ledger = file_get("c/ledger"), manifest = file_get("c/MANIFEST");
    for (uint64_t n = 1;; n++) {
        struct casefile *c = NULL;
        struct err err = {0};
        file_put("c/ledger", ledger.data, ledger.len);
        file_put("c/MANIFEST", manifest.data, manifest.len);
        (void)os_fault_set(n, EIO);
        enum status st = case_try(false, CASE_WRITE, &c, &err);
        uint64_t calls = os_fault_set(0, 0);
        if (st == ST_OK)
            casefile_close(c);
        /* Old only where the failure hit between cutting and writing the entry anew. */
        uint64_t seen = case_generation(false);
        cr_assert(seen == 2 || seen == 3);
        if (st == ST_OK) {
            cr_assert_eq(seen, 3);
            cr_assert_lt(calls, n);
            break;
        }
    }
    free(ledger.data);
    free(manifest.data);
}
