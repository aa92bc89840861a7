/* The years of a mail log whose times have none ("Nov 20 10:00:01"): each is the latest that is not after the last change of the file, unless the
 * lines' order says that the log goes back further. The order says that the year changed where the time jumps back by more than three
 * months, and does not soon come back to where it was, as it does after a clock was wrong for a while. */
#ifndef MAILWHY_LOG_YEARS_H
#define MAILWHY_LOG_YEARS_H

#include <stdbool.h>
#include <time.h>

struct log_years {
    time_t bound; /* no time is later than a day behind it */
    int at; /* where the lines have come to, in days of years of 372; 0: their order is not asked, and each time stands for itself */
    int before, landed; /* where they jumped back from last, a year on, and to; 0: nowhere */
};

/* Ask a file: its last change is the bound, where that is before now; its lines are looked at only where the first has no year (a large file's by
 * samples, a compressed one's all). Of "-", and of what is no regular file or can't be read, the bound is now and the order is not asked. */
void log_years_find(struct log_years *y, const char *path, time_t now);

/* The time of the next line's hour (month from 0, day from 1), in the time zone of this machine. -1: there is no such day. */
time_t log_years_hour(struct log_years *y, int month, int day, int hour);

#endif
