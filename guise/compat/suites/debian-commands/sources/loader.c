#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *library = dlopen(argc > 1 ? argv[1] : "./library.so", RTLD_NOW);
    if (!library) {
        puts("cannot be opened");
        return 2;
    }
    int (*triple)(int) = (int (*)(int))dlsym(library, "triple");
    printf("%d %d\n", triple(14), triple(triple(1)));
    return dlclose(library);
}
