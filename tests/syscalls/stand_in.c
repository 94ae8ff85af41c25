/* What translators need of the runtime, for tests: the "host kernel" records its arguments and lets the
 * test decide what it answers; addresses below 4096 fault. */
#include "abi_toy.h"

long (*host_answer)(long n, const u64 *arguments);
static u64 last[6];
const u64 *last_arguments = last;
long last_number;
int allocated;

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void free(void *p);

long host_interruptible6(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    const u64 all[6] = {a, b, c, d, e, f};
    last_number = n;
    memcpy(last, all, sizeof(all));
    return host_answer ? host_answer(n, last) : 0;
}

int copy_in(void *to, u64 guest, size_t n)
{
    if (guest < 4096)
        return -EFAULT;
    memcpy(to, (const void *)guest, n);
    return 0;
}

int copy_out(u64 guest, const void *from, size_t n)
{
    if (guest < 4096)
        return -EFAULT;
    memcpy((void *)guest, from, n);
    return 0;
}

void *runtime_alloc(size_t size)
{
    allocated++;
    return calloc(1, size);
}

void runtime_free(void *p)
{
    allocated--;
    free(p);
}

long serve_by_upcall(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return 4711;
}
