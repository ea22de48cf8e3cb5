/* render_json_copies — every copy of a message and where it came from: one element a copy; further
 * readings of the same copy stand in its `versions`, further sightings in `redelivered`. */
#include "query/extra.h"
#include "query/render.h"

static void key_maybe(struct json_out *j, const char *key, struct slice v)
{
    if (v.data)
        json_key_slice(j, key, v);
}

/* A time a holder gave may be absurd: then it stands as the number it is. */
static void key_time_maybe(struct json_out *j, const char *key, int64_t ms)
{
    if (ms == TIME_NONE)
        return;
    if (ms > 0 && ms <= TIME_MAX_MS)
        json_key_time(j, key, ms);
    else
        json_key_int(j, key, ms);
}

static void sighting_keys(struct json_out *j, const struct held_sighting *s)
{
    char hex[2 * SHA256_SIZE + 1];
    hex_encode(s->dump->sha256, SHA256_SIZE, hex);
    json_key_slice(j, "dump", s->dump->name);
    json_key_str(j, "dump_sha256", hex);
    json_key_uint(j, "line", s->line);
}

static void origin_keys(struct json_out *j, const struct origin_ref *o)
{
    static const char *const directions[] = {NULL, "from", "to", "unknown"};
    key_maybe(j, "account", o->account);
    key_maybe(j, "authority", o->authority);
    key_maybe(j, "warrant", o->warrant);
    key_maybe(j, "liid", o->liid);
    key_maybe(j, "cin", o->cin);
    if (o->direction > 0 && o->direction < 4)
        json_key_str(j, "direction", directions[o->direction]);
    key_maybe(j, "point", o->point);
    key_maybe(j, "serial", o->serial);
    key_maybe(j, "selection", o->selection);
}

static void version_keys(struct json_out *j, const struct held_version *v)
{
    if (v->n_sightings > 0)
        sighting_keys(j, &v->sightings[0]);
    key_time_maybe(j, "delivered", v->delivered);
    key_time_maybe(j, "read", v->read);
    key_time_maybe(j, "collected", v->collected);
    origin_keys(j, v->origin);
    if (v->extra.len) {
        struct buf safe = {0};
        extra_safe(v->extra, &safe);
        json_key(j, "extra");
        json_raw(j, buf_slice(&safe));
        j->buf->failed |= safe.failed;
        buf_release(&safe);
    }
    if (v->n_sightings < 2)
        return;
    json_key(j, "redelivered");
    json_begin_array(j);
    for (size_t i = 1; i < v->n_sightings; i++) {
        json_begin_object(j);
        sighting_keys(j, &v->sightings[i]);
        json_end_object(j);
    }
    json_end_array(j);
}

static void copy_object(struct json_out *j, const struct message_view *m, const struct held_copy *c)
{
    const struct stream_ref *s = c->stream;
    json_begin_object(j);
    json_key_slice(j, "source", s->source);
    json_key_str(j, "stage", s->stage ? "live" : "stored");
    key_maybe(j, "epoch", s->epoch);
    if (s->numbered)
        json_key_uint(j, "seq", c->seq);
    if (c->n_versions > 0) {
        json_key_str(j, "side", side_name(held_side(&m->c, c)));
        version_keys(j, &c->versions[0]);
    }
    if (c->n_versions > 1) {
        json_key(j, "versions");
        json_begin_array(j);
        for (size_t i = 1; i < c->n_versions; i++) {
            json_begin_object(j);
            version_keys(j, &c->versions[i]);
            json_end_object(j);
        }
        json_end_array(j);
    }
    json_end_object(j);
}

void json_all_copies(struct json_out *j, const struct message_view *m)
{
    json_key(j, "all_copies");
    json_begin_array(j);
    for (size_t i = 0; i < m->n_copies; i++)
        copy_object(j, m, m->copies[i]);
    json_end_array(j);
}
