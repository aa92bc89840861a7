/* Refusals as the mail log tells of them: all of Sendmail, whose own replies nobody can change or see, and of Postfix sign-ins that failed, since its log
 * names the user.
 *
 * A thread of its own follows the log, a file or the systemd journal. What Sendmail refused and the event log has already, by a ruleset or a milter,
 * gets no second event. A failed sign-in that stands in the event log already, because the reply map was asked about it, gets a second event that says
 * who the user was, without code, reference and reason; any other one an event of its own with all of these. mailwhy-events(5) says which is which.
 *
 * What was read is kept in a state file. After any end, kill -9 too, the log is read on from there, and lines whose events were written after the
 * state was are told by these: each line is taken once. */
#ifndef MAILWHY_AUTHLOG_H
#define MAILWHY_AUTHLOG_H

#include <mailwhy/service.h>

struct authlog;

struct authlog_options {
    const char *log; /* the mail log's path, "journal", or "journal:" and the path of a folder */
    const char *
        state; /* the state file's; where there is none, or one that is damaged or of another log, the log is followed from its end on */
    const char *event_log; /* the path of the service's event log */
};

/* Follow until authlog_stop(). The service and the strings must stay until then. NULL with errno. */
struct authlog *authlog_start(struct service *service, const struct authlog_options *options);
void authlog_stop(struct authlog *a); /* NULL is allowed */

#endif
