/* The processor's time-stamp counter beside the host's clock.  Compiled into personality._core. */
#include <cpuid.h>
#include <time.h>
#include <x86intrin.h>

#define TRIES 8
#define EVEN_PACE (1U << 8) /* CPUID 80000007H, EDX: the counter ticks alike in all states of the processor */

/* pair: ticks, and ns of CLOCK_MONOTONIC at that time, from the narrowest of a few readings.  -1: the counter is
 * no clock on this processor. */
static long core_ticks(unsigned long *pair)
{
    unsigned eax, ebx, ecx, edx;
    unsigned long narrowest = ~0UL;

    if (!__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) || !(edx & EVEN_PACE))
        return -1;
    for (int i = 0; i < TRIES; i++) {
        struct timespec now;
        unsigned long before = __rdtsc();
        clock_gettime(CLOCK_MONOTONIC, &now);
        unsigned long took = __rdtsc() - before;
        if (took >= narrowest)
            continue;
        narrowest = took;
        pair[0] = before + took / 2;
        pair[1] = (unsigned long)now.tv_sec * 1000000000UL + (unsigned long)now.tv_nsec;
    }
    return 0;
}
