/* stop — the flag that Ctrl-C sets. Handlers are installed without SA_RESTART: a read that waits
 * on a pipe must come back (os_read then says ST_INTERRUPTED). */
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lictor/thread.h"

static atomic_bool stop_flag;
static atomic_bool interrupted_before;

static void stop_on_signal(int sig)
{
    if (sig == SIGINT && atomic_exchange(&interrupted_before, true))
        _exit(128 + SIGINT);
    atomic_store(&stop_flag, true);
}

void stop_install(void)
{
    struct sigaction sa = {.sa_handler = stop_on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}

bool stop_asked(void) { return atomic_load_explicit(&stop_flag, memory_order_relaxed); }

void stop_ask(void) { atomic_store(&stop_flag, true); }
