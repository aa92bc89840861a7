#include "event_lookup.h"

#include <errno.h>

int event_lookup(const struct log_files *files, const char *ref, struct event_found *found, size_t *which)
{
    int result = 0, error = 0;
    for (*which = 0; *which < files->count; ++*which) {
        int got = event_find(files->paths[*which], ref, found);
        if (got == 1 || (got == -1 && errno == ENOMEM))
            return got;
        if (got == -1 && *which == 0) {
            result = -1;
            error = errno;
        }
    }
    errno = error;
    return result;
}
