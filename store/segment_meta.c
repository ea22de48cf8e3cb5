/* segment_meta — the one fixed record a segment file opens with: how many of everything, and the
 * totals. */
#include "store/segment_private.h"

enum { META_VERSION = 5 };

void meta_encode(const struct segment_meta *m, struct buf *out)
{
    const struct segment_info *i = &m->info;

    buf_put_u32(out, META_VERSION);
    buf_put_u8(out, m->overlay ? 1 : 0);
    buf_put_u8(out, m->has_info ? 1 : 0);
    buf_put(out, m->base, FILE_ID_SIZE);
    buf_put_u32(out, m->rows);
    buf_put_u32(out, m->dumps);
    buf_put_u32(out, m->streams);
    buf_put_u32(out, m->origins);
    buf_put_u32(out, m->repeats);
    buf_put_u64(out, m->terms);
    buf_put_u32(out, i->docs);
    buf_put_u32(out, i->hidden_docs);
    buf_put_u32(out, i->conversations);
    buf_put_u32(out, i->repeated_docs);
    buf_put_u32(out, i->copy_to_docs);
    buf_put_u64(out, i->messages);
    buf_put_u64(out, i->copies);
    buf_put_u64(out, i->others);
    buf_put_u64(out, i->notes);
    buf_put_u64(out, i->sealed);
    buf_put_u64(out, i->conflict);
    buf_put_u64(out, i->untimed);
    buf_put_u64(out, (uint64_t)i->first_sent);
    buf_put_u64(out, (uint64_t)i->last_sent);
}

static void info_parse(struct cursor *c, struct segment_info *i)
{
    i->docs = cursor_u32(c);
    i->hidden_docs = cursor_u32(c);
    i->conversations = cursor_u32(c);
    i->repeated_docs = cursor_u32(c);
    i->copy_to_docs = cursor_u32(c);
    i->messages = cursor_u64(c);
    i->copies = cursor_u64(c);
    i->others = cursor_u64(c);
    i->notes = cursor_u64(c);
    i->sealed = cursor_u64(c);
    i->conflict = cursor_u64(c);
    i->untimed = cursor_u64(c);
    i->first_sent = (int64_t)cursor_u64(c);
    i->last_sent = (int64_t)cursor_u64(c);
}

enum status meta_parse(struct slice s, struct segment_meta *out, struct err *err)
{
    struct cursor c = cursor_of(s);
    struct segment_meta m = {0};

    uint32_t version = cursor_u32(&c);
    uint8_t overlay = cursor_u8(&c), has_info = cursor_u8(&c);
    struct slice base = cursor_bytes(&c, FILE_ID_SIZE);
    if (!c.bad && version > 0 && version < META_VERSION) /* no damage: nothing is set aside */
        return err_set(err, ST_LIMIT,
                       "segment: an older Lictor wrote it (format %u, this one reads %d): add the "
                       "dumps to a new case",
                       version, META_VERSION);
    if (c.bad || version != META_VERSION || overlay > 1 || has_info > 1)
        return err_set(err, ST_DAMAGED, "segment: its head is not one of ours");
    m.overlay = overlay;
    m.has_info = has_info;
    memcpy(m.base, base.data, FILE_ID_SIZE);
    m.rows = cursor_u32(&c);
    m.dumps = cursor_u32(&c);
    m.streams = cursor_u32(&c);
    m.origins = cursor_u32(&c);
    m.repeats = cursor_u32(&c);
    m.terms = cursor_u64(&c);
    info_parse(&c, &m.info);
    TRY(cursor_done(&c, "head of a segment", err));
    if (m.info.docs > SEGMENT_DOCS_MAX || m.rows > SEGMENT_DOCS_MAX ||
        (!overlay && (m.rows != m.info.docs || !has_info)))
        return err_set(err, ST_DAMAGED, "segment: the counts of its head are not possible");
    *out = m;
    return ST_OK;
}
