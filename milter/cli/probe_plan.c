#include "probe_plan.h"

#include <stdlib.h>

/* RFC 6761 section 6.4: nobody has a mailbox in .invalid, and no mail server finds one. */
#define RECIPIENT "RCPT TO:<mailwhy-probe@example.invalid>"
#define SENDER "MAIL FROM:<>"

const struct probe_step probe_steps[PROBE_STEPS] = {
    {"unknown-command", WORD_STEP_UNKNOWN, {"MAILWHY-PROBE"}, false},
    {"recipient-first", WORD_STEP_RECIPIENT, {RECIPIENT}, false},
    {"data-first", WORD_STEP_DATA, {"DATA"}, false},
    {"relay", WORD_STEP_RELAY, {SENDER, RECIPIENT}, true},
    {"sign-in", WORD_STEP_SIGN_IN, {NULL}, false},
};

bool probe_is_sign_in(const struct probe_step *step)
{
    return !step->lines[0];
}

int probe_plan_make(struct probe *p)
{
    p->results = calloc(PROBE_STEPS - 1 + CLI_AUTH_FAILURES_MAX, sizeof *p->results);
    if (!p->results)
        return -1;
    for (size_t i = 0; i < PROBE_STEPS; i++) {
        long times = probe_is_sign_in(&probe_steps[i]) ? p->options->auth_failures : 1;
        for (; times > 0; times--)
            p->results[p->count++] = (struct probe_result){.step = &probe_steps[i], .why = WORD_NOT_TRIED};
    }
    return 0;
}

void probe_plan_free(struct probe *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct probe_result *r = &p->results[i];
        answer_free(&r->answer);
        reply_free(&r->reply);
        buffer_free(&r->text);
        buffer_free(&r->event_store);
    }
    free(p->results);
    p->results = NULL;
    p->count = 0;
}

bool probe_is_explained(const struct probe_result *r)
{
    return *r->ref || r->has[0] || r->has[1];
}

bool probe_is_good(const struct probe_result *r)
{
    switch (r->outcome) {
    case PROBE_REFUSED:
        return r->left_out || (*r->ref && r->event != PROBE_EVENT_MISSING);
    case PROBE_NOT_REFUSED:
        return r->step->may_succeed;
    default:
        return r->why == WORD_NO_SIGN_IN || r->why == WORD_SIGN_IN_IN_CLEAR;
    }
}

struct probe_counts probe_count(const struct probe *p)
{
    struct probe_counts n = {.good = p->count > 0};
    for (size_t i = 0; i < p->count; i++) {
        const struct probe_result *r = &p->results[i];
        n.refused += r->outcome == PROBE_REFUSED;
        n.explained += r->outcome == PROBE_REFUSED && probe_is_explained(r);
        n.found += r->event == PROBE_EVENT_FOUND;
        n.good = n.good && probe_is_good(r);
    }
    n.good = n.good && n.refused > 0;
    return n;
}
