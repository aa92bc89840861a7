/* The frames of the milter protocol: four octets of length (big-endian, of what follows), one octet of command, data.
 *
 * A reader goes through one direction of a connection, whatever pieces it comes in, and gives back each octet once and in order: those of frames of
 * the kinds that are wanted as whole frames, the others as they come. */
#ifndef MAILWHY_MILTER_FRAME_H
#define MAILWHY_MILTER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailwhy/buffer.h>

#define FRAME_HEAD 5 /* octets of length and command */
#define FRAME_DATA_MAX 65536 /* octets of data of a frame that is given back whole; a longer one comes as it comes */

/* What an MTA says. */
enum frame_command {
    FRAME_ABORT = 'A',
    FRAME_BODY = 'B',
    FRAME_CONNECT = 'C',
    FRAME_MACROS = 'D',
    FRAME_MESSAGE_END = 'E',
    FRAME_HELO = 'H',
    FRAME_QUIT_NEXT = 'K', /* the session is over; the connection serves the next one */
    FRAME_HEADER = 'L',
    FRAME_MAIL = 'M',
    FRAME_HEADERS_END = 'N',
    FRAME_NEGOTIATE = 'O', /* and the milter's answer to it */
    FRAME_QUIT = 'Q',
    FRAME_RCPT = 'R',
    FRAME_DATA = 'T',
    FRAME_UNKNOWN = 'U'
};

/* What a milter answers: these end the turn that the MTA gave it, but for its changes to the message, which need not be known here. */
enum frame_answer {
    FRAME_SHUTDOWN = '4',
    FRAME_ACCEPT = 'a',
    FRAME_CONTINUE = 'c',
    FRAME_DISCARD = 'd',
    FRAME_CONNECTION_FAIL = 'f',
    FRAME_REJECT = 'r',
    FRAME_SKIP = 's',
    FRAME_TEMPFAIL = 't',
    FRAME_REPLY = 'y' /* a reply for the client: its lines, and a NUL */
};

enum frame_event {
    FRAME_USED_UP, /* the piece has nothing more */
    FRAME_OCTETS, /* octets of a frame that is not wanted whole */
    FRAME_WHOLE /* a frame that is */
};

struct frame {
    const char *octets; /* as they came */
    size_t size;
    bool begins; /* they begin a frame, of this command */
    char command;
    const char *data; /* of a whole frame: what follows the command */
    size_t len;
};

struct frame_reader {
    const char *wanted; /* the commands whose frames are given back whole */
    char head[FRAME_HEAD];
    unsigned head_len; /* octets of the next frame's head */
    uint32_t left; /* octets of the present frame that are still to come */
    bool keeping; /* the present frame is wanted, and came in part: that is in kept */
    bool given; /* what is in kept was given back */
    struct buffer kept;
};

/* All zero but wanted is a reader at the start. Take the next event from the piece s, which moves forward. What f points to lives until the next
 * call and no longer than the piece. Memory that cannot be had makes a wanted frame one that comes as it comes. */
enum frame_event frame_next(struct frame_reader *r, const char **s, size_t *len, struct frame *f);

/* At the end: the octets that were read and not given back. They live as long as the reader. */
void frame_rest(const struct frame_reader *r, struct frame *f);

void frame_reader_free(struct frame_reader *r);

/* The next string of a frame's data, which moves forward behind its NUL; NULL where there is none that ends. */
const char *frame_string(const char **data, size_t *len);

/* Append a frame's head. 0, or -1 with errno ENOMEM. */
int frame_begin(struct buffer *out, char command, size_t data_len);

#endif
