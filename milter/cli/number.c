#include <errno.h>
#include <stdlib.h>

#include "cli.h"

bool cli_number_read(const char *text, long least, long most, long *number)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < least || n > most)
        return false;
    *number = n;
    return true;
}
