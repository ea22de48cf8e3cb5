/* walk — A directory is read whole, its names sorted, and each entry taken in turn: that gives the
 * byte order of relative paths if a directory sorts as "name/". Depth is bounded by PATH_MAX. */
#include "indexer/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static enum status list_add(struct walk_list *l, const char *path, uint64_t size,
                            const char *problem, struct err *err)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct walk_item *items = realloc(l->items, cap * sizeof *items);
        if (!items)
            return err_no_memory(err);
        l->items = items;
        l->cap = cap;
    }
    struct walk_item *it = &l->items[l->n];
    *it = (struct walk_item){.path = strdup(path), .size = size};
    if (problem)
        it->problem = strdup(problem);
    if (!it->path || (problem && !it->problem)) {
        free(it->path);
        free(it->problem);
        return err_no_memory(err);
    }
    l->n++;
    l->bytes += size;
    return ST_OK;
}

struct entry {
    char *name; /* with '/' at the end for a directory */
    bool dir;
};

static int entry_cmp(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static bool is_signature(const char *name)
{
    static const char end[] = ".minisig";
    size_t n = strlen(name);
    return n >= sizeof end - 1 && strcmp(name + n - (sizeof end - 1), end) == 0;
}

struct entries {
    struct entry *items;
    size_t n, cap;
};

static void entries_release(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++)
        free(e->items[i].name);
    free(e->items);
}

/* Takes one name of a directory. */
static enum status entries_add(struct entries *e, DIR *d, const char *name, struct walk_list *l,
                               struct err *err)
{
    struct stat st;
    bool known = fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && S_ISLNK(st.st_mode)) {
        l->links++;
        return ST_OK;
    }
    if (is_signature(name))
        return ST_OK;
    if (e->n == e->cap) {
        size_t cap = e->cap ? e->cap * 2 : 32;
        struct entry *items = realloc(e->items, cap * sizeof *items);
        if (!items)
            return err_no_memory(err);
        e->items = items;
        e->cap = cap;
    }
    bool dir = known && S_ISDIR(st.st_mode);
    char *copy = malloc(strlen(name) + 2);
    if (!copy)
        return err_no_memory(err);
    sprintf(copy, "%s%s", name, dir ? "/" : "");
    e->items[e->n++] = (struct entry){.name = copy, .dir = dir};
    return ST_OK;
}

static enum status take_dir(const char *path, struct walk_list *l, struct err *err);

static enum status take_file(const char *path, struct walk_list *l, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return list_add(l, path, 0, strerror(errno), err);
    if (!S_ISREG(st.st_mode))
        return list_add(l, path, 0, "not a regular file", err);
    return list_add(l, path, (uint64_t)st.st_size, NULL, err);
}

static enum status take_entries(const char *path, const struct entries *e, struct walk_list *l,
                                struct err *err)
{
    size_t base = strlen(path);
    const char *sep = base && path[base - 1] == '/' ? "" : "/";
    for (size_t i = 0; i < e->n; i++) {
        char full[PATH_MAX];
        int n = snprintf(full, sizeof full, "%s%s%s", path, sep, e->items[i].name);
        if (n < 0 || (size_t)n >= sizeof full) {
            TRY(list_add(l, path, 0, "a path below this directory is too long", err));
            continue;
        }
        if (e->items[i].dir)
            TRY(take_dir(full, l, err));
        else
            TRY(take_file(full, l, err));
    }
    return ST_OK;
}

static enum status take_dir(const char *path, struct walk_list *l, struct err *err)
{
    DIR *d = opendir(path);
    if (!d)
        return list_add(l, path, 0, strerror(errno), err);
    struct entries e = {0};
    enum status st = ST_OK;
    struct dirent *de;
    while (st == ST_OK && (de = readdir(d)) != NULL)
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            st = entries_add(&e, d, de->d_name, l, err);
    closedir(d);
    if (st == ST_OK && e.n)
        qsort(e.items, e.n, sizeof *e.items, entry_cmp);
    if (st == ST_OK)
        st = take_entries(path, &e, l, err);
    entries_release(&e);
    return st;
}

enum status walk_args(char **args, int n, struct walk_list *out, struct err *err)
{
    for (int i = 0; i < n; i++) {
        struct stat st;
        if (strcmp(args[i], "-") != 0 && stat(args[i], &st) != 0 && errno == ENOENT)
            return err_set(err, ST_USAGE, "%s: there is no such dump; nothing was read", args[i]);
    }
    for (int i = 0; i < n; i++) {
        struct stat st;
        if (strcmp(args[i], "-") == 0)
            TRY(list_add(out, "-", 0, NULL, err));
        else if (stat(args[i], &st) != 0)
            TRY(list_add(out, args[i], 0, strerror(errno), err));
        else if (S_ISDIR(st.st_mode))
            TRY(take_dir(args[i], out, err));
        else if (S_ISREG(st.st_mode))
            TRY(list_add(out, args[i], (uint64_t)st.st_size, NULL, err));
        else if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
            TRY(list_add(out, args[i], 0, NULL, err));
        else
            TRY(list_add(out, args[i], 0, "not a regular file", err));
    }
    return ST_OK;
}

void walk_release(struct walk_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].path);
        free(l->items[i].problem);
    }
    free(l->items);
    *l = (struct walk_list){0};
}
