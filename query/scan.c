/* scan — shares the documents out to threads in ranges, every n-th to each, so that progress of one
 * is that of all. What each found is put together as if one had found it. */
#include "query/scan.h"

#include <stdlib.h>

#include "lictor/os.h"
#include "lictor/thread.h"
#include "query/search_private.h"
#include "query/spans.h"

#define SCAN_RANGE 4096 /* documents */
#define SCAN_THREADS_MAX 60
#define SCAN_STOP_EVERY 256 /* documents between two looks at the stop flag */

struct scan {
    struct view *v;
    const struct query *q;
    const struct search_options *o;
    const struct scan_options *how;
    const struct plan_ids *ids; /* by numbers of nodes: those of each worker's query, too */
    unsigned threads;
    uint64_t docs;
    struct scan_worker *workers;
    struct first_error *failed; /* ends the other workers, too */
    struct slice refused;       /* of q->text, by the worker that failed first */
};

struct scan_worker {
    struct scan *scan;
    unsigned number;
    struct view view;
    struct query *q;
    struct scan_reader reader;
    struct search found;
    struct search_result counts;
    uint32_t counted_segment, counted_end; /* documents below are of a conversation counted already
                                            */
    uint64_t read;
    struct cli_progress progress; /* worker 0 */
};

/* ---- one document ---- */

static enum status count_conversation(struct scan_worker *w, struct err *err)
{
    const struct segment_conversation *c = &w->reader.conversation;
    if (w->counted_segment == w->reader.segment && w->reader.doc < w->counted_end)
        return ST_OK;
    w->counted_segment = w->reader.segment;
    w->counted_end = c->first + c->docs;
    buf_put(&w->found.conversations, c->key, KEY_SIZE);
    return buf_status(&w->found.conversations, err);
}

static enum status add_hit(struct scan_worker *w, uint32_t k, struct err *err)
{
    const struct scan_reader *r = &w->reader;
    struct message_ref ref = {.segment = r->segment, .doc = r->doc, .k = k};
    ref.sent = content_untimed(&r->c) ? TIME_NONE : r->c.sent;
    w->counts.total++;
    if (w->scan->o->limit == 0)
        return ST_OK;
    TRY(count_conversation(w, err));
    return search_hit_add(&w->found, &ref, err);
}

static enum status scan_document(struct scan_worker *w, uint32_t segment, uint32_t doc,
                                 struct err *err)
{
    bool in_range;
    w->read++;
    TRY(scan_read(&w->reader, segment, doc, &in_range, err));
    for (uint32_t k = 1; in_range && k <= w->reader.state.messages; k++) {
        unsigned truth;
        TRY(scan_test(&w->reader, w->q->root, k, &truth, err));
        if (truth == TRUTH_TRUE) {
            TRY(add_hit(w, k, err));
            continue;
        }
        w->counts.sealed += (truth & TRUTH_SEALED) != 0;
        w->counts.untimed += (truth & TRUTH_UNTIMED) != 0;
    }
    return ST_OK;
}

/* ---- one worker ---- */

/* Each worker has a query of its own, of the same text. */
static void keep_refused(struct scan_worker *w)
{
    struct slice at = w->q ? w->q->spans->refused : (struct slice){0};
    if (at.data)
        w->scan->refused = slice_of(w->scan->q->text.data + (at.data - w->q->text.data), at.len);
}

static enum status scan_range(struct scan_worker *w, uint32_t segment, uint32_t from, uint32_t to,
                              struct err *err)
{
    for (uint32_t doc = from; doc < to; doc++) {
        if (doc % SCAN_STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(scan_document(w, segment, doc, err));
    }
    return ST_OK;
}

static enum status worker_open(struct scan_worker *w, struct err *err)
{
    struct query_error qe;
    TRY(view_open(w->scan->v->cf, w->scan->how->tz, &w->view, err));
    TRY(query_parse(w->scan->q->text, w->view.splitter, w->view.zone, &w->q, &qe, err));
    w->found = (struct search){.v = &w->view, .q = w->q, .o = w->scan->o, .out = &w->counts};
    w->counted_segment = UINT32_MAX;
    return scan_reader_init(&w->reader, &w->view, w->q, w->scan->ids, err);
}

static void worker_close(struct scan_worker *w)
{
    buf_release(&w->found.hits);
    buf_release(&w->found.conversations);
    scan_reader_release(&w->reader);
    query_free(w->q);
    view_close(&w->view);
}

static enum status worker_ranges(struct scan_worker *w, struct err *err)
{
    struct casefile *cf = w->view.cf;
    uint64_t range = 0, before = 0;
    for (uint32_t s = 0; s < casefile_segments(cf); s++) {
        uint32_t docs = segment_info(casefile_segment(cf, s))->docs;
        for (uint32_t from = 0, n; from < docs; from += n, before += n, range++) {
            n = docs - from < SCAN_RANGE ? docs - from : SCAN_RANGE;
            if (range % w->scan->threads != w->number)
                continue;
            if (first_error_is_set(w->scan->failed))
                return ST_OK;
            TRY(scan_range(w, s, from, from + n, err));
            if (w->number == 0)
                cli_progress_step(&w->progress, before + n, w->scan->docs, 0);
        }
    }
    return ST_OK;
}

static enum status worker_run(void *arg, size_t i, struct err *err)
{
    struct scan *scan = arg;
    struct scan_worker *w = &scan->workers[i];
    if (i == 0)
        cli_progress_begin_counted(&w->progress, scan->how->progress, "reading", "records");
    enum status st = worker_open(w, err);
    if (st == ST_OK)
        st = worker_ranges(w, err);
    if (i == 0)
        cli_progress_end(&w->progress);
    if (st != ST_OK) {
        struct err kept = *err;
        kept.status = st;
        if (first_error_set(scan->failed, &kept))
            keep_refused(w);
    }
    return st;
}

/* ---- all ---- */

static enum status gather(struct scan *scan, struct search *all, uint64_t *read, struct err *err)
{
    for (unsigned i = 0; i < scan->threads; i++) {
        const struct scan_worker *w = &scan->workers[i];
        all->out->total += w->counts.total;
        all->out->sealed += w->counts.sealed;
        all->out->untimed += w->counts.untimed;
        *read += w->read;
        all->met |= w->found.met;
        buf_put_slice(&all->conversations, buf_slice(&w->found.conversations));
        for (size_t at = 0; at < w->found.hits.len; at += sizeof(struct message_ref)) {
            struct message_ref ref;
            memcpy(&ref, w->found.hits.data + at, sizeof ref);
            TRY(search_hit_add(all, &ref, err));
        }
    }
    return buf_status(&all->conversations, err);
}

static enum status workers_run(struct scan *scan, struct search *all, uint64_t *read,
                               struct err *err)
{
    scan->workers = calloc(scan->threads, sizeof *scan->workers);
    if (!scan->workers)
        return err_no_memory(err);
    enum status st = first_error_new(&scan->failed, err);
    for (unsigned i = 0; i < scan->threads; i++) {
        scan->workers[i].scan = scan;
        scan->workers[i].number = i;
    }
    if (st == ST_OK)
        st = thread_each(scan->threads, scan->threads, worker_run, scan, err);
    if (st == ST_OK)
        st = gather(scan, all, read, err);
    for (unsigned i = 0; i < scan->threads; i++)
        worker_close(&scan->workers[i]);
    first_error_free(scan->failed);
    free(scan->workers);
    return st;
}

/* No more threads than there are ranges. */
static unsigned threads_of(const struct scan *scan)
{
    uint64_t wanted = scan->how->threads ? scan->how->threads : os_cpus();
    uint64_t useful = scan->docs / SCAN_RANGE + 1;
    if (wanted > useful)
        wanted = useful;
    return wanted > SCAN_THREADS_MAX ? SCAN_THREADS_MAX : (unsigned)wanted;
}

enum status scan_run(struct view *v, const struct query *q, const struct search_options *o,
                     const struct scan_options *how, struct search_result *out, uint64_t *read,
                     struct err *err)
{
    struct search_result result = {0};
    struct search all = {.v = v, .q = q, .o = o, .out = &result};
    struct plan_ids ids = {0};
    struct scan scan = {.v = v, .q = q, .o = o, .how = how, .ids = &ids};
    uint64_t records = 0;
    spans_budget_fill(q->spans);
    for (uint32_t s = 0; s < casefile_segments(v->cf); s++)
        scan.docs += segment_info(casefile_segment(v->cf, s))->docs;
    scan.threads = threads_of(&scan);
    enum status st = plan_nicks_read(v, q, &ids, err);
    if (st == ST_OK)
        st = plan_thens_new(q, &ids, err);
    if (st == ST_OK)
        st = scan_find_thens(v, q, &ids, how->progress, err);
    if (st == ST_OK)
        st = workers_run(&scan, &all, &records, err);
    if (scan.refused.data)
        q->spans->refused = scan.refused;
    plan_ids_release(&ids);
    if (st == ST_OK && o->after && o->limit > 0 && !all.met)
        st = err_set(err, ST_USAGE, "the message to go on behind is no hit of this query");
    if (st == ST_OK)
        st = search_take(&all, err);
    if (st == ST_OK)
        *out = result;
    if (st == ST_OK && read)
        *read = records;
    buf_release(&all.hits);
    buf_release(&all.conversations);
    return st;
}
