#include "journal_guard.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile sig_atomic_t guarded, hit;

/* Put a page of zeros there. False: it can't be. */
static bool put_page(void *at)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE), within = (uintptr_t)at % size;
    return mmap((char *)at - within, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* Where it does nothing the fault comes again, and ends the process. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (guarded && info->si_code == BUS_ADRERR && put_page(info->si_addr))
        hit = 1;
    else
        signal(number, SIG_DFL);
}

void journal_guard_install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

void journal_guard_begin(void)
{
    hit = 0;
    guarded = 1;
}

bool journal_guard_hit(void)
{
    bool was = hit;
    hit = 0;
    return was;
}

void journal_guard_end(void)
{
    guarded = 0;
}
