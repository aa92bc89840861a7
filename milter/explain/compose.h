/* Setting an explanation's lines: placeholders, wrapping, styles. */
#ifndef MAILWHY_EXPLAIN_COMPOSE_H
#define MAILWHY_EXPLAIN_COMPOSE_H

#include <mailwhy/explain.h>

/* What is to be said, with its placeholders. Both NULL: nothing but the reference. */
struct compose_text {
    const char *reason, *fix;
};

/* Set x->lines from the text. 0, or -1 with errno ENOMEM. */
int compose(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
            const struct explain_options *options, const struct compose_text *text, const struct explain_words *words,
            const char *ref);

#endif
