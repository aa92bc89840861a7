#include "probe_session.h"

#include <ctype.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "probe_auth.h"

#define PAUSE_MS 200 /* before each command: a server should have no cause to slow us down */
#define PORT_SUBMISSION 587
#define PORT_SUBMISSIONS 465
#define CODE_READY 220
#define CODE_ENDED 421

static int fail(struct probe *p, const char *what)
{
    buffer_clear(&p->fault);
    buffer_add_string(&p->fault, what);
    p->session->ended = true;
    return -1;
}

/* Read a reply to text. 0 or -1. */
static int hear(struct probe *p, struct buffer *text, struct reply *reply)
{
    reply_free(reply);
    if (smtp_client_read(p->session->client, text, reply, &p->fault) == -1) {
        p->session->ended = true;
        return -1;
    }
    p->session->ended = reply->code == CODE_ENDED;
    return 0;
}

/* Send a line and read the reply. 0, -1, or 1: the server had ended it with a 421 already, which is the reply. */
static int say(struct probe *p, const char *line, struct buffer *text, struct reply *reply)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
    buffer_clear(text);
    reply_free(reply);
    *reply = (struct reply){0};
    if (smtp_client_has_more(p->session->client)) {
        if (hear(p, text, reply) == -1)
            return -1;
        return reply->code == CODE_ENDED ? 1 : fail(p, "the server sent a reply that nobody asked for");
    }
    if (smtp_client_send(p->session->client, line, &p->fault) == -1) {
        p->session->ended = true;
        return -1;
    }
    return hear(p, text, reply);
}

/* Say a line outside of a step. */
static int say_aside(struct probe *p, const char *line)
{
    return say(p, line, &p->session->said, &p->session->reply);
}

/* ---- The beginning ------------------------------------------------------------------------------------------------------------ */

/* The host's name where it is a whole one, else its address: RFC 5321 section 4.1.4. */
static void find_own_name(struct probe_session *s)
{
    char name[PROBE_HOST_MAX + 1] = "";
    bool whole = gethostname(name, sizeof name - 1) == 0 && strchr(name, '.');
    for (const char *c = name; *c; c++)
        whole = whole && (isalnum((unsigned char)*c) || *c == '-' || (*c == '.' && c > name && c[1] && c[1] != '.'));
    if (whole)
        buffer_add_string(&s->helo, name);
    else
        smtp_client_literal(s->client, &s->helo);
}

/* Connect to the first of the addresses that answers. */
static int connect_any(struct probe *p)
{
    for (const struct addrinfo *a = p->target.addresses; a && !p->session->client; a = a->ai_next) {
        p->session->client = smtp_client_connect(a->ai_addr, a->ai_addrlen, p->options->timeout, &p->fault);
        if (p->session->client)
            probe_address(a, p->address);
    }
    if (!p->session->client)
        return -1;
    buffer_clear(&p->fault);
    find_own_name(p->session);
    return buffer_ok(&p->session->helo) ? 0 : fail(p, "out of memory");
}

static int start_tls(struct probe *p)
{
    struct probe_session *s = p->session;
    const struct cli_options *o = p->options;
    s->tls = (struct tls_options){o->tls_name ? o->tls_name : p->target.host, o->ca_file, o->insecure};
    buffer_clear(&s->said);
    if (smtp_client_start_tls(s->client, &s->tls, &p->fault) == -1) {
        s->ended = true;
        return -1;
    }
    p->tls = smtp_client_tls(s->client);
    return 0;
}

static int hello(struct probe *p)
{
    struct probe_session *s = p->session;
    struct buffer line = {0};
    buffer_printf(&line, "EHLO %s", buffer_string(&s->helo));
    int result = buffer_ok(&line) ? say_aside(p, buffer_string(&line)) : fail(p, "out of memory");
    buffer_free(&line);
    if (result != -1 && s->reply.code / 100 != 2)
        result = fail(p, "the server refuses EHLO");
    return result;
}

/* Begin TLS where it is to begin with STARTTLS, and say EHLO again. */
static int upgrade(struct probe *p)
{
    struct probe_session *s = p->session;
    bool offered = probe_offers(&s->reply, "STARTTLS", NULL);
    if (p->tls_way == CLI_TLS_NONE || p->tls_way == CLI_TLS_IMPLICIT || (p->tls_way == CLI_TLS_AUTO && !offered))
        return 0;
    buffer_clear(&s->said);
    if (!offered)
        return fail(p, "the server does not offer STARTTLS (--tls=none does without)");
    if (say_aside(p, "STARTTLS") == -1)
        return -1;
    if (s->reply.code != CODE_READY)
        return fail(p, "the server refuses STARTTLS");
    return start_tls(p) == -1 ? -1 : hello(p);
}

int probe_session_begin(struct probe *p)
{
    struct probe_session *s = p->session;
    if (p->tls_way == CLI_TLS_AUTO && p->target.port == PORT_SUBMISSIONS)
        p->tls_way = CLI_TLS_IMPLICIT;
    if (p->tls_way == CLI_TLS_AUTO && p->target.port == PORT_SUBMISSION)
        p->tls_way = CLI_TLS_STARTTLS;
    if (connect_any(p) == -1)
        return EX_UNAVAILABLE;
    if (p->tls_way == CLI_TLS_IMPLICIT && start_tls(p) == -1)
        return EX_PROTOCOL;
    if (hear(p, &s->said, &s->reply) == -1)
        return s->said.len ? EX_PROTOCOL : EX_UNAVAILABLE;
    if (s->reply.code != CODE_READY) {
        fail(p, "the server takes no connection");
        return EX_UNAVAILABLE;
    }
    if (hello(p) == -1 || upgrade(p) == -1)
        return EX_PROTOCOL;
    s->mechanism = probe_auth_mechanism(&s->reply);
    buffer_clear(&s->said);
    return EX_OK;
}

/* ---- The steps ---------------------------------------------------------------------------------------------------------------- */

/* What the reply to a step's last line means. */
static void conclude(struct probe *p, struct probe_result *r)
{
    r->outcome = r->reply.code >= 400 ? PROBE_REFUSED : PROBE_NOT_REFUSED;
    if (r->reply.code / 100 == 3) /* it waits for a message: nothing but the end of the connection is safe */
        p->session->ended = true;
}

static void play_lines(struct probe *p, struct probe_result *r)
{
    struct probe_session *s = p->session;
    bool taken = false;
    for (size_t i = 0; i < PROBE_LINES && r->step->lines[i] && !s->ended && r->outcome != PROBE_REFUSED; i++) {
        r->sent[i] = r->step->lines[i];
        int said = say(p, r->sent[i], &r->text, &r->reply);
        if (said == -1) {
            r->outcome = PROBE_NOT_TRIED;
            break;
        }
        if (said == 1)
            r->sent[i] = NULL;
        conclude(p, r);
        taken = taken || r->outcome == PROBE_NOT_REFUSED;
    }
    if (taken && !s->ended)
        say_aside(p, "RSET");
}

static void play_sign_in(struct probe *p, struct probe_result *r)
{
    struct probe_session *s = p->session;
    struct probe_auth auth;
    int result = 0;
    if (!s->mechanism || (!p->tls.version && !p->options->plaintext_auth)) {
        r->why = s->mechanism ? WORD_SIGN_IN_IN_CLEAR : WORD_NO_SIGN_IN;
        return;
    }
    if (probe_auth_make(&auth, s->mechanism) == -1) {
        fail(p, "there are no random numbers");
        return;
    }
    r->sent[0] = strcmp(s->mechanism, "LOGIN") == 0 ? "AUTH LOGIN" : "AUTH PLAIN";
    for (size_t i = 0; i < PROBE_AUTH_LINES && *auth.lines[i] && result == 0 && (i == 0 || r->reply.code / 100 == 3); i++)
        result = say(p, auth.lines[i], &r->text, &r->reply);
    if (result == 0 && r->reply.code / 100 == 3)
        result = say(p, "*", &r->text, &r->reply);
    if (result != -1)
        conclude(p, r);
    if (result == 1)
        r->sent[0] = NULL;
    probe_auth_blot(&auth, &r->text);
    explicit_bzero(&auth, sizeof auth);
}

void probe_session_play(struct probe *p, struct probe_result *r)
{
    if (p->session->ended) {
        r->why = WORD_CONNECTION_ENDED;
        return;
    }
    buffer_clear(&p->session->said);
    if (probe_is_sign_in(r->step))
        play_sign_in(p, r);
    else
        play_lines(p, r);
    if (p->fault.len && r->outcome == PROBE_NOT_TRIED) { /* what was said is shown with the fault */
        r->why = WORD_CONNECTION_ENDED;
        struct buffer said = p->session->said;
        p->session->said = r->text;
        r->text = said;
        reply_free(&r->reply);
        r->reply = (struct reply){0};
    }
}

bool probe_session_is_local(const struct probe_session *s)
{
    return smtp_client_is_local(s->client);
}

void probe_session_quit(struct probe *p)
{
    struct probe_session *s = p->session;
    struct buffer ignored = {0};
    if (s->ended)
        return;
    reply_free(&s->reply);
    if (smtp_client_send(s->client, "QUIT", &ignored) == 0)
        smtp_client_read(s->client, &s->said, &s->reply, &ignored);
    buffer_free(&ignored);
    buffer_clear(&s->said);
}

void probe_session_end(struct probe_session *s)
{
    smtp_client_close(s->client);
    reply_free(&s->reply);
    buffer_free(&s->said);
    buffer_free(&s->helo);
}
