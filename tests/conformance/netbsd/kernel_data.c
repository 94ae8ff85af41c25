/* sysctl: the kernel's name, numbers, nodes described by the tree itself, processes, addresses. */
#include "guest.h"

struct node { /* struct sysctlnode */
    u32 flags;
    s32 number;
    char name[32];
    u32 version, reserved;
    u64 data[6];
};

static long get(const s32 *name, u32 count, void *to, u64 *size) { return call(202, name, count, to, size, 0, 0); }

#define NAME(...) \
    (s32[]) { __VA_ARGS__ }, sizeof((s32[]){__VA_ARGS__}) / 4

static long text_of(const s32 *name, u32 count, char *to)
{
    u64 size = 128;
    memset(to, 0, 128);
    return get(name, count, to, &size);
}

static long word_of(const s32 *name, u32 count)
{
    s32 word = -1;
    u64 size = 4;
    long r = get(name, count, &word, &size);
    return r ? r : size == 4 ? word : -1000;
}

static void names(void)
{
    char words[128];
    CHECK_IS(text_of(NAME(1, 1), words), 0);
    CHECK(equal(words, "NetBSD"));
    CHECK_IS(text_of(NAME(1, 2), words), 0);
    CHECK(equal(words, "10.1"));
    CHECK_IS(word_of(NAME(1, 3)), 1001000000); /* kern.osrevision */
    CHECK_IS(text_of(NAME(6, 1), words), 0);   /* hw.machine */
    CHECK(equal(words, "amd64"));
    CHECK_IS(text_of(NAME(6, 10), words), 0); /* hw.machine_arch */
    CHECK(equal(words, "x86_64"));
    CHECK(word_of(NAME(6, 3)) > 0); /* hw.ncpu */
    CHECK_IS(word_of(NAME(6, 7)), 4096);
    CHECK(word_of(NAME(6, 16)) > 0); /* hw.ncpuonline */
    char disks[256];
    CHECK_IS(text_of(NAME(6, 8), disks), 0); /* hw.disknames */
    u64 length = 0, whole = 0, count = disks[0] != 0;
    for (const char *at = disks; *at; at++)
        count += *at == ' ';
    CHECK_IS(get(NAME(6, 9), 0, &length), 0); /* hw.iostats: the names alone */
    CHECK_IS(length, 16 * count);
    CHECK_IS(get(NAME(6, 9, 128), 0, &whole), 0);
    CHECK_IS(whole, 128 * count);
    CHECK_IS(word_of(NAME(1, 9999)), -2);
    CHECK_IS(word_of(NAME(99, 1)), -2);
    s64 memory[100];
    u64 size = sizeof(memory);
    CHECK_IS(get(NAME(2, 5), memory, &size), 0); /* vm.uvmexp2 */
    CHECK_IS(size, 93 * 8);
    CHECK_IS(memory[0], 4096);
    memory[79] = -7;
    size = 79 * 8; /* what Go's golang.org/x/sys knows of it */
    CHECK_IS(get(NAME(2, 5), memory, &size), 0);
    CHECK_IS(size, 79 * 8);
    CHECK_IS(memory[79], -7);
    size = 0;
    CHECK_IS(get(NAME(2, 5), 0, &size), 0);
    CHECK_IS(size, 93 * 8);
    size = 2;
    CHECK_IS(get(NAME(1, 1), words, &size), -12); /* ENOMEM: it does not fit */
    size = 0;
    CHECK_IS(get(NAME(1, 1), 0, &size), 0);
    CHECK_IS(size, 7);
}

static void tree(void)
{
    static struct node nodes[128];
    u64 size = sizeof(nodes);
    s32 top[] = {-2}, kernel[] = {1, -2};
    struct node query = {.flags = 1 << 24}; /* SYSCTL_VERS_1 */
    memset(nodes, 0, sizeof(nodes));
    CHECK_IS(call(202, top, 1, nodes, &size, &query, sizeof(query)), 0); /* CTL_QUERY */
    CHECK(size >= 2 * sizeof(struct node) && size % sizeof(struct node) == 0);
    int found = 0;
    for (u64 i = 0; i < size / sizeof(struct node); i++)
        found |= (nodes[i].number == 1 && equal(nodes[i].name, "kern")) << 0 |
                 (nodes[i].number == 6 && equal(nodes[i].name, "hw")) << 1;
    CHECK_IS(found, 3);
    size = sizeof(nodes);
    CHECK_IS(call(202, kernel, 2, nodes, &size, &query, sizeof(query)), 0);
    found = 0;
    for (u64 i = 0; i < size / sizeof(struct node); i++)
        found |= nodes[i].number == 1 && equal(nodes[i].name, "ostype") && (nodes[i].flags & 15) == 3;
    CHECK_IS(found, 1);
}

static void processes(void)
{
    static u8 data[65536];
    s32 pid = (s32)call(20), name[] = {1, 47, 1, pid, 624, 1}; /* kern.proc2 by pid */
    u64 size = sizeof(data);
    CHECK_IS(call(202, name, 6, data, &size, 0, 0), 0);
    CHECK_IS(size, 624);
    s32 arguments[] = {1, 48, pid, 1}; /* kern.proc_args: argv */
    size = sizeof(data);
    CHECK_IS(call(202, arguments, 4, data, &size, 0, 0), 0);
    CHECK(size > 1 && equal((char *)data, (char *)start_vector[1]));
    s32 path[] = {1, 48, pid, 5}; /* KERN_PROC_PATHNAME */
    size = sizeof(data);
    CHECK_IS(call(202, path, 4, data, &size, 0, 0), 0);
    CHECK_IS(data[0], '/');
    s32 route[] = {4, 17, 0, 0, 6, 0}; /* NET_RT_IFLIST */
    size = sizeof(data);
    CHECK_IS(call(202, route, 6, data, &size, 0, 0), 0);
    CHECK(size > 0 && *(u16 *)data <= size);
    s32 old_route[] = {4, 17, 0, 2, 5, 0}; /* NET_RT_OIFLIST, of the Internet's addresses */
    size = sizeof(data);
    CHECK_IS(call(202, old_route, 6, data, &size, 0, 0), 0);
    int found = 0;
    for (u64 at = 0; at < size; at += *(u16 *)(data + at))
        if (data[at + 3] == 0xc) { /* RTM_ONEWADDR: index at 16, addresses at 24, the mask first */
            u16 index = *(u16 *)(data + at + 16);
            found += index > 0 && data[at + 24] == 16 && data[at + 25] == 2 && data[at + 40] == 16;
        }
    CHECK(found > 0); /* the loopback interface's at least */
}

static void random_bytes(void)
{
    static char some[32], others[32], many[300];
    u64 size = sizeof(some);
    CHECK_IS(get(NAME(1, 81), some, &size), 0); /* kern.arandom */
    CHECK_IS(size, sizeof(some));
    CHECK_IS(get(NAME(1, 81), others, &size), 0);
    CHECK(memcmp(some, others, sizeof(some)) != 0);
    size = sizeof(many);
    CHECK_IS(get(NAME(1, 81), many, &size), 0);
    CHECK(size == 256 && many[256] == 0 && many[299] == 0); /* no more at a time */
    size = 8;
    CHECK_IS(get(NAME(1, 81), (void *)8, &size), -14);
}

static void test(void)
{
    random_bytes();
    names();
    tree();
    processes();
}
