/* What the catalogue says of one reply, for people and for programs. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>

#include <mailwhy/catalog.h>
#include <mailwhy/challenge.h>
#include <mailwhy/explain.h>
#include <mailwhy/reply.h>

#include "asked.h"
#include "cli.h"
#include "page.h"

struct answer {
    struct explain_words words;
    const struct asked_reply *asked;
    struct reply reply;
    struct catalog_match match;
    struct challenge challenge;
    const struct catalog_text *text; /* NULL: nothing is known */
    struct buffer reason, fix; /* of the text, with its placeholders filled in */
    enum catalog_who who;
    char code[ENHANCED_SIZE]; /* the enhanced code that X.7.8 was asked as */
    bool specific; /* more is known than the code alone; or nothing but codes was asked about */
};

/* Answer the reply, or, where a reason is given, say what that one means. 0, or -1 with errno ENOMEM; the answer is then empty. */
int answer_make(struct answer *a, const struct cli_catalog *catalog, const struct asked_reply *asked,
                const struct catalog_reason *reason);
void answer_free(struct answer *a);

/* Print it as a page, and why it was chosen; append it as a JSON object, or print that on a line. 0, or -1 with errno ENOMEM. */
int answer_print(const struct answer *a, const struct page *p, bool with_reply, bool why);
int answer_add_json(const struct answer *a, struct buffer *out);
int answer_print_json(const struct answer *a, FILE *to);

#endif
