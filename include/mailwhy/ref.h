/* The reference that stands in a reply and in the log: ten characters of Crockford's base32 in two groups, "6Q2F8-KXD3M".
 *
 * Its 50 bits are 28 bits of time (seconds since 2026-01-01T00:00:00Z, modulo 2^28: 8.5 years) and 22 bits that tell apart the events of
 * one second: a random start each second, then counting up, so that one writer never repeats itself and several hosts hardly meet. */
#ifndef MAILWHY_REF_H
#define MAILWHY_REF_H

#include <stdint.h>
#include <time.h>

#define REF_SIZE 12 /* with its NUL */
#define REF_PERIOD (1L << 28) /* seconds after which the time in a reference repeats */

/* The state of one writer; all zero at the start. Not for two threads at once. */
struct ref_source {
    time_t second;
    uint32_t next;
    uint32_t left;
};

/* Make the reference of an event at that time, which must not be before the one before it. 0, or -1 where there is no random number to be had
 * (errno EIO), or where that second has had its 2^22 references (EAGAIN); out is "" then. */
int ref_make(struct ref_source *source, time_t time, char out[static REF_SIZE]);

/* Go on behind a reference (in its proper form) that was made at about that time or before: what is made next within its second is not made
 * again. */
void ref_resume(struct ref_source *source, const char ref[static REF_SIZE], time_t time);

/* Read a reference however it was typed: any case, with or without the dash or blanks, O for 0, I or L for 1. out is its proper
 * form. 0, or -1 with errno EINVAL; out is "" then. */
int ref_parse(const char *typed, char out[static REF_SIZE]);

/* The latest time not after limit that a reference in its proper form can stand for, in seconds since the Epoch. */
time_t ref_time(const char ref[static REF_SIZE], time_t limit);

#endif
