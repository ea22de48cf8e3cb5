/* cmd_status — totals come from the segments, dumps by state from the last ledger entry of each
 * dump. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "indexer/known.h"
#include "lictor/json_out.h"
#include "lictor/pairs.h"
#include "lictor/timestamp.h"

#define PAIRS_COUNTED UINT64_C(2000000) /* messages: a second or two */

struct status_sums {
    struct segment_info all;
    uint64_t bytes, dumps[3];
    uint64_t segment_bytes, parts[SEGMENT_PARTS]; /* the files of segments, and what is in them */
    bool paired;                                  /* `pairs` was counted */
    uint64_t pairs;                               /* messages that may be the same as another */
};

static uint64_t seal_bytes(const struct file_seal *s, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += s[i].size;
    return sum;
}

static void sum_segments(struct casefile *cf, struct status_sums *s)
{
    const struct manifest *m = casefile_manifest(cf);
    s->all.first_sent = s->all.last_sent = TIME_NONE;
    for (size_t i = 0; i < casefile_segments(cf); i++) {
        const struct segment_info *x = segment_info(casefile_segment(cf, i));
        s->all.messages += x->messages;
        s->all.copies += x->copies;
        s->all.others += x->others;
        s->all.notes += x->notes;
        s->all.sealed += x->sealed;
        s->all.conflict += x->conflict;
        s->all.untimed += x->untimed;
        if (x->first_sent != TIME_NONE &&
            (s->all.first_sent == TIME_NONE || x->first_sent < s->all.first_sent))
            s->all.first_sent = x->first_sent;
        if (x->last_sent > s->all.last_sent)
            s->all.last_sent = x->last_sent;
        s->segment_bytes += m->segments[i].base.size;
        s->segment_bytes += seal_bytes(m->segments[i].overlays, m->segments[i].n_overlays);
        segment_sizes(casefile_segment(cf, i), s->parts);
    }
    s->bytes = s->segment_bytes + seal_bytes(m->quarantine, m->n_quarantine) + m->ledger_bytes;
}

/* The last state of every dump; what could not even be hashed counts each time. */
static enum status count_dumps(struct casefile *cf, struct status_sums *s, struct err *err)
{
    struct known known = {0};
    enum status st = known_load(&known, cf, err);
    for (size_t i = 0; st == ST_OK && i < known.cap; i++)
        if (known.slots[i].used)
            s->dumps[known.slots[i].state]++;
    s->dumps[DUMP_REFUSED] += known.unhashed;
    known_release(&known);
    return st;
}

/* Headers, seals and tables of contents: what is no part's own. */
static uint64_t sealing_bytes(const struct status_sums *s)
{
    uint64_t rest = s->segment_bytes;
    for (int i = 0; i < SEGMENT_PARTS; i++)
        rest -= s->parts[i];
    return rest;
}

static void sections_json(const struct status_sums *s, struct json_out *j)
{
    json_key(j, "sections");
    json_begin_object(j);
    for (int i = 0; i < SEGMENT_PARTS; i++)
        json_key_uint(j, segment_part_name((enum segment_part)i), s->parts[i]);
    json_key_uint(j, "seals", sealing_bytes(s));
    json_end_object(j);
}

static void status_json(struct casefile *cf, const struct status_sums *s, bool sections,
                        struct buf *out)
{
    char digest[65];
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_uint(&j, "messages", s->all.messages);
    json_key_uint(&j, "copies", s->all.copies);
    json_key_uint(&j, "other", s->all.others);
    json_key_uint(&j, "notes", s->all.notes);
    json_key_uint(&j, "sealed", s->all.sealed);
    json_key_uint(&j, "conflict", s->all.conflict);
    if (s->paired)
        json_key_uint(&j, "pairs", s->pairs);
    json_key_uint(&j, "quarantined", casefile_manifest(cf)->quarantined);
    json_key(&j, "dumps");
    json_begin_object(&j);
    for (int i = 0; i < 3; i++)
        json_key_uint(&j, dump_state_name((enum dump_state)i), s->dumps[i]);
    json_end_object(&j);
    json_key_uint(&j, "unfinished", casefile_manifest(cf)->n_progress);
    json_key_uint(&j, "segments", casefile_segments(cf));
    json_key_uint(&j, "bytes", s->bytes);
    if (sections)
        sections_json(s, &j);
    if (s->all.first_sent != TIME_NONE) {
        json_key_time(&j, "first", s->all.first_sent);
        json_key_time(&j, "last", s->all.last_sent);
    }
    casefile_digest(cf, digest);
    json_key_str(&j, "digest", digest);
    json_key_uint(&j, "generation", casefile_manifest(cf)->generation);
    json_key_uint(&j, "ledger_entries", casefile_manifest(cf)->ledger_entries);
    hex_encode(casefile_manifest(cf)->ledger_head, 32, digest);
    json_key_str(&j, "ledger_head", digest);
    json_key_bool(&j, "encrypted", !casefile_is_plain(cf));
    json_end_object(&j);
    buf_put_u8(out, '\n');
}

static void row_note(struct buf *out, const char *name, uint64_t n, const char *note)
{
    char text[32];
    cli_count_text(n, text);
    buf_printf(out, "%-16s %15s%s%s\n", name, text, *note ? "  " : "", note);
}

static void row(struct buf *out, const char *name, uint64_t n) { row_note(out, name, n, ""); }

static void section_row(const struct status_sums *s, const char *name, uint64_t n, struct buf *out)
{
    char label[32], note[32];
    snprintf(label, sizeof label, "  %s", name);
    snprintf(note, sizeof note, "%7.2f a message",
             s->all.messages ? (double)n / (double)s->all.messages : 0);
    row_note(out, label, n, note);
}

static void sections_text(const struct status_sums *s, struct buf *out)
{
    for (int i = 0; i < SEGMENT_PARTS; i++)
        section_row(s, segment_part_name((enum segment_part)i), s->parts[i], out);
    section_row(s, "seals", sealing_bytes(s), out);
}

static void status_text(struct casefile *cf, const struct status_sums *s, bool sections,
                        struct buf *out)
{
    char text[TIME_TEXT_SIZE], digest[65];
    row(out, "messages", s->all.messages);
    row(out, "further copies", s->all.copies);
    row_note(out, "other records", s->all.others, "without `end` lines, which `add` counts");
    row(out, "  of them notes", s->all.notes);
    row(out, "sealed", s->all.sealed);
    row(out, "in conflict", s->all.conflict);
    row(out, "without a time", s->all.untimed);
    if (s->paired)
        row_note(out, "in pairs", s->pairs,
                 s->pairs ? "may be the same as another; not merged" : "");
    else
        buf_printf(out, "%-16s %15s  --pairs counts those that may be the same as another\n",
                   "in pairs", "?");
    row(out, "quarantined", casefile_manifest(cf)->quarantined);
    for (int i = 0; i < 3; i++)
        if (s->dumps[i]) {
            char name[32];
            snprintf(name, sizeof name, "dumps %s", dump_state_name((enum dump_state)i));
            row(out, name, s->dumps[i]);
        }
    if (casefile_manifest(cf)->n_progress) {
        row(out, "dumps unfinished", casefile_manifest(cf)->n_progress);
        buf_put_str(out,
                    "  an `add` was stopped in them, or `verify` found damage: part of each is in; "
                    "add them again and it goes on there\n");
    }
    row(out, "segments", casefile_segments(cf));
    row(out, "bytes", s->bytes);
    if (sections)
        sections_text(s, out);
    if (s->all.first_sent != TIME_NONE) {
        time_text(s->all.first_sent, text);
        buf_printf(out, "%-16s %s\n", "first sent", text);
        time_text(s->all.last_sent, text);
        buf_printf(out, "%-16s %s\n", "last sent", text);
    }
    casefile_digest(cf, digest);
    buf_printf(out, "%-16s %s\n", "content digest", digest);
    buf_printf(out, "%-16s %llu\n", "generation",
               (unsigned long long)casefile_manifest(cf)->generation);
    hex_encode(casefile_manifest(cf)->ledger_head, 32, digest);
    buf_printf(out, "%-16s %s, entry %llu\n", "ledger head", digest,
               (unsigned long long)casefile_manifest(cf)->ledger_entries - 1);
    if (casefile_is_plain(cf))
        buf_put_str(out, "not encrypted: checksums find accidents, not attackers\n");
}

int cmd_status(const struct cmd_options *o)
{
    struct casefile *cf;
    struct err err = {0};
    struct status_sums sums = {.bytes = 0};
    struct buf out = {0};
    int code = cmd_open(o, CASE_READ, &cf);
    if (code)
        return code;
    sum_segments(cf, &sums);
    enum status st = count_dumps(cf, &sums, &err);
    sums.paired = o->pairs || sums.all.messages <= PAIRS_COUNTED;
    if (st == ST_OK && sums.paired)
        st = pairs_count(cf, &sums.pairs, &err);
    if (st != ST_OK) {
        code = cmd_fail(&err);
    } else {
        if (o->json)
            status_json(cf, &sums, o->sections, &out);
        else
            status_text(cf, &sums, o->sections, &out);
        code = cmd_print(&out);
    }
    casefile_close(cf);
    return code;
}
