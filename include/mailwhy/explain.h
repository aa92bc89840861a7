/* From a reply and what is known around it to the lines that are added to it. Pure: no I/O, no clock, no globals. */
#ifndef MAILWHY_EXPLAIN_H
#define MAILWHY_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/catalog.h>
#include <mailwhy/challenge.h>
#include <mailwhy/reply.h>
#include <mailwhy/session.h>

#define EXPLAIN_LINES_MAX 8 /* rule 5 of the design */
#define EXPLAIN_COLUMNS 120 /* of a whole reply line, code included */
#define EXPLAIN_LINE_MAX 480 /* octets of a line's text: with code, enhanced code and CRLF under 512 */

enum explain_style {
    STYLE_FULL, /* reason, fix, reference */
    STYLE_SHORT, /* reason and reference */
    STYLE_INLINE, /* all in one, to be joined to the reply's own last line */
    STYLE_REF, /* the reference alone */
    STYLE_COUNT
};

struct explain_options {
    enum explain_style style;
    const char *language;
    const char *help_url; /* "": none; %code %enhanced %reason %ref %lang are filled in, %% is a percent sign */
    const char *contact; /* "": none */
    const char *const *skip; /* codes ("421") and reason ids for which nothing is added */
    size_t skip_count;
    size_t
        one_line; /* not 0: nothing is added but to the reply's own last line, which gets at most so many octets; what does not fit is left out, a whole
                      * sentence at least: contact, help page, reason, and the fix after that */
};

struct explanation {
    struct catalog_match match; /* what was recognised: for the event */
    struct challenge challenge;
    enum stage stage;
    const struct catalog_reason *shown; /* whose text the client gets; NULL: that of a code */
    bool failed_auth; /* counts as a failed AUTH of its session */
    bool skipped; /* the site wants nothing added */
    bool joins; /* the first line joins the reply's own last line */
    unsigned line_count;
    const char *lines[EXPLAIN_LINES_MAX]; /* in text; printable ASCII, but where the session uses SMTPUTF8 */
    struct buffer text;
};

/* Recognise the reply. facts NULL: no session is known. Fills match, challenge, stage, failed_auth and skipped; never fails. */
void explain_recognise(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
                       const struct catalog *catalog, const struct explain_options *options);

/* Compose the lines for what was recognised, with the reference ref ("": none). 0; 1: there is nothing to add; -1: errno ENOMEM. The lines
 * live until the next call or explain_free(). */
int explain_compose(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
                    const struct catalog *catalog, const struct explain_options *options, const char *ref);
void explain_free(struct explanation *x);

/* Whose words stand around a text: those of a language. */
struct explain_words {
    const struct catalog *catalog;
    const char *language;
};

/* Append a text of the catalogue with its placeholders filled in, from what a match caught and the client's address (NULL: not known). What comes
 * from elsewhere is shown as expand_foreign() says. */
void explain_fill(struct buffer *out, const char *text, const struct explain_words *words, const struct catalog_match *match,
                  const char *client_addr);

/* "full", "short", "inline", "ref". -1 for another name. */
int explain_style_from_name(const char *name);

#endif
