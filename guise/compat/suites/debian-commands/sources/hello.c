#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double parts[4];

static void *part(void *which)
{
    long n = (long)which;
    for (long i = n; i < 100000; i += 4)
        parts[n] += 1.0 / ((double)i * (double)i + 1);
    return which;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    double sum = 0;
    for (long n = 0; n < 4; n++)
        pthread_create(&threads[n], NULL, part, (void *)n);
    for (long n = 0; n < 4; n++) {
        void *which;
        pthread_join(threads[n], &which);
        sum += parts[(long)which];
    }
    printf("%.9f %.9f\n", sum, sqrt(sum));
    for (int i = 1; i < argc; i++)
        printf("%d %zu %s\n", i, strlen(argv[i]), argv[i]);
    return argc > 1 ? atoi(argv[1]) : 0;
}
