/* Write an event log of so many events as mailwhyd writes it: sessions of several events among others, at rising times, with references that
 * can be found; clients, users and addresses are often those of a few and seldom those of many. Says the references of some on standard error.
 * usage: events COUNT [SEED] > FILE */
#include <stdio.h>
#include <stdlib.h>

#include <mailwhy/event.h>

#include "invented.h"

#define START 1768176000 /* 2026-01-12T00:00:00Z */
#define EVENTS_A_SECOND 4.0
#define AT_ONCE 64 /* sessions */
#define BUFFER_SIZE (1 << 20)
#define SHARES 1000
#define NAMED 10 /* of so many events one has its reference said */

enum who { BOT, SENDER, USER }; /* what else an event has: nothing, an envelope, a user that signed in */

/* What happens: of a thousand events so many. %s of the reply is the recipient, %a the client, %f the sender. */
static const struct kind {
    int share;
    enum who who;
    enum stage stage;
    int code;
    const char *enhanced, *reason, *via, *reply;
} kinds[] = {
    {200, BOT, STAGE_AUTH, 535, "5.7.8", "auth-bad-credentials", "socketmap",
     "535 5.7.8 Error: authentication failed: (reason unavailable)"},
    {30, BOT, STAGE_AUTH, 535, "5.7.8", "auth-bad-base64", "socketmap",
     "535 5.7.8 Error: authentication failed: Invalid base64 data in continued response"},
    {15, BOT, STAGE_AUTH, 503, "5.5.1", "auth-not-enabled", "socketmap", "503 5.5.1 Error: authentication not enabled"},
    {190, SENDER, STAGE_RCPT, 554, "5.7.1", "ip-blocklisted", "socketmap",
     "554 5.7.1 Service unavailable; Client host [%a] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/%a"},
    {30, SENDER, STAGE_RCPT, 554, "5.7.1", "ip-blocklisted", "socketmap",
     "554 5.7.1 Service unavailable; Client host [%a] blocked using bl.spamcop.net; Blocked - see "
     "https://www.spamcop.net/bl.shtml?%a"},
    {100, SENDER, STAGE_RCPT, 550, "5.1.1", "rcpt-unknown", "socketmap",
     "550 5.1.1 <%s>: Recipient address rejected: User unknown in virtual mailbox table"},
    {70, SENDER, STAGE_RCPT, 554, "5.7.1", "relay-denied", "socketmap", "554 5.7.1 <%s>: Relay access denied"},
    {45, SENDER, STAGE_RCPT, 450, "4.2.0", "greylisted", "socketmap", "450 4.2.0 <%s>: Recipient address rejected: Greylisted"},
    {20, SENDER, STAGE_RCPT, 504, "5.5.2", "helo-not-fqdn", "socketmap",
     "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"},
    {20, SENDER, STAGE_RCPT, 450, "4.7.25", "rdns-mismatch", "socketmap",
     "450 4.7.25 Client host rejected: cannot find your hostname, [%a]"},
    {20, SENDER, STAGE_RCPT, 450, "4.1.8", "sender-domain-not-found", "socketmap",
     "450 4.1.8 <%f>: Sender address rejected: Domain not found"},
    {25, SENDER, STAGE_EOM, 554, "5.7.1", "spam-rejected", "socketmap", "554 5.7.1 Spam message rejected"},
    {10, SENDER, STAGE_EOM, 550, "5.7.26", "dmarc-reject", "socketmap",
     "550 5.7.26 rejected by DMARC policy for the domain of %f"},
    {5, SENDER, STAGE_RCPT, 451, "4.3.5", "server-config-error", "socketmap",
     "451 4.3.5 <%s>: Recipient address rejected: Server configuration error"},
    {10, SENDER, STAGE_RCPT, 554, "5.5.1", "no-valid-recipients", "socketmap", "554 5.5.1 Error: no valid recipients"},
    {10, SENDER, STAGE_RCPT, 577, "5.9.3", NULL, "socketmap", "577 5.9.3 the daemon of mails is not amused by %s"},
    {60, USER, STAGE_AUTH, 235, NULL, NULL, "milter", NULL},
    {140, SENDER, STAGE_EOM, 250, NULL, NULL, "milter", NULL},
};
#define KINDS (sizeof kinds / sizeof *kinds)

struct session {
    const struct kind *kind;
    uint64_t id, client;
    int left, done;
    long pid, port;
    char address[40], name[MAILBOX_SIZE + 8], helo[MAILBOX_SIZE + 8];
};

static uint64_t state;
static const struct kind *of_share[SHARES];

static uint64_t draw(void)
{
    return mixed(state++);
}

static uint64_t any_of(uint64_t count)
{
    return pick(draw(), count);
}

static void name_client(struct session *s)
{
    uint64_t h = mixed(s->client);
    if (s->client % 8 == 0)
        snprintf(s->address, sizeof s->address, "2001:db8:%x:%x::%x", (unsigned)(h & 0xFFFF), (unsigned)(h >> 16 & 15),
                 (unsigned)(h >> 32 & 0xFFF) + 1);
    else
        snprintf(s->address, sizeof s->address, "198.%u.%u.%u", 18 + (unsigned)(h >> 16 & 1), (unsigned)(h >> 8 & 255),
                 (unsigned)(h & 255));
    char name[MAILBOX_SIZE];
    if (s->client % 3) {
        *domain(s->client, name) = '\0';
        snprintf(s->name, sizeof s->name, "mail%u.%s", (unsigned)(s->client % 9), name);
        memcpy(s->helo, s->name, sizeof s->helo);
    } else {
        *word(s->client, name) = '\0';
        s->name[0] = '\0';
        snprintf(s->helo, sizeof s->helo, "%s.local", name);
    }
}

/* slot: the how-manieth of those at once; it has a process of its own, which ends after a hundred sessions. */
static void begin_session(struct session *s, long slot)
{
    static uint64_t ids;
    s->kind = of_share[draw() % SHARES];
    s->id = ++ids;
    s->client = any_of(400000);
    s->done = 0;
    s->left = s->kind->code == 250 || draw() % 3 ? 1 : 2 + (int)(draw() % 5);
    s->pid = 20000 + slot + AT_ONCE * (long)(s->id / (100 * AT_ONCE) % 60000);
    s->port = 1024 + (long)(draw() % 64000);
    name_client(s);
}

static void write_reply(struct buffer *out, const char *form, const struct event *e)
{
    buffer_clear(out);
    for (const char *at; (at = strchr(form, '%')); form = at + 2) {
        const char *value = at[1] == 'a' ? e->client_addr : at[1] == 'f' ? e->sender : e->recipient;
        buffer_add(out, form, (size_t)(at - form));
        buffer_add(out, value, strlen(value));
    }
    buffer_add(out, form, strlen(form));
}

/* The event's reference. Each second has a beginning of its own, as ref_make() draws one, but of our numbers. */
static int give_ref(struct event *e)
{
    static struct ref_source refs;
    if (refs.second != e->time.tv_sec)
        refs = (struct ref_source){.second = e->time.tv_sec, .next = (uint32_t)(draw() % (1 << 22)) + 1, .left = 1 << 22};
    return ref_make(&refs, e->time.tv_sec, e->ref);
}

static void fill(struct event *e, struct session *s, struct buffer *reply)
{
    static char sender[MAILBOX_SIZE], recipient[MAILBOX_SIZE], user[MAILBOX_SIZE], queue_id[16];
    const struct kind *k = s->kind;
    *e = (struct event){.host = "mx1.example.com",
                        .mta = "Postfix 3.7.11",
                        .via = k->via,
                        .pid = s->pid,
                        .stage = k->stage,
                        .code = k->code,
                        .enhanced = k->enhanced,
                        .reason = k->reason,
                        .client_addr = s->address,
                        .client_port = s->port,
                        .client_name = s->name,
                        .helo = s->helo,
                        .tls = s->client % 3 ? "TLSv1.3" : "none"};
    s->done++;
    if (k->stage == STAGE_AUTH) {
        e->sasl_method = s->client % 2 ? "LOGIN" : "PLAIN";
        *mailbox(2000000 + any_of(k->who == USER ? 800 : 30000), draw() % 3, user) = '\0';
        e->sasl_user = k->who == USER || s->client % 4 ? user : NULL;
    }
    if (k->who == SENDER) {
        *mailbox(any_of(400) + 1000 * s->client, s->client, sender) = '\0';
        *mailbox(any_of(50000), draw() % 3, recipient) = '\0';
        e->sender = sender;
        e->recipient = k->stage == STAGE_RCPT || k->code == 250 ? recipient : NULL;
    }
    if (k->stage == STAGE_EOM) {
        snprintf(queue_id, sizeof queue_id, "%05X%06X", (unsigned)(draw() & 0xFFFFF), (unsigned)(s->id & 0xFFFFFF));
        e->queue_id = queue_id;
    }
    if (!k->reply)
        return;
    e->attempt = s->done;
    write_reply(reply, k->reply, e);
    e->reply = reply->data;
    e->reply_len = reply->len;
}

static int write_events(unsigned long count)
{
    static struct session sessions[AT_ONCE];
    struct buffer out = {0}, reply = {0};
    struct event e;
    double time = 0;
    for (unsigned long n = 0; n < count; n++) {
        struct session *s = &sessions[draw() % AT_ONCE];
        if (s->left-- <= 0) {
            begin_session(s, s - sessions);
            s->left--;
        }
        fill(&e, s, &reply);
        time -= log(1 - share_of(draw())) / EVENTS_A_SECOND;
        e.time = (struct timespec){.tv_sec = START + (time_t)time, .tv_nsec = 1000 * (long)((time - floor(time)) * 1e6)};
        if (e.code >= 400 && give_ref(&e) == -1)
            return -1;
        if (*e.ref && n % (count / NAMED + 1) == count / NAMED / 2)
            fprintf(stderr, "%s\n", e.ref);
        if (event_to_json(&e, &out) == -1)
            return -1;
        if (out.len < BUFFER_SIZE && n + 1 < count)
            continue;
        if (fwrite(out.data, 1, out.len, stdout) != out.len)
            return -1;
        buffer_clear(&out);
    }
    buffer_free(&out);
    buffer_free(&reply);
    return fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned long count = argc == 2 || argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    size_t share = 0;
    if (!count) {
        fputs("usage: events COUNT [SEED]\n", stderr);
        return 64;
    }
    for (size_t i = 0; i < KINDS; i++)
        for (int j = 0; j < kinds[i].share && share < SHARES; j++)
            of_share[share++] = &kinds[i];
    while (share < SHARES)
        of_share[share++] = &kinds[0];
    state = mixed(argc == 3 ? strtoull(argv[2], NULL, 10) : 1);
    return write_events(count) == 0 ? 0 : (perror("events"), 1);
}
