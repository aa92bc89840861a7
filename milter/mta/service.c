#include <mailwhy/service.h>

#include <errno.h>
#include <string.h>
#include <syslog.h>

void service_event(const struct service *s, struct event *e, const struct session_facts *facts)
{
    *e = (struct event){.host = s->host};
    if (!facts)
        return;
    const char *const *field = facts->field;
    if (field[SESSION_HOST])
        e->host = field[SESSION_HOST];
    e->mta = field[SESSION_MTA];
    e->pid = facts->pid;
    e->client_addr = field[SESSION_CLIENT_ADDR];
    e->client_port = facts->client_port;
    e->client_name = field[SESSION_CLIENT_NAME];
    e->helo = field[SESSION_HELO];
    e->tls = field[SESSION_TLS];
    e->sasl_method = field[SESSION_SASL_METHOD];
    e->sasl_user = field[SESSION_SASL_USER];
    e->sender = field[SESSION_SENDER];
    e->recipient = field[SESSION_RECIPIENT];
    e->queue_id = field[SESSION_QUEUE_ID];
}

int service_record(struct service *s, struct event *e, bool with_ref)
{
    if (event_log_write(s->log, e, with_ref) == -1) {
        int why = errno;
        if (!atomic_exchange(&s->log_broken, true))
            s->warn(LOG_WARNING, "the event log cannot be written: %s; replies go out without references until it can",
                    strerror(why));
        return -1;
    }
    if (atomic_load(&s->log_broken) && atomic_exchange(&s->log_broken, false))
        s->warn(LOG_NOTICE, "the event log can be written again; %llu events are not in it",
                (unsigned long long)event_log_counts(s->log).failed);
    struct buffer line = {0};
    if (event_to_line(e, &line) == 0)
        s->tell(line.data);
    buffer_free(&line);
    return 0;
}
