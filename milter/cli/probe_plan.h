/* What a probe does: its steps, and what became of each. */
#ifndef PROBE_PLAN_H
#define PROBE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/buffer.h>
#include <mailwhy/event.h>
#include <mailwhy/ref.h>
#include <mailwhy/reply.h>
#include <mailwhy/words.h>

#include "answer.h"
#include "cli.h"
#include "probe_target.h"
#include "tls.h"

#define PROBE_LINES 2 /* of a step, at most */

/* Lines are sent until one is refused. */
struct probe_step {
    const char *id; /* for programs */
    enum word title;
    const char *lines[PROBE_LINES]; /* NULL behind the last; none: a sign-in */
    bool may_succeed; /* a server's own networks may do it */
};

#define PROBE_STEPS 5
extern const struct probe_step probe_steps[PROBE_STEPS];

enum probe_outcome { PROBE_NOT_TRIED, PROBE_REFUSED, PROBE_NOT_REFUSED };
enum probe_event { PROBE_EVENT_UNKNOWN, PROBE_EVENT_FOUND, PROBE_EVENT_MISSING };

#define PROBE_LABELS 3 /* Reason, Fix, Ref */

struct probe_result {
    const struct probe_step *step;
    enum probe_outcome outcome;
    enum word why; /* it was not tried */
    const char *sent[PROBE_LINES]; /* of a sign-in: its command; the rest is not shown */
    struct buffer text;
    struct reply reply; /* in text; the last one, also where nothing was refused */
    bool has[PROBE_LABELS]; /* lines that mailwhyd added */
    char ref[REF_SIZE]; /* "": none */
    bool left_out; /* the configuration wants nothing added (skip) */
    enum probe_event event;
    struct event logged; /* the one that was found */
    struct buffer event_store; /* its strings */
    struct asked_reply asked;
    struct answer answer; /* what the catalogue says of it */
};

struct probe_session;

struct probe {
    const struct cli_options *options;
    struct cli_catalog catalog;
    struct probe_target target;
    enum cli_tls tls_way; /* settled by the port where it is auto; then auto: where it is offered */
    char address[PROBE_ADDRESS_SIZE]; /* "": no connection yet */
    struct tls_facts tls;
    const char *log; /* NULL: the log of that server is not here */
    struct probe_session *session;
    struct probe_result *results; /* in the steps' order; several sign-ins are several */
    size_t count;
    struct buffer fault; /* that ended it; "": none */
};

/* Make a result for each step, not tried yet. 0, or -1: out of memory. */
int probe_plan_make(struct probe *p);
void probe_plan_free(struct probe *p);

bool probe_is_sign_in(const struct probe_step *step);

/* Look at a refusal: what was added to it, its event, what the catalogue says. 0, or -1: out of memory. */
int probe_judge(const struct probe *p, struct probe_result *r);

/* It is explained; and it is as it should be: explained under a reference, and its event in the log where that is here. */
bool probe_is_explained(const struct probe_result *r);
bool probe_is_good(const struct probe_result *r);

struct probe_counts {
    size_t refused, explained, found;
    bool good; /* each step was played, and none lacks anything */
};
struct probe_counts probe_count(const struct probe *p);

#endif
