/* UMTX_OP_SHM: one page for everybody who maps the same memory. */
#include "threads.h"

#define ESRCH 3
#define EFAULT 14
#define EINVAL 22
#define ENOTTY 25
#define SHM 25
#define CREAT 1
#define LOOKUP 2
#define DESTROY 4
#define ALIVE 8

static u32 *page_of(void *address, long how, long *fd)
{
    *fd = umtx(0, SHM, how, address, 0);
    if (*fd < 0)
        return 0;
    u32 *page = (u32 *)call(SYS_MMAP, 0, 4096, 3, 1, *fd, 0);
    call(6, *fd);
    return page;
}

static void test(void)
{
    u32 *shared = map_memory(8192, SHARED_MEMORY), *private = map_memory(4096, PRIVATE_MEMORY);
    long fd;
    int status;

    CHECK_IS(umtx(0, SHM, LOOKUP, shared + 3, 0), -ESRCH);
    u32 *page = page_of(shared + 3, CREAT, &fd);
    CHECK(fd >= 0 && page != 0);
    page[100] = 77;
    long child = call(2);
    if (child == 0) {
        u32 *same = page_of(shared + 3, LOOKUP, &fd), *other = page_of(shared + 4, LOOKUP, &fd);
        if (same == 0 || other != 0 || same[100] != 77)
            call(1, 1);
        same[101] = 78;
        umtx(same + 101, OP_WAKE, 1, 0, 0);
        call(1, 0);
    }
    while (__atomic_load_n(&page[101], __ATOMIC_ACQUIRE) == 0)
        umtx(&page[101], 11, 0, 0, 0);
    CHECK_IS(page[101], 78);
    call(7, child, &status, 0, 0);
    CHECK_IS(status, 0);
    CHECK_IS(umtx(0, SHM, ALIVE, page, 0), 0);
    CHECK_IS(umtx(0, SHM, DESTROY, shared + 3, 0), 0);
    CHECK_IS(umtx(0, SHM, DESTROY, shared + 3, 0), -ESRCH);
    CHECK_IS(umtx(0, SHM, ALIVE, page, 0), -ENOTTY);
    CHECK_IS(page[100], 77);
    page = page_of(private, CREAT, &fd);
    CHECK(page != 0 && page[100] == 0);
    CHECK_IS(umtx(0, SHM, 3, private, 0), -EINVAL);
    CHECK_IS(umtx(0, SHM, CREAT, (void *)8, 0), -EFAULT);
}
