/* The stages of an SMTP session, as an event names them. */
#ifndef MAILWHY_STAGE_H
#define MAILWHY_STAGE_H

enum stage {
    STAGE_NONE, /* not known */
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_STARTTLS,
    STAGE_AUTH,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_EOM, /* end of the message's data */
    STAGE_UNKNOWN, /* an unknown command */
    STAGE_OTHER,
    STAGE_COUNT
};

/* "connect", "helo" ...; NULL for STAGE_NONE. */
const char *stage_name(enum stage stage);

/* The stage of that name, STAGE_NONE where there is no such name. */
enum stage stage_from_name(const char *name);

#endif
