/* What descriptors stand for: a file's path, a socket's addresses.
 *
 * Looked up when a recorded call first uses a number, and written as a record of its own that holds until
 * the number is closed or the call is one that changes it.  A number that was closed behind our back (a table
 * shared with another process) is found out when a call makes it again. */
#include "core.h"
#include "trace.h"

#define NUMBERS 4096 /* beyond these every use is looked up again */
#define ANNOUNCED 1
#define MOST_AUTOMATA 15 /* whose verdicts are kept, in two bits each */
#define SOL_SOCKET 1
#define SO_TYPE 3
#define SO_DOMAIN 39
#define SO_PROTOCOL 38
#define ADDRESS_ROOM 128U
#define LONGEST_NAME 1024
#define MOST_LISTED 1024 /* of one set that are looked up */

static u32 known[NUMBERS] LARGE; /* ANNOUNCED, then per automaton: judged, and the verdict */

static void forget(struct thread *t UNUSED, int fd)
{
    if (trace_area != NULL && (u32)fd < NUMBERS)
        __atomic_store_n(&known[fd], 0, __ATOMIC_RELAXED);
}
ON_FD_CLOSE(forget);

void trace_names_forget(void) { memset(known, 0, sizeof(known)); }

/* The length of a descriptor's link, or -errno. */
long trace_name(int fd, char *to, size_t room)
{
    char link[40];
    format(link, sizeof(link), "/proc/self/fd/%d", fd);
    return host(__NR_readlink, link, to, room);
}

static u32 address_of(int fd, long call, u8 *to)
{
    u32 length = ADDRESS_ROOM;
    if (host(call, fd, to, &length) != 0)
        return 0;
    return length < ADDRESS_ROOM ? length : ADDRESS_ROOM;
}

static u32 socket_option(int fd, int option)
{
    u32 value = 0, length = sizeof(value);
    return host(__NR_getsockopt, fd, SOL_SOCKET, option, &value, &length) == 0 ? value : 0;
}

/* A capture that describes a descriptor; `at` again when there is none of that number. */
static u8 *capture_descriptor(struct trace_record *r, u8 *at, int fd)
{
    struct trace_descriptor *d = (struct trace_descriptor *)(at + sizeof(struct trace_capture));
    u8 *link = (u8 *)(d + 1);
    u64 used = (u64)(at - (u8 *)r) + LONGEST_NAME + 512;
    if (used > TRACE_RECORD)
        return at;
    long length = trace_name(fd, (char *)link, LONGEST_NAME);
    if (length < 0)
        return at;
    *d = (struct trace_descriptor){.number = (u32)fd, .link = (u32)length};
    if (length > 7 && memcmp(link, "socket:", 7) == 0) {
        d->domain = socket_option(fd, SO_DOMAIN);
        d->type = socket_option(fd, SO_TYPE);
        d->protocol = socket_option(fd, SO_PROTOCOL);
        d->local = address_of(fd, __NR_getsockname, link + length);
        d->peer = address_of(fd, __NR_getpeername, link + length + d->local);
    }
    u32 size = (u32)sizeof(*d) + d->link + d->local + d->peer;
    *(struct trace_capture *)at = (struct trace_capture){.argument = CAPTURE_DESCRIPTOR, .length = size};
    r->captures++;
    if ((u32)fd < NUMBERS)
        __atomic_or_fetch(&known[fd], ANNOUNCED, __ATOMIC_RELAXED);
    return at + sizeof(struct trace_capture) + ((size + 7) & ~7U);
}

static void announce(struct trace_slot *s, int fd)
{
    if (fd < 0 || ((u32)fd < NUMBERS && (__atomic_load_n(&known[fd], __ATOMIC_RELAXED) & ANNOUNCED)))
        return;
    struct trace_record *r = trace_reserve(s, RECORD_DESCRIPTOR, (u32)fd);
    if (r == NULL)
        return;
    u8 *end = capture_descriptor(r, (u8 *)r->values, fd);
    if (end != (u8 *)r->values)
        trace_commit(s, r, end);
}

/* The descriptors that select and poll ask about. */
static void announce_listed(struct trace_slot *s, const struct trace_argument *what, const u64 *a)
{
    u32 count = (u32)a[what->length], value = 0;
    u64 address = a[what->argument];
    if (address == 0)
        return;
    for (u32 i = 0; i < count && i < MOST_LISTED; i++) {
        if (what->flags & TRACE_POLLED) {
            if (get_u32(address + i * what->size, &value) != 0)
                return;
            announce(s, (s32)value);
            continue;
        }
        u8 byte = 0;
        if (i % 8 == 0 && copy_in(&byte, address + i / 8, 1) != 0)
            return;
        value = i % 8 == 0 ? byte : value;
        if (value >> i % 8 & 1)
            announce(s, (s32)i);
    }
}

void trace_names_before(struct trace_slot *s, const struct trace_call *row, const u64 *a)
{
    for (u32 i = 0; i < MAX_ARGUMENTS; i++)
        if (row->descriptors >> i & 1)
            announce(s, (s32)a[i]);
    for (u32 i = 0; (row->flags & TRACED_SETS) && i < row->count; i++)
        if (row->arguments[i].flags & (TRACE_BITS | TRACE_POLLED))
            announce_listed(s, &row->arguments[i], a);
}

/* A connection that is being made has an address already, and will have a peer. */
void trace_names_failed(const struct trace_call *row, const u64 *a, long result)
{
    if (result != -EINPROGRESS || !(row->flags & TRACED_RENAMES))
        return;
    for (u32 i = 0; i < MAX_ARGUMENTS; i++)
        if (row->descriptors >> i & 1)
            forget(NULL, (s32)a[i]);
}

static u8 *made(struct trace_record *r, u8 *at, int fd)
{
    forget(NULL, fd);
    return r != NULL ? capture_descriptor(r, at, fd) : at;
}

/* What a call that succeeded has made of numbers; `r` NULL: nobody wants to see it. */
u8 *trace_names_after(struct trace_record *r, u8 *at, const struct trace_call *row, const u64 *a, long result)
{
    for (u32 i = 0; (row->flags & TRACED_RENAMES) && i < MAX_ARGUMENTS; i++)
        if (row->descriptors >> i & 1)
            at = made(r, at, (s32)a[i]);
    if (row->flags & TRACED_FD_RESULT)
        at = made(r, at, (int)result);
    for (u32 i = 0; i < row->count; i++) {
        const struct trace_argument *what = &row->arguments[i];
        u32 number;
        if (!(what->flags & TRACE_FDS))
            continue;
        for (u32 k = 0; k < what->size / sizeof(number); k++)
            if (get_u32(a[what->argument] + k * sizeof(number), &number) == 0)
                at = made(r, at, (int)number);
    }
    return at;
}

static bool judge(int fd, u32 automaton)
{
    char name[LONGEST_NAME];
    long length = trace_name(fd, name, sizeof(name));
    return length > 0 && name[0] == '/' && trace_matches(automaton, (const u8 *)name, (u64)length);
}

u32 trace_name_matches(int fd, u32 automaton)
{
    if (fd < 0)
        return TRUTH_FALSE;
    if ((u32)fd >= NUMBERS || automaton >= MOST_AUTOMATA || !(trace_area->options & TRACE_WITH_NAMES))
        return judge(fd, automaton);
    u32 judged = 2U << 2 * automaton, verdict = 4U << 2 * automaton;
    u32 state = __atomic_load_n(&known[fd], __ATOMIC_RELAXED);
    if (state & judged)
        return (state & verdict) != 0;
    bool matches = judge(fd, automaton);
    __atomic_or_fetch(&known[fd], judged | (matches ? verdict : 0), __ATOMIC_RELAXED);
    return matches;
}
