/* Who is talking: the sessions of the moment, found by MTA process, or by client where an MTA does not tell its process.
 *
 * Two lifetimes: a session lasts from connect to close; its message from MAIL to its end, and is reset in one place,
 * session_message_reset(). The milter's threads write a session, the reply map reads it: whoever touches one between
 * session_lock() and session_unlock() has it alone. */
#ifndef MAILWHY_SESSION_H
#define MAILWHY_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/catalog.h>
#include <mailwhy/stage.h>

struct sessions;
struct session;

enum session_field {
    SESSION_MTA, /* "Postfix 3.7.11" */
    SESSION_HOST, /* the MTA's own name: the macro j */
    SESSION_CLIENT_ADDR,
    SESSION_CLIENT_NAME,
    SESSION_HELO,
    SESSION_TLS, /* "TLSv1.3", or "none": known not to be encrypted */
    SESSION_SASL_METHOD,
    SESSION_SASL_USER,
    /* the message's, reset with it */
    SESSION_SENDER,
    SESSION_RECIPIENT, /* the last one given */
    SESSION_QUEUE_ID,
    SESSION_FIELDS
};
#define SESSION_MESSAGE_FIELDS SESSION_SENDER /* this one and those after it belong to the message */

/* What a session knows. A NULL, a 0, STAGE_NONE: not known. */
struct session_facts {
    const char *field[SESSION_FIELDS];
    long pid; /* of the MTA process */
    long log_pid; /* of it in the log of an MTA that does not tell a pid; set before session_list_client(), then it stays */
    long client_port;
    long daemon_port; /* the port the client came in by */
    enum stage stage; /* of the last thing the milter saw */
    bool signed_in; /* AUTH succeeded, as seen at MAIL */
    bool anonymous; /* MAIL was seen, and AUTH had not succeeded before it */
    bool smtputf8; /* the message's: announced at MAIL */
    bool message_sent; /* DATA was accepted: the next reply is that to the whole message, and ends it */
    unsigned refused; /* replies refused before this one */
    unsigned auth_failed; /* failed AUTHs before this one */
};

struct sessions *sessions_new(void); /* NULL with errno ENOMEM */
void sessions_free(struct sessions *all); /* no session may be in use */
size_t sessions_count(struct sessions *all);

/* Open a session of the MTA process pid of host ("" where not known), retaining the catalogue it will use. An older one of the same
 * process is no longer found. pid 0: never found. The caller has a reference; NULL with errno ENOMEM. */
struct session *session_open(struct sessions *all, long pid, const char *host, struct catalog *catalog);

/* The session is over: it is no longer found, and the caller's reference is given back. NULL is allowed. */
void session_close(struct sessions *all, struct session *s);

/* The open session of that process, with a reference for session_release(). host "": whatever host, where only one has that pid.
 * NULL where there is none. */
struct session *session_find(struct sessions *all, long pid, const char *host);
void session_release(struct session *s); /* NULL is allowed */

/* Let a session without a process number be found by its client's address and port, which its facts must have; without effect where one of them is
 * not known. An older one of the same client and host is no longer found. For one who has its lock; then these facts stay as they are. */
void session_list_client(struct sessions *all, struct session *s);

/* The open session of that client with the MTA host, with a reference for session_release(). NULL where there is none. */
struct session *session_find_client(struct sessions *all, const char *addr, long port, const char *host);

/* The open session that session_list_client() listed, of that client (NULL: of any) and with that log_pid, with a reference for session_release(); NULL where there is
 * none, or more than one. It looks at all sessions. */
struct session *session_find_logged(struct sessions *all, long log_pid, const char *addr);

/* The open sessions that one of these finds, each with a reference for session_release(): how many, at most max. */
size_t sessions_listed(struct sessions *all, struct session **out, size_t max);
bool session_is_listed(struct sessions *all, const struct session *s); /* found by one of these */

void session_lock(struct session *s);
void session_unlock(struct session *s);

/* The rest is for one who has the lock. */
const struct session_facts *session_facts(const struct session *s);
struct catalog *session_catalog(const struct session *s);

/* Keep a copy of value; NULL or "" makes the field unknown. 0, or -1 with errno ENOMEM: the field is then unknown. */
int session_set(struct session *s, enum session_field field, const char *value);

/* The numbers and flags, to be changed in place. */
struct session_facts *session_facts_mutable(struct session *s);

/* The message is over: forget what was the message's. */
void session_message_reset(struct session *s);

#endif
