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

void service_set_key(struct service *s, const unsigned char key[static PRIVACY_KEY_SIZE])
{
    pthread_mutex_lock(&s->privacy_lock);
    memcpy(s->privacy.key, key, PRIVACY_KEY_SIZE);
    pthread_mutex_unlock(&s->privacy_lock);
}

void service_hide_names(struct service *s, struct event *e, struct buffer *store)
{
    if (s->privacy.user == PRIVACY_PLAIN && s->privacy.address == PRIVACY_PLAIN)
        return;
    pthread_mutex_lock(&s->privacy_lock);
    struct privacy privacy = s->privacy;
    pthread_mutex_unlock(&s->privacy_lock);
    privacy_apply(&privacy, e, store);
}

/* 0, or -1: the event is not in the log. */
static int write_event(struct service *s, struct event *e, bool with_ref)
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

int service_record(struct service *s, struct event *e, bool with_ref)
{
    struct buffer store = {0};
    if (e->code >= 400) {
        metrics_refused(s->metrics, e->code, e->via, e->reason, e->client_addr != NULL);
        if (!s->log_refused)
            return -1;
    }
    struct event shown = *e;
    service_hide_names(s, &shown, &store);
    int result = write_event(s, &shown, with_ref);
    e->time = shown.time;
    memcpy(e->ref, shown.ref, sizeof e->ref);
    buffer_free(&store);
    return result;
}
