/* What a process sees of itself in procfs, as /proc/curproc and /proc/self: its program, arguments, folders, mappings;
 * and nothing of the host's that NetBSD does not have. */
#include "guest.h"

static char text_of_file[65536];

static long read_whole(const char *path)
{
    s32 fd = (s32)call(5, path, 0, 0);
    long size = 0, got = 1;
    if (fd < 0)
        return fd;
    while (got > 0 && size < (long)sizeof(text_of_file) - 1) {
        got = call(3, fd, text_of_file + size, sizeof(text_of_file) - 1 - (u64)size);
        size += got > 0 ? got : 0;
    }
    text_of_file[size] = 0;
    call(6, fd);
    return size;
}

static u64 hexadecimal(const char **at)
{
    u64 value = 0;
    for (;; (*at)++) {
        if (**at >= '0' && **at <= '9')
            value = value * 16 + (u64)(**at - '0');
        else if (**at >= 'a' && **at <= 'f')
            value = value * 16 + (u64)(**at - 'a' + 10);
        else
            return value;
    }
}

static int holds(const char *line, const char *word)
{
    for (; *line && *line != '\n'; line++)
        if (memcmp(line, word, length(word)) == 0)
            return 1;
    return 0;
}

static void mappings(void)
{
    int own = 0, runtime = 0, lines = 0;
    CHECK(read_whole("/proc/curproc/maps") > 100);
    for (const char *line = text_of_file; *line; line++) {
        const char *at = line;
        u64 start = hexadecimal(&at);
        at++;
        u64 end = hexadecimal(&at);
        own += start <= (u64)mappings && (u64)mappings < end && at[1] == 'r' && at[3] == 'x';
        runtime += holds(line, "guise-runtime");
        lines++;
        while (*line && *line != '\n')
            line++;
    }
    CHECK(lines > 2);
    CHECK_IS(own, 1);
    CHECK_IS(runtime, 0);
    CHECK(read_whole("/proc/self/maps") > 100);
    CHECK_IS(call(5, "/proc/self/maps", 2, 0), -13); /* EACCES */
}

static void test(void)
{
    const char *program = (const char *)start_vector[1];
    u32 first[38], second[38];
    char name[1024] = "", here[1024] = "";
    long size = call(58, "/proc/curproc/exe", name, sizeof(name) - 1); /* readlink */
    CHECK(size > 1 && name[0] == '/');
    CHECK_IS(call(439, name, first), 0); /* __stat50 */
    CHECK_IS(call(439, program, second), 0);
    CHECK(memcmp(first, second, 16) == 0);
    CHECK_IS(call(439, "/proc/self/exe", second), 0);
    CHECK(memcmp(first, second, 16) == 0);
    CHECK_IS(call(58, "/proc/self/exe", here, 3), 3);
    CHECK(memcmp(name, here, 3) == 0);
    CHECK(read_whole("/proc/self/exe") > 1000 && memcmp(text_of_file, "\177ELF", 4) == 0);
    CHECK(read_whole("/proc/self/cmdline") > 0 && memcmp(text_of_file, program, length(program) + 1) == 0);
    CHECK(call(296, here, sizeof(here)) > 0); /* __getcwd */
    memset(name, 0, sizeof(name));
    CHECK(call(58, "/proc/curproc/cwd", name, sizeof(name) - 1) > 0 && equal(name, here));
    mappings();
    CHECK_IS(call(5, "/proc/self/mountinfo", 0, 0), -2);
    CHECK_IS(call(5, "/proc/thread-self/maps", 0, 0), -2);
    CHECK_IS(call(58, "/proc/curproc/nothing", name, 8), -2);
}
