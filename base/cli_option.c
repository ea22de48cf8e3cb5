/* cli_option — getopt takes `-harbour` for `-h` and forgets which word was at fault; a query begins
 * with `-` often, and an error must name what was written. */
#include "lictor/cli.h"

#include <string.h>

/* What is no option moves to the front: never beyond what has been read. */
static void keep(struct cli_scan *s, char *arg) { s->argv[s->n_rest++] = arg; }

static const struct cli_option *find_long(const struct cli_scan *s, const char *name, size_t len)
{
    for (size_t i = 0; i < s->n_options; i++)
        if (strlen(s->options[i].name) == len && memcmp(s->options[i].name, name, len) == 0)
            return &s->options[i];
    return NULL;
}

static const struct cli_option *find_brief(const struct cli_scan *s, const char *arg)
{
    for (size_t i = 0; i < s->n_options; i++) {
        const struct cli_option *o = &s->options[i];
        if (o->brief && o->brief == arg[1] && (o->takes || !arg[2]))
            return o;
    }
    return NULL;
}

static enum cli_found take(struct cli_scan *s, const struct cli_option *o, char *attached)
{
    s->option = o;
    s->value = attached;
    if (!o)
        return CLI_UNKNOWN;
    if (!o->takes)
        return attached ? CLI_NOT_WANTED : CLI_OPTION;
    if (!attached && s->at == s->argc)
        return CLI_MISSING;
    if (!attached)
        s->value = s->argv[s->at++];
    return CLI_OPTION;
}

static enum cli_found take_long(struct cli_scan *s, char *arg)
{
    char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
    return take(s, find_long(s, arg + 2, len - 2), equals ? equals + 1 : NULL);
}

enum cli_found cli_scan_next(struct cli_scan *s)
{
    while (s->at < s->argc) {
        char *arg = s->argv[s->at++];
        if (s->ended || arg[0] != '-' || !arg[1]) {
            keep(s, arg);
        } else if (strcmp(arg, "--") == 0) {
            s->ended = true;
        } else if (arg[1] == '-') {
            s->given = arg;
            return take_long(s, arg);
        } else if (s->dashes && strcmp(arg, "-h") != 0) {
            keep(s, arg);
        } else {
            s->given = arg;
            return take(s, find_brief(s, arg), arg[2] ? arg + 2 : NULL);
        }
    }
    return CLI_END;
}

void cli_scan_fault(const struct cli_scan *s, enum cli_found found, char out[CLI_FAULT_SIZE])
{
    const char *name = s->option ? s->option->name : "";
    const char *takes = s->option && s->option->takes ? s->option->takes : "";
    switch (found) {
    case CLI_MISSING:
        snprintf(out, CLI_FAULT_SIZE, "--%s takes %s: it is missing", name, takes);
        break;
    case CLI_NOT_WANTED:
        snprintf(out, CLI_FAULT_SIZE, "--%s takes no value", name);
        break;
    case CLI_OPTION:
        snprintf(out, CLI_FAULT_SIZE, "--%s takes %s, not `%.200s`", name, takes, s->value);
        break;
    default:
        snprintf(out, CLI_FAULT_SIZE, "%.200s: no such option here", s->given);
        break;
    }
}
