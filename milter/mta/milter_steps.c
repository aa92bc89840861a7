#include "milter_steps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <mailwhy/sendmail.h>

#include "milter_reply.h"

/* Steps of the protocol that we do without. Those that can be sent without waiting for our answer (SMFIP_NR_*) are no help: Postfix then keeps
 * them in its buffer until some later step is waited for, and the reply that is looked up in between finds no session. */
#define STEPS_UNUSED (SMFIP_NOHDRS | SMFIP_NOBODY | SMFIP_NOEOH)

/* The macros asked for at each stage, whatever the MTA's own lists say. */
static const struct {
    int stage;
    const char *names;
} macros[] = {{SMFIM_CONNECT, "j v i {pid} {client_port} {daemon_port}"},
              {SMFIM_HELO, "{tls_version}"},
              {SMFIM_ENVFROM, "i {auth_type} {auth_authen} {tls_version}"},
              {SMFIM_ENVRCPT, "i {rcpt_mailer} {rcpt_host} {rcpt_addr}"},
              {SMFIM_DATA, "i"},
              {SMFIM_EOM, "i"}};

/* libmilter hands nothing of ours to its callbacks before a session has begun. Set once, before its threads start. */
static struct service *service;

/* What one connection of an MTA has negotiated, and its session. */
struct peer {
    struct session *session; /* NULL until CONNECT */
    bool signed_in_told; /* the session's 235 is in the log */
    bool sendmail; /* the MTA */
};

/* The session with its lock held; NULL where there is none. */
static struct session *enter(SMFICTX *ctx)
{
    struct peer *peer = smfi_getpriv(ctx);
    if (!peer || !peer->session)
        return NULL;
    session_lock(peer->session);
    return peer->session;
}

static sfsistat leave(struct session *s)
{
    if (s)
        session_unlock(s);
    return SMFIS_CONTINUE;
}

static const char *macro(SMFICTX *ctx, const char *name)
{
    char symbol[32];
    snprintf(symbol, sizeof symbol, "%s", name);
    const char *value = smfi_getsymval(ctx, symbol);
    return value && *value ? value : NULL;
}

/* A macro as a whole number from 1 to max; 0 where it is anything else. */
static long macro_number(SMFICTX *ctx, const char *name, long max)
{
    const char *text = macro(ctx, name);
    char *end;
    if (!text || text[strspn(text, "0123456789")])
        return 0;
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno == 0 && value >= 1 && value <= max ? value : 0;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
                             unsigned long *want_actions, unsigned long *want_steps, unsigned long *want_f2,
                             unsigned long *want_f3)
{
    (void)f2;
    (void)f3;
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer || smfi_setpriv(ctx, peer) == MI_FAILURE) {
        free(peer);
        return SMFIS_REJECT;
    }
    *want_actions = actions & SMFIF_SETSYMLIST;
    *want_steps = steps & (STEPS_UNUSED | SMFIP_RCPT_REJ);
    *want_f2 = *want_f3 = 0;
    for (size_t i = 0; *want_actions && i < sizeof macros / sizeof *macros; i++) {
        char names[64];
        snprintf(names, sizeof names, "%s", macros[i].names);
        smfi_setsymlist(ctx, macros[i].stage, names);
    }
    return SMFIS_CONTINUE;
}

static void set_address(struct session *s, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const void *octets = NULL;
    if (address && address->sa_family == AF_INET)
        octets = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        octets = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (octets && inet_ntop(address->sa_family, octets, text, sizeof text))
        session_set(s, SESSION_CLIENT_ADDR, text);
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
    struct peer *peer = smfi_getpriv(ctx);
    if (!peer)
        return SMFIS_ACCEPT;
    const char *host = macro(ctx, "j");
    struct catalog *catalog = catalog_slot_take(service->catalogs);
    struct session *s = session_open(service->sessions, macro_number(ctx, "{pid}", 0x7fffffff), host ? host : "", catalog);
    catalog_release(catalog);
    if (!s)
        return SMFIS_ACCEPT;
    peer->session = s;
    session_lock(s);
    session_set(s, SESSION_HOST, host);
    peer->sendmail = sendmail_is(macro(ctx, "v"));
    sendmail_name_mta(s, macro(ctx, "v"));
    if (name && *name != '[' && strcmp(name, "unknown") != 0)
        session_set(s, SESSION_CLIENT_NAME, name);
    set_address(s, (const struct sockaddr *)(const void *)address);
    struct session_facts *facts = session_facts_mutable(s);
    facts->client_port = macro_number(ctx, "{client_port}", 65535);
    facts->daemon_port = macro_number(ctx, "{daemon_port}", 65535);
    facts->log_pid = peer->sendmail ? sendmail_pid(macro(ctx, "i")) : 0;
    facts->stage = STAGE_CONNECT;
    session_list_client(service->sessions, s);
    return leave(s);
}

static void set_tls(SMFICTX *ctx, struct session *s)
{
    const char *version = macro(ctx, "{tls_version}");
    session_set(s, SESSION_TLS, version ? version : "none");
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct session *s = enter(ctx);
    if (s) {
        session_message_reset(s);
        session_set(s, SESSION_HELO, name);
        set_tls(ctx, s);
        session_facts_mutable(s)->stage = STAGE_HELO;
    }
    return leave(s);
}

/* Keep an address without its angle brackets; the null sender stays "<>". */
static void set_path(struct session *s, enum session_field field, const char *path)
{
    char *bare = NULL;
    size_t len = strlen(path);
    if (len > 2 && path[0] == '<' && path[len - 1] == '>' && (bare = strndup(path + 1, len - 2)))
        path = bare;
    session_set(s, field, path);
    free(bare);
}

/* Log the sign-in, once a session. */
static void tell_signed_in(struct session *s, const char *via)
{
    struct event e;
    service_event(service, &e, session_facts(s));
    e.via = via;
    e.stage = STAGE_AUTH;
    e.code = 235;
    service_record(service, &e, false);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
    struct session *s = enter(ctx);
    if (s) {
        struct peer *peer = smfi_getpriv(ctx);
        struct session_facts *facts = session_facts_mutable(s);
        session_message_reset(s);
        set_path(s, SESSION_SENDER, args[0]);
        session_set(s, SESSION_QUEUE_ID, macro(ctx, "i"));
        for (size_t i = 1; args[i]; i++)
            facts->smtputf8 |= strcasecmp(args[i], "SMTPUTF8") == 0;
        set_tls(ctx, s);
        session_set(s, SESSION_SASL_METHOD, macro(ctx, "{auth_type}"));
        session_set(s, SESSION_SASL_USER, macro(ctx, "{auth_authen}"));
        facts->signed_in = macro(ctx, "{auth_type}") || macro(ctx, "{auth_authen}");
        facts->anonymous = !facts->signed_in;
        facts->stage = STAGE_MAIL;
        if (facts->signed_in && !peer->signed_in_told && service->log_auth)
            tell_signed_in(s, "milter");
        peer->signed_in_told |= facts->signed_in;
    }
    return leave(s);
}

/* Log the recipient where it is one that Sendmail has refused by itself; Postfix's refusals come to the reply map. */
static void tell_refused(SMFICTX *ctx, struct session *s)
{
    const struct peer *peer = smfi_getpriv(ctx);
    const char *mailer = macro(ctx, "{rcpt_mailer}"), *enhanced = macro(ctx, "{rcpt_host}"), *text = macro(ctx, "{rcpt_addr}");
    if (peer->sendmail && mailer && text && strcmp(mailer, "error") == 0)
        sendmail_rcpt_refused(service, s, enhanced ? enhanced : "", text);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
    struct session *s = enter(ctx);
    if (s) {
        set_path(s, SESSION_RECIPIENT, args[0]);
        session_set(s, SESSION_QUEUE_ID, macro(ctx, "i"));
        session_facts_mutable(s)->stage = STAGE_RCPT;
        tell_refused(ctx, s);
    }
    return leave(s);
}

/* DATA was accepted: the next reply is that to the message. Unless accepted messages are logged, the rest of it is not for us. */
static sfsistat on_data(SMFICTX *ctx)
{
    struct session *s = enter(ctx);
    if (s) {
        session_set(s, SESSION_QUEUE_ID, macro(ctx, "i"));
        session_facts_mutable(s)->stage = STAGE_EOM;
        session_facts_mutable(s)->message_sent = true;
    }
    leave(s);
    return service->log_accepted ? SMFIS_CONTINUE : SMFIS_ACCEPT;
}

static sfsistat on_message_end(SMFICTX *ctx)
{
    struct session *s = enter(ctx);
    if (s && service->log_accepted) {
        struct event e;
        service_event(service, &e, session_facts(s));
        e.via = "milter";
        e.stage = STAGE_EOM;
        e.code = 250;
        service_record(service, &e, false);
    }
    return leave(s);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
    (void)command; /* may hold a password that was typed in the wrong place */
    struct session *s = enter(ctx);
    if (!s)
        return SMFIS_CONTINUE;
    const struct peer *peer = smfi_getpriv(ctx);
    struct explanation x = {0};
    const char *text;
    session_facts_mutable(s)->stage = STAGE_UNKNOWN;
    bool explained =
        peer->sendmail && sendmail_unknown(service, s, &x, &text) == 0 && milter_reply(ctx, "500", "5.5.1", text, &x) == 0;
    explain_free(&x);
    leave(s);
    return explained ? SMFIS_REJECT : SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *s = enter(ctx);
    if (s) {
        session_message_reset(s);
        session_facts_mutable(s)->stage = STAGE_HELO;
    }
    return leave(s);
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct peer *peer = smfi_getpriv(ctx);
    if (peer)
        session_close(service->sessions, peer->session);
    smfi_setpriv(ctx, NULL);
    free(peer);
    return SMFIS_CONTINUE;
}

struct smfiDesc milter_steps(struct service *s, char *name)
{
    service = s;
    return (struct smfiDesc){
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_NONE,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_data = on_data,
        .xxfi_eom = s->log_accepted ? on_message_end : NULL,
        .xxfi_unknown = on_unknown,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
}
