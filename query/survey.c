/* survey — ids and speakers of a conversation, and its heading made from them. */
#include "query/survey.h"

#include <stdlib.h>

#include "lictor/cli.h"
#include "lictor/thread.h"

#define NAME_COLUMNS 40
#define NAMES_SHOWN 30     /* of a heading; the rest is counted */
#define NICKNAMES_SHOWN 30 /* likewise */
#define SPEAKER_LEAST 4
#define SPEAKER_MOST 16

/* ---- looking ahead ---- */

struct look {
    struct thread *t;
    struct arena *keep, row;
    struct id_set ids;
    struct buf speakers; /* struct slice */
    struct buf known;    /* struct known_id */
    struct slice last;
    uint32_t looked;
};

static enum status look_id(struct look *l, const struct message_view *m, struct err *err)
{
    struct known_id k = {.service_id = arena_copy(l->keep, m->c.id)};
    if (!k.service_id.data)
        return err_no_memory(err);
    message_id(&l->t->v->hasher, m->hash, 1, k.id);
    buf_put(&l->known, &k, sizeof k);
    return buf_status(&l->known, err);
}

static enum status look_at(struct look *l, uint32_t segment, uint32_t doc, struct err *err)
{
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    struct message_view m;
    arena_reset(&l->row);
    TRY(view_load(l->t->v, &ref, VIEW_CONTENT, &l->row, &m, err));
    for (uint32_t k = 1; k <= m.state.messages; k++) {
        message_id(&l->t->v->hasher, m.hash, k, m.id);
        id_set_add(&l->ids, m.id);
    }
    l->looked++;
    if (m.c.id.len && m.c.kind == DOC_MESSAGE)
        TRY(look_id(l, &m, err));
    if (!m.c.from.data || (l->last.data && slice_eq(l->last, m.c.from)))
        return ST_OK;
    l->last = arena_copy(l->keep, m.c.from);
    if (!l->last.data)
        return err_no_memory(err);
    buf_put(&l->speakers, &l->last, sizeof l->last);
    return buf_status(&l->speakers, err);
}

static enum status look_range(struct look *l, const struct thread_range *r, uint32_t from,
                              uint32_t to, struct err *err)
{
    for (uint32_t doc = from; doc < to; doc++) {
        if (l->looked == ID_SET_EXACT) {
            l->ids.more += to - doc;
            break;
        }
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(look_at(l, r->segment, doc, err));
    }
    return ST_OK;
}

static int by_slice(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static int column_of(struct slice name)
{
    struct slice head = slice_of(name.data, name.len < 256 ? name.len : 256);
    return cli_width(head);
}

static int by_service_id(const void *a, const void *b)
{
    const struct known_id *x = a, *y = b;
    int c = slice_cmp(x->service_id, y->service_id);
    return c ? c : memcmp(x->id, y->id, KEY_SIZE);
}

static enum status known_done(struct look *l, struct survey *out, struct err *err)
{
    size_t n = l->known.len / sizeof(struct known_id), distinct = 0;
    struct known_id *all = arena_array(l->keep, n, sizeof *all);
    if (!all)
        return err_no_memory(err);
    if (n)
        memcpy(all, l->known.data, l->known.len);
    if (n > 1)
        qsort(all, n, sizeof *all, by_service_id);
    for (size_t i = 0; i < n; i++) {
        if (distinct && slice_eq(all[distinct - 1].service_id, all[i].service_id))
            all[distinct - 1].several = true;
        else
            all[distinct++] = all[i];
    }
    out->known = all;
    out->n_known = distinct;
    return ST_OK;
}

static enum status look_done(struct look *l, struct survey *out, struct err *err)
{
    TRY(known_done(l, out, err));
    struct slice kept = arena_copy(l->keep, buf_slice(&l->speakers));
    if (!kept.data)
        return err_no_memory(err);
    struct slice *all = arena_array(l->keep, l->speakers.len / sizeof *all, sizeof *all);
    size_t n = l->speakers.len / sizeof *all, distinct = 0;
    if (!all)
        return err_no_memory(err);
    if (n)
        memcpy(all, kept.data, kept.len);
    if (n > 1)
        qsort(all, n, sizeof *all, by_slice);
    int columns = SPEAKER_LEAST;
    for (size_t i = 0; i < n; i++) {
        if (distinct && slice_eq(all[distinct - 1], all[i]))
            continue;
        all[distinct++] = all[i];
        columns = column_of(all[i]) > columns ? column_of(all[i]) : columns;
    }
    out->speaker_columns = columns < SPEAKER_MOST ? columns : SPEAKER_MOST;
    out->id_digits = id_set_digits(&l->ids);
    out->speakers = all;
    out->n_speakers = distinct;
    out->whole = l->ids.more == 0;
    return ST_OK;
}

enum status survey_thread(struct thread *t, struct arena *a, struct survey *out, struct err *err)
{
    struct look l = {.t = t, .keep = a};
    enum status st = ST_OK;
    arena_init(&l.row, (size_t)16 << 10);
    for (size_t i = 0; st == ST_OK && i < t->n_ranges; i++) {
        const struct thread_range *r = &t->ranges[i];
        st = look_range(&l, r, r->lo, r->hi, err);
        if (st == ST_OK)
            st = look_range(&l, r, r->timed_end, r->end, err);
    }
    if (st == ST_OK)
        st = look_done(&l, out, err);
    id_set_release(&l.ids);
    buf_release(&l.speakers);
    buf_release(&l.known);
    arena_release(&l.row);
    return st;
}

/* ---- the heading ---- */

static void put_list(const struct slice *names, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n && i < NAMES_SHOWN; i++) {
        buf_put_str(out, i ? ", " : "");
        text_name(out, names[i], NAME_COLUMNS);
    }
    if (n > NAMES_SHOWN)
        buf_printf(out, " and %zu more", n - NAMES_SHOWN);
}

void survey_names(const struct conversation *c, struct buf *out)
{
    if (c->kind == CONV_SET) {
        put_list(c->set, c->n_set, out);
        return;
    }
    buf_put_str(out, c->kind == CONV_GROUP ? "group " : "records of no conversation, from ");
    text_name(out, c->name, 0);
}

struct nicknames_shown {
    size_t shown, more;
};

static enum status put_nicknames(struct render *r, const struct conversation *c,
                                 struct slice handle, struct nicknames_shown *sh, struct buf *out,
                                 struct err *err)
{
    struct message_view m = {.c = {.kind = DOC_MESSAGE, .from = handle}};
    struct arena a;
    arena_init(&a, (size_t)4 << 10);
    m.c.conv = (struct conversation){.kind = CONV_GROUP, .service = c->service};
    enum status st = view_nicknames_of(r->v, &m, &a, err);
    for (size_t i = 0; st == ST_OK && i < m.n_nicknames; i++) {
        if (sh->shown == NICKNAMES_SHOWN) {
            sh->more++;
            continue;
        }
        sh->shown++;
        buf_put_str(out, "  ");
        text_nickname(&m.nicknames[i], NAME_COLUMNS, out);
        buf_put_u8(out, '\n');
    }
    arena_release(&a);
    return st;
}

enum status survey_head(struct render *r, const uint8_t key[KEY_SIZE], const struct conversation *c,
                        const struct survey *s, struct buf *out, struct err *err)
{
    char hex[2 * KEY_SIZE + 1];
    struct nicknames_shown sh = {0};
    const struct slice *names = c->kind == CONV_SET ? c->set : s->speakers;
    size_t n = c->kind == CONV_SET ? c->n_set : s->n_speakers;
    hex_encode(key, KEY_SIZE, hex);
    text_style(r, out, STYLE_BOLD);
    survey_names(c, out);
    text_style(r, out, STYLE_NONE);
    buf_printf(out, "  (conversation %.16s", hex);
    if (c->service.data) {
        buf_put_str(out, ", service ");
        text_name(out, c->service, NAME_COLUMNS);
    }
    buf_put_str(out, ")\n");
    if (c->kind != CONV_SET && s->whole && n > 0) {
        struct buf list = {0};
        buf_printf(&list, "%zu %s: ", n, n == 1 ? "speaks" : "speak");
        put_list(names, n, &list);
        text_pad(out, 2);
        text_wrap_words(r, out, buf_slice(&list), 2);
        out->failed |= list.failed;
        buf_release(&list);
    }
    for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
        TRY(put_nicknames(r, c, names[i], &sh, out, err));
    if (sh.more)
        buf_printf(out, "  and %zu more names in address books\n", sh.more);
    return ST_OK;
}
