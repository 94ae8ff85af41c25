/* The page of code that a kernel of the family shows to its guests. */
#include "bsd.h"
#include <linux/mman.h>

int bsd_map_code(struct process *p, const u8 *code, size_t size)
{
    long page = host(__NR_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(page))
        return (int)page;
    memset((void *)page, 0xcc, PAGE);
    memcpy((void *)page, code, size);
    host(__NR_mprotect, page, PAGE, PROT_READ | PROT_EXEC);
    code_mapped((u64)page, (u64)page + PAGE, -1, 0, false);
    p->sigcode = (u64)page;
    return 0;
}
