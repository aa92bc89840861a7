#include <mailwhy/ruleset_map.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/refusal.h>

#define DIVIDER '\x9b'
#define KEY_MAX 1020 /* octets of a key: Sendmail cuts a longer one here, or an octet or two further on */
#define DEFAULT_CODE "553 5.3.0 " /* with which Sendmail sends a text that has none */

enum field { RULESET, HOST, VERSION, ADDR, PORT, NAME, TLS, AUTH_TYPE, AUTH_USER, ENHANCED, ARGUMENT, TEXT, FIELDS };

/* Which message of the session a ruleset is about. */
enum about { NO_MESSAGE, SENDER, RECIPIENT, MESSAGE };

static const struct ruleset {
    const char *name;
    enum stage stage;
    enum about about; /* SENDER, RECIPIENT: its argument is one that the milter has not seen yet */
    bool past_sign_in; /* AUTH and STARTTLS, where there are any, came before it */
} rulesets[] = {
    {"relay", STAGE_CONNECT, NO_MESSAGE, false}, {"mail", STAGE_MAIL, SENDER, true},
    {"rcpt", STAGE_RCPT, RECIPIENT, true},       {"data", STAGE_DATA, MESSAGE, true},
    {"eoh", STAGE_EOM, MESSAGE, true},           {"eom", STAGE_EOM, MESSAGE, true},
    {"other", STAGE_OTHER, NO_MESSAGE, false},   {"etrn", STAGE_OTHER, NO_MESSAGE, false},
    {"vrfy", STAGE_OTHER, NO_MESSAGE, false},    {"expn", STAGE_OTHER, NO_MESSAGE, false},
    {"sender", STAGE_MAIL, SENDER, true},        {"recipient", STAGE_RCPT, RECIPIENT, true},
    {"header", STAGE_EOM, MESSAGE, true},
};

/* A key taken apart. */
struct question {
    char *copy; /* owned: the fields lie in it, each with its NUL */
    const char *field[FIELDS];
    const struct ruleset *ruleset;
    char addr[INET6_ADDRSTRLEN]; /* the client's, as inet_ntop(3) writes it; "" */
    long port; /* 0: not known */
    bool cut; /* the key may be longer than Sendmail says it */
};

/* A port; 0 where the text is none. */
static long port_parse(const char *s)
{
    char *end;
    if (!*s || strlen(s) > 5 || s[strspn(s, "0123456789")])
        return 0;
    long port = strtol(s, &end, 10);
    return port <= 65535 ? port : 0;
}

/* An address as {client_addr} has it: an IPv6 one behind "IPv6:". */
static void addr_parse(char out[INET6_ADDRSTRLEN], const char *s)
{
    unsigned char octets[sizeof(struct in6_addr)];
    int family = AF_INET;
    if (strncmp(s, "IPv6:", 5) == 0) {
        family = AF_INET6;
        s += 5;
    }
    out[0] = '\0';
    if (inet_pton(family, s, octets) == 1)
        inet_ntop(family, octets, out, INET6_ADDRSTRLEN);
}

/* 0; -1: it is no key, or errno is ENOMEM. q->copy is the caller's in any case. */
static int question_parse(struct question *q, const char *key, size_t len)
{
    *q = (struct question){.cut = len >= KEY_MAX};
    if (memchr(key, '\0', len) || !(q->copy = malloc(len + 1)))
        return -1;
    memcpy(q->copy, key, len);
    q->copy[len] = '\0';
    char *at = q->copy;
    for (int field = 0; field < TEXT; field++) {
        char *end = strchr(at, DIVIDER);
        if (!end)
            return -1;
        *end = '\0';
        q->field[field] = at;
        at = end + 1;
    }
    q->field[TEXT] = at;
    for (size_t i = 0; !q->ruleset && i < sizeof rulesets / sizeof *rulesets; i++)
        if (strcmp(rulesets[i].name, q->field[RULESET]) == 0)
            q->ruleset = &rulesets[i];
    addr_parse(q->addr, q->field[ADDR]);
    q->port = port_parse(q->field[PORT]);
    return q->ruleset && *at ? 0 : -1;
}

/* The reply that Sendmail would send: where the text has no code or no enhanced code, with the one that Sendmail gives it. */
static int set_reply(struct buffer *line, const struct question *q)
{
    const char *text = q->field[TEXT];
    struct enhanced e;
    if (strspn(text, "0123456789") != 3 || text[3] != ' ') {
        buffer_add_string(line, DEFAULT_CODE);
        buffer_add_string(line, text);
    } else if (enhanced_parse(&e, text + 4, strlen(text + 4))) {
        buffer_add_string(line, text);
    } else {
        buffer_add(line, text, 4);
        if (enhanced_parse(&e, q->field[ENHANCED], strlen(q->field[ENHANCED])))
            buffer_add_string(line, q->field[ENHANCED]);
        else
            buffer_printf(line, "%c.0.0", text[0]);
        buffer_add_string(line, text + 3);
    }
    return buffer_ok(line) ? 0 : -1;
}

/* The reply as the catalogue knows it best: where Sendmail has one for clients or recipients, and for senders, that for senders. */
static const char *set_known(struct buffer *known, const struct question *q, const struct buffer *line)
{
    static const struct {
        const char *begins, *known;
        bool whole;
    } rows[] = {{"550 5.7.1 Access denied", "550 5.7.1 Sender address rejected: Access denied", true},
                {"553 5.1.3 User address required", "553 5.1.7 Bad sender address syntax", true},
                {"553 5.1.3 ", "553 5.1.7 ", false},
                {"553 5.1.2 ", "553 5.1.8 ", false}};
    for (size_t i = 0; q->ruleset->about == SENDER && i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].begins);
        if (strncmp(line->data, rows[i].begins, len) != 0 || (rows[i].whole && line->data[len]))
            continue;
        buffer_add_string(known, rows[i].known);
        buffer_add_string(known, line->data + len);
        return buffer_string(known);
    }
    return line->data;
}

/* Append as part of a quoted token that stands for just this, through the map's "%" and, for check_relay, whose reply is a format, another one. ours:
 * each character takes the room of one. */
static void add_quoted(struct buffer *out, const char *s, const struct question *q, bool ours)
{
    const char *percent = q->ruleset->stage == STAGE_CONNECT ? "%%%%" : "%%";
    for (; *s; s++) {
        if (*s == '%')
            buffer_add_string(out, percent);
        else if (ours && (*s == '"' || *s == '\\'))
            buffer_add_char(out, *s == '"' ? '\'' : '/');
        else if (*s == '"' || *s == '\\')
            buffer_printf(out, "\\%c", *s);
        else
            buffer_add_char(out, *s >= ' ' && *s <= '~' ? *s : '?');
    }
}

/* The octets that a quoted token of Sendmail's takes for it. */
static size_t token_size(const struct buffer *quoted)
{
    size_t doubled = 0;
    for (const char *at = quoted->data; (at = strstr(at, "%%")); at += 2)
        doubled++;
    return quoted->len - doubled;
}

static void keep(struct session_facts *f, enum session_field field, const char *value)
{
    if (*value)
        f->field[field] = value;
}

/* Set what Sendmail's macros know of the session, over what the milter has seen (all zero: nothing). mta: room for the program's name. */
static void set_facts(struct session_facts *f, const struct question *q, struct buffer *mta)
{
    const char *const *field = q->field, *argument = field[ARGUMENT];
    size_t len = strlen(argument);
    if (*field[VERSION] && !f->field[SESSION_MTA] && buffer_printf(mta, "Sendmail %s", field[VERSION]) == 0)
        f->field[SESSION_MTA] = mta->data;
    keep(f, SESSION_HOST, field[HOST]);
    keep(f, SESSION_CLIENT_ADDR, q->addr);
    f->client_port = q->port ? q->port : f->client_port;
    if (*field[NAME] != '[')
        keep(f, SESSION_CLIENT_NAME, field[NAME]);
    keep(f, SESSION_TLS, *field[TLS] || !q->ruleset->past_sign_in ? field[TLS] : "none");
    keep(f, SESSION_SASL_METHOD, field[AUTH_TYPE]);
    keep(f, SESSION_SASL_USER, field[AUTH_USER]);
    f->signed_in = f->signed_in || *field[AUTH_TYPE];
    f->anonymous = !f->signed_in && q->ruleset->past_sign_in;
    bool in_message = f->stage == STAGE_NONE || f->stage == STAGE_MAIL || f->stage == STAGE_RCPT;
    f->stage = q->ruleset->about == RECIPIENT && !in_message ? STAGE_OTHER : q->ruleset->stage; /* VRFY, EXPN */
    f->smtputf8 = false; /* Sendmail sends seven bits */

    if (q->ruleset->about == NO_MESSAGE || q->ruleset->about == SENDER)
        f->field[SESSION_SENDER] = f->field[SESSION_QUEUE_ID] = f->field[SESSION_RECIPIENT] = NULL;
    if (len > 2 && argument[0] == '<' && argument[len - 1] == '>') {
        q->copy[argument + len - 1 - q->copy] = '\0';
        argument++;
    }
    if (q->ruleset->about == SENDER)
        keep(f, SESSION_SENDER, argument);
    if (q->ruleset->about == RECIPIENT)
        keep(f, SESSION_RECIPIENT, argument);
}

/* A refusal: its line, as it is told and as the catalogue knows it. */
struct replies {
    struct buffer line;
    struct reply told, known;
};

/* Explain the refusal with what the milter knows of its session. 0: answer has "OK " and the value; 1: the same, without anything added; -1: there is
 * no answer. */
static int explain_ruleset(struct service *s, struct explanation *x, const struct question *q, const struct replies *r,
                           struct session_facts facts, const struct catalog *catalog, struct buffer *answer)
{
    struct buffer value = {0}, mta = {0}, cut = {0};
    struct explain_options options = s->explain;
    const struct buffer *line = &r->line;
    struct event e;
    int result = -1;
    set_facts(&facts, q, &mta);
    buffer_add_char(&value, '"');
    add_quoted(&value, strncmp(line->data, DEFAULT_CODE, strlen(DEFAULT_CODE)) == 0 ? line->data : q->field[TEXT], q, false);
    if (!buffer_ok(&value))
        goto done;
    size_t used = token_size(&value) + 1; /* with the quote at the end */
    options.one_line = used < RULESET_TOKEN_MAX ? RULESET_TOKEN_MAX - used + r->known.lines[0].whole : 1;
    explain_recognise(x, &r->known, &facts, catalog, &options);
    service_event(s, &e, &facts);
    e.via = "ruleset";
    e.stage = facts.stage;
    bool marked = q->cut && buffer_printf(&cut, "%s...", line->data) == 0;
    e.reply = marked ? cut.data : line->data;
    e.reply_len = marked ? cut.len : line->len;
    refusal_log(s, x, &e, &r->told, &facts, !x->skipped);
    result = explain_compose(x, &r->known, &facts, catalog, &options, e.ref);
    if (result == 0)
        add_quoted(&value, x->lines[0], q, true);
    buffer_add_char(&value, '"');
    if (!buffer_ok(&value) || token_size(&value) > RULESET_TOKEN_MAX) {
        result = -1;
        goto done;
    }
    buffer_add_string(answer, "OK ");
    if (buffer_add(answer, value.data, value.len) == -1)
        result = -1;

done:
    buffer_free(&value);
    buffer_free(&mta);
    buffer_free(&cut);
    return result;
}

/* The same for a question, with the session of that client where the milter has one. */
static int answer_question(struct service *s, struct explanation *x, const struct question *q, struct buffer *answer)
{
    static const struct session_facts unknown;
    struct replies r = {0};
    struct buffer known = {0};
    int result = -1;
    if (set_reply(&r.line, q) == -1 || reply_parse(&r.told, r.line.data, strlen(r.line.data)) == -1)
        goto done;
    const char *seen = set_known(&known, q, &r.line);
    if (reply_parse(&r.known, seen, strlen(seen)) == -1 || r.told.code < 400 || r.told.line_count != 1 || r.known.line_count != 1)
        goto done;
    struct session *session = session_find_client(s->sessions, q->addr, q->port, q->field[HOST]);
    if (session) {
        session_lock(session);
        result = explain_ruleset(s, x, q, &r, *session_facts(session), session_catalog(session), answer);
        session_facts_mutable(session)->refused++;
        session_unlock(session);
        session_release(session);
    } else {
        struct catalog *catalog = catalog_slot_take(s->catalogs);
        result = explain_ruleset(s, x, q, &r, unknown, catalog, answer);
        catalog_release(catalog);
    }

done:
    reply_free(&r.told);
    reply_free(&r.known);
    buffer_free(&r.line);
    buffer_free(&known);
    return result;
}

bool ruleset_map_answer(struct service *s, struct explanation *x, const char *key, size_t key_len, struct buffer *answer)
{
    struct question q;
    if (key_len == 5 && memcmp(key, "close", 5) == 0)
        return false;
    int result = question_parse(&q, key, key_len) == 0 ? answer_question(s, x, &q, answer) : -1;
    free(q.copy);
    atomic_fetch_add(result == 0 ? &s->explained : &s->plain, 1);
    if (result == -1) {
        buffer_clear(answer);
        buffer_add_string(answer, "NOTFOUND ");
    }
    return true;
}
