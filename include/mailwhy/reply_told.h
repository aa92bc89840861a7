/* Words of Postfix's log that tell of a refusal without its reply, which is known: "warning: Connection rate limit exceeded: 9 from c.test[192.0.2.7]". */
#ifndef MAILWHY_REPLY_TOLD_H
#define MAILWHY_REPLY_TOLD_H

#include <stdbool.h>

#include <mailwhy/span.h>
#include <mailwhy/stage.h>

struct reply_told {
    const char *words; /* that begin the message, "warning: " and a queue id apart */
    const char *also; /* that stand behind them; NULL: nothing must */
    const char *reply;
    bool with_client; /* "from" and the client's address follow it */
    enum stage stage; /* STAGE_NONE: it is named behind the words */
};

/* What a message of Postfix's servers tells; NULL: its words are others. */
const struct reply_told *reply_told(struct span message);

#endif
