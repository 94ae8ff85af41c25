/* guise-init: the small processes around an isolated program, and in a zone.
 *
 *   guise-init monitor SOCKET CHILD ATTENDANT APART     what the shell started; waits for CHILD
 *   guise-init init SOCKET PROGRAM READY                process 1 of the namespace; PROGRAM's parent
 *   guise-init guest SOCKET PROGRAM READY               the same, outside of a zone that has a process 1
 *   guise-init zone CONTROL AGAIN BSD                   process 1 of a zone
 *   guise-init await FROM PROGRAM [ARGUMENT...]         becomes PROGRAM when something can be read
 *
 * All others are numbers: descriptors and process ids; APART is 1 when no other process is in the monitor's
 * process group.  Static, without a C library: it runs where the
 * root directory has none, starts in a fraction of a millisecond and takes a few pages. */
#include "calls.h"

static bool same(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void explain(void)
{
    static const char text[] = "guise-init is started by guise: run \"guise run PROGRAM\" instead\n";
    CALL3(__NR_write, 2, text, sizeof(text) - 1);
}

void start(long *stack) __attribute__((noreturn, used));
void start(long *stack)
{
    long count = stack[0];
    char **words = (char **)(stack + 1);
    if (count == 6 && same(words[1], "monitor"))
        monitor(number_of(words[2]), number_of(words[3]), number_of(words[4]), number_of(words[5]) != 0);
    if (count == 5 && (same(words[1], "init") || same(words[1], "guest")))
        init(number_of(words[2]), number_of(words[3]), number_of(words[4]), same(words[1], "guest"));
    if (count == 5 && same(words[1], "zone"))
        zone(number_of(words[2]), number_of(words[3]), number_of(words[4]) != 0);
    if (count > 3 && same(words[1], "await"))
        await(number_of(words[2]), words + 3, words + count + 1);
    explain();
    leave(125);
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");

/* The compiler may call these for initialisers. */
void *memset(void *to, int value, size_t size)
{
    char *at = to;
    while (size-- > 0)
        *at++ = (char)value;
    return to;
}
