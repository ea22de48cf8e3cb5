/* stages — clocks are read a few times a commit, so that they are always on. */
#include "indexer/stages.h"

#include "lictor/os.h"

void stages_begin(struct stages *s)
{
    *s = (struct stages){.wall_at = os_monotonic_us(), .cpu_at = os_cpu_us()};
}

void stages_next(struct stages *s, enum stage next)
{
    int64_t wall = os_monotonic_us(), cpu = os_cpu_us();
    s->wall_us[s->now] += wall - s->wall_at;
    s->cpu_us[s->now] += cpu - s->cpu_at;
    s->wall_at = wall;
    s->cpu_at = cpu;
    s->now = next;
}

void stages_text(struct stages *s, struct buf *out)
{
    static const char *const names[STAGES] = {"read",  "aside",  "match", "order", "classify",
                                              "terms", "relate", "write", "commit"};
    stages_next(s, s->now);
    for (int i = 0; i < STAGES; i++)
        buf_printf(out, "stage %-9s %8.3f s wall %8.3f s cpu\n", names[i],
                   (double)s->wall_us[i] / 1e6, (double)s->cpu_us[i] / 1e6);
}
