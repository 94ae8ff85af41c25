/* poll, ppoll, select and pselect.
 *
 * The layouts agree; three things do not.  Some event bits have other places.  A descriptor whose other
 * end is gone is readable to FreeBSD (it reads end-of-file) as well as hung up, and programs that ask for
 * POLLIN alone rely on it.  And none of these calls is ever repeated after a signal. */
#include "files.h"

#define LOCAL_ENTRIES 128
#define ENTRIES_MAXIMUM (1U << 20)
#define MICROSECONDS 1000000

static long interrupted(long r)
{
    return r == RESTART ? -EINTR : r;
}

/* ---- poll --------------------------------------------------------------------------------------- */

static void convert_in(struct thread *t, struct bsd_pollfd *entry)
{
    u64 events;
    bool wants_input = (entry->events & BSD_POLLINIGNEOF) != 0;
    bsd_poll_events_to_host((u16)entry->events & ~(u64)BSD_POLLINIGNEOF, &events);
    if (wants_input)
        events |= LINUX_POLLIN;
    entry->events = (s16)events;
    if (fd_is_reserved(t, entry->fd))
        entry->fd = 0x7fffffff; /* nobody's: the host answers POLLNVAL */
}

static s16 convert_out(int fd, u16 wanted, u16 from)
{
    u16 events = (u16)bsd_poll_events_from_host(from);
    u16 input = BSD_POLLIN | BSD_POLLRDNORM;
    /* A pipe nobody reads any more is an error to the host and a hang-up to FreeBSD. */
    if (events & BSD_POLLERR && descriptor_type(fd) == MODE_FIFO)
        events = (u16)((events & ~BSD_POLLERR) | BSD_POLLHUP);
    if (events & BSD_POLLHUP)
        events |= wanted & input;
    if (wanted & BSD_POLLINIGNEOF && events & BSD_POLLIN && !(events & BSD_POLLHUP)) {
        events |= BSD_POLLINIGNEOF;
        if (!(wanted & BSD_POLLIN))
            events &= (u16)~BSD_POLLIN;
    }
    return (s16)events;
}

/* The results into the guest's array, which still holds what was asked. */
static long give_results(const struct bsd_pollfd *polled, u64 address, u32 count)
{
    long ready = 0;
    for (u32 i = 0; i < count; i++) {
        struct bsd_pollfd entry;
        u64 where = address + i * sizeof(entry);
        if (copy_in(&entry, where, sizeof(entry)) != 0)
            return -EFAULT;
        entry.revents = 0;
        if (polled[i].revents != 0)
            entry.revents = convert_out(entry.fd, (u16)entry.events, (u16)polled[i].revents);
        if (entry.revents != 0)
            ready++;
        if (copy_out(where, &entry, sizeof(entry)) != 0)
            return -EFAULT;
    }
    return ready;
}

/* `timeout` in milliseconds, unless `until` is there. */
static long poll_entries(struct thread *t, u64 address, u64 count, s32 timeout, struct linux_timespec *until)
{
    struct bsd_pollfd local[LOCAL_ENTRIES], *entries = local;
    if (count > ENTRIES_MAXIMUM || (until == NULL && timeout < -1))
        return -EINVAL;
    size_t size = count * sizeof(*entries);
    if (count > LOCAL_ENTRIES) {
        entries = runtime_alloc(size);
        if (entries == NULL)
            return -ENOMEM;
    }
    long r = size == 0 ? 0 : copy_in(entries, address, size);
    if (!is_error(r)) {
        for (u64 i = 0; i < count; i++)
            convert_in(t, &entries[i]);
        r = until ? host_intr(__NR_ppoll, entries, count, until, NULL, 0)
                  : host_intr(__NR_poll, entries, count, timeout);
        r = interrupted(r);
    }
    if (!is_error(r))
        r = give_results(entries, address, (u32)count);
    if (entries != local)
        runtime_free(entries);
    return r;
}

long bsd_sys_poll(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return poll_entries(t, a[0], (u32)a[1], (s32)a[2], NULL);
}

/* ---- time limits and masks ---------------------------------------------------------------------- */

static long read_timespec(u64 address, struct linux_timespec *to)
{
    struct bsd_timespec from;
    if (copy_in(&from, address, sizeof(from)) != 0)
        return -EFAULT;
    if (from.sec < 0 || from.nsec < 0 || from.nsec >= 1000L * MICROSECONDS)
        return -EINVAL;
    to->sec = from.sec;
    to->nsec = from.nsec;
    return 0;
}

static long read_timeval(u64 address, struct linux_timespec *to)
{
    struct bsd_timeval from;
    if (copy_in(&from, address, sizeof(from)) != 0)
        return -EFAULT;
    if (from.sec < 0 || from.usec < 0 || from.usec >= MICROSECONDS)
        return -EINVAL;
    to->sec = from.sec;
    to->nsec = from.usec * 1000;
    return 0;
}

/* Puts the caller's mask in force; *set says whether there was one. */
static long begin_mask(struct thread *t, u64 address, bool *set)
{
    struct bsd_sigset mask;
    *set = false;
    if (address == 0)
        return 0;
    if (copy_in(&mask, address, sizeof(mask)) != 0)
        return -EFAULT;
    temporary_mask(t, bsd_sigset_to_host(&mask));
    *set = true;
    return 0;
}

long bsd_sys_ppoll(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_timespec until;
    bool masked;
    long r = a[2] ? read_timespec(a[2], &until) : 0;
    if (!is_error(r))
        r = begin_mask(t, a[3], &masked);
    if (is_error(r))
        return r;
    r = poll_entries(t, a[0], (u32)a[1], -1, a[2] ? &until : NULL);
    if (masked)
        temporary_mask_end(t, r);
    return r;
}

/* ---- select ------------------------------------------------------------------------------------- */

/* Whether a set names one of the runtime's own descriptors. */
static long names_hidden(struct thread *t, s32 count, u64 set)
{
    s32 base = t->process->reserved_base, end = base + t->process->reserved_count;
    for (s32 fd = base; set != 0 && fd < end && fd < count; fd++) {
        u64 word;
        if (get_u64(set + (u64)fd / 64 * 8, &word) != 0)
            return -EFAULT;
        if (word >> (fd % 64) & 1)
            return -EBADF;
    }
    return 0;
}

static long select_sets(struct thread *t, const u64 a[MAX_ARGUMENTS], struct linux_timespec *until)
{
    s32 count = (s32)a[0];
    if (count < 0)
        return -EINVAL;
    for (int i = 1; i <= 3; i++) {
        long r = names_hidden(t, count, a[i]);
        if (is_error(r))
            return r;
    }
    return interrupted(host_intr(__NR_pselect6, count, a[1], a[2], a[3], until, NULL));
}

long bsd_sys_select(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_timespec until;
    long r = a[4] ? read_timeval(a[4], &until) : 0;
    return is_error(r) ? r : select_sets(t, a, a[4] ? &until : NULL);
}

long bsd_sys_pselect(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_timespec until;
    bool masked;
    long r = a[4] ? read_timespec(a[4], &until) : 0;
    if (!is_error(r))
        r = begin_mask(t, a[5], &masked);
    if (is_error(r))
        return r;
    r = select_sets(t, a, a[4] ? &until : NULL);
    if (masked)
        temporary_mask_end(t, r);
    return r;
}
