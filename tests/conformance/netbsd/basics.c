/* Calling convention and start: indirect calls, second results, errors, what the stack holds at first. */
#include "guest.h"

#define SYS_syscall 0
#define SYS___syscall 198

struct ps_strings {
    char **arguments;
    s32 argument_count;
    char **environment;
    s32 environment_count;
};

static void start_stack(void)
{
    long argc = start_vector[0];
    char **argv = (char **)(start_vector + 1), **environment = argv + argc + 1;
    struct ps_strings *strings = ps_strings_;
    u64 seen[16] = {0};
    char *executable = 0;

    CHECK_IS(argc, 1);
    CHECK(argv[argc] == 0);
    CHECK(strings->arguments == argv && strings->environment == environment);
    CHECK_IS(strings->argument_count, argc);
    char **end = environment;
    while (*end)
        end++;
    CHECK_IS(strings->environment_count, end - environment);
    for (u64 *v = (u64 *)(end + 1); v[0] != 0; v += 2) {
        if (v[0] < 16)
            seen[v[0]] = v[1];
        if (v[0] == 2014)
            executable = (char *)v[1];
    }
    CHECK(seen[3] != 0 && seen[5] > 0); /* AT_PHDR, AT_PHNUM */
    CHECK_IS(seen[4], 56);              /* AT_PHENT */
    CHECK_IS(seen[6], 4096);            /* AT_PAGESZ */
    CHECK(seen[9] != 0);                /* AT_ENTRY */
    CHECK(seen[13] > (u64)start_vector); /* AT_STACKBASE: the stack's end */
    CHECK(executable != 0 && executable[0] == '/');
}

static void test(void)
{
    start_stack();
    long pid = call(20), second = second_result;
    CHECK(pid > 1);
    CHECK_IS(second, call(39)); /* getpid also gives the parent's id */
    long user = call(24), effective = second_result;
    CHECK_IS(effective, call(25)); /* getuid, and its second result */
    CHECK_IS(user, call(25));
    CHECK_IS(call(47), call(43)); /* getgid, getegid */
    CHECK_IS(call(SYS_syscall, 20), pid);
    CHECK_IS(call(SYS___syscall, 20), pid);
    CHECK_IS(call(0, 3, JUNK(-1), line_, 1), -9); /* through SYS_syscall, too: EBADF */
    CHECK_IS(call(3, JUNK(-1), line_, 1), -9);
    CHECK_IS(call(4, 1, 1, 5), -14);              /* EFAULT */
    CHECK_IS(call(5, "/no/such/file", 0, 0), -2); /* ENOENT */
    CHECK_IS(call(8), -78);                       /* a form of 4.3BSD: ENOSYS */
    CHECK_IS(call(330), -78);                     /* sa_register */
    CHECK_IS(call(511), -78);
    CHECK_IS(call(0x100000 + 20), pid); /* nine bits of the number count */
    CHECK_IS(call(305), 0);             /* issetugid */
    CHECK_IS(call(3, 1022, line_, 1), -9); /* nothing of the runtime's own is in reach */

    s32 ends[2];
    long first = call(42), other = second_result; /* pipe: both results */
    CHECK(first > 2 && other > 2 && other != first);
    CHECK_IS(call(6, other), 0);
    CHECK_IS(call(6, first), 0);
    CHECK_IS(call(453, ends, 0), 0); /* pipe2 */
    CHECK_IS(call(4, ends[1], "abc", 3), 3);
    char buffer[4] = {0};
    CHECK_IS(call(3, ends[0], buffer, 4), 3);
    CHECK(equal(buffer, "abc"));
}
