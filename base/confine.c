/* confine — a list of system calls that a multithreaded program which reads and writes files needs;
 * all others answer "not permitted" (or "not there", where libc then takes an older one). Landlock
 * has no wrappers in libc: three system calls. */
#include "lictor/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/asan.h"
#include "lictor/os.h"

static char reached[CONFINE_TEXT_SIZE];

const char *confine_text(void) { return reached; }

/* ---- Landlock ---- */

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)
#define FS_OTHER                                                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FS_REFER (UINT64_C(1) << 13)    /* since version 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* since version 3 */

/* The rights that a rule for a single file may name. */
#define FS_OF_A_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

static int landlock_version(void)
{
    long v = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return v > 0 ? (int)v : 0;
}

static enum status landlock_path(int rules, const struct confine_path *p, uint64_t handled,
                                 struct err *err)
{
    struct landlock_path_beneath_attr below = {
        .allowed_access = handled & (FS_READ | (p->write ? FS_WRITE | FS_REFER | FS_TRUNCATE : 0)),
    };
    if (!below.allowed_access) /* what it would allow is not restricted */
        return ST_OK;
    below.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
    if (below.parent_fd < 0)
        return err_errno(err, errno, "%s", p->path);
    struct stat st;
    if (fstat(below.parent_fd, &st) != 0 || !S_ISDIR(st.st_mode))
        below.allowed_access &= FS_OF_A_FILE;
    long bad = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
    int why = errno;
    close(below.parent_fd);
    return bad ? err_errno(err, why, "%s: Landlock", p->path) : ST_OK;
}

/* *version: 0 where the kernel does not have it. */
static enum status landlock_apply(const struct confine_rules *r, int *version, struct err *err)
{
    struct landlock_ruleset_attr all = {.handled_access_fs = FS_READ | FS_WRITE | FS_OTHER};
    *version = landlock_version();
    if (!*version)
        return ST_OK;
    if (*version >= 2)
        all.handled_access_fs |= FS_REFER;
    if (*version >= 3)
        all.handled_access_fs |= FS_TRUNCATE;
    if (r->reads_anywhere)
        all.handled_access_fs &= ~(uint64_t)FS_READ;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0) { /* built in, but switched off */
        *version = 0;
        return ST_OK;
    }
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < r->n_paths; i++)
        st = landlock_path(rules, &r->paths[i], all.handled_access_fs, err);
    if (st == ST_OK && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        *version = 0;
    close(rules);
    return st;
}

/* ---- seccomp ---- */

/* What libseccomp asks for here, in small pieces, is less (85 KiB were enough); more than 128 KiB
 * would be mapped, and given back. */
#define ROOM ((size_t)120 << 10)

static const int allowed[] = {
    /* files that are open */
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(preadv), SCMP_SYS(write),
    SCMP_SYS(pwrite64), SCMP_SYS(writev), SCMP_SYS(pwritev), SCMP_SYS(close), SCMP_SYS(lseek),
    SCMP_SYS(_llseek), SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(dup), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(getdents64), SCMP_SYS(fsync), SCMP_SYS(fadvise64), SCMP_SYS(readahead),
    SCMP_SYS(flock),
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock),
    SCMP_SYS(mlock2), SCMP_SYS(munlock),
    /* threads and signals of its own */
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    /* clocks, random bytes, what the machine has */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(getrandom),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(getrusage),
    SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid)};

static const int writing[] = {SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate),
                              SCMP_SYS(rename),    SCMP_SYS(renameat),        SCMP_SYS(renameat2),
                              SCMP_SYS(unlink),    SCMP_SYS(unlinkat),        SCMP_SYS(mkdir),
                              SCMP_SYS(fstatfs),   SCMP_SYS(fstatfs64),       SCMP_SYS(mkdirat),
                              SCMP_SYS(fallocate)};

/* A system call that this architecture does not have is passed over. */
static int allow(scmp_filter_ctx f, int call)
{
    int bad = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0);
    return bad == -EEXIST || bad == -EDOM ? 0 : bad;
}

static int allow_one(scmp_filter_ctx f, int call, struct scmp_arg_cmp arg)
{
    int bad = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &arg);
    return bad == -EDOM ? 0 : bad;
}

static int allow_files(scmp_filter_ctx f, bool writes)
{
    int bad = 0;
    for (int i = 0; i < 2; i++) {
        int call = i ? SCMP_SYS(openat) : SCMP_SYS(open);
        struct scmp_arg_cmp reading = {i ? 2 : 1, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC,
                                       O_RDONLY};
        bad |= writes ? allow(f, call) : allow_one(f, call, reading);
    }
    for (size_t i = 0; writes && i < sizeof writing / sizeof *writing; i++)
        bad |= allow(f, writing[i]);
    return bad;
}

/* Memory never becomes code; threads, but no processes; the sockets that are open already. */
static int allow_bounded(scmp_filter_ctx f, long child)
{
    struct scmp_arg_cmp no_exec = {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
    struct scmp_arg_cmp thread = {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD};
    int bad = allow_one(f, SCMP_SYS(mmap), no_exec);
    bad |= allow_one(f, SCMP_SYS(mprotect), no_exec);
    bad |= allow_one(f, SCMP_SYS(clone), thread);
    bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    bad |= allow_one(f, SCMP_SYS(sendto), (struct scmp_arg_cmp){4, SCMP_CMP_EQ, 0, 0});
    bad |= allow_one(f, SCMP_SYS(recvfrom), (struct scmp_arg_cmp){4, SCMP_CMP_EQ, 0, 0});
    bad |= allow_one(f, SCMP_SYS(ioctl), (struct scmp_arg_cmp){1, SCMP_CMP_EQ, TIOCGWINSZ, 0});
    bad |= allow_one(f, SCMP_SYS(ioctl),
                     (struct scmp_arg_cmp){1, SCMP_CMP_EQ, 0x5401, 0}); /* TCGETS */
    bad |= allow_one(f, SCMP_SYS(prctl), (struct scmp_arg_cmp){0, SCMP_CMP_EQ, PR_SET_NAME, 0});
    /* prlimit64 of itself, asking alone */
    bad |= allow_one(f, SCMP_SYS(prlimit64), (struct scmp_arg_cmp){2, SCMP_CMP_EQ, 0, 0});
    struct scmp_arg_cmp self = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    bad |= allow_one(f, SCMP_SYS(tgkill), self);
    bad |= allow_one(f, SCMP_SYS(kill), self);
    if (child > 0)
        bad |= allow_one(f, SCMP_SYS(kill),
                         (struct scmp_arg_cmp){0, SCMP_CMP_EQ, (scmp_datum_t)child, 0});
    return bad;
}

/* libseccomp 2.5 crashes, runs for ever or loads a list of something else where memory lacks in
 * between: there is enough for all of its small pieces before it is called. */
static bool has_room(void)
{
    void *room = malloc(ROOM);
    free(room);
    return room != NULL;
}

static enum status list_failed(struct err *err)
{
    return err_set(err, ST_NO_MEMORY, "the list of system calls could not be made");
}

/* *on: whether the kernel took it. */
static enum status seccomp_apply(const struct confine_rules *r, bool *on, struct err *err)
{
    *on = false;
    scmp_filter_ctx f = has_room() ? seccomp_init(SCMP_ACT_ERRNO(EPERM)) : NULL;
    if (!f)
        return err_no_memory(err);
    int bad = allow_files(f, r->writes);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        bad |= allow(f, allowed[i]);
    bad |= allow_bounded(f, r->child);
    if (r->log > 0 && !r->writes)
        bad |= allow_one(f, SCMP_SYS(ftruncate),
                         (struct scmp_arg_cmp){0, SCMP_CMP_EQ, (scmp_datum_t)r->log, 0});
    int refused = bad ? 0 : seccomp_load(f);
    seccomp_release(f);
    /* Without a list only where the kernel takes none; for want of memory nobody goes unconfined.
     */
    if (bad || refused == -ENOMEM || refused == -EFAULT)
        return list_failed(err);
    *on = refused == 0;
    return ST_OK;
}

/* ---- both ---- */

static void put_text(char text[CONFINE_TEXT_SIZE], bool seccomp, int landlock)
{
    char version[24] = "";
    if (landlock)
        snprintf(version, sizeof version, "landlock/%d", landlock);
    snprintf(text, CONFINE_TEXT_SIZE, "%s%s%s", seccomp ? "seccomp" : "",
             seccomp && landlock ? " " : "", version);
}

void confine_probe(char text[CONFINE_TEXT_SIZE])
{
    bool seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
    put_text(text, !UNDER_ASAN && seccomp, UNDER_ASAN ? 0 : landlock_version());
}

enum status confine_always(const struct confine_rules *r, struct err *err)
{
    bool seccomp = false;
    int landlock = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ST_OK; /* neither can be had then */
    TRY(landlock_apply(r, &landlock, err));
    TRY(seccomp_apply(r, &seccomp, err));
    put_text(reached, seccomp, landlock);
    return ST_OK;
}

enum status confine_process(const struct confine_rules *r, struct err *err)
{
    return UNDER_ASAN ? ST_OK : confine_always(r, err);
}
