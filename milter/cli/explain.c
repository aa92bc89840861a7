#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailwhy/ref.h>

#include "answer.h"
#include "cli.h"
#include "input.h"
#include "print.h"

static const char help[] =
    "usage: mailwhy explain [--why] [--json] [--lang LANG] [--catalog DIR] [--config FILE]\n"
    "                       [--color=auto|always|never] REPLY | CODE | REASON | FILE | -\n\n"
    "Say what a reply of a mail server means, when it comes, what to do and who can do it.\n\n"
    "  REPLY           a reply, as it came: '535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6'; several lines, or\n"
    "                  with \\n between them; a line of a mail log of Postfix, Sendmail or Exim, or of our event log\n"
    "  CODE            a reply code (535), an enhanced code (5.7.8), or both\n"
    "  REASON          a reason's id, as 'mailwhy reasons' lists them\n"
    "  FILE, -         a file, or standard input: a bounce message, lines of a log, replies; each reply is explained once\n"
    "  --why           say why this reason was chosen: the rule, the pattern, and what it matched\n"
    "  --json          one JSON object a reply\n" CLI_HELP_OPTIONS
    "Exit status: 0 explained, 1 of one at least nothing more exact is known than its code, 64 usage, 65 no reply in the\n"
    "input, 66 no such input, 78 bad configuration or no catalogue.\n";

static int out_of_memory(void)
{
    fputs("mailwhy explain: out of memory\n", stderr);
    return EX_OSERR;
}

/* Put the operands together as one text, with \r\n and \n as line ends. 0, or -1 with errno ENOMEM. */
static int join(struct buffer *text, int count, char *const *operands)
{
    for (int i = 0; i < count; i++) {
        if (i)
            buffer_add_char(text, ' ');
        for (const char *s = operands[i]; *s; s++) {
            size_t end = strncmp(s, "\\r\\n", 4) == 0 ? 4 : strncmp(s, "\\n", 2) == 0 ? 2 : 0;
            buffer_add_char(text, end ? '\n' : *s);
            s += end ? end - 1 : 0;
        }
    }
    while (text->len && strchr("\r\n \t", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
    return buffer_ok(text) ? 0 : -1;
}

/* Whether the operands are the name of a file: one word, no code and no reason's id, that is there or looks like a path. */
static bool is_file(int count, char *const *operands, const struct catalog_reason *reason)
{
    struct stat st;
    struct reply r;
    struct enhanced e;
    const char *word = operands[0];
    if (count != 1 || !*word || strchr(word, '\n') || reason)
        return false;
    if (strcmp(word, "-") == 0)
        return true;
    bool reply = reply_parse(&r, word, strlen(word)) == 0;
    if (reply)
        reply_free(&r);
    if (reply || enhanced_parse(&e, word, strlen(word)) == strlen(word))
        return false;
    if (stat(word, &st) == 0)
        return true;
    const char *dot = strrchr(word, '.');
    return !strchr(word, ' ') && (strncmp(word, "./", 2) == 0 || strncmp(word, "../", 3) == 0 || *word == '/' ||
                                  (dot && (strcmp(dot, ".eml") == 0 || strcmp(dot, ".txt") == 0 || strcmp(dot, ".log") == 0)));
}

static int complain_unknown(const char *what)
{
    char ref[REF_SIZE];
    bool digits = what[strcspn(what, "0123456789-")];
    fputs("mailwhy explain: nothing is known of: ", stderr);
    print_string(stderr, what);
    if (digits && ref_parse(what, ref) == 0)
        fprintf(stderr, "\nIs it the reference of a reply? Then: mailwhy ref %s\n", ref);
    else
        fputs("\nA reply begins with its code, such as: 554 5.7.1 <a@b.example>: Relay access denied\n"
              "'mailwhy codes' and 'mailwhy reasons' list what is known.\n",
              stderr);
    return CLI_NOTHING_FOUND;
}

/* Print one answer. EX_OK, CLI_NOTHING_FOUND, or EX_OSERR. */
static int show(const struct cli_options *o, const struct cli_catalog *catalog, const struct asked_reply *asked,
                const struct catalog_reason *reason, bool many)
{
    struct answer answer;
    struct page page = page_on_stdout(o->color);
    if (answer_make(&answer, catalog, asked, reason) == -1)
        return out_of_memory();
    int status = answer.specific || reason ? EX_OK : CLI_NOTHING_FOUND;
    int done = 0;
    if (o->json)
        done = answer_print_json(&answer, stdout);
    else if (asked && !answer.text && !answer.reply.code && !many)
        status = complain_unknown(asked->text);
    else
        done = answer_print(&answer, &page, many, o->why);
    answer_free(&answer);
    return done == -1 ? out_of_memory() : status;
}

static int show_all(const struct cli_options *o, const struct cli_catalog *catalog, const struct asked *asked, bool file)
{
    int status = EX_OK;
    bool many = file || asked->first->next;
    for (const struct asked_reply *r = asked->first; r; r = r->next) {
        if (r != asked->first && !o->json)
            fputs("\n\n", stdout);
        int one = show(o, catalog, r, NULL, many);
        if (one == EX_OSERR)
            return one;
        status = one == EX_OK ? status : one;
    }
    return status;
}

static int complain_content(const char *file, const char *what)
{
    fputs("mailwhy explain: ", stderr);
    print_string(stderr, strcmp(file, "-") == 0 ? "standard input" : file);
    fprintf(stderr, " %s\nWhat is read are bounce messages, lines of a mail log, and replies: 554 5.7.1 Relay access denied\n",
            what);
    return EX_DATAERR;
}

/* Find the replies in what was given. EX_OK, or what to exit with. */
static int gather(struct asked *asked, struct buffer *text, int count, char *const *operands, bool file)
{
    if (file) {
        int status = input_read(text, operands[0], "explain");
        if (status != EX_OK)
            return status;
        if (text->len && memchr(text->data, '\0', text->len))
            return complain_content(operands[0], "is not a text: NUL octets are in it");
    } else {
        if (join(text, count, operands) == -1)
            return out_of_memory();
    }
    if (text->len && asked_add_text(asked, text->data, text->len) == -1)
        return out_of_memory();
    if (asked->first)
        return EX_OK;
    if (file)
        return complain_content(operands[0], "has no refusal of a mail server in it");
    /* words without a code: the catalogue may know them */
    return text->len && asked_add(asked, text->data, text->len, NULL, 0) == -1 ? out_of_memory() : EX_OK;
}

static int run(const struct cli_options *o, int count, char *const *operands)
{
    struct asked asked = {0};
    struct buffer text = {0};
    struct cli_catalog catalog = {0};
    if (count == 0) {
        fputs("mailwhy explain: which reply? For example: mailwhy explain '550 5.1.1 <joe@example.com>: User unknown'\n"
              "A log or a bounce: mailwhy explain FILE, or mailwhy explain - for standard input.\n",
              stderr);
        return EX_USAGE;
    }
    if (cli_catalog_load(&catalog, o, "explain") == -1)
        return EX_CONFIG;
    const struct catalog_reason *reason = count == 1 ? catalog_reason_by_id(catalog.catalog, operands[0]) : NULL;
    bool file = is_file(count, operands, reason);
    int status = reason ? show(o, &catalog, NULL, reason, false) : gather(&asked, &text, count, operands, file);
    if (status == EX_OK && !reason && !asked.first) {
        fputs("mailwhy explain: the reply is empty\n", stderr);
        status = EX_DATAERR;
    }
    if (status == EX_OK && !reason)
        status = show_all(o, &catalog, &asked, file);
    catalog_release(catalog.catalog);
    asked_free(&asked);
    buffer_free(&text);
    return status;
}

const struct cli_verb cli_explain = {
    .name = "explain",
    .summary = "say what a reply means, and what to do about it",
    .help = help,
    .takes = CLI_TAKES(CLI_WHY) | CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) |
             CLI_TAKES(CLI_CONFIG),
    .run = run,
};
