/* disentangle — trains and scores the model of query/answers.h. Training: softmax over the
 * candidates of each annotated message, the loss is -log of what the right ones get together; Adam;
 * in the first passes the right answers stand in the window, later the model's own, as it will meet
 * them. Runs of one seed give one result; the best of a few passes on the held-out files is kept.
 */
#include "bench/disentangle.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"
#include "bench/rng.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define H ANSWERS_HIDDEN
#define F ANSWERS_FEATURES
#define PASSES 14
#define PASSES_GOLD 3 /* with the right answers in the window */
#define BATCH 64
#define RATE 0.002f

struct net {
    float w[H][F], b[H], v[H];
};
#define NET_SIZE (sizeof(struct net) / sizeof(float))

struct trainer {
    struct net net, grad, m1, m2;
    uint64_t steps, in_batch;
    double loss;
};

static void net_begin(struct net *n, uint64_t seed)
{
    struct rng r = rng_of(seed);
    for (int h = 0; h < H; h++) {
        for (int i = 0; i < F; i++)
            n->w[h][i] = ((float)rng_below(&r, 20001) - 10000) / 10000 * 0.25f;
        n->b[h] = 0.05f;
        n->v[h] = ((float)rng_below(&r, 20001) - 10000) / 10000 * 0.5f;
    }
}

static void step(struct trainer *t, float rate)
{
    float *p = (float *)&t->net, *g = (float *)&t->grad, *m1 = (float *)&t->m1,
          *m2 = (float *)&t->m2;
    t->steps++;
    float c1 = 1 - powf(0.9f, (float)t->steps), c2 = 1 - powf(0.999f, (float)t->steps);
    for (size_t i = 0; i < NET_SIZE; i++) {
        float d = g[i] / (float)t->in_batch + 1e-5f * p[i];
        m1[i] = 0.9f * m1[i] + 0.1f * d;
        m2[i] = 0.999f * m2[i] + 0.001f * d * d;
        p[i] -= rate * (m1[i] / c1) / (sqrtf(m2[i] / c2) + 1e-8f);
        g[i] = 0;
    }
    t->in_batch = 0;
}

/* The candidates of one message, as lists of the features that hold. */
struct sample {
    uint8_t on[ANSWERS_WINDOW][F];
    uint8_t n_on[ANSWERS_WINDOW];
    float z[ANSWERS_WINDOW][H], score[ANSWERS_WINDOW];
    bool right[ANSWERS_WINDOW];
    size_t n, best;
};

static void sample_score(const struct net *net, int8_t x[][F], struct sample *s)
{
    s->best = 0;
    for (size_t k = 0; k < s->n; k++) {
        s->n_on[k] = 0;
        for (int i = 0; i < F; i++)
            if (x[k][i])
                s->on[k][s->n_on[k]++] = (uint8_t)i;
        s->score[k] = 0;
        for (int h = 0; h < H; h++) {
            float z = net->b[h];
            for (int i = 0; i < s->n_on[k]; i++)
                z += net->w[h][s->on[k][i]];
            s->z[k][h] = z;
            s->score[k] += z > 0 ? z * net->v[h] : 0;
        }
        if (s->score[k] > s->score[s->best])
            s->best = k;
    }
}

static void learn(struct trainer *t, const struct sample *s)
{
    double all = 0, right = 0;
    float share[ANSWERS_WINDOW];
    for (size_t k = 0; k < s->n; k++) {
        share[k] = expf(s->score[k] - s->score[s->best]);
        all += share[k];
        right += s->right[k] ? share[k] : 0;
    }
    if (right <= 0)
        right = 1e-12;
    t->loss -= log(right / all);
    for (size_t k = 0; k < s->n; k++) {
        float d = (float)(share[k] / all - (s->right[k] ? share[k] / right : 0));
        if (fabsf(d) < 1e-5f)
            continue;
        for (int h = 0; h < H; h++) {
            if (s->z[k][h] <= 0)
                continue;
            float dz = d * t->net.v[h];
            t->grad.v[h] += d * s->z[k][h];
            t->grad.b[h] += dz;
            for (int i = 0; i < s->n_on[k]; i++)
                t->grad.w[h][s->on[k][i]] += dz;
        }
    }
}

/* Which candidates are right; false if none is among them. */
static bool mark_right(const struct log_file *f, uint32_t line, const uint32_t *message, uint32_t n,
                       struct sample *s)
{
    bool any = false;
    MUST(s->n <= (size_t)n + 1);
    const struct log_line *l = &f->lines[line];
    for (size_t k = 0; k < s->n; k++) {
        s->right[k] = false;
        for (uint32_t i = 0; i < l->n_links; i++)
            s->right[k] |= f->links[l->first_link + i] == message[n - k];
        any |= s->right[k];
    }
    return any;
}

static enum status train_file(struct trainer *t, const struct log_file *f, bool gold, float rate,
                              struct err *err)
{
    static int8_t x[ANSWERS_WINDOW][F];
    static struct sample s;
    struct answers *a = NULL;
    uint32_t n = 0, *message = malloc((size_t)f->n_lines * 4 + 4);
    if (!message)
        return err_no_memory(err);
    enum status st = answers_new(&answers_trained, &a, err);
    for (uint32_t i = 0; st == ST_OK && i < f->n_lines; i++) {
        if (f->lines[i].system)
            continue;
        message[n] = i;
        s.n = answers_candidates(a, &f->lines[i].said, x);
        sample_score(&t->net, x, &s);
        size_t take = s.best;
        if (f->lines[i].n_links && mark_right(f, i, message, n, &s)) {
            learn(t, &s);
            if (++t->in_batch == BATCH)
                step(t, rate);
            for (size_t k = 0; gold && k < s.n; k++)
                if (s.right[k])
                    take = k;
        }
        answers_settle(a, (uint32_t)take);
        n++;
    }
    answers_free(a);
    free(message);
    return st;
}

static int16_t whole(float v, float unit)
{
    float r = roundf(v * unit);
    return (int16_t)(r > 32767 ? 32767 : r < -32767 ? -32767 : r);
}

static void model_of(const struct net *n, struct answers_model *m)
{
    for (int h = 0; h < H; h++) {
        for (int i = 0; i < F; i++)
            m->weight[i][h] = whole(n->w[h][i], 256);
        m->bias[h] = whole(n->b[h], 256 * ANSWERS_ONE);
        m->out[h] = whole(n->v[h], 256);
    }
}

/* ---- commands ---- */

static void print_score(const char *set, const struct link_score *all,
                        const struct link_score *messages)
{
    printf("%s: links %.3f (messages alone %.3f), talks %.3f F1; %.0f messages/s\n", set,
           link_f1(all->right, all->proposed, all->gold),
           link_f1(messages->right, messages->proposed, messages->gold),
           link_f1(all->talks_right, all->talks_proposed, all->talks_gold),
           all->seconds > 0 ? (double)all->messages / all->seconds : 0);
    fflush(stdout);
}

static enum status score_set(const struct log_set *s, const char *set,
                             const struct answers_model *m, double *f1, struct err *err)
{
    struct link_score all, messages;
    TRY(log_set_score(s, m, true, &all, err));
    TRY(log_set_score(s, m, false, &messages, err));
    print_score(set, &all, &messages);
    *f1 = link_f1(all.right, all.proposed, all.gold) +
          link_f1(all.talks_right, all.talks_proposed, all.talks_gold) / 2;
    return ST_OK;
}

static void put_row(struct buf *out, const int16_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%d", i ? ", " : "", v[i]);
}

static enum status write_model(const struct answers_model *m, const char *path, uint64_t seed,
                               struct err *err)
{
    struct buf out = {0};
    int fd = -1;
    buf_printf(&out,
               "/* answers_weights — the trained model of query/answers.h. Made by\n"
               " *     lictor-bench disentangle-train DATA %s --seed %llu\n"
               " * from the annotated Ubuntu IRC logs of Kummerfeld et al. (ACL 2019), set train;\n"
               " * no text of them is in it. Do not edit. */\n"
               "#include \"query/answers.h\"\n\n/* clang-format off */\n"
               "const struct answers_model answers_trained = {\n.weight = {\n",
               "FILE", (unsigned long long)seed);
    for (int i = 0; i < F; i++) {
        buf_put_str(&out, "{");
        put_row(&out, m->weight[i], H);
        buf_put_str(&out, "},\n");
    }
    buf_put_str(&out, "},\n.bias = {");
    put_row(&out, m->bias, H);
    buf_put_str(&out, "},\n.out = {");
    put_row(&out, m->out, H);
    buf_put_str(&out, "},\n};\n");
    enum status st = buf_status(&out, err);
    if (st == ST_OK)
        st = os_create(AT_FDCWD, path, 0644, &fd, err);
    if (st == ST_OK)
        st = os_write(fd, out.data, out.len, err);
    os_close(&fd);
    buf_release(&out);
    return st;
}

static enum status train(struct trainer *t, const struct log_set *train_set,
                         const struct log_set *dev, struct answers_model *best, uint64_t seed,
                         struct err *err)
{
    struct rng r = rng_of(seed + 1);
    double best_f1 = -1;
    size_t *order = malloc((train_set->n_files + 1) * sizeof *order);
    if (!order)
        return err_no_memory(err);
    enum status st = ST_OK;
    for (size_t i = 0; i < train_set->n_files; i++)
        order[i] = i;
    net_begin(&t->net, seed);
    for (int pass = 0; st == ST_OK && pass < PASSES; pass++) {
        float rate = RATE * (1 - (float)pass / PASSES) + 1e-5f;
        t->loss = 0;
        for (size_t i = train_set->n_files; i > 1; i--) {
            size_t j = rng_below(&r, (uint32_t)i), x = order[i - 1];
            order[i - 1] = order[j];
            order[j] = x;
        }
        for (size_t i = 0; st == ST_OK && i < train_set->n_files; i++) {
            if (stop_asked())
                st = err_set(err, ST_INTERRUPTED, "interrupted; no weights were written");
            if (st == ST_OK)
                st = train_file(t, &train_set->files[order[i]], pass < PASSES_GOLD, rate, err);
        }
        struct answers_model m;
        double f1 = 0;
        model_of(&t->net, &m);
        printf("pass %d: loss %.4f; ", pass + 1, t->loss / (double)train_set->annotated);
        if (st == ST_OK)
            st = score_set(dev, "dev", &m, &f1, err);
        if (f1 > best_f1) {
            best_f1 = f1;
            *best = m;
        }
    }
    free(order);
    return st;
}

int cmd_disentangle_train(const struct measure_options *o)
{
    struct log_set train_set = {0}, dev = {0};
    struct answers_model best = {.bias = {0}};
    struct err err = {0};
    struct trainer *t = calloc(1, sizeof *t);
    enum status st = t ? ST_OK : err_no_memory(&err);
    if (o->n_rest != 2)
        st = err_set(&err, ST_USAGE, "disentangle-train takes DATA and a new FILE");
    if (st == ST_OK)
        st = log_set_read(o->rest[0], "train", &train_set, &err);
    if (st == ST_OK)
        st = log_set_read(o->rest[0], "dev", &dev, &err);
    if (st == ST_OK)
        st = train(t, &train_set, &dev, &best, o->seed, &err);
    if (st == ST_OK)
        st = write_model(&best, o->rest[1], o->seed, &err);
    log_set_release(&train_set);
    log_set_release(&dev);
    free(t);
    err.status = st;
    return st == ST_OK ? EXIT_GOOD : measure_fail(&err);
}

int cmd_disentangle_score(const struct measure_options *o)
{
    struct log_set s = {0};
    struct err err = {0};
    const char *set = o->n_rest > 1 ? o->rest[1] : "dev";
    double f1;
    enum status st = log_set_read(o->rest[0], set, &s, &err);
    if (st == ST_OK)
        st = score_set(&s, set, &answers_trained, &f1, &err);
    log_set_release(&s);
    err.status = st;
    return st == ST_OK ? EXIT_GOOD : measure_fail(&err);
}
