/* lictor-query — reads a case; has no code that could open a delivery. This file: the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lictor/os.h"
#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/timeline.h"

#define PROGRAM QUERY_PROGRAM
#define CONTEXT_MOST 1000 /* around a hit */

struct command {
    const char *name;
    int (*run)(const struct cmd_options *o);
    const char *options;
    int min_rest, max_rest;
    const char *missing, *usage, *help;
};

static const struct command commands[] = {
    {"search", cmd_search, "okfzcslanCmxEMw", 1, -1, "which QUERY?",
     "search CASE [options] QUERY...",
     "Finds messages, notes and edits; newest first. Arguments are joined by a blank; `-` reads "
     "the\n"
     "query from standard input. Totals are exact.\n"
     "\n"
     "  harbour  \"blue van\"   =Harbour         a word, a phrase; folded, or as written\n"
     "  harb*  h?rb*r  *bour  harbour~1  /h[ao]rb.+/   patterns, also in phrases and behind =\n"
     "  \"blue van\"~5  blue NEAR/5 van  van PRE/3 keys   words apart; ordered; (a OR b) NEAR/2 c\n"
     "  blue THEN/10m van  blue THEN/3msg by:other van   two messages of one conversation; the "
     "hit\n"
     "                     is the second; by:same, by:HANDLE\n"
     "  a b = a AND b   a OR b   NOT a   -a   ( )      \\ takes the next sign as it is\n"
     "  from:H  to:H  with:H  group:G  nick:N  service:S  source:S  dump:FILE   with * and ?\n"
     "  conv:KEY  id:ID  kind:note  sha256:HEX  copies:>1\n"
     "  has:attachment|reply|link|email|phone|emoji|iban|crypto|coordinates\n"
     "  has:sealed|conflict|repeated|copies\n"
     "  on:2020-04-02  on:2020-04-02T18  on:2020-04..2020-05  after:T  before:T   *\n"
     "\n"
     "  --sort newest|oldest|relevance   relevance: best first, by BM25 (jsonl: `score`)\n"
     "  --limit N  --all     text shows 20, machine formats all\n"
     "  --continue ID        go on behind the hit with that id, in the same order: the footer, "
     "and\n"
     "                       in machine formats the key `next`, say which one\n"
     "  --context N          also N messages of its conversation before and after each hit, to "
     "1000;\n"
     "                       text: hits begin with >, nothing is shown twice; jsonl, json: with\n"
     "                       `context_of`, the id of the hit, directly around it\n"
     "  --whole              text: also what long messages (over 1,200 characters) have away from "
     "the\n"
     "                       matches; else it is counted and left out\n"
     "  --mark auto|signs|none   matches in text: by signs (\xe2\x9f\xa6"
     "blue\xe2\x9f\xa7), or not at all; auto: by colour,\n"
     "                       on a terminal without colours by signs, in a pipe not at all\n"
     "  --terms              also how many messages of the case have each word, pattern and "
     "phrase\n"
     "                       (machine formats: `terms`; always with --sort relevance)\n"
     "  --count              print the exact total and nothing else\n"
     "  --format html --output DIR\n"
     "                       pages of 2,000 messages in a new directory; begin with index.html\n"
     "  --format text|jsonl|json|csv\n"
     "                       csv: a field that begins with = + - @ (a spreadsheet would take it "
     "for\n"
     "                       a formula) has a ' before it\n"
     "                       jsonl: `type` is message, note, event, call, contact, location,\n"
     "                       keepalive or, last, summary\n"
     "  --explain            first, on stderr: what words, patterns, nicknames and times stand "
     "for,\n"
     "                       and how each segment is searched; runs the query once more\n"
     "  --                   what follows is the query, also where it begins with --\n"
     "  --tz ZONE            times of text output and limits of days (default UTC)\n"
     "  --key FILE           the case key (else $LICTOR_KEY_FILE)\n"
     "  --color auto|always|never\n"},
    {"scan", cmd_scan, "kfzcslanCjPMw", 1, -1, "which QUERY?", "scan CASE [options] QUERY...",
     "The same answer as search, by reading every stored message: no lexicon, no lists of words, "
     "no\n"
     "directory of keys or times is asked. Slow, and the proof that the index is right. The "
     "summary\n"
     "says \"method\":\"scan\" and how many records were read.\n"
     "\n"
     "  QUERY, --limit, --all, --continue, --count, --whole, --mark, --tz, --key, --color: as for "
     "search\n"
     "  --sort newest|oldest   --format text|jsonl|json|csv   also as for search\n"
     "  --threads N          default: one a processor\n"
     "  --progress auto|plain|none   on stderr; auto: on a terminal\n"},
    {"batch", cmd_batch, "kfzcslaHP", 1, 1, "which QUERIES.txt?",
     "batch CASE [options] QUERIES.txt",
     "Answers many queries, one a line (`-`: of standard input), each as search does: line, "
     "query,\n"
     "parsed form, total, conversations and what could not be tested; or the error and its place. "
     "One\n"
     "bad query does not stop the others. Lines that are blank or begin with # are skipped (a "
     "query\n"
     "for a #tag: a blank before it).\n"
     "\n"
     "  --hits               also the hits, each with the line of its query (`query`): jsonl, "
     "json,\n"
     "                       csv (then hits alone; errors are on stderr)\n"
     "  --sort newest|oldest  --limit N   of the hits of each query (all)\n"
     "  --format text|jsonl|json|csv      jsonl: `type` is result, those of hits or, last, "
     "summary\n"
     "  --progress auto|plain|none   --tz ZONE   --key FILE\n"
     "Exit: 2 if a query was bad, 1 if none found anything.\n"},
    {"thread", cmd_thread, "kfzcVWGAxTBdtDoKr", 0, 0, "",
     "thread CASE (--conv KEY | --with A,B | --group G | --around ID) [options]",
     "Shows a conversation as it happened: copies merged, gaps, contradictions, one-sided "
     "messages.\n"
     "\n"
     "  --conv KEY           by its key (8 digits or more)\n"
     "  --with A,B[,C]       exactly this set of handles (a comma in a handle: `\\,`)\n"
     "  --group G            a group\n"
     "  --around ID          from a message outward; --context N before and behind it (10)\n"
     "  --after T --before T only what was sent then; what has no time is counted, not shown\n"
     "  --day DATE           only that day, and on which days before and behind it the next "
     "records\n"
     "                       are; also `first` and `last`, and with --around `hit`: its day\n"
     "  --format html --output DIR\n"
     "                       pages of 2,000 messages in a new directory; begin with index.html\n"
     "  --talks              lists the talks: first message, time, length, first words; how long "
     "a\n"
     "                       pause divides two is learned from the conversation\n"
     "  --disentangle        where several talks are held at once, proposes which message each "
     "one\n"
     "                       answers, with a confidence; proposals of a model, never evidence\n"
     "  --members AT         who was in the group at a time (`end`: at the end), by what, since "
     "when,\n"
     "                       who left, who is only seen speaking; from the last list of members "
     "and\n"
     "                       the changes that follow it\n"
     "  --correct-clocks     estimates how far the clock of each device is off, says so, and "
     "orders\n"
     "                       by what the stamps were then; --after and --before mean the stamps\n"
     "  --format text|jsonl|json|csv   --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"message", cmd_message, "kfzc", 1, 1, "which ID?", "message CASE ID [options]",
     "One message with every copy: who held it, from which dump and line, and the stock command\n"
     "that shows the original line.\n"
     "\n"
     "  --format text|jsonl|json|csv   --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"handles", cmd_handles, "kfzc", 0, 1, "", "handles CASE [PATTERN] [options]",
     "Accounts with counts, first and last time, nicknames and whose address book gave them.\n"
     "PATTERN may hold * and ?. jsonl: `type` is handle or, last, summary.\n"
     "\n"
     "  --format text|jsonl|json|csv   --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"contacts", cmd_contacts, "kfzc", 0, 1, "", "contacts CASE HANDLE [options]",
     "With whom a handle wrote: how many messages both ways, as `search from:A to:B` counts them\n"
     "(messages, notes and edits), first and last, nicknames. What went to a group is apart: how "
     "many\n"
     "to whom by name, how many others wrote in its groups, and the groups themselves.\n"
     "\n"
     "  --format text|jsonl|json|csv|graphml\n"
     "                       jsonl: `type` is contact, group or, last, summary\n"
     "                       graphml: the pairs as a graph; without HANDLE that of the whole case\n"
     "  --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"terms", cmd_terms, "kfclaz", 1, -1, "which PATTERN?", "terms CASE PATTERN [options]",
     "What a word or pattern stands for: every word of the case that it matches, most messages "
     "first,\n"
     "and how many messages, notes and edits have each, as `search` would count it alone. Words "
     "are\n"
     "shown folded, as the index has them; URLs, numbers and names are words too.\n"
     "\n"
     "  harb*  h?rb*r  *bour   harbour~1  harbour~2   /h[ao]rb.+/   harbour   ** (every word)\n"
     "\n"
     "  --limit N  --all     text shows 20, machine formats all; the total is exact\n"
     "  --format text|jsonl|json|csv\n"
     "                       jsonl: `type` is term or, last, summary (total: of words)\n"
     "  --key FILE   --color auto|always|never\n"},
    {"timeline", cmd_timeline, "kfzcb", 0, -1, "", "timeline CASE [options] [QUERY...]",
     "How many messages each hour, day, week (ISO: from Monday) or month has: all of the case, or\n"
     "the hits of QUERY, as search counts them. Days have 23 or 25 hours where the clock changes.\n"
     "Empty bins between the first and the last are shown as 0; a run of more than 1,000 of them "
     "(in\n"
     "text: 7), and every run once 100,000 were shown, is one line (`type` empty). What has no "
     "time\n"
     "is counted apart (without_time).\n"
     "\n"
     "  --by hour|day|week|month   (day)\n"
     "  --format text|jsonl|json|csv|svg\n"
     "                       svg: a picture with bars, for print and browsers, nothing loaded\n"
     "  --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"sources", cmd_sources, "kfzcK", 0, 1, "", "sources CASE [PATTERN] [options]",
     "The devices and servers that delivered: accounts, services, streams (stage, epoch, "
     "numbers),\n"
     "dumps and their states, the time covered, records, messages, and how many numbers are not "
     "in\n"
     "the delivered data. PATTERN (with * and ?) names sources or accounts.\n"
     "\n"
     "  --correct-clocks     also how far the clock of each is ahead or behind, and from when on,\n"
     "                       estimated from messages that both sides delivered\n"
     "  --format text|jsonl|json|csv   --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"gaps", cmd_gaps, "kfzcla", 0, 1, "", "gaps CASE [HANDLE|SOURCE] [options]",
     "What is not in the delivered data, for every device or those that a source or account names\n"
     "(with * and ?): holes in the numbers of each stream and why (not-delivered,\n"
     "partial-dump, selection), what is missing at its end, silences, and days without records.\n"
     "A silence is a time longer than twice the interval that a keepalive promises, in which the\n"
     "stream has no record; if numbers are missing around it, it is a loss. Streams without\n"
     "keepalives cannot be told to be silent. Exit 0: a hole or silence was found; 1: none.\n"
     "\n"
     "  --format text|jsonl|json|csv|svg\n"
     "                       jsonl: `type` is gap, silence, day, no-records, source, summary\n"
     "                       svg: records by device and day, what is missing hatched\n"
     "  --limit N  --all     text: holes, silences and days of a device shown\n"
     "  --tz ZONE   --key FILE   --color auto|always|never\n"},
    {"log", cmd_log, "kfzcla", 0, 0, "", "log CASE [--log FILE] [options]",
     "The query log: every query of this case with time, user, machine, what was found, and the\n"
     "content digest of the case then; oldest first. One that was killed has no answer. The log "
     "is\n"
     "chained and sealed; `lictor-ingest verify` finds what was changed or cut. `log` itself is "
     "not\n"
     "logged. Times are the clock of the machine that asked.\n"
     "\n"
     "  --log FILE           a party's own log instead, as it was given to the queries\n"
     "  --limit N  --all     the last N; text shows 20, machine formats all\n"
     "  --format text|jsonl|json|csv\n"
     "                       jsonl: `type` is query, break (entries are gone) or, last, summary\n"
     "  --tz ZONE   --key FILE   --color auto|always|never\n"},
};

static const char help_of_all[] =
    "\n"
    "  --passphrase-file FILE  instead of a key file: the passphrase of the case (one line; else "
    "it "
    "is\n"
    "                       asked for at the terminal)\n"
    "  --log FILE           the query log: a party's own (made where missing), not that of the "
    "case\n"
    "  --no-log             log nothing, for read-only media; the answer says so, too\n"
    "  --no-pager           do not send text that goes to a terminal through $LICTOR_PAGER, "
    "$PAGER\n"
    "                       or less; colours: see --color, and NO_COLOR\n"
    "  --help  --version\n";

static const struct cli_option option_table[] = {
    {'k', 0, "key", "a key file"},
    {'f', 0, "format", "text, jsonl, json or csv"},
    {'z', 0, "tz", "a zone, such as Europe/Paris"},
    {'c', 0, "color", "auto, always or never"},
    {'c', 0, "colour", "auto, always or never"},
    {'s', 0, "sort", "newest, oldest or (search) relevance"},
    {'l', 0, "limit", "a number from 1 on"},
    {'a', 0, "all", NULL},
    {'n', 0, "count", NULL},
    {'C', 0, "continue", "an id"},
    {'m', 0, "terms", NULL},
    {'V', 0, "conv", "the key of a conversation"},
    {'W', 0, "with", "handles, with commas"},
    {'G', 0, "group", "a group"},
    {'A', 0, "around", "the id of a message"},
    {'x', 0, "context", "a number from 0 to 1000000"},
    {'T', 0, "after", "a time"},
    {'B', 0, "before", "a time"},
    {'o', 'o', "output", "a directory"},
    {'d', 0, "day", "a day, first or last"},
    {'t', 0, "talks", NULL},
    {'D', 0, "disentangle", NULL},
    {'K', 0, "correct-clocks", NULL},
    {'r', 0, "members", "a time or end"},
    {'b', 0, "by", "hour, day, week or month"},
    {'H', 0, "hits", NULL},
    {'E', 0, "explain", NULL},
    {'j', 'j', "threads", "a number from 1 to 60"},
    {'P', 0, "progress", "auto, plain or none"},
    {'M', 0, "mark", "auto, signs or none"},
    {'w', 0, "whole", NULL},
    {'N', 0, "no-pager", NULL},
    {'y', 0, "passphrase-file", "a file"},
    {'L', 0, "log", "a file"},
    {'Q', 0, "no-log", NULL},
    {CLI_ID_HELP, 'h', "help", NULL},
    {CLI_ID_VERSION, 0, "version", NULL},
};
#define OPTIONS (sizeof option_table / sizeof *option_table)

static void print_usage(FILE *f)
{
    fputs("usage: " PROGRAM " COMMAND CASE [options] [arguments]\n"
          "Searches a case and reads its conversations.\n\n",
          f);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(f, "  %s\n", commands[i].usage);
    fputs("\nMore on one of them: " PROGRAM " COMMAND --help\n"
          "Exit: 0 found; 1 nothing found; 2 usage or query error; 3 failure; 130 interrupted.\n",
          f);
}

/* Index of `arg` in `names`, or -1. */
static int choose(const char *arg, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(arg, names[i]) == 0)
            return i;
    return -1;
}

static bool take_choice(struct cmd_options *o, int c, const char *arg)
{
    static const char *const formats[] = {"text", "jsonl",   "json", "csv",
                                          "svg",  "graphml", "html", NULL};
    static const char *const colours[] = {"auto", "always", "never", NULL};
    static const char *const bys[] = {"hour", "day", "week", "month", NULL};
    static const char *const sorts[] = {"newest", "oldest", "relevance", NULL};
    static const char *const marks[] = {"auto", "signs", "none", NULL};
    const char *const *all = c == 'M' ? marks : sorts;
    if (c == 'f' || c == 'c')
        all = c == 'f' ? formats : colours;
    else if (c == 'b')
        all = bys;
    int at = choose(arg, all);
    if (at < 0)
        return false;
    if (c == 'f')
        o->format = (enum render_format)at;
    else if (c == 'b')
        o->by = at;
    else if (c == 'M')
        o->mark = (enum cmd_mark)at;
    else if (c == 'c')
        o->colour = (enum cmd_colour)at;
    else
        o->sort = (enum search_sort)at;
    return true;
}

/* One option; false if its value is malformed. */
static bool take_option(void *ctx, int c, char *arg)
{
    struct cmd_options *o = ctx;
    switch (c) {
    case 'k':
        o->key_file = arg;
        return o->key_given = true;
    case 'y':
        o->passphrase_file = arg;
        return true;
    case 'z':
        o->tz = arg;
        return true;
    case 'l':
        return cli_uint(arg, 1, UINT64_MAX, &o->limit);
    case 'a':
        return o->all = true;
    case 'n':
        return o->count = true;
    case 'H':
        return o->hits = true;
    case 'm':
        return o->terms = true;
    case 'E':
        return o->explain = true;
    case 'w':
        return o->whole = true;
    case 'N':
        return o->no_pager = true;
    case 'L':
        o->log = arg;
        return true;
    case 'Q':
        return o->no_log = true;
    case 'C':
        o->after_hit = arg;
        return true;
    case 'V':
        o->conv = arg;
        return true;
    case 'W':
        o->with[o->n_with++] = arg;
        return true;
    case 'G':
        o->group = arg;
        return true;
    case 'A':
        o->around = arg;
        return true;
    case 'x':
        o->context_given = true;
        return cli_uint(arg, 0, 1000000, &o->context);
    case 'j':
        return cli_uint(arg, 1, 60, &o->threads);
    case 'o':
        o->output = arg;
        return true;
    case 'd':
        o->day = arg;
        return true;
    case 't':
        return o->talks = true;
    case 'D':
        return o->disentangle = true;
    case 'r':
        o->members = arg;
        return true;
    case 'K':
        return o->correct_clocks = true;
    case 'T':
        o->after = arg;
        return true;
    case 'B':
        o->before = arg;
        return true;
    case 'P':
        return cli_progress_parse(arg, &o->progress);
    default:
        return take_choice(o, c, arg);
    }
}

static const char *refuse(const struct cli_command *c, int id)
{
    if (id == 'E' && strcmp(c->name, "scan") == 0)
        return "scan asks no index; search --explain shows how that is asked";
    return NULL;
}

static const struct cli_program program = {
    .name = PROGRAM,
    .options = option_table,
    .n_options = OPTIONS,
    .options_of_all = "NLQy",
    .help_of_all = help_of_all,
    .take = take_option,
    .refuse = refuse,
};

static struct cli_command cli_of(const struct command *c)
{
    return (struct cli_command){c->name, c->options, c->usage, c->help};
}

static int usage_error(const struct command *c, const char *what, const char *why)
{
    const struct cli_command cli = cli_of(c);
    return cli_usage_error(&program, &cli, what, why);
}

static int check(const struct command *cmd, const struct cmd_options *o)
{
    if (o->n_rest < cmd->min_rest)
        return usage_error(cmd, cmd->name, cmd->missing);
    if (o->key_given && o->passphrase_file)
        return usage_error(cmd, "--passphrase-file", "does not go with --key");
    if (o->shows_log && o->no_log)
        return usage_error(cmd, "--no-log", "log shows one: that of the case, or --log FILE");
    if (o->log && o->no_log)
        return usage_error(cmd, "--no-log", "does not go with --log");
    if (cmd->max_rest >= 0 && o->n_rest > cmd->max_rest)
        return usage_error(cmd, o->rest[cmd->max_rest], "unexpected argument");
    if (o->format == RENDER_SVG && cmd->run != cmd_timeline && cmd->run != cmd_gaps)
        return usage_error(cmd, "--format svg", "only timeline and gaps draw a picture");
    if (cmd->run == cmd_contacts && o->n_rest == 0 && o->format != RENDER_GRAPHML)
        return usage_error(cmd, cmd->name,
                           "which HANDLE? (only --format graphml takes the whole case)");
    if (o->format == RENDER_GRAPHML && cmd->run != cmd_contacts)
        return usage_error(cmd, "--format graphml", "only contacts makes a graph");
    if (o->hits && o->format == RENDER_TEXT)
        return usage_error(cmd, "--hits", "needs --format jsonl, json or csv");
    int ways = (o->conv != NULL) + (o->n_with != 0) + (o->group != NULL) + (o->around != NULL);
    if (cmd->run == cmd_thread && ways != 1)
        return usage_error(cmd, cmd->name,
                           "say which: one of --conv, --with, --group and --around");
    if (o->sort == SORT_RELEVANCE && cmd->run != cmd_search)
        return usage_error(cmd, "--sort relevance", "is for search alone: scores need the index");
    if (o->after_hit && o->count)
        return usage_error(cmd, "--continue", "does not go with --count, which counts all");
    bool around_hits = o->context_given && cmd->run == cmd_search;
    bool rows = o->format == RENDER_CSV || o->format == RENDER_HTML;
    if (around_hits && (o->count || rows))
        return usage_error(cmd, "--context",
                           "goes with text, jsonl and json: not with csv, html "
                           "or --count");
    if (around_hits && o->context > CONTEXT_MOST)
        return usage_error(cmd, "--context", "at most 1000 messages around each hit");
    bool pages = cmd->run == cmd_thread || cmd->run == cmd_search;
    if (o->format == RENDER_HTML && (!pages || o->talks))
        return usage_error(cmd, "--format html", "only thread and search make pages");
    if (o->format == RENDER_HTML && o->count)
        return usage_error(cmd, "--count", "prints a number alone: not with --format html");
    if ((o->format == RENDER_HTML) != (o->output != NULL))
        return usage_error(cmd, "--format html",
                           "goes with --output DIR, where the pages are to be");
    if (o->day && (o->after || o->before))
        return usage_error(cmd, "--day", "is a limit itself: not with --after or --before");
    if (o->day && o->context_given)
        return usage_error(cmd, "--day", "shows the whole day: not with --context");
    if (o->talks && o->around && !o->day)
        return usage_error(cmd, "--talks",
                           "lists those of a whole conversation: not with --around");
    bool shows = o->format != RENDER_CSV && o->format != RENDER_HTML;
    if (o->disentangle && ((o->around && !o->day) || o->talks || !shows))
        return usage_error(cmd, "--disentangle",
                           "needs the conversation from its begin, as text or json: not with "
                           "--around, --talks, csv or html");
    bool other = o->around || o->talks || o->disentangle || o->correct_clocks || o->day ||
                 o->after || o->before || o->format == RENDER_HTML;
    if (o->members && other)
        return usage_error(cmd, "--members",
                           "lists members at one time: goes with --group or --conv alone");
    if (o->correct_clocks && (o->talks || o->disentangle))
        return usage_error(cmd, "--correct-clocks",
                           "not with --talks or --disentangle, which go by the times as stamped");
    if (o->context_given && !o->around && !around_hits)
        return usage_error(cmd, "--context", "goes with --around");
    return EXIT_FOUND;
}

static int parse(const struct command *cmd, int argc, char **argv, struct cmd_options *o)
{
    bool dashes = cmd->run == cmd_search || cmd->run == cmd_scan || cmd->run == cmd_timeline;
    struct cli_scan scan = {.argv = argv, .argc = argc, .dashes = dashes};
    const struct cli_command cli = cli_of(cmd);
    int code = cli_command_options(&program, &cli, &scan, o);
    if (code)
        return code;
    if (scan.n_rest == 0)
        return usage_error(cmd, cmd->name, "which CASE?");
    o->command = cmd->name;
    o->shows_log = cmd->run == cmd_log;
    o->dir = argv[0];
    o->rest = argv + 1;
    o->n_rest = scan.n_rest - 1;
    return check(cmd, o);
}

/* Progress is drawn on the terminal; else what is said on standard error stands in the pager, too.
 */
static int run(const struct command *cmd, struct cmd_options *o)
{
    struct pager pager = {0};
    struct err err = {0};
    uint8_t *asked = NULL;
    stop_install();
    os_protect_process();
    o->secret =
        (struct case_secret){.key_file = o->key_file, .passphrase_file = o->passphrase_file};
    err.status = casefile_ask(o->dir, &o->secret, !o->key_given, cli_ask_secret, &asked, &err);
    if (err.status != ST_OK)
        return cmd_fail(&err);
    o->screen = screen_of_stdout();
    if (o->screen.terminal && o->format == RENDER_TEXT && !o->count && !o->no_pager)
        pager_begin(&pager, !strchr(cmd->options, 'P'));
    int code = cmd->run(o);
    cli_free_secret(asked);
    return pager_end(&pager, PROGRAM) ? code : EXIT_NO_CASE;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return cli_usage_error(&program, NULL, "which command", "none was given");
    if (choose(argv[1], (const char *const[]){"--help", "-h", "help", NULL}) >= 0) {
        print_usage(stdout);
        return EXIT_FOUND;
    }
    if (strcmp(argv[1], "--version") == 0) {
        cli_version(PROGRAM, argc > 2 && strcmp(argv[2], "--verbose") == 0);
        return EXIT_FOUND;
    }
    const struct command *cmd = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            cmd = &commands[i];
    if (!cmd)
        return cli_usage_error(&program, NULL, argv[1], "no such command");
    struct cmd_options o = {.by = BY_DAY, .key_file = getenv("LICTOR_KEY_FILE")};
    if (o.key_file && !*o.key_file)
        o.key_file = NULL;
    o.with = calloc((size_t)argc, sizeof *o.with);
    if (!o.with) {
        cli_error(program.name, "no memory is left");
        return EXIT_NO_CASE;
    }
    int code = parse(cmd, argc - 2, argv + 2, &o);
    if (code == EXIT_FOUND)
        code = run(cmd, &o);
    free(o.with);
    return code;
}
