/* Whether a Postfix is wired as it must be, and whether what it is wired to answers. */
#ifndef WIRE_CHECK_H
#define WIRE_CHECK_H

#include "wire_postfix.h"

/* Put what is wrong into w->faults, each with what to do. */
void wire_check(struct wire *w);

/* The part of it that is about the sockets: whether smtpd can get at them, and whether mailwhyd answers there. */
void wire_check_reach(struct wire *w);

/* Connect to an endpoint; where it is the reply map ask for its status, too. What is wrong is put into faults. */
void wire_check_answers(GPtrArray *faults, const struct wire_end *end, bool map);

/* Whether a Sendmail that runs as that user may connect to an endpoint. False: what hinders it is among the faults. */
bool wire_check_user(GPtrArray *faults, const struct wire_end *end, const char *user);

#endif
