#include <mailwhy/proxy_session.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <mailwhy/sendmail.h>

/* The stage that a command stands for, and whether its answer goes to the client. */
static const struct {
    char command;
    enum stage stage;
} commands[] = {
    {FRAME_CONNECT, STAGE_CONNECT}, {FRAME_HELO, STAGE_HELO},       {FRAME_MAIL, STAGE_MAIL},       {FRAME_RCPT, STAGE_RCPT},
    {FRAME_DATA, STAGE_DATA},       {FRAME_HEADER, STAGE_EOM},      {FRAME_HEADERS_END, STAGE_EOM}, {FRAME_BODY, STAGE_EOM},
    {FRAME_MESSAGE_END, STAGE_EOM}, {FRAME_UNKNOWN, STAGE_UNKNOWN},
};

/* Macros that are kept as they are. */
static const struct {
    const char *name;
    enum session_field field;
} macros[] = {{"j", SESSION_HOST},
              {"i", SESSION_QUEUE_ID},
              {"{tls_version}", SESSION_TLS},
              {"{auth_type}", SESSION_SASL_METHOD},
              {"{auth_authen}", SESSION_SASL_USER}};

int proxy_session_begin(struct proxy_session *p, struct service *service)
{
    struct catalog *catalog = catalog_slot_take(service->catalogs);
    *p = (struct proxy_session){.service = service, .session = session_open(service->proxied, 0, "", catalog)};
    catalog_release(catalog);
    return p->session ? 0 : -1;
}

void proxy_session_end(struct proxy_session *p)
{
    if (p->session)
        session_close(p->service->proxied, p->session);
    p->session = NULL;
}

/* A whole number from 1 to max; 0 for anything else. */
static long number_of(const char *text, long max)
{
    if (!*text || text[strspn(text, "0123456789")])
        return 0;
    errno = 0;
    long value = strtol(text, NULL, 10);
    return errno == 0 && value >= 1 && value <= max ? value : 0;
}

/* The commands that the session's own process sends: on Postfix those of a message come from another one. */
static const char of_session[] = {FRAME_CONNECT, FRAME_HELO, FRAME_MAIL, FRAME_RCPT};

static void see_macro(struct proxy_session *p, const char *name, const char *value)
{
    struct session_facts *facts = session_facts_mutable(p->session);
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
        if (strcmp(name, macros[i].name) == 0)
            session_set(p->session, macros[i].field, value);
    if (strcmp(name, "v") == 0)
        sendmail_name_mta(p->session, value);
    else if (strcmp(name, "{pid}") == 0 && memchr(of_session, p->macros_for, sizeof of_session))
        facts->pid = number_of(value, INT_MAX);
    else if (strcmp(name, "{client_port}") == 0)
        facts->client_port = number_of(value, 65535);
    else if (strcmp(name, "{daemon_port}") == 0)
        facts->daemon_port = number_of(value, 65535);
    else if (strcmp(name, "{rcpt_mailer}") == 0)
        p->refused_already = p->macros_for == FRAME_RCPT && strcmp(value, "error") == 0;
}

/* SMFIC_MACRO: the command they are for, then names and values by turns. Those of a message come before its MAIL. */
static void see_macros(struct proxy_session *p, const char *data, size_t len)
{
    if (!len)
        return;
    p->macros_for = *data++;
    len--;
    if (p->macros_for == FRAME_MAIL) {
        session_message_reset(p->session);
        session_set(p->session, SESSION_SASL_METHOD, NULL);
        session_set(p->session, SESSION_SASL_USER, NULL);
    }
    if (p->macros_for == FRAME_RCPT)
        p->refused_already = false;
    const char *name, *value;
    while ((name = frame_string(&data, &len)) && (value = frame_string(&data, &len)))
        see_macro(p, name, value);
}

/* SMFIC_CONNECT: the client's name, the family of its address, and for a known one port and address. */
static void see_connect(struct proxy_session *p, const char *data, size_t len)
{
    unsigned char octets[sizeof(struct in6_addr)];
    const char *name = frame_string(&data, &len);
    if (!name || !len)
        return;
    if (*name != '[' && strcmp(name, "unknown") != 0)
        session_set(p->session, SESSION_CLIENT_NAME, name);
    char family = *data++;
    len--;
    if ((family != '4' && family != '6') || len < 2)
        return;
    struct session_facts *facts = session_facts_mutable(p->session);
    long port = (long)(unsigned char)data[0] << 8 | (unsigned char)data[1];
    if (port)
        facts->client_port = port;
    data += 2;
    len -= 2;
    const char *address = frame_string(&data, &len);
    if (address && strncasecmp(address, "IPv6:", 5) == 0) /* as Sendmail and Postfix write it */
        address += 5;
    if (address && inet_pton(family == '4' ? AF_INET : AF_INET6, address, octets) == 1)
        session_set(p->session, SESSION_CLIENT_ADDR, address);
}

/* An address without its angle brackets; the null sender stays "<>". */
static void set_path(struct proxy_session *p, enum session_field field, const char *path)
{
    size_t len = strlen(path);
    char *bare = len > 2 && path[0] == '<' && path[len - 1] == '>' ? strndup(path + 1, len - 2) : NULL;
    session_set(p->session, field, bare ? bare : path);
    free(bare);
}

/* SMFIC_MAIL: the sender, then what else was said. */
static void see_mail(struct proxy_session *p, const char *data, size_t len)
{
    const char *sender = frame_string(&data, &len), *argument;
    struct session_facts *facts = session_facts_mutable(p->session);
    if (p->macros_for != FRAME_MAIL)
        session_message_reset(p->session);
    if (sender)
        set_path(p, SESSION_SENDER, sender);
    while ((argument = frame_string(&data, &len)))
        facts->smtputf8 |= strcasecmp(argument, "SMTPUTF8") == 0;
    facts->signed_in = facts->field[SESSION_SASL_METHOD] || facts->field[SESSION_SASL_USER];
}

static void see_rcpt(struct proxy_session *p, const char *data, size_t len)
{
    const char *recipient = frame_string(&data, &len);
    if (recipient)
        set_path(p, SESSION_RECIPIENT, recipient);
    if (p->macros_for != FRAME_RCPT)
        p->refused_already = false;
}

static void see_helo(struct proxy_session *p, const char *data, size_t len)
{
    session_message_reset(p->session);
    const char *name = frame_string(&data, &len);
    if (name)
        session_set(p->session, SESSION_HELO, name);
}

static void see_abort(struct proxy_session *p)
{
    session_message_reset(p->session);
    session_facts_mutable(p->session)->stage = STAGE_HELO;
}

/* Another session begins on the connection. */
static int begin_next(struct proxy_session *p)
{
    struct proxy_session next;
    if (proxy_session_begin(&next, p->service) == -1)
        return -1;
    proxy_session_end(p);
    *p = next;
    return 0;
}

int proxy_session_see(struct proxy_session *p, const struct frame *f)
{
    if (!f->begins)
        return 0;
    if (f->command == FRAME_QUIT_NEXT)
        return begin_next(p);
    if (f->command == FRAME_MACROS) {
        see_macros(p, f->data, f->len);
        return 0;
    }
    if (f->command == FRAME_ABORT)
        see_abort(p);
    else if (f->command == FRAME_CONNECT)
        see_connect(p, f->data, f->len);
    else if (f->command == FRAME_HELO)
        see_helo(p, f->data, f->len);
    else if (f->command == FRAME_MAIL)
        see_mail(p, f->data, f->len);
    else if (f->command == FRAME_RCPT)
        see_rcpt(p, f->data, f->len);
    p->macros_for = p->asked = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (f->command == commands[i].command) {
            session_facts_mutable(p->session)->stage = commands[i].stage;
            p->asked = f->command;
        }
    }
    return 0;
}

bool proxy_session_answers(const struct proxy_session *p)
{
    return p->asked && !(p->asked == FRAME_RCPT && p->refused_already);
}

/* What a milter that the MTA tells all of knows of the same session; NULL where there is none, or it is of another client. */
static struct session *find_lender(const struct proxy_session *p)
{
    const struct session_facts *facts = session_facts(p->session);
    struct sessions *sessions = p->service->sessions;
    const char *host = facts->field[SESSION_HOST], *ours = facts->field[SESSION_CLIENT_ADDR], *theirs;
    struct session *lender = NULL;
    if (facts->pid)
        lender = session_find(sessions, facts->pid, host ? host : "");
    else if (ours && host)
        lender = session_find_client(sessions, ours, facts->client_port, host);
    if (!lender)
        return NULL;
    session_lock(lender);
    theirs = session_facts(lender)->field[SESSION_CLIENT_ADDR];
    if (!ours || !theirs || strcmp(ours, theirs) == 0)
        return lender;
    session_unlock(lender);
    session_release(lender);
    return NULL;
}

/* On Postfix the reply map counts it, where it comes again. */
static void count_refusal(struct proxy_session *p)
{
    struct session *lender = session_facts(p->session)->pid ? NULL : find_lender(p);
    session_facts_mutable(p->session)->refused++;
    if (!lender)
        return;
    session_facts_mutable(lender)->refused++;
    session_unlock(lender);
    session_release(lender);
}

void proxy_session_answered(struct proxy_session *p, char answer, bool refused)
{
    static const char ends[] = {FRAME_SHUTDOWN, FRAME_ACCEPT, FRAME_CONTINUE, FRAME_DISCARD, FRAME_CONNECTION_FAIL,
                                FRAME_REJECT,   FRAME_SKIP,   FRAME_TEMPFAIL, FRAME_REPLY};
    if (!memchr(ends, answer, sizeof ends))
        return;
    if (refused)
        count_refusal(p);
    if (p->asked == FRAME_MESSAGE_END)
        see_abort(p);
    p->asked = '\0';
}

void proxy_session_view(struct proxy_session *p, struct proxy_view *view)
{
    struct session_facts *facts = &view->facts;
    *facts = *session_facts(p->session);
    view->lent = find_lender(p);
    if (!view->lent)
        return;
    const struct session_facts *lent = session_facts(view->lent);
    if (!facts->signed_in) {
        facts->field[SESSION_SASL_METHOD] = lent->field[SESSION_SASL_METHOD];
        facts->field[SESSION_SASL_USER] = lent->field[SESSION_SASL_USER];
        facts->signed_in = lent->signed_in;
        facts->anonymous = lent->anonymous;
    }
    for (int field = 0; field < SESSION_MESSAGE_FIELDS; field++)
        if (!facts->field[field])
            facts->field[field] = lent->field[field];
    if (!facts->client_port)
        facts->client_port = lent->client_port;
    if (!facts->daemon_port)
        facts->daemon_port = lent->daemon_port;
    facts->refused = lent->refused;
    facts->auth_failed = lent->auth_failed;
}

void proxy_session_leave(struct proxy_view *view)
{
    if (!view->lent)
        return;
    session_unlock(view->lent);
    session_release(view->lent);
    view->lent = NULL;
}
