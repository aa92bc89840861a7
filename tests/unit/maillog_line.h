/* Reading one line of a mail log. */
#ifndef MAILWHY_MAILLOG_LINE_H
#define MAILWHY_MAILLOG_LINE_H

#include "unit.h"

#include <time.h>

#include <mailwhy/event_time.h>
#include <mailwhy/maillog.h>

#define NOW "2026-11-21T08:00:00Z"

static inline time_t seconds(const char *time)
{
    struct timespec t = {0};
    assert_int_equal(event_time_parse(time, strlen(time), &t), 0);
    return t.tv_sec;
}

/* Read a line that has nothing behind its end. */
static inline int read_line(struct maillog *m, const char *text, size_t len, struct event *e)
{
    char *line = malloc(len ? len : 1);
    assert_non_null(line);
    memcpy(line, text, len);
    int kind = maillog_read(m, line, len, e);
    free(line);
    return kind;
}

#endif
