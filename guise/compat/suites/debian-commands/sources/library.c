#include <stdio.h>

static int calls;

__attribute__((constructor)) static void begin(void) { puts("library begins"); }
__attribute__((destructor)) static void end(void) { printf("library ends after %d calls\n", calls); }

int triple(int value)
{
    calls++;
    return 3 * value;
}
