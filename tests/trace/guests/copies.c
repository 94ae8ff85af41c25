/* Says hello, or writes what is in the files that it is given: calls whose numbers the BSDs agree on. */
#include "guest.h"

#define SYS_EXIT 1
#define SYS_READ 3
#define SYS_WRITE 4
#define SYS_OPEN 5
#define SYS_CLOSE 6

static void test(void)
{
    static char text[64];
    char **files = (char **)(start_vector + 2);

    if (*files == 0)
        call(SYS_WRITE, 1, "hello\n", 6);
    for (; *files != 0; files++) {
        long fd = call(SYS_OPEN, *files, 0, 0);
        if (fd < 0) {
            call(SYS_WRITE, 2, "none\n", 5);
            continue;
        }
        long length = call(SYS_READ, fd, text, sizeof(text));
        if (length > 0)
            call(SYS_WRITE, 1, text, length);
        call(SYS_CLOSE, fd);
    }
    call(SYS_EXIT, 5);
}
