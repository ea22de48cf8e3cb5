/* Unit tests of case_heal: which dumps a damaged file costs, by the ledger alone, and a writer that
 * goes on without it, whichever call fails on the way. */
#include "case_testing.h"

#include <errno.h>

#include "store/segment_writer.h"

TestSuite(case_heal, .init = dir_make, .fini = dir_remove);

/* ---- a history ---- */

static struct ledger_dump dump_of(uint8_t n, enum dump_state state)
{
    return (struct ledger_dump){.name = slice_str("dump"),
                                .sha256 = {n},
                                .bytes = 100,
                                .state = (uint8_t)state,
                                .collected_from = TIME_NONE,
                                .collected_to = TIME_NONE};
}

static struct manifest *next_of(struct casefile *c)
{
    struct manifest *m = NULL;
    cr_assert_eq(manifest_copy(casefile_manifest(c), &m, NULL), ST_OK);
    return m;
}

static void commit(struct casefile *c, struct manifest *m, enum ledger_kind kind,
                   const struct ledger_dump *dumps, size_t n)
{
    struct err err = {0};
    cr_assert_eq(casefile_commit(c, m, kind, dumps, n, &err), ST_OK, "%s", err.text);
}

static struct file_seal segment_make(struct casefile *c, const uint8_t *base)
{
    struct segment_writer *w = NULL;
    struct file_seal seal = {0};
    cr_assert_eq(segment_writer_open(casefile_segments_dir(c), casefile_key(c), base, &w, NULL),
                 ST_OK);
    cr_assert_eq(segment_writer_finish(w, &seal, NULL), ST_OK);
    return seal;
}

/* An `add` of one dump that makes a segment, as number m->n_segments - 1. */
static struct file_seal add_segment(struct casefile *c, const struct ledger_dump *dumps, size_t n)
{
    struct manifest *m = next_of(c);
    struct file_seal seal = segment_make(c, NULL);
    m->segments = realloc(m->segments, (m->n_segments + 1) * sizeof *m->segments);
    m->segments[m->n_segments++] = (struct manifest_segment){.base = seal};
    commit(c, m, LEDGER_ADD, dumps, n);
    return seal;
}

static struct file_seal add_overlay(struct casefile *c, size_t i, const struct ledger_dump *dump)
{
    struct manifest *m = next_of(c);
    struct manifest_segment *s = &m->segments[i];
    struct file_seal seal = segment_make(c, s->base.id);
    s->overlays = realloc(s->overlays, (s->n_overlays + 1) * sizeof *s->overlays);
    s->overlays[s->n_overlays++] = seal;
    commit(c, m, LEDGER_ADD, dump, 1);
    return seal;
}

static struct file_seal add_line(struct casefile *c, const char *text,
                                 const struct ledger_dump *dump)
{
    struct file_seal seal = quarantine_make(c, text);
    commit(c, manifest_with(c, &seal), LEDGER_ADD, dump, 1);
    return seal;
}

/* Dumps 1 and 2 in a segment that was merged of two; dump 3, to which 4 gave an overlay; dump 5,
 * of which one line is in quarantine. Dump 6 was refused with 3. */
struct history {
    struct file_seal merged, base, overlay, line;
};

static struct history history_make(struct casefile *c)
{
    struct history h;
    struct ledger_dump d[7];
    for (uint8_t i = 0; i < 7; i++)
        d[i] = dump_of(i, DUMP_COMPLETE);
    add_segment(c, &d[2], 1);
    add_segment(c, &d[1], 1);
    struct manifest *m = next_of(c);
    h.merged = segment_make(c, NULL);
    m->segments[0].base = h.merged;
    m->n_segments = 1;
    commit(c, m, LEDGER_COMPACT, NULL, 0);
    struct ledger_dump two[] = {d[3], dump_of(6, DUMP_REFUSED)};
    h.base = add_segment(c, two, 2);
    h.overlay = add_overlay(c, 1, &d[4]);
    h.line = add_line(c, "five", &d[5]);
    return h;
}

static enum status sha_take(void *ctx, const uint8_t sha256[32], struct err *err)
{
    char *seen = ctx;
    (void)err;
    for (int i = 1; i < 32; i++)
        cr_assert_eq(sha256[i], 0);
    snprintf(seen + strlen(seen), 8, "%d ", sha256[0]);
    return ST_OK;
}

static void concerned_expect(struct casefile *c, const char *want)
{
    char seen[256] = "";
    struct err err = {0};
    cr_assert_eq(casefile_concerned(c, sha_take, seen, &err), ST_OK, "%s", err.text);
    cr_assert_str_eq(seen, want);
}

static struct casefile *aside(bool plain, const struct file_seal *damaged, size_t n)
{
    struct err err = {0};
    struct casefile *c = case_get(plain, CASE_VERIFY);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(casefile_damage_note(c, damaged[i].id, NULL), ST_OK);
    cr_assert(casefile_damage_heals(c));
    cr_assert_eq(casefile_set_aside(c, &err), ST_OK, "%s", err.text);
    return c;
}

/* ---- which dumps ---- */

Test(case_heal, names_the_dumps_of_each_file_and_no_others)
{
    for (int plain = 0; plain < 2; plain++) {
        case_make(plain ? "p" : "s", plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        struct history h = history_make(c);
        casefile_close(c);
        const struct {
            struct file_seal file;
            const char *dumps;
            size_t segments, lines;
        } rows[] = {
            {h.merged, "1 2 ", 1, 1},
            {h.base, "3 4 ", 1, 1}, /* the overlay goes with it, the refused dump does not */
            {h.overlay, "3 4 ", 1, 1},
            {h.line, "5 ", 2, 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            c = aside(plain, &rows[i].file, 1);
            concerned_expect(c, rows[i].dumps);
            cr_assert_eq(casefile_segments(c), rows[i].segments);
            cr_assert_eq(casefile_manifest(c)->n_segments, rows[i].segments);
            cr_assert_eq(casefile_manifest(c)->n_quarantine, rows[i].lines);
            casefile_close(c); /* nothing was committed: all is as before */
        }
        struct file_seal all[] = {h.line, h.overlay, h.merged, h.line, h.base};
        c = aside(plain, all, 5);
        concerned_expect(c, "1 2 3 4 5 ");
        cr_assert_eq(casefile_segments(c), 0);
        casefile_close(c);
        char last[256];
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
    }
}

Test(case_heal, a_dump_that_is_not_finished_is_concerned_where_it_went_on)
{
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    struct file_seal files[4];
    struct ledger_dump other = dump_of(8, DUMP_COMPLETE);
    for (int i = 0; i < 4; i++) {
        files[i] = quarantine_make(c, "x");
        struct manifest *m = manifest_with(c, &files[i]);
        if (i == 0) {
            m->progress = calloc(2, sizeof *m->progress);
            m->progress[0].sha256[0] = 7;
            m->progress[1].sha256[0] = 9; /* not one line of it yet */
            m->n_progress = 2;
        }
        m->progress[0].lines = i == 2 ? m->progress[0].lines : m->progress[0].lines + 10;
        commit(c, m, LEDGER_ADD, &other, i > 1);
    }
    casefile_close(c);
    static const char *const want[] = {"7 ", "7 ", "8 ", "7 8 "};
    for (int i = 0; i < 4; i++) {
        c = aside(false, &files[i], 1);
        concerned_expect(c, want[i]);
        casefile_close(c);
    }
}

static enum status sha_refuse(void *ctx, const uint8_t sha256[32], struct err *err)
{
    (void)sha256;
    return err_set(err, ST_LIMIT, "no more than %d", *(int *)ctx);
}

Test(case_heal, hands_on_what_the_visitor_says)
{
    struct err err = {0};
    int n = 0;
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    struct history h = history_make(c);
    casefile_close(c);
    c = aside(false, &h.merged, 1);
    cr_assert_eq(casefile_concerned(c, sha_refuse, &n, &err), ST_LIMIT);
    casefile_close(c);
}

/* ---- what heals ---- */

Test(case_heal, only_what_stands_in_dumps_heals)
{
    struct casefile *c;
    uint8_t id[FILE_ID_SIZE] = {1};
    case_make("c", false);
    c = case_get(false, CASE_VERIFY);
    cr_assert_not(casefile_damage_heals(c), "there is none");
    cr_assert_eq(casefile_damage_note(c, id, NULL), ST_OK);
    cr_assert(casefile_damage_heals(c));
    cr_assert_eq(casefile_damage_note(c, NULL, NULL), ST_OK);
    cr_assert_not(casefile_damage_heals(c));
    casefile_close(c);
}

static void path_of(char path[96], const char *folder, const struct file_seal *s, const char *end)
{
    char hex[2 * FILE_ID_SIZE + 1];
    hex_encode(s->id, FILE_ID_SIZE, hex);
    snprintf(path, 96, "c/%s/%s%s", folder, hex, end);
}

Test(case_heal, keeps_the_damaged_files_under_another_name)
{
    struct err err = {0};
    char path[96], last[256];
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    struct history h = history_make(c);
    casefile_close(c);
    path_of(path, "segments", &h.overlay, "");
    struct file_bytes f = file_get(path);
    f.data[f.len / 2] ^= 4;
    file_put(path, f.data, f.len);
    path_of(path, "quarantine", &h.line, "");
    cr_assert_eq(unlinkat(dir, path, 0), 0);

    c = case_get(false, CASE_VERIFY);
    uint64_t n = 0;
    cr_assert_eq(casefile_verify(c, damage_count, last, &n, NULL), ST_OK);
    cr_assert_eq(n, 2);
    cr_assert(casefile_damage_heals(c));
    cr_assert_eq(casefile_set_aside(c, &err), ST_OK, "%s", err.text);
    concerned_expect(c, "3 4 5 ");
    commit(c, next_of(c), LEDGER_REOPEN, NULL, 0);
    casefile_keep_aside(c);
    casefile_close(c);

    casefile_close(case_get(false, CASE_WRITE)); /* its sweep leaves them alone */
    path_of(path, "segments", &h.overlay, ".damaged");
    struct file_bytes kept = file_get(path);
    cr_assert(slice_eq(slice_of(kept.data, kept.len), slice_of(f.data, f.len)));
    path_of(path, "segments", &h.base, ".damaged");
    cr_assert(file_is_there(path));
    path_of(path, "quarantine", &h.line, ".damaged");
    cr_assert_not(file_is_there(path), "it was missing");
    cr_assert_eq(case_damages(false, last), 0, "%s", last);
    free(f.data);
    free(kept.data);

    /* What was healed is gone with the history, too: the next damage costs its own dumps only. */
    c = aside(false, &h.merged, 1);
    concerned_expect(c, "1 2 ");
    casefile_close(c);
}

static enum status line_take(void *ctx, const struct quarantine_line *l, struct err *err)
{
    (void)err;
    buf_put_slice(ctx, l->bytes);
    buf_put_u8(ctx, '|');
    return ST_OK;
}

Test(case_heal, shows_the_quarantined_lines_that_are_left)
{
    struct buf lines = {0};
    struct err err = {0};
    struct ledger_dump d = dump_of(1, DUMP_COMPLETE);
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    struct file_seal first = add_line(c, "one", &d);
    add_line(c, "two", &d);
    add_line(c, "three", &d);
    casefile_close(c);
    c = aside(false, &first, 1);
    cr_assert_eq(quarantine_walk(c, line_take, &lines, &err), ST_OK, "%s", err.text);
    cr_assert(slice_eq_str(buf_slice(&lines), "two|three|"), "%.*s", (int)lines.len,
              (const char *)lines.data);
    casefile_close(c);
    buf_release(&lines);
}

Test(case_heal, is_refused_beside_a_writer_and_after_a_commit)
{
    struct err err = {0};
    case_make("c", false);
    struct casefile *w = case_get(false, CASE_WRITE), *c;
    struct history h = history_make(w);
    c = case_get(false, CASE_VERIFY);
    cr_assert_eq(casefile_damage_note(c, h.line.id, NULL), ST_OK);
    cr_assert_eq(casefile_set_aside(c, &err), ST_LOCKED);
    casefile_close(c);
    c = case_get(false, CASE_VERIFY);
    cr_assert_eq(casefile_damage_note(c, h.line.id, NULL), ST_OK);
    cr_assert_eq(case_commit_line(w, "more", NULL), ST_OK);
    casefile_close(w);
    cr_assert_eq(casefile_set_aside(c, &err), ST_USAGE);
    cr_assert(strstr(err.text, "verify it again"), "%s", err.text);
    casefile_close(c);
}

/* ---- failing calls ---- */

static enum status heal(struct casefile *c, struct err *err)
{
    char seen[256] = "";
    enum status st = casefile_set_aside(c, err);
    if (st == ST_OK)
        st = casefile_concerned(c, sha_take, seen, err);
    if (st == ST_OK)
        cr_assert_str_eq(seen, "3 4 5 ");
    if (st == ST_OK)
        st = casefile_commit(c, next_of(c), LEDGER_REOPEN, NULL, 0, err);
    if (st == ST_OK)
        casefile_keep_aside(c);
    return st;
}

Test(case_heal, loses_nothing_whichever_call_fails)
{
    for (int plain = 0; plain < 2; plain++) {
        case_make(plain ? "p" : "s", plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        struct history h = history_make(c);
        uint64_t before = casefile_manifest(c)->generation;
        casefile_close(c);
        for (uint64_t n = 1;; n++) {
            struct err err = {0};
            c = case_get(plain, CASE_VERIFY);
            cr_assert_eq(casefile_damage_note(c, h.line.id, NULL), ST_OK);
            cr_assert_eq(casefile_damage_note(c, h.overlay.id, NULL), ST_OK);
            (void)os_fault_set(n, EIO);
            enum status st = heal(c, &err);
            uint64_t calls = os_fault_set(0, 0);
            cr_assert(st == ST_OK || err.text[0]);
            casefile_close(c);
            uint64_t seen = case_generation(plain);
            cr_assert(seen == before || seen == before + 1);
            if (st != ST_OK && seen == before)
                continue; /* it is all there yet: again */
            cr_assert(n > 10);
            c = case_get(plain, CASE_WRITE);
            cr_assert_eq(casefile_manifest(c)->n_segments, 1);
            cr_assert_eq(casefile_manifest(c)->n_quarantine, 0);
            casefile_close(c);
            cr_assert(st == ST_OK || calls >= n);
            break;
        }
        char last[256];
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
    }
}
