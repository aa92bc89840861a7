#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* They arrive as octets of a pipe, and are not blocked in the main thread: libmilter waits for them in a thread of
 * its own, and would take SIGHUP as an end. */
static int signal_pipe[2];

static void on_signal(int signal)
{
    int saved = errno;
    char octet = (char)signal;
    ssize_t written = write(signal_pipe[1], &octet, 1);
    (void)written; /* a full pipe holds enough of them */
    errno = saved;
}

static const int handled[] = {SIGHUP, SIGTERM, SIGINT, SIGCONT};

int signals_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
        return -1;
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        sigaction(handled[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signal_pipe[0];
}

void signals_block(bool block)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        sigaddset(&set, handled[i]);
    pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}
