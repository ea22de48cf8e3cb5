/* cmd_ledger — what a later complete dump made good is seen on reading (ledger_walk); the entries
 * stay as they were written. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "indexer/dump_ctx.h"
#include "indexer/head.h"
#include "indexer/report.h"
#include "lictor/json_out.h"
#include "lictor/os.h"
#include "lictor/timestamp.h"

struct ledger_row {
    const char
        *act; /* what was done to the case, its own row before those of dumps; NULL: a dump */
    struct slice program;
    struct ledger_dump dump;
    uint64_t entry;
    int64_t time_ms;
};

struct rows {
    struct arena arena;
    struct grown items; /* struct ledger_row */
};

static bool keep(struct arena *a, struct slice *s)
{
    if (!s->data)
        return true;
    *s = arena_copy(a, *s);
    return s->data != NULL;
}

/* NULL: the entry tells of dumps alone. */
static const char *act_name(uint8_t kind)
{
    switch ((enum ledger_kind)kind) {
    case LEDGER_COMPACT:
        return "compact";
    case LEDGER_UNSEAL:
        return "unseal";
    case LEDGER_REKEY:
        return "rekey";
    case LEDGER_REOPEN:
        return "reopen";
    case LEDGER_INIT:
    case LEDGER_ADD:
        break;
    }
    return NULL;
}

static const char *act_text(const char *act)
{
    if (strcmp(act, "compact") == 0)
        return "segments were merged";
    if (strcmp(act, "unseal") == 0)
        return "sealed bodies were opened";
    if (strcmp(act, "rekey") == 0)
        return "the case was locked by another key";
    return "`verify` set damaged files aside; the dumps concerned are to be added again";
}

static enum status keep_act(struct rows *r, const struct ledger_entry *e, struct err *err)
{
    const char *act = act_name(e->kind);
    if (!act)
        return ST_OK;
    struct ledger_row *row = grown_add(&r->items, sizeof *row);
    if (!row)
        return err_no_memory(err);
    *row = (struct ledger_row){
        .act = act, .program = e->version, .entry = e->number, .time_ms = e->time_ms};
    return keep(&r->arena, &row->program) ? ST_OK : err_no_memory(err);
}

static enum status visit(void *ctx, const struct ledger_entry *e, struct err *err)
{
    struct rows *r = ctx;
    TRY(keep_act(r, e, err));
    for (size_t i = 0; i < e->n_dumps; i++) {
        struct ledger_row *row = grown_add(&r->items, sizeof *row);
        if (!row)
            return err_no_memory(err);
        *row = (struct ledger_row){.dump = e->dumps[i], .entry = e->number, .time_ms = e->time_ms};
        struct ledger_dump *d = &row->dump;
        struct slice *s[] = {&d->name,      &d->reason_code, &d->reason_text,
                             &d->authority, &d->serial,      &d->source,
                             &d->stage,     &d->epoch,       &d->signer};
        for (size_t k = 0; k < sizeof s / sizeof *s; k++)
            if (!keep(&r->arena, s[k]))
                return err_no_memory(err);
    }
    return ST_OK;
}

static bool wanted(const struct cmd_options *o, const struct ledger_dump *d)
{
    const char *p = o->states, *name = dump_state_name((enum dump_state)d->state);
    size_t n = strlen(name);
    while (p && *p) {
        size_t len = strcspn(p, ",");
        if (len == n && memcmp(p, name, n) == 0)
            return true;
        p += len + (p[len] == ',');
    }
    return !o->states;
}

static bool states_good(const char *states)
{
    for (const char *p = states; p && *p;) {
        size_t len = strcspn(p, ",");
        bool known = false;
        for (int i = 0; i < 3; i++) {
            const char *name = dump_state_name((enum dump_state)i);
            known |= len == strlen(name) && memcmp(p, name, len) == 0;
        }
        if (!known)
            return false;
        p += len + (p[len] == ',');
    }
    return true;
}

static void key_if(struct json_out *j, const char *key, struct slice v)
{
    if (v.len)
        json_key_slice(j, key, v);
}

static void act_row_json(const struct ledger_row *r, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", r->act);
    json_key_uint(&j, "entry", r->entry);
    json_key_time(&j, "time", r->time_ms);
    json_key_slice(&j, "program", r->program);
    json_end_object(&j);
    buf_put_u8(out, '\n');
}

static void act_row_text(const struct ledger_row *r, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    time_text(r->time_ms, time);
    buf_printf(out, "%s  %-8s  %s\n", time, r->act, act_text(r->act));
}

static void row_json(const struct ledger_row *r, struct buf *out)
{
    const struct ledger_dump *d = &r->dump;
    const struct books *b = &d->books;
    char hex[65];
    struct json_out j = json_out_to(out);
    hex_encode(d->sha256, 32, hex);
    json_begin_object(&j);
    json_key_str(&j, "type", "dump");
    json_key_uint(&j, "entry", r->entry);
    json_key_time(&j, "time", r->time_ms);
    json_key_slice(&j, "file", d->name);
    json_key_str(&j, "sha256", hex);
    json_key_uint(&j, "bytes", d->bytes);
    json_key_str(&j, "state", dump_state_name((enum dump_state)d->state));
    json_key_bool(&j, "superseded", d->superseded);
    if (d->reason_code.len) {
        json_key(&j, "reason");
        json_begin_object(&j);
        json_key_slice(&j, "code", d->reason_code);
        json_key_uint(&j, "at", d->reason_at);
        json_key_slice(&j, "text", d->reason_text);
        json_end_object(&j);
    }
    key_if(&j, "authority", d->authority);
    key_if(&j, "serial", d->serial);
    key_if(&j, "source", d->source);
    key_if(&j, "stage", d->stage);
    key_if(&j, "epoch", d->epoch);
    key_if(&j, "signer", d->signer);
    const struct {
        const char *key;
        uint64_t n;
    } counts[] = {{"records", b->records}, {"messages", b->messages},
                  {"copies", b->copies},   {"redelivered", b->redelivered},
                  {"other", b->other},     {"quarantined", b->quarantined},
                  {"sealed", b->sealed},   {"conflict", b->conflict}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_key_uint(&j, counts[i].key, counts[i].n);
    json_end_object(&j);
    buf_put_u8(out, '\n');
}

static void row_text(const struct ledger_row *r, struct buf *out)
{
    const struct ledger_dump *d = &r->dump;
    char time[TIME_TEXT_SIZE], hex[65], records[32];
    time_text(r->time_ms, time);
    hex_encode(d->sha256, 32, hex);
    cli_count_text(d->books.records, records);
    buf_printf(out, "%s  %-8s  %.16s  %12s records  ", time,
               dump_state_name((enum dump_state)d->state), hex, records);
    cli_safe(out, d->name, false);
    buf_put_u8(out, '\n');
    if (d->state == DUMP_COMPLETE && !d->books.quarantined)
        return;
    buf_put_str(out, "    ");
    if (d->reason_code.len) {
        cli_safe(out, d->reason_code, false);
        if (d->reason_at)
            buf_printf(out, " at %llu", (unsigned long long)d->reason_at);
        buf_put_str(out, ": ");
        cli_safe(out, d->reason_text, false);
        buf_printf(out, ". %s%s.", d->superseded ? "" : "To do: ",
                   d->superseded ? "Made good by a later complete dump"
                                 : report_advice(d->reason_code, d->reason_text));
    }
    if (d->books.quarantined)
        buf_printf(out, "%s%llu lines in quarantine.", d->reason_code.len ? " " : "",
                   (unsigned long long)d->books.quarantined);
    buf_put_u8(out, '\n');
}

/* A dump in which an `add` was stopped: the ledger has no line of it yet, or an older one. */
static void unfinished_json(const struct dump_progress *p, struct buf *out)
{
    char hex[65];
    struct json_out j = json_out_to(out);
    hex_encode(p->sha256, 32, hex);
    json_begin_object(&j);
    json_key_str(&j, "type", "unfinished");
    json_key_str(&j, "sha256", hex);
    json_key_uint(&j, "lines", p->lines);
    json_key_uint(&j, "records", books_lines(&p->books));
    json_end_object(&j);
    buf_put_u8(out, '\n');
}

static void unfinished_text(const struct dump_progress *p, struct buf *out)
{
    char hex[65], records[32];
    hex_encode(p->sha256, 32, hex);
    if (p->lines == 0) {
        buf_printf(out,
                   "%-*s  unfinished  %.16s  reopened by `verify`\n    what of it stood in a "
                   "damaged file is not in the case. To do: add the file with this SHA-256 "
                   "again: that heals the case.\n",
                   TIME_TEXT_SIZE - 1, "", hex);
        return;
    }
    cli_count_text(books_lines(&p->books), records);
    buf_printf(out, "%-*s  unfinished  %.16s  %12s records are in\n    stopped after line %llu. ",
               TIME_TEXT_SIZE - 1, "", hex, records, (unsigned long long)p->lines);
    buf_put_str(out, "To do: add the file with this SHA-256 again; it goes on there.\n");
}

static void put_unfinished(const struct manifest *m, bool json, struct buf *out)
{
    for (size_t i = 0; i < m->n_progress; i++)
        if (json)
            unfinished_json(&m->progress[i], out);
        else
            unfinished_text(&m->progress[i], out);
}

static int put_head(const struct cmd_options *o)
{
    struct casefile *cf = NULL;
    struct err err = {0};
    struct buf out = {0};
    bool file = strcmp(o->head, "-") != 0;
    int fd = -1, code = cmd_open_output(o, file ? o->head : NULL, 0644, &fd, &cf);
    if (code)
        return code;
    head_write(cf, &out);
    if (!file) {
        code = cmd_print(&out);
    } else {
        enum status st = buf_status(&out, &err);
        if (st == ST_OK)
            st = os_write(fd, out.data, out.len, &err);
        if (st == ST_OK)
            st = os_fsync(fd, &err);
        code = st == ST_OK ? EXIT_GOOD : cmd_fail(&err);
        buf_release(&out);
    }
    os_close(&fd);
    casefile_close(cf);
    return code;
}

int cmd_ledger(const struct cmd_options *o)
{
    struct casefile *cf;
    struct err err = {0};
    struct rows rows = {.items = {0}};
    struct buf out = {0};
    if (!states_good(o->states)) {
        (void)err_set(&err, ST_USAGE, "--state takes complete, partial and refused, with commas");
        return cmd_fail(&err);
    }
    if (o->head)
        return put_head(o);
    int code = cmd_open(o, CASE_READ, &cf);
    if (code)
        return code;
    arena_init(&rows.arena, 0);
    enum status st = ledger_walk(cf, visit, &rows, &err);
    for (size_t i = 0; st == ST_OK && i < rows.items.n; i++) {
        const struct ledger_row *r = (const struct ledger_row *)rows.items.items + i;
        if (r->act && !o->states)
            (o->json ? act_row_json : act_row_text)(r, &out);
        else if (!r->act && wanted(o, &r->dump))
            (o->json ? row_json : row_text)(r, &out);
    }
    if (!o->states)
        put_unfinished(casefile_manifest(cf), o->json, &out);
    if (st != ST_OK) {
        err.status = st;
        code = cmd_fail(&err);
        buf_release(&out);
    } else {
        code = cmd_print(&out);
    }
    grown_release(&rows.items);
    arena_release(&rows.arena);
    casefile_close(cf);
    return code;
}
