/* report — A dump is reported once it stands in the ledger; one that was interrupted half way is
 * named with the line from which it will go on. */
#include "indexer/report.h"

#include "indexer/cmd.h"
#include "indexer/dump_ctx.h"
#include "lictor/age.h"
#include "lictor/json_out.h"

static enum dump_state state_of(const struct dump_ctx *d)
{
    return d->already ? DUMP_ALREADY : (enum dump_state)d->entry.state;
}

static enum dump_state was_of(const struct dump_ctx *d)
{
    return d->same_run ? (enum dump_state)d->same_run->entry.state : d->was;
}

static bool reported(const struct dump_ctx *d) { return d->already || d->committed; }

bool report_anything(const struct core *c)
{
    for (size_t i = 0; i < c->dumps.n; i++)
        if (reported(core_dump(c, i)) || core_dump(c, i)->lines)
            return true;
    return false;
}

static struct books totals(const struct core *c)
{
    struct books sum = {0};
    for (size_t i = 0; i < c->dumps.n; i++)
        if (core_dump(c, i)->committed)
            books_sum(&sum, &core_dump(c, i)->entry.books);
    return sum;
}

static void json_books(struct json_out *j, const struct books *b)
{
    json_key_uint(j, "records", b->records);
    json_key_uint(j, "messages", b->messages);
    json_key_uint(j, "copies", b->copies);
    json_key_uint(j, "redelivered", b->redelivered);
    json_key_uint(j, "other", b->other);
    json_key_uint(j, "quarantined", b->quarantined);
    json_key_uint(j, "sealed", b->sealed);
    json_key_uint(j, "conflict", b->conflict);
}

static void json_dump(struct json_out *j, const struct dump_ctx *d)
{
    const struct ledger_dump *e = &d->entry;
    char hex[2 * SHA256_SIZE + 1];
    hex_encode(e->sha256, SHA256_SIZE, hex);
    json_begin_object(j);
    json_key_slice(j, "file", e->name);
    json_key_str(j, "sha256", hex);
    json_key_uint(j, "bytes", e->bytes);
    json_key_str(j, "state", dump_state_name(state_of(d)));
    if (d->already)
        json_key_str(j, "was", dump_state_name(was_of(d)));
    if (e->reason_code.len) {
        json_key(j, "reason");
        json_begin_object(j);
        json_key_slice(j, "code", e->reason_code);
        json_key_uint(j, "at", e->reason_at);
        json_key_slice(j, "text", e->reason_text);
        json_end_object(j);
    }
    json_books(j, &e->books);
    json_end_object(j);
}

void report_json(const struct core *c, struct buf *out)
{
    struct json_out j = json_out_to(out);
    struct books sum = totals(c);
    char digest[65];
    json_begin_object(&j);
    json_key(&j, "dumps");
    json_begin_array(&j);
    for (size_t i = 0; i < c->dumps.n; i++)
        if (reported(core_dump(c, i)))
            json_dump(&j, core_dump(c, i));
    json_end_array(&j);
    json_key(&j, "totals");
    json_begin_object(&j);
    json_books(&j, &sum);
    json_key_bool(&j, "balanced", books_balance(&sum));
    json_end_object(&j);
    if (c->options.links)
        json_key_uint(&j, "links_passed_over", c->options.links);
    casefile_digest(c->cf, digest);
    json_key_str(&j, "digest", digest);
    json_end_object(&j);
    buf_put_u8(out, '\n');
}

const char *report_advice(struct slice code, struct slice text)
{
    /* The first that fits; `says`: only where the text of the failure has it. */
    static const struct {
        const char *code, *advice, *says;
    } table[] = {
        {"no-key", "give its passphrase with --dump-passphrase-file", AGE_WANTS_PASSPHRASE},
        {"bad-header", "add it again with a higher --scrypt-max, if you trust it",
         AGE_SCRYPT_OPTION},
        {"no-key", "give the identity it was made for with -i", NULL},
        {"bad-passphrase", "give the right passphrase with --dump-passphrase-file", NULL},
        {"bad-signature", "ask the authority for a signed copy, or for its public key", NULL},
        {"bad-header", "the file is damaged at its beginning: ask for it again", NULL},
        {"unknown-format", "not a dump: leave it out, or ask what it is", NULL},
        {"empty", "ask for it again", NULL},
        {"unreadable", "make the file readable and add it again", NULL},
        {"media", "media cannot be ingested yet: leave it out", NULL},
        {"chunk", "damaged: ask for it again; the whole dump will complete it", NULL},
        {"cut",
         "cut short, or its last chunk was changed: ask for it again; the whole dump will "
         "complete it",
         NULL},
        {"trailing-bytes", "something was appended to the file: ask for it again", NULL},
        {"zstd", "the compressed stream is damaged: ask for it again", NULL},
        {"window", "add it with --again and a larger --window, if you trust it", NULL},
        {"bomb", "it inflates beyond all measure: look at it by hand", NULL},
        {"no-end", "the export was cut short: ask for the whole dump", NULL},
        {"end-mismatch", "the export contradicts itself: ask for the whole dump", NULL},
        {"damaged", "add it again: that heals the case", NULL},
        {"changed", "the file changed while it was read: add it again when it is at rest", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (slice_eq_str(code, table[i].code) &&
            (!table[i].says || memmem(text.data, text.len, table[i].says, strlen(table[i].says))))
            return table[i].advice;
    return "look at it by hand";
}

static void put_count(struct buf *out, uint64_t n)
{
    char text[32];
    cli_count_text(n, text);
    buf_put_str(out, text);
}

static void text_failure(const struct dump_ctx *d, struct buf *out)
{
    const struct ledger_dump *e = &d->entry;
    buf_printf(out, "%-8s ", dump_state_name(state_of(d)));
    cli_safe(out, e->name, false);
    buf_put_str(out, ": ");
    cli_safe(out, e->reason_code, false);
    if (e->reason_at)
        buf_printf(out, " at %llu", (unsigned long long)e->reason_at);
    buf_put_str(out, ": ");
    cli_safe(out, e->reason_text, false);
    if (e->state == DUMP_PARTIAL) {
        buf_put_str(out, "; ");
        put_count(out, e->books.records);
        buf_put_str(out, " records are in");
    }
    buf_printf(out, ". To do: %s.\n", report_advice(e->reason_code, e->reason_text));
}

static void text_warnings(const struct core *c, struct buf *out)
{
    for (size_t i = 0; i < c->dumps.n; i++) {
        const struct dump_ctx *d = core_dump(c, i);
        uint64_t times = atomic_load(&d->times), odd = atomic_load(&d->odd_times);
        if (d->committed && odd * 100 > times) {
            buf_put_str(out, "warning  ");
            cli_safe(out, d->entry.name, false);
            buf_printf(out,
                       ": %llu of %llu times lie outside the time of collection: seconds instead "
                       "of milliseconds?\n",
                       (unsigned long long)odd, (unsigned long long)times);
        }
        if (!reported(d) && d->lines) {
            buf_put_str(out, "stopped  ");
            cli_safe(out, d->entry.name, false);
            if (d->lines_committed)
                buf_printf(out, ": committed up to line %llu; the same command goes on there.\n",
                           (unsigned long long)d->lines_committed);
            else
                buf_put_str(out, ": nothing of it was committed; the same command reads it.\n");
        }
    }
}

static void text_links(const struct core *c, struct buf *out)
{
    size_t n = c->options.links;
    if (n == 0)
        return;
    buf_printf(out, "passed over  %zu symbolic link%s: not followed in directories. ", n,
               n == 1 ? "" : "s");
    buf_put_str(out, "To do: name the files themselves, if they are dumps.\n");
    if (c->dumps.n == 0)
        buf_put_str(out, "nothing     no dump was found besides: nothing was read\n");
}

static void text_row(struct buf *out, const char *name, uint64_t n, const char *note)
{
    char text[32];
    cli_count_text(n, text);
    buf_printf(out, "  %-12s %15s%s%s\n", name, text, *note ? "  " : "", note);
}

void report_text(const struct core *c, struct buf *out)
{
    uint64_t states[4] = {0};
    for (size_t i = 0; i < c->dumps.n; i++) {
        const struct dump_ctx *d = core_dump(c, i);
        if (!reported(d))
            continue;
        states[state_of(d)]++;
        if (!d->already && d->entry.state != DUMP_COMPLETE)
            text_failure(d, out);
    }
    text_warnings(c, out);
    text_links(c, out);
    struct books b = totals(c);
    buf_put_str(out, "dumps");
    for (int s = 0; s < 4; s++)
        if (states[s])
            buf_printf(out, "  %llu %s", (unsigned long long)states[s],
                       dump_state_name((enum dump_state)s));
    buf_put_str(out, "\n");
    text_row(out, "records", b.records, books_balance(&b) ? "balanced:" : "NOT BALANCED");
    text_row(out, "messages", b.messages, "new");
    text_row(out, "copies", b.copies, "further copies of a message");
    text_row(out, "redelivered", b.redelivered, "delivered before");
    text_row(out, "other", b.other, "events, contacts, notes, locations, calls, keepalives, ends");
    text_row(out, "quarantined", b.quarantined, b.quarantined ? "see `quarantine`" : "");
    buf_put_str(out, "of the new messages\n");
    text_row(out, "sealed", b.sealed, "");
    text_row(out, "in conflict", b.conflict, "");
    char digest[65];
    casefile_digest(c->cf, digest);
    buf_printf(out, "content digest %s, generation %llu\n", digest,
               (unsigned long long)casefile_manifest(c->cf)->generation);
    hex_encode(casefile_manifest(c->cf)->ledger_head, 32, digest);
    buf_printf(out, "ledger head %s, entry %llu\n", digest,
               (unsigned long long)casefile_manifest(c->cf)->ledger_entries - 1);
}

int report_exit(const struct core *c)
{
    for (size_t i = 0; i < c->dumps.n; i++) {
        const struct dump_ctx *d = core_dump(c, i);
        if (d->committed && (d->entry.state != DUMP_COMPLETE || d->entry.books.quarantined))
            return EXIT_REMARKS;
    }
    return c->dumps.n == 0 && c->options.links ? EXIT_REMARKS : EXIT_GOOD;
}
