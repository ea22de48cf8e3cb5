/* cli_command — one way through the options of a command, for all programs. */
#include "lictor/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_usage_error(const struct cli_program *p, const struct cli_command *c, const char *what,
                    const char *why)
{
    char text[CLI_FAULT_SIZE + 64];
    snprintf(text, sizeof text, "%s: %s", what, why);
    cli_error(p->name, text);
    if (c)
        fprintf(stderr, "usage: %s %s\n(%s %s --help says more)\n", p->name, c->usage, p->name,
                c->name);
    else
        fprintf(stderr, "(%s --help lists the commands)\n", p->name);
    return CLI_USAGE;
}

static int fault(const struct cli_program *p, const struct cli_command *c,
                 const struct cli_scan *scan, enum cli_found found)
{
    char text[CLI_FAULT_SIZE];
    cli_scan_fault(scan, found, text);
    return cli_usage_error(p, c, c->name, text);
}

static bool takes(const struct cli_program *p, const struct cli_command *c, int id)
{
    return id == CLI_ID_HELP || id >= CLI_ID_VERSION || strchr(c->options, id) ||
           strchr(p->options_of_all, id);
}

int cli_command_options(const struct cli_program *p, const struct cli_command *c,
                        struct cli_scan *scan, void *ctx)
{
    enum cli_found found;
    scan->options = p->options;
    scan->n_options = p->n_options;
    while ((found = cli_scan_next(scan)) != CLI_END) {
        int id = scan->option ? scan->option->id : 0;
        const char *why = id && p->refuse ? p->refuse(c, id) : NULL;
        if (why)
            return cli_usage_error(p, c, scan->given, why);
        if (found == CLI_UNKNOWN || !takes(p, c, id))
            return fault(p, c, scan, CLI_UNKNOWN);
        if (found != CLI_OPTION)
            return fault(p, c, scan, found);
        if (id == CLI_ID_HELP) {
            printf("usage: %s %s\n\n%s%s", p->name, c->usage, c->help, p->help_of_all);
            exit(0);
        }
        if (id == CLI_ID_VERSION) {
            cli_version(p->name, false);
            exit(0);
        }
        if (!p->take(ctx, id, scan->value))
            return fault(p, c, scan, CLI_OPTION);
    }
    return 0;
}
