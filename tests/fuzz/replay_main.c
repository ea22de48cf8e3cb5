/* replay_main — runs a fuzz target over the files of directories, without libFuzzer: what was ever
 * found stays found, with every compiler. An empty or missing corpus is a failure, not a pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)64 << 20)

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    /* Exactly as long as the input, so that a read past its end is seen. */
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (size < 0 || (size_t)size > INPUT_MAX) {
        fclose(f);
        return -1;
    }
    rewind(f);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    int ok = data && fread(data, 1, (size_t)size, f) == (size_t)size;
    fclose(f);
    if (ok)
        (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return ok ? 0 : -1;
}

static int replay_dir(const char *path, unsigned *done)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0) {
        perror(path);
        return -1;
    }
    int st = 0;
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            if (replay_file(file) == 0) {
                (*done)++;
            } else {
                fprintf(stderr, "cannot read %s\n", file);
                st = -1;
            }
        }
        free(names[i]);
    }
    free(names);
    return st;
}

int main(int argc, char **argv)
{
    unsigned done = 0;
    int st = 0;
    for (int i = 1; i < argc; i++)
        if (replay_dir(argv[i], &done) != 0)
            st = 1;
    printf("%u inputs replayed\n", done);
    return st || done == 0;
}
