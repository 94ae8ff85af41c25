/* interfaces LIBRARY NAME...: whether a library of the Linux Standard Base is found by its runtime name, has
   each of the names, and does a small piece of work.  Ends with 0 when all of that is so, and names what is
   missing otherwise. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library;

/* A function of the library by name; without it nothing can be tried. */
static void *named(const char *name)
{
    void *found = dlsym(library, name);
    if (!found) {
        printf("%s is missing\n", name);
        exit(1);
    }
    return found;
}

static int libc(void)
{
    char *(*copy)(const char *) = named("strdup");
    char *text = copy("one two");
    return text && !strcmp(text, "one two");
}

static int libm(void)
{
    double (*power)(double, double) = named("pow");
    return power(2, 10) == 1024;
}

static void *twice(void *number)
{
    return (void *)(2 * (intptr_t)number);
}

static int libpthread(void)
{
    unsigned long thread;
    void *result = NULL;
    int (*create)(unsigned long *, const void *, void *(*)(void *), void *) = named("pthread_create");
    int (*join)(unsigned long, void **) = named("pthread_join");
    return create(&thread, NULL, twice, (void *)21) == 0 && join(thread, &result) == 0 && result == (void *)42;
}

static int libdl(void)
{
    void *(*open)(const char *, int) = named("dlopen");
    return open("libm.so.6", RTLD_NOW) != NULL;
}

static int librt(void)
{
    int (*open)(const char *, int, unsigned) = named("shm_open");
    int (*remove)(const char *) = named("shm_unlink");
    return open("/guise-lsb", 0102 /* O_RDWR | O_CREAT */, 0600) >= 0 && remove("/guise-lsb") == 0;
}

static int libcrypt(void)
{
    char *(*crypt)(const char *, const char *) = named("crypt");
    char *hash = crypt("secret", "$6$salt$");
    return hash && !strncmp(hash, "$6$salt$", 8) && strlen(hash) == 94;
}

static int libutil(void)
{
    int control, terminal;
    int (*open)(int *, int *, char *, void *, void *) = named("openpty");
    return open(&control, &terminal, NULL, NULL, NULL) == 0;
}

static int libz(void)
{
    unsigned long (*crc)(unsigned long, const unsigned char *, unsigned) = named("crc32");
    return crc(0, (const unsigned char *)"123456789", 9) == 0xcbf43926;
}

static int libncurses(void)
{
    int status = 0;
    int (*setup)(const char *, int, int *) = named("setupterm");
    int (*number)(const char *) = named("tigetnum");
    return setup("vt100", 1, &status) == 0 && number("cols") == 80;
}

static int libstdcxx(void)
{
    int status = -1;
    char *(*demangle)(const char *, char *, size_t *, int *) = named("__cxa_demangle");
    char *name = demangle("_ZNSt6vectorIiE5clearEv", NULL, NULL, &status);
    return status == 0 && name && strstr(name, "::clear()");
}

static int libpam(void)
{
    const char *(*text)(void *, int) = named("pam_strerror");
    return text(NULL, 0) != NULL;
}

static int libgcc(void)
{
    return named("_Unwind_GetIP") != NULL;
}

static int nss(void)
{
    return dlsym(library, "PR_GetVersion") || dlsym(library, "NSS_GetVersion") || dlsym(library, "NSSSSL_GetVersion");
}

static const struct {
    const char *prefix;
    int (*works)(void);
} trials[] = {
    {"libc.so", libc},         {"libm.so", libm},           {"libpthread", libpthread}, {"libdl", libdl},
    {"librt", librt},          {"libcrypt", libcrypt},      {"libutil", libutil},       {"libz", libz},
    {"libncurses", libncurses}, {"libstdc++", libstdcxx},   {"libpam", libpam},         {"libgcc_s", libgcc},
    {"libnspr4", nss},         {"libnss3", nss},            {"libssl3", nss},
};

int main(int argc, char **argv)
{
    int missing = 0, tried = 0;
    if (argc < 2) {
        fputs("interfaces LIBRARY NAME...\n", stderr);
        return 2;
    }
    library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        puts(dlerror());
        return 1;
    }
    for (int i = 2; i < argc; i++)
        if (!dlsym(library, argv[i])) {
            printf("%s is missing\n", argv[i]);
            missing++;
        }
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        if (!strncmp(argv[1], trials[i].prefix, strlen(trials[i].prefix))) {
            tried++;
            if (!trials[i].works()) {
                printf("%s does not work\n", argv[1]);
                return 1;
            }
        }
    return missing || !tried;
}
