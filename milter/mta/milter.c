#include <mailwhy/milter.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "milter_steps.h"

#define ANSWER_S 5 /* within which libmilter must answer once it is started */

/* Set once, before libmilter's threads start. */
static struct service *service;
static int listening;

static atomic_bool ended; /* libmilter has, and has closed the socket */

static void *serve(void *unused)
{
    (void)unused;
    smfi_main(); /* ends when it fails, or takes a signal that was meant for us: who watches over us starts us anew */
    atomic_store(&ended, true);
    service->warn(LOG_ERR, "libmilter has ended by itself; so does mailwhyd");
    kill(getpid(), SIGTERM);
    return NULL;
}

/* A connection to the socket that we listen at, made with these flags of socket(2). -1 with errno. */
static int connect_to_us(int flags)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    if (getsockname(listening, (struct sockaddr *)&address, &len) == -1)
        return -1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd != -1 && connect(fd, (struct sockaddr *)&address, len) == -1 && errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Wait until libmilter answers: negotiate (version 6, no actions, no steps) as an MTA would. 0, or -1 with errno. */
static int await_answer(void)
{
    static const unsigned char negotiate[] = {0, 0, 0, 13, 'O', 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0};
    struct timeval limit = {.tv_sec = ANSWER_S};
    unsigned char answer;
    int result = -1, fd = connect_to_us(0);
    if (fd == -1)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        send(fd, negotiate, sizeof negotiate, MSG_NOSIGNAL) == sizeof negotiate && recv(fd, &answer, 1, 0) == 1)
        result = 0;
    else
        errno = ETIMEDOUT;
    close(fd);
    return result;
}

void milter_wake(void)
{
    int fd = service && !atomic_load(&ended) ? connect_to_us(SOCK_NONBLOCK) : -1;
    if (fd != -1)
        close(fd);
}

int milter_leave_listener(void)
{
    struct sockaddr_un nowhere = {.sun_family = AF_UNIX};
    int result = -1;
    if (atomic_load(&ended))
        return 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    if (bind(fd, (struct sockaddr *)&nowhere, sizeof nowhere.sun_family) == 0 && listen(fd, 1) == 0 &&
        dup3(fd, listening, O_CLOEXEC) != -1)
        result = 0;
    close(fd);
    return result;
}

int milter_start(struct service *s, int listener)
{
    char name[] = "mailwhyd", where[32];
    struct smfiDesc description = milter_steps(s, name);
    service = s;
    listening = listener;
    snprintf(where, sizeof where, "fd:%d", listener);
    if (smfi_register(description) == MI_FAILURE || smfi_setconn(where) == MI_FAILURE) {
        errno = EINVAL;
        return -1;
    }
    pthread_t thread;
    int error = pthread_create(&thread, NULL, serve, NULL);
    if (error) {
        errno = error;
        return -1;
    }
    pthread_detach(thread);
    return await_answer();
}
