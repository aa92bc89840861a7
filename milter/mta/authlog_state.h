/* How far the mail log was read: a file that is replaced as a whole. */
#ifndef AUTHLOG_STATE_H
#define AUTHLOG_STATE_H

#include <mailwhy/follow.h>

#include "authlog_source.h"

struct authlog_state {
    char log[AUTHLOG_PLACE_SIZE]; /* behind the last line that was taken */
    struct follow_position
        events; /* in the event log, behind all that was written for lines up to there, and before all that is written for others */
};

/* Read the state of that log. 1; 0: there is none; -1: the file can't be read (errno), is damaged (EBADMSG), or that of another log (ESTALE). */
int authlog_state_read(struct authlog_state *state, const char *path, const char *log);

/* 0, or -1 with errno: what was in the file is still there. */
int authlog_state_write(const struct authlog_state *state, const char *path, const char *log);

#endif
