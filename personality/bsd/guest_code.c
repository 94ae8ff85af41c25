/* The page of code that a kernel of the family shows to its guests: mapped when it is first needed, as most
 * programs never are sent a signal that they catch. */
#include "bsd.h"
#include <linux/mman.h>

RUNTIME_LOCK(code_lock);
static u64 shown; /* a property of the address space: a vfork child shares it */

static u64 map_code(const u8 *code, size_t size)
{
    long page = host(__NR_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(page))
        return 0;
    memset((void *)page, 0xcc, PAGE);
    memcpy((void *)page, code, size);
    host(__NR_mprotect, page, PAGE, PROT_READ | PROT_EXEC);
    code_mapped((u64)page, (u64)page + PAGE, -1, 0, false);
    return (u64)page;
}

u64 bsd_code(const u8 *code, size_t size)
{
    u64 at = __atomic_load_n(&shown, __ATOMIC_ACQUIRE);
    if (at != 0)
        return at;
    lock_acquire(&code_lock);
    if (shown == 0)
        __atomic_store_n(&shown, map_code(code, size), __ATOMIC_RELEASE);
    at = shown;
    lock_release(&code_lock);
    return at;
}
