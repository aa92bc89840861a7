/* Setting an explanation's lines: placeholders, wrapping, styles. */
#ifndef MAILWHY_EXPLAIN_COMPOSE_H
#define MAILWHY_EXPLAIN_COMPOSE_H

#include <mailwhy/explain.h>

/* What is to be said, with its placeholders. Both NULL: nothing but the reference. */
struct compose_words {
    const char *reason, *fix;
};

/* Set x->lines from the words. 0, or -1 with errno ENOMEM. */
int compose(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
            const struct explain_options *options, const struct compose_words *words, const char *language, const char *ref);

#endif
