#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mailwhy/event.h>
#include <mailwhy/explain.h>
#include <mailwhy/log_files.h>

#include "event_lookup.h"
#include "probe_plan.h"

static const enum word labels[PROBE_LABELS] = {WORD_REASON, WORD_FIX, WORD_REF};

/* What follows "Label: " in a line: at its start, or within it, where all is one line (style inline). NULL: nothing. */
static const char *after_label(const struct reply_line *line, const char *label)
{
    size_t len = strlen(label);
    for (size_t at = 0; at + len + 2 < line->len; at++)
        if ((at == 0 || line->text[at - 1] == ' ') && memcmp(line->text + at, label, len) == 0 &&
            memcmp(line->text + at + len, ": ", 2) == 0)
            return line->text + at + len + 2;
    return NULL;
}

/* Take the reference that begins there, in its proper form. */
static void take_ref(struct probe_result *r, const char *at, const struct reply_line *line)
{
    char typed[REF_SIZE], ref[REF_SIZE];
    if (line->text + line->len - at < REF_SIZE - 1)
        return;
    memcpy(typed, at, REF_SIZE - 1);
    typed[REF_SIZE - 1] = '\0';
    if (ref_parse(typed, ref) == 0 && strcmp(typed, ref) == 0)
        memcpy(r->ref, ref, sizeof ref);
}

/* Find what mailwhyd added, in whichever of the catalogue's languages. */
static void look_for_labels(const struct catalog *c, struct probe_result *r)
{
    const char *language;
    for (size_t i = 0; (language = catalog_language_at(c, i)); i++) {
        for (unsigned n = 0; n < r->reply.line_count; n++) {
            for (size_t label = 0; label < PROBE_LABELS; label++) {
                const char *at = after_label(&r->reply.lines[n], catalog_word(c, labels[label], language));
                if (!at)
                    continue;
                if (labels[label] == WORD_REF)
                    take_ref(r, at, &r->reply.lines[n]);
                else
                    r->has[label] = true;
            }
        }
    }
    r->has[PROBE_LABELS - 1] = *r->ref != '\0';
}

/* Look the event up in the log and in what was rotated from it meanwhile. 0, or -1: out of memory. */
static int look_for_event(const char *log, struct probe_result *r)
{
    struct log_files files;
    struct event_found found = {0};
    size_t which;
    if (log_files_find(&files, log, time(NULL) - 60) == -1)
        return -1;
    int got = event_lookup(&files, r->ref, &found, &which);
    r->event = got == 1 ? PROBE_EVENT_FOUND : PROBE_EVENT_MISSING;
    if (got == 1)
        got = event_from_json(&r->logged, &r->event_store, found.line, found.len);
    free(found.line);
    log_files_free(&files);
    return got == -1 && errno == ENOMEM ? -1 : 0;
}

/* Whether the server's configuration, where that is ours, wants nothing added. */
static bool is_left_out(const struct probe *p, const struct probe_result *r)
{
    struct explanation x = {0};
    if (!p->log)
        return false;
    explain_recognise(&x, &r->reply, NULL, p->catalog.catalog, &p->options->config.explain);
    explain_free(&x);
    return x.skipped;
}

int probe_judge(const struct probe *p, struct probe_result *r)
{
    look_for_labels(p->catalog.catalog, r);
    r->left_out = !probe_is_explained(r) && is_left_out(p, r);
    if (*r->ref && p->log && look_for_event(p->log, r) == -1)
        return -1;
    r->asked = (struct asked_reply){.text = r->text.data, .len = r->text.len, .count = 1};
    return answer_make(&r->answer, &p->catalog, &r->asked, NULL);
}
