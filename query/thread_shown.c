/* thread_shown — one list of counts for every form of output. */
#include "query/thread_shown.h"

#include "lictor/cli.h"

void thread_shown_add(struct thread_shown *sh, const struct thread_item *it)
{
    const struct message_view *m = it->m;
    if (it->is_gap) {
        sh->gaps++;
        sh->missing += it->gap.missing;
        return;
    }
    sh->messages += m->c.kind == DOC_MESSAGE;
    sh->others += m->c.kind != DOC_MESSAGE;
    sh->conflicts += (m->flags & DOC_CONFLICT) != 0;
    sh->one_sided += (m->flags & DOC_ONE_SIDED) != 0;
    sh->untimed += (m->flags & DOC_UNTIMED) != 0;
    sh->sealed += (m->flags & DOC_SEALED) != 0;
    sh->pairs += view_in_pair(m);
    sh->ties += m->place.tie;
    sh->corrected += m->place.corrected;
    sh->missing_copies += (m->flags & VIEW_MISSING_COPY) != 0;
}

static void put_count(struct buf *out, const char *before, uint64_t n, const char *one,
                      const char *many)
{
    char text[32];
    if (n == 0)
        return;
    cli_count_text(n, text);
    buf_put_str(out, before);
    buf_put_str(out, text);
    buf_put_str(out, n == 1 ? one : many);
}

void thread_shown_words(const struct thread_shown *sh, struct buf *out)
{
    if (sh->messages == 0)
        buf_put_str(out, "no message");
    put_count(out, "", sh->talks, " talk of ", " talks of ");
    put_count(out, "", sh->messages, " message", " messages");
    put_count(out, ", ", sh->others, " other record", " other records");
    put_count(out, "; ", sh->one_sided, " from one side only", " from one side only");
    put_count(out, "; ", sh->missing_copies, " without a copy that ought to be there",
              " without a copy that ought to be there");
    put_count(out, "; ", sh->conflicts, " contradicted", " contradicted");
    put_count(out, "; ", sh->sealed, " sealed", " sealed");
    put_count(out, "; ", sh->untimed, " without a time", " without a time");
    put_count(out, "; ", sh->ties, " in the source's order, the time being shared",
              " in the source's order, the time being shared");
    put_count(out, "; ", sh->corrected, " placed by a corrected clock",
              " placed by a corrected clock");
    put_count(out, "; ", sh->missing, " record missing", " records missing");
    put_count(out, " in ", sh->gaps, " place", " places");
    put_count(out, "; ", sh->unplaced, " without a time could not be tested",
              " without a time could not be tested");
    put_count(out, "; ", sh->pairs, " may be the same as another",
              " may be the same as one another");
}

void thread_shown_summary(const struct thread_shown *sh, struct summary *sum)
{
    summary_add(sum, "others", sh->others);
    summary_add(sum, "gaps", sh->gaps);
    summary_add(sum, "missing", sh->missing);
    summary_add(sum, "one_sided", sh->one_sided);
    summary_add(sum, "missing_copies", sh->missing_copies);
    summary_add(sum, "conflicts", sh->conflicts);
}
