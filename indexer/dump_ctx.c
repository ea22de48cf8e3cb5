/* dump_ctx — the unit of a dump (authority, serial, source, stage, epoch) is kept in its ledger
 * entry, so that a later complete dump of the same unit can be seen to supersede a partial one. */
#include "indexer/dump_ctx.h"

#include <stdio.h>
#include <stdlib.h>

enum status dump_ctx_new(uint32_t number, struct slice name, const uint8_t sha256[SHA256_SIZE],
                         uint64_t bytes, struct dump_ctx **out, struct err *err)
{
    struct dump_ctx *d = calloc(1, sizeof *d);
    if (!d)
        return err_no_memory(err);
    arena_init(&d->strings, 1024);
    d->number = number;
    d->collected_from = d->collected_to = TIME_NONE;
    d->entry.collected_from = d->entry.collected_to = TIME_NONE;
    d->entry.name = arena_copy(&d->strings, name);
    d->entry.bytes = bytes;
    d->entry.state = DUMP_COMPLETE;
    memcpy(d->entry.sha256, sha256, SHA256_SIZE);
    if (!d->entry.name.data) {
        dump_ctx_free(d);
        return err_no_memory(err);
    }
    *out = d;
    return ST_OK;
}

void dump_ctx_free(struct dump_ctx *d)
{
    if (!d)
        return;
    arena_release(&d->strings);
    free(d);
}

/* A string of the dump line, kept; absent stays absent. */
static struct slice keep(struct dump_ctx *d, const struct record *rec, enum record_string k)
{
    struct slice none = {0};
    return rec && rec->str[k].present ? arena_copy(&d->strings, rec->str[k].s) : none;
}

/* `serial` may be a number or a string: its raw JSON without quotes names the unit. */
static struct slice keep_serial(struct dump_ctx *d, const struct record *rec)
{
    for (size_t i = 0; rec && i < rec->n_pairs; i++)
        if (slice_eq_str(rec->pairs[i].key, "serial")) {
            struct slice v = rec->pairs[i].value;
            if (v.len >= 2 && v.data[0] == '"')
                v = slice_of(v.data + 1, v.len - 2);
            return arena_copy(&d->strings, v);
        }
    return (struct slice){0};
}

static void take_dump_line(struct dump_ctx *d, const struct record *rec)
{
    d->has_dump_line = rec != NULL;
    d->source = keep(d, rec, RS_SOURCE);
    d->epoch = keep(d, rec, RS_EPOCH);
    d->stage = !rec || slice_eq_str(rec->str[RS_STAGE].s, "live");
    d->service = keep(d, rec, RS_SERVICE);
    d->account = keep(d, rec, RS_ACCOUNT);
    d->zone = keep(d, rec, RS_ZONE);
    if (rec && rec->time[RT_COLLECTED_FROM].state == RTS_INSTANT)
        d->collected_from = rec->time[RT_COLLECTED_FROM].ms;
    if (rec && rec->time[RT_COLLECTED_TO].state == RTS_INSTANT)
        d->collected_to = rec->time[RT_COLLECTED_TO].ms;
    if (!rec) {
        char name[5 + 16 + 1] = "dump:", hex[2 * SHA256_SIZE + 1];
        hex_encode(d->entry.sha256, SHA256_SIZE, hex);
        memcpy(name + 5, hex, 16);
        d->source = arena_copy(&d->strings, slice_of(name, 21));
    }
    d->entry.authority = keep(d, rec, RS_AUTHORITY);
    d->entry.serial = keep_serial(d, rec);
    d->entry.source = rec ? d->source : (struct slice){0};
    d->entry.stage = rec ? slice_str(d->stage ? "live" : "stored") : (struct slice){0};
    d->entry.epoch = d->epoch;
    d->entry.account = d->account;
    d->entry.service = d->service;
    d->entry.collected_from = d->collected_from;
    d->entry.collected_to = d->collected_to;
}

/* What a dump has in the tables. */
struct places {
    struct dump_ref dump;
    struct stream_ref stream, unnumbered_stream;
    struct stream_end end, unnumbered_end;
    struct origin_ref origin, unnumbered_origin;
};

static bool places_of(const struct dump_ctx *d, struct run_tables *t, struct arena *a,
                      struct places *p)
{
    *p = (struct places){.dump = ((const struct dump_ref *)t->dumps.items)[d->dump_index],
                         .stream = *tables_stream_at(t, d->stream),
                         .unnumbered_stream = *tables_stream_at(t, d->unnumbered_stream),
                         .end = *tables_stream_end(t, d->stream),
                         .unnumbered_end = *tables_stream_end(t, d->unnumbered_stream),
                         .origin = *tables_origin_at(t, d->origin),
                         .unnumbered_origin = *tables_origin_at(t, d->unnumbered_origin)};
    return arena_keep(a, &p->dump.name) && arena_keep(a, &p->stream.source) &&
           arena_keep(a, &p->stream.epoch) && arena_keep(a, &p->unnumbered_stream.source) &&
           arena_keep(a, &p->unnumbered_stream.epoch) && origin_keep(a, &p->origin) &&
           origin_keep(a, &p->unnumbered_origin);
}

static enum status take_places(struct dump_ctx *d, struct run_tables *t, struct places *p,
                               struct err *err)
{
    TRY(tables_dump(t, &p->dump, &d->dump_index, err));
    TRY(tables_stream(t, &p->stream, &d->stream, err));
    TRY(tables_stream(t, &p->unnumbered_stream, &d->unnumbered_stream, err));
    *tables_stream_end(t, d->stream) = p->end;
    *tables_stream_end(t, d->unnumbered_stream) = p->unnumbered_end;
    p->origin.stream = d->stream;
    p->unnumbered_origin.stream = d->unnumbered_stream;
    TRY(tables_origin(t, &p->origin, &d->origin, err));
    return tables_origin(t, &p->unnumbered_origin, &d->unnumbered_origin, err);
}

enum status dump_ctx_retable(struct dump_ctx *d, struct run_tables *t, struct err *err)
{
    struct arena a;
    struct places p;
    if (!d || !d->source.data) {
        tables_reset(t);
        return ST_OK;
    }
    arena_init(&a, 4096);
    bool good = places_of(d, t, &a, &p);
    tables_reset(t);
    enum status st = good ? take_places(d, t, &p, err) : err_no_memory(err);
    arena_release(&a);
    return st;
}

enum status dump_ctx_open(struct dump_ctx *d, struct run_tables *t, const struct record *rec,
                          struct err *err)
{
    take_dump_line(d, rec);
    if (!d->source.data)
        return err_no_memory(err);
    struct dump_ref ref = {.name = d->entry.name, .form = d->form};
    memcpy(ref.sha256, d->entry.sha256, SHA256_SIZE);
    TRY(tables_dump(t, &ref, &d->dump_index, err));
    struct stream_ref s = {
        .source = d->source, .stage = d->stage, .epoch = d->epoch, .numbered = true};
    TRY(tables_stream(t, &s, &d->stream, err));
    s.numbered = false;
    memcpy(s.dump_sha256, d->entry.sha256, SHA256_SIZE);
    TRY(tables_stream(t, &s, &d->unnumbered_stream, err));
    struct origin_ref o = {.stream = d->stream,
                           .account = d->account,
                           .authority = d->entry.authority,
                           .warrant = keep(d, rec, RS_WARRANT),
                           .liid = keep(d, rec, RS_LIID),
                           .serial = d->entry.serial,
                           .selection = keep(d, rec, RS_SELECTION)};
    TRY(tables_origin(t, &o, &d->origin, err));
    struct stream_end *end = tables_stream_end(t, d->stream);
    if (o.selection.data && !end->selection)
        end->selection = end->dirty = true;
    o.stream = d->unnumbered_stream;
    return tables_origin(t, &o, &d->unnumbered_origin, err);
}

void dump_ctx_damage(struct dump_ctx *d, const struct err *why, bool refused)
{
    d->entry.state = refused ? DUMP_REFUSED : DUMP_PARTIAL;
    d->entry.reason_code = slice_str(why->reason ? why->reason : "unreadable");
    d->entry.reason_code = arena_copy(&d->strings, d->entry.reason_code);
    d->entry.reason_text = arena_copy(&d->strings, slice_str(why->text));
    d->entry.reason_at = why->at;
}

static void judge_end(struct dump_ctx *d)
{
    struct err why = {0};
    uint64_t before = d->end_line ? d->end_line - 1 - d->has_dump_line : 0;
    uint64_t max_seq = atomic_load(&d->max_seq);
    if (!d->end_line) {
        if (!d->has_dump_line)
            return;
        (void)err_reason(&why, ST_BAD_INPUT, "no-end", d->lines,
                         "the `end` line is missing: the dump may have been cut");
    } else if (d->end_records != before) {
        (void)err_reason(&why, ST_BAD_INPUT, "end-mismatch", d->end_line,
                         "`end` says %llu records, %llu stand before it",
                         (unsigned long long)d->end_records, (unsigned long long)before);
    } else if (d->end_has_last_seq && max_seq && d->end_last_seq < max_seq - 1) {
        (void)err_reason(&why, ST_BAD_INPUT, "end-mismatch", d->end_line,
                         "`end` says last_seq %llu, but seq %llu was seen",
                         (unsigned long long)d->end_last_seq, (unsigned long long)(max_seq - 1));
    } else {
        return;
    }
    dump_ctx_damage(d, &why, false);
}

uint64_t dump_ctx_lines_before(const struct dump_ctx *d)
{
    return d->again ? d->before.records + (d->has_dump_line ? 1 : 0) : 0;
}

/* Lines that were read before keep their credits; only those beyond were counted anew. */
static void settle_books(struct dump_ctx *d)
{
    uint64_t records = d->lines - (d->has_dump_line ? 1 : 0);
    d->entry.books = d->books;
    if (d->again)
        books_sum(&d->entry.books, &d->before);
    d->entry.books.records = d->again && d->before.records > records ? d->before.records : records;
}

void dump_ctx_judge(struct dump_ctx *d, struct run_tables *t)
{
    if (d->entry.state == DUMP_COMPLETE)
        judge_end(d);
    settle_books(d);
    struct stream_end *end = tables_stream_end(t, d->stream);
    if (d->entry.state == DUMP_PARTIAL && !end->partial) {
        end->partial = true;
        end->dirty = true;
    }
    if (d->end_has_last_seq && d->end_last_seq > end->last_seq) {
        end->last_seq = d->end_last_seq;
        end->dirty = true;
    }
}

uint64_t books_lines(const struct books *b)
{
    return b->messages + b->copies + b->redelivered + b->other + b->quarantined;
}

bool books_balance(const struct books *b) { return b->records == books_lines(b); }

void books_sum(struct books *sum, const struct books *b)
{
    sum->records += b->records;
    sum->messages += b->messages;
    sum->copies += b->copies;
    sum->redelivered += b->redelivered;
    sum->other += b->other;
    sum->quarantined += b->quarantined;
    sum->sealed += b->sealed;
    sum->conflict += b->conflict;
}
