/* cli_secret — asking for a passphrase at the terminal, unseen. The terminal itself is asked, not
 * standard input, which may be a pipe of other things. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lictor/cli.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define SECRET_MAX 1024

static void say(int tty, const char *text)
{
    struct err ignored;
    if (os_write(tty, text, strlen(text), &ignored) != ST_OK)
        return; /* then reading fails, too */
}

/* One line without its end; what is longer than can be is read to the end and refused. */
static enum status read_line(int tty, uint8_t *text, size_t *len, struct err *err)
{
    size_t n = 0;
    uint8_t c = 0;
    *len = 0;
    for (;;) {
        ssize_t got = read(tty, &c, 1);
        if (got < 0 && errno == EINTR && !stop_asked())
            continue;
        if (got < 0 && errno != EINTR)
            return err_errno(err, errno, "the terminal could not be read");
        if (stop_asked() || (got == 0 && n == 0))
            return err_set(err, ST_INTERRUPTED, "no passphrase was given");
        if (got == 0 || c == '\n')
            break;
        if (n < SECRET_MAX)
            text[n] = c;
        n++;
    }
    if (n > SECRET_MAX)
        return err_set(err, ST_DENIED, "the passphrase is longer than %d bytes", SECRET_MAX);
    *len = n;
    return n ? ST_OK : err_set(err, ST_DENIED, "the passphrase is empty");
}

static enum status ask_hidden(int tty, const char *prompt, bool twice, uint8_t *text, size_t *len,
                              struct err *err)
{
    say(tty, prompt);
    say(tty, ": ");
    enum status st = read_line(tty, text, len, err);
    say(tty, "\n");
    if (st != ST_OK || !twice)
        return st;
    size_t again_len = 0;
    uint8_t *again = os_secret_new(SECRET_MAX);
    if (!again)
        return err_no_memory(err);
    say(tty, "Once more: ");
    st = read_line(tty, again, &again_len, err);
    say(tty, "\n");
    if (st == ST_OK && (again_len != *len || memcmp(again, text, *len) != 0))
        st = err_set(err, ST_DENIED, "the two passphrases are not the same");
    os_secret_free(again, SECRET_MAX);
    return st;
}

/* Without echo; Ctrl-Z would leave the terminal so. */
static enum status ask(int tty, const char *prompt, bool twice, uint8_t *text, size_t *len,
                       struct err *err)
{
    struct termios before, hidden;
    sigset_t later, old;
    if (tcgetattr(tty, &before) != 0)
        return err_errno(err, errno, "the terminal could not be asked");
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    sigemptyset(&later);
    sigaddset(&later, SIGTSTP);
    (void)pthread_sigmask(SIG_BLOCK, &later, &old);
    enum status st = ST_OK;
    if (tcsetattr(tty, TCSAFLUSH, &hidden) != 0)
        st = err_errno(err, errno, "the terminal would show the passphrase");
    if (st == ST_OK) {
        st = ask_hidden(tty, prompt, twice, text, len, err);
        (void)tcsetattr(tty, TCSAFLUSH, &before);
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return st;
}

enum status cli_ask_secret(const char *prompt, bool twice, uint8_t **text, size_t *len,
                           struct err *err)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return err_set(err, ST_DENIED,
                       "a passphrase is needed, and there is no terminal to ask for it: "
                       "--passphrase-file FILE");
    uint8_t *room = os_secret_new(SECRET_MAX);
    enum status st = room ? ask(tty, prompt, twice, room, len, err) : err_no_memory(err);
    os_close(&tty);
    if (st == ST_OK)
        *text = room;
    else
        cli_free_secret(room);
    return st;
}

void cli_free_secret(uint8_t *text) { os_secret_free(text, SECRET_MAX); }
